"""What checkpoints while a program runs cost: its run time with and without ``--every``, and its longest pause.

    python benches/every.py --heresy target/release/heresy --python python3.13 [--pairs 10] [--seconds 10] [--megabytes 10]

The program holds a heap of so many megabytes of small objects, and does a fixed number of rounds of arithmetic, of which some
change a part of the heap. Each pair is a run without and a run with ``--every``, one after the other, in turns in another
order; the median of the quotients of a pair is given, so that what else runs on the machine, and its pace, count little. *CPU* is
the same of the program's processor time: what it waits for others, also for the process that writes, is not in it. The program
notes the longest time between two rounds; what it is without ``--every`` is the machine's.

``--megabytes 1000`` is the large one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = """\
import json, sys, time

def fill(megabytes):
    # About 100 bytes for each: a list of two numbers and a place in a list.
    return [[i, i + 0.5] for i in range(megabytes * 1_000_000 // 136)]

def run(data, rounds):
    longest, total, size = 0.0, 0, len(data)
    start = before = time.perf_counter()
    cpu = time.process_time()
    for n in range(rounds):
        for i in range(200):
            total = (total * 31 + i) % 1000003
        data[n * 7919 % size][0] = total
        now = time.perf_counter()
        if now - before > longest:
            longest = now - before
        before = now
    return time.perf_counter() - start, longest, time.process_time() - cpu

print(json.dumps(run(fill(int(sys.argv[1])), int(sys.argv[2]))))
"""


class Place:
    """A folder to measure in."""

    def __init__(self, folder: Path, heresy: str, python: str, megabytes: int) -> None:
        self.folder = folder
        self.command = [heresy, "run", "--fresh", "--python", python]
        self.megabytes = str(megabytes)
        self.environ = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"), XDG_CONFIG_HOME=str(folder / "config"))
        (folder / "program.py").write_text(PROGRAM)

    def run(self, rounds: int, *options: str) -> tuple[float, float, float, int]:
        """Seconds that it ran, the longest pause, seconds of the processor, and how many checkpoints were seen."""
        life = subprocess.Popen(
            [*self.command, *options, "program.py", self.megabytes, str(rounds)],
            cwd=self.folder, env=self.environ, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        seen: set[tuple[int, int]] = set()
        while life.poll() is None:
            for path in (self.folder / ".heresy").glob("*.ckpt"):
                try:
                    found = path.stat()
                except FileNotFoundError:
                    continue
                seen.add((found.st_ino, found.st_mtime_ns))
            time.sleep(0.05)
        assert life.stdout is not None
        return *json.loads(life.stdout.read()), len(seen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to measure")
    parser.add_argument("--every", default="1s", help="the time between checkpoints")
    parser.add_argument("--max-overhead", default="2%", help="how much they may cost")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a run takes, about")
    parser.add_argument("--megabytes", type=int, default=10, help="the size of the heap")
    parser.add_argument("--folder", help="where to measure: another disk, or one that is memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        place = Place(Path(name).resolve(), os.path.abspath(options.heresy), options.python, options.megabytes)
        took, *_ = place.run(20000)
        rounds = int(20000 * options.seconds / took)
        with_every = ["--every", options.every, "--max-overhead", options.max_overhead]
        quotients, of_cpu, pauses, usual, made = [], [], [], [], []
        for pair in range(options.pairs):
            found = {}
            for each in ([], with_every) if pair % 2 else (with_every, []):
                found[bool(each)] = place.run(rounds, *each)
            quotients.append(found[True][0] / found[False][0])
            of_cpu.append(found[True][2] / found[False][2])
            pauses.append(found[True][1])
            usual.append(found[False][1])
            made.append(found[True][3])
            print(
                f"pair {pair + 1}: {found[False][0]:.3f} s, with --every {found[True][0]:.3f} s;"
                f" longest pause {1e3 * usual[-1]:.1f} ms, {1e3 * pauses[-1]:.1f} ms; {made[-1]} checkpoints",
                flush=True,
            )
        print(f"heap of {options.megabytes} MB, --every {options.every}, --max-overhead {options.max_overhead}")
        print(
            f"  run time       {statistics.median(quotients):.4f} times that without; CPU {statistics.median(of_cpu):.4f}"
        )
        print(
            f"  longest pause  {1e3 * statistics.median(pauses):.1f} ms, without {1e3 * statistics.median(usual):.1f} ms"
        )
        print(f"  checkpoints    {statistics.median(made)} a run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
