"""Many first starts of one program at the same time, with an empty cache.

    python3.13 starts.py --heresy target/release/heresy [--python python3.13] [--starts 20]

All must run as under plain Python. The cache must then be what one start alone leaves: one entry for each key, each whole,
and no file that was on the way to one. The same starts must be right, too, while somebody empties the cache over and over.

The two interpreters of a first start must compile just those modules of the runtime, between them, that it imports.
"""

from __future__ import annotations

import _imp
import argparse
import marshal
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtime"))
from heresy import _finder  # noqa: E402

TIMEOUT = 120
COMPILED = (".run", ".lib", ".frame", ".start", ".again", ".rest")

MAIN = """\
import sys
from contextlib import contextmanager
from package import total
from package.prices import Price

@contextmanager
def shown(name):
    yield name

with shown(sys.argv[1]) as name:
    print(name, total([Price(n) for n in range(int(name))]))
"""

PACKAGE = """\
from .prices import add

def total(prices):
    return add(prices, 0)
"""

PRICES = """\
class Price:
    def __init__(self, amount):
        self.amount = amount

def add(prices, start):
    for price in prices:
        start += price.amount
    return start
"""


class Place:
    """A folder with the program, and one for its cache."""

    def __init__(self, folder: Path, heresy: str, python: str) -> None:
        self.program = folder / "program"
        self.cache = folder / "cache" / "heresy"
        self.claims = self.cache / "claims"
        self.heresy = heresy
        self.python = python
        (self.program / "package").mkdir(parents=True)
        (self.program / "main.py").write_text(MAIN)
        (self.program / "package" / "__init__.py").write_text(PACKAGE)
        (self.program / "package" / "prices.py").write_text(PRICES)
        self.environment = dict(os.environ, XDG_CACHE_HOME=str(self.cache.parent), PYTHONDONTWRITEBYTECODE="1")

    def start(self, words: list[str], number: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*words, "main.py", str(number)], cwd=self.program, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run_all(self, words: list[str], starts: int) -> list[tuple[int, bytes, bytes]]:
        """Starts the program so many times, at once, and gives each one's status and output."""
        started = [self.start(words, number) for number in range(starts)]
        said = [process.communicate(timeout=TIMEOUT) for process in started]
        return [(process.returncode, *texts) for process, texts in zip(started, said)]

    def run_heresy(self, starts: int) -> list[tuple[int, bytes, bytes]]:
        return self.run_all([self.heresy, "run", "--python", self.python], starts)

    def entries(self) -> dict[str, bytes]:
        """What is in the cache. Compiled code may differ in what it does not mean, so it counts by its name."""
        files = (path for path in self.cache.rglob("*") if path.is_file() and path.name != "looked-at")
        # Who has claimed which checkpoint is no matter of what is kept.
        files = (path for path in files if path.parent != self.claims)
        return {
            str(path.relative_to(self.cache)): b"" if path.suffix in COMPILED else path.read_bytes() for path in files
        }

    def compiled(self) -> set[str]:
        """The modules of the runtime that a start has left compiled."""
        (file,) = self.cache.glob("runtime-*/bundles/*.start")
        return set(marshal.loads(file.read_bytes()[_finder._DIGEST :]))

    def clean(self) -> None:
        subprocess.run([self.heresy, "cache", "clean"], env=self.environment, capture_output=True, check=True)


def empty_over_and_over(place: Place, end: threading.Event) -> None:
    while not end.is_set():
        place.clean()


def check(heresy: str, python: str, starts: int, folder: Path) -> list[str]:
    problems = []
    alone = Place(folder / "alone", heresy, python)
    plain = alone.run_all([python], starts)
    if alone.run_heresy(1) != plain[:1]:
        problems.append("one start differs from a plain one")
    by_two = alone.compiled()
    # Now the interpreter is known, so that it has nobody's help.
    for compiled in (*alone.cache.glob("runtime-*/bundles"), alone.cache / "code"):
        shutil.rmtree(compiled)
        compiled.mkdir()
    alone.run_heresy(1)
    if differing := by_two ^ alone.compiled():
        problems.append(f"compiled by two, or imported, but not both: {sorted(differing)}")

    (bundle,) = alone.cache.glob("runtime-*/bundles/*.start")
    text = marshal.dumps({name: marshal.dumps(compile("1 / 0", name, "exec")) for name in by_two})
    bundle.write_bytes(_imp.source_hash(_finder._KEY + 1, text) + text)
    if alone.run_heresy(1) != plain[:1] or bundle.read_bytes()[_finder._DIGEST :] == text:
        problems.append("what an interpreter with other bytecode has compiled is used, or stays")

    many = Place(folder / "many", heresy, python)
    for number, (got, wanted) in enumerate(zip(many.run_heresy(starts), plain)):
        if got != wanted:
            problems.append(f"start {number} of {starts} at once: {got}, not {wanted}")
    wanted_entries, got_entries = alone.entries(), many.entries()
    for name in wanted_entries.keys() | got_entries.keys():
        if wanted_entries.get(name) != got_entries.get(name):
            problems.append(f"cache entry {name}: alone {name in wanted_entries}, of many {name in got_entries}")
    if len(wanted_entries) < 10:
        problems.append(f"the cache is nearly empty: {sorted(wanted_entries)}")

    for path in many.cache.rglob("*"):
        os.utime(path, (0, 0))  # what was used just now would stay
    end = threading.Event()
    cleaner = threading.Thread(target=empty_over_and_over, args=(many, end))
    cleaner.start()
    for number, (got, wanted) in enumerate(zip(many.run_heresy(starts), plain)):
        if got != wanted:
            problems.append(f"start {number}, while the cache is emptied: {got}, not {wanted}")
    end.set()
    cleaner.join()
    left = many.entries().keys() - wanted_entries.keys()
    if left:
        problems.append(f"left in the cache after it was emptied and filled again: {sorted(left)}")
    many.clean()
    if claims := list(many.claims.iterdir()):
        problems.append(f"claims that nobody has are left: {claims}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to test")
    parser.add_argument("--starts", type=int, default=20, help="at the same time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        problems = check(os.path.abspath(options.heresy), options.python, options.starts, Path(folder).resolve())
    for problem in problems:
        print(f"FAILED: {problem}")
    print(f"{options.starts} starts at once, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
