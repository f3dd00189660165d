"""Programs that are stopped, changed, and continued: they go on in the new text, or are refused and lose nothing.

    python fix.py --heresy target/release/heresy --python python3.13 fixtures/fix/*.case

A case is a text of sections. ``before`` is stopped where a line ends in ``# stop`` (the N-th time: ``# stop N``); if there is
none, it fails by itself, which stops it, and what it has shown must be what plain Python shows; if it is continued as it is, it
fails once more, and nothing else comes of it. Its file is overwritten with
``after``, and ``heresy resume`` continues it, with the options in the section's title. What both print must be ``output``. Or it
is ``refused``, and each line of that section is part of the message; then the old text is put back, and the program must end
(or fail again) as if nothing had been. Lines of ``file`` must stand in the file ``out.txt``.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import everywhere
from lives import TIMEOUT, Interpreter, Life, environment

#: More stops than any case needs.
_MOST = 400


class Case(NamedTuple):
    """A case, read."""

    name: str
    before: str
    after: str
    options: list[str]
    output: str | None
    refused: list[str]
    file: str | None


class Failure(Exception):
    """A case does not end as it says."""


def read(path: Path) -> Case:
    parts = re.split(r"(?m)^--- (\w+)(.*)\n", path.read_text())
    sections = {name: (options.split(), text) for name, options, text in zip(parts[1::3], parts[2::3], parts[3::3])}
    options, after = sections["after"]
    output = sections["output"][1] if "output" in sections else None
    refused = sections["refused"][1].splitlines() if "refused" in sections else []
    if (output is None) == (not refused):
        raise Failure(f"{path}: a case has either an output or a refusal")
    file = sections["file"][1] if "file" in sections else None
    return Case(path.stem, sections["before"][1], after, options, output, refused, file)


def stop_there(program: everywhere.Program, folder: Path, case: Case) -> bytes:
    """Runs a program to the line that is marked. Returns what it has printed."""
    lines = [
        (number, int(found[1] or 1))
        for number, line in enumerate(case.before.splitlines(), 1)
        if (found := re.search(r"# stop ?(\d*)$", line))
    ]
    (line, times), *others = lines
    if others:
        raise Failure("more than one line is marked")
    printed = b""
    for count in range(_MOST):
        life = program.life(folder, count > 0, 1)
        printed += life.stdout
        if life.status != -signal.SIGINT:
            raise Failure(f"the program ended before the marked line: {life.stderr.decode()}")
        if re.search(rf"stopped at .*:{line}(?: in .*)?;".encode(), life.stderr):
            times -= 1
            if not times:
                return printed
    raise Failure("the program does not come to the marked line")


def fail_there(heresy: str, python: str, folder: Path, cache: Path, plain: Life) -> bytes:
    """Runs a program that fails. Returns what it has printed before."""
    life = started([heresy, "run", "--python", python, "app.py"], folder, cache)
    said = life.stderr.decode(errors="replace")
    traceback, found, _ = said.partition("heresy: stopped before the statement that failed")
    if not found or life.status != 1 or traceback.encode() not in plain.stderr:
        raise Failure(f"it has not failed as it does plainly: status {life.status}\n{said}")
    return life.stdout


def resumed(heresy: str, python: str, folder: Path, cache: Path, options: list[str]) -> Life:
    (checkpoint,) = (folder / ".heresy").glob("*.ckpt")
    return started([heresy, "resume", "--python", python, *options, str(checkpoint)], folder, cache)


def started(words: list[str], folder: Path, cache: Path) -> Life:
    done = subprocess.run(
        words, cwd=folder, env={**environment("1"), "XDG_CACHE_HOME": str(cache)}, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    return Life(done.returncode, done.stdout, done.stderr)


def run(heresy: str, python: str, case: Case, interpreter: Interpreter) -> None:
    """Runs a case.

    Raises:
        Failure: it does not end as it says.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, cache = Path(name, "work"), Path(name, "cache")
        folder.mkdir()
        script = folder / "app.py"
        script.write_text(case.before)
        program = everywhere.Program(heresy, python, script, cache / "heresy", interpreter)
        plain = interpreter.plain(script)
        (folder / "out.txt").unlink(missing_ok=True)
        fails = "# stop" not in case.before
        printed = fail_there(heresy, python, folder, cache, plain) if fails else stop_there(program, folder, case)
        if fails:
            fail_again(resumed(heresy, python, folder, cache, []), folder, "not mended")
        script.write_text(case.after)
        dry = resumed(heresy, python, folder, cache, [*case.options, "--dry-run"])
        life = resumed(heresy, python, folder, cache, case.options)
        said = life.stderr.decode(errors="replace")
        if (dry.status == 0) == bool(case.refused):
            raise Failure(f"--dry-run ended with {dry.status}: {dry.stderr.decode()}")
        if case.output is not None:
            both = (printed + life.stdout).decode()
            if life.status or both != case.output:
                raise Failure(f"status {life.status}\n--- expected\n{case.output}--- got\n{both}--- said\n{said}")
            if case.file is not None and (folder / "out.txt").read_text() != case.file:
                raise Failure(f"out.txt: {(folder / 'out.txt').read_text()}")
            return
        missing = [line for line in case.refused if line not in said]
        if life.status != 1 or missing or "Traceback" in said or life.stdout:
            raise Failure(f"status {life.status}, without {missing} in\n{said}")
        script.write_text(case.before)
        life = resumed(heresy, python, folder, cache, [])
        if fails:
            fail_again(life, folder, "the old text again")
        elif (life.status, printed + life.stdout) != (plain.status, plain.stdout):
            raise Failure(f"the old text does not go on: {life}")


def fail_again(life: Life, folder: Path, what: str) -> None:
    """What was not mended fails again, has done nothing else, and can be continued as before."""
    if life.status != 1 or life.stdout or not list((folder / ".heresy").glob("*.ckpt")):
        raise Failure(f"{what}, it does not just fail again: {life}")


def check(task: tuple[str, str, str]) -> tuple[str, str]:
    """One case. Returns its name, and what failed."""
    heresy, python, path = task
    case = read(Path(path))
    interpreter = Interpreter(python, cold=False)
    try:
        run(heresy, python, case, interpreter)
    except (Failure, subprocess.TimeoutExpired) as failure:
        return case.name, str(failure)
    finally:
        interpreter.close()
    return case.name, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("cases", nargs="+")
    options = parser.parse_args()
    bad = 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for python in options.python:
            tasks = [(str(Path(options.heresy).resolve()), python, case) for case in options.cases]
            for name, failure in pool.map(check, tasks):
                if failure:
                    bad += 1
                    print(f"{python} {name}: FAILED: {failure}", flush=True)
            print(f"{python}: {len(tasks)} cases", flush=True)
    print(f"{bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
