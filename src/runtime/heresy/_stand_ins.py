"""Trees that stand in a resume form for what the program has."""

from __future__ import annotations

import types

from . import _goto
from . import _tree as ast
from ._code_index import MARK
from ._form import OPERANDS, VALUES
from ._nodes import at, copied, pending, place, pop
from ._sites import DELEGATE, SEND, YIELD, Site
from ._typing_names import Any

DELEGATIONS = (YIELD, DELEGATE, SEND)


def delegation(site: Site) -> ast.expr:
    """What stands for a ``yield``, ``yield from`` or ``await`` that a frame is in."""
    if site.kind == YIELD:
        return ast.Yield(None)
    iterator: ast.expr = pop(OPERANDS)
    if site.kind == DELEGATE:
        iterator = ast.Attribute(iterator, _goto.DELEGATE, ast.Load())
    return ast.Await(iterator) if site.awaits else type(site.node)(iterator)  # type: ignore[call-arg]


def awaitable(iterator: Any) -> Any:
    """Something to await that gives what an iterator gives, with no frame of ours between."""
    if type(iterator) is types.CoroutineType or type(iterator) is types.GeneratorType and iterator.gi_code.co_flags & MARK:
        return iterator
    return type("stands_in", (), {"__await__": [iterator].pop})()


def next_item(loop: ast.stmt, label: ast.stmt) -> ast.stmt:
    """``for x in xs: …`` -> ``for x in xs: if PENDING.on: LABEL; continue; …``: jumps to the header itself."""
    assert isinstance(loop, ast.For)
    fresh = copied(loop)
    jump = ast.If(pending("on", loop), [label, at(ast.Continue(), loop)], [])
    fresh.body = [at(jump, loop), *loop.body]
    return fresh


def lambda_as_function(node: ast.Lambda, name: str, body: list[ast.stmt]) -> ast.stmt:
    """``lambda a: BODY`` -> ``def f(a): …``"""
    function = ast.copy_location(ast.FunctionDef(name, node.args, body, []), node)
    if "type_params" in function._fields:
        function.type_params = []
    return function


def without_preamble(body: list[ast.stmt]) -> list[ast.stmt]:
    """A module's statements without its docstring and ``__future__`` imports, which have been run."""
    result = list(body)
    if (
        result
        and isinstance(result[0], ast.Expr)
        and isinstance(result[0].value, ast.Constant)
        and isinstance(result[0].value.value, str)
    ):
        del result[0]
    return [s for s in result if not (isinstance(s, ast.ImportFrom) and s.module == "__future__" and s.level == 0)]


def put_back(line: int) -> ast.stmt:
    """``VALUES.pop()()``: puts back what is set up anew before a module's first statement: by `runpy`, and since 3.14
    by the module's own code."""
    statement = ast.Expr(ast.Call(pop(VALUES), [], []))
    place(statement, line)
    return statement
