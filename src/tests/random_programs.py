"""Random programs, stopped at random safe points and continued in fresh processes: nothing may change.

    python random_programs.py --heresy target/release/heresy --python python3.13 --programs 1000 --seed 1 --jobs 2

Program number N is that of seed N (`random_source.program`). It runs plain, in run form without a stop, and in run form with
a chain of a few stops at random safe points; output, errors and status must be the same each time. A difference, a crash of
the interpreter or an internal error (H9xx) is a failure: it is printed with its seed, and the first few programs that fail
are made smaller as long as they still do (`--keep FOLDER` keeps them). A stop that is refused because of what the program
holds (H3xx), or that names what it goes on without (H317), is counted apart. The run goes on after a failure; one that was
ended goes on with the `--seed` it has named.

Starting an interpreter and importing the modules that a resume needs is most of the time of a short life, so lives are forked
from a server that has the modules loaded (`lives`). `--cold` starts an interpreter for each; a failure is confirmed in
that way.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
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
from lives import Interpreter, Life

_INTERNAL = re.compile(rb"^(?:error\[(H9\d\d)\]|Fatal Python error|SystemError)", re.M)
_REFUSED = re.compile(rb"^error\[(H3\d\d)\]", re.M)
#: It goes on without something that was named: what it does then is not what it does plainly.
_WITHOUT = b"warning[H317]"
#: How many programs are transpiled at once, and are one task of a worker.
_BATCH = 16
#: How many failing programs each worker makes smaller, which takes its time.
_MADE_SMALLER = 4
#: Seconds between two lines of progress.
_PROGRESS = 30


class Failure(Exception):
    """A program that was stopped differs from the plain one.

    Attributes:
        kind: what differs; a smaller program must fail in the same way.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class Unfit(Exception):
    """The program is none to test: plain Python does not run it."""


class Endless(Unfit):
    """Plain Python does not run it to an end in time: one in some thousand doubles a list again and again."""


class Program:
    """One program in a folder of its own.

    Attributes:
        marked: where its marked form is.
    """

    def __init__(self, interpreter: Interpreter, script: Path, marked: Path) -> None:
        self.interpreter = interpreter
        self.folder = script.parent
        self.script = script
        self.marked = marked
        self.sha256 = hashlib.sha256(script.read_bytes()).hexdigest()
        self.refused = self.stops = self.points = 0
        self.lacks = False

    def plain(self) -> Life:
        try:
            life = self.interpreter.plain(self.script)
        except subprocess.TimeoutExpired:
            raise Endless from None
        if life.status in (-signal.SIGXCPU, -signal.SIGALRM):
            raise Endless
        if re.search(rb"^(SyntaxError|IndentationError)", life.stderr, re.M):
            raise Unfit(life.stderr.decode())
        return life

    def life(self, resume: bool, stop_at: int | None) -> Life:
        launch = {
            "script": str(self.script), "source": str(self.script), "sha256": self.sha256, "marked": str(self.marked),
            "cache": str(self.folder / "cache"), "checkpoint": str(self.folder / ".heresy" / "program.ckpt"),
            "resume": resume, "command": "again", "stop_at": stop_at,
        }  # fmt: skip
        try:
            life = self.interpreter.life(launch, self.script, self.folder)
        except subprocess.TimeoutExpired:
            raise Failure("crash", "it does not end") from None
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
            self.refused += len(_REFUSED.findall(life.stderr)) + life.stderr.count(_WITHOUT)
            self.lacks = self.lacks or _WITHOUT in life.stderr
            stdout += life.stdout
            stderr += _own_words_removed(life.stderr)
            if life.status != -signal.SIGINT:
                return Life(life.status, stdout, stderr)
            self.stops += 1
            resume = True

    def check(self, seed: int) -> None:
        """Compares stopped runs with the plain one: one with a few stops, chosen at random, the same for each seed.

        Raises:
            Failure: there is a difference.
            Unfit: nothing can be said.
        """
        plain = self.plain()
        if b"RecursionError" in plain.stdout + plain.stderr:
            return  # how deep it comes depends on the frames below it
        _compare(plain, self.life(False, None), "never stopped")
        chosen = random.Random(-seed)
        # A line is printed by a statement or two; a program that ends before its stop is tried once more, with less.
        points = 2 * plain.stdout.count(b"\n") + 2
        while points and not self.stops:
            first = chosen.randint(1, points)
            chain = [first, *(chosen.randint(1, points // 2 + 1) for _ in range(chosen.randint(0, 3)))]
            whole = self.whole(iter(chain))
            if whole.status == -signal.SIGXCPU:
                return  # its stack is so deep that looking at it at each safe point takes too long
            self._compare(plain, whole, f"stopped at {_shown(chain)}")
            points = first // 2

    def check_everywhere(self) -> None:
        """The same with one stop at each safe point, or at some spread over them, and with a stop at each and each third."""
        plain = self.plain()
        counted = self.life(False, 0)
        if counted.status == -signal.SIGXCPU:
            return
        found = re.search(rb"heresy: (\d+) safe points passed\n", counted.stderr)
        _compare(plain, counted._replace(stderr=_own_words_removed(counted.stderr)), "never stopped")
        self.points = int(found[1]) if found else 0
        chains = [[n] for n in everywhere.spread(self.points, 24)]
        for chain in [*chains, *([distance] * 100 for distance in (3, 1))]:
            self._compare(plain, self.whole(iter(chain)), f"stopped at {_shown(chain)} of {self.points}")

    def _compare(self, plain: Life, other: Life, what: str) -> None:
        """What was named as missing is only to be seen where the program gets the exception that says so."""
        lacks, self.lacks = self.lacks, False
        if not (lacks and b"UnsavedObjectError" in other.stdout + other.stderr):
            _compare(plain, other, what)


def _shown(chain: list[int]) -> str:
    return f"each {chain[0]}" if len(chain) == 100 else " + ".join(map(str, chain))


def transpiled(heresy: str, folder: Path, out: Path) -> str:
    """Transpiles all below a folder, and gives what was said of those for which that was not possible."""
    done = subprocess.run(
        [heresy, "transpile", "--target-version", "3.11", str(folder), "-o", str(out)], capture_output=True, check=False
    )
    return done.stderr.decode(errors="replace") if done.returncode else ""


def _own_words_removed(stderr: bytes) -> bytes:
    """Without the lines that heresy itself wrote."""
    return re.sub(rb"(?m)^(?:heresy: .*|(?:error|warning)\[H\d+\].*|  (?:-|= (?:note|help):) .*)\n", b"", stderr)


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


class Result(NamedTuple):
    """What one program came to.

    Attributes:
        is_endless: it has been left out.
        failure: what failed; empty if nothing did.
        small: the program, made smaller.
    """

    seed: int
    stops: int = 0
    refused: int = 0
    is_endless: bool = False
    failure: str = ""
    small: str = ""


def in_memory() -> tempfile.TemporaryDirectory[str]:
    """A new folder, where there is one in memory, in which nothing has to wait for a disk."""
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None)


def failure_of(interpreter: Interpreter, heresy: str, source: str, seed: int | None) -> Failure | None:
    """How one program fails with the stops of a seed, or (seed None) stopped everywhere.

    Raises:
        Unfit: nothing can be said.
    """
    with in_memory() as name:
        script = Path(name, "in", "program.py")
        script.parent.mkdir()
        script.write_text(source)
        said = transpiled(heresy, script.parent, Path(name, "out"))
        if "error[H0" in said:
            raise Unfit(said)
        if said:
            return Failure("transpile", said)
        program = Program(interpreter, script, Path(name, "out", "program.py"))
        try:
            program.check_everywhere() if seed is None else program.check(seed)
        except Failure as failure:
            return failure
    return None


# --- making a failing program smaller ---------------------------------------------------------------------------------


def minimised(interpreter: Interpreter, heresy: str, source: str, failure: Failure, seconds: float) -> str:
    """A smaller program that fails in the same way when it is stopped everywhere."""
    end = time.monotonic() + seconds

    def fails(text: str) -> bool:
        try:
            found = failure_of(interpreter, heresy, text, None)
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
_made_smaller = 0


def check(task: tuple[str, str, range, bool, float]) -> list[Result]:
    """A few programs, by their seeds."""
    heresy, python, seeds, cold, seconds = task
    interpreter = _interpreters.setdefault(python, Interpreter(python, cold=cold))
    results = []
    with in_memory() as name:
        scripts = {seed: Path(name, "in", str(seed), "program.py") for seed in seeds}
        for seed, script in scripts.items():
            script.parent.mkdir(parents=True)
            script.write_text(random_source.program(seed))
        said = transpiled(heresy, Path(name, "in"), Path(name, "out"))
        for seed, script in scripts.items():
            marked = Path(name, "out", str(seed), "program.py")
            if not marked.exists():
                results.append(Result(seed, failure=f"transpile: {said}", small=script.read_text()))
                continue
            program = Program(interpreter, script, marked)
            result = Result(seed)
            try:
                program.check(seed)
            except Endless:
                result = Result(seed, is_endless=True)
            except Unfit as unfit:
                result = Result(seed, failure=f"unfit: {unfit}")
            except Failure as failure:
                result = explained(interpreter, heresy, seed, script.read_text(), failure, seconds)
            results.append(result._replace(stops=program.stops, refused=program.refused))
    return results


def explained(
    interpreter: Interpreter, heresy: str, seed: int, source: str, failure: Failure, seconds: float
) -> Result:
    """What is to be said of a failure: whether it comes without a server too, and a smaller program."""
    global _made_smaller
    text = str(failure)
    if not interpreter.cold:
        try:
            confirmed = failure_of(Interpreter(interpreter.python, cold=True), heresy, source, seed)
        except Unfit:
            confirmed = None
        text = text if confirmed else "only when forked: " + text
    small = source
    if seconds and _made_smaller < _MADE_SMALLER:
        _made_smaller += 1
        small = minimised(interpreter, heresy, source, failure, seconds)
    if small != source:
        text = str(failure_of(interpreter, heresy, small, None) or text)
    return Result(seed, failure=text, small=small)


def run(pool: concurrent.futures.Executor, python: str, options: argparse.Namespace) -> int:
    """All programs under one interpreter: says how it goes, and gives the number of failures."""
    end = options.seed + options.programs
    batches = [range(at, min(at + _BATCH, end)) for at in range(options.seed, end, _BATCH)]
    tasks = ((options.heresy, python, batch, options.cold, options.minimise) for batch in batches)
    began = said = time.monotonic()
    programs = stops = refused = endless = failed = 0
    for results in mapped(pool, tasks, options.jobs):
        for result in results:
            programs += 1
            stops += result.stops
            refused += result.refused
            endless += result.is_endless
            if result.failure:
                failed += 1
                print(
                    f"{python} seed {result.seed}: FAILED: {result.failure}\n--- program\n{result.small}---", flush=True
                )
                if options.keep and result.small:
                    options.keep.mkdir(exist_ok=True)
                    (options.keep / f"seed_{result.seed}_{Path(python).name}.py").write_text(result.small)
        now = time.monotonic()
        if programs == options.programs or now - said >= _PROGRESS:
            said = now
            rest = "" if programs == options.programs else f"; the rest: --seed {options.seed + programs}"
            print(
                f"{python}: {programs} programs, {stops} stops, {refused} refused, {endless} endless, {failed} failed, "
                f"{now - began:.0f} s, {programs / (now - began):.1f} a second{rest}",
                flush=True,
            )
    if endless > 1 + programs // 1000:
        failed += 1
        print(f"{python}: FAILED: {endless} programs do not end in plain Python, and were left out", flush=True)
    if refused > stops:
        failed += 1
        print(f"{python}: FAILED: most stops were refused, so that hardly anything was tested", flush=True)
    return failed


def mapped(
    pool: concurrent.futures.Executor, tasks: Iterator[tuple[str, str, range, bool, float]], jobs: int
) -> Iterator[list[Result]]:
    """What `check` gives for each task, in order; not many tasks are handed out ahead."""
    waiting: list[concurrent.futures.Future[list[Result]]] = []
    for task in tasks:
        waiting.append(pool.submit(check, task))
        if len(waiting) > 4 * jobs:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", help="the heresy binary")
    parser.add_argument("--python", action="append", help="an interpreter; may be given several times")
    parser.add_argument("--programs", type=int, default=100, help="how many programs, for each interpreter")
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
    if not options.heresy or not options.python:
        parser.error("--heresy and --python are needed")
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        failed = sum(run(pool, python, options) for python in options.python)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
