"""Syntax trees, without the library's `ast`.

A module is compiled to its run form while it is being imported: in the middle of a program's import of `functools`, say,
which `ast` itself needs. So what compiles imports nothing of the library that is not there from the start. What continues a
program does without `ast`, too, for the time that it takes to import. The node classes are the interpreter's own, the very
ones that `ast` shows.
"""

from __future__ import annotations

import _ast
from _ast import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


if not hasattr(_ast, "TemplateStr"):

    class TemplateStr(_ast.expr):
        """A t-string, which there is from 3.14 on."""

    class Interpolation(_ast.expr):
        """A field of one."""


def parse(source: str | bytes, filename: str) -> Any:
    """The tree of a module."""
    return compile(source, filename, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)


def iter_child_nodes(node: _ast.AST) -> Iterator[_ast.AST]:
    """The nodes directly below ``node``."""
    for name in node._fields:
        field = getattr(node, name, None)
        if isinstance(field, _ast.AST):
            yield field
        elif isinstance(field, list):
            for item in field:
                if isinstance(item, _ast.AST):
                    yield item


def iter_fields(node: _ast.AST) -> Iterator[tuple[str, Any]]:
    """The fields of ``node`` that there are, and what is in them."""
    for name in node._fields:
        try:
            yield name, getattr(node, name)
        except AttributeError:
            continue


def walk(node: _ast.AST) -> Iterator[_ast.AST]:
    """``node`` and all below it, level by level; what is below a node is looked for after it was given."""
    work = [node]
    for node in work:
        yield node
        work.extend(iter_child_nodes(node))


def copy_location(new: Any, old: Any) -> Any:
    """Gives ``new`` the position of ``old``, and returns it."""
    for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
        if name in old._attributes and name in new._attributes:
            value = getattr(old, name, None)
            if value is not None:
                setattr(new, name, value)
    return new


def literal(node: _ast.AST) -> Any:
    """The value of a constant, a signed number or a tuple of those.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(node, _ast.Constant):
        return node.value
    if isinstance(node, _ast.UnaryOp) and isinstance(node.op, _ast.USub):
        value = literal(node.operand)
        if type(value) in (int, float):
            return -value
    if isinstance(node, _ast.Tuple):
        return tuple(literal(item) for item in node.elts)
    raise ValueError("no literal")
