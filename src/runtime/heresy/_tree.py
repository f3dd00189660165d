"""Syntax trees, without the library's `ast`.

A module is compiled to its run form while it is being imported: in the middle of a program's import of `functools`, say,
which `ast` itself needs. So what compiles imports nothing of the library that is not there from the start. What continues a
program does without `ast`, too, for the time that it takes to import. The node classes are the interpreter's own, the very
ones that `ast` shows.
"""

from __future__ import annotations

import _ast
import sys
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


#: At each field of an f-string CPython 3.12 and 3.13 copy all the text that is left. A long one is parsed in pieces of this size.
_PIECE = 1 << 16 if (3, 12) <= sys.version_info < (3, 14) else sys.maxsize


def parse(source: str | bytes, filename: str) -> Any:
    """The tree of a module."""
    if is_long(source):
        try:
            return _of_pieces(source if isinstance(source, str) else _plain_text(source), filename)
        except (SyntaxError, ValueError):
            pass  # it is said of the whole
    return _parse(source, filename)


def is_long(source: str | bytes) -> bool:
    """Whether a text is parsed in pieces."""
    return len(source) > 2 * _PIECE


def _parse(source: str | bytes, filename: str) -> Any:
    return compile(source, filename, "exec", _ast.PyCF_ONLY_AST, dont_inherit=True)


def _plain_text(source: bytes) -> str:
    """The text of a source.

    Raises:
        ValueError: it is in another encoding than UTF-8, or may be.
    """
    if b"coding" in b"".join(source.split(b"\n", 2)[:2]):
        raise ValueError("it may say its encoding")
    return source.decode().replace("\r\n", "\n").removeprefix("\ufeff")


def _of_pieces(text: str, filename: str) -> Any:
    """The tree of a text that is parsed a piece at a time, each of some statements of the module.

    Where those end is guessed. A piece that ends elsewhere, in a string or in brackets, cannot be parsed: it is made longer.

    Raises:
        SyntaxError: there is an error in the text, or it cannot be taken to pieces.
    """
    if "\r" in text or "\f" in text:
        raise SyntaxError("its lines are not told apart here as the parser does")
    body: list[Any] = []
    start = line = 0
    while start < len(text):
        end = start
        while True:
            end = _next_statement(text, end + max(_PIECE, end - start))
            try:
                # Empty lines in front give its nodes their positions.
                body += _parse("\n" * line + text[start:end], filename).body
                break
            except SyntaxError:
                if end == len(text):
                    raise
        line += text.count("\n", start, end)
        start = end
    return _ast.Module(body, [])


def _next_statement(text: str, at: int) -> int:
    """Where a line begins at or after ``at`` that may be the first one of a statement of a module's; else the text's end."""
    while (at := text.find("\n", at) + 1) > 0:
        if text[at : at + 1].isidentifier() or text[at : at + 1] == "@":
            if not text.startswith(("else", "elif", "except", "finally"), at):
                return at
    return len(text)


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
