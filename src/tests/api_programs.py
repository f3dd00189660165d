"""The programs of `api`'s trials."""

PREAMBLE = """\
import os, sys
import heresy

def died(resumed):
    if resumed is not True and "DIE" in os.environ:
        sys.stdout.flush()
        os.kill(os.getpid(), 9)
    return resumed

"""

# A checkpoint in every part of every statement; and what is around it must be as it was.
EVERYWHERE = """
from heresy import checkpoint as save
import functools

died(heresy.checkpoint())
print("statement")
value = died(heresy.checkpoint())
value += died(save()) + 10 * died(save())
print("assignments", value)
if died(heresy.checkpoint()):
    print("if")
rounds = 0
while died(heresy.checkpoint()):
    rounds += 1
    if rounds == 2:
        break
print("while", rounds)
for letter in str(died(heresy.checkpoint())):
    died(save())
    print("for", letter)
for known in [heresy.checkpoint()]:
    died(known)
    print("for", known)

class Manager:
    def __init__(self, value):
        self.value = value
    def __enter__(self):
        died(heresy.checkpoint())
        return self.value
    def __exit__(self, kind, error, traceback):
        print("exit", self.value, kind and kind.__name__)
        return True

with Manager(died(save())) as first:
    with Manager(2) as second:
        died(save())
        print("with", first, second)
        raise LookupError
match died(heresy.checkpoint()), rounds:
    case True, 2:
        print("match")
    case other:
        print("never", other)
print(f"{died(save())!s:>6}", [0, died(save())], {1: died(save())}, (died(save()), 3), 1 < 2 < 1 + died(save()))
print(died(save()) and "and", False or died(save()), "yes" if died(save()) else "no", (named := died(save())), named)
table = {}
table[died(save())] = died(save())
assert died(save()), "never"
partial = functools.partial(save)
print("partial", table, died(partial()))

def deep(n, cell):
    def inner(more):
        nonlocal cell
        cell += died(heresy.checkpoint())
        return cell + more
    if n:
        return deep(n - 1, cell) + inner(n) - died(save())
    try:
        raise ValueError(n)
    except ValueError as error:
        died(save())
        try:
            raise
        except ValueError as same:
            print("handler", same is error, sys.exception() is error)
        raise KeyError(n) from error
    finally:
        died(save())
        print("finally")
        return 5

print("deep", deep(3, 100))

class Node:
    def __init__(self, depth):
        self.depth = depth
        self.child = Node(depth - 1) if depth else None
        died(heresy.checkpoint())
        self.done = True

node = Node(2)

def numbers(n):
    for i in range(n):
        died(heresy.checkpoint())
        yield i + died(save())

def outer():
    last = yield from numbers(2)
    yield died(save()), last

generator = outer()
print("generator", next(generator), died(save()))
for item in generator:
    print("generated", item, died(save()))
print("node", node.child.child.done, node.done, heresy.is_resumed())
"""

# The second checkpoint replaces the first; the third fails, and the second is still there.
NEWEST = """
import resource, signal

def attempt(name):
    try:
        resumed = heresy.checkpoint()
    except heresy.CheckpointError as error:
        print(name, error.code, "could not be written" in str(error), type(error).__module__)
        return None
    print(name, resumed)
    return resumed

ballast = [str(n) * 7 for n in range(5000)]
attempt("first")
again = attempt("second")
if not again:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    attempt("third")
    died(False)
import decimal
died(attempt("fourth"))
print("end", len(ballast), decimal.Decimal(2))
"""

HELD = """
import time

def pause(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)

def stretch():
    print("go", flush=True)
    with heresy.no_stop():
        pause(0.2)
        try:
            with heresy.no_stop():
                pause(0.2)
                raise LookupError("passes through")
        except LookupError as error:
            print(error)
        pause(0.2)
        try:
            heresy.checkpoint()
        except heresy.CheckpointError as error:
            print(error.code)
        print("ended", flush=True)
    after()

def after():
    print("after", heresy.is_resumed(), flush=True)

stretch()
"""

REGISTERED = """
import socket

class Wire:
    def __init__(self, name):
        self.name = name
        self.ends = socket.socketpair()

wire = Wire("a")
holder = {"wires": [wire, wire], "same": wire}

def saved(wire):
    return {"name": wire.name, "all": holder}

def restored(value):
    return Wire(value["name"])

died(heresy.checkpoint())
if heresy.is_resumed():
    try:
        wire.ends[0].sendall(b"hello")
    except heresy.UnsavedObjectError as error:
        print("unsaved", "wire.ends[0]: socket.socket" in str(error), repr(wire.ends[0]))
    wire.ends = socket.socketpair()
heresy.register(Wire, save=lambda wire: wire.name, restore=Wire)
for life in range(2):
    died(heresy.checkpoint())
    wire.ends[0].sendall(b"hello")
    print(wire.ends[1].recv(5), wire is holder["same"], wire is holder["wires"][1], heresy.is_resumed())
heresy.register(Wire, save=lambda wire: 1 / 0, restore=Wire)
try:
    died(heresy.checkpoint())
except heresy.CheckpointError as error:
    print("ZeroDivisionError" in str(error), "program.py:" in str(error), "<lambda>" in str(error))
for wrong in (lambda: heresy.register(int, save=str, restore=int), lambda: heresy.register("int", save=str, restore=int),
              lambda: heresy.register(Wire, save=1, restore=int), lambda: heresy.on_save(3), lambda: heresy.on_restore(3)):
    try:
        wrong()
    except TypeError as error:
        print(error)
"""

UNSAVED = """
import socket

wire = socket.socket()
try:
    died(heresy.checkpoint())
    try:
        print("used", wire.fileno() > 0)
    except heresy.UnsavedObjectError as error:
        print("unsaved", "wire: socket.socket" in str(error))
except heresy.CheckpointError as error:
    print(error.code, "wire: socket.socket" in str(error))
"""

CALLBACKS = """
import time
calls = []
class Log:
    def __init__(self, name):
        self.name = name
    def note(self):
        calls.append(self.name)

@heresy.on_save
def first():
    calls.append("save 1")
heresy.on_save(Log("save 2").note)
heresy.on_restore(Log("restore 1").note)
@heresy.on_restore
def last():
    import fractions
    calls.append(f"restore 2 {fractions.Fraction(2, 4)}")
    print("restored", flush=True)
for life in range(2):
    died(heresy.checkpoint())
    print(calls)
if heresy.is_resumed():
    print("sleeping", flush=True)
    time.sleep(1.5)
print(calls)
"""

FAILING = """
import time, threading
wish = os.environ.pop("WISH", None)

@heresy.on_save
def before():
    if os.environ.get("WISH") == "save":
        raise OSError("no disk")

@heresy.on_restore
def behind():
    if os.environ.get("WISH") == "restore":
        print("trying")
        raise ConnectionError("no line")

class Thing:
    pass
def make(name):
    if os.environ.get("WISH") == "make":
        raise RuntimeError(f"no {name}")
    return Thing()
heresy.register(Thing, save=lambda thing: "thing", restore=make)
thing = Thing()

def attempt(what):
    try:
        return what()
    except heresy.CheckpointError as error:
        return str(error).splitlines()[0]

def from_c(_):
    return heresy.checkpoint()

def with_thread():
    done = threading.Event()
    thread = threading.Thread(target=done.wait, name="worker")
    thread.start()
    try:
        return heresy.checkpoint()
    finally:
        done.set()
        thread.join()

def in_child():
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        print(attempt(heresy.checkpoint))
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]

def in_sum():
    return sum(map(from_c, [1]))

def in_list():
    return list(map(from_c, [1]))

print(attempt(in_sum))
print(attempt(in_list))
print(attempt(with_thread))
print(attempt(in_child))
os.environ["WISH"] = "save"
print(attempt(heresy.checkpoint))
os.environ.pop("WISH")
if wish is not None:
    os.environ["WISH"] = wish
print("sleeping", flush=True)
time.sleep(0.4)
died(heresy.checkpoint())
print("end", type(thing).__name__)
"""


ENDING = """\
def refused(function, *args):
    try:
        function(*args)
    except (OSError, TypeError):
        pass
    else:
        print("it should have failed")

print("begun", flush=True)
refused(os._exit, "x")
refused(os.execv, "/nowhere", ["nowhere"])
died(heresy.checkpoint())
refused(os._exit, None)
refused(os.execl, "/nowhere", "nowhere")
refused(os.execve, "/", ["/"], {{}})
child = os.fork()
if not child:
    os._exit(0)
os.waitpid(child, 0)
print("gone on", flush=True)
{way}
"""
ENDS = {
    "os._exit(0)": "",
    "os.execl('/bin/echo', 'echo', 'another')": "another\n",
    "os.execvpe('echo', ['echo', 'another'], os.environ)": "another\n",
}
