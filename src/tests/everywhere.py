"""The stop-everywhere test: programs are stopped at safe points, continued in fresh processes, and compared.

    python everywhere.py --heresy target/release/heresy --python python3.13 [--points 300] [--chain] SCRIPT…

Each SCRIPT (a file, or the folder of a package that ``-m`` runs; but for those that the interpreter is too old for) is run plain
first. Then, for n = 1, 2, 3, …, it is stopped at its n-th safe point and continued in a fresh process; what both lives print,
the exit status and the files they leave must be those of the plain run. With `--points N` at most N points, spread over the
run, are tried. With `--chain` the program is stopped again and again, at each safe point after every resume (or at every K-th
with `--stride K`), so that it has as many lives as it has safe points.

Lives are forked from a server that has what a life imports (`lives`), with `--cold` each is that of a fresh interpreter. So
is each of a program that takes longer than the server allows.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from lives import RUNTIME, Interpreter, Life, run


class Outcome(NamedTuple):
    """What a program did."""

    status: int
    stdout: bytes
    stderr: bytes
    files: dict[str, bytes]


class Failure(Exception):
    """A stopped and continued program differs from the plain one."""


class TooLong(Exception):
    """A life has taken more time than the server of lives allows."""


def files_in(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(".heresy") and "__pycache__" not in name:
            found[name] = path.read_bytes()
    return found


class Program:
    """One script under one interpreter, with the modules below its folder; or a package, run by ``-m``."""

    def __init__(self, heresy: str, python: str, script: Path, cache: Path, interpreter: Interpreter | None = None) -> None:
        self.heresy = heresy
        self.python = python
        #: Gives it its lives, unless it is a package.
        self.interpreter = interpreter or Interpreter(python, cold=True)
        self.package = script.name if script.is_dir() else None
        self.script = script / "__main__.py" if self.package else script
        self.root = script.parent
        self.sha256 = hashlib.sha256(self.script.read_bytes()).hexdigest()
        self.cache = cache
        self.path = {"PYTHONPATH": str(self.root)} if self.package else {}

    def plain(self) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            words = ["-m", self.package] if self.package else [str(self.script)]
            # As where heresy is installed: what it offers to programs does nothing in a plain run.
            path = os.pathsep.join([*self.path.values(), str(RUNTIME.parent.parent)])
            done = run([self.python, *words], Path(folder), path={"PYTHONPATH": path})
            return Outcome(done.returncode, done.stdout, done.stderr, files_in(Path(folder)))

    def life(self, folder: Path, resume: bool, stop_at: int | None) -> Life:
        launch = {
            "kind": "module" if self.package else "script",
            "script": self.package or str(self.script),
            "source": str(self.script),
            "sha256": self.sha256,
            "folder": str(self.cache),
            "cache": str(self.cache / "code"),
            "build": "test",
            "heresy": self.heresy,
            "roots": [str(self.root)],
            "checkpoint": str(folder / ".heresy" / "program.ckpt"),
            "resume": resume,
            "command": "again",
            "hash_seed": {"value": "1", "was": "1"},
            "stop_at": stop_at,
        }
        if self.package:
            done = run([self.python, str(RUNTIME), json.dumps(launch)], folder, path=self.path)
            return Life(done.returncode, done.stdout, done.stderr)
        life = self.interpreter.life(launch, self.script, folder)
        if life.status in (-signal.SIGXCPU, -signal.SIGALRM) and not self.interpreter.cold:
            raise TooLong
        return life

    def safe_points(self) -> tuple[int, Outcome]:
        """How many safe points an unstopped run passes, and what it does."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            done = self.life(folder, False, 0)
            found = re.search(rb"heresy: (\d+) safe points passed\n", done.stderr)
            if found is None:
                raise Failure(f"the run did not end: {done.stderr.decode(errors='replace')}")
            return int(found[1]), Outcome(
                done.status, done.stdout, own_words_removed(done.stderr), files_in(folder)
            )

    def stopped(self, first: int, stride: int | None, asked: int, most: int) -> tuple[int, Outcome]:
        """Stops at safe point `first`, then after each `stride` more, `asked` times.

        More than `most` stops are a failure: that program would go on for ever.

        Returns:
            the number of stops, and what all lives did together.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            stdout, stderr, stops = b"", b"", 0
            stop_at: int | None = first
            while True:
                done = self.life(folder, stops > 0, stop_at)
                stdout += done.stdout
                stderr += own_words_removed(done.stderr)
                if done.status != -signal.SIGINT:
                    break
                stops += 1
                if stops > most:
                    raise Failure(f"still running after {stops} stops")
                stop_at = stride if stops < asked else None
            if (folder / ".heresy" / "program.ckpt").exists():
                raise Failure(
                    f"after {stops} stops a checkpoint is left; status {done.status}: "
                    + done.stderr.decode(errors="replace")[-3000:]
                )
            return stops, Outcome(done.status, stdout, stderr, files_in(folder))


def own_words_removed(stderr: bytes) -> bytes:
    return b"".join(line for line in stderr.splitlines(True) if not line.startswith(b"heresy: "))


def compare(plain: Outcome, other: Outcome, what: str) -> None:
    for field in Outcome._fields:
        a, b = getattr(plain, field), getattr(other, field)
        if a != b:
            tail = "" if field == "stderr" else f"\n--- stderr here\n{show(other.stderr)}"
            raise Failure(f"{what}: {field} differs\n--- plain\n{show(a)}\n--- here\n{show(b)}{tail}")


def show(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else repr(value)
    return text[-1500:]


#: What this process has served lives from.
_interpreters: dict[str, Interpreter] = {}


def check(task: tuple[str, str, str, str, int, int | None, bool, bool]) -> tuple[str, int, str]:
    """One script. Returns its name, the number of stops that were tried, and what failed."""
    heresy, python, script, cache, points, stride, chain, cold = task
    try:
        interpreter = _interpreters.setdefault(python, Interpreter(python, cold=cold))
        stops, failure = tried(Program(heresy, python, Path(script), Path(cache), interpreter), points, stride, chain)
    except TooLong:
        stops, failure = tried(Program(heresy, python, Path(script), Path(cache)), points, stride, chain)
    return Path(script).stem, stops, failure


def tried(program: Program, points: int, stride: int | None, chain: bool) -> tuple[int, str]:
    """Stops a program. Returns the number of stops that were tried, and what failed."""
    stops = passed_by = 0
    try:
        plain = program.plain()
        total, unstopped = program.safe_points()
        compare(plain, unstopped, "unstopped")
        if chain:
            step = stride or max(1, -(-total // points))
            # Not all of an unstopped run's are counted: it may wait where a continued one need not.
            stops, outcome = program.stopped(1, step, 10**9, 10 * total + 100)
            compare(plain, outcome, f"in {stops + 1} lives")
        else:
            for n in spread(total, points):
                asked = 1 if stride is None else 3
                done, outcome = program.stopped(n, stride, asked, asked)
                stops += done
                compare(plain, outcome, f"stopped at point {n} of {total}")
                # From the last points on, a stop may have to wait for the end of the program.
                passed_by += not done
            if 2 * passed_by > stops:
                raise Failure(f"{passed_by} of {total} points were not stopped at")
    except (Failure, subprocess.TimeoutExpired) as error:
        return stops, str(error)
    return stops, ""


def spread(total: int, points: int) -> list[int]:
    """`points` numbers spread over 1…total, the first and the last among them."""
    if total <= points:
        return list(range(1, total + 1))
    return sorted({1 + round(k * (total - 1) / (points - 1)) for k in range(points)})


def scripts_for(python: str, scripts: list[str]) -> list[str]:
    """Those that an interpreter can run: the first line of one may be ``# target-version: 3.14``."""
    ask = [python, "-c", "import sys; print(sys.version_info[1])"]
    minor = int(subprocess.run(ask, capture_output=True, check=True).stdout)

    def needed(script: str) -> int:
        path = Path(script)
        first = path.read_text(errors="replace").partition("\n")[0] if path.is_file() else ""
        found = re.fullmatch(r"# target-version: 3\.(\d+)", first)
        return int(found[1]) if found else 0

    return [script for script in scripts if needed(script) <= minor]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--points", type=int, default=10**9, help="at most this many stops of each program")
    parser.add_argument("--stride", type=int, help="stop again so many safe points later, up to three stops")
    parser.add_argument("--chain", action="store_true", help="one run with as many lives as there are points")
    parser.add_argument("--cold", action="store_true", help="start an interpreter for each life, not a fork of one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("scripts", nargs="+")
    options = parser.parse_args()
    bad = good = 0
    with tempfile.TemporaryDirectory() as cache, concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for python in options.python:
            tasks = [
                (
                    str(Path(options.heresy).resolve()),
                    python,
                    str(Path(script).resolve()),
                    cache,
                    options.points,
                    options.stride,
                    options.chain,
                    options.cold,
                )
                for script in scripts_for(python, options.scripts)
            ]
            stops = 0
            for name, count, failure in pool.map(check, tasks):
                stops += count
                if failure:
                    bad += 1
                    print(f"{python} {name}: FAILED after {count} stops: {failure}", flush=True)
                else:
                    good += 1
            print(f"{python}: {len(tasks)} programs, {stops} stops", flush=True)
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
