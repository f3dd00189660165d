"""What random programs begin with: the functions and classes of which the rest is made, as far as it uses them.

A program's every effect is a call of ``t(number, value)``, which prints both and gives the value back. ``t`` also counts: a
program that runs long is ended by it.
"""

from __future__ import annotations

import re

#: Ways to write ``t``: one statement, or several to be stopped at.
TRACERS = (
    """\
count = iter(range(60))


def t(number, value=0):
    return print(number, value) or (value if next(count, None) is not None else sys.exit("enough"))
""",
    """\
steps = 0


def t(number, value=0):
    global steps
    steps += 1
    if steps > 60:
        sys.exit("enough")
    print(number, value)
    return value
""",
    """\
steps = []


def t(number, value=0):
    steps.append(number)
    try:
        return value
    finally:
        print(number, value)
        if len(steps) > 60:
            sys.exit("enough")
""",
)

#: By the name that asks for it; what one needs stands before it.
_PIECES = {
    "total": """\
def total(*args, **kwargs):
    return t(1, (sum(args) + sum(kwargs.values())) % 97)
""",
    "ident": """\
def ident(value):
    t(2)
    return value
""",
    "handled": """\
def handled():
    return repr(sys.exception())
""",
    "live": """\
# Live generators; what is left of them at the end is closed while `t` is still there.
live = []


@atexit.register
def close_all():
    while live:
        try:
            live.pop().close()
        except BaseException as error:
            print(repr(error))
""",
    "deco": """\
def deco(number, *more):
    t(7, number)

    def apply(function):
        t(8, len(more))

        def wrapper(*args, **kwargs):
            nonlocal number
            number = (number + 1) % 97
            return function(*args, **{**kwargs, **ident({})})

        return wrapper

    return apply
""",
    "tag": """\
def tag(cls=None, **values):
    if cls is None:
        return lambda cls: tag(cls, **values)
    for name, value in values.items():
        setattr(cls, name, t(9, value))
    return cls
""",
    "counter": """\
def counter(start=0):
    def more(step=1):
        nonlocal start
        start = t(10, start + step) % 97
        return start

    def back():
        nonlocal start
        start -= more(2)
        return start

    return more, back
""",
    "Trouble": """\
class Trouble(Exception):
    pass
""",
    "Worse": """\
class Worse(Trouble):
    def __init__(self, code):
        super().__init__("worse", code)
        self.code = t(3, code)
""",
    "Manager": """\
class Manager:
    def __init__(self, name, swallows):
        self.name = t(4, name)
        self.swallows = swallows

    def __enter__(self):
        t(5, self.name)
        return self

    def __exit__(self, kind, value, traceback):
        t(6, (self.name, repr(value)))
        return self.swallows
""",
    "Table": """\
class Table(dict):
    def __missing__(self, key):
        return t(11, len(str(key)))
""",
    "gm": "gm = Manager('gm', False)\n",
}
_NEEDS = {"Worse": {"Trouble"}, "gm": {"Manager"}, "deco": {"ident"}, "live": {"atexit"}}


def prelude(body: str, tracer: str) -> str:
    """What a program with this body begins with."""
    names = set(re.findall(r"\w+", body))
    for name, needed in _NEEDS.items():
        if name in names:
            names |= needed
    imports = ["import sys\n"] if "atexit" not in names else ["import atexit\nimport sys\n"]
    pieces = [text for name, text in _PIECES.items() if name in names]
    return "\n\n".join([imports[0], tracer, *pieces]).replace("\n\n\n\n", "\n\n\n") + "\n\n"
