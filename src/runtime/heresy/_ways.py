"""Ways out: how the program is leaving a ``with`` or a ``try … finally``.

CPython compiles the end of a ``with`` and the body of a ``finally`` once for each way out: at its end, by each ``return``,
``break`` and ``continue`` inside, and by an exception. A frame stands in one of these copies, and goes on as that copy
does. Which one it is tell the instructions that lead into it::

    with lock:                       at its end: what leads there is `work()`, or the test of the `if`
        if done():
            break                    by `break`: what leads there is the `break`
        work()
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from . import _tree as ast
from ._errors import NotContinuable
from ._program import SCOPES, Hole, Scope
from ._typing_names import NamedTuple, TypeAlias

#: How something is left: by this statement; by an exception, in which case it is the statement that is left itself;
#: at its end, None.
Way: TypeAlias = ast.stmt | None

_JUMPS = (ast.Return, ast.Break, ast.Continue)
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_WITHS = (ast.With, ast.AsyncWith)
_TRIES = (ast.Try, ast.TryStar)


def jumps_out_of(left: ast.AST) -> list[ast.stmt]:
    """The ``return``, ``break`` and ``continue`` statements that leave a ``with``, or the protected part of a ``try``."""
    parts: list[ast.AST] = list(left.body)  # type: ignore[attr-defined]
    if isinstance(left, _TRIES):
        parts += [*left.handlers, *left.orelse]
    return [jump for part in parts for jump in _jumps(part, False)]


def _jumps(node: ast.AST, in_loop: bool) -> Iterator[ast.stmt]:
    if isinstance(node, ast.Return) or isinstance(node, _JUMPS) and not in_loop:
        yield node
    elif isinstance(node, _LOOPS):
        for statement in node.body:
            yield from _jumps(statement, True)
        for statement in node.orelse:
            yield from _jumps(statement, in_loop)
    elif not isinstance(node, (*SCOPES, ast.expr)):
        for child in ast.iter_child_nodes(node):
            yield from _jumps(child, in_loop)


class Leaving(NamedTuple):
    """How something is being left.

    Attributes:
        way: by what.
        depth: how deep the value stack is where the copy begins.
        continued: the copy was not run into, a resumed frame continues in it.
    """

    way: Way
    depth: int
    continued: bool = False


def way_out(scope: Scope, left: ast.stmt, offset: int) -> Leaving:
    """How ``left`` is being left, in the copy of its end that the instruction at ``offset`` belongs to.

    Raises:
        NotContinuable: that cannot be told.
    """
    found = list(_ways(scope, left, offset))
    if not found or any(leaving.way is not found[0].way for leaving in found):
        raise NotContinuable("a with or a finally may be left in several ways")
    # What is inside of the copy, and keeps something itself, may be come to in other ways, too.
    return min(found, key=operator.attrgetter("depth"))


def _ways(scope: Scope, left: ast.stmt, offset: int) -> Iterator[Leaving]:
    """Follows the instructions back to those that lead into the copy."""
    while offset not in scope.depths:
        offset -= 2  # a frame that has called another may stand at the caches of an instruction
    seen = {offset}
    # Each with the first instruction of the copy that may come after it, and whether what leads on from it is an exception.
    work = [(offset, offset, False)]
    while work:
        offset, first, is_raised = work.pop()
        depth = scope.depths[first]
        operation = scope.operation_at(offset)
        if isinstance(left, _WITHS) and operation is not None and operation.kind == "catch":
            yield Leaving(None, depth)  # a manager has swallowed the exception
            continue
        # A handler inside a `finally` is entered from what it protects; so is the `finally` itself by an exception.
        protected = scope.protected_by(offset) if isinstance(left, _TRIES) else []
        for before in [*scope.leading(offset), *protected]:
            if before in seen or before >= 0 and before not in scope.depths:
                continue  # the goto of a resume form leaves code behind that never runs
            seen.add(before)
            node = scope.node_at(before)
            statement = scope.program.statement_of(node)
            foreign = statement not in scope.program.parents or isinstance(node, Hole) and statement is left
            if node is not None and foreign and (left in scope.ways or before not in protected):
                if left not in scope.ways:
                    raise NotContinuable("the way into a copy of code is not known")
                yield Leaving(scope.ways[left], depth, True)
            elif node is not None and is_end(scope, left, node, before):
                work.append((before, before, False))
            elif node is None and before >= 0 or scope.is_handler(before):
                work.append((before, first, is_raised or before in protected))
            elif is_raised or before in protected:
                yield Leaving(left, depth)
            elif node is not None:
                yield Leaving(_Flow(scope, left, before).way(node), depth)
            else:
                raise NotContinuable("the way into a copy of code is not known")


def is_end(scope: Scope, construct: ast.stmt, node: ast.AST, offset: int) -> bool:
    """Whether an instruction belongs to the end of a ``with``, or to the ``finally`` of a ``try``."""
    if isinstance(construct, _WITHS):
        return (node is construct or node in construct.items) and not scope.is_entering(offset)
    child: ast.AST | None = scope.program.statement_of(node)
    while child is not None and child is not construct:
        if child in construct.finalbody:  # type: ignore[attr-defined]
            return True
        child = scope.program.parents.get(child)
    return False


class _Flow:
    """Where control goes between an instruction and the end of something that it leads to: over statements that leave no
    instruction behind."""

    def __init__(self, scope: Scope, left: ast.stmt, offset: int) -> None:
        self.scope = scope
        self.parents = scope.program.parents
        self.left = left
        self.offset = offset

    def way(self, node: ast.AST) -> Way:
        statement = self.scope.program.statement_of(node)
        if statement is self.left:
            return self._begin(statement)
        if isinstance(node, Hole) and statement in self.scope.ways:
            return self._by(statement, self.scope.ways[statement])
        match statement:
            case ast.Return() | ast.Break() | ast.Continue():
                return self._jump(statement)
            case ast.With() | ast.AsyncWith():
                if not is_end(self.scope, statement, node, self.offset):
                    return self._begin(statement)
                return self._left_by(statement)
            case ast.If() | ast.For() | ast.While() | ast.AsyncFor():
                # Its body, if control had gone there, would have left an instruction.
                return self._step(statement.orelse[0]) if statement.orelse else self._after(statement)
            case ast.Match():
                if any(isinstance(case.body[0], _JUMPS) for case in statement.cases):
                    raise NotContinuable("the way out of a match is not known")
            case None:
                raise NotContinuable("the way into a copy of code is not known")
        return self._after(statement)

    def _begin(self, statement: ast.stmt) -> Way:
        """Control has entered a ``with`` or ``try`` and come out again."""
        if isinstance(statement, _TRIES):
            if any(isinstance(handler.body[0], _JUMPS) for handler in statement.handlers):
                raise NotContinuable("the way out of a try is not known")
            return self._jump(statement.body[0]) if isinstance(statement.body[0], _JUMPS) else None
        return self._step(statement.body[0])  # type: ignore[attr-defined]

    def _step(self, statement: ast.stmt) -> Way:
        """Control goes to a statement, which leaves no instruction behind."""
        match statement:
            case ast.Return() | ast.Break() | ast.Continue():
                return self._jump(statement)
            case (
                ast.Pass() | ast.Global() | ast.Nonlocal() | ast.Expr(value=ast.Constant()) | ast.AnnAssign(value=None)
            ):
                return self._after(statement)
        raise NotContinuable("the way into a copy of code is not known")

    def _after(self, statement: ast.AST) -> Way:
        """A statement is done."""
        parent = self.parents[statement]
        for _, suite in ast.iter_fields(parent):
            if isinstance(suite, list) and statement in suite and statement is not suite[-1]:
                if isinstance(statement, ast.stmt):
                    return self._step(suite[suite.index(statement) + 1])
        if isinstance(parent, _TRIES):
            if statement in parent.body and parent.orelse:
                return self._step(parent.orelse[0])
            if parent is self.left:
                return None
            if statement in parent.finalbody:
                return self._left_by(parent)
            if parent.finalbody:
                return self._step(parent.finalbody[0])
            return self._after(parent)
        if parent is self.left:
            return None
        match parent:
            case ast.If() | ast.ExceptHandler() | ast.match_case() | ast.Match():
                return self._after(parent)
            case ast.For() | ast.While() | ast.AsyncFor() if statement in parent.orelse:
                return self._after(parent)
        raise NotContinuable("the way into a copy of code is not known")

    def _left_by(self, statement: ast.stmt) -> Way:
        """Control comes from the end of another ``with`` or ``finally``."""
        return self._by(statement, way_out(self.scope, statement, self.offset).way)

    def _by(self, statement: ast.stmt, way: Way) -> Way:
        if way is None:
            return self._after(statement)
        if way is statement:
            raise NotContinuable("the way into a copy of code is not known")
        return self._jump(way)

    def _jump(self, jump: ast.stmt) -> Way:
        if isinstance(jump, ast.Return):
            return jump
        loop: ast.AST = self.parents[jump]
        child: ast.AST = jump
        while loop is not self.left and not (isinstance(loop, _LOOPS) and child in loop.body):
            child, loop = loop, self.parents[loop]
        if loop is self.left:
            return jump
        if isinstance(jump, ast.Continue):
            raise NotContinuable("the way into a copy of code is not known")
        return self._after(loop)
