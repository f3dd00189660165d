"""Positions of ``in.py`` for the tree of ``out.py``, so that tracebacks, pdb and coverage show the user's own file.

The marked form differs from the original by insertions only. Its tree, marks dropped, is the original's tree; walking both
side by side copies each position from the original, which CPython itself parsed, so that even its quirks are the same.
"""

from __future__ import annotations

from . import _tree as ast
from ._marked import Marked

_POSITION = ("lineno", "col_offset", "end_lineno", "end_col_offset")


class DifferentProgram(Exception):
    """The original is not what the marked form was made from."""


def align(marked: Marked, original: ast.Module) -> None:
    """Gives each node of ``marked.tree`` the position it has in ``original``.

    Raises:
        DifferentProgram: the trees differ by more than marks.
    """
    _align(marked.tree, original)


def _align(new: ast.AST, old: ast.AST) -> None:
    if type(new) is not type(old):
        raise DifferentProgram(f"line {getattr(old, 'lineno', '?')}: {type(new).__name__} for {type(old).__name__}")
    for name in new._fields:
        _align_field(getattr(new, name, None), getattr(old, name, None), old)
    for name in _POSITION:
        if name in old._attributes:
            setattr(new, name, getattr(old, name))


def _align_field(new: object, old: object, owner: ast.AST) -> None:
    if isinstance(new, list) and isinstance(old, list):
        if len(new) != len(old):
            raise DifferentProgram(f"line {getattr(owner, 'lineno', '?')}: {type(owner).__name__}")
        for a, b in zip(new, old):
            _align_field(a, b, owner)
    elif isinstance(new, ast.AST) and isinstance(old, ast.AST):
        _align(new, old)
    elif type(new) is not type(old) or new != old:
        raise DifferentProgram(f"line {getattr(owner, 'lineno', '?')}: {new!r} for {old!r}")
