"""Random programs, stopped at random safe points and continued in fresh processes: nothing may change.

    python random_programs.py --heresy target/release/heresy --python python3.13 --programs 1000 --seed 1 --jobs 2

Program number N is that of seed N (`random_source.program`). It runs plain, in run form without a stop, and several times
in run form with a chain of stops; output, errors and status must be the same each time. A difference, a crash of the
interpreter or an internal error (H9xx) is a failure:
it is printed with its seed, and the program is made smaller as long as it still
fails (`--keep FOLDER` keeps the small ones). A stop that is refused because of what the program holds (H3xx) is counted apart.

Starting an interpreter and importing the modules that a resume needs is most of the time of a short life, so lives are forked
from a server that has the modules loaded. `--cold` starts an interpreter for each; a failure is confirmed in that way.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import everywhere
import random_smaller
import random_source

#: Seconds of processor time for one life of a program.
_LIMIT = 10
_INTERNAL = re.compile(rb"^(?:error\[(H9\d\d)\]|Fatal Python error|SystemError)", re.M)
_REFUSED = re.compile(rb"^error\[(H3\d\d)\]", re.M)

#: Forks one life for each line it reads: ["launch", folder]. The boot script runs as it does when it is started.
_SERVER = r"""
import ast, copy, functools, gc, importlib.machinery, inspect, io, json, marshal, opcode, os, pickle, re, resource, signal, sys
import hashlib, hmac, traceback, types, collections, threading, ctypes, warnings
boot = sys.argv[1]
with open(boot, encoding="utf-8") as file:
    code = compile(file.read(), boot, "exec")
for line in iter(sys.stdin.readline, ""):
    launch, folder = json.loads(line)
    child = os.fork()
    if not child:
        break
    print(os.waitpid(child, 0)[1], flush=True)
else:
    os._exit(0)
os.chdir(folder)
resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
for number, name, flags in (0, os.devnull, os.O_RDONLY), (1, "out", 577), (2, "err", 577):
    handle = os.open(name, flags, 0o600)
    os.dup2(handle, number)
    os.close(handle)
sys.argv = [boot, launch]
sys.path[0] = os.path.dirname(boot)
exec(code, {"__name__": "__main__", "__file__": boot, "__builtins__": __builtins__})
""".replace("SECONDS", str(_LIMIT))


class Life(NamedTuple):
    """What one process of a program did."""

    status: int
    stdout: bytes
    stderr: bytes


class Failure(Exception):
    """A program that was stopped differs from the plain one.

    Attributes:
        kind: what differs; a smaller program must fail in the same way.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class Unfit(Exception):
    """The program is none to test: plain Python does not run it to an end in time."""


class Interpreter:
    """One Python, which gives lives to programs."""

    def __init__(self, python: str, heresy: str, *, cold: bool) -> None:
        self.python = python
        self.heresy = heresy
        self.cold = cold
        self.server: subprocess.Popen[str] | None = None

    def life(self, launch: dict[str, object], folder: Path) -> Life:
        if self.cold:
            done = everywhere.run([self.python, str(everywhere.RUNTIME), json.dumps(launch)], folder)
            return Life(done.returncode, done.stdout, done.stderr)
        if self.server is None:
            self.server = subprocess.Popen(
                [self.python, "-c", _SERVER, str(everywhere.RUNTIME)], env=everywhere.environment("1"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert self.server.stdin is not None and self.server.stdout is not None
        print(json.dumps([json.dumps(launch), str(folder)]), file=self.server.stdin, flush=True)
        status = os.waitstatus_to_exitcode(int(self.server.stdout.readline()))
        return Life(status, (folder / "out").read_bytes(), (folder / "err").read_bytes())

    def close(self) -> None:
        if self.server is not None and self.server.stdin is not None and self.server.stdout is not None:
            self.server.stdin.close()
            self.server.stdout.close()
            self.server.wait()


class Program:
    """One program in a folder of its own."""

    def __init__(self, interpreter: Interpreter, source: str, folder: Path) -> None:
        self.interpreter = interpreter
        self.folder = folder
        self.script = folder / "program.py"
        self.script.write_text(source)
        self.marked = folder / "marked.py"
        self.marked.write_text(transpiled(interpreter.heresy, self.script))
        self.sha256 = hashlib.sha256(source.encode()).hexdigest()
        self.cache = folder / "cache"
        self.cache.mkdir()
        self.refused = self.stops = self.points = 0

    def plain(self) -> Life:
        try:
            done = subprocess.run(
                [self.interpreter.python, str(self.script)], cwd=self.folder, env=everywhere.environment("1"),
                stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unfit("it does not end") from None
        if re.search(rb"^(SyntaxError|IndentationError)", done.stderr, re.M):
            raise Unfit(done.stderr.decode())
        return Life(done.returncode, done.stdout, done.stderr)

    def life(self, resume: bool, stop_at: int | None) -> Life:
        launch = {
            "script": str(self.script), "source": str(self.script), "sha256": self.sha256, "marked": str(self.marked),
            "cache": str(self.cache), "checkpoint": str(self.folder / ".heresy" / "program.ckpt"), "resume": resume,
            "command": "again", "stop_at": stop_at,
        }  # fmt: skip
        life = self.interpreter.life(launch, self.folder)
        found = _INTERNAL.search(life.stderr)
        if found:
            raise Failure(found[0].decode(), life.stderr.decode(errors="replace")[-4000:])
        if life.status < 0 and life.status not in (-signal.SIGINT, -signal.SIGXCPU):
            raise Failure("crash", f"{life.status} {life.stderr.decode(errors='replace')[-4000:]}")
        return life

    def whole(self, stops: Iterator[int]) -> Life:
        """All lives of the program, as one: each is stopped so many safe points after its start."""
        shutil.rmtree(self.folder / ".heresy", ignore_errors=True)
        stdout, stderr = b"", b""
        resume = False
        while True:
            life = self.life(resume, next(stops, None))
            self.refused += len(_REFUSED.findall(life.stderr))
            stdout += life.stdout
            stderr += _own_words_removed(life.stderr)
            if life.status != -signal.SIGINT:
                return Life(life.status, stdout, stderr)
            self.stops += 1
            resume = True

    def check(self, seed: int | None) -> None:
        """Compares stopped runs with the plain one.

        Args:
            seed: of the stops, chosen at random; None: one stop at each safe point, and some chains.

        Raises:
            Failure: there is a difference.
            Unfit: nothing can be said.
        """
        plain = self.plain()
        counted = self.life(False, 0)
        if counted.status == -signal.SIGXCPU:
            return  # its stack is so deep that looking at it at each safe point takes too long
        found = re.search(rb"heresy: (\d+) safe points passed\n", counted.stderr)
        _compare(plain, counted._replace(stderr=_own_words_removed(counted.stderr)), "never stopped")
        self.points = int(found[1]) if found else 0
        for chain in random_chains(seed, self.points) if seed is not None else all_chains(self.points):
            _compare(plain, self.whole(iter(chain)), f"stopped at {_shown(chain)} of {self.points}")


def _shown(chain: list[int]) -> str:
    return f"each {chain[0]}" if len(chain) == 100 else " + ".join(map(str, chain))


def transpiled(heresy: str, script: Path) -> str:
    done = subprocess.run(
        [heresy, "transpile", "--target-version", "3.11", str(script)], capture_output=True, check=False
    )
    if done.returncode == 1 and b"error[H0" in done.stderr:
        raise Unfit(done.stderr.decode())
    if done.returncode:
        raise Failure("transpile", done.stderr.decode(errors="replace"))
    return done.stdout.decode()


def _own_words_removed(stderr: bytes) -> bytes:
    """Without the lines that heresy itself wrote."""
    return re.sub(rb"(?m)^(?:heresy: .*|error\[H\d+\].*|  = (?:note|help): .*)\n", b"", stderr)


def _exactly(output: bytes | int) -> bytes | int:
    """Without what is another thing each time: where an object lies that could not be closed, and what noticed it.

    While a stop is waited for, that may be the tracing.
    """
    if isinstance(output, int):
        return output
    return re.sub(rb"(Exception ignored .*?) at 0x.*\n(?:Traceback .*\n(?:  .*\n)+)?", rb"\1\n", output)


def _compare(plain: Life, other: Life, what: str) -> None:
    for field in ("stdout", "status", "stderr"):
        a, b = getattr(plain, field), getattr(other, field)
        if _exactly(a) != _exactly(b):
            text = f"\n--- stderr here\n{everywhere.show(other.stderr)}" if field != "stderr" else ""
            raise Failure(field, f"{what}\n--- plain\n{everywhere.show(a)}\n--- here\n{everywhere.show(b)}{text}")


def random_chains(seed: int, points: int) -> Iterator[list[int]]:
    """Runs with one stop, with a few, and with many: a random choice, the same for each seed."""
    chosen = random.Random(-seed)
    if points:
        for _ in range(4):
            yield [chosen.randint(1, points)]
        yield [chosen.randint(1, max(1, points // 3)) for _ in range(4)]
        yield [chosen.randint(1, 3 + points // 6) for _ in range(6)]


def all_chains(points: int) -> Iterator[list[int]]:
    """Runs with one stop each, at up to 60 points, and runs with a stop at each first, second, third, fifth point."""
    yield from ([n] for n in everywhere.spread(points, 60))
    yield from ([distance] * 100 for distance in (1, 2, 3, 5))


def failure_of(interpreter: Interpreter, source: str, seed: int | None) -> tuple[Failure | None, Program | None]:
    """How a program fails with the chains of a seed, or (seed None) stopped everywhere."""
    folder = tempfile.mkdtemp()
    program = None
    try:
        program = Program(interpreter, source, Path(folder))
        program.check(seed)
    except Failure as failure:
        return failure, program
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None, program


# --- making a failing program smaller ---------------------------------------------------------------------------------


def minimised(interpreter: Interpreter, source: str, failure: Failure, seconds: float) -> str:
    """A smaller program that fails in the same way when it is stopped everywhere."""
    end = time.monotonic() + seconds

    def fails(text: str) -> bool:
        try:
            found, _ = failure_of(interpreter, text, None)
        except Unfit:
            return False
        return found is not None and found.kind == failure.kind

    if not fails(source):
        return source
    changed = True
    while changed:
        changed = False
        for smaller in random_smaller.smaller(source):
            if time.monotonic() > end:
                return source
            if fails(smaller):
                source, changed = smaller, True
                break
    return source


# --- the command ------------------------------------------------------------------------------------------------------

_interpreters: dict[str, Interpreter] = {}


def check(task: tuple[str, str, int, bool, float]) -> tuple[int, int, int, str, str]:
    """One program: its seed, the stops made and refused, what failed, and the program made smaller."""
    heresy, python, seed, cold, seconds = task
    interpreter = _interpreters.setdefault(python, Interpreter(python, heresy, cold=cold))
    source = random_source.program(seed)
    try:
        failure, program = failure_of(interpreter, source, seed)
    except Unfit as unfit:
        return seed, 0, 0, f"unfit: {unfit}", ""
    stops, refused = (program.stops, program.refused) if program else (0, 0)
    if failure is None:
        return seed, stops, refused, "", ""
    text = str(failure)
    if not cold:
        confirmed, _ = failure_of(Interpreter(python, heresy, cold=True), source, seed)
        if confirmed is None:
            text = "only when forked: " + text
    small = minimised(interpreter, source, failure, seconds) if seconds else source
    if small != source:
        smallest, _ = failure_of(interpreter, small, None)
        text = str(smallest or text)
    return seed, stops, refused, text, small


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--programs", type=int, default=100, help="how many programs")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the first; the others follow")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--cold", action="store_true", help="start an interpreter for each life")
    parser.add_argument(
        "--minimise", type=float, default=60, metavar="SECONDS", help="time to make a failing program smaller"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the small failing programs")
    parser.add_argument("--show", action="store_true", help="print the program of --seed, and do nothing")
    options = parser.parse_args()
    if options.show:
        print(random_source.program(options.seed), end="")
        return 0
    failed = 0
    began = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for python in options.python:
            seeds = range(options.seed, options.seed + options.programs)
            tasks = [(options.heresy, python, seed, options.cold, options.minimise) for seed in seeds]
            stops = refused = 0
            for seed, its_stops, its_refused, failure, small in pool.map(check, tasks):
                stops += its_stops
                refused += its_refused
                if failure:
                    failed += 1
                    print(f"{python} seed {seed}: FAILED: {failure}\n--- program\n{small}---", flush=True)
                    if options.keep and small:
                        options.keep.mkdir(exist_ok=True)
                        (options.keep / f"seed_{seed}_{Path(python).name}.py").write_text(small)
            seconds = time.monotonic() - began
            print(f"{python}: {len(tasks)} programs, {stops} stops, {refused} refused, {seconds:.0f} s", flush=True)
            if refused > stops:
                failed += 1
                print(f"{python}: FAILED: most stops were refused, so that hardly anything was tested", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
