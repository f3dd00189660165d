"""Comprehensions and generator expressions: how far one has come, and how it goes on from there.

What one has made so far, the iterators of its ``for``\\ s and the operands that wait beside the call it is in are read from the
value stack (see `_slots`). Interpreters differ in whether a
comprehension has a frame of its own; in a checkpoint it never has: a frame is *in* its comprehensions, outermost first.

A *part* of a comprehension is what it evaluates as one: its element (for a dictionary key and value), a condition, or the
iterable of a ``for`` after the first, which the scope around it evaluates. Besides, it may ask an iterator for an item.
"""

from __future__ import annotations

import types
from collections.abc import Sequence

from . import _bytecode, _cpython
from . import _tree as ast
from ._begun import begun_for
from ._code_index import captured
from ._errors import InternalError, NotContinuable
from ._evaluated import first_evaluated
from ._expressions import MADE, OUTERMOST, Comprehension, keeps_slots, loops_of, slots_of, unpacks
from ._operands import operands
from ._program import COMPREHENSIONS, Program, Scope, is_first_iterable
from ._residual import of_part
from ._sites import COMPREHEND, FOR, Site, node_named
from ._slots import Slots, contents
from ._typing_names import Any, NamedTuple
from ._values import MISSING


class Progress(NamedTuple):
    """How far a comprehension has come, as a checkpoint holds it.

    Attributes:
        name: its type, and which one of that type it is in its statement.
        part: the number of the part that it is in; below zero, that of a ``for`` which asks for an item: see `asking`.
        made: in a list, the list, set or dictionary so far; empty for a generator expression.
        sources: the iterators of the ``for`` statements that it is in.
        variables: those of its own variables that are bound and not shared.
        cells: the cells of those that functions share.
        operands: what of the part was evaluated before, in that order.
    """

    name: tuple[str, int]
    part: int
    made: list[Any]
    sources: list[Any]
    variables: dict[str, Any]
    cells: dict[str, types.CellType]
    operands: list[Any]


class Level(NamedTuple):
    """A comprehension that a frame is in.

    Attributes:
        node: the comprehension.
        part: as in `Progress`.
        inner: what the part waits for: the next comprehension, or the node of the frame's site.
    """

    node: Any
    part: int
    inner: ast.AST


# --- the tree ---------------------------------------------------------------------------------------------------------


def parts(node: Comprehension) -> list[list[ast.expr]]:
    """The parts of a comprehension, each with what it evaluates in order.

    Raises:
        NotContinuable: it unpacks what it makes.
    """
    if not isinstance(node, ast.GeneratorExp) and unpacks(node):
        raise NotContinuable("an unpacking in a comprehension")
    found: list[list[ast.expr]] = []
    for index, generator in enumerate(loops_of(node)):
        if index:
            found.append([generator.iter])
        found += [[condition] for condition in generator.ifs]
    found.append([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
    return found


def asking(part: int) -> int | None:
    """Which ``for`` asks its iterator for an item, if that is what a comprehension is doing."""
    return -part - 1 if part < 0 else None


def entered(node: Comprehension, part: int) -> list[ast.comprehension]:
    """The ``for``\\ s that a comprehension is inside of while it evaluates a part."""
    index = 0
    loops = loops_of(node)
    if part < 0:
        return loops[:-part]
    for depth, generator in enumerate(loops):
        if depth:
            if index == part:
                return loops[:depth]
            index += 1
        index += len(generator.ifs)
        if part < index:
            return loops[: depth + 1]
    return loops


def own_names(node: Comprehension) -> set[str]:
    """The names that a comprehension binds for itself."""
    targets = [target for generator in node.generators for target in ast.walk(generator.target)]
    return {target.id for target in targets if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)}


def levels(program: Program, site: Site, scope_node: ast.AST) -> list[Level]:
    """The comprehensions between a site and the scope or statement that it belongs to, outermost first."""
    found: list[Level] = []
    inner: ast.AST = site.node
    path: list[ast.AST] = [inner]
    loop = program.parents.get(inner)
    if FOR in (site.kind, site.awaits) and isinstance(loop, (ast.comprehension, ast.Starred)):
        node: Any = program.parents[loop]
        # What is starred is gone through by the last loop.
        number = node.generators.index(loop) if isinstance(loop, ast.comprehension) else len(node.generators)
        found.append(Level(node, -number - 1, inner))
        inner = node
        path = [node]
    while not isinstance(path[-1], ast.stmt) and path[-1] is not scope_node:
        child = path[-1]
        parent = program.parents.get(child)
        if parent is None:
            raise NotContinuable("the call is not part of the statement")
        path.append(parent)
        below = path[-3] if len(path) > 2 else None
        if isinstance(parent, COMPREHENSIONS) and not is_first_iterable(parent, child, below):
            on_path = set(path)
            part = next((n for n, part in enumerate(parts(parent)) if not on_path.isdisjoint(part)), None)
            if part is None:
                raise NotContinuable(f"inside this part of a {type(parent).__name__}")
            found.append(Level(parent, part, inner))
            inner = parent
    found.reverse()
    return found


def owner_of(program: Program, scope_node: ast.AST) -> ast.AST | None:
    """What the names in a frame are relative to if its scope is a comprehension; else that is its statement.

    It is the innermost generator expression, which has a frame on every interpreter, or the statement around all.
    """
    if not isinstance(scope_node, COMPREHENSIONS):
        return None
    child: ast.AST = scope_node
    below: ast.AST | None = None
    while not isinstance(child, (ast.stmt, ast.GeneratorExp)):
        parent = program.parents.get(child)
        if parent is None:
            raise NotContinuable("the comprehension is not part of a statement")
        if isinstance(parent, ast.GeneratorExp) and is_first_iterable(parent, child, below):
            # It is evaluated around that one.
            child, below = parent, None
            parent = program.parents[parent]
        child, below = parent, child
    return child


# --- reading a frame ----------------------------------------------------------------------------------------------------


class Read(NamedTuple):
    """What a frame's slots say of a comprehension.

    Attributes:
        progress: how far it has come.
        covered: what its own variables have covered in the frame: the values of that time, or MISSING.
        below: how deep the value stack is below it.
    """

    progress: Progress
    covered: dict[str, Any]
    below: int


def read(scope: Scope, slots: Slots, offset: int, level: Level, name: tuple[str, int], inside: Read | None) -> Read:
    """How far a comprehension has come.

    Args:
        offset: the byte offset that its frame is at.
        inside: what was read of the next comprehension inside of it.

    Raises:
        NotContinuable: it cannot be continued from there.
    """
    code, node = scope.code, level.node
    while offset not in scope.depths:
        offset -= 2
    asks = asking(level.part) is not None
    part = [] if asks else parts(node)[level.part]
    depth = start = _depth_of_asking(scope, offset) if asks else _depth_below(scope, offset, part)
    sources: list[Any] = []
    # The function that a comprehension is continued as loops everywhere.
    is_function = node is scope.node and scope.is_function_of_comprehension
    for generator in reversed(entered(node, level.part)):
        if is_function or keeps_slots(node, generator):
            depth -= slots_of(generator)
        if generator.is_async:
            sources.insert(0, slots.value(depth))
        elif keeps_slots(node, generator):
            sources.insert(0, begun_for(slots.iterator(depth)))
    covered: dict[str, Any] = {}
    made: list[Any] = []
    if is_function and MADE in code.co_varnames:
        made = [slots.variable(MADE)]
    elif not isinstance(node, ast.GeneratorExp):
        depth -= 1
        made = [slots.value(depth)]
        display = _cpython.display_before(code, offset, lambda at: scope.node_at(at) is node)
        if display is None:
            raise NotContinuable("where a comprehension begins is not known")
        depth -= len(display.covers)
        of_names = enumerate(display.covers)
        covered = {name: slots.value(depth + at) for at, name in of_names if name not in code.co_freevars}
    if made and type(made[0]) is not _KINDS[type(node)] or depth < 0 or depth and node is scope.node:
        raise NotContinuable("the value stack holds something that has no name")
    beside: list[Any] = []
    if not asks:
        top = scope.below(offset) if inside is None else inside.below
        wanted = of_part(part, level.inner, ast.Constant(None)).wanted
        beside = operands(wanted, slots.values(start, top), scope.waiting.get(node))
    own = {name: slots.variable(name) for name in sorted(own_names(node)) if name in _bytecode.local_names(code)}
    if len(own) != len(own_names(node)):
        raise NotContinuable("a variable of a comprehension is not where it should be")
    # The variable of the same name around it may have a cell where its own has none.
    shared = captured(code)
    cells = {n: value for n, value in own.items() if n in shared and type(value) is types.CellType}
    values = {n: contents(v) if n in code.co_cellvars else v for n, v in own.items() if n not in cells}
    variables = {n: value for n, value in values.items() if value is not MISSING}
    return Read(Progress(name, level.part, made, sources, variables, cells, beside), covered, depth)


_KINDS: dict[type[ast.AST], type] = {ast.ListComp: list, ast.SetComp: set, ast.DictComp: dict}


def _depth_of_asking(scope: Scope, offset: int) -> int:
    """How deep the value stack is with the iterator of a ``for`` that asks for an item."""
    operation = scope.operation_at(offset)
    if operation is None:
        raise NotContinuable("an instruction of a comprehension is of no known part of it")
    return scope.depths[operation.offset] - (operation.takes if operation.awaits else 0)


def _depth_below(scope: Scope, offset: int, tops: Sequence[ast.AST]) -> int:
    """How deep the value stack is where the nodes ``tops``, which the instruction at ``offset`` is of, begin to be evaluated."""
    parents = scope.program.parents

    def belongs(node: ast.AST | None) -> bool:
        while node is not None and not isinstance(node, ast.stmt):
            if any(node is top for top in tops):
                return True
            node = parents.get(node)
        return False

    run: list[int] = []
    for at in range(offset, -1, -2):
        node = scope.node_at(at)
        if node is not None and not belongs(node):
            break
        if node is not None and at in scope.depths:
            run.append(at)
    # A jump to what comes before is said to stand where it leads from.
    while run and scope.is_jump(run[-1]):
        run.pop()
    if not run:
        raise NotContinuable("an instruction of a comprehension is of no known part of it")
    first = first_evaluated(tops[0])[-1]
    if isinstance(first, ast.Name) and not (scope.node_at(run[-1]) is first and scope.is_load(run[-1])):
        # It was loaded together with what comes before.
        return scope.depths[run[-1]] - scope.loads_two_before(run[-1])
    return scope.depths[run[-1]]


# --- in a checkpoint ------------------------------------------------------------------------------------------------------


def merged(states: list[Any]) -> list[Any]:
    """Frames, with those that comprehensions have of their own made part of those that run them."""
    found: list[Any] = []
    for state in states:
        if found and found[-1].site is not None and found[-1].site[0] == COMPREHEND:
            outer = found.pop()
            state = outer._replace(
                comprehensions=[*outer.comprehensions, *state.comprehensions],
                **{name: getattr(state, name) for name in _OF_INNERMOST},
            )
        found.append(state)
    return found


def split(program: Program, state: Any) -> list[Any]:
    """A frame, and the frames that its comprehensions have of their own here."""
    scope = program.scope_named(state.scope)
    if scope is None:
        return [state]
    owner = owner_in(program, scope.node, state.place) if state.comprehensions else None
    frames = [as_here(state._replace(comprehensions=[]), scope.code)]
    for progress in state.comprehensions:
        assert owner is not None
        node = node_named(owner, progress.name)
        own = program.scope_of_comprehension(node)
        if own is not None and own is not scope:
            outer = frames[-1]
            frames[-1] = outer._replace(
                site=(COMPREHEND, *progress.name), restart=False, instance=[], operands=[], generated=[]
            )
            around = {**outer.variables, **outer.cells}
            free = {name: around.get(name) for name in own.code.co_freevars}
            inner = state._replace(
                scope=own.key,
                variables={**progress.variables, OUTERMOST: progress.sources[0], MADE: progress.made[0]},
                cells={**free, **progress.cells},
                blocks=[],
                generator=[],
                closing=False,
                comprehensions=[],
            )
            frames.append(as_here(inner, own.code))
        frames[-1] = frames[-1]._replace(comprehensions=[*frames[-1].comprehensions, progress])
    return frames


def as_here(state: Any, code: types.CodeType) -> Any:
    """A frame with cells for the variables that only here have one, since comprehensions have frames of their own."""
    new = {name: types.CellType(v) for name, v in state.variables.items() if name in code.co_cellvars}
    new.update({name: types.CellType() for name in code.co_cellvars if name not in {*state.cells, *new, *captured(code)}})
    rest = {name: value for name, value in state.variables.items() if name not in new}
    return state._replace(variables=rest, cells={**state.cells, **new}) if new else state


def owner_in(program: Program, scope_node: ast.AST, place: tuple[str, int]) -> ast.AST:
    """What the names in a saved frame are relative to: see `owner_of`."""
    owner = owner_of(program, scope_node) or program.statement_at(scope_node, place)
    if owner is None:
        raise InternalError(f"there is no label {place[0]}")
    return owner


#: What the innermost of some frames, merged, tells of all.
_OF_INNERMOST = ("site", "restart", "line", "instance", "operands", "generated")
