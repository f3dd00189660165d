"""Signals at any moment: nothing is lost and nothing is doubled.

    python signals.py --heresy target/debug/heresy --python python3.13 [--signals 200] [--seed 1]

Three trials of each interpreter:

* *anywhere*: programs (`wanderers`) are sent SIGINT, SIGTERM or SIGHUP at random moments of their start, run, stop and restore,
  some after a SIGUSR1, and started again by the same command until they end; moments are parts of the time that an undisturbed
  run takes here. All lives of one together must print each line once, in order, and leave the file of a plain run; a life that
  was stopped ends by that signal. Programs are run by turns until so many signals have been sent.
* *asleep*: the proof of concept is stopped within half a second in the middle of a long sleep, also a second time in
  the sleep that was started again, and continued.
* *each*: what single signals do: the program's own handlers and a `nohup` are respected, a forked child is killed as plain, a
  call that blocks is given up in the end, a reader that has gone does not matter, `--stop-status` is the status, recursion that
  leaves no room does not see the signal.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trials import STOPS, TIMEOUT, Failure, House, Trial, main
from wanderers import PROGRAMS

PROOF = Path(__file__).resolve().parent.parent.parent / "fixtures" / "run" / "proof_of_concept.py"
#: How long a Ctrl-C may take to end a sleeping program.
PATIENCE = 0.5
#: How often it is tried, on a machine that other tests keep busy.
TRIES = 6

CALLS_OF_CHILDREN = (
    "subprocess.run(['sleep', '1']).returncode",
    "subprocess.check_output(['sh', '-c', 'sleep 1; echo done'])",
    "str(subprocess.run('sleep 1; echo done', shell=True, capture_output=True, text=True).stdout).strip()",
    "len(subprocess.getoutput('sleep 1; echo done'))",
)


class TookLong(Failure):
    """A Ctrl-C was not answered in time."""


@dataclasses.dataclass
class Pace:
    """How long a program takes on this machine, now: moments are parts of that.

    Attributes:
        start: until its first words.
        run: from there to its end.
    """

    start: float
    run: float

    def wait(self, life: subprocess.Popen[bytes], chance: random.Random, *, at_start: bool) -> str:
        """Waits for a random moment of a start, or of the first third of a run; says for which."""
        delay = chance.random() * (self.start if at_start else self.run / 3)
        if not at_start:
            wait_for_words(life)
        time.sleep(delay)
        return f"{delay:.3f} s after {'the start' if at_start else 'the first words'}"


def wait_for_words(life: subprocess.Popen[bytes]) -> None:
    """Its own, or that it is continued."""
    select.select([life.stdout, life.stderr], [], [], TIMEOUT)


def measure(house: House, *words: str) -> Pace:
    """Of an undisturbed run. One before it fills the cache."""
    for _ in range(2):
        begun = time.monotonic()
        life = house.start(*words)
        wait_for_words(life)
        first_words = time.monotonic()
        house.end(life)
    return Pace(first_words - begun, time.monotonic() - first_words)


class Journey:
    """One of the programs, run again and again."""

    def __init__(self, house: House, name: str) -> None:
        self.house = house
        self.script = f"{name}.py"
        self.log = house.folder / "log.txt"
        (house.folder / self.script).write_text(PROGRAMS[name])
        self.wanted, self.wanted_log = house.plain(self.script), self.log.read_bytes()
        self.pace = measure(house, self.script)

    def run(self, signals: int, chance: random.Random, ends: collections.Counter[str]) -> int:
        """From its start to its end, with so many signals at the most on the way.

        Returns:
            how many there were.
        """
        sent, stdout, history = 0, b"", []
        while True:
            life = self.house.start(self.script)
            moment = "undisturbed"
            if sent < signals:
                moment = self.pace.wait(life, chance, at_start=sent % 4 == 3)
                if "words" in moment and chance.random() < 0.3:
                    life.send_signal(signal.SIGUSR1)
                    more = chance.random() * chance.choice([0.002, 0.2])
                    time.sleep(more)
                    moment += f" SIGUSR1, {more:.4f} s later"
                    ends["SIGUSR1"] += 1
                number = chance.choice(STOPS)
                life.send_signal(number)
                moment += f" {number.name}"
                ends[number.name] += 1
                sent += 1
                if chance.random() < 0.3:
                    # Who is impatient types it once more, while the first is being answered.
                    more = chance.random() * chance.choice([0.002, 0.2])
                    time.sleep(more)
                    life.send_signal(number)
                    moment += f" and {more:.4f} s later"
            text, words = self.house.end(life)
            stdout += text
            history.append(f"{moment}: {len(text)} bytes, status {life.returncode}: {words[-300:]!r}")
            if life.returncode == 0:
                break
            ends["stopped" if "heresy: stopped at" in words else "before it began"] += 1
        problem = _difference(self.wanted, stdout) or _difference(self.wanted_log, self.log.read_bytes())
        if problem or (left := self.house.checkpoints()):
            raise Failure("\n".join([self.script, problem or f"left behind: {left}", *history]))
        return sent


def anywhere(house: House, signals: int, chance: random.Random) -> str:
    """Returns what to report, for people."""
    journeys = [Journey(house, name) for name in PROGRAMS]
    ends: collections.Counter[str] = collections.Counter()
    sent = runs = 0
    while sent < signals:
        # Each run has its share, so that all of the programs have one.
        share = min(signals - sent, max(1, signals // len(journeys)), 12)
        sent += journeys[runs % len(journeys)].run(share, chance, ends)
        runs += 1
    ends["unstopped"] = sent - ends["stopped"] - ends["before it began"]
    # Three of four were sent to a program that had begun, most of them long before its end.
    if ends["stopped"] < sent / 2:
        raise Failure(f"{dict(ends)}")
    return f"{sent} signals in {runs} runs ({', '.join(f'{n} {end}' for end, n in ends.items())})"


def _difference(wanted: bytes, got: bytes) -> str | None:
    """The first line that two texts do not share."""
    if wanted == got:
        return None
    old, new = wanted.splitlines(), got.splitlines()
    line = next((i for i, (a, b) in enumerate(zip(old, new)) if a != b), min(len(old), len(new)))
    return f"line {line + 1} of {len(old)}: {new[line : line + 3]} instead of {old[line : line + 3]}"


def in_time(trial: Callable[[House], str], house: House) -> str:
    """Another test may have the processor at that moment: the quickest of some tries counts."""
    for _ in range(TRIES - 1):
        try:
            return trial(house)
        except TookLong:
            for left in house.checkpoints():
                (house.folder / ".heresy" / left).unlink()
    return trial(house)


def asleep(house: House) -> str:
    wanted = house.plain(str(PROOF), "0")
    stdout, worst = b"", 0.0
    for _ in range(2):
        life = house.start(str(PROOF), "3")
        # Its first words, of either kind, come just before it sleeps.
        wait_for_words(life)
        time.sleep(0.3)
        before = time.monotonic()
        life.send_signal(signal.SIGINT)
        text, words = house.end(life)
        worst = max(worst, time.monotonic() - before)
        stdout += text
        if life.returncode == 0 or worst > PATIENCE:
            raise TookLong(f"the Ctrl-C took {worst:.2f} s, status {life.returncode}:\n{words}")
    life = house.start(str(PROOF), "3")
    text, words = house.end(life)
    problem = _difference(wanted, stdout + text)
    if problem or life.returncode or house.checkpoints():
        raise Failure(f"{problem} status {life.returncode} left {house.checkpoints()}\n{words}")
    return f"ended in {worst:.2f} s"


#: Loops that have no line but one.
ENDLESS = (
    "for k in iter(int, 1): pass",
    "for k in iter(int, 1): n += k",
    "while n: n += 1",
    "while (n := n + 1): pass",
    "while True: n += 1",
)

#: Of each program the text, the signal, its options, the status to expect, and what of the rest it prints, once it is
#: continued if it was stopped. It is sent the signal once it has printed something.
SINGLE: dict[str, tuple[str, int, list[str], int, str | None]] = {
    "own handler": (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
        "print('on', flush=True)\ntime.sleep(9)\n",
        signal.SIGTERM, [], 9, "",
    ),
    "default again": (
        "import signal, time\nold = signal.signal(signal.SIGTERM, print)\nassert old == signal.SIG_DFL\n"
        "signal.signal(signal.SIGTERM, old)\nprint(signal.getsignal(signal.SIGTERM), flush=True)\ntime.sleep(2)\nprint('rest')\n",
        signal.SIGTERM, [], -signal.SIGTERM, "rest\n",
    ),
    "status": (
        "import time\nprint('on', flush=True)\ntime.sleep(2)\nprint('rest')\n",
        signal.SIGHUP, ["--stop-status", "75"], 75, "rest\n",
    ),
    "forked child": (
        "import os, signal, time\npid = os.fork()\nif pid == 0:\n    time.sleep(60)\ntime.sleep(0.2)\n"
        "print('on', flush=True)\nos.kill(pid, signal.SIGTERM)\nprint(os.waitpid(pid, 0)[1], flush=True)\ntime.sleep(2)\n",
        signal.SIGUSR1, [], 0, "15\n",
    ),
    "blocked": (
        "import os, time\nend, other = os.pipe()\nprint('on', flush=True)\n"
        "if os.environ.get('FULL'):\n    os.write(other, b'x')\nprint(os.read(end, 1))\n",
        signal.SIGTERM, ["--grace", "1.5"], -signal.SIGTERM, None,
    ),
    "no room": (
        "import sys, time\ndef down(n):\n    if n:\n        return down(n - 1) + 1\n    print('on', flush=True)\n"
        "    until = time.monotonic() + 1.5\n    while time.monotonic() < until:\n        pass\n    return 0\n"
        "sys.setrecursionlimit(400)\ntry:\n    value = down(390)\nexcept RecursionError as error:\n    value = error\n"
        "print(value, sys.getrecursionlimit())\n",
        signal.SIGINT, [], -signal.SIGINT, "390 400\n",
    ),
    "no limit": (
        "import sys, time\nsys.setrecursionlimit(2**31 - 1)\nprint('on', flush=True)\ntime.sleep(2)\n"
        "print(sys.getrecursionlimit())\n",
        signal.SIGINT, [], -signal.SIGINT, f"{2**31 - 1}\n",
    ),
    "waits": (
        "import time\ndef key(x):\n    time.sleep(x)\n    return x\nprint('on', flush=True)\n"
        "xs = sorted([1.5, 0.5], key=key)\nprint('rest')\n",
        signal.SIGTERM, [], -signal.SIGTERM, "rest\n",
    ),
    "ticks": (
        "import signal\nticks, log = [], open('ticks', 'wb', buffering=0)\nbig = [[i] for i in range(200000)]\n"
        "signal.signal(signal.SIGALRM, lambda *_: ticks.append(log.write(b'x')))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)\nprint('on', flush=True)\nturns = 0\n"
        "while turns < 20000000:\n    turns += 1\nsignal.setitimer(signal.ITIMER_REAL, 0)\nlog.close()\n"
        "print(len(open('ticks').read()) - len(ticks))\n",
        signal.SIGINT, [], -signal.SIGINT, "0\n",
    ),
    "timeouts": (
        "import signal\nclass Timeout(Exception):\n    pass\ndef on_alarm(*_):\n    raise Timeout\n"
        "signal.signal(signal.SIGALRM, on_alarm)\nbig = [[i] for i in range(200000)]\nlate = 0\n"
        "print('on', flush=True)\nfor turn in range(20):\n    signal.setitimer(signal.ITIMER_REAL, 0.15)\n    try:\n"
        "        while True:\n            big[turn] = turn\n    except Timeout:\n        late += 1\nprint(late)\n",
        signal.SIGINT, [], -signal.SIGINT, "20\n",
    ),
    "fork in its statement": (
        "import hashlib, os\nprint('on', flush=True)\n"
        "child = (hashlib.pbkdf2_hmac('sha256', b'a', b'b', 4000000), os.fork())[1]\n"
        "if not child:\n    status = 7\n    os._exit(status)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n",
        signal.SIGINT, [], 0, "on\n7\n",
    ),
    **{
        f"endless {number}": (f"n = 1\nprint('on', flush=True)\n{loop}\n", signal.SIGINT, [], -signal.SIGINT, "")
        for number, loop in enumerate(ENDLESS)
    },
}  # fmt: skip


def each(house: House) -> str:
    (house.folder / "wanderer.py").write_text(PROGRAMS["calls"])
    for name, (text, number, options, status, rest) in SINGLE.items():
        script = house.folder / f"{name.replace(' ', '_')}.py"
        script.write_text(text)
        life = house.start(*options, script.name)
        wait_for_words(life)
        time.sleep(0.3)
        life.send_signal(number)
        try:
            stdout, stderr = life.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            life.kill()
            raise Failure(f"{name}: did not end: {life.communicate()}") from None
        if life.returncode != status:
            raise Failure(f"{name}: status {life.returncode}: {stderr.decode()}")
        if rest is None:
            if b"gave up read()" not in stderr:
                raise Failure(f"{name}: {stderr.decode()}")
        elif status:
            if name == "waits" and b"waiting for sorted()" not in stderr:
                raise Failure(f"{name}: {stderr.decode()}")
            if rest:
                again = house.start(*options, script.name)
                stdout, stderr = again.communicate(timeout=TIMEOUT)
                if again.returncode or stdout.decode() != rest:
                    raise Failure(f"{name}: continued: {stdout!r} {stderr.decode()}")
        elif rest not in stdout.decode():
            raise Failure(f"{name}: {stdout!r} {stderr.decode()}")
    return ", ".join([*SINGLE, *_impatience(house), *_surroundings(house)])


def _impatience(house: House) -> list[str]:
    """Who types it again and again at once, has the program stopped; who does so once it is said what that does, has it ended."""
    script = house.folder / "sorts.py"
    script.write_text(
        "import time\ndef key(x):\n    time.sleep(0.05)\n    return x\nprint('on', flush=True)\n"
        "try:\n    for n in range(3):\n        print(sorted(range(40), key=key)[n])\nfinally:\n    print('finally')\n"
    )
    wanted, stdout = house.plain(script.name), b""
    while True:
        life = house.start(script.name)
        wait_for_words(life)
        for _ in range(5):
            life.send_signal(signal.SIGINT)
            time.sleep(0.005)
        text, words = house.end(life)
        stdout += text
        if life.returncode == 0:
            break
        if life.returncode != -signal.SIGINT or "heresy: stopped at" not in words or "Traceback" in words:
            raise Failure(f"five at once: status {life.returncode}: {words}")
    if problem := _difference(wanted, stdout):
        raise Failure(f"five at once: {problem}")
    script.write_text(script.read_text().replace("range(40)", "range(400)"))
    life = house.start(script.name)
    wait_for_words(life)
    for _ in range(3):
        time.sleep(0.6)
        life.send_signal(signal.SIGINT)
    text, words = house.end(life)
    shown = [line for line in words.splitlines() if line.startswith('  File "')]
    left = [name for name in house.checkpoints() if name.startswith("sorts")]
    if life.returncode != -signal.SIGINT or b"finally" not in text or left:
        raise Failure(f"three times: status {life.returncode}, left {left}: {words}")
    if not shown or any(script.name not in line for line in shown):
        raise Failure(f"three times: the traceback shows more than the program: {words}")
    return ["impatience"]


def _surroundings(house: House) -> list[str]:
    """Where a program has no terminal, no reader, or was started to ignore a signal."""
    script = house.folder / "steps.py"
    script.write_text("import time\nfor n in range(30):\n    print(n, flush=n == 0)\n    time.sleep(0.05)\n")
    wanted = house.plain(script.name)
    command = [*house.command, script.name]

    def start(*before: str) -> subprocess.Popen[bytes]:
        life = subprocess.Popen(
            [*before, *command], cwd=house.folder, env=house.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        wait_for_words(life)
        time.sleep(0.2)
        return life

    # SIGHUP is ignored, SIGTERM is not; and that SIGHUP was ignored is not a part of the program.
    life = start("nohup")
    life.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    life.send_signal(signal.SIGTERM)
    first, words = house.end(life)
    if life.returncode != -signal.SIGTERM:
        raise Failure(f"nohup: status {life.returncode}: {words}")
    life = start("setsid")
    life.send_signal(signal.SIGHUP)
    second, words = house.end(life)
    if life.returncode != -signal.SIGHUP:
        raise Failure(f"setsid: status {life.returncode}: {words}")
    life = start("timeout", "--preserve-status", "0.6")
    third, words = life.communicate(timeout=TIMEOUT)
    rest, _ = house.end(house.start(script.name))
    if problem := _difference(wanted, first + second + third + rest):
        raise Failure(f"surroundings: {problem}")
    # A call that is cut short by the same Ctrl-C is made again; where the program has the child itself, that has told it so.
    for call in CALLS_OF_CHILDREN:
        script.write_text(f"import subprocess\nprint('on', flush=True)\nfound = {call}\nprint(found)\n")
        plain = house.plain(script.name)
        life = start("setsid")
        os.killpg(life.pid, signal.SIGINT)
        stdout, words = house.end(life)
        if life.returncode != -signal.SIGINT or "heresy: gave up " not in words:
            raise Failure(f"{call}: status {life.returncode}: {stdout!r} {words}")
        rest, words = house.end(house.start(script.name))
        if problem := _difference(plain, stdout + rest):
            raise Failure(f"{call}: {problem} {words}")
    for call in "subprocess.Popen(['sleep', '1']).wait()", "print('half'), subprocess.call(['sleep', '1'])":
        script.write_text(f"import subprocess, time\nprint('on', flush=True)\nprint({call})\ntime.sleep(0.1)\n")
        life = start("setsid")
        os.killpg(life.pid, signal.SIGINT)
        stdout, words = house.end(life)
        if life.returncode or "H319" not in words or b"-2" not in stdout:
            raise Failure(f"{call}: status {life.returncode}: {stdout!r} {words}")
    script.write_text("import time\nfor n in range(30):\n    print(n, flush=n == 0)\n    time.sleep(0.05)\n")
    # Nobody reads what it says, for a while.
    script.write_text("import time\nprint('on', flush=True)\nprint('x' * 1_000_000, flush=True)\ntime.sleep(0.2)\nprint('end')\n")
    life = start()
    time.sleep(0.3)
    for _ in range(2):
        life.send_signal(signal.SIGINT)
        time.sleep(0.3)
    stdout, words = house.end(life)
    rest, more = house.end(house.start(script.name))
    whole = stdout + rest == b"on\n" + b"x" * 1_000_000 + b"\nend\n"
    if life.returncode != -signal.SIGINT or "gave up" in words or not whole:
        raise Failure(f"full pipe: status {life.returncode}, {len(stdout)} and {len(rest)} bytes: {words}{more}")
    script.write_text("import time\nfor n in range(30):\n    print(n, flush=n == 0)\n    time.sleep(0.05)\n")
    # Nobody ever reads it.
    life = start()
    life.stdout.close()  # type: ignore[union-attr]
    life.stderr.close()  # type: ignore[union-attr]
    life.send_signal(signal.SIGTERM)
    if life.wait(TIMEOUT) != -signal.SIGTERM or not house.checkpoints():
        raise Failure(f"no reader: status {life.returncode}, left {house.checkpoints()}")
    return ["nohup", "setsid", "timeout", "a child", "full pipe", "no reader"]


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--signals", type=int, default=200, help="how many signals to send at random moments")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")


def table(options: argparse.Namespace) -> dict[str, Trial]:
    return {
        "anywhere": functools.partial(anywhere, signals=options.signals, chance=random.Random(options.seed)),
        "asleep": functools.partial(in_time, asleep),
        "each": each,
    }


if __name__ == "__main__":
    sys.exit(main(__doc__, table, options))
