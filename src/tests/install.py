"""heresy as it is installed: a wheel, a fresh virtual environment, and a program that is stopped and continued in it.

    python3.13 install.py [--folder target/install] [--release] [python3.11 python3.13 ...]

Builds the wheel with the build backend that pyproject.toml names, installs it into a fresh environment of each interpreter,
and runs, stops with SIGINT and continues programs in every way that the README gives. maturin, the backend, comes from PyPI
once; without it, and without a network, this says so and tests nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 60

MAIN = """\
import sys
import time
from {package}steps import step

total = 0
for number in range(5):
    total += step(number)
    print(number, total, flush=True)
    time.sleep(0.1)
print(sys.argv[1:], sys.prefix)
"""

STEPS = """\
def step(number):
    return number * number
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "install", help="keeps maturin between runs")
    parser.add_argument("--release", action="store_true", help="build with optimisation, as `pip install .` does")
    parser.add_argument("pythons", nargs="*", default=[sys.executable], help="the interpreters to test")
    options = parser.parse_args()
    folder = options.folder.resolve()
    tools = Tools(folder / "tools", options.pythons)
    if not tools.there():
        print("install.py: SKIPPED, since maturin is neither here nor to be had from PyPI; NOTHING INSTALLED IS TESTED")
        return 0
    wheel = tools.build(folder / "wheels", release=options.release)
    problems = list(check_contents(wheel))
    tested = 0
    for python in options.pythons:
        place = Place(folder / "environment", python)
        if not place.works():
            # One that was unpacked where it was not made for.
            print(f"install.py: SKIPPED {python}, which can make no virtual environment")
            continue
        tested += 1
        tools.pip("--python", str(place.python), "install", "--quiet", "--no-index", str(wheel))
        problems += [f"{python}: {problem}" for problem in check_installed(place)]
    for problem in problems:
        print(f"FAILED: {problem}")
    print(f"{wheel.name} on {tested} interpreters, {len(problems)} problems")
    return 1 if problems or not tested else 0


class Tools:
    """An environment with maturin in it."""

    def __init__(self, folder: Path, pythons: list[str]) -> None:
        self.bin = folder / "bin"
        # maturin moves what cargo has built, and other tests run what is built here.
        self.target = folder / "target"
        for python in pythons:
            # Some are packaged without pip.
            if (self.bin / "pip").exists():
                break
            subprocess.run([python, "-m", "venv", "--clear", str(folder)], capture_output=True)

    def there(self) -> bool:
        if (self.bin / "maturin").exists():
            return True
        wanted = ["maturin>=1.9,<2"]
        words = [self.bin / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        return subprocess.run(words, capture_output=True).returncode == 0

    def pip(self, *words: str) -> None:
        environment = dict(os.environ, PATH=f"{self.bin}:{os.environ['PATH']}", PIP_DISABLE_PIP_VERSION_CHECK="1")
        environment["CARGO_TARGET_DIR"] = str(self.target)
        done = subprocess.run(
            [self.bin / "python", "-m", "pip", *words], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"pip {' '.join(words)}: {done.stdout}{done.stderr}")

    def build(self, into: Path, *, release: bool) -> Path:
        shutil.rmtree(into, ignore_errors=True)
        arguments = [] if release else ["--config-settings", "build-args=--profile dev"]
        self.pip("wheel", ".", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(into), *arguments)
        (wheel,) = into.glob("*.whl")
        return wheel


class Place:
    """A fresh virtual environment, and a folder with programs."""

    def __init__(self, folder: Path, python: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.work = folder / "work"
        self.prefix = folder / "venv"
        self.bin = self.prefix / "bin"
        self.python = self.bin / "python"
        subprocess.run([python, "-m", "venv", "--without-pip", str(self.prefix)], capture_output=True)
        package = self.work / "package"
        package.mkdir(parents=True)
        (self.work / "script.py").write_text(MAIN.format(package=""))
        (self.work / "steps.py").write_text(STEPS)
        (package / "__init__.py").write_text("")
        (package / "__main__.py").write_text(MAIN.format(package="."))
        (package / "steps.py").write_text(STEPS)
        self.plain = {key: text for key, text in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
        self.plain |= {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.active = self.plain | {"VIRTUAL_ENV": str(self.prefix), "PATH": f"{self.bin}:{self.plain['PATH']}"}

    def works(self) -> bool:
        return self.python.exists() and self.run(self.python, "-c", "").returncode == 0

    def run(self, *words: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, words)), cwd=self.work, env=environment or self.plain, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=TIMEOUT,
        )  # fmt: skip

    def stop(self, words: list[object], environment: dict[str, str], after: str) -> tuple[int, str, str]:
        """Starts a program, sends SIGINT when it has printed `after`, and gives status and output."""
        process = subprocess.Popen(
            list(map(str, words)), cwd=self.work, env=environment, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith(after):
                process.send_signal(signal.SIGINT)
        errors = process.stderr.read() if process.stderr else ""
        return process.wait(TIMEOUT), said, errors


def check_contents(wheel: Path) -> Iterator[str]:
    """The wheel holds the runtime, the binary, and nothing that was only lying about."""
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if name.startswith("heresy/")}
    runtime = ROOT / "src" / "runtime"
    files = [path for pattern in ("*.py", "py.typed") for path in (runtime / "heresy").rglob(pattern)]
    wanted = {str(path.relative_to(runtime)) for path in files}
    for name in sorted(packed ^ wanted):
        yield f"{name} is {'only in the wheel' if name in packed else 'not in the wheel'}"
    if not any(name.endswith(".data/scripts/heresy") for name in names):
        yield "the wheel has no command"


def check_installed(place: Place) -> Iterator[str]:
    python, heresy = place.python, place.bin / "heresy"
    found = place.run(python, "-c", "import heresy; print(heresy.__file__)").stdout
    if not found.startswith(str(place.prefix)):
        yield f"`import heresy` finds {found!r}"
    place.run(heresy, "transpile", "script.py", "-o", "out.py")
    place.run(heresy, "transpile", ".", "-o", "out")
    ways: list[tuple[str, list[object], dict[str, str]]] = [
        ("heresy run, activated", ["heresy", "run", "script.py"], place.active),
        ("heresy run, not activated", [heresy, "run", "script.py"], place.plain),
        ("heresy run -m", ["heresy", "run", "-m", "package"], place.active),
        ("python -m heresy run", [python, "-m", "heresy", "run", "script.py"], place.plain),
        ("python -m heresy run -m", [python, "-m", "heresy", "--color", "never", "run", "-m", "package"], place.plain),
        ("python out.py", [python, "out.py"], place.plain),
        ("python out/script.py", [python, "out/script.py"], place.plain),
    ]
    for number, (name, words, environment) in enumerate(ways):
        words = [*words, str(number)]
        plain = place.run(python, "script.py", number)
        status, before, said = place.stop(words, environment, "2 ")
        again = place.run(*words, environment=environment)
        if status != -signal.SIGINT or "stopped at" not in said:
            yield f"{name}: not stopped: {status}, {said!r}"
        elif (again.returncode, before + again.stdout) != (0, plain.stdout):
            yield f"{name}: {again.returncode}, {before!r} and {again.stdout!r}, not {plain.stdout!r}; {again.stderr}"
    yield from check_main(place)


def check_main(place: Place) -> Iterator[str]:
    """`python -m heresy` where something is wrong."""
    options = place.run(place.python, "-X", "dev", "-m", "heresy", "run", "script.py")
    if options.returncode != 2 or "H024" not in options.stderr:
        yield f"python -X dev -m heresy: {options.returncode}, {options.stderr!r}"
    other = place.run(place.python, "-m", "heresy", "run", "--python", "no-such-python", "script.py")
    if other.returncode != 2 or "no-such-python" not in other.stderr:
        yield f"python -m heresy run --python: {other.returncode}, {other.stderr!r}"
    shutil.move(place.bin / "heresy", place.work / "elsewhere")
    none = place.run(place.python, "-m", "heresy", "--version", environment=place.plain | {"PATH": "/usr/bin:/bin"})
    if none.returncode != 2 or "H023" not in none.stderr:
        yield f"python -m heresy without the command: {none.returncode}, {none.stderr!r}"


if __name__ == "__main__":
    sys.exit(main())
