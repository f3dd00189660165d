"""What a checkpoint costs: its size, the time to make it, and the time to continue from it, beside those of `pickle` alone.

    python benches/checkpoint.py --heresy target/release/heresy --python python3.13 [--elements 270000]

Of a program with ten small variables the size of the whole file is given. Of one that holds ``list(range(n))``, for each way to
compress: the size beside ``len(pickle.dumps(…))``; the time of ``heresy.checkpoint()`` beside that of ``pickle.dumps``; the time
until the program goes on in a new process beside that of ``pickle.loads``. Each is the least of some rounds. What a round waits
for the disk (``fsync``) is given apart: it is the disk's, and another on each machine. *CPU* is the processor time of the
process, which what else runs on the machine disturbs less.

The time to continue is that beyond the interpreter's own start: from the start of ``heresy resume`` to the program's next
statement, less that of ``heresy run`` to its first. Both are measured by turns, and the least of each is taken, as it is for
`pickle`: what else runs on the machine can only add. Part of it is the import of what restores a program; so the same is given
for a program that holds nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEN = """\
import os, heresy

def work():
    count, rate, name, done, nothing = 7, 0.25, "epoch", False, None
    rows, pair, table, raw, seen = [1, 2, 3], (4, 5), {"a": 1}, b"abc", {6, 7}
    if not heresy.checkpoint():
        os.kill(os.getpid(), 9)
    print(count, rate, name, done, nothing, rows, pair, table, raw, seen)

work()
"""

HOLDER = """\
import json, os, pickle, sys, time
import heresy

def least(function, rounds=12):
    best = (9e9, 9e9)
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        best = min(best[0], time.perf_counter() - wall), min(best[1], time.process_time() - cpu)
    return best

def work(size):
    data = list(range(size))
    if size:
        pickled = pickle.dumps(data, 5)
        dumps, loads = least(lambda: pickle.dumps(data, 5)), least(lambda: pickle.loads(pickled))
        pickled = len(pickled)
        synced, rounds = [], []
        class Disk:
            def __getattr__(self, name):
                return getattr(os, name)
            def fsync(self, descriptor):
                start = time.perf_counter()
                os.fsync(descriptor)
                synced[-1] += time.perf_counter() - start
        heresy.checkpoint()
        # Not in `os` itself: what a program puts there is saved, too.
        sys.modules["heresy._checkpoint"].os = Disk()
        for _ in range(12):
            synced.append(0)
            wall, cpu = time.perf_counter(), time.process_time()
            heresy.checkpoint()
            rounds.append((time.perf_counter() - wall, time.process_time() - cpu))
        sys.modules["heresy._checkpoint"].os = os
        del Disk
        print(json.dumps({
            "dumps": dumps, "loads": loads, "pickled": pickled, "first": rounds[0][0],
            "made": min(wall - waited for (wall, _), waited in zip(rounds, synced)),
            "cpu": min(cpu for _, cpu in rounds), "synced": sorted(synced)[len(synced) // 2],
        }), flush=True)
    if not heresy.checkpoint():
        os.kill(os.getpid(), 9)
    print(time.time(), flush=True)
    os.kill(os.getpid(), 9)

print(time.time(), flush=True)
if int(sys.argv[1]) < 0:
    os.kill(os.getpid(), 9)
work(int(sys.argv[1]))
"""


class Place:
    """A folder to measure in."""

    def __init__(self, folder: Path, heresy: str, python: str) -> None:
        self.folder = folder
        self.heresy = heresy
        self.python = python
        self.environ = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"), XDG_CONFIG_HOME=str(folder / "config"))

    def run(self, *words: str) -> list[str]:
        done = subprocess.run(
            [self.heresy, *words], cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        return done.stdout.splitlines()

    def until_it_goes_on(self, *words: str) -> tuple[float, float]:
        """Seconds until the program has said that it runs, by the clock and of the processor; it kills itself then."""
        begun = time.time()
        process = subprocess.Popen(
            [self.heresy, *words], cwd=self.folder, env=self.environ,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL, said
        return float(said.split()[-1]) - begun, used.ru_utime + used.ru_stime

    def checkpoint(self, name: str) -> Path:
        (file,) = (self.folder / ".heresy").glob(f"{name}-*.ckpt")
        return file


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to measure")
    parser.add_argument("--elements", type=int, default=270_000)
    parser.add_argument("--rounds", type=int, default=15, help="how often a program is continued")
    parser.add_argument("--folder", help="where to measure: another disk, or one that is memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        place = Place(Path(name).resolve(), os.path.abspath(options.heresy), options.python)
        (place.folder / "ten.py").write_text(TEN)
        place.run("run", "--python", options.python, "ten.py")
        print(f"{options.python} ten small variables: {place.checkpoint('ten').stat().st_size} bytes")
        (place.folder / "holder.py").write_text(HOLDER)
        for compress in "none", "fast":
            measure(place, compress, options.elements, options.rounds)
    return 0


def measure(place: Place, compress: str, elements: int, rounds: int) -> None:
    run = ["run", "--fresh", "--compress", compress, "--python", place.python, "holder.py"]
    found = json.loads(place.run(*run, str(elements))[1])
    size = place.checkpoint("holder").stat().st_size
    (dumps, dumps_cpu), (loads, loads_cpu) = found["dumps"], found["loads"]
    large = continued(place, run, rounds)
    place.checkpoint("holder").unlink()
    place.run(*run, "0")
    small = continued(place, run, rounds)
    place.checkpoint("holder").unlink()

    def say(what: str, text: str) -> None:
        print(f"{place.python} {elements} integers, {compress}, {what}: {text}", flush=True)

    say("size", f"{size} bytes, {size / found['pickled']:.3f} of pickle.dumps's {found['pickled']}")
    say("made", f"in {ms(found['made'])}, {over(found['made'], dumps)}; pickle.dumps {ms(dumps)}")
    say("made, CPU", f"in {ms(found['cpu'])}, {over(found['cpu'], dumps_cpu)}; pickle.dumps {ms(dumps_cpu)}")
    say("made, besides", f"{ms(found['synced'])} for the disk; the first took {ms(found['first'])}, with imports")
    say("goes on", f"{ms(large[0])} later than it starts, {over(large[0], loads)}; pickle.loads {ms(loads)}")
    say("goes on, CPU", f"{ms(large[1])}, {over(large[1], loads_cpu)}; pickle.loads {ms(loads_cpu)}")
    say("goes on, holding nothing", f"{ms(small[0])} later than it starts; CPU {ms(small[1])}")


def continued(place: Place, run: list[str], rounds: int) -> tuple[float, float]:
    """How much longer it takes until the program goes on than until it starts; it leaves its checkpoint."""
    resume = ["resume", "--python", place.python, str(place.checkpoint("holder"))]
    turns = [(place.until_it_goes_on(*run, "-1"), place.until_it_goes_on(*resume)) for _ in range(rounds)]
    starts, again = zip(*turns)
    wall, cpu = (min(after) - min(before) for before, after in zip(zip(*starts), zip(*again)))
    return wall, cpu


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


def over(seconds: float, plain: float) -> str:
    """How much more than `pickle` it is: the factor, once 5 ms are taken off."""
    return f"{(seconds - 0.005) / plain:.2f} times and 5 ms"


if __name__ == "__main__":
    sys.exit(main())
