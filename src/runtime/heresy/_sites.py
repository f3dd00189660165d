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
from ._blocks import around
from ._errors import NotContinuable
from ._program import Hole, Scope
from ._values import Callee, Values, callee, special_method
from ._ways import Way, way_out

#: A site in a checkpoint: its kind, the type of its node, and which one of that type it is in its statement.
SiteName: TypeAlias = tuple[str, str, int]

#: An explicit call; the node is the `ast.Call`.
CALL = "call"
#: A ``with`` enters a manager; the node is the item's expression.
ENTER = "enter"
#: A ``with`` calls the exit of a manager at its end; the node is the item's expression.
EXIT = "exit"
#: A ``with`` hands an exception to the exit of a manager; the node is the item's expression.
CATCH = "catch"


class Site(NamedTuple):
    """What the interpreter is doing that runs a function, and the node it does it for.

    Attributes:
        way: for the end of a ``with``, how that is being left.
    """

    kind: str
    node: ast.expr
    way: Way = None


def site_at(scope: Scope, offset: int) -> Site | None:
    """The site of a frame that stands at the byte offset ``offset``, if it can be one.

    Raises:
        NotContinuable: it cannot be told.
    """
    node = scope.node_at(offset)
    operation = scope.operation_at(offset)
    if node is None or operation is None:
        return None
    if isinstance(node, Hole):
        return node.site
    node = model(node)
    parent = scope.program.parents.get(node)
    if isinstance(node, ast.With) or isinstance(parent, ast.withitem) and not isinstance(node, ast.Call):
        return _of_with(scope, node, operation)
    if operation.kind == "call" and isinstance(node, ast.Call):
        return Site(CALL, node)
    return None


def _of_with(scope: Scope, node: ast.AST, operation: _cpython.Operation) -> Site | None:
    """The site of a ``with`` that enters or leaves a manager: the node is that of the statement, or of an item."""
    statement = scope.program.statement_of(node)
    if not isinstance(statement, ast.With):
        return None
    way: Way = None
    kind = CATCH if operation.kind == "catch" else ENTER if scope.is_entering(operation.offset) else EXIT
    if kind == EXIT:
        way = way_out(scope, statement, operation.offset).way
    for item in statement.items:
        if node is item.context_expr:
            return Site(kind, item.context_expr, way)
    # Below what it works on stand the exits of the items before, that of the item itself, and what is around the statement.
    above = 1 if kind == ENTER else _cpython.WITH_SLOTS + _cpython.EXIT_SLOTS
    depth = scope.depths[operation.offset] - above - (kind == EXIT and operation.swapped)
    below = around(scope, statement, operation.offset).depth
    index, rest = divmod(depth - below, _cpython.WITH_SLOTS)
    return (
        Site(kind, statement.items[index].context_expr, way) if not rest and 0 <= index < len(statement.items) else None
    )


def entered_items(site: Site | None, statement: ast.stmt) -> list[ast.withitem]:
    """The items of a ``with`` statement that are open besides the one that the site is about."""
    if site is None or not isinstance(statement, ast.With):
        return []
    for index, item in enumerate(statement.items):
        if any(node is site.node for node in ast.walk(item)):
            return statement.items[:index]
    return []


def running(site: Site, values: Values) -> Callee:
    """What the interpreter runs directly at a site.

    Raises:
        NotContinuable: that is no function of Python's, or not to be known.
    """
    match site.kind:
        case "call":
            assert isinstance(site.node, ast.Call)
            return callee(values.of(site.node.func))
        case "exit" | "catch":
            return Callee(special_method(values.of(site.node), "__exit__"))
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
