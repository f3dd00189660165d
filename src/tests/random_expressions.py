"""Random expressions: the part of `random_source` that writes what stands inside a statement."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

GLOBALS = ["g0", "g1", "g2"]
_OPERATORS = ["+", "-", "*", "^", "|", "&"]
_COMPARISONS = ["<", "<=", "==", "!=", ">", ">="]


class Function:
    """The function that is being written.

    Attributes:
        ints: its integer variables; ``lists``: its lists.
        depth: the name of its recursion budget, or None at the module's level.
        handled: the names of the exceptions of the handlers around, innermost last.
    """

    def __init__(self, ints: list[str], lists: list[str], depth: str | None, outer: Function | None = None) -> None:
        self.ints = ints
        self.lists = lists
        self.depth = depth
        self.outer = outer
        self.local_functions: list[str] = []
        self.handled: list[str | None] = []
        self.loops = 0
        self.is_generator = False
        self.in_finally = False
        self.instance = False


class Expressions:
    """Writes expressions; `random_source.Writer` puts them into statements."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.number = 10
        self.names = 0
        self.functions: list[str] = []
        self.generators: list[str] = []
        self.classes: list[str] = []
        self.f = Function([*GLOBALS], ["gl"], None)
        self.indent = 0
        self.no_walrus = 0
        self.in_fstring = False
        self.tries = 0

    # --- small things -----------------------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, choices: list[_T]) -> _T:
        return self.random.choice(choices)

    def write(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def fresh(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def budget(self) -> str:
        return f"{self.f.depth} - 1" if self.f.depth else "2"

    def weighted(self, table: list[tuple[float, Callable[..., str]]], *args: object) -> str:
        weights = [weight for weight, _ in table]
        return self.random.choices([choice for _, choice in table], weights)[0](*args)

    def block(self, depth: int, most: int = 3) -> None:
        self.indent += 1
        self.statements(depth, self.random.randint(1, most))
        self.indent -= 1

    # --- expressions ------------------------------------------------------------------------------------------------

    def integer(self, d: int) -> str:
        """An expression whose value is an integer."""
        if d <= 0:
            return self.weighted(
                [(3, self._constant), (5, self._variable), (4, self._trace_leaf), (2, self._attribute)]
            )
        return self.weighted(
            [
                (3, self._variable_of), (6, self._trace), (6, self._call), (4, self._method), (6, self._binary),
                (2, self._compare), (2, self._boolean), (2, self._conditional), (2, self._walrus), (4, self._subscript),
                (2, self._property), (2, self._total), (1, self._length), (2, self._built_in), (1, self._lambda),
                (1, self._sum), (2, self._unary), (1, self._call_item), (1, self._instance_call), (2, self._new_then_method),
                (1, self._next), (4 if self._may_yield else 0, self._yield), (1, self._made_attribute),
                (1, self._text_length), (1, self._dict_item),
            ],
            d - 1,
        )  # fmt: skip

    def _constant(self) -> str:
        return str(self.random.randint(0, 9))

    def _variable(self) -> str:
        return self.pick(self.f.ints)

    def _variable_of(self, d: int) -> str:
        return self._variable()

    def _trace_leaf(self) -> str:
        self.number += 1
        return f"t({self.number}, {self._variable()})"

    def _trace(self, d: int) -> str:
        self.number += 1
        return f"t({self.number}, {self.integer(d)})"

    def _attribute(self) -> str:
        return f"{self.object(0)}.x" if self.classes else self._constant()

    def _call(self, d: int) -> str:
        if self.f.local_functions and self.chance(0.5):
            return f"{self.pick(self.f.local_functions)}({self.integer(d)})"
        if not self.functions:
            return self._trace(d)
        name = self.pick(self.functions)
        match self.random.randint(0, 4):
            case 0:
                return f"{name}({self.integer(d)}, {self.budget()}, c={self.integer(d)})"
            case 1:
                return f"{name}(*[{self.integer(d)}, {self.budget()}])"
            case 2:
                return f"{name}(b={self.budget()}, a={self.integer(d)})"
            case 3:
                return f"{name}({self.integer(d)}, **{{'b': {self.budget()}, 'c': {self.integer(d)}}})"
            case _:
                return f"{name}({self.integer(d)}, {self.budget()})"

    def _method(self, d: int) -> str:
        if not self.classes:
            return self._trace(d)
        if self.f.instance and self.chance(0.3):
            return f"super().{self.pick(['m', 'n'])}({self.integer(d)}, {self.budget()})"
        method = self.pick(["m", "m", "n", "s", "k"])
        return f"{self.object(d)}.{method}({self.integer(d)}, {self.budget()})"

    def _binary(self, d: int) -> str:
        return f"({self.integer(d)} {self.pick(_OPERATORS)} {self.integer(d)}) % 97"

    def _unary(self, d: int) -> str:
        return f"({self.pick(['-', '+', 'not '])}{self.integer(d)})"

    def _compare(self, d: int) -> str:
        rest = "".join(f" {self.pick(_COMPARISONS)} {self.integer(d)}" for _ in range(self.random.randint(1, 3)))
        return f"({self.integer(d)}{rest})"

    def _boolean(self, d: int) -> str:
        return "(" + self.pick([" and ", " or "]).join(self.integer(d) for _ in range(self.random.randint(2, 3))) + ")"

    def _conditional(self, d: int) -> str:
        return f"({self.integer(d)} if {self.integer(d)} else {self.integer(d)})"

    def _walrus(self, d: int) -> str:
        return self._trace(d) if self.no_walrus else f"({self._variable()} := {self.integer(d)})"

    def _subscript(self, d: int) -> str:
        return f"{self.items(d)}[{self.integer(d)} % 3]"

    def _property(self, d: int) -> str:
        return f"{self.object(d)}.p" if self.classes else self._constant()

    def _total(self, d: int) -> str:
        match self.random.randint(0, 2):
            case 0:
                return f"total({self.integer(d)}, *{self.items(d)}, {self.integer(d)})"
            case 1:
                return f"total({self.integer(d)}, z={self.integer(d)}, **{self.mapping(d)})"
            case _:
                return f"total(*{self.items(d)}, *{self.items(d)}, y={self.integer(d)})"

    def _length(self, d: int) -> str:
        return f"len({self.items(d)})"

    def _built_in(self, d: int) -> str:
        return f"{self.pick(['max', 'min'])}({self.integer(d)}, {self.integer(d)})"

    def _lambda(self, d: int) -> str:
        self.no_walrus += 1
        body = self.integer(d)
        self.no_walrus -= 1
        return f"(lambda q={self.integer(d)}: {body} + q)()"

    def _sum(self, d: int) -> str:
        return f"sum({self._comprehension(d)})"

    def _call_item(self, d: int) -> str:
        return f"[ident, total, abs][{self.integer(d)} % 3]({self.integer(d)})"

    def _instance_call(self, d: int) -> str:
        return f"{self.object(d)}({self.integer(d)})" if self.classes else self._constant()

    def _new_then_method(self, d: int) -> str:
        if not self.classes:
            return self._trace(d)
        return f"{self.pick(self.classes)}({self.integer(d)}, {self.budget()}).{self.pick(['m', 'n'])}({self.integer(d)}, 1)"

    @property
    def _may_yield(self) -> bool:
        # Where no walrus can stand, a lambda or a comprehension is being written.
        return self.f.is_generator and not self.no_walrus

    def _yield(self, d: int) -> str:
        self.number += 1
        if self.chance(0.3) and self.generators:
            inner = f"yield from {self.pick(self.generators)}({self.integer(d)}, {self.budget()})"
        else:
            inner = self.pick(["yield", f"yield {self.integer(d)}", "yield from " + self.items(d)])
        return f"t({self.number}, ({inner}) or 3)"

    def _next(self, d: int) -> str:
        return (
            f"next({self.pick(self.generators)}({self.integer(d)}, {self.budget()}), 7)"
            if self.generators
            else self._constant()
        )

    def _made_attribute(self, d: int) -> str:
        return f"ident({self.object(d)}).x" if self.classes else self._constant()

    def _text_length(self, d: int) -> str:
        return f"len({self.text(d)})"

    def _dict_item(self, d: int) -> str:
        return f"{self.mapping(d)}.get('k', {self.integer(d)})"

    def items(self, d: int) -> str:
        """An expression whose value is a list of integers, most often three or more."""
        if d <= 0:
            return self.pick(self.f.lists)
        kind = self.random.randint(0, 9)
        self.number += 1
        match kind:
            case 0 | 1 | 2:
                return self.pick(self.f.lists)
            case 3 | 4:
                return f"[{self.integer(d - 1)}, {self.integer(d - 1)}, {self.integer(d - 1)}]"
            case 5:
                return f"ident({self.items(d - 1)})"
            case 6:
                return f"({self.items(d - 1)} + {self.items(d - 1)})"
            case 7:
                return f"({self.items(d - 1)} + [0, 0, 0])[{self.integer(d - 1)} % 2:{self.integer(d - 1)} % 3 + 4]"
            case 8:
                return self._comprehension(d - 1)
            case _:
                return f"[*{self.items(d - 1)}, {self.integer(d - 1)}, 1, 2]"

    def _comprehension(self, d: int) -> str:
        """A list of integers that a comprehension has made."""
        match self.random.randint(0, 7):
            case 0:
                key, rest = self._comprehended(d, 2)
                return f"list({{{key} {rest}}}.values())"
            case 1:
                element, rest = self._comprehended(d, 1)
                return f"sorted({{{element} {rest}}})"
        element, rest = self._comprehended(d, 1)
        return f"[{element} {rest}]"

    def generated(self, d: int) -> str:
        """A generator expression that gives integers."""
        element, rest = self._comprehended(d, 1)
        return f"({element} {rest})"

    def _comprehended(self, d: int, count: int) -> tuple[str, str]:
        """What a comprehension makes of each round (with ``count`` 2, a key and a value), and its ``for`` parts."""
        self.no_walrus += 1
        loops: list[str] = []
        names: list[str] = []
        for depth in range(self.pick([1, 1, 1, 2])):
            sources = [f"[1, {self.integer(0)}, 3]", f"[{self.integer(d)}]", self.pick(self.f.lists)]
            source = self.pick(sources if not depth else [*sources[:2], f"range({self.integer(d - 1)} % 3)"])
            # Its own name, or one that hides another.
            name = self.fresh("q") if self.chance(0.7) or names else self.pick(self.f.ints)
            names.append(name)
            self.f.ints.append(name)
            loops.append(f"for {name} in {source}")
            if self.chance(0.25):
                loops.append(f"if {self.integer(d)} % 3")
        element = ": ".join(self.integer(d) for _ in range(count))
        for name in names:
            self.f.ints.remove(name)
        self.no_walrus -= 1
        return element, " ".join(loops)

    def mapping(self, d: int) -> str:
        """An expression whose value is a dict from strings to integers."""
        if d <= 0 or self.chance(0.4):
            return "gd"
        inner = f", **{self.mapping(d - 1)}" if self.chance(0.3) else ""
        return f"{{ident('k'): {self.integer(d - 1)}, 'l': {self.integer(d - 1)}{inner}}}"

    def text(self, d: int) -> str:
        if self.in_fstring or d <= 0:
            return self.pick(["'a'", "'bc'", f"str({self.integer(d - 1)})"])
        self.in_fstring = True
        fields = "-".join(
            f"{{{self.integer(d - 1)}{self.pick(['', '', '!r', ':3', ':>{' + self.integer(0) + ' % 5 + 1}'])}}}".replace(
                "{{", "{ {"
            )
            for _ in range(self.random.randint(1, 3))
        )
        self.in_fstring = False
        return f'f"{fields}"'

    def object(self, d: int) -> str:
        """An expression whose value is an instance of one of the program's classes."""
        choices = ["o1", "o2"]
        if self.f.instance:
            choices += ["self"] * 4
        if d > 0 and self.chance(0.3):
            choices = [
                f"ident({self.object(d - 1)})",
                f"{self.pick(self.classes)}({self.integer(d - 1)}, {self.budget()})",
            ]
        if d > 0 and self.chance(0.1):
            choices = [
                f"[o1, o2][{self.integer(d - 1)} % 2]",
                f"({self.object(d - 1)} if {self.integer(d - 1)} else o1)",
            ]
        return self.pick(choices)
