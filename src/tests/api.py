"""What a program can ask of heresy itself: ``heresy.checkpoint()`` and the others keep what their docstrings promise.

    python api.py --heresy target/debug/heresy --python python3.13 [TRIAL…]

Each trial is a program and what is done to it: it is run by ``heresy run``, killed or sent SIGINT, and run again by the same
command. Their programs call ``died(…)``, which kills the process by SIGKILL unless it gets True, so that each checkpoint is
continued from exactly once. What makes sense there is also run by plain Python, where nothing of heresy's may do anything.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trials import House, Trial, main, need

RUNTIME = Path(__file__).resolve().parent.parent / "runtime"

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

def in_tuple():
    return tuple(map(from_c, [1]))

def in_list():
    return list(map(from_c, [1]))

print(attempt(in_tuple))
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


class Trials:
    """The trials of one interpreter."""

    def __init__(self, house: House) -> None:
        self.house = house

    def program(self, text: str) -> None:
        (self.house.folder / "program.py").write_text(PREAMBLE + text)

    def life(self, *, interrupted: str = "", **more: str) -> tuple[int, str, str]:
        """One life: its status, what it printed, and the words for people.

        Args:
            interrupted: sends SIGINT a moment after it has printed this line.
            more: of the environment.
        """
        self.house.environment.update(more)
        life = self.house.start("program.py")
        assert life.stdout is not None and life.stderr is not None
        seen = ""
        if interrupted:
            for line in life.stdout:
                seen += line.decode()
                if line.decode().strip() == interrupted:
                    break
            time.sleep(0.1)
            life.send_signal(signal.SIGINT)
        stdout, stderr = life.communicate(timeout=60)
        for name in more:
            del self.house.environment[name]
        return life.returncode, seen + stdout.decode(), stderr.decode()

    def lives(self, text: str, **more: str) -> tuple[str, int]:
        """What a program prints that is killed at each checkpoint, and how many lives it had."""
        self.program(text)
        printed, count = "", 0
        while True:
            status, stdout, stderr = self.life(DIE="1", **more)
            printed += stdout
            count += 1
            if status != -signal.SIGKILL:
                break
            need(len(self.house.checkpoints()) == 1, f"left: {self.house.checkpoints()}\n{stderr}")
            need(count < 200, f"is killed again and again:\n{printed}\n{stderr}")
        need(status == 0, f"status {status}:\n{printed}\n{stderr}")
        need(not self.house.checkpoints(), f"left: {self.house.checkpoints()}")
        return printed, count

    def plain(self) -> str:
        self.house.environment["PYTHONPATH"] = str(RUNTIME)
        try:
            return self.house.plain("-B", "program.py").decode()
        finally:
            del self.house.environment["PYTHONPATH"]

    # --- the trials -----------------------------------------------------------------------------------------------

    def everywhere(self) -> str:
        """Killed after each of many checkpoints, the program goes on from it with True."""
        printed, count = self.lives(EVERYWHERE)
        wanted = """\
statement
assignments 12
if
while 2
for T
for r
for u
for e
for True
with True 2
exit 2 LookupError
exit True None
match
  True [0, True] {1: True} (True, 3) False
and True yes True True
partial {True: True} True
handler True True
finally
deep 311
generator 1 True
generated 2 True
generated (True, None) True
node True True True
"""
        same(printed, wanted)
        need(count > 50, f"{count} lives")
        return f"{count} lives"

    def newest(self) -> str:
        """The newest checkpoint counts; one that fails leaves the one before; later imports are known to the next."""
        printed, count = self.lives(NEWEST)
        same(printed, """\
first False
second False
third H310 True heresy
second True
fourth False
fourth True
end 5000 2
""")  # fmt: skip
        self.plain()
        return f"{count} lives"

    def held(self) -> str:
        """A Ctrl-C waits for the end of a stretch that is not to be stopped in."""
        self.program(HELD)
        status, stdout, stderr = self.life(interrupted="go")
        same(stdout, "go\npasses through\nH315\nended\n")
        need(status == -signal.SIGINT and "in stretch()" in stderr, f"status {status}: {stderr}")
        status, stdout, stderr = self.life()
        same(stdout, "after True\n")
        need(status == 0, stderr)
        same(self.plain(), "go\npasses through\nended\nafter False\n")
        return "waited"

    def registered(self) -> str:
        """Objects of a registered type are saved, each once; the registration is kept."""
        printed, count = self.lives(REGISTERED)
        wrong = """\
objects of type int cannot be saved in another way
'int' is not a type
1 is not callable
3 is not callable
3 is not callable
"""
        unsaved = "unsaved True <unsaved socket.socket>\n"
        same(printed, unsaved + "b'hello' True True True\n" * 2 + "True True True\n" + wrong)
        same(self.plain(), "b'hello' True True False\n" * 2 + wrong)
        return f"{count} lives"

    def unsaved(self) -> str:
        """`--on-unsaved`, and `on-unsaved` in the project's configuration, say what becomes of a stop; the former counts more."""
        words = self.house.command
        placeholder, refuse = "unsaved True\n", "H311 True\n"
        same(self.lives(UNSAVED)[0], placeholder)
        self.house.command = [*words, "--on-unsaved", "refuse"]
        same(self.lives(UNSAVED)[0], refuse)
        (self.house.folder / "pyproject.toml").write_text("[tool.heresy]\non-unsaved = 'refuse'\n")
        self.house.command = words
        same(self.lives(UNSAVED)[0], refuse)
        self.house.command = [*words, "--on-unsaved", "placeholder"]
        same(self.lives(UNSAVED)[0], placeholder)
        same(self.plain(), "used True\n")
        return "as said"

    def callbacks(self) -> str:
        """`on_save` and `on_restore` are called in order, in each life, for both kinds of stop."""
        self.program(CALLBACKS)
        printed = ""
        for _ in range(2):
            status, stdout, stderr = self.life(DIE="1")
            printed += stdout
            need(status == -signal.SIGKILL, f"status {status}: {stderr}")
        status, stdout, stderr = self.life(DIE="1", interrupted="sleeping")
        need(status == -signal.SIGINT, f"status {status}: {stderr}")
        status, more, stderr = self.life(DIE="1")
        need(status == 0, f"status {status}: {stderr}")
        save, restore = ["save 1", "save 2"], ["restore 1", "restore 2 1/2"]
        calls = [save + restore, (save + restore) * 2, (save + restore) * 3]
        wanted = f"restored\n{calls[0]}\nrestored\n{calls[1]}\nsleeping\nrestored\n{calls[2]}\n"
        same(printed + stdout + more, wanted)
        same(self.plain(), "[]\n[]\n[]\n")
        return "in order"

    def failing(self) -> str:
        """What fails is named; the program runs on, or the checkpoint stays."""
        self.program(FAILING)
        refused = "error[H315]: cannot make a checkpoint here: "
        start = [
            f"{refused}tuple() does not call __init__ directly",
            f"{refused}an item for a list is not done",
            "error[H313]: cannot stop here: the program has other threads running: worker",
            f"{refused}this is a child process of the program",
            "0",
        ]
        status, stdout, stderr = self.life(interrupted="sleeping", WISH="save")
        lines = stdout.splitlines()
        need(lines[:5] == start, stdout + stderr)
        failed = "error[H316]: cannot stop here: the on_save function before raised OSError: no disk at "
        need(lines[5].startswith(failed) and lines[6] == "sleeping", stdout)
        need(failed in stderr and "the program runs on" in stderr, stderr)
        # It was refused, by the Ctrl-C and by its own checkpoint, which it does not expect.
        need(status == 1 and "CheckpointError" in stderr and not self.house.checkpoints(), f"status {status}: {stderr}")

        status, stdout, stderr = self.life(DIE="1")
        need(status == -signal.SIGKILL and stdout.endswith("sleeping\n"), f"status {status}: {stderr}")
        for wish, what in {
            "restore": "error[H328]: cannot continue: the on_restore function behind raised ConnectionError: no line at ",
            "make": "error[H327]: cannot continue: the registered function make raised RuntimeError: no thing at ",
        }.items():
            before = self.checkpoint()
            status, stdout, stderr = self.life(DIE="1", WISH=wish)
            same(stdout, "trying\n" if wish == "restore" else "")
            need(status == 1 and what in stderr and "Traceback" not in stderr, f"status {status}: {stderr}")
            need(self.checkpoint() == before, "the checkpoint has changed")
        status, stdout, stderr = self.life(DIE="1")
        need(status == 0, stderr)
        same(stdout, "end Thing\n")
        self.plain()
        return "named"

    def checkpoint(self) -> bytes:
        (name,) = self.house.checkpoints()
        return (self.house.folder / ".heresy" / name).read_bytes()

    def ended(self) -> str:
        """What ends past the interpreter's own end is done, too: the next run starts over."""
        for way, wanted in ENDS.items():
            printed, count = self.lives(ENDING.format(way=way))
            same(printed, f"begun\ngone on\n{wanted}")
            need(count == 2, f"{count} lives")
        return f"by {', '.join(ENDS)}"


def of_house(trial: Callable[[Trials], str]) -> Trial:
    return lambda house: trial(Trials(house))


TRIALS = {
    trial.__name__: of_house(trial)
    for trial in (
        Trials.everywhere, Trials.newest, Trials.held, Trials.registered, Trials.unsaved, Trials.callbacks, Trials.failing,
        Trials.ended,
    )
}  # fmt: skip


def same(got: str, wanted: str) -> None:
    need(got == wanted, f"--- wanted\n{wanted}--- got\n{got}")


if __name__ == "__main__":
    sys.exit(main(__doc__, lambda options: TRIALS))
