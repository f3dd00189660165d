"""Nodes of a resume form: the words in capitals, and where the nodes stand in the source."""

from __future__ import annotations

from . import _tree as ast
from ._form import PENDING
from ._typing_names import Any


def constant(key: frozenset[str]) -> ast.expr:
    return ast.Constant(key)


def pop(key: frozenset[str]) -> ast.expr:
    return ast.Call(ast.Attribute(constant(key), "pop", ast.Load()), [], [])


def pending(name: str, where: ast.AST) -> ast.expr:
    return at(ast.Attribute(at(constant(PENDING), where), name, ast.Load()), where)


def at(node: Any, where: ast.AST) -> Any:
    return ast.copy_location(node, where)


def as_part(hole: ast.AST, node: Any) -> Any:
    """Makes ``node`` part of what a hole stands for."""
    ast.copy_location(node, hole)
    node.heresy_model = getattr(hole, "heresy_model", hole)
    return node


def standing_for(expression: Any, node: ast.AST) -> Any:
    """Makes a new expression, all of it, stand for a node."""
    for part in ast.walk(expression):
        if "lineno" in part._attributes:
            as_part(node, part)
    return expression


def place(node: ast.AST, line: int, deep: bool = True) -> None:
    for child in ast.walk(node) if deep else [node]:
        if "lineno" in child._attributes:
            child.lineno = child.end_lineno = line  # type: ignore[attr-defined]
            child.col_offset = child.end_col_offset = 0  # type: ignore[attr-defined]


def duplicate(node: Any) -> Any:
    """A copy of a node and all below it."""
    if isinstance(node, list):
        return [duplicate(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fresh = _twin(node)
    for name, value in ast.iter_fields(node):
        setattr(fresh, name, duplicate(value))
    return fresh


def _twin(node: Any) -> Any:
    """``copy.copy``, for which `copy` would be imported."""
    fresh = type(node).__new__(type(node))
    fresh.__dict__.update(node.__dict__)
    return fresh


def copied(node: Any) -> Any:
    fresh = _twin(node)
    fresh.heresy_model = getattr(node, "heresy_model", node)
    return fresh
