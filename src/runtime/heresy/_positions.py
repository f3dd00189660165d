"""Positions of ``in.py`` for the tree of ``out.py``, so that tracebacks, pdb and coverage show the user's own file.

The marked form differs from the original by insertions only. Its tree, marks dropped, is the original's tree with
spills around some nodes; walking both side by side copies each position from the original, which CPython itself
parsed, so that even its quirks are the same::

    (_h1 := f(x)) + g(y)      NamedExpr(_h1, Call f) + Call g     the NamedExpr stands where `f(x)` stands
    f(x) + g(y)               Call f                 + Call g
"""

from __future__ import annotations

from . import _cpython
from . import _tree as ast
from ._marked import Marked, augmented_spill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_POSITION = ("lineno", "col_offset", "end_lineno", "end_col_offset")


class DifferentProgram(Exception):
    """The original is not what the marked form was made from."""


def align(marked: Marked, original: ast.Module) -> None:
    """Gives each node of ``marked.tree`` the position it has in ``original``.

    Raises:
        DifferentProgram: the trees differ by more than marks and spills.
    """
    _Aligner(marked).node(marked.tree, original)


def copy_position(node: ast.AST, model: ast.AST) -> None:
    """Puts ``node`` and all below it where ``model`` stands."""
    for child in ast.walk(node):
        if "lineno" in child._attributes:
            for name in _POSITION:
                setattr(child, name, getattr(model, name))


class _Aligner:
    def __init__(self, marked: Marked) -> None:
        self.marked = marked

    def node(self, new: ast.AST, old: ast.AST) -> None:
        if self._is_spill(new) and not (isinstance(old, ast.NamedExpr) and self._is_spill(old)):
            assert isinstance(new, ast.NamedExpr)
            self.node(new.value, old)
            new.target = ast.copy_location(new.target, old)
            ast.copy_location(new, old)
            return
        if type(new) is not type(old):
            raise DifferentProgram(f"line {getattr(old, 'lineno', '?')}: {type(new).__name__} for {type(old).__name__}")
        if isinstance(new, ast.ExceptHandler) and isinstance(old, ast.ExceptHandler):
            self._handler(new, old)
        for name in new._fields:
            self._field(name, getattr(new, name, None), getattr(old, name, None), new, old)
        for name in _POSITION:
            if name in old._attributes:
                setattr(new, name, getattr(old, name))
        if isinstance(new, ast.For) and isinstance(new.iter, ast.NamedExpr) and _cpython.GET_ITER_AT_STATEMENT:
            ast.copy_location(new.iter, old)
            ast.copy_location(new.iter.target, old)
        if isinstance(new, (ast.YieldFrom, ast.Await)) and self._is_spill(new.value):
            # The iterator is made at the position of the whole, and is then named.
            ast.copy_location(new.value, old)
            ast.copy_location(new.value.target, old)  # type: ignore[attr-defined]

    def _is_spill(self, node: ast.AST) -> bool:
        return isinstance(node, ast.NamedExpr) and self.marked.is_spill(node.target.id)

    def _field(self, name: str, new: object, old: object, new_owner: ast.AST, old_owner: ast.AST) -> None:
        if isinstance(new, list) and isinstance(old, list):
            if new and all(isinstance(item, ast.stmt) for item in new):
                self._suite(new, old, old_owner)
            elif len(new) != len(old):
                raise DifferentProgram(f"{type(new_owner).__name__}.{name}")
            else:
                for a, b in zip(new, old):
                    self._field(name, a, b, new_owner, old_owner)
        elif isinstance(new, ast.AST) and isinstance(old, ast.AST):
            self.node(new, old)
        elif isinstance(new_owner, ast.ExceptHandler):
            pass
        elif type(new) is not type(old) or new != old:
            raise DifferentProgram(f"line {getattr(old_owner, 'lineno', '?')}: {new!r} for {old!r}")

    def _handler(self, new: ast.ExceptHandler, old: ast.ExceptHandler) -> None:
        if new.name != old.name and not self.marked.is_spill(new.name):
            raise DifferentProgram(f"line {old.lineno}: except … as {new.name}")
        if old.type is None and new.type is not None:
            copy_position(new.type, old)

    def _suite(self, new: list[ast.stmt], old: list[ast.stmt], owner: ast.AST) -> None:
        left = iter(old)
        index = 0
        while index < len(new):
            if augmented_spill(self.marked, new, index):
                self._augmented(new[index : index + 3], _next(left))
                index += 3
                continue
            statement = new[index]
            if isinstance(owner, ast.ExceptHandler) and index == 0 and self._names_exception(statement):
                copy_position(statement, owner)
                for child in ast.walk(statement):
                    if "lineno" in child._attributes:
                        child.end_lineno, child.end_col_offset = owner.lineno, owner.col_offset  # type: ignore[attr-defined]
            else:
                self.node(statement, _next(left))
            index += 1
        for _ in left:
            raise DifferentProgram("statements are missing")

    def _names_exception(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name()):
                return self.marked.is_spill(name)
        return False

    def _augmented(self, new: list[ast.stmt], old: ast.stmt) -> None:
        """``_h1 = T; _h1 += V; T' = _h1`` stands where ``T += V`` stands, the parts where T and V do."""
        load, operation, store = new
        if not isinstance(old, ast.AugAssign):
            raise DifferentProgram(f"line {old.lineno}: {type(old).__name__} for AugAssign")
        assert isinstance(load, ast.Assign) and isinstance(operation, ast.AugAssign) and isinstance(store, ast.Assign)
        if type(operation.op) is not type(old.op):
            raise DifferentProgram(f"line {old.lineno}: another operator")
        copy_position(load, old.target)
        self._loaded(load.value, old.target)
        self.node(operation.value, old.value)
        ast.copy_location(operation, old)
        copy_position(operation.target, old.target)
        copy_position(store, old.target)

    def _loaded(self, new: ast.expr, old: ast.expr) -> None:
        """The target of an augmented assignment, read: the same but for the context."""
        for name in new._fields:
            if name == "ctx":
                continue
            self._field(name, getattr(new, name), getattr(old, name), new, old)
        ast.copy_location(new, old)


def _next(left: Iterator[ast.stmt]) -> ast.stmt:
    for statement in left:
        return statement
    raise DifferentProgram("there are more statements than in the original")
