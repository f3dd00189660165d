"""Sites: where a frame is that has called another, whether the program writes that as a call or not.

A frame that waits for a function of the program's stands at one instruction; the instruction belongs to a node of the
tree. Both together are the *site*: what the interpreter is doing, and for which node. All that a stop asks about a call
is asked here:

* :func:`site_at`: which site is it?
* :func:`running`: which functions does the interpreter run there directly, and what becomes of their result?
* :func:`name_of`, :func:`site_named`: how a checkpoint names it, whatever the interpreter.
"""

from __future__ import annotations

import ast
from typing import NamedTuple, TypeAlias

from . import _cpython
from ._errors import NotContinuable
from ._program import Scope
from ._values import Callee, Values, callee, special_method

#: A site in a checkpoint: its kind, the type of its node, and which one of that type it is in its statement.
SiteName: TypeAlias = tuple[str, str, int]

#: An explicit call; the node is the `ast.Call`.
CALL = "call"
#: A ``with`` enters a manager; the node is the item's expression.
ENTER = "enter"


class Site(NamedTuple):
    """What the interpreter is doing that runs a function, and the node it does it for."""

    kind: str
    node: ast.expr


def site_at(scope: Scope, offset: int) -> Site | None:
    """The site of a frame that stands at the byte offset ``offset``, if it can be one."""
    node = scope.node_at(offset)
    operation = scope.operation_at(offset)
    if node is None or operation is None:
        return None
    node = model(node)
    match operation.kind:
        case "enter" | "call" if (item := _with_item(scope, node, operation)) is not None:
            return Site(ENTER, item.context_expr)
        case "call" if isinstance(node, ast.Call):
            return Site(CALL, node)
    return None


def _with_item(scope: Scope, node: ast.AST, operation: _cpython.Operation) -> ast.withitem | None:
    """The item of a ``with`` whose manager is being entered."""
    parent = scope.program.parents.get(node)
    if isinstance(parent, ast.withitem) and node is parent.context_expr:
        by_call = operation.kind == "call"
        entered = _cpython.WITH_ENTERS_BY_CALL and not operation.arg and not isinstance(node, ast.Call)
        return parent if entered or not by_call else None
    start = scope.start_of(node, operation.offset) if isinstance(node, ast.With) else None
    if start is None or operation.kind != "enter":
        return None
    assert isinstance(node, ast.With)
    # Above what the statement found on the value stack stand the exits of the items before, and the manager.
    index, rest = divmod(scope.depths[operation.offset] - scope.depths[start] - 1, _cpython.WITH_SLOTS)
    return node.items[index] if not rest and 0 <= index < len(node.items) else None


def running(site: Site, values: Values) -> Callee:
    """What the interpreter runs directly at a site.

    Raises:
        NotContinuable: that is no function of Python's, or not to be known.
    """
    match site.kind:
        case "call":
            assert isinstance(site.node, ast.Call)
            return callee(values.of(site.node.func))
        case "enter":
            manager = values.of(site.node)
            return Callee(special_method(manager, "__enter__"), operands=(manager,))
    raise NotContinuable(f"inside {site.kind}")


# --- names ----------------------------------------------------------------------------------------------------------


def name_of(statement: ast.stmt, site: Site) -> SiteName:
    type_ = type(site.node)
    return site.kind, type_.__name__, _like(statement, type_).index(site.node)


def site_named(statement: ast.stmt, name: SiteName) -> Site:
    kind, type_, index = name
    return Site(kind, _like(statement, getattr(ast, type_))[index])  # type: ignore[arg-type]


def model(node: ast.AST) -> ast.AST:
    """The program's own node that a node of a resume form stands for."""
    return getattr(node, "heresy_model", node)


def _like(statement: ast.stmt, type_: type[ast.AST]) -> list[ast.AST]:
    """The nodes of a type in a statement itself (for a compound one: in its header), in order of the text."""
    found: list[ast.AST] = []
    work: list[ast.AST] = [statement]
    while work:
        node = work.pop()
        # The runtime itself calls `iter` in a ``for`` where the interpreter would keep a hidden index.
        if type(node) is type_ and not (isinstance(node, ast.Call) and isinstance(node.func, ast.Constant)):
            found.append(node)
        inner = [
            c for c in ast.iter_child_nodes(node) if not isinstance(c, (ast.stmt, ast.ExceptHandler, ast.match_case))
        ]
        work.extend(reversed(inner))
    return found
