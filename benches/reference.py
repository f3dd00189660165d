"""The reference program: how long a stop takes, how large it is, and how long it takes to go on.

    python benches/reference.py --heresy target/release/heresy --python python3.13 [--rounds 15] [--lists 1 10 100]

A CPU-bound loop holds ``list(range(270_000))``, which is 1.2 MB pickled and 9.7 MB in memory (and as many more lists as it takes
for the other sizes); beside it runs one that holds nothing. Each is stopped by SIGINT and continued; once, its checksum at the
end is compared with that of a plain run. *Stop* is from the signal to the end of the process; *go on*, from the start of
``heresy run`` to the next round of the loop, beside that of ``heresy run`` to the first round. What is given of the large one is
what it takes beyond the empty one: the medians of rounds taken in turns.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = """\
import sys, time

def run(lists):
    data = [list(range(270_000)) for _ in range(lists)]
    checksum, said = 0, 0
    print(time.time(), flush=True)
    began = time.monotonic()
    for n in range(10**9):
        checksum = (checksum * 31 + n % 7 + (data[n % lists][n % 270_000] if lists else 0)) % 1000003
        if n % 10_000 == 0:
            # The time of the first round after a start or a continuation is of interest, and little else.
            now = time.monotonic()
            if now - began > 0.05 or now < began:
                print(time.time(), flush=True)
            began = now
            if n == 5_000_000:
                break
    return checksum

print(run(int(sys.argv[1])), flush=True)
"""


class Place:
    """A folder to measure in."""

    def __init__(self, folder: Path, heresy: str, python: str) -> None:
        self.folder = folder
        self.command = [heresy, "run", "--python", python, "program.py"]
        self.environ = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"), XDG_CONFIG_HOME=str(folder / "config"))
        (folder / "program.py").write_text(PROGRAM)

    def start(self, lists: int) -> tuple[subprocess.Popen[str], float]:
        """A life, and how long it took to its first word."""
        began = time.time()
        life = subprocess.Popen(
            [*self.command, str(lists)], cwd=self.folder, env=self.environ, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert life.stdout is not None
        return life, float(life.stdout.readline()) - began

    def check(self, python: str, lists: int) -> None:
        """Compares what a life that is stopped and continued comes to with what plain Python does."""
        plain = subprocess.run(
            [python, "program.py", str(lists)], cwd=self.folder, capture_output=True, text=True, check=True
        )
        life, _ = self.start(lists)
        time.sleep(0.2)
        life.send_signal(signal.SIGINT)
        life.wait()
        life, _ = self.start(lists)
        assert life.stdout is not None
        said = life.stdout.read().split()[-1]
        assert life.wait() == 0 and said == plain.stdout.split()[-1], (said, plain.stdout)

    def round(self, lists: int) -> tuple[float, float, float, int]:
        """Seconds to start, to stop and to go on, and the bytes of the checkpoint."""
        for file in (self.folder / ".heresy").glob("*.ckpt"):
            file.unlink()
        life, started = self.start(lists)
        time.sleep(0.02)
        began = time.perf_counter()
        life.send_signal(signal.SIGINT)
        life.wait()
        stopped = time.perf_counter() - began
        assert life.returncode == -signal.SIGINT, life.returncode
        (file,) = (self.folder / ".heresy").glob("*.ckpt")
        size = file.stat().st_size
        life, goes_on = self.start(lists)
        life.kill()
        life.wait()
        return started, stopped, goes_on, size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lists", type=int, nargs="*", default=[1], help="how many lists are held")
    parser.add_argument("--folder", help="where to measure: another disk, or one that is memory")
    options = parser.parse_args()
    for python in options.python:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            place = Place(Path(name).resolve(), os.path.abspath(options.heresy), python)
            for lists in options.lists:
                place.check(python, lists)
                place.round(0), place.round(lists)
                rounds = [(place.round(0), place.round(lists)) for _ in range(options.rounds)]
                empty = [statistics.median(small[part] for small, _ in rounds) for part in range(4)]
                beyond = [statistics.median(large[part] - small[part] for small, large in rounds) for part in range(4)]
                print(
                    f"{python} {lists} lists: {empty[3] + beyond[3]:.0f} bytes; stop {1000 * beyond[1]:.1f} ms beyond "
                    f"{1000 * empty[1]:.1f} ms; go on {1000 * beyond[2]:.1f} ms beyond {1000 * empty[2]:.1f} ms, "
                    f"of which the start of an empty program is {1000 * empty[0]:.1f} ms",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
