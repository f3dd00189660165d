"""Operands that wait on the value stack, beside the call that a frame is in: which is which.

``pair(first(x), second(x))`` in a comprehension, stopped inside of ``second``: on the stack are ``pair`` and what ``first``
has given, with no name. They are what the residual of the expression needs, in the order in which it needs them. So both
are written down, side by side, and an operand is known if there is one way only to pair them.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

from . import _cpython
from ._errors import NotContinuable
from ._kinds import is_a
from ._nodes import WAITING, pop, standing_for
from ._residual import Residual

#: More operands than that are not all kept on the stack: from some number on CPython collects them.
_MOST = 12


class _Wanted(NamedTuple):
    """An operand that the rest of an expression needs: a ``value``, a ``method``, or a ``constant``.

    A ``function``, that of a comprehension, and a ``text`` of an f-string are on the stack, too, but made anew.
    """

    kind: str
    node: Any


_MADE_ANEW = ("function", "text")


class Operands(Residual):
    """The rest of a part of a comprehension, with the operands that were evaluated before taken one after the other.

    Args:
        part: what is evaluated, in order.
        inner: what of it is in progress.
        hole: what stands for that.
    """

    def __init__(self, part: list[ast.expr], inner: ast.AST, hole: ast.expr | None = None) -> None:
        super().__init__(_path(part, inner), hole or ast.Constant(None), None)
        self.wanted: list[_Wanted] = []
        self.rests = self._sequence(part)

    def paired(self, held: list[Any]) -> list[Any]:
        """The values of the operands, from what is on the stack.

        Raises:
            NotContinuable: they cannot be told apart.
        """
        found = [list(way) for way in _pairings(self.wanted, held)]
        if not found or any(not _same(way, found[0]) for way in found):
            raise NotContinuable("the value stack holds something that has no name")
        return found[0]

    def are_constants(self) -> bool:
        return all(kind in ("constant", "text") for kind, _ in self.wanted)

    def count(self) -> int:
        """How many values are needed."""
        return sum(kind not in _MADE_ANEW for kind, _ in self.wanted)

    # --- what was computed before -----------------------------------------------------------------------------------

    def again(self, e: ast.AST) -> ast.AST:
        match e:
            case ast.Starred() | ast.Slice():
                raise NotContinuable(f"the value of a {type(e).__name__} has no name")
            case ast.keyword(arg=str()):
                return self._with(e, value=self.again(e.value))
            case ast.keyword():
                raise NotContinuable("after ** in a call")
        return self._take("constant" if isinstance(e, ast.Constant) else "value", e)

    def _callee_again(self, func: ast.expr) -> ast.AST:
        return self._take("method" if isinstance(func, ast.Attribute) else "value", func)

    def _formatted_again(self, part: ast.expr) -> ast.AST:
        if not isinstance(part, ast.FormattedValue):
            self.wanted.append(_Wanted("text", part))
            return part
        formatted = self._take("value", part)
        return ast.copy_location(ast.FormattedValue(formatted, -1, None), part)  # type: ignore[arg-type]

    def _of_first_iterable(self, e: ast.expr) -> None:
        """A function for a comprehension waits while what it goes through is evaluated."""
        if isinstance(e, ast.GeneratorExp) or not _cpython.INLINES_COMPREHENSIONS:
            self.wanted.append(_Wanted("function", e))

    def _take(self, kind: str, node: Any) -> ast.AST:
        self.wanted.append(_Wanted(kind, node))
        return standing_for(pop(WAITING), node)

    # --- what CPython does in other ways -----------------------------------------------------------------------------

    def rest(self, e: ast.AST | None) -> ast.AST:
        match e:
            case ast.FormattedValue() if e.value not in self.path and e.conversion != -1:
                raise NotContinuable("a converted value has no name")
            case ast.Call(args=args, keywords=keywords) if e is not self.call and e.func not in self.path:
                self._refuse_many([*args, *keywords])
            case ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts) if e is not self.call:
                self._refuse_many(elts)
            case ast.Dict(keys=keys) if e is not self.call:
                self._refuse_many(keys)
            case ast.JoinedStr(values=values) if e is not self.call:
                self._refuse_many(values)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() if e is not self.call:
                self._of_first_iterable(e)
        return super().rest(e)

    def _refuse_many(self, items: list[Any]) -> None:
        unpacks = any(item is None or isinstance(item, ast.Starred) for item in items)
        if len(items) > _MOST or unpacks or any(isinstance(i, ast.keyword) and i.arg is None for i in items):
            raise NotContinuable("the operands before a call are not all on the value stack")


def _path(part: list[ast.expr], inner: ast.AST) -> list[ast.AST]:
    """The nodes from ``inner`` up to the expression of the part that it is in."""
    for expression in part:
        found = _down(expression, inner)
        if found:
            return found
    raise NotContinuable("the call is not part of the comprehension")


def _down(node: ast.AST, wanted: ast.AST) -> list[ast.AST]:
    if node is wanted:
        return [node]
    for child in ast.iter_child_nodes(node):
        found = _down(child, wanted)
        if found:
            return [*found, node]
    return []


def _pairings(wanted: list[_Wanted], held: list[Any]) -> Iterator[list[Any]]:
    """The ways in which what is on the stack can be what is wanted."""
    if not wanted:
        if not held:
            yield []
        return
    (kind, node), rest = wanted[0], wanted[1:]
    if kind == "constant":
        # Some are only loaded once they are needed.
        for used in (0, 1):
            if not used or held and type(held[0]) is type(node.value) and held[0] == node.value:
                yield from ([node.value, *way] for way in _pairings(rest, held[used:]))
        return
    if kind in _MADE_ANEW:
        if held and _is_made_anew(kind, node, held[0]):
            yield from _pairings(rest, held[1:])
        return
    if held:
        yield from ([held[0], *way] for way in _pairings(rest, held[1:]))
    if kind == "method" and len(held) > 1 and _is_method(held[0], held[1], node.attr):
        method = held[0].__get__(held[1], type(held[1]))
        yield from ([method, *way] for way in _pairings(rest, held[2:]))


def _is_made_anew(kind: str, node: Any, held: Any) -> bool:
    if kind == "function":
        return type(held) is types.FunctionType
    return type(held) is str and held == node.value


_METHODS = (types.FunctionType, types.MethodDescriptorType)


def _is_method(function: Any, owner: Any, name: str) -> bool:
    """Whether the stack holds a method in two parts: the function, and what it is bound to."""
    if not is_a(function, _METHODS):
        return False
    mangled = name.startswith("__") and not name.endswith("__")
    bases = type.__dict__["__mro__"].__get__(type(owner))
    return mangled or any(base.__dict__.get(name) is function for base in bases)


def _same(way: list[Any], other: list[Any]) -> bool:
    return len(way) == len(other) and all(
        a is b or type(a) is type(b) is types.MethodType and a.__self__ is b.__self__ and a.__func__ is b.__func__
        for a, b in zip(way, other)
    )
