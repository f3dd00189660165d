"""Random expressions: the part of `random_source` that writes what stands inside a statement."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")

GLOBALS = ["g0", "g1", "g2"]
_OPERATORS = ["+", "-", "*", "^", "|", "&"]
_COMPARISONS = ["<", "<=", "==", "!=", ">", ">="]


class Function:
    """The function (or class body) that is being written.

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
        self.is_class = False
        self.in_finally = False
        #: Where nothing may leave: the handlers of ``except*``.
        self.stays = False
        self.instance = False


class Expressions:
    """Writes expressions; `random_source.Writer` puts them into statements.

    Each program has its own tastes: some of what can be written it never writes, some of it often.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.number = 20
        self.names = 0
        #: How many more statements may be written before only short ones follow.
        self.room = self.random.randint(4, 13)
        self.tastes: dict[str, float] = {}
        self.functions: list[str] = []
        self.generators: list[str] = []
        self.factories: list[str] = []
        self.classes: list[str] = []
        #: The special methods that the classes have.
        self.specials: set[str] = set()
        self.f = Function([*GLOBALS], ["gl"], None)
        self.indent = 0
        #: Above 0 where no ``:=`` and no ``yield`` can stand.
        self.no_walrus = 0
        self.in_fstring = 0
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

    def traced(self, value: str) -> str:
        """A call of ``t`` that no other place makes."""
        self.number += 1
        return f"t({self.number}, {value})"

    def budget(self) -> str:
        return f"{self.f.depth} - 1" if self.f.depth else "2"

    def taste(self, name: str) -> float:
        if name not in self.tastes:
            self.tastes[name] = self.random.choice([0, 0, 1, 1, 3])
        return self.tastes[name]

    def chosen(self, table: list[tuple[float, Callable[..., Any]]]) -> Callable[..., Any]:
        """One of the writers, by their weights and the program's tastes."""
        weights = [weight and weight * self.taste(writer.__name__) for weight, writer in table]
        if not any(weights):
            weights = [weight for weight, _ in table]
        return self.random.choices([writer for _, writer in table], weights)[0]

    # --- integers ---------------------------------------------------------------------------------------------------

    def integer(self, d: int) -> str:
        """An expression whose value is an integer."""
        if d <= 0 or self.chance(0.2):
            table = [(3, self._constant), (5, self._variable_of), (4, self._trace), (2, self._attribute)]
            return self.random.choices([writer for _, writer in table], [weight for weight, _ in table])[0](0)
        made = bool(self.classes)
        return self.chosen(
            [
                (9, self._variable_of), (6, self._trace), (6, self._call), (5 * made, self._method), (6, self._binary),
                (2, self._compare), (2, self._boolean), (2, self._conditional), (2, self._walrus), (4, self._subscript),
                (2 * made, self._property), (3, self._total), (1, self._length), (2, self._built_in), (2, self._lambda),
                (3, self._consumed), (2, self._unary), (1, self._call_item), (1 * made, self._instance_call),
                (2 * made, self._new_then_method), (1, self._next), (4 * self._may_yield, self._yield),
                (1 * made, self._made_attribute), (1, self._text_length), (1, self._dict_item),
                (4 * bool(self.specials), self._special), (1, self._closure), (1, self._identity), (1, self._sliced),
            ],
        )(d - 1)  # fmt: skip

    def _constant(self, d: int = 0) -> str:
        return str(self.random.randint(0, 9))

    def _variable(self) -> str:
        return self.pick(self.f.ints)

    def _variable_of(self, d: int) -> str:
        return self._variable()

    def _trace(self, d: int) -> str:
        return self.traced(self.integer(d) if d else self._variable())

    def _attribute(self, d: int) -> str:
        return f"{self.object(0)}.x" if self.classes else self._constant()

    def _call(self, d: int) -> str:
        if self.f.local_functions and self.chance(0.5):
            return f"{self.pick(self.f.local_functions)}({self.integer(d)})"
        if not self.functions:
            return self._trace(d)
        name = self.pick(self.functions)
        match self.random.randint(0, 6):
            case 0:
                return f"{name}({self.integer(d)}, {self.budget()}, c={self.integer(d)})"
            case 1:
                return f"{name}(*[{self.integer(d)}, {self.budget()}])"
            case 2:
                return f"{name}(b={self.budget()}, a={self.integer(d)})"
            case 3:
                return f"{name}({self.integer(d)}, **{{'b': {self.budget()}, 'c': {self.integer(d)}}})"
            case 4:
                return f"{name}(*({self.integer(d)},), *[{self.budget()}], **{{'c': {self.integer(d)}}})"
            case _:
                return f"{name}({self.integer(d)}, {self.budget()})"

    def _method(self, d: int) -> str:
        if self.f.instance and self.chance(0.3):
            return f"super().{self.pick(['m', 'n'])}({self.integer(d)}, {self.budget()})"
        method = self.pick(["m", "m", "n", "s", "k"])
        return f"{self.object(d)}.{method}({self.integer(d)}, {self.budget()})"

    def _binary(self, d: int) -> str:
        if self.chance(0.1):
            return f"({self.integer(d)} {self.pick(['//', '%', '<<'])} ({self.integer(d)} % 5 + 1)) % 97"
        return f"({self.integer(d)} {self.pick(_OPERATORS)} {self.integer(d)}) % 97"

    def _unary(self, d: int) -> str:
        return f"({self.pick(['-', '+', '~+', 'not '])}{self.integer(d)})"

    def _compare(self, d: int) -> str:
        rest = "".join(f" {self.pick(_COMPARISONS)} {self.integer(d)}" for _ in range(self.random.randint(1, 3)))
        if self.chance(0.2):
            rest += f" {self.pick(['in', 'not in'])} {self.items(d)}"
        return f"({self.integer(d)}{rest})"

    def _boolean(self, d: int) -> str:
        return "(" + self.pick([" and ", " or "]).join(self.integer(d) for _ in range(self.random.randint(2, 3))) + ")"

    def _conditional(self, d: int) -> str:
        return f"({self.integer(d)} if {self.integer(d)} else {self.integer(d)})"

    def _walrus(self, d: int) -> str:
        return self._trace(d) if self.no_walrus else f"({self._variable()} := {self.integer(d)})"

    def _subscript(self, d: int) -> str:
        return f"{self.items(d)}[{self.integer(d)} % 3]"

    def _sliced(self, d: int) -> str:
        return f"sum({self.items(d)}[{self.integer(d)} % 3:{self.integer(d)}:{self.integer(d)} % 2 + 1]) % 97"

    def _property(self, d: int) -> str:
        return f"{self.object(d)}.p"

    def _total(self, d: int) -> str:
        match self.random.randint(0, 4):
            case 0:
                return f"total({self.integer(d)}, *{self.items(d)}, {self.integer(d)})"
            case 1:
                return f"total({self.integer(d)}, z={self.integer(d)}, **{self.mapping(d)})"
            case 2:
                return f"total(*{self.items(d)}, *{self.items(d)}, y={self.integer(d)})"
            case 3:
                return f"total(*{self.generated(d)}, y={self.integer(d)}, **{self.mapping(d)}, z={self.integer(d)})"
            case _:
                return f"total(*{self.items(d)}, **{self.mapping(d)}, **{{'z': {self.integer(d)}}})"

    def _length(self, d: int) -> str:
        return f"len({self.items(d)})"

    def _built_in(self, d: int) -> str:
        if self.chance(0.3):
            return f"{self.pick(['abs', 'int', 'bool', 'ident'])}({self.integer(d)})"
        return f"{self.pick(['max', 'min'])}({self.integer(d)}, {self.integer(d)})"

    def _lambda(self, d: int) -> str:
        default = self.integer(d)
        with_walrus = self.chance(0.3) and not self.no_walrus
        body = self.inside(lambda: self.integer(d))
        if with_walrus:
            return f"(lambda *qs, q={default}: (w := {body}) + q + w + len(qs))(*{self.items(d)})"
        return f"(lambda q={default}: {body} + q)()"

    def _call_item(self, d: int) -> str:
        return f"[ident, total, abs][{self.integer(d)} % 3]({self.integer(d)})"

    def _instance_call(self, d: int) -> str:
        return f"{self.object(d)}({self.integer(d)}, {self.budget()})"

    def _new_then_method(self, d: int) -> str:
        made = f"{self.pick(self.classes)}({self.integer(d)}, {self.budget()})"
        return f"{made}.{self.pick(['m', 'n'])}({self.integer(d)}, 1)"

    @property
    def _may_yield(self) -> bool:
        # Where no walrus can stand, a lambda or a comprehension is being written.
        return self.f.is_generator and not self.no_walrus

    def _yield(self, d: int) -> str:
        if self.chance(0.3) and self.generators:
            inner = f"yield from {self.pick(self.generators)}({self.integer(d)}, {self.budget()})"
        else:
            inner = self.pick(["yield", f"yield {self.integer(d)}", "yield from " + self.items(d)])
        return self.traced(f"({inner}) or 3")

    def _next(self, d: int) -> str:
        if not self.generators or self.chance(0.3):
            return f"next({self.generated(d)}, {self.integer(d)})"
        return f"next({self.pick(self.generators)}({self.integer(d)}, {self.budget()}), 7)"

    def _made_attribute(self, d: int) -> str:
        return f"ident({self.object(d)}).x"

    def _text_length(self, d: int) -> str:
        return f"len({self.text(d)})"

    def _dict_item(self, d: int) -> str:
        return f"{self.mapping(d)}.get('k', {self.integer(d)})"

    def _identity(self, d: int) -> str:
        return f"({self.items(d)} {self.pick(['is', 'is not'])} {self.pick(self.f.lists)})"

    def _closure(self, d: int) -> str:
        """What one of a pair of functions with a common variable gives."""
        if self.factories and self.chance(0.6):
            return f"{self.pick(self.factories)}({self.integer(d)}, {self.budget()})({self.integer(d)})"
        return self.pick([f"counter({self.integer(d)})[0]({self.integer(d)})", f"counter({self.integer(d)})[1]()"])

    def _special(self, d: int) -> str:
        """An operation that a class of the program defines."""
        o = self.inside(lambda: self.object(d))
        v = self.integer(d)
        forms = {
            "__getitem__": f"{o}[{v}]", "__add__": f"({o} + {v})", "__radd__": f"({v} + {o})", "__lt__": f"({o} < {v})",
            "__contains__": f"({v} in {o})", "__len__": f"len({o})", "__neg__": f"-{o}", "__bool__": f"({v} if {o} else 8)",
            "__iter__": self.pick([f"sum([{v}, *{o}])", f"sum(q for q in {o})", f"total({v}, *{o})"]),
            "__getattr__": f"{o}.{self.pick(['far', 'away'])}", "__eq__": f"({o} == {v})", "__int__": f"int({o})",
            "__format__": f"len(f'{{{self.object(0)}:<{{{self._constant()}}}}}')", "__matmul__": f"({o} @ {v})",
        }  # fmt: skip
        return self.pick([form for name, form in forms.items() if name in self.specials] or [v])

    def _consumed(self, d: int) -> str:
        """What a built-in function makes of a generator expression, or with a function of the program's."""
        match self.random.randint(0, 9):
            case 0 | 1:
                return f"sum({self.generated(d)[1:-1]})"
            case 2:
                return f"{self.pick(['any', 'all'])}({self.generated(d)[1:-1]})"
            case 3:
                return f"{self.pick(['max', 'min'])}({self.generated(d)}, default={self.integer(d)})"
            case 4:
                return f"len({self.pick(['list', 'tuple', 'set'])}({self.generated(d)[1:-1]}))"
            case 5:
                key = self.inside(lambda: self.integer(0))
                return f"{self.pick(['max', 'min'])}([{self.integer(d)}, 2], key=lambda q: q * {key})"
            case 6:
                return f"sum(map({self.pick(['ident', 'lambda q: t(12, q)'])}, {self.items(d)}))"
            case 7:
                source = self.inside(lambda: self.items(d))
                return f"len(''.join(str(q) for q in {source}))"
            case 8:
                return f"sum(filter(ident, {self.items(d)}), {self.integer(d)})"
            case _:
                return f"sum({self.comprehension(d)})"

    def inside(self, write: Callable[[], str]) -> str:
        """What stands in a scope of its own, which a class body's names cannot be seen from."""
        f = self.f
        kept = f.ints, f.lists
        if f.is_class:
            f.ints, f.lists = [*GLOBALS], ["gl"]
        self.no_walrus += 1
        text = write()
        self.no_walrus -= 1
        f.ints, f.lists = kept
        return text

    # --- what `random_values` writes --------------------------------------------------------------------------------

    def items(self, d: int) -> str:
        raise NotImplementedError

    def mapping(self, d: int) -> str:
        raise NotImplementedError

    def text(self, d: int) -> str:
        raise NotImplementedError

    def object(self, d: int) -> str:
        raise NotImplementedError

    def comprehension(self, d: int) -> str:
        raise NotImplementedError

    def generated(self, d: int) -> str:
        raise NotImplementedError
