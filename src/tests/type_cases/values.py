"""Values of the language and of the standard library."""


def numbers_and_texts():
    found = [0, -1, 10**100, 1.5, float("inf"), -0.0, float("nan"), 1j, True, None, "ä\ud800", b"\x00\xff", bytearray(b"ab"), ""]
    yield
    print(found[:10], ascii(found[10]), found[11:])


def containers():
    a = [1, (2, [3]), {4: {5}}, frozenset({6})]
    a.append(a)
    a[1][1].append(a[2])
    yield
    print(a[-1] is a, a[1][1][1] is a[2], a[3], a[2])


def singletons():
    found = [None, Ellipsis, NotImplemented, int, type, object, print, len, __import__]
    yield
    print(found, found[1] is ..., found[2] is NotImplemented, found[8] is __import__)


def sentinels():
    import dataclasses
    import inspect

    mine = object()
    held = {"x": mine}
    found = [dataclasses.MISSING, inspect.Parameter.empty, inspect.Signature.empty]
    yield
    print(held["x"] is mine, found[0] is dataclasses.MISSING, found[1] is inspect._empty)


def slices_and_ranges():
    found = [slice(1, None, 2), range(1, 10, 3), slice([1])]
    yield
    print(found)


def collections_types():
    import collections

    found = [
        collections.deque([1, 2], maxlen=3), collections.Counter("aab"), collections.OrderedDict(a=1),
        collections.defaultdict(list, {1: [2]}), collections.ChainMap({1: 2}, {3: 4}), collections.UserDict(a=1),
        collections.UserList([1]), collections.UserString("s"),
    ]  # fmt: skip
    found[3][5].append(6)
    yield
    print(found, found[0].maxlen, found[3][7])


def default_dict_of_lambda():
    import collections

    d = collections.defaultdict(lambda: collections.defaultdict(int))
    d["a"]["b"] += 1
    yield
    d["c"]["d"] += 2
    print({k: dict(v) for k, v in d.items()})


def heaps():
    import heapq

    h = [5, 1, 4]
    heapq.heapify(h)
    yield
    heapq.heappush(h, 0)
    print([heapq.heappop(h) for _ in range(4)])


def decimals():
    import decimal

    d, c = decimal.Decimal("1.10"), decimal.Context(prec=3, traps=[decimal.DivisionByZero])
    decimal.getcontext().prec = 7
    yield
    print(d, c.prec, c.divide(1, 3), decimal.Decimal(1) / 3, c.traps[decimal.DivisionByZero], c.traps[decimal.Overflow])


def local_decimal_context():
    import decimal

    with decimal.localcontext() as c:
        c.prec = 4
        yield
        print(decimal.Decimal(1) / 3, decimal.getcontext() is c)
    print(decimal.getcontext().prec)


def fractions_and_statistics():
    import fractions
    import statistics

    f, n = fractions.Fraction(1, 3), statistics.NormalDist(1, 2)
    yield
    print(f + 1, n.mean, n.cdf(1))


def dates():
    import datetime
    import zoneinfo

    utc, tz = datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=2), "X")
    try:
        berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        berlin = zoneinfo.ZoneInfo
    found = [
        datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 1, 12, tzinfo=tz), datetime.time(1, 2, fold=1),
        datetime.timedelta(1, 2, 3), datetime.datetime(2024, 7, 1, tzinfo=utc),
    ]  # fmt: skip
    yield
    print(found, found[4].tzinfo is utc, found[1].tzname(), berlin)


def arrays_and_structs():
    import array
    import struct

    a, s = array.array("d", [1.5, 2]), struct.Struct("<hi")
    yield
    a.append(3)
    print(a, s.pack(1, 2), s.size, s.format)


def memory_views():
    import array

    data = bytearray(b"abcdefgh")
    m, part = memoryview(data), memoryview(data)[2:6]
    back, cast, fixed = part[::-1], memoryview(array.array("i", [1, 2, 3]))[1:], memoryview(b"xyz")[1:].toreadonly()
    grid = memoryview(bytes(range(6))).cast("B", (2, 3))
    gone = memoryview(b"q")
    gone.release()
    yield
    part[0] = ord("X")
    print(data, bytes(back), bytes(m), m.obj is data, part.obj is data, cast.tolist(), fixed.tobytes(), fixed.readonly)
    print(grid.tolist(), grid.shape, cast.format, back.strides)
    try:
        len(gone)
    except ValueError as error:
        print(error)
    try:
        data.append(1)
    except BufferError:
        print("exported")


def weak_references():
    import weakref

    class C:
        def m(self):
            pass

    c, log = [C()], []
    r, dead, m = weakref.ref(c[0], log.append), weakref.ref(C()), weakref.WeakMethod(c[0].m, log.append)
    proxy, w, s, k = weakref.proxy(c[0]), weakref.WeakValueDictionary(), weakref.WeakSet(c), weakref.WeakKeyDictionary()
    w["a"], k[c[0]], c[0].x, n = c[0], 1, 5, weakref.WeakMethod(C().m)
    yield
    print(r() is c[0], dead() is None, proxy.x, w["a"] is c[0], c[0] in s, k[c[0]], m() == c[0].m, n())
    c.clear()
    print(r in log, m in log, len(w), len(s), len(k))
    try:
        print(proxy.x)
    except ReferenceError as error:
        print(error)


def finalizers():
    import weakref

    class C:
        pass

    held = [C()]
    f = weakref.finalize(held[0], print, "finalized", 1)
    dead = weakref.finalize(C(), lambda: None)
    yield
    print(f.alive, dead.alive, f.atexit)
    held.clear()
    print(f.alive)


def mapping_proxies():
    import types

    d = {"a": 1}
    p = types.MappingProxyType(d)
    yield
    d["b"] = 2
    print(p["b"], len(p))


def random_numbers():
    import random

    r = random.Random(5)
    r.random(), random.seed(7), random.random()
    yield
    print(r.random(), random.random(), r.gauss(0, 1), r.sample(range(9), 3))


def system_random():
    import random

    r = random.SystemRandom()
    yield
    print(0 <= r.random() < 1, type(r).__name__)


def identifiers_and_addresses():
    import ipaddress
    import pathlib
    import urllib.parse
    import uuid

    found = [
        uuid.UUID(int=5), pathlib.Path("a") / "b", pathlib.PurePosixPath("/x"), ipaddress.ip_address("10.0.0.1"),
        ipaddress.ip_network("10.0.0.0/8"), urllib.parse.urlparse("http://u@h:1/p?q#f"), urllib.parse.urlsplit("//h"),
        pathlib.PureWindowsPath("c:/x"),
    ]  # fmt: skip
    yield
    print(found, found[4].num_addresses, found[5].port, found[1].name)


def re_objects():
    import re

    p, m = re.compile("(?P<a>x+)(y)?", re.I), re.search("(?P<b>b+)", "abbc")
    yield
    print(p.match("XX").group("a"), m.group("b"), m.span(), m.string, p.flags == re.compile("x", re.I).flags)


def strings_and_texts():
    import difflib
    import string
    import textwrap

    t, w, s = string.Template("$a b"), textwrap.TextWrapper(width=10), difflib.SequenceMatcher(None, "abcd", "bcde")
    d, f = difflib.Differ(), string.Formatter()
    s.ratio()
    yield
    print(t.substitute(a=1), w.wrap("one two three"), s.ratio(), list(d.compare(["a"], ["b"])), f.format("{0}", 1))


def json_coders():
    import json

    class Coder(json.JSONEncoder):
        def default(self, o):
            return list(o)

    c, d = Coder(indent=1), json.JSONDecoder(object_hook=lambda o: sorted(o))
    yield
    print(c.encode({"a": {1}}), d.decode('{"b": 1, "a": 2}'))


def named_structures():
    import os
    import sys
    import time

    found = [time.gmtime(0), os.stat_result(range(10)), sys.version_info[:0], os.terminal_size((1, 2)), sys.float_info]
    yield
    print(found[0], found[1].st_size, found[3], found[4] == sys.float_info, type(found[0]))


def completed_processes():
    import subprocess

    done = subprocess.CompletedProcess(["x"], 1, b"out", None)
    yield
    print(done, done.returncode)


def signatures():
    import inspect

    def f(a, /, b: int = 2, *c, d, **e) -> str: ...

    s = inspect.signature(f)
    bound = s.bind(1, d=3)
    yield
    print(s, s.parameters["b"].default, bound.arguments, bound.signature is s)


def syntax_trees():
    import ast

    t = ast.parse("x = [a for a in b]")
    yield
    print(ast.unparse(t), t.body[0].lineno, type(t.body[0].targets[0].ctx).__name__)


def xml_elements():
    import xml.etree.ElementTree as ET

    root = ET.fromstring("<a x='1'><b>t</b><c/></a>")
    tree, b = ET.ElementTree(root), root[0]
    yield
    b.text = "u"
    print(ET.tostring(root), tree.getroot() is root, root[0] is b, root.attrib)


def xml_iterators():
    import xml.etree.ElementTree as ET

    root = ET.fromstring("<a><b>1</b><c><b>2</b></c>t</a>")
    it, texts, found = root.iter("b"), root.itertext(), root.iterfind("b")
    next(it), next(texts), next(found)
    yield "_element_iterator"
    print([e.text for e in it], list(texts), list(found))


def xml_documents():
    import xml.dom.minidom

    d = xml.dom.minidom.parseString("<a><b c='1'/></a>")
    yield
    print(d.documentElement.firstChild.getAttribute("c"), d.toxml())


def mail_and_web():
    import email.message
    import urllib.request

    m = email.message.EmailMessage()
    m["Subject"], r = "s", urllib.request.Request("http://h/", headers={"X": "y"})
    m.set_content("text")
    yield
    print(m.as_string(), r.full_url, r.headers)


def loggers():
    import io
    import logging

    stream = io.StringIO()
    log, h = logging.getLogger("mine.sub"), logging.StreamHandler(stream)
    h.setFormatter(logging.Formatter("%(levelname)s:%(message)s"))
    log.addHandler(h)
    log.setLevel("INFO")
    a, r = logging.LoggerAdapter(log, {"k": 1}), logging.LogRecord("n", 10, "p", 1, "m %s", ("x",), None)
    log.propagate = False
    log.info("before")
    yield
    log.info("after")
    a.warning("adapted")
    print(stream.getvalue(), logging.getLogger("mine.sub") is log, r.getMessage(), log.handlers == [h])


def graphs():
    import graphlib

    g = graphlib.TopologicalSorter({"a": ["b"], "b": ["c"], "d": []})
    g.prepare()
    ready = g.get_ready()
    g.done("c")
    yield
    print(sorted(ready), g.get_ready(), g.is_active())


def modules():
    import json
    import os.path
    import types
    import xml.dom

    found = [json, os.path, xml.dom, types.ModuleType("mine")]
    found.pop()
    yield
    print(found[0] is json, found[1] is os.path, found[2].__name__)


def own_module_objects():
    import types

    m = types.ModuleType("mine", "doc")
    m.x = [m]
    yield
    print(m.__name__, m.__doc__, m.x[0] is m)


def big_and_deep():
    deep = []
    for _ in range(100):
        deep = [deep]
    big = list(range(10000)), "x" * 100000, {i: str(i) for i in range(1000)}
    yield
    print(str(deep).count("["), sum(big[0]), len(big[1]), len(big[2]))


def calendars_and_locales():
    import calendar
    import locale

    c, old = calendar.TextCalendar(6), locale.setlocale(locale.LC_NUMERIC)
    yield
    print(c.formatmonth(2024, 2), old == locale.setlocale(locale.LC_NUMERIC))


def hashes():
    import hashlib

    names = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_224", "sha3_256", "sha3_384", "sha3_512"]
    found = [hashlib.new(name, b"some text" * n) for n, name in enumerate(names)]
    found += [hashlib.sha256(), hashlib.md5(b"x" * 64), hashlib.sha512(b"x" * 1000)]
    yield
    for each in found:
        each.update(b"more")
        print(each.name, each.hexdigest(), each.digest_size, each.copy().digest() == each.digest())


def extendable_hashes():
    import hashlib

    found = [hashlib.shake_128(b"x" * 500), hashlib.shake_256(b"y")]
    yield
    for each in found:
        each.update(b"more")
        print(each.hexdigest(9))


def hashes_that_tell_nothing():
    import hashlib

    found = hashlib.blake2b(b"abc", digest_size=9, key=b"k")
    yield "blake2b"
    print(found.hexdigest())


def message_codes():
    import hmac

    h = hmac.new(b"key", b"text" * 50, "sha256")
    yield "HMAC"
    h.update(b"more")
    print(h.hexdigest(), h.name)


def checksums():
    import zlib

    value = zlib.crc32(b"abc")
    yield
    print(zlib.crc32(b"def", value))


def unsaveable_compressors():
    import zlib

    c = zlib.compressobj()
    c.compress(b"x")
    yield "zlib.Compress"
    print(type(c).__name__)


def frozensets_of_sets():
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"]
    sets = []
    for size in (3, 4, 5, 7, 9, 12):
        grown = set(words[:size]) | set(range(size))
        shrunk = set(words) | set(range(1000))
        shrunk -= set(range(size, 1000))
        sets += [frozenset(grown), frozenset(set(words[:size])), frozenset(shrunk), frozenset(shrunk) - {"mu"}]
    before = [list(each) for each in sets]
    keys = {each: n for n, each in enumerate(sets)}
    yield
    print([list(each) for each in sets] == before, len(keys), [keys[each] for each in sets])
    print(before[0], [hash(each) == hash(frozenset(before[n])) for n, each in enumerate(sets)])


def not_a_number():
    import math

    nan, other = float("nan"), float("inf") - float("inf")
    values, places, kept = [nan], {nan: 1}, {nan, other, math.nan}
    yield
    print(nan in values, places.get(nan), values.count(nan), nan in kept, other in kept, math.nan in kept, len(kept))
    print(other in values, float("nan") in kept)


def scanners():
    import re

    words = [(r"\d+", lambda scanner, text: int(text)), ("[a-z]+", lambda scanner, text: text.upper()), (" ", None)]
    scanner = re.Scanner(words, re.I)
    yield
    print(scanner.scan("12 ab Cd ?"), len(scanner.lexicon), scanner.scanner.flags)


def results_of_urllib():
    from urllib.parse import urldefrag, urlsplit

    parts, rest = urlsplit(b"http://a.org:80/p?q#"), urldefrag("http://a.org#f")
    yield
    print(parts, parts.port, parts.geturl(), rest, rest.url, type(rest) is type(urldefrag("")))
