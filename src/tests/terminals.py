"""What somebody at a terminal does to a program, and sees: keys are typed into a shell in tmux, and its screen is read.

    python terminals.py --heresy target/debug/heresy --python python3.13 [--show] [TRIAL…]

Trials of each interpreter; after each the same command continues the program, and it prints all lines of a plain run, once:

* *asleep*: Ctrl-C in `time.sleep(60)` stops the proof of concept at once;
* *input*: the same at a prompt, which is shown again;
* *socket*: a call of a library that reads from a socket is waited for, which is said; a second Ctrl-C gives it up, and it is made
  again. *refused*: what the program itself reads from cannot be saved: it is told so, and a third Ctrl-C is that of plain Python;
* *event*: waiting for an event is given up at once;
* *sorting*: a Ctrl-C while C calls the program back waits until that is over, and says so;
* *closed*: the terminal is closed;
* *suspended*: Ctrl-Z and `fg` change nothing, and a Ctrl-C after them stops the program.

`--show` prints the screens.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from signals import PROOF
from trials import TIMEOUT, Failure, House, Trial, main

#: How long a Ctrl-C may take to end a program that waits for nothing else, on a machine that other tests keep busy.
PATIENCE = 3.0


class Terminal:
    """A shell in tmux."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.socket = f"heresy-{os.getpid()}-{house.folder.name}"
        self.open()

    def open(self) -> None:
        self.tmux(
            *("-f", os.devnull, "new-session", "-d", "-x", "200", "-y", "50", "-c", str(self.house.folder), "sh"),
            env=self.house.environment,
        )

    def tmux(self, *words: str, env: dict[str, str] | None = None) -> str:
        command = ["tmux", "-L", self.socket, *words]
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout

    def type(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def shown(self) -> str:
        return self.tmux("capture-pane", "-p", "-S", "-")

    def wait_for(self, text: str, timeout: float, count: int = 1) -> float:
        """Waits until a text stands on the screen so many times; returns how long that took."""
        start = time.monotonic()
        while self.shown().count(text) < count:
            if time.monotonic() - start > timeout:
                raise Failure(f"{text!r} did not come:\n{self.shown()}")
            time.sleep(0.02)
        return time.monotonic() - start

    def restart(self) -> None:
        """Closes the terminal, and opens another once the program has ended."""
        self.tmux("kill-session")
        checkpoints = self.house.checkpoints
        until = time.monotonic() + TIMEOUT
        while not any(name.endswith(".ckpt") for name in checkpoints()):
            if time.monotonic() > until:
                raise Failure("closing the terminal has made no checkpoint")
            time.sleep(0.02)
        time.sleep(0.3)
        self.close()
        self.open()

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], check=False, capture_output=True)



class Shell:
    """A program of a house, run from a shell."""

    def __init__(self, house: House, screen: Terminal, words: list[str]) -> None:
        self.screen = screen
        self.command = shlex.join([*house.command, *words])
        self.statuses = 0

    def run(self, until: str) -> None:
        count = self.screen.shown().count(until)
        self.screen.type(self.command, "Enter")
        self.screen.wait_for(until, TIMEOUT, count + 1)

    def need_status(self, status: int) -> None:
        """Waits for the shell, and asks it how the program has ended."""
        self.statuses += 1
        self.screen.type(f'echo "status {self.statuses} is $?"', "Enter")
        self.screen.wait_for(f"status {self.statuses} is {status}\n", TIMEOUT)


def at_once(shell: Shell) -> None:
    shell.screen.type("C-c")
    took = shell.screen.wait_for("heresy: stopped at", TIMEOUT)
    if took > PATIENCE:
        raise Failure(f"the Ctrl-C took {took:.2f} s:\n{shell.screen.shown()}")
    shell.need_status(130)


def asleep(shell: Shell) -> None:
    shell.run("Ready to Interrupt")
    at_once(shell)
    shell.run("May Guido")


ASKING = """\
print("first")
print("hello", input("name? "))
print("last")
"""


def asking(shell: Shell) -> None:
    shell.run("name?")
    shell.screen.type("A", "d", "C-c")
    shell.screen.wait_for("heresy: stopped at", TIMEOUT)
    shell.need_status(130)
    shell.run("name?")
    shell.screen.type("Ada", "Enter")
    shell.screen.wait_for("last", TIMEOUT)


READING = """\
import sys
from urllib.request import urlopen

print("first")
reply = urlopen(sys.argv[1])
print("got", reply.read())
print("last")
"""


def twice(shell: Shell, call: str, answer: str) -> None:
    """Ctrl-C in a call that waits, and once more when that is said."""
    shell.run("first")
    time.sleep(0.3)
    shell.screen.type("C-c")
    shell.screen.wait_for(f"heresy: waiting for {call}() at ", TIMEOUT)
    shell.screen.type("C-c")
    shell.screen.wait_for(answer, TIMEOUT)


def reading(shell: Shell) -> None:
    twice(shell, "urlopen", "heresy: gave up urlopen() at ")
    shell.need_status(130)
    shell.run("last")


def serve() -> str:
    """The address of a server that does not answer its first caller."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        first = listening.accept()[0]
        second = listening.accept()[0]
        second.recv(1000)
        second.sendall(b"HTTP/1.0 200 OK\r\n\r\nmail")
        for each in (first, second, listening):
            each.close()

    threading.Thread(target=answer, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}/"


HOLDING = """\
import socket

one, other = socket.socketpair()
print("first")
try:
    one.recv(10)
except KeyboardInterrupt:
    print("interrupted")
print("last")
"""


def holding(shell: Shell) -> None:
    twice(shell, "recv", "error[H311]: cannot stop here")
    shell.screen.wait_for("the program runs on", TIMEOUT)
    shell.screen.type("C-c")
    shell.screen.wait_for("last", TIMEOUT)


WAITING = """\
import threading

print("first")
stop = threading.Event()
rounds = 0
while rounds < 3 and not stop.wait(2):
    rounds += 1
    print("round", rounds)
print("last")
"""


def waiting(shell: Shell) -> None:
    for reached in "first", "round 1":
        shell.run(reached)
        time.sleep(0.3)
        at_once(shell)
    shell.run("last")


SORTING = """\
import time

def slow(n):
    time.sleep(0.3)
    return -n

print("first")
print(sorted(range(8), key=slow))
print("last")
"""


def sorting(shell: Shell) -> None:
    shell.run("first")
    shell.screen.type("C-c")
    shell.screen.wait_for("heresy: waiting for sorted() at ", TIMEOUT)
    shell.screen.wait_for("heresy: stopped at", TIMEOUT)
    shell.need_status(130)
    shell.run("last")


COUNTING = """\
import time

print("first", flush=True)
for n in range(40):
    print("number", n, flush=True)
    time.sleep(0.05)
print("last")
"""


#: What a terminal shows in its last moment is seen by nobody: the lines are told by a file.
TELLING = """\
import time

told = open("told.txt", "w")


def tell(*words):
    print(*words, flush=True)
    print(*words, file=told, flush=True)


tell("first")
for n in range(40):
    tell("number", n)
    time.sleep(0.05)
tell("last")
"""


def closed(shell: Shell) -> None:
    shell.run("number 5")
    shell.screen.restart()
    shell.run("last")


def suspended(shell: Shell) -> None:
    shell.run("number 5")
    shell.screen.type("C-z")
    shell.screen.wait_for("topped", TIMEOUT)  # the shell says so
    shell.screen.type("fg", "Enter")
    shell.screen.wait_for("number 20", TIMEOUT)
    at_once(shell)
    shell.run("last")


PROGRAMS: dict[str, tuple[str | None, Callable[[Shell], None]]] = {
    "asleep": (None, asleep),
    "input": (ASKING, asking),
    "socket": (READING, reading),
    "refused": (HOLDING, holding),
    "event": (WAITING, waiting),
    "sorting": (SORTING, sorting),
    "closed": (TELLING, closed),
    "suspended": (COUNTING, suspended),
}


def trial(name: str, show: bool) -> Trial:
    text, play = PROGRAMS[name]

    def tried(house: House) -> str:
        if shutil.which("tmux") is None:
            return "SKIPPED: there is no tmux here"
        script = PROOF if text is None else house.folder / f"{name}_program.py"
        if text is not None:
            script.write_text(text)
        words = [str(script), *(["3"] if text is None else [serve()] if name == "socket" else [])]
        screen = Terminal(house)
        try:
            shell = Shell(house, screen, words)
            play(shell)
            shell.need_status(0)
            shown = (house.folder / "told.txt").read_text() if name == "closed" else screen.shown()
        finally:
            screen.close()
        if show:
            print(shown.strip())
        need_each_once(house, name, script, shown)
        return "each line once"

    return tried


def need_each_once(house: House, name: str, script: Path, shown: str) -> None:
    """Of the lines of a plain run; a prompt or the echo of ^C may stand before one."""
    if name == "input":
        wanted = ["first", "name? Ada", "hello Ada", "last"]
    elif name == "socket":
        wanted = ["first", "got b'mail'", "last"]
    elif name == "refused":
        wanted = ["first", "interrupted", "last"]
    else:
        wanted = house.plain(str(script), "0").decode().splitlines()
    rows = shown.splitlines()
    for line in wanted:
        if sum(row.endswith(line) for row in rows) != 1:
            raise Failure(f"{line!r} is not there exactly once:\n{shown}")


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--show", action="store_true", help="print what is on the screen in the end")


if __name__ == "__main__":
    sys.exit(main(__doc__, lambda options: {name: trial(name, options.show) for name in PROGRAMS}, options))
