"""Programs that use other people's packages: `heresy verify` stops each at some of its statements, and all must be the same.

    python ecosystem.py --heresy target/release/heresy --python python3.13 [--points 6] [PROGRAM…]

The packages are installed from PyPI into a virtual environment that is made for it; where that is not possible the programs are
skipped, and it is said. What each program shows is in its text: objects of libraries whose state is theirs, classes and functions
that a library makes while the program runs, arrays that share memory, libraries that call the program.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from trials import House, Trial, main, need


class Program(NamedTuple):
    """
    Attributes:
        packages: what it needs from PyPI.
    """

    packages: str
    text: str


PROGRAMS = {
    "bars": Program("tqdm", """\
import sys
from tqdm import tqdm, trange

def work(n):
    total = 0
    with tqdm(total=n, file=sys.stdout, mininterval=1e9, bar_format="{n}/{total}\\n") as bar:
        for i in range(n):
            total += i
            bar.update(1)
            for j in trange(2, leave=False, disable=True):
                total += j
    return total

print(work(6))
print(sum(tqdm((x * x for x in range(9)), disable=True)))
"""),
    "arrays": Program("numpy", """\
import numpy as np

def relax(grid, steps):
    inner, rows = grid[1:-1, 1:-1], [grid[i] for i in range(len(grid))]
    for step in range(steps):
        inner += 0.25 * (grid[:-2, 1:-1] + grid[2:, 1:-1] - 2 * inner)
        rows[step % len(rows)][0] += 1
        print(step, round(float(grid.sum()), 6), inner.base is grid)
    return inner

rng = np.random.default_rng(3)
grid = np.zeros((6, 6))
grid[2:4, 2:4] = 1
print(relax(grid, 5).tolist())
masked = np.ma.array(grid, mask=grid > 0.5)
np.set_printoptions(precision=3)
for value in masked.compressed()[:3]:
    print(value, rng.integers(100))
print(grid)
with np.errstate(all="ignore"):
    for n in range(2):
        with np.errstate(divide="raise"):
            print(np.geterr(), n)
        print(np.float64(1) / n)
print(np.geterr())
"""),
    "tables": Program("pandas", """\
import numpy as np
import pandas as pd

df = pd.DataFrame({"a": np.arange(12), "b": list("xyz") * 4, "c": pd.date_range("2024-01-01", periods=12)})
found = {}
for name, group in df.groupby("b"):
    found[name] = int(group.a.sum())
    df.loc[df.b == name, "a"] += 1
for row in df.itertuples():
    if row.Index % 5 == 0:
        print(row.Index, row.a, row.c.date())
print(found, df.a.tolist(), df.describe().shape)
pd.set_option("display.precision", 2)
for n in range(2):
    with pd.option_context("display.precision", 3 + n):
        print(df.a[:1] / 3)
    print(df.a[:1] / 3)
"""),
    "records": Program("attrs", """\
import attr, attrs

@attrs.define
class Point:
    x: int
    y: int = 3

@attr.s(order=True)
class Item:
    name = attr.ib(validator=attr.validators.instance_of(str))
    tags = attr.ib(factory=list)

points, items = [], [Item("a")]
for n in range(4):
    points.append(Point(n))
    items[0].tags.append(attrs.evolve(points[-1], y=n))
print(points, items, Point(1) == points[1], Item("a") < Item("b"), attr.asdict(items[0]))
"""),
    "templates": Program("jinja2", """\
import jinja2

env = jinja2.Environment(trim_blocks=True)
env.filters["twice"] = lambda text: text * 2
page = env.from_string("{% macro li(x) %}<{{ x|twice }}>{% endmacro %}{% for x in xs %}{{ li(x) }}{% endfor %}{{ n|upper }}")
parts = []
for n in range(4):
    parts.append(page.render(xs=[str(i) for i in range(n)], n=f"n{n}"))
    print(parts[-1])
"""),
    "models": Program("pydantic", """\
import pydantic

class Line(pydantic.BaseModel):
    amount: int
    words: list[str] = []

lines = []
for n in ("1", "2", "x"):
    try:
        lines.append(Line.model_validate({"amount": n, "words": [n]}))
    except pydantic.ValidationError as error:
        print(error.error_count())
print(lines, sum(line.amount for line in lines), lines[0].model_dump_json())
"""),
    "commands": Program("click", """\
import click

@click.group()
@click.option("--rate", default=2)
@click.pass_context
def main(context, rate):
    context.obj = {"rate": rate}

@main.command()
@click.argument("n", type=int)
@click.pass_obj
def count(obj, n):
    total = 0
    for i in range(n):
        total += i * obj["rate"]
        click.echo(f"{i} {total}")

main(["--rate", "3", "count", "4"], standalone_mode=False)
print("end")
"""),
    "typed_commands": Program("typer", """\
import typer

app = typer.Typer()

@app.command()
def count(n: int = 3, name: str = "x"):
    total = 0
    for i in range(n):
        total += i
        print(name, total)

@app.command()
def other():
    print("other")

app(["count", "--n", "4"], standalone_mode=False)
"""),
    "retries": Program("tenacity backoff", """\
import backoff, tenacity

calls = 0

@tenacity.retry(stop=tenacity.stop_after_attempt(5), wait=tenacity.wait_none())
def first():
    global calls
    calls += 1
    for i in range(3):
        print("first", calls, i)
    if calls < 3:
        raise ValueError(calls)
    return calls

@backoff.on_exception(backoff.constant, ValueError, interval=0, jitter=None, max_tries=4)
def second():
    global calls
    calls += 1
    print("second", calls)
    if calls < 5:
        raise ValueError(calls)
    return calls

print(first(), second())
"""),
    "pages": Program("beautifulsoup4 networkx pyyaml requests", """\
import networkx as nx
import requests
import yaml
from bs4 import BeautifulSoup

soup = BeautifulSoup("<ul>" + "".join(f"<li class=a>{n}</li>" for n in range(4)) + "</ul>", "html.parser")
graph, session = nx.path_graph(3), requests.Session()
session.headers["X-Count"] = "0"
for li in soup.find_all("li"):
    graph.add_edge(0, int(li.text) + 1)
    session.headers["X-Count"] = li.text
    li["class"] = "seen"
    last = li.string
deep = BeautifulSoup("<b>" * 300 + "x" + "</b>" * 300, "html.parser")
inner, children = deep.find(string="x"), iter(soup.ul.contents)
next(children)["id"] = "first"
inner.replace_with("y")
print(len(str(deep)), deep.get_text(), last.parent["class"], next(children)["class"], soup.ul.li.next_sibling is not None)
print(soup, nx.shortest_path(graph, 2, 4), session.headers["X-Count"], yaml.safe_load("a: [1, {b: null}]"))
"""),
}  # fmt: skip


def environment(python: str, folder: Path, packages: list[str]) -> tuple[Path, str]:
    """The interpreter of a virtual environment with these packages; and why it cannot be made here, if it cannot."""
    made = subprocess.run([python, "-m", "venv", str(folder)], capture_output=True, text=True)
    own = folder / "bin" / "python"
    if made.returncode == 0:
        install = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        made = subprocess.run([*install, *packages], capture_output=True, text=True)
    lines = (made.stderr or made.stdout).strip().splitlines()
    return own, lines[-1] if made.returncode and lines else "it fails" if made.returncode else ""


def trial(name: str, points: int) -> Trial:
    program = PROGRAMS[name]

    def verified(house: House) -> str:
        python, missing = environment(house.python, house.folder / "venv", program.packages.split())
        if missing:
            return f"SKIPPED: {program.packages} cannot be had here: {missing}"
        work = house.folder / "work"
        work.mkdir()
        (work / f"{name}.py").write_text(program.text)
        done = subprocess.run(
            [house.command[0], "verify", "--python", str(python), "--points", str(points), f"{name}.py"],
            cwd=work, env=house.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        need(done.returncode == 0, said)
        return said.splitlines()[0]

    return verified


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--points", type=int, default=6, help="at how many statements to stop each")


if __name__ == "__main__":
    sys.exit(main(__doc__, lambda options: {name: trial(name, options.points) for name in PROGRAMS}, options))
