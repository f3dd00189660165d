"""What the run form costs: programs of the pyperformance suite, by ``heresy run`` and plainly.

    python benches/suite.py --heresy target/release/heresy --python python3.13 [--pairs 7] [NAME…]

The suite is fetched from PyPI into a folder of its own (``--folder``, kept for the next time). Each program is run by
pyperf's worker, in one process: a round to warm up, then three values, of which the least counts; the number of loops is found
plainly, so that a value takes about a quarter of a second. Runs are taken in pairs (see `pairs`). What is given for each program
is the median of the quotients; at the end their geometric mean and the worst.

Left out are programs that only start others, and those that want packages of their own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pairs import compared

#: Seconds that one value is to take.
VALUE = 0.25
#: Seconds after which a run is given up.
TIMEOUT = 60
#: They measure processes that they start, or the disk.
LEFT_OUT = {"2to3", "python_startup", "concurrent_imap", "argparse"}
#: What to give to those that are several programs.
VARIANTS = {
    "async_tree": ["none", "io", "memoization", "cpu_io_mixed", "eager", "--task-groups none"],
    "pickle": ["--pure-python pickle", "--pure-python unpickle", "pickle_list", "pickle_dict", "unpickle"],
    "xml_etree": [], "scimark": [], "logging": [], "regex_effbot": [],
}  # fmt: skip


class Suite:
    """The programs of the suite, with what they import, for one interpreter."""

    def __init__(self, folder: Path, python: str) -> None:
        self.python = python
        self.folder = folder / Path(python).name
        if not self.folder.exists():
            ask = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
            # By the pip of the Python that runs this: the other need not have one.
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(self.folder)]
            wheels = ["--python-version", version, "--only-binary=:all:", "--implementation", "cp"]
            subprocess.run([*pip, *wheels, "pyperformance"], check=True)
        os.environ["PYTHONPATH"] = str(self.folder)
        self.programs = self.folder / "pyperformance" / "data-files" / "benchmarks"

    def names(self) -> list[str]:
        """A program's name, and its arguments."""
        found = []
        for folder in sorted(self.programs.glob("bm_*")):
            name = folder.name.removeprefix("bm_")
            wants = folder / "requirements.txt"
            if name not in LEFT_OUT and not (wants.exists() and wants.read_text().strip()):
                found += [f"{name} {variant}".strip() for variant in VARIANTS.get(name) or [""]]
        return found

    def command(self, name: str) -> list[str]:
        program, *arguments = name.split()
        return [str(self.programs / f"bm_{program}" / "run_benchmark.py"), *arguments]


def least(command: list[str], loops: int, values: int = 3) -> float:
    """The seconds of one loop, of all benchmarks together that a program has.

    Raises:
        RuntimeError: it has failed, or does not end.
    """
    with tempfile.TemporaryDirectory() as name:
        out = Path(name, "out.json")
        words = ["--worker", "-l", str(loops), "-w", "1", "-n", str(values), "-o", str(out)]
        try:
            done = subprocess.run(
                [*command, *words], cwd=name, capture_output=True, text=True, check=False, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"it takes longer than {TIMEOUT} s") from None
        if not out.exists():
            raise RuntimeError(done.stderr[-2000:] or done.stdout[-2000:])
        found = json.loads(out.read_text())
    return sum(
        min(value for run in bench["runs"] for value in run["values"]) * _inner_loops(bench, found)
        for bench in found["benchmarks"]
    )


def _inner_loops(bench: dict[str, Any], found: dict[str, Any]) -> int:
    """How often a loop does what a value is the time of."""
    of_all: int = found.get("metadata", {}).get("inner_loops", 1)
    return bench.get("metadata", {}).get("inner_loops", of_all)  # type: ignore[no-any-return]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--pairs", type=int, default=7)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser.add_argument("--folder", type=Path, default=cache / "heresy-benches", help="where the suite is kept")
    parser.add_argument("names", nargs="*", help="programs; default: all")
    options = parser.parse_args()
    heresy = os.path.abspath(options.heresy)
    for python in options.python:
        suite = Suite(options.folder, python)
        ratios: dict[str, float] = {}
        for name in options.names or suite.names():
            plain = [suite.python, *suite.command(name)]
            run = [heresy, "run", "--fresh", "--python", suite.python, *suite.command(name)]
            try:
                loops = max(1, round(VALUE / least(plain, 1, 1)))
                found = compared(lambda: least(plain, loops), lambda: least(run, loops), options.pairs)
            except RuntimeError as error:
                print(f"{python} {name}: FAILED: {error}", flush=True)
                continue
            ratios[name] = found.ratio
            print(f"{python} {name}: {found.ratio:.3f} of {found.plain * 1000:.2f} ms", flush=True)
        if ratios:
            worst = max(ratios, key=ratios.__getitem__)
            mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
            print(f"{python}: {len(ratios)} programs: geometric mean {mean:.3f}, worst {ratios[worst]:.3f} ({worst})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
