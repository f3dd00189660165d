"""What cannot be saved: it is named, and a placeholder takes its place, which never gives a wrong answer.

    python unsaved.py --heresy target/release/heresy --python python3.13 [TRIAL…]

Each trial is a program that is stopped in its function `here` and continued in another process. What it prints and what is said
to the user must be as expected.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from everywhere import Failure
from files import STOP, Place, codes, need, show
from lives import Interpreter, Life

# Each use of a placeholder but those that are promised to work raises the error; what C code asks for by type, TypeError.
USES = STOP + """\
import copy, heresy, itertools, mmap, operator, pickle, socket

first, second = socket.socketpair()
class Own:
    held = first
    def __init__(self):
        self.held = first
own = Own()
held = {first: 1, "list": [first], "set": {first, second}, "own": own}
iterator = iter([first, second])
method = first.send
numbers = memoryview(mmap.mmap(-1, 3))

USES = '''
first.fileno  first.closed = 1  del first.closed  hasattr(first, "x")  getattr(first, "x", None)  first()  first + 1
1 + first  first[0]  first[0] = 1  del first[0]  1 in first  len(first)  bool(first)  not first  first and 1
iter(first)  next(first)  [*first]  {*first}  {**first}  print(*first)  dict(first)  list(first)  tuple(first)
sorted(first)  zip(first)  map(abs, first)  first == 1  first != 1  1 == first  first == second  first < 1
1 < first  [1].index(first)  first in [1]  -first  ~first  abs(first)  str(first)  f"{first}"  f"{first!s}"
"%s" % first  "{}".format(first)  int(first)  float(first)  complex(first)  range(first)  [0][first]  bytes(first)
round(first)  divmod(first, 1)  pow(2, first)  isinstance(first, int)  isinstance(1, first)  issubclass(int, first)
reversed(first)  sum(first)  max(first)  any(first)  dir(first)  vars(first)  open(first)  os.fspath(first)
os.stat(first)  copy.copy(first)  copy.deepcopy(first)  pickle.dumps(first)  operator.index(first)
operator.length_hint(first)  sys.getsizeof(first)  itertools.chain(*first)  ",".join(first)  enumerate(first)
first.send(b"x")  method(b"x")  own.held.close()  numbers[0]  len(numbers)  bytes(numbers)  print(first)  first @ 1
1 @ first  first @ second  first.__class__  first.__dict__
'''
STATEMENTS = '''
with first: pass
for x in first: pass
a, b = first
first += 1
while first: pass
assert first
raise first
match first:
        case int(): pass
match numbers:
        case [x, *_]: print(x)
del first.x
'''
texts = [text for line in USES.splitlines() for text in line.split("  ") if text]
texts += [text for text in STATEMENTS.replace("\\n        ", "\\0").splitlines() if text]
here()
print(first is own.held is Own.held is held["list"][0], first in held, first in held["set"], held[first], second is first)
print([first, method], callable(first), callable(method), next(iterator) is first, first is not None, type(first) is int)
for text in texts:
    try:
        exec(text.replace("\\0", "\\n    "))
    except heresy.UnsavedObjectError as error:
        told = "socket.socket — its connection ends with the process" in str(error) or "numbers: memoryview" in str(error)
        if not told or "program.py:" not in str(error):
            print("is not told:", text, error)
    except TypeError as error:
        print("type:", text)
    else:
        print("may be used:", text)
"""

# What C code does not even ask.
ONLY_TYPES = """\
True True True 1 False
[<unsaved socket.socket>, <unsaved builtin_function_or_method>] False True True True False
type: first()
type: raise first
"""


def uses(place: Place, work: Path) -> None:
    """Whatever is done with a placeholder raises; it stays one and the same object."""
    printed = stopped_once(place, work)[1].stdout.decode()
    need(printed == ONLY_TYPES, printed)


NAMED = STOP + """\
import mmap, socket

class Pool:
    __slots__ = ("spare",)

class Wire:
    def __init__(self):
        self.sock = socket.socket()

pool = {"a": [Wire()], (1, 2): 3}
slots = Pool()
slots.spare = {"deep": ([{"deeper": mmap.mmap(-1, 10)}],)}

def fetch(name):
    local = socket.socket()
    shared = socket.socket()
    def inner():
        return shared
    def numbers():
        kept = socket.socket()
        yield kept
    generator = numbers()
    next(generator)
    here()
    print(name, inner() is shared)

fetch("fetched")
"""

NAMES = """\
program.py:30 fetch(): local: socket.socket
program.py:30 fetch(): shared: socket.socket
program.py:30 fetch(): generator.gi_frame.f_locals['kept']: socket.socket
program.py:33: pool['a'][0].sock: socket.socket
program.py:33: slots.spare['deep'][0][0]['deeper']: mmap.mmap
"""


def named(place: Place, work: Path) -> None:
    """Each object is named, with its frame, line, the way to it and its type; at the stop and at the start."""
    first, second = stopped_once(place, work)
    need(second.stdout == b"fetched True\n", show(second))
    for life, how in ((first, "saved"), (second, "continued")):
        lines = life.stderr.decode().splitlines()
        said = {line.split(" — ")[0].removeprefix("  - ").replace(f"{place.folder}/", "") for line in lines if " — " in line}
        need(said == set(NAMES.splitlines()), "\n".join(sorted(said)))
        need(f"warning[H317]: {how} without 5 objects" in life.stderr.decode(), show(life))


CERTAIN = STOP + """\
import socket
from contextlib import closing

left, right = socket.socketpair()
left.sendall(b"one\\ntwo\\n")
left.close()
for line in right.makefile("r"):
    here()
    print(line, end="")
with socket.socket() as sock:
    here()
def get():
    return socket.socket()
def pair(one, other):
    return one.fileno() != -1, other
print(pair(get(), here()))
try:
    raise ValueError(socket.socket())
except ValueError as error:
    here()
    print("handled")
def lines(sock):
    yield 1
    for line in sock.makefile("r"):
        yield line
def all_lines():
    left, right = socket.socketpair()
    with left:
        left.sendall(b"a\\nb\\n")
    yield from lines(right)
for line in all_lines():
    if line != 1:
        here()
print("last")
"""


def certain(place: Place, work: Path) -> None:
    """Where its use is certain, the stop is refused; elsewhere it is not."""
    refused = stops = 0
    for point in range(1, 100):
        work_here = Path(tempfile.mkdtemp(dir=work.parent))
        life = place.program.life(work_here, False, point)
        if "H311" in codes(life):
            refused += 1
            need(life.status == 0 and life.stdout.endswith(b"handled\nlast\n"), show(life))
            need(b"the program would go on with" in life.stderr and life.stderr.count(b"\n  - ") >= 1, show(life))
        elif life.status == -signal.SIGINT:
            stops += 1
            need(b"in here()" not in life.stderr or b"ValueError" not in life.stderr, show(life))
        else:
            break
    need(refused >= 20 and stops >= 6, f"{refused} stops were refused, and {stops} not")


AGAIN = STOP + """\
import heresy, socket

wire = socket.socket()
log = []

@heresy.on_restore
def mend():
    log.append(repr(wire))

here()
if heresy.is_resumed():
    try:
        wire.fileno()
    except heresy.UnsavedObjectError as error:
        log.append("wire: socket.socket" in str(error))
more = socket.socket()
here()
print(log, [wire, more])
wire = socket.socket()
print(wire.fileno() > 2)
"""


def again(place: Place, work: Path) -> None:
    """A placeholder is saved once more, and named in each life."""
    first = place.start(work)
    second = place.program.life(work, True, 10)
    need(second.status == -signal.SIGINT, f"was not stopped again: {show(second)}")
    third = place.next(work)
    printed = "['<unsaved socket.socket>', True, '<unsaved socket.socket>'] [<unsaved socket.socket>, <unsaved socket.socket>]\n"
    need(third.stdout.decode() == printed + "True\n", f"{show(second)}\n{show(third)}")
    need([life.stderr.count(b" wire: ") for life in (first, second, third)] == [1, 2, 1], show(second))
    need(third.stderr.count(b" more: ") == 1, show(third))


BY_VALUE = STOP + """\
import socket
wire = socket.socket()
table = {wire.fileno: 1, (2, wire.fileno): 2}
here()
print(table[wire.fileno], table[2, wire.fileno])
"""


def by_value(place: Place, work: Path) -> None:
    """What is found by its value, and so would not be found, refuses the stop."""
    life = place.start(work)
    need(life.status == 0 and life.stdout == b"1 2\n" and "H311" in codes(life), show(life))


PROCESSES = STOP + """\
import heresy, subprocess
running = subprocess.Popen(["sleep", "0.3"])
ended = subprocess.Popen(["true"])
ended.wait()
here()
print(ended.wait(), ended.poll(), ended.args)
try:
    print(running.poll())
except heresy.UnsavedObjectError as error:
    print("the process runs" in str(error))
"""


def processes(place: Place, work: Path) -> None:
    """A child process that has ended is saved, one that runs is not."""
    need(stopped_once(place, work)[1].stdout == b"0 0 ['true']\nTrue\n", show(stopped_once(place, work)[1]))


USED_WHEN_READ = STOP + """\
import copyreg, fractions, heresy, os, socket, types

class Link:
    def __init__(self):
        self.sock = socket.socket()

def again(link):
    print("made again", link.sock.fileno() > 2)
    return fractions.Fraction(1, 2)

def connect(number):
    os.system("echo connected again >> connected")
    return types.MappingProxyType({"number": number})

heresy.register(types.MappingProxyType, save=lambda made: made["number"], restore=connect)
made = types.MappingProxyType({"number": 5})
link, half, file = Link(), fractions.Fraction(1, 2), open("written.txt", "w")
file.write("once ")
here()
copyreg.pickle(fractions.Fraction, lambda half: (again, (link,)))
here()
copyreg.dispatch_table.clear()
file.write("and once only")
file.close()
print(half, made["number"], link.sock.fileno() > 2, open("written.txt").read(), os.path.exists("connected"))
try:
    os.wait()
except ChildProcessError:
    print("no child")
"""


def used_when_read(place: Place, work: Path) -> None:
    """What would fail as the state is read back refuses the stop; that this was tried is not to be seen."""
    refused = 0
    for point in range(1, 100):
        life = place.program.life(Path(tempfile.mkdtemp(dir=work.parent)), False, point)
        refused += b"could not be continued without them" in life.stderr and b"link.sock: socket.socket" in life.stderr
        if "H311" in codes(life):
            printed = b"1/2 5 True once and once only False\nno child\n"
            need(life.status == 0 and life.stdout == printed, show(life))
            need(b"note: UnsavedObjectError" in life.stderr, show(life))
        elif life.status == 0:
            break
    need(refused >= 2, f"{refused} stops were refused")


EVERYTHING = STOP + """\
import collections, gc
held = gc.get_objects()
here()
kinds = collections.Counter(map(type, held))
here()
print(len(held) == kinds.total())
"""


def everything(place: Place, work: Path) -> None:
    """What holds the runtime's own objects, which change as it saves, refuses the stop."""
    life = place.start(work)
    need(life.status == 0 and life.stdout == b"True\n" and codes(life) == ["H311"], show(life))


DERIVED = STOP + """\
import heresy, io, sqlite3
class Text(io.TextIOWrapper):
    pass
class Reader(io.BufferedReader):
    pass
class Base(sqlite3.Connection):
    pass
held = [Text(io.BytesIO(b"a")), Reader(io.BytesIO(b"b")), Base(":memory:")]
here()
for each in held:
    try:
        each.close()
    except heresy.UnsavedObjectError as error:
        print(str(error).split(": ")[3].split(" ")[0])
"""


def derived(place: Place, work: Path) -> None:
    """An instance of a class that is derived from one of C's, which keeps to itself what it holds, is not made empty."""
    printed = stopped_once(place, work)[1].stdout
    need(printed == b"__main__.Text\n__main__.Reader\n__main__.Base\n", printed)


TRIALS: dict[str, tuple[str, Callable[[Place, Path], None]]] = {
    "uses": (USES, uses),
    "named": (NAMED, named),
    "certain": (CERTAIN, certain),
    "again": (AGAIN, again),
    "by value": (BY_VALUE, by_value),
    "processes": (PROCESSES, processes),
    "used when read": (USED_WHEN_READ, used_when_read),
    "everything": (EVERYTHING, everything),
    "derived": (DERIVED, derived),
}


def stopped_once(place: Place, work: Path) -> tuple[Life, Life]:
    first = place.start(work)
    need(first.status == -signal.SIGINT, f"was not stopped: {show(first)}")
    second = place.next(work)
    need(second.status == 0, f"did not go on: {show(second)}")
    return first, second


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to test")
    parser.add_argument("trial", nargs="*", help="only these; default: all")
    options = parser.parse_args()
    interpreter = Interpreter(options.python, cold=False)
    done = failed = 0
    with tempfile.TemporaryDirectory() as name:
        for title, (text, trial) in TRIALS.items():
            if options.trial and title not in options.trial:
                continue
            done += 1
            try:
                place = Place(Path(name), str(Path(options.heresy).resolve()), interpreter, text)
                trial(place, Path(name) / "work")
            except Failure as failure:
                failed += 1
                print(f"FAILED: {title}: {failure}")
    interpreter.close()
    print(f"{options.python}: {done} trials, {failed} failed")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
