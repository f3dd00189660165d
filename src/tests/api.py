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

from api_programs import CALLBACKS, ENDING, ENDS, EVERYWHERE, FAILING, HELD, NEWEST, PREAMBLE, REGISTERED, UNSAVED
from trials import House, Trial, main, need

RUNTIME = Path(__file__).resolve().parent.parent / "runtime"


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
            f"{refused}what is called is not a Python function",
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
