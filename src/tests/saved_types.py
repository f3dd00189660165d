"""The table of what a program may hold: each case is saved, restored in a fresh process, and compared.

    python saved_types.py --heresy target/release/heresy --python python3.13 [--python …] [--to python3.14 …] [FAMILY|CASE…]

A case is a generator function in one of the files of `type_cases`, its families. It makes something, yields, and prints what
has become of it: value, type, identity, what it does from there on. A family runs as one program: all its cases are made,
the program is saved by `heresy.checkpoint()` and goes on to its end; from the checkpoint and a copy of its folder it is
continued by a fresh interpreter. What both print must be what plain Python prints: saving has changed nothing, and nothing
was lost. A case that yields words holds what cannot be saved: the checkpoint must be refused in these words. One that ends
without a yield is not for this Python.

With `--to` a program is continued by another Python than it was saved by. Then a case may print what either prints plainly.
What the families that begin with `same_python` hold, another Python may refuse, in words; or go on without it, and say so
where it is used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from lives import RUNTIME, run

CASES = Path(__file__).resolve().parent / "type_cases"

#: What a Python says that cannot make something again which another has saved.
REFUSED = re.compile(r"error\[H3(05|22|29)\]")
WENT_WITHOUT = "UnsavedObjectError: it could not be saved: the code of "

#: Stands behind the cases in each program, whose arguments name those that it is to run.
RUNNER = '''
if __name__ == "__main__":
    import heresy
    import os
    import sys

    cases = []
    for name in sys.argv[1:]:
        case = globals()[name]()
        try:
            words = next(case)
        except StopIteration:
            print("case", name)
            print("not for this Python")
            continue
        if words is None:
            cases.append((name, case))
            continue
        print("case", name)
        print("to be refused:", words)
        try:
            heresy.checkpoint()
        except heresy.CheckpointError as error:
            print("refused:", " ".join(str(error).split()))
        next(case, None)
    if not heresy.checkpoint() and os.path.exists(".heresy"):
        sys.stdout.flush()
        os.system("cp -a . ../kept")
    print("continued")
    for name, case in cases:
        print("case", name)
        try:
            next(case, None)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
'''


class Said(NamedTuple):
    """What a life of a program has printed.

    Attributes:
        before: by case, before the checkpoint or without one.
        after: by case, after it.
        failure: why it did not come to its end; empty if it did.
    """

    before: dict[str, str]
    after: dict[str, str]
    failure: str

    def has(self, name: str) -> bool:
        """Whether a case is for this Python; one that it does not know of has failed."""
        return not self.before.get(name, "").startswith("not for this Python\n")


class Result(NamedTuple):
    """What has become of some cases.

    Attributes:
        passed: their names.
        failed: for each of the others, why.
    """

    passed: list[str]
    failed: dict[str, str]


def said(done: subprocess.CompletedProcess[bytes]) -> Said:
    text, errors = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    before, _, after = text.rpartition("continued\n") if "continued\n" in text else (text, "", "")
    return Said(by_case(before), by_case(after), f"status {done.returncode}: {errors[-2500:]}" if done.returncode else "")


def by_case(text: str) -> dict[str, str]:
    parts = re.split(r"^case (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


class Family:
    """The cases of one file."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.text = path.read_text()
        self.cases = re.findall(r"^def (\w+)\(\):", self.text, flags=re.MULTILINE)
        self.same_python = self.name.startswith("same_python")


class Trial:
    """Cases of a family, saved by one Python and continued by others."""

    def __init__(self, heresy: str, cache: Path, family: Family) -> None:
        self.heresy = heresy
        self.cache = cache
        self.family = family

    def plain(self, python: str, names: list[str]) -> Said:
        with tempfile.TemporaryDirectory() as name:
            script, folder = self._written(Path(name))
            path = {"PYTHONPATH": str(RUNTIME.parent.parent)}
            return said(run([python, str(script), *names], folder, path=path))

    def saved_and_continued(self, python: str, others: list[str], names: list[str]) -> tuple[Said, list[Said]]:
        """What they say in the process that saves them, and in those that continue from there."""
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            script, folder = self._written(root)
            first = said(self._life(python, script, folder, names, resume=False))
            if not (root / "kept").exists():
                return first._replace(failure=first.failure or "there was no checkpoint"), []
            rest = []
            for other in others:
                shutil.rmtree(folder)
                shutil.copytree(root / "kept", folder, symlinks=True)
                rest.append(said(self._life(other, script, folder, names, resume=True)))
            return first, rest

    def _written(self, root: Path) -> tuple[Path, Path]:
        """The program, and the folder that it runs in."""
        script, folder = root / "program" / f"{self.family.name}.py", root / "folder"
        script.parent.mkdir()
        folder.mkdir()
        script.write_text(self.family.text + RUNNER)
        return script, folder

    def _life(
        self, python: str, script: Path, folder: Path, names: list[str], *, resume: bool
    ) -> subprocess.CompletedProcess[bytes]:
        launch = {
            "script": str(script),
            "source": str(script),
            "sha256": hashlib.sha256(script.read_bytes()).hexdigest(),
            "folder": str(self.cache),
            "cache": str(self.cache / "code"),
            "build": "test",
            "heresy": self.heresy,
            "roots": [str(script.parent)],
            "checkpoint": str(folder / ".heresy" / "program.ckpt"),
            "resume": resume,
            "command": "again",
            "on_unsaved": "refuse",
        }
        return run([python, str(RUNTIME), json.dumps(launch), *names], folder)

    def results(self, python: str, others: list[str], names: list[str]) -> dict[str, Result]:
        """By the Python that continued them, what has become of the cases that are for these Pythons."""
        plain = {each: self.plain(each, names) for each in {python, *others}}
        there = [name for name in names if all(each.has(name) for each in plain.values())]
        first, rest = self.saved_and_continued(python, others, there)
        failures = [each.failure for each in (*plain.values(), first, *rest) if each.failure]
        if len(there) > 1 and any(not (self.family.same_python and REFUSED.search(each)) for each in failures):
            return self._results_of_halves(python, others, there)
        results = {}
        for at, other in enumerate(others):
            if self.family.same_python and other != python and at < len(rest) and REFUSED.search(rest[at].failure):
                results[other] = Result(there, {})
                continue
            life = rest[at] if at < len(rest) else None
            without = [name for name in there if life and self.family.same_python and other != python
                       and WENT_WITHOUT in life.after.get(name, "")]  # fmt: skip
            found = {
                name: "" if name in without else failure(name, [plain[python], plain[other]], first, life) for name in there
            }
            results[other] = Result(
                [name for name, why in found.items() if not why], {name: why for name, why in found.items() if why}
            )
        return results

    def _results_of_halves(self, python: str, others: list[str], names: list[str]) -> dict[str, Result]:
        """One case spoils it for all: the halves say which."""
        middle = len(names) // 2
        halves = [self.results(python, others, part) for part in (names[:middle], names[middle:])]
        return {
            other: Result(
                [name for half in halves for name in half[other].passed],
                {name: why for half in halves for name, why in half[other].failed.items()},
            )
            for other in others
        }


def failure(name: str, plain: list[Said], first: Said, life: Said | None) -> str:
    """Why a case has failed, or nothing."""
    for each in (*plain, first, *([life] if life is not None else [])):
        if each.failure:
            return each.failure
    expected = [each.before.get(name) or each.after.get(name, "") for each in plain]
    if not expected[0]:
        return f"plain Python says nothing of it: {plain[0].before.keys()}"
    if expected[0].startswith("to be refused: "):
        words, _, rest = expected[0].removeprefix("to be refused: ").partition("\n")
        here = first.before.get(name, "")
        refused = re.search(r"^refused: (.*)\n", here, flags=re.MULTILINE)
        if refused is None or words not in refused[1]:
            return f"it was not refused in the words {words!r}: {here}"
        return "" if here.endswith(rest) else f"after the refusal it says {here!r}, not {rest!r}"
    if first.after.get(name) != expected[0]:
        return f"--- plain\n{expected[0]}--- after it was saved\n{first.after.get(name)}"
    if life is None or life.after.get(name) not in expected:
        return f"--- plain\n{expected[0]}--- continued\n{life and life.after.get(name)}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="saves; may be given several times")
    parser.add_argument("--to", action="append", help="continues, in place of the same; may be given several times")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", metavar="NAME", help="the families or cases; all of them if none is named")
    options = parser.parse_args()
    heresy = str(Path(options.heresy).resolve())
    failed = 0
    with tempfile.TemporaryDirectory() as cache, ThreadPoolExecutor(options.jobs) as pool:
        for python in options.python:
            others = options.to or [python]
            tasks = []
            for family in map(Family, sorted(CASES.glob("*.py"))):
                chosen = [
                    case for case in family.cases if not options.names or {case, family.name} & set(options.names)
                ]
                if chosen:
                    trial = Trial(heresy, Path(cache), family)
                    tasks.append((family, pool.submit(trial.results, python, others, chosen)))
            passed = dict.fromkeys(others, 0)
            for family, task in tasks:
                for other, result in task.result().items():
                    passed[other] += len(result.passed)
                    failed += len(result.failed)
                    for name, why in result.failed.items():
                        print(f"{python} to {other}: {family.name}: {name}: FAILED\n{why}", flush=True)
            for other, count in passed.items():
                print(f"{python} to {other}: {count} cases passed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
