"""All benches but the slowest, in one table: of this machine, with these versions, today.

    python benches/table.py --heresy target/release/heresy --python python3.13 [--suite] > table.md

Each line is what the bench of that name has printed; it says with ``--help`` what is measured, and how. Nothing else should run
on the machine meanwhile. ``--suite`` adds the programs of pyperformance, which take a quarter of an hour for each interpreter.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

#: The benches, and which of their lines are wanted: those in which one of these words is.
BENCHES = {
    "start": ("",),
    "reference": ("",),
    "checkpoint": ("ten", "none, size", "none, made:", "none, goes on:", "fast, size"),
    "micro": ("",),
    "growth": ("",),
    "suite": ("programs:",),
}
#: With these, a table takes some minutes.
SHORTER = {"micro": ("--pairs", "7"), "suite": ("--pairs", "3")}


def rows(bench: str, heresy: str, python: str) -> list[tuple[str, str, str]]:
    """What a bench has printed: its name, what was measured, and the figures."""
    script = Path(__file__).resolve().parent / f"{bench}.py"
    words = [sys.executable, str(script), "--heresy", heresy, "--python", python, *SHORTER.get(bench, ())]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    lines = [line.removeprefix(python).strip() for line in done.stdout.splitlines() if line.startswith(python)]
    wanted = [line.partition(":") for line in lines if any(word in line for word in BENCHES[bench])]
    return [(bench, what.strip() or "in all", figures.strip()) for what, _, figures in wanted]


def processor() -> str:
    """What the system calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--suite", action="store_true", help="with the programs of pyperformance")
    options = parser.parse_args()
    heresy = os.path.abspath(options.heresy)
    version = subprocess.run([heresy, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version}, {datetime.date.today()}, {processor()}, {os.cpu_count()} processors, {platform.system()}\n")
    print("| Python | bench | what | figures |\n| --- | --- | --- | --- |", flush=True)
    for python in options.python:
        ask = [python, "-c", "import platform; print(platform.python_version())"]
        release = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        for bench in BENCHES:
            if bench != "suite" or options.suite:
                for row in rows(bench, heresy, python):
                    print("|", release, "|", " | ".join(row), "|", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
