"""What a statement has done before it failed, that would be done again if it were started again.

A call counts as done, unless it is one of a few of the interpreter's own that have no effect, with plain data. Looking names and
attributes up, and operators, do not count: what they run is taken to be the same each time.
"""

from __future__ import annotations

import ast
import math
import opcode
from collections.abc import Iterator
from typing import Any

from ._errors import NotContinuable
from ._kinds import PLAIN, Kinds
from ._program import COMPREHENSIONS, SCOPES, Hole, Scope
from ._values import Values

_DATA = Kinds(*PLAIN, tuple, list, dict, set, frozenset, range)
_WITHOUT_EFFECT = frozenset(
    {
        abs, bool, chr, complex, divmod, float, format, hex, int, isinstance, issubclass, len, oct, ord, pow, range, repr, round,
        slice, str, type, *(each for each in vars(math).values() if callable(each)),
    }
)  # fmt: skip
_METHODS_WITHOUT_EFFECT = frozenset(
    {name for cls in (str, bytes, tuple, int, float) for name in dir(cls) if not name.startswith("__")}
    | {"copy", "difference", "get", "intersection", "isdisjoint", "issubset", "issuperset", "items", "keys", "union", "values"}
)


def done_before(
    scope: Scope, values: Values, statement: ast.stmt, offset: int, *, raised: BaseException | None = None
) -> list[str]:
    """What in a statement was done before the instruction at a byte offset failed, for people: ``fetch()``.

    Args:
        raised: how it failed, if it did.
    """
    program = scope.program
    if isinstance(scope.node_at(offset), Hole) or scope.rest is not None and scope.rest[1] is statement:
        return ["a part of it"]  # in an earlier life
    start, failed = scope.start_of(statement, offset), scope.operation_at(offset)
    end = failed.offset if failed is not None else offset
    again = _comprehension(program.parents, scope.node_at(offset), statement)
    found: dict[ast.AST, str] = {}
    before = _leading_to(scope, 0 if start is None else start, end)
    for at in sorted(scope.depths):
        operation, node = scope.operation_at(at), scope.node_at(at)
        if at in before and operation is not None and operation.kind == "for" and isinstance(statement, _LOOPS):
            if node is not None and _comprehension(program.parents, node, statement) is None:
                return ["the loop has taken an item"]
        if at in before and _binds(scope, at, statement) and node is not None:
            found[node] = f"{_shown(node)} is another one now"
        if operation is None or operation.offset != at or operation.kind not in _EFFECTS or node is None:
            continue
        if node is statement or program.header(node) is not statement:
            continue  # an assertion makes its own error
        if at not in before and not _is_inside(program.parents, node, again):
            continue
        if not (isinstance(node, ast.Call) and (_is_plain(node, values) or _makes_exception(node, values))):
            found[node] = _shown(node)
    for asked in _asked_for_items(scope.node_at(offset), again):
        # An iterator that has come to its end has given nothing.
        if _is_iterator(_value(asked, values)) and not (type(raised) is StopIteration and again is None):
            found[asked] = f"items of {_shown(asked)} were taken"
    return [*dict.fromkeys(found.values())]


_LOOPS = (ast.For, ast.AsyncFor)


def _binds(scope: Scope, at: int, statement: ast.stmt) -> bool:
    """Whether an instruction gives one of a statement's own targets another value, or deletes it."""
    node, program = scope.node_at(at), scope.program
    if isinstance(statement, (*_LOOPS, ast.With, ast.AsyncWith)) or program.header(node) is not statement:
        return False
    if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) or isinstance(node.ctx, ast.Load):
        return False
    is_comprehensions = _comprehension(program.parents, node, statement) is not None
    name = opcode.opname[scope.code.co_code[at]]
    return not is_comprehensions and name.startswith(("STORE_", "DELETE_"))


def _asked_for_items(failed: ast.AST | None, again: ast.AST | None) -> Iterator[ast.expr]:
    """What may have given items before something failed: what a call was given, and what comprehensions go through."""
    if isinstance(failed, ast.Call):
        yield from (each.value if isinstance(each, ast.Starred) else each for each in failed.args)
        yield from (keyword.value for keyword in failed.keywords)
    elif isinstance(failed, ast.Assign):
        yield failed.value
    elif isinstance(failed, ast.Starred):
        yield failed.value
    for node in ast.walk(again) if again is not None else ():
        if isinstance(node, ast.comprehension):
            yield node.iter


def _is_iterator(value: Any) -> bool:
    """Whether something gives each of its items once, as files do."""
    return any("__next__" in each.__dict__ for each in type.__dict__["__mro__"].__get__(type(value)))


def _leading_to(scope: Scope, start: int, end: int) -> set[int]:
    """The instructions from ``start`` on that may run before the one at ``end``."""
    found: set[int] = set()
    work = [*scope.leading(end)]
    while work:
        at = work.pop()
        if at not in found and start <= at < end:
            found.add(at)
            work += scope.leading(at)
    return found


_EFFECTS = {"call", "enter", "send", "delegate", "yield"}


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node.func if isinstance(node, ast.Call) else node)
    text = text if len(text) < 40 else text[:36] + " ..."
    return f"{text}()" if isinstance(node, ast.Call) else text


def _comprehension(parents: dict[ast.AST, ast.AST], node: ast.AST | None, statement: ast.stmt) -> ast.AST | None:
    """The outermost comprehension of a statement that a node is in: of that, rounds may have been made."""
    found = None
    while node is not None and node is not statement:
        if isinstance(node, COMPREHENSIONS):
            found = node
        elif isinstance(node, SCOPES):
            break
        node = parents.get(node)
    return found


def _is_inside(parents: dict[ast.AST, ast.AST], node: ast.AST | None, around: ast.AST | None) -> bool:
    while node is not None and node is not around:
        node = parents.get(node)
    return node is not None


def _is_plain(node: ast.AST | None, values: Values) -> bool:
    """Whether to compute an expression again gives the same plain data, and has no effect."""
    match node:
        case None | ast.Constant():
            return True
        case ast.Name() | ast.Attribute():
            return type(_value(node, values)) in _DATA
        case ast.Call(func=function, args=args, keywords=keywords):
            parts = [*args, *(keyword.value for keyword in keywords)]
            return _is_without_effect(function, values) and all(_is_plain(part, values) for part in parts)
        case (
            ast.Subscript() | ast.Slice() | ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.UnaryOp() | ast.IfExp()
            | ast.JoinedStr() | ast.FormattedValue() | ast.Tuple() | ast.List() | ast.Dict() | ast.Set() | ast.Starred()
        ):  # fmt: skip
            parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
            return all(_is_plain(part, values) for part in parts)
    return False


def _is_without_effect(function: ast.expr, values: Values) -> bool:
    if isinstance(function, ast.Attribute) and function.attr in _METHODS_WITHOUT_EFFECT:
        if _is_plain(function.value, values):
            return True
    called = _value(function, values)
    try:
        return called in _WITHOUT_EFFECT
    except TypeError:
        return False


def _makes_exception(node: ast.Call, values: Values) -> bool:
    made = _value(node.func, values)
    return isinstance(made, type) and issubclass(made, BaseException)


def _value(node: ast.expr, values: Values) -> Any:
    try:
        return values.of(node)
    except NotContinuable:
        return values
