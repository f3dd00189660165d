"""Whether costs grow with what there is, and no faster: per line, per frame, per object.

    python benches/growth.py --heresy target/release/heresy --python python3.13

Three programs are made larger and larger: one of so many lines, one that is so many calls deep, one that holds so many
objects. Each is stopped by SIGINT and continued. What is given is the time to transpile (the first), to stop and to go on, less
that of the smallest, and the same for each thousand lines, for each frame, for each thousand objects: that must not grow. It is
the least of some rounds.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_WAIT = """
    print("here", flush=True)
    while True:
        for i in range(1000):
            pass
"""

_LINES = """\
def function_{n}(a, b):
    total = a
    for i in range(b):
        if i % 3 == 0:
            total += other(i, a)
        else:
            total -= i
    text = f"{{total}}: {{a}}"
    return [x for x in (total, text, a)]

"""


def of_lines(count: int) -> str:
    return "".join(_LINES.format(n=n) for n in range(count // 10)) + f"def run():{_WAIT}\nrun()\n"


def of_frames(count: int) -> str:
    body = f"def run():{_WAIT}\ndef deep(n):\n    if n == 0:\n        run()\n    return n + deep(n - 1)\n\ndeep({count})\n"
    return "import sys\nsys.setrecursionlimit(5000)\n" + body


def of_objects(count: int) -> str:
    return f'def hold():\n    data = [{{"number": n, "pair": (n, str(n))}} for n in range({count} // 3)]{_WAIT}\nhold()\n'


#: What grows: the program of a size, the sizes, and the unit.
KINDS = {
    "lines": (of_lines, [10, 100, 1_000, 10_000, 100_000], 1000),
    "frames": (of_frames, [1, 10, 100, 900], 1),
    "objects": (of_objects, [1, 1_000, 10_000, 100_000, 1_000_000], 1000),
}


class Place:
    """A folder to measure in."""

    def __init__(self, folder: Path, heresy: str, python: str, text: str) -> None:
        self.folder = folder
        self.heresy = heresy
        self.python = python
        self.environ = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"), XDG_CONFIG_HOME=str(folder / "config"))
        (folder / "program.py").write_text(text)

    def transpile(self) -> float:
        start = time.perf_counter()
        subprocess.run(
            [self.heresy, "transpile", "program.py", "-o", "out.py"], cwd=self.folder, env=self.environ, check=True,
            capture_output=True,
        )  # fmt: skip
        return time.perf_counter() - start

    def life(self, until: str) -> subprocess.Popen[str]:
        """One that has said a word."""
        life = subprocess.Popen(
            [self.heresy, "run", "--python", self.python, "program.py"], cwd=self.folder, env=self.environ,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert life.stdout is not None
        for line in life.stdout:
            if line.startswith(until):
                return life
        raise RuntimeError(f"it did not say {until!r}, and ended with {life.wait()}")

    def round(self) -> tuple[float, float]:
        """Seconds to stop, and to go on."""
        for file in (self.folder / ".heresy").glob("*.ckpt"):
            file.unlink()
        life = self.life("here")
        start = time.perf_counter()
        life.send_signal(signal.SIGINT)
        assert life.wait() == -signal.SIGINT
        stopped = time.perf_counter() - start
        start = time.perf_counter()
        life = self.life("heresy: continuing")
        goes_on = time.perf_counter() - start
        life.kill()
        life.wait()
        return stopped, goes_on


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to measure")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for kind, (text, sizes, unit) in KINDS.items():
        least: dict[str, float] = {}
        for size in sizes:
            with tempfile.TemporaryDirectory() as name:
                place = Place(Path(name), os.path.abspath(options.heresy), options.python, text(size))
                place.round()
                rounds = [place.round() for _ in range(options.rounds)]
                found = {"stop": min(stop for stop, _ in rounds), "go on": min(on for _, on in rounds)}
                if kind == "lines":
                    found["transpile"] = min(place.transpile() for _ in range(options.rounds))
            least = least or found
            words = []
            for what, seconds in found.items():
                more = 1000 * (seconds - least[what])
                words.append(f"{what} {1000 * seconds:.1f} ms" + (f" ({more * unit / size:.3f})" if size > sizes[0] else ""))
            print(f"{options.python} {size} {kind}: {', '.join(words)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
