"""Comprehensions in a resume form: how one goes on from the element that it was stopped in.

The part that a comprehension is in does, the first time, what is left of it (see `_operands`); the goto puts what it has
made so far and its iterators onto the value stack and jumps there::

    out = g([a(x) + b(x) for x in xs])           [(WAITING.pop() + HOLE if ONCE.take() else a(x) + b(x)) for x in xs]
    (stopped inside b)                     ->    out = g(WAITING.pop())

The first statement fills the list that was begun, which then waits for the second. A comprehension inside of another is
filled in the same way before what is left of the outer one's part: ``(INNER, REST)[1]``. Where a comprehension has a
frame of its own, as a generator expression always has, it is continued as a function instead (see `_expressions`).
"""

from __future__ import annotations

import types
from collections.abc import Iterator

from . import _cpython, _goto
from . import _tree as ast
from ._blocks import for_kind
from ._comprehensions import Level, Progress, asking, entered, parts
from ._errors import InternalError
from ._expressions import keeps_slots, loops_of, replaced
from ._form import WAITING
from ._nodes import as_part, place, pop, standing_for
from ._program import Scope
from ._residual import of_part
from ._typing_names import Any


class Once:
    """Something to be done the first time only."""

    __slots__ = ("starts_on", "on")

    def __init__(self, starts_on: bool) -> None:
        self.starts_on = self.on = starts_on

    def take(self) -> bool:
        """Whether this is the first time."""
        on, self.on = self.on, False
        return on


class Continued:
    """The comprehensions that a saved frame is in.

    Args:
        scope: the run form of the frame's scope.
        levels: all of them, outermost first.
        label_line: where the expression stands that is jumped to.
        waiting: takes values that are used up one after the other, the next at the end.
        is_asked_again: a ``for`` that asks for an item does so anew; else it goes on to wait for it.

    Attributes:
        has_own: the first of them is the scope itself.
        covers: for each of the others, the variables whose place its own ones take.
        table: what the constants of their trees stand for.
    """

    def __init__(
        self, scope: Scope, levels: list[Level], label_line: int, waiting: list[Any], *, is_asked_again: bool
    ) -> None:
        self.levels = levels
        self.run_code = scope.code
        self.has_own = bool(levels) and levels[0].node is scope.node
        self.table: dict[Any, Any] = {}
        self.waiting = waiting
        self._label_line = label_line
        self._is_asked_again = is_asked_again
        self.covers = {level.node: covered_by(scope, level.node) for level in self.inlined}

    def inside(self, hole: ast.expr) -> tuple[ast.expr | None, ast.expr, Any]:
        """What stands for the comprehensions.

        Returns:
            the outermost one that has no frame of its own, to be evaluated first; what stands for its value then (or
            ``hole``); and what stands for the scope, if that is a comprehension itself.
        """
        before: ast.expr | None = None
        for depth in reversed(range(len(self.levels))):
            level = self.levels[depth]
            asked_by = asking(level.part)
            changes: dict[ast.expr, ast.expr] = {}
            test = None
            if asked_by is None:
                changes = self._part(level, hole, before, is_innermost=level is self.levels[-1])
            else:
                # It stands for the target, which is not what a statement could start with.
                target = loops_of(level.node)[asked_by].target
                once = standing_for(self.once(self._is_asked_again), target)
                place(once, self._label_line)
                test = as_part(target, ast.UnaryOp(ast.Not(), once))
            continued = replaced(level.node, changes, asked_by, test)
            if self.has_own and depth == 0:
                return before, hole, continued
            before, hole = continued, standing_for(pop(WAITING), level.node)
        return before, hole, None

    def _part(
        self, level: Level, hole: ast.expr, before: ast.expr | None, *, is_innermost: bool
    ) -> dict[ast.expr, ast.expr]:
        # What is evaluated first is where the jump leads, even if it is a constant.
        part = parts(level.node)[level.part]
        changes: dict[ast.expr, ast.expr] = {}
        for index, (whole, rest) in enumerate(zip(part, of_part(part, level.inner, hole).tree)):
            if rest is whole and index:
                continue
            if before is not None and not index:
                both = as_part(whole, ast.Tuple([before, rest], ast.Load()))
                rest = as_part(whole, ast.Subscript(both, as_part(whole, ast.Constant(1)), ast.Load()))
            # The jump leads past the test of a part that is not the innermost.
            test = standing_for(self.once(is_innermost or index > 0), whole)
            if is_innermost and not index:
                place(test, self._label_line)
            changes[whole] = as_part(whole, ast.IfExp(test, rest, whole))  # type: ignore[arg-type]
        return changes

    def once(self, starts_on: bool = True) -> ast.expr:
        """An expression that is true the first time, if it ``starts_on``."""
        key = frozenset({"heresy.once", str(len(self.table))})
        self.table[key] = Once(starts_on)
        return ast.Call(ast.Attribute(ast.Constant(key), "take", ast.Load()), [], [])

    # --- values -----------------------------------------------------------------------------------------------------

    def fill(self, progress: list[Progress], beside: list[Any]) -> None:
        """Puts the operands of comprehensions that have come this far in, and those that wait beside them in the statement."""
        for once in self.table.values():
            once.on = once.starts_on
        # Within a part, what an inner comprehension has made comes after the operands beside it.
        in_order: list[Any] = []
        made: list[Any] = []
        for reached in reversed(progress):
            in_order += [*reached.operands, *made]
            made = reached.made
        self.waiting[:] = reversed(in_order if self.has_own else [*in_order, *beside, *made])

    def covered(self) -> list[str]:
        """The variables of the scope whose places its comprehensions have taken."""
        return [name for names in self.covers.values() for name in names]

    def pushes(self, held: dict[str, Any], progress: list[Progress]) -> Iterator[tuple[str, Any]]:
        """What the goto puts onto the value stack: each with the attribute that it is written with, or none.

        Args:
            held: the variables of the scope; those that are shared as their cells.
        """
        held = dict(held)
        for depth, (level, reached) in enumerate(zip(self.levels, progress)):
            own = {**reached.variables, **reached.cells}
            if not (self.has_own and depth == 0):
                for name, value in own.items():
                    yield _goto.STORE + name, value
                for name in self.covers[level.node]:
                    if name in held and name not in self.run_code.co_freevars:
                        yield "", held[name]
                    elif name in self.run_code.co_cellvars:
                        yield "", types.CellType()
                    else:
                        yield _goto.ONLY_NULL, None
                yield "", reached.made[0]
            sources = iter(reached.sources)
            for generator in entered(level.node, level.part):
                if keeps_slots(level.node, generator):
                    yield _goto.OF_BLOCKS[for_kind(generator)], next(sources)
                elif self.has_own and depth == 0:
                    yield _goto.OF_BLOCKS["for"], iter(())  # the function loops where a comprehension only assigns
            held.update(own)

    @property
    def inlined(self) -> list[Level]:
        """Those that have no frame of their own."""
        return self.levels[1:] if self.has_own else self.levels


def covered_by(scope: Scope, node: ast.AST) -> list[str]:
    """The variables that are put aside while a comprehension runs, in the order in which they lie on the stack."""
    display = _cpython.display_before(scope.code, len(scope.code.co_code), lambda at: scope.node_at(at) is node)
    if display is None:
        raise InternalError(f"a comprehension of {scope.code.co_qualname} is not in its code")
    return display.covers
