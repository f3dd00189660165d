"""Well-known packages from PyPI, instrumented, pass their own test suites as they do plainly.

    python packages.py --heresy target/release/heresy --python python3.13 [--only attrs,click] [--jobs 2]

Of each package of `PACKAGES` the source distribution, which holds the tests, is fetched by pip and installed into an
environment of its own. Its suite is then run twice by ``-m pytest``, each time in a fresh copy of the sources: plainly, and
by ``heresy run --instrument 'PACKAGE.*'``. Every test must end in the same way both times, and every module of the package
that was imported must have been instrumented, as ``packages_plugin.py`` finds out. What is known to differ is listed in
`KNOWN`, with the reason; a listed test that does not differ is said, too. Tests that differ are run once more, since some
compare how long things take: what does not differ again is shown, and does not count.

What is fetched and installed is kept, and used again. Where a package cannot be had, that is said, and it is not tested.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import packages_plugin

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 1800


class Package(NamedTuple):
    """A package, and what its test suite takes.

    Attributes:
        name: as PyPI knows it.
        modules: the names that it is imported by.
        needs: what its tests import besides pytest.
        words: for pytest: which tests, and how; by default what the package's own configuration says.
    """

    name: str
    version: str
    modules: str
    needs: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


PYTEST = ("pytest==9.2.0", "hypothesis==6.170.17")

PACKAGES = (
    Package("attrs", "26.1.0", "attr attrs", ("cloudpickle==3.1.3", "pympler==1.1")),
    Package("boltons", "26.2.0", "boltons", words=("tests",)),
    Package("click", "8.5.1", "click"),
    Package("jinja2", "3.1.6", "jinja2", ("trio==0.35.0",)),
    Package("jsonschema", "4.26.0", "jsonschema", ("jsonpath-ng==1.16.0",), ("jsonschema/tests",)),
    # Names of some tests hold the time at which they were collected.
    Package(
        "marshmallow",
        "4.4.0",
        "marshmallow",
        ("simplejson==4.3.0",),
        ("--deselect=tests/test_deserialization.py::TestFieldDeserialization::test_invalid_datetime_deserialization",),
    ),
    Package("mistune", "3.4.0", "mistune"),
    Package("more-itertools", "11.2.1", "more_itertools", words=("tests",)),
    # The whole suite takes several minutes.
    Package(
        "networkx",
        "3.6.1",
        "networkx",
        words=(
            *(f"networkx/{part}" for part in ("classes", "generators", "readwrite", "utils")),
            *(f"networkx/algorithms/{part}" for part in ("components", "flow", "shortest_paths", "traversal", "tree")),
        ),
    ),
    Package("packaging", "26.4", "packaging", ("pretend==1.0.9", "tomli_w==1.2.0", "pip==26.3")),
    Package("pluggy", "1.7.0", "pluggy", words=("--ignore=testing/benchmark.py",)),
    Package("pygments", "2.21.0", "pygments", ("wcag-contrast-ratio==0.9",), ("tests",)),
    Package("pyparsing", "3.3.3", "pyparsing", ("jinja2==3.1.6", "railroad-diagrams==3.0.1"), ("tests",)),
    Package(
        "python-dateutil", "4.0.0", "dateutil", ("attrs==26.1.0", "freezegun==1.5.5", "pytest-cov==7.1.0"), ("tests",)
    ),
    Package("sympy", "1.14.0", "sympy", words=("sympy/core",)),
    Package("toolz", "1.2.0", "toolz tlz"),
    # Not those that wait for a server in a process of its own.
    Package(
        "werkzeug",
        "3.1.9",
        "werkzeug",
        ("pytest-timeout==2.4.0", "ephemeral-port-reserve==1.1.4"),
        ("-m", "not dev_server"),
    ),
)

#: Tests that may differ, by package, and why.
KNOWN: dict[str, dict[str, str]] = {}


class Unavailable(Exception):
    """A package, or what its tests need, cannot be had."""


class Run(NamedTuple):
    """One run of a suite: pytest's status, what it printed, and the plugin's report."""

    status: int
    said: str
    report: dict[str, Any]


class Result(NamedTuple):
    """What became of one package."""

    package: Package
    plain: Run | None = None
    instrumented: Run | None = None
    differences: list[str] = []
    by_chance: list[str] = []
    problem: str = ""


class Place:
    """The folder in which the packages of one interpreter are kept."""

    def __init__(self, folder: Path, python: str, heresy: str) -> None:
        self.python = python
        self.heresy = heresy
        words = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        self.folder = folder / subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
        self.sources = folder / "sources"
        self.tools = folder / "tools"
        self.cache = folder / "cache"
        self.plugin = folder / "plugin"
        # Beside it here are modules with the names of others.
        self.plugin.mkdir(parents=True, exist_ok=True)
        shutil.copy(packages_plugin.__file__, self.plugin)

    def pip(self, *words: str) -> None:
        if not (self.tools / "bin" / "pip").exists():
            raise Unavailable("no interpreter here has pip")
        done = subprocess.run(
            [self.tools / "bin" / "python", "-m", "pip", "--disable-pip-version-check", *words],
            env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise Unavailable(f"pip {' '.join(words)}: {done.stdout}{done.stderr}")

    def find_pip(self) -> None:
        """Makes an environment that has pip: some interpreters are packaged without."""
        for python in (sys.executable, self.python):
            if not (self.tools / "bin" / "pip").exists():
                subprocess.run([python, "-m", "venv", "--clear", str(self.tools)], capture_output=True)

    def environment(self) -> dict[str, str]:
        keep = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "HERESY", "PYTEST", "VIRTUAL_ENV"))}
        # Told so, hypothesis tries the same examples each time, and does not mind how long they take.
        return {**keep, "PYTHONHASHSEED": "1", "CI": "true", "XDG_CACHE_HOME": str(self.cache)}

    def archive(self, package: Package) -> Path:
        """The source distribution."""
        folder = self.sources / f"{package.name}-{package.version}"
        if not any(folder.glob("*.tar.gz")):
            wanted = f"{package.name}=={package.version}"
            self.pip("download", "--no-deps", "--no-binary", package.name, "--dest", str(folder), wanted)
        (found,) = folder.glob("*.tar.gz")
        return found

    def install(self, package: Package) -> Path:
        """The interpreter of an environment with the package and what its tests need."""
        archive, folder = self.archive(package), self.folder / package.name / "venv"
        python, stamp = folder / "bin" / "python", folder / "holds"
        wanted = [str(archive), *PYTEST, *package.needs]
        if not stamp.exists() or stamp.read_text() != "\n".join(wanted):
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([self.python, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
            self.pip("--python", str(python), "install", *wanted)
            stamp.write_text("\n".join(wanted))
        return python

    def run(self, package: Package, python: Path, kind: str, words: tuple[str, ...]) -> Run:
        # In the same place each time, since the names of some tests hold it.
        folder = self.folder / package.name / "sources"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.unpack_archive(self.archive(package), folder, filter="data")
        (sources,) = folder.iterdir()
        report = self.folder / package.name / f"{kind}.json"
        report.unlink(missing_ok=True)
        command = [str(python)]
        if kind == "heresy":
            command = [self.heresy, "run", "--on-error", "end", "--python", str(python)]
            command += [f"--instrument={name}.*" for name in package.modules.split()]
        environment = {
            **self.environment(),
            "PYTHONPATH": str(self.plugin),
            packages_plugin.REPORT: str(report),
            packages_plugin.MODULES: package.modules,
        }
        done = subprocess.run(
            [*command, "-m", "pytest", "-p", packages_plugin.__name__, "-p", "no:cacheprovider", *words],
            cwd=sources, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=TIMEOUT,
        )  # fmt: skip
        said = done.stdout.decode(errors="replace")
        report.with_suffix(".txt").write_text(said)
        empty = {"ends": {}, "texts": {}, "modules": {}, "functions": 0, "seconds": 0}
        return Run(done.returncode, said, json.loads(report.read_text()) if report.exists() else empty)

    def check(self, package: Package) -> Result:
        try:
            python = self.install(package)
        except Unavailable as error:
            return Result(package, problem=str(error))
        try:
            plain, other = (self.run(package, python, kind, package.words) for kind in ("plain", "heresy"))
            by_chance = set()
            doubtful = sorted(differing(plain, other) - KNOWN.get(package.name, {}).keys())
            # So many are no chance, and no command line.
            if 0 < len(doubtful) <= 20:
                again = [self.run(package, python, kind, tuple(doubtful)) for kind in ("plain", "heresy")]
                by_chance = set.intersection(*(set(run.report["ends"]) for run in again)) - differing(*again)
        except subprocess.TimeoutExpired as error:
            return Result(package, differences=[f"took more than {TIMEOUT} s: {error.cmd[0]}"])
        return Result(package, plain, other, compare(package, plain, other, by_chance), sorted(by_chance))


def differing(plain: Run, other: Run) -> set[str]:
    """The tests that did not end in the same way, or that only one run had."""
    before, here = plain.report["ends"], other.report["ends"]
    return {test for test in {*before, *here} if before.get(test) != here.get(test)}


def compare(package: Package, plain: Run, other: Run, by_chance: set[str]) -> list[str]:
    known = KNOWN.get(package.name, {})
    before, here = plain.report["ends"], other.report["ends"]
    if not before or not here:
        which = "here" if before else "plainly"
        return [f"no report was written {which}; pytest ended with {(other if before else plain).status}"]
    unequal = differing(plain, other) - by_chance
    differences = [
        f"{test}: {before.get(test, 'missing')} plainly, {here.get(test, 'missing')} here"
        for test in sorted(unequal - known.keys())
    ]
    differences += [
        f"{test}: is listed as one that differs, and does not"
        for test in sorted((known.keys() & before.keys()) - unequal)
    ]
    if plain.status != other.status and not differing(plain, other):
        differences.append(f"pytest ended with {plain.status} plainly, with {other.status} here")
    if "passed" not in before.values():
        differences.append("no test has passed plainly")
    differences += [f"{name}: {problem}" for name, problem in other.report["modules"].items() if problem]
    differences += [
        f"{name}: imported only {'plainly' if name in plain.report['modules'] else 'here'}"
        for name in sorted(plain.report["modules"].keys() ^ other.report["modules"].keys())
    ]
    if not other.report["functions"]:
        differences.append("no function was instrumented")
    return differences


#: The last two are what pytest and its children have taken of a processor's time.
COLUMNS = "package          version   tests passed failed differing modules functions   plainly      here"


def row(result: Result) -> str:
    package, plain, other = result.package, result.plain, result.instrumented
    start = f"{package.name:16} {package.version:8}"
    if plain is None or other is None:
        return start
    ends = list(plain.report["ends"].values())
    failed = ends.count("failed") + ends.count("error")
    numbers = f"{len(ends):6} {ends.count('passed'):6} {failed:6} {len(result.differences):9}"
    instrumented = f"{len(other.report['modules']):7} {other.report['functions']:9}"
    return f"{start} {numbers} {instrumented} {plain.report['seconds']:7.1f} s {other.report['seconds']:7.1f} s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--only", help="names of packages, with commas between; default: all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "packages", help="keeps what is fetched")
    parser.add_argument("--verbose", action="store_true", help="show why tests that differ have failed")
    options = parser.parse_args()
    only = options.only.split(",") if options.only else [package.name for package in PACKAGES]
    if unknown := set(only) - {package.name for package in PACKAGES}:
        parser.error(f"not among the packages: {', '.join(sorted(unknown))}")
    # What is started in the background may have Ctrl-C ignored, and tests send it to themselves.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    bad = tested = missing = 0
    for python in options.python:
        place = Place(options.folder.resolve(), python, str(Path(options.heresy).resolve()))
        place.find_pip()
        print(f"{python}\n{COLUMNS}", flush=True)
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for result in pool.map(place.check, [package for package in PACKAGES if package.name in only]):
                print(row(result), flush=True)
                if result.problem:
                    missing += 1
                    print(f"    SKIPPED, since it cannot be had: {result.problem[-1500:]}")
                    continue
                tested += 1
                bad += len(result.differences)
                for difference in result.differences:
                    print(f"    {difference}")
                for test in result.by_chance:
                    print(f"    {test}: differed, but not again")
                if options.verbose:
                    show(result)
    print(f"{tested} suites, {bad} differences; {missing} packages were not to be had")
    return 1 if bad or not tested else 0


def show(result: Result) -> None:
    if result.plain is None or result.instrumented is None or not result.differences:
        return
    texts, plain = result.instrumented.report["texts"], result.plain.report["texts"]
    for test in sorted(texts.keys() - plain.keys()):
        print(f"--- {test}\n{texts[test]}")
    if not result.instrumented.report["ends"]:
        print(result.instrumented.said[-4000:])


if __name__ == "__main__":
    sys.exit(main())
