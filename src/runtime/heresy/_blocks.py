"""Blocks: what stands around a statement and keeps slots on the value stack."""

from __future__ import annotations

from . import _cpython
from . import _tree as ast
from ._errors import NotContinuable
from ._program import SCOPES, Program, Scope
from ._typing_names import NamedTuple
from ._ways import Way, jumps_out_of, way_out


class Block(NamedTuple):
    """One thing that a frame is inside of.

    Attributes:
        kind: ``for``, ``with``, ``async for``, ``async with``, ``handler``; ``finally``, of an exception; ``left``, a ``finally``
            or the end of a ``with`` otherwise; ``exit``, the end of a ``with`` by an exception.
    """

    kind: str
    node: ast.AST


WITHS = (ast.With, ast.AsyncWith)
LOOPS = (ast.For, ast.AsyncFor)


def with_kind(statement: ast.AST) -> str:
    return "async with" if isinstance(statement, ast.AsyncWith) else "with"


def for_kind(loop: ast.comprehension) -> str:
    return "async for" if loop.is_async else "for"


#: How many slots each kind of block keeps.
SLOTS = {
    "for": _cpython.FOR_SLOTS,
    "async for": 1,
    "with": _cpython.WITH_SLOTS,
    "async with": _cpython.WITH_SLOTS,
    "handler": _cpython.HANDLER_SLOTS,
    "finally": 0,
    "left": 0,
}


def enclosing(program: Program, statement: ast.stmt) -> list[Block]:
    """The blocks around a statement, in its scope, that may keep slots on the value stack; outermost first."""
    blocks: list[Block] = []
    child: ast.AST = statement
    while (parent := program.parents.get(child)) is not None:
        match parent:
            case ast.For() if child in parent.body:
                blocks.append(Block("for", parent))
            case ast.AsyncFor() if child in parent.body:
                blocks.append(Block("async for", parent))
            case ast.With() | ast.AsyncWith() if child in parent.body:
                blocks += [Block(with_kind(parent), item) for item in reversed(parent.items)]
            case ast.ExceptHandler():
                if isinstance(program.parents.get(parent), ast.TryStar):
                    raise NotContinuable("inside except*")
                blocks.append(Block("handler", parent))
            case ast.Try() | ast.TryStar() if child in parent.finalbody:
                blocks.append(Block("finally", parent))
        if isinstance(parent, SCOPES):
            break
        child = parent
    blocks.reverse()
    return blocks


class Around(NamedTuple):
    """The blocks around an instruction.

    Attributes:
        blocks: outermost first; those of a ``finally`` say how it is being left: ``finally`` by an exception, else ``left``.
        ways: for each block, how it is being left.
        starts: for each block, how deep the value stack is below what it keeps there.
        depth: how many values they keep on the value stack.
    """

    blocks: list[Block]
    ways: list[Way]
    starts: list[int]
    depth: int


def around(scope: Scope, statement: ast.stmt, offset: int) -> Around:
    """The blocks around the copy of a statement that the instruction at ``offset`` belongs to.

    Raises:
        NotContinuable: the way out of a ``finally`` cannot be told, or a block cannot be continued in.
    """
    blocks: list[Block] = []
    ways: list[Way] = []
    starts: list[int] = []
    depth = 0
    for block in enclosing(scope.program, statement):
        way: Way = None
        slots = SLOTS[block.kind]
        if block.kind == "finally":
            assert isinstance(block.node, ast.stmt)
            way, beginning, continued = way_out(scope, block.node, offset)
            if way is block.node:
                slots = _cpython.HANDLER_SLOTS if continued else _cpython.FINALLY_EXCEPTION_SLOTS
            else:
                block = Block("left", block.node)
                # Whether a `return` keeps its value there depends on the value and on the interpreter.
                slots = int(isinstance(way, ast.Return) and not continued and beginning == depth + 1)
        blocks.append(block)
        ways.append(way)
        starts.append(depth)
        depth += slots
    return Around(blocks, ways, starts, depth)


def way_index(left: ast.AST, way: Way) -> int:
    """How a checkpoint names a way out of a ``with`` or ``finally`` that is not by an exception."""
    return -1 if way is None else jumps_out_of(left).index(way)


def way_named(left: ast.AST, index: int) -> Way:
    return None if index < 0 else jumps_out_of(left)[index]
