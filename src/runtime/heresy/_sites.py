"""Sites: where a frame is that has called another, whether the program writes that as a call or not.

A frame that waits for a function of the program's stands at one instruction; the instruction belongs to a node of the
tree. Both together are the *site*: what the interpreter is doing, and for which node.

* :func:`site_at`: which site is it?
* :func:`name_of`, :func:`site_named`: how a checkpoint names it, whatever the interpreter.

What runs there is for `_running` to say, what is left of the statement for `_residual`, and what becomes of the result for
`_holes`.
"""

from __future__ import annotations

from . import _cpython
from . import _tree as ast
from ._blocks import LOOPS, WITHS, Block, around, with_kind
from ._errors import NotContinuable
from ._expressions import Comprehension, keeps_slots, loops_of, slots_of
from ._program import COMPREHENSIONS, Hole, Scope
from ._typing_names import Any, NamedTuple, TypeAlias
from ._ways import Way, way_out

#: A site in a checkpoint: its kind, the type of its node, and which one of that type it is in its statement.
SiteName: TypeAlias = tuple[str, str, int]

#: An explicit call; the node is the `ast.Call`.
CALL = "call"
#: An explicit call of a class whose ``__new__`` is running.
NEW = "new"
#: A decorator is applied; the node is the decorator's expression.
DECORATE = "decorate"
#: An attribute, a subscript or a slice is read, stored, or deleted; the node is the `ast.Attribute` or `ast.Subscript`.
READ = "read"
WRITE = "write"
DELETE = "delete"
#: A unary or binary operator; the node is the `ast.UnaryOp`, `ast.BinOp` or `ast.AugAssign`.
OPERATE = "operate"
#: A comparison by ``==``, ``<``, …, or by ``in`` and ``not in``; the node is the `ast.Compare`.
COMPARE = "compare"
CONTAIN = "contain"
#: An expression is tested for truth where its value is not wanted.
TEST = "test"
#: A ``for`` asks for an iterator; the node is what is iterated over.
ITERATE = "iterate"
#: A value is formatted; the node is the `ast.FormattedValue`.
FORMAT = "format"
#: A ``with`` enters a manager; the node is the item's expression.
ENTER = "enter"
#: A ``with`` calls the exit of a manager at its end; the node is the item's expression.
EXIT = "exit"
#: A ``with`` hands an exception to the exit of a manager; the node is the item's expression.
CATCH = "catch"
#: The header of a ``for`` asks its iterator for an item; the node is the iterable.
FOR = "for"
#: A ``yield from`` or ``await`` passes something on to what it delegates to. So do an ``async with`` and an ``async for``.
SEND = "send"
#: Suspended at a ``yield``.
YIELD = "yield"
#: Suspended in a ``yield from`` or ``await``, or in what an ``async with`` or ``async for`` awaits.
DELEGATE = "delegate"
#: A comprehension runs in a frame of its own; the node is the comprehension.
COMPREHEND = "comprehend"
#: A call that asks an iterator for its next item: ``next(it)``, ``it.send(x)``, ``it.throw(e)``.
NEXT = "next"
#: A call that closes a generator: ``it.close()``.
CLOSE = "close"
#: A call that takes items from an iterator one by one, and can be made again for the rest: ``any(it)``, ``out.extend(it)``.
CONSUME = "consume"
#: A call that makes something of all items of an iterator: ``list(it)``, ``sorted(it)``.
COLLECT = "collect"
#: A ``return`` whose value was computed in another life.
RETURN = "return"


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Site(NamedTuple):
    """What the interpreter is doing that runs a function, and the node it does it for.

    Attributes:
        way: for the end of a ``with``, how that is being left.
        awaits: for `SEND` and `DELEGATE` in an ``async with`` or ``async for``, what is awaited: what `ENTER`, `EXIT`, `CATCH` or
            `FOR` has given. The node is as for that.
    """

    kind: str
    node: Any
    way: Way = None
    awaits: str = ""

    @property
    def is_end(self) -> bool:
        """Whether it belongs to the end of a ``with``."""
        return (self.awaits or self.kind) in (EXIT, CATCH)

    @property
    def is_beginning(self) -> bool:
        """Whether it awaits what a statement begins with, or comes back to: its code is gone on with as it is."""
        return self.awaits in (ENTER, FOR)


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
        site: Site = node.site
        return site if site.kind not in (SEND, DELEGATE) else _delegating(site, operation)
    node = model(node)
    parent = scope.program.parents.get(node)
    if isinstance(node, (*WITHS, ast.withitem)):
        return _of_with(scope, node, operation)
    match operation.kind, node:
        case "call", ast.Call() if not _is_applied(scope, node, operation.offset):
            return Site(CALL, node)
        case "call", ast.ListComp() | ast.SetComp() | ast.DictComp():
            return Site(COMPREHEND, node)
        case "call", ast.expr() if isinstance(parent, _DEFINITIONS) and node in parent.decorator_list:
            return Site(DECORATE, node)
        case "read" | "operate", ast.Attribute() | ast.Subscript():
            return Site(READ, node)
        case "write" | "delete", ast.Attribute() | ast.Subscript():
            return Site(operation.kind, node)
        case "operate", ast.BinOp() | ast.UnaryOp() | ast.AugAssign():
            return Site(OPERATE, node)
        case "compare" | "contain", ast.Compare(ops=[_]):
            return Site(operation.kind, node)
        case "format", ast.FormattedValue():
            return Site(FORMAT, node)
        case "iterate", _:
            loop = scope.program.statement_of(node)
            if isinstance(loop, ast.For) and node in (loop, loop.iter):
                return Site(ITERATE, loop.iter)
        case "test", _:
            return _of_test(node)
        case "for", ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            if _is_of_comprehension(scope, node):
                found = _of_comprehension(scope, node, operation.offset)
                if found is not None:
                    return found
            # It is what a loop goes through.
            return Site(FOR, node) if isinstance(parent, (ast.For, ast.comprehension)) else None
        case "send" | "delegate", ast.AsyncFor() if operation.awaits == FOR:
            return Site(operation.kind, node.iter, awaits=FOR)
        case "send" | "delegate", _ if operation.awaits:
            found = _of_comprehension(scope, node, operation.offset) if _is_of_comprehension(scope, node) else None
            iterable = found.node if found is not None else node if isinstance(parent, ast.comprehension) else None
            return Site(operation.kind, iterable, awaits=FOR) if iterable is not None else None
        case "for", _ if isinstance(parent, ast.comprehension):
            return Site(FOR, node)
        case "for", _:
            loop = scope.program.statement_of(node)
            return Site(FOR, loop.iter) if isinstance(loop, ast.For) and node in (loop, loop.iter) else None
        case "yield", ast.Yield():
            return Site(YIELD, node)
        case _, ast.YieldFrom() | ast.Await():
            return _delegating(Site(SEND, node), operation)
    return None


def _is_applied(scope: Scope, decorator: ast.Call, offset: int) -> bool:
    """Whether a decorator is called that is a call itself: what comes before belongs to something else then."""
    parents = scope.program.parents
    parent = parents.get(decorator)
    if not isinstance(parent, _DEFINITIONS) or decorator not in parent.decorator_list:
        return False
    before: ast.AST | None = next((scope.node_at(at) for at in range(offset - 2, -1, -2) if at in scope.depths), None)
    while before is not None and before is not decorator:
        before = parents.get(before)
    return before is None


def _delegating(site: Site, operation: _cpython.Operation) -> Site | None:
    return site._replace(kind=operation.kind) if operation.kind in (SEND, DELEGATE) else None


def _is_of_comprehension(scope: Scope, node: ast.AST) -> bool:
    """Whether a node is a comprehension whose loops a scope may run."""
    is_comprehension = isinstance(node, COMPREHENSIONS)
    return is_comprehension and (scope.node is node or scope.program.scope_of_comprehension(node) is None)


def _of_comprehension(scope: Scope, node: Comprehension, offset: int) -> Site | None:
    """The site of a ``for`` in a comprehension, whose instruction tells no more than that."""
    if node is scope.node and scope.is_function_of_comprehension:
        # It has nothing else on its stack than the iterators of its loops, and what is awaited.
        operation = scope.operation_at(offset)
        depth = scope.depths[offset] - (operation.takes if operation is not None and operation.awaits else 0)
        loops = list(loops_of(node))
        while loops and (depth := depth - slots_of(loops[0])):
            del loops[0]
    else:
        loops = [generator for generator in loops_of(node) if keeps_slots(node, generator)]
        display = _cpython.display_before(scope.code, offset, lambda at: scope.node_at(at) is node)
        before = _cpython.loops_between(scope.code, display.offset if display is not None else 0, offset)
        del loops[: sum(scope.node_at(at) is node for at in before)]
    return Site(FOR, loops[0].iter) if loops else None


def _of_test(node: ast.AST) -> Site | None:
    """The site of a test: the node is what is tested, or the statement or the ``not`` that tests it."""
    while True:
        match node:
            case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test):
                node = test
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                node = operand
            case ast.BoolOp() | ast.IfExp():
                return None  # which part of it, and whether its value is wanted, cannot be seen from here
            case ast.Compare(ops=ops) if len(ops) > 1:
                return None
            case ast.expr():
                return Site(TEST, node)
            case _:
                return None


def _of_with(scope: Scope, node: ast.AST, operation: _cpython.Operation) -> Site | None:
    """The site of a ``with`` that enters or leaves a manager: the node is that of the statement, or of an item."""
    statement = scope.program.statement_of(node)
    if isinstance(statement, ast.AsyncWith) and not operation.awaits or not isinstance(statement, WITHS):
        return None
    way: Way = None
    part = operation.awaits
    if not part:
        part = CATCH if operation.kind == "catch" else ENTER if scope.is_entering(operation.offset) else EXIT
    if part == EXIT:
        way = way_out(scope, statement, operation.offset).way
    if isinstance(node, ast.withitem):
        item = node
    else:
        # Below what it works on stand the exits of the items before, that of the item itself, and what is around the statement.
        depth = scope.depths[operation.offset] - _above_exits(part, operation)
        below = around(scope, statement, operation.offset).depth
        index, rest = divmod(depth - below, _cpython.WITH_SLOTS)
        if rest or not 0 <= index < len(statement.items):
            return None
        item = statement.items[index]
    if operation.awaits:
        return Site(operation.kind, item.context_expr, way, part)
    return Site(part, item.context_expr, way)


def _above_exits(part: str, operation: _cpython.Operation) -> int:
    """How many slots a part of a ``with`` has taken above the exits of the items before."""
    own = 0 if part == EXIT and operation.awaits or part == ENTER and not operation.awaits else _cpython.WITH_SLOTS
    if part == EXIT:
        own += operation.swapped
    if operation.awaits:
        return own + operation.takes + (_cpython.EXIT_SLOTS if part == CATCH else 0)
    return own + (1 if part == ENTER else _cpython.EXIT_SLOTS)


def opened(site: Site | None, statement: ast.stmt) -> list[Block]:
    """The blocks that a half-done statement has opened itself, but for those of the end of a ``with``."""
    if site is not None and isinstance(statement, LOOPS) and site.node is statement.iter:
        if site.kind == FOR:
            return [Block("for", statement)]
        if site.awaits == FOR:
            return [Block("async for", statement)]
    return [Block(with_kind(statement), item) for item in entered_items(site, statement)]


def entered_items(site: Site | None, statement: ast.stmt) -> list[ast.withitem]:
    """The items of a ``with`` statement that are open besides the one that the site is about.

    That one's exit is there, too, while it is awaited to be entered.
    """
    if site is None or not isinstance(statement, WITHS):
        return []
    for index, item in enumerate(statement.items):
        if any(node is site.node for node in ast.walk(item)):
            return statement.items[: index + (site.awaits == ENTER)]
    return []


# --- names ----------------------------------------------------------------------------------------------------------


def name_of(owner: ast.AST, site: Site) -> SiteName:
    """The name of a site within its statement, or within the generator expression that it belongs to."""
    kind = f"{site.kind} {site.awaits}" if site.awaits else site.kind
    return kind, *node_name(owner, site.node)


def site_named(owner: ast.AST, name: SiteName) -> Site:
    kind, _, awaits = name[0].partition(" ")
    return Site(kind, node_named(owner, name[1:]), awaits=awaits)


def is_suspended(name: SiteName | None) -> bool:
    """Whether the frame of a generator or coroutine with this site is suspended."""
    return name is not None and name[0].partition(" ")[0] in (YIELD, DELEGATE)


def node_name(owner: ast.AST, node: ast.AST) -> tuple[str, int]:
    """The name of a node within its statement: its type, and which one of that type it is."""
    type_ = type(node)
    found = nodes_like(owner, type_)
    if node not in found:
        raise NotContinuable("the call is not part of the statement")
    return type_.__name__, found.index(node)


def node_named(owner: ast.AST, name: tuple[str, int]) -> ast.AST:
    type_, index = name
    return nodes_like(owner, getattr(ast, type_))[index]


def model(node: ast.AST) -> ast.AST:
    """The program's own node that a node of a resume form stands for."""
    return getattr(node, "heresy_model", node)


def nodes_like(owner: ast.AST, type_: type[ast.AST]) -> list[ast.AST]:
    """The nodes of a type in a statement itself (for a compound one: in its header), in order of the text."""
    found: list[ast.AST] = []
    work: list[ast.AST] = [owner]
    while work:
        node = work.pop()
        if type(node) is type_:
            found.append(node)
        inner = [
            c for c in ast.iter_child_nodes(node) if not isinstance(c, (ast.stmt, ast.ExceptHandler, ast.match_case))
        ]
        work.extend(reversed(inner))
    return found
