"""The worst that the run form can cost: small programs that do little else than what heresy changes.

    python benches/micro.py --heresy target/release/heresy --python python3.13 [--pairs 15]

Each is run plainly and by ``heresy run`` in pairs (see `pairs`), and times itself: the least of five rounds counts. What is
given is the median of the quotients.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pairs import compared

#: The body of a function that is timed.
PROGRAMS = {
    "comprehension of trivial calls": """\
def one(x):
    return x

def work():
    for _ in range(3000):
        [one(x) for x in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
""",
    "comprehension without calls": """\
def work():
    for _ in range(6000):
        [x + 1 for x in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
""",
    "inner loops of four items": """\
def work():
    total = 0
    for _ in range(12000):
        for x in (1, 2, 3, 4):
            total += x
    return total
""",
    "inner loops of four items, with calls": """\
def add(a, b):
    return a + b

def work():
    total = 0
    for _ in range(6000):
        for x in (1, 2, 3, 4):
            total = add(total, x)
    return total
""",
    "arithmetic of calls": """\
def f(a, b):
    return a * b + 1

def work():
    x = 1
    for i in range(8000):
        x = (f(x, i) + f(i, 2) - f(1, 1)) % 97 + f(f(x, 1) % 7, 3)
    return x
""",
    "recursion": """\
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def work():
    return fib(20)
""",
    "tiny methods": """\
class Point:
    def __init__(self, x):
        self.x = x

    def moved(self, by):
        return Point(self.x + by)

def work():
    p = Point(0)
    for _ in range(15000):
        p = p.moved(1)
    return p.x
""",
    "generators": """\
def numbers(n):
    for i in range(n):
        yield i

def work():
    total = 0
    for _ in range(300):
        for x in numbers(100):
            total += x
    return total
""",
    "generator expressions": """\
def one(x):
    return x

def work():
    return [sum(one(x) for x in range(10)) for _ in range(3000)]
""",
    "yield from": """\
def inner(n):
    yield from range(n)

def outer(n):
    yield from inner(n)

def work():
    return sum(sum(outer(50)) for _ in range(600))
""",
    "try, except and with": """\
class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

def work():
    manager, caught = Manager(), 0
    for i in range(6000):
        with manager:
            try:
                {}[i]
            except KeyError:
                caught += 1
    return caught
""",
    "closures and keyword arguments": """\
def work():
    total = 0

    def add(*, by, times=1):
        nonlocal total
        total += by * times

    for i in range(15000):
        add(by=i, times=2)
    return total
""",
    "subscripts, attributes and formats": """\
class Holder:
    pass

def work():
    h = Holder()
    h.items = [0] * 10
    for i in range(15000):
        h.items[i % 10] += 1
        h.text = f"{i}:{h.items[0]}"
    return h.text
""",
}

_TIMED = """

import time
_best = 9e9
for _ in range(5):
    _start = time.perf_counter()
    for _ in range(LOOPS):
        work()
    _best = min(_best, time.perf_counter() - _start)
print(_best / LOOPS)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--pairs", type=int, default=15)
    options = parser.parse_args()
    heresy = os.path.abspath(options.heresy)
    for python in options.python:
        for name, text in PROGRAMS.items():
            with tempfile.TemporaryDirectory() as folder:
                script = Path(folder, "program.py")

                def timed(*words: str, script: Path = script) -> float:
                    done = subprocess.run(
                        [*words, str(script)], cwd=script.parent, capture_output=True, text=True, check=True
                    )
                    return float(done.stdout)

                script.write_text(text + _TIMED.replace("LOOPS", "1"))
                loops = max(1, round(0.05 / timed(python)))
                script.write_text(text + _TIMED.replace("LOOPS", str(loops)))
                run = (heresy, "run", "--fresh", "--python", python)
                found = compared(lambda: timed(python), lambda run=run: timed(*run), options.pairs)
            print(f"{python} {name}: {found.ratio:.3f} of {found.plain * 1000:.2f} ms", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
