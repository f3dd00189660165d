"""Iterators in mid-course, but for those of `itertools`."""

import collections


def over_lists():
    items = [1, 2, 3, 4]
    a, b, done = iter(items), reversed(items), iter([])
    next(a), next(b), list(done)
    yield
    items.append(5)
    print(list(a), list(b), list(done), type(a).__name__, type(b).__name__)


def over_tuples_and_ranges():
    a, b, c, d = iter((1, 2, 3)), iter(range(5)), reversed(range(5)), iter(range(10**30, 10**30 + 3))
    next(a), next(b), next(c), next(d)
    yield
    print(list(a), list(b), list(c), list(d) == [10**30 + 1, 10**30 + 2], type(b).__name__)


def over_strings_and_bytes():
    found = iter("abc"), iter("äöü"), iter(b"abc"), iter(bytearray(b"abc"))
    for each in found:
        next(each)
    yield
    print([list(each) for each in found])


def over_dicts():
    d = {"a": 1, "b": 2, "c": 3}
    found = iter(d), iter(d.values()), iter(d.items()), reversed(d), reversed(d.items())
    for each in found:
        next(each)
    views = d.keys(), d.values(), d.items()
    yield
    d["b"] = 7
    print([list(each) for each in found], *views)
    d["z"] = 0
    print(views[0] & {"z"}, len(views[1]))


def views_of_ordered_dicts():
    d = collections.OrderedDict.fromkeys("abc", 0)
    views = d.keys(), d.values(), d.items()
    yield
    d["b"] = 7
    d.move_to_end("a")
    print(*map(list, views), [type(view).__name__ for view in views], *next(reversed(views[2])))


def over_dict_in_loop():
    d = dict.fromkeys("abcd", 0)
    for n, key in enumerate(d):
        if n == 1:
            yield
        d[key] += n
        print(key, d)


def over_sets():
    s = {"one", "two", "three", "four", "five"}
    order = list(s)
    it = iter(s)
    first = next(it)
    yield
    print([first, *it] == order, list(s) == order)


def over_frozensets_in_loop():
    order = []
    for n, item in enumerate(frozenset("abcdefgh")):
        if n == 3:
            yield
        order.append(item)
    print(sorted(order), len(order))


def over_deques():
    d = collections.deque([1, 2, 3, 4], maxlen=4)
    a, b = iter(d), reversed(d)
    next(a), next(b)
    yield
    print(list(a), list(b), d)


def over_ordered_dicts():
    d = collections.OrderedDict(a=1, b=2, c=3, d=4)
    found = [iter(d), iter(d.items()), iter(d.values()), reversed(d), reversed(d.items())]
    for each in found:
        next(each)
    done = iter(d)
    list(done)
    changed = iter(d)
    d["e"] = d.pop("a")
    again = iter(d)
    next(again)
    yield
    for each in [*found, changed, again, done]:
        try:
            print(list(each))
        except RuntimeError as error:
            print(error)


def over_counters_and_chain_maps():
    c, m = collections.Counter("abbccc"), collections.ChainMap({"a": 1}, {"b": 2})
    a, b, e = iter(c.items()), iter(m), c.elements()
    next(a), next(b), next(e)
    yield
    print(list(a), list(b), list(e), m["b"], m.maps[0])


def enumerations():
    a, b = enumerate("abcd", 5), enumerate(iter("xyz"), 10**30)
    next(a), next(b)
    yield
    print(list(a), list(b))


def zips():
    a, b = zip("abcd", range(10), strict=False), zip([1, 2], [3, 4], strict=True)
    next(a), next(b)
    yield
    print(list(a), list(b))
    short = zip("abc", "ab", strict=True)
    try:
        print(list(short))
    except ValueError as error:
        print(error)


def strict_zip():
    z = zip("abc", "ab", strict=True)
    next(z)
    yield
    try:
        print(list(z))
    except ValueError as error:
        print(error)


def maps_and_filters():
    log = []
    a, b, c = map(lambda x: x * 2, [1, 2, 3]), filter(None, [0, 1, 0, 2]), map(lambda x, y: log.append(x) or x + y, "ab", "cd")
    next(a), next(b), next(c)
    yield
    print(list(a), list(b), list(c), log)


def reversed_sequences():
    class S:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            if i >= 3:
                raise IndexError
            return i * 10

    s = S()
    a, b, c = reversed(s), iter(s), reversed("abc")
    next(a), next(b), next(c)
    yield
    print(list(a), list(b), list(c))


def callable_iterators():
    stack = [3, 2, 1, 0, 9]
    a = iter(stack.pop, 0)
    state = {"n": 0}

    def up():
        state["n"] += 1
        return state["n"]

    b, done = iter(up, 4), iter(lambda: 1, 1)
    next(a), next(b), list(done)
    yield
    print(list(a), list(b), list(done), stack, type(a).__name__)


def own_iterators():
    class Count:
        def __init__(self, n):
            self.n = n

        def __iter__(self):
            return self

        def __next__(self):
            if not self.n:
                raise StopIteration
            self.n -= 1
            return self.n

    it = Count(4)
    around = enumerate(it)
    next(around)
    yield
    print(next(it), list(around), list(it))


def shared_iterators():
    it = iter(range(6))
    pairs, other = zip(it, it), map(str, it)
    next(pairs)
    yield
    print(next(pairs), next(other), list(it))


def regular_expression_iterators():
    import re

    text = "a1 b22 c333 d4444"
    it = re.finditer(r"(\w)(\d+)", text)
    first = next(it)
    done = re.finditer("x", text)
    list(done)
    yield
    print(first.group(2), [m.span() for m in it], list(done), first.string is text)


def regular_expressions_in_loop():
    import re

    for n, match in enumerate(re.finditer(r"\b\w", "one two three four")):
        if n == 1:
            yield
        print(n, match.group(), match.start(), match.re.pattern)


def empty_matches_in_mid_course():
    import re

    trials = ("", "abc"), ("x*", "axb"), (b"b*", b"abbc"), (r"(?=b)|b", "abab")
    found = [re.finditer(p, s) for p, s in trials]
    rest = [[m.span() for m in re.finditer(p, s)] for p, s in trials]
    begun = [[next(it).span()] for it in found]
    next(found[3])
    yield
    print([a + [m.span() for m in it] for a, it in zip(begun, found)], rest)


def scanners():
    import re

    pattern = re.compile(r"[^\w]?(\w)")
    scanner = pattern.scanner("ä-ö-ü-x-y", 1, 8)
    m = scanner.search()
    other = pattern.scanner("abc")
    other.match()
    yield
    print(m.span(), m.pos, m.endpos, scanner.search().span(), scanner.match().regs, scanner.pattern is pattern)
    print(scanner.search(), scanner.search(), other.match().pos, other.match().span(), other.match())


def lines_of_strings():
    import io

    f = io.StringIO("a\nb\nc\n")
    for n, line in enumerate(f):
        if n == 1:
            yield
        print(repr(line), f.tell())


def over_memoryviews_and_arrays():
    import array

    a, m = iter(array.array("i", [1, 2, 3])), iter(memoryview(b"abc"))
    next(a), next(m)
    yield
    print(list(a), list(m))


def unpacking_iterators():
    import struct

    it = struct.iter_unpack("<H", b"\x01\x00\x02\x00\x03\x00")
    next(it)
    yield
    print(list(it))


def over_generic_aliases_and_types():
    it = iter(tuple[int, ...].__args__)
    next(it)
    yield
    print(list(it))


def csv_readers():
    import csv

    rows = csv.reader(["a,b", "1,'x,y'", "2,3", "4,5"], quotechar="'")
    head = next(rows)
    next(rows)
    yield
    print(head, rows.line_num, next(rows), rows.line_num, list(rows), rows.dialect.quotechar, rows.dialect.delimiter)


def csv_in_loop():
    import csv

    with open("in.csv", "w", newline="") as f:
        f.write('name,n\n"a\nb",1\nc,2\nd,3\n')
    with open("in.csv", newline="") as f:
        for row in csv.DictReader(f):
            if row["n"] == "1":
                yield
            print(row)


def csv_dict_readers():
    import csv

    rows = csv.DictReader(["a;b", "1;2", "3;4;5", "6"], delimiter=";", restkey="rest", restval="none")
    next(rows)
    yield
    print(rows.line_num, list(rows), rows.fieldnames, rows.reader.dialect.delimiter)


def csv_writers():
    import csv
    import io

    f = io.StringIO()
    plain, named = csv.writer(f, dialect="excel-tab"), csv.DictWriter(f, ["a", "b"], extrasaction="ignore")
    named.writeheader()
    plain.writerow([1, "x\ty"])
    yield
    named.writerow({"a": 1, "b": 'q"', "c": 2})
    plain.writerow(["z", None])
    print(f.getvalue().encode(), plain.dialect.delimiter, named.fieldnames)


def csv_dialects():
    import csv

    class Odd(csv.excel):
        delimiter = "|"
        quoting = csv.QUOTE_ALL

    sniffed = csv.Sniffer().sniff("a;b\n1;2\n")
    csv.register_dialect("odd", Odd)
    got = csv.get_dialect("odd")
    yield
    print(got.delimiter, got.quoting, sniffed.delimiter, csv.get_dialect("odd").delimiter, csv.reader([], got).dialect.quoting)


def directory_entries():
    import os

    for name in "abc":
        open(f"entry_{name}.txt", "w").write(name)
    os.mkdir("entry_d")
    os.symlink("entry_a.txt", "entry_link")
    found = {e.name: e for e in os.scandir(".") if e.name.startswith("entry_")}
    size = found["entry_a.txt"].stat().st_size
    open("entry_a.txt", "w").write("longer")
    os.remove("entry_c.txt")
    yield
    print(size, found["entry_a.txt"].stat().st_size, sorted(found), found["entry_d"].is_dir(), found["entry_a.txt"].path)
    print(found["entry_c.txt"].is_file(), found["entry_link"].is_symlink(), found["entry_link"].is_file())
    print(type(found["entry_d"]), os.fspath(found["entry_d"]), repr(found["entry_d"]))
    try:
        found["entry_c.txt"].stat()
    except FileNotFoundError:
        print("gone")


def directory_scans():
    import os

    os.makedirs("scan")
    for n in range(8):
        open(f"scan/{n}", "w").close()
    with os.scandir("scan") as it:
        seen = [next(it).name for _ in range(3)]
        done = os.scandir("scan")
        list(done)
        yield
        rest = [entry.name for entry in it]
    print(sorted(seen + rest), list(done), list(it))


def template_interpolations():
    import sys

    if sys.version_info < (3, 14):
        return
    t = eval("t'a{1+1}b{\"x\"!r:>3}'")
    it = iter(t)
    next(it)
    yield
    print(t.strings, t.values, [getattr(x, "value", x) for x in it])
