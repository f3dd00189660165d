"""Blocks: what stands around a statement and keeps slots on the value stack."""

from __future__ import annotations

import ast
from typing import NamedTuple

from . import _cpython
from ._errors import NotContinuable
from ._program import SCOPES, Program


class Block(NamedTuple):
    """One thing that keeps slots on the value stack: ``for``, ``with``, ``handler`` or ``finally``."""

    kind: str
    node: ast.AST


#: How many slots each kind of block keeps.
SLOTS = {
    "for": _cpython.FOR_SLOTS,
    "with": _cpython.WITH_SLOTS,
    "handler": _cpython.HANDLER_SLOTS,
    "finally": 0,
}


def enclosing(program: Program, statement: ast.stmt) -> list[Block]:
    """The blocks around a statement, in its scope, that may keep slots on the value stack; outermost first."""
    blocks: list[Block] = []
    child: ast.AST = statement
    while (parent := program.parents.get(child)) is not None and not isinstance(child, SCOPES):
        match parent:
            case ast.For() if child in parent.body:
                blocks.append(Block("for", parent))
            case ast.With() if child in parent.body:
                blocks += [Block("with", item) for item in reversed(parent.items)]
            case ast.ExceptHandler():
                if isinstance(program.parents.get(parent), ast.TryStar):
                    raise NotContinuable("inside except*")
                blocks.append(Block("handler", parent))
            case ast.Try() | ast.TryStar() if child in parent.finalbody:
                blocks.append(Block("finally", parent))
            case ast.AsyncFor() | ast.AsyncWith():
                raise NotContinuable("inside async code")
        if isinstance(parent, SCOPES):
            break
        child = parent
    blocks.reverse()
    return blocks


def entered_items(statement: ast.stmt, call: ast.Call | None) -> list[ast.withitem]:
    """The items of a ``with`` statement that are entered already while ``call`` computes a later one."""
    if not isinstance(statement, ast.With) or call is None:
        return []
    for index, item in enumerate(statement.items):
        if any(node is call for node in ast.walk(item)):
            return statement.items[:index]
    return []


def exception_name(program: Program, handler: ast.ExceptHandler) -> str | None:
    """The name that holds the exception of a handler for all of its body."""
    match handler.body[0]:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name()) if program.marked.is_spill(name):
            return name
    return handler.name


def leaves_early(program: Program, node: ast.AST) -> bool:
    """Whether a ``try … finally`` can be left by return, break or continue: then its ``finally`` has several copies."""
    assert isinstance(node, (ast.Try, ast.TryStar))
    parts: list[ast.AST] = [*node.body, *node.orelse, *[s for handler in node.handlers for s in handler.body]]
    return any(_jumps_out(part) for part in parts)


def _jumps_out(node: ast.AST, in_loop: bool = False) -> bool:
    if isinstance(node, ast.Return):
        return True
    if isinstance(node, (ast.Break, ast.Continue)):
        return not in_loop
    if isinstance(node, (*SCOPES,)):
        return False
    if isinstance(node, (ast.For, ast.While, ast.AsyncFor)):
        return any(_jumps_out(s, True) for s in node.body) or any(_jumps_out(s, in_loop) for s in node.orelse)
    return any(_jumps_out(child, in_loop) for child in ast.iter_child_nodes(node))
