"""The names that a scope binds."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from . import _tree as ast
from ._program import BODIES, COMPREHENSIONS, SCOPES


@functools.cache
def bound_names(scope: ast.AST) -> set[str]:
    """The names that a function scope binds itself; of its comprehensions, what they bind around them by ``:=``."""
    names: set[str] = set()
    if not isinstance(scope, BODIES):
        return names
    arguments = scope.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None:
            names.add(argument.arg)
    work: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(scope.body)
    while work:
        node = work.pop()
        names.update(_bound_by(node))
        if not isinstance(node, SCOPES):
            work.extend(ast.iter_child_nodes(node))
        elif isinstance(node, COMPREHENSIONS):
            inner = (n for n in ast.walk(node) if isinstance(n, ast.NamedExpr) and isinstance(n.target, ast.Name))
            names.update(walrus.target.id for walrus in inner)  # type: ignore[attr-defined]
    return names


def _bound_by(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case (
            ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name)
        ):
            yield name
        case ast.MatchMapping(rest=str() as name):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            for alias in aliases:
                yield (alias.asname or alias.name).split(".")[0]
