"""The transpiler on real code: every file of the interpreter's own standard library.

    python3.13 library.py --heresy target/release/heresy [--sample 60] [--seed 1] [FOLDER]

The interpreter that runs this is the one that is tested. Each file that it compiles must be transpiled, without a panic; what
comes out must compile as it is; and its run form must be the original, as ``run_form.py`` compares it. Files that the
interpreter itself rejects are listed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import os
import random
import subprocess
import sys
import sysconfig
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import run_form
from heresy import _run_form

TIMEOUT = 120


class Result(NamedTuple):
    """What became of one file."""

    path: Path
    rejected: str
    problems: list[str]
    identical: int


def check(heresy: str, path: Path) -> Result:
    warnings.simplefilter("ignore")
    source = path.read_bytes()
    try:
        original = compile(source, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError) as error:
        problems = [f"{path}: panic"] if _transpile(heresy, path).returncode not in (0, 1) else []
        return Result(path, f"{type(error).__name__}: {error}", problems, 0)
    done = _transpile(heresy, path)
    if done.returncode:
        return Result(path, "", [f"{path}: status {done.returncode}: {done.stderr.decode(errors='replace')}"], 0)
    counts = run_form.Counts()
    try:
        compile(done.stdout, str(path), "exec", dont_inherit=True)
        text = run_form.decode(done.stdout)
        code = _run_form.compile_module(text, source, str(path)).ready()
        run_form.compare(original, code, counts)
    except Exception as error:
        counts.problems.append(f"{path}: {type(error).__name__}: {error}")
    return Result(path, "", counts.problems, counts.identical)


def _transpile(heresy: str, path: Path) -> subprocess.CompletedProcess[bytes]:
    version = "%d.%d" % sys.version_info[:2]
    command = [heresy, "transpile", "--target-version", version, str(path)]
    return subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--sample", type=int, help="only so many files, chosen at random")
    parser.add_argument("--seed", type=int, default=1, help="of the choice")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("folder", nargs="?", type=Path, default=Path(sysconfig.get_path("stdlib")))
    options = parser.parse_args()
    files = sorted(
        path for path in options.folder.rglob("*.py") if path.is_file() and "site-packages" not in path.parts
    )
    if options.sample is not None:
        files = sorted(random.Random(options.seed).sample(files, min(options.sample, len(files))))
    start = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        results = list(pool.map(functools.partial(check, options.heresy), files, chunksize=4))
    for result in results:
        for problem in result.problems:
            print(f"FAILED: {problem}")
        if result.rejected:
            print(f"not Python to this interpreter: {result.path}: {result.rejected}")
    bad = sum(bool(result.problems) for result in results)
    print(
        f"{len(files)} files in {time.monotonic() - start:.0f} s: "
        f"{sum(bool(r.rejected) for r in results)} not Python, {bad} failed; "
        f"{sum(r.identical for r in results)} scopes are identical"
    )
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main())
