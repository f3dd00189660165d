"""Checkpoints while a program runs: after a kill it goes on from the last one, and it is not disturbed by them.

    python every.py --heresy target/debug/heresy --python python3.13 [--kills 20] [--seed 1]

Trials of each interpreter, all with ``--every`` a fraction of a second:

* *killed*: a program is killed by SIGKILL at random moments, and started again by the same command, until so many kills were
  sent and it has ended. Each life must print a stretch of the plain run's output that leaves no gap behind the lives before,
  a checkpoint that is there must be continued from, and the file in the end is that of the plain run.
* *cut back*: what was written after the checkpoint is cut off, said, and kept; a file that was changed in front is refused.
* *unseen*: a program that watches for children, signals, threads, alarms and descriptors sees what it sees plainly.
* *stopped*: one that is stopped, or ends, while a large checkpoint is being written is continued, or leaves nothing.
* *in the way*: other threads, a trace function: it is said once, if at all, and the program runs on.
"""

from __future__ import annotations

import argparse
import functools
import random
import signal
import sys
import time

from signals import measure, wait_for_words
from trials import TIMEOUT, Failure, House, Trial, main
from wanderers import WANDERER

EVERY = ["--every", "0.2", "--max-overhead", "100%"]
OFTEN = ["--every", "0.05", "--max-overhead", "100%"]

WRITER = """\
import time

first, second, third = open("w.txt", "w"), open("a.txt", "a"), open("r.txt", "r+b", buffering=0)
for n in range(400):
    print(n, flush=True)
    first.write(f"{n} to the first\\n")
    first.flush()
    second.write(f"{n} to the second\\n")
    second.flush()
    third.write(b"%d to the third\\n" % n)
    time.sleep(0.005)
print("end")
"""

WATCHER = """\
import ctypes, gc, os, signal, threading, time

seen = []
signal.signal(signal.SIGCHLD, lambda *_: seen.append("SIGCHLD"))
signal.signal(signal.SIGALRM, lambda *_: seen.append("SIGALRM"))
signal.alarm(1)
total = 0
file = open("watched.txt", "w")
for turn in range(300):
    for i in range(3000):
        total = (total * 31 + i) % 1000003
    file.write("x" * 50)
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        pass
    else:
        seen.append("a child")
    if threading.active_count() != 1 or len(os.listdir("/proc/self/task")) != 1:
        seen.append("a thread")
    if any(signal.getsignal(number) not in (signal.SIG_DFL, None) for number in range(signal.SIGRTMIN, signal.NSIG)):
        seen.append("a handler")
    if signal.getsignal(signal.SIGURG) != signal.SIG_DFL:
        seen.append("SIGURG")
    probe = os.open(os.devnull, os.O_RDONLY)
    seen.append(probe)
    os.close(probe)
    time.sleep(0.005)
pid = os.fork()
if pid == 0:
    time.sleep(0.2)
    os._exit(7)
print(os.waitpid(-1, 0)[1], seen.count("SIGCHLD"), seen.count("SIGALRM"), sorted(set(map(str, seen))), gc.isenabled(), total)
"""

LARGE = """\
import time

data = [str(i) for i in range(400000)]
print("on", flush=True)
for n in range(1200):
    len([x for x in data[:2000]])
    time.sleep(0.001)
print(len(data), n)
"""

THREAD = """\
import threading, time

def wait():
    time.sleep(1.5)

thread = threading.Thread(target=wait)
thread.start()
total = 0
while thread.is_alive():
    total += 1
    time.sleep(0.001)
print("end")
"""

TRACED = """\
import sys

lines = 0

def trace(frame, event, arg):
    global lines
    lines += 1
    return trace

def work():
    total = 0
    for i in range(200000):
        total += i
    return total

sys.settrace(trace)
print(work())
sys.settrace(None)
print(lines >= 400000)
"""


def killed(house: House, kills: int, chance: random.Random) -> str:
    (house.folder / "wanderer.py").write_text(WANDERER)
    log = house.folder / "log.txt"
    wanted, wanted_log = house.plain("wanderer.py"), log.read_bytes()
    pace = measure(house, *EVERY, "wanderer.py")
    sent = programs = continued = 0
    while sent < kills:
        programs += 1
        reached, history = 0, []
        while True:
            had = house.checkpoints()
            life = house.start(*EVERY, "wanderer.py")
            moment = "undisturbed"
            if sent < kills:
                moment = pace.wait(life, chance, at_start=sent % 5 == 4)
                life.kill()
                sent += 1
            stdout, stderr = life.communicate(timeout=TIMEOUT)
            words = stderr.decode()
            history.append(f"{moment}: {len(stdout)} bytes, status {life.returncode}, had {had}: {words[-300:]!r}")
            if life.returncode not in (0, -signal.SIGKILL):
                raise Failure("\n".join(history))
            if stdout and had and "heresy: continuing" not in words:
                raise Failure("\n".join(["a checkpoint was passed over", *history]))
            continued += "heresy: continuing" in words
            start = wanted.find(stdout)
            if stdout and not 0 <= start <= reached:
                raise Failure("\n".join([f"no stretch from {reached} on or before: {stdout[:80]!r}", *history]))
            reached = max(reached, start + len(stdout)) if stdout else reached
            if life.returncode == 0:
                break
        if reached != len(wanted) or not wanted.endswith(stdout) or log.read_bytes() != wanted_log:
            raise Failure("\n".join(["the end is another", *history]))
        need_nothing_left(house)
    if continued < sent / 3:
        raise Failure(f"{sent} kills, {continued} continued:\n" + "\n".join(history))
    return f"{sent} kills in {programs} programs, {continued} continued"


def need_nothing_left(house: House) -> None:
    if left := house.checkpoints():
        raise Failure(f"left behind: {left}")


def cut_back(house: House) -> str:
    files = [house.folder / name for name in ("w.txt", "a.txt", "r.txt")]

    def begin() -> None:
        files[1].write_text("before\n")
        files[2].write_text("")

    (house.folder / "writer.py").write_text(WRITER)
    begin()
    wanted = house.plain("writer.py")
    wanted_files = [file.read_bytes() for file in files]
    for spoil in (False, True):
        begin()
        life = house.start(*EVERY, "writer.py")
        wait_for_words(life)
        for _ in range(int(TIMEOUT / 0.01)):
            if house.checkpoints():
                break
            time.sleep(0.01)
        # Once more than what the checkpoint holds was written.
        time.sleep(0.1)
        life.kill()
        first, _ = life.communicate()
        written = [file.read_bytes() for file in files]
        if spoil:
            files[0].write_bytes(b"X" + written[0][1:] + b"more\n")
        again = house.start(*EVERY, "writer.py")
        rest, stderr = again.communicate(timeout=TIMEOUT)
        words = stderr.decode()
        if spoil:
            if again.returncode != 1 or "H333" not in words or files[1].read_bytes() != written[1]:
                raise Failure(f"not refused: {again.returncode}: {words}")
            continue
        if again.returncode or not wanted.endswith(rest) or wanted.find(rest) > len(first):
            raise Failure(f"continued: status {again.returncode}, {rest[:50]!r} after {first[-50:]!r}:\n{words}")
        if [file.read_bytes() for file in files] != wanted_files:
            raise Failure(f"files are others:\n{words}")
        tails = sorted((house.folder / ".heresy").glob("*.tail"))
        if not tails or words.count("H336") != len(tails):
            raise Failure(f"what was cut off was not said: {tails}\n{words}")
        if not all(any(text.endswith(tail.read_bytes()) for text in written) for tail in tails):
            raise Failure("what was cut off was not kept")
        need_nothing_left(house)
    return f"{len(tails)} files"


def unseen(house: House) -> str:
    (house.folder / "watcher.py").write_text(WATCHER)
    wanted = house.plain("watcher.py")
    life = house.start(*OFTEN, "watcher.py")
    made = 0
    last = None
    while life.poll() is None:
        now = [(path.stat().st_ino, path.stat().st_mtime_ns) for path in (house.folder / ".heresy").glob("*.ckpt")]
        made += now != last and bool(now)
        last = now
        time.sleep(0.01)
    stdout, words = house.end(life)
    if stdout != wanted or life.returncode:
        raise Failure(f"status {life.returncode}: {stdout!r} instead of {wanted!r}\n{words}")
    need_nothing_left(house)
    if made < 2:
        raise Failure(f"only {made} checkpoints were made\n{words}")
    return f"{made} checkpoints"


def stopped(house: House) -> str:
    (house.folder / "large.py").write_text(LARGE)
    wanted = house.plain("large.py")
    for number in (signal.SIGTERM, None):
        life = house.start(*OFTEN, "large.py")
        wait_for_words(life)
        time.sleep(0.5)
        if number is not None:
            life.send_signal(number)
        first, words = house.end(life)
        if life.returncode != -(number or 0):
            raise Failure(f"status {life.returncode}: {words}")
        left = sorted(path.name for path in (house.folder / ".heresy").glob("*.new"))
        if left:
            raise Failure(f"left behind: {left}")
        rest = b""
        if number is not None:
            again = house.start("large.py")
            rest, words = house.end(again)
        if first + rest != wanted:
            raise Failure(f"{first + rest!r}\n{words}")
        need_nothing_left(house)
    return "and ended while one was being written"


def in_the_way(house: House) -> str:
    for name, text, says in (("thread", THREAD, "H313"), ("traced", TRACED, "")):
        script = house.folder / f"{name}.py"
        script.write_text(text)
        wanted = house.plain(script.name)
        life = house.start(*OFTEN, script.name)
        stdout, words = house.end(life)
        if stdout != wanted or life.returncode or (words.count(says) > 1 or says not in words if says else words):
            raise Failure(f"{name}: status {life.returncode}: {stdout!r} instead of {wanted!r}\n{words}")
        need_nothing_left(house)
    return "threads, a trace function"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=20, help="how many kills to send at random moments")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")


def table(options: argparse.Namespace) -> dict[str, Trial]:
    return {
        "killed": functools.partial(killed, kills=options.kills, chance=random.Random(options.seed)),
        "cut back": cut_back,
        "unseen": unseen,
        "stopped": stopped,
        "in the way": in_the_way,
    }


if __name__ == "__main__":
    sys.exit(main(__doc__, table, options))
