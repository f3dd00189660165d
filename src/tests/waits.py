"""What ``heresy check`` reports is so: in the examples of ``heresy explain``, no stop falls where it is said to wait.

    python waits.py --heresy target/release/heresy --python python3.13 [CODE…]

Each example of a code H1xx is stopped at its safe points. None may be in its function ``step``; where a stop is said to be
refused, or to name something, one must. If an example fails, heresy can do more than the table in
``src/check/constructs.rs`` says.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from everywhere import Failure, Program

#: What a stop says of codes whose construct refuses it, or whose objects it does not save.
SAYS = {"H120": "cannot stop here", "H121": "[H317]"}

STEP = """\
def step(n):
    return pow(n, 2)

"""

#: What else the texts about a code say, below the function `step`.
MORE = {
    "H103": [
        "print(max(n for n in range(3) if step(n)))",
        "print(min(step(n) for n in range(3)))",
    ],
    "H107": ["print(max([2, 3, 1], key=step))", "print(sum(map(step, [1, 2])))", "print(next(filter(step, [1, 2])))"],
    "H110": [
        "try:\n    1 / 0\nexcept (step(3) and ZeroDivisionError):\n    print('no')",
        "xs = [1] * 20\nfor xs[step(2)] in range(2):\n    print(xs)",
        "def f(x: step(3) = 1):\n    pass\nf.__annotations__",
    ],
    "H111": ["exec('print(step(3))')"],
}


def needed(text: str) -> tuple[int, ...]:
    """The Python version that a program is written for."""
    found = re.search(r"# target-version: (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0,)


def examples(heresy: str, version: tuple[int, ...]) -> list[tuple[str, str]]:
    """Codes and programs for a version of Python."""
    pages = subprocess.run([heresy, "explain", "--all"], capture_output=True, text=True, check=True).stdout
    sections = [section for section in pages.split("\n## ") if section.startswith("H1")]
    explained = [(s[:4], s.split("```python\n")[1].split("```")[0]) for s in sections if "```python\n" in s]
    explained = [(code, text) for code, text in explained if needed(text) <= version]
    more = [(code, STEP + text + "\n") for code, texts in MORE.items() for text in texts]
    return [("control", STEP + "print(step(3))\n"), *explained, *more]


def stops(heresy: str, python: str, text: str, folder: Path) -> list[str]:
    """What is said when a program is stopped at its safe points; at twelve, if it has many."""
    script = folder / "example.py"
    script.write_text(text)
    program = Program(heresy, python, script, folder.parent / "cache")
    points, _ = program.safe_points()
    said = []
    for number in range(1, points + 1, 1 + points // 12):
        with tempfile.TemporaryDirectory() as place:
            said.append(program.life(Path(place), False, number).stderr.decode(errors="replace"))
    return said


def check(heresy: str, python: str, code: str, text: str, folder: Path) -> str | None:
    """What is wrong with an example, if anything is."""
    try:
        found = problem(code, stops(heresy, python, text, Path(tempfile.mkdtemp(dir=folder))))
    except Failure as failure:
        found = str(failure)
    return f"{code}: {found}\n{text}" if found else None


def problem(code: str, said: list[str]) -> str | None:
    inside = [line for text in said for line in text.splitlines() if "stopped at" in line and " in step()" in line]
    if code == "control":
        return None if inside else "no stop falls into a function that is simply called: the test sees nothing"
    if code in SAYS:
        return None if any(SAYS[code] in text for text in said) else f"no stop says {SAYS[code]!r}"
    return f"can be stopped in: {inside[0]}" if inside else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to test")
    parser.add_argument("code", nargs="*", help="only these codes")
    options = parser.parse_args()
    heresy = str(Path(options.heresy).resolve())
    shown = subprocess.run([options.python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=True)
    version = tuple(map(int, shown.stdout.split()))
    texts = [(code, text) for code, text in examples(heresy, version) if not options.code or code in options.code]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = [pool.submit(check, heresy, options.python, *example, Path(folder)) for example in texts]
        problems = [said for each in checks if (said := each.result())]
    for said in problems:
        print(f"FAILED: {said}")
    print(f"{len(texts)} examples, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
