"""One frame on its way into a checkpoint: is it at a safe point (see `_capture`), and what is its state?"""

from __future__ import annotations

import types

from . import _cpython
from . import _tree as ast
from ._awaitables import ASEND, driver
from ._begun import begun_for
from ._blocks import SLOTS, Block, around, way_index
from ._bound_names import bound_names
from ._code_index import captured
from ._comprehensions import Level, Read, levels, own_names, owner_of, read
from ._errors import NoStart, NotContinuable
from ._form import EXITS
from ._frame_state import FrameState, Span
from ._generated import Generated, generated
from ._generators import Driven, driven, is_generator
from ._libraries import WHOLE
from ._marked import Place, is_labelled, place_of
from ._operands import Wanted, operands
from ._program import BODIES, COMPREHENSIONS, Hole
from ._programs import Programs
from ._residual import residual
from ._running import Following, called, running
from ._sites import (
    CALL,
    CATCH,
    CLOSE,
    COLLECT,
    COMPREHEND,
    DELEGATE,
    ENTER,
    EXIT,
    FOR,
    NEW,
    SEND,
    YIELD,
    Site,
    SiteName,
    name_of,
    node_name,
    opened,
    site_at,
)  # fmt: skip
from ._slots import Slots, contents
from ._taken import Dropped, Taken
from ._typing_names import Any
from ._values import MISSING, Values, bound_special, restartable_waits, static_attribute
from ._ways import Way, way_out


def is_foreign(programs: Programs, frame: types.FrameType) -> bool:
    """Whether a frame can never be continued, wherever it stands."""
    scope = programs.scope(frame.f_code)
    if scope is None or scope.program.unit.library and (scope.program.unit.name, frame.f_code.co_qualname) in WHOLE:
        return True
    return not isinstance(scope.node, (ast.Module, *BODIES, *COMPREHENSIONS))


class Part:
    """One frame on its way into a checkpoint.

    Args:
        offset: the byte offset that it is at, if that is not where it stands.
        depth: how deep its value stack is, if that is not as deep as it is there.
        is_left: what it has called has been left by an exception, and with that what it was called with; perhaps the frame
            itself, too.
    """

    def __init__(
        self, programs: Programs, frame: types.FrameType, *,
        suspended: bool = False, offset: int | None = None, depth: int | None = None, is_left: bool = False,
    ) -> None:  # fmt: skip
        scope = programs.scope(frame.f_code)
        if scope is None:
            raise NotContinuable(f"{frame.f_code.co_qualname} is not part of the program")
        module = scope.program.unit.home(frame.f_globals)
        if module is None:
            raise NotContinuable(f"{frame.f_code.co_qualname} runs with globals of its own")
        if not suspended and is_foreign(programs, frame):
            raise NotContinuable(f"{frame.f_code.co_qualname} is not a plain function")
        self.programs = programs
        self.frame = frame
        self.scope = scope
        self.module = module
        self.program = scope.program
        self.values = Values(frame)
        self.slots = Slots(frame, depth)
        self.statement: ast.stmt
        #: What names in the checkpoint are relative to: the statement, or the generator expression.
        self.owner: ast.AST = scope.node
        self.site: Site | None = None
        self.restart = False
        #: It is made again, though it may have done a part of what it does.
        self.abandoned = False
        self.instance: list[Any] = []
        self.operands: list[Any] = []
        self.generator: list[Any] = []
        #: The generator that it waits for, if the next frame is that of one.
        self.driven: Any = None
        self.closing = False
        self.generated: list[Generated] = []
        self.generated_frame: types.FrameType | None = None
        #: What lies on the value stack for the rest of the statement, and up to which depth.
        self.wanted: list[Wanted] = []
        self.top = 0
        self.waiting: list[Any] = []
        #: For each block that handles an exception, its number and where the one lies that was handled before.
        self.handling: list[tuple[int, int]] = []
        self.levels: list[Level] = []
        self.reads: list[Read] = []
        self.offset = frame.f_lasti if offset is None else offset
        self.is_left = is_left
        self.block_values: list[tuple[str, Any]] = []

    def at_start(self) -> None:
        if self.scope.is_pending():
            raise NotContinuable("the frames above are still to be restored")
        entered = self.scope.entered_at
        if entered is not None and self.offset in (entered, self.scope.comes_to(entered)):
            # Only the jump comes here first; a loop that comes here again starts the statement. If it is a jump itself, back
            # to where its own line starts, there is an event for that, too, before or after it is made.
            if not self.scope.is_jump(entered) or self.scope.entered_again:
                self.scope.entered_at = None
            self.scope.entered_again = True
            raise NotContinuable("the frame has just been continued")
        if isinstance(self.scope.node, COMPREHENSIONS):
            raise NoStart
        statement = self.scope.statement_starting_at(self.offset)
        if statement is None:
            # There is an event for a jump back to the same line, too, before or after it is made.
            self.offset = self.scope.comes_to(self.offset)
            statement = self.scope.statement_starting_at(self.offset)
        site = site_at(self.scope, self.offset) if statement is None else None
        if site is not None and site.kind == FOR and self._is_loop_on_one_line(site):
            self._at_next_item(site)
        elif statement is None or not is_labelled(statement):
            raise NoStart
        else:
            self.statement = self.owner = statement

    def _is_loop_on_one_line(self, site: Site) -> bool:
        """Whether a ``for`` has no statement on a line of its own: each of its rounds has this one event."""
        loop = self.program.statement_of(site.node)
        return isinstance(loop, ast.For) and loop.iter is site.node and loop.body[0].lineno == self.frame.f_lineno

    def at_failure(self) -> None:
        """The frame is at a statement that has failed, and is to start again."""
        node = self.scope.node_at(self.offset)
        statement = self.program.statement_of(node)
        if self.program.unit.library or isinstance(self.scope.node, COMPREHENSIONS):
            raise NotContinuable("what has failed is no statement of the program")
        if statement is None or place_of(statement) is None:
            raise NotContinuable("the statement that has failed has no label")
        site = site_at(self.scope, self.offset)
        self.statement = self.owner = statement
        if site is not None and site.kind == FOR and not site.awaits:
            if type(self.slots.iterator(self.scope.below(self.offset))) is types.GeneratorType:
                raise NotContinuable("a generator has ended")
            self._at_next_item(site)
        elif site is not None and ((site.awaits or site.kind) in (FOR, EXIT, CATCH) or site.kind in (YIELD, DELEGATE)):
            raise NotContinuable("what has failed is no part of a statement that can be started again")

    def _at_next_item(self, site: Site) -> None:
        """A loop is to ask its iterator for the next item, or again for one, which it has failed to give."""
        loop = self.program.statement_of(site.node)
        if loop is None or place_of(loop) is None:
            raise NoStart
        self.statement = self.owner = loop
        self.operands = [begun_for(self.slots.iterator(self.scope.below(self.offset)))]
        self.site, self.restart = site, True
        self._read()

    def inside(self, following: types.FrameType) -> None:
        """The frame is at a site that runs exactly the function or generator whose frame is ``following``."""
        site = self._at_site()
        if self.is_left and is_generator(following.f_code):
            raise NotContinuable("a generator has ended")
        follows = Following(self.programs, following)
        taken = (Dropped if self.is_left else Taken)(self.slots, self.scope, self.offset)
        if site.kind == COMPREHEND:
            if follows.scope is None or follows.scope.node is not site.node:
                raise NotContinuable(f"{following.f_code.co_qualname} is not run by this comprehension directly")
        elif (drives := driven(site, taken, follows)) is not None:
            self._drives(drives, follows)
        else:
            target = running(site, self.values, taken, follows)
            if target.kind:
                self.site = site = site._replace(kind=target.kind)
            self.operands = list(target.operands)
            if site.kind == NEW and taken.hole is None:
                self.operands += taken.arguments(site.node)[1:]
            self.instance += target.instance
            if target.makes is not None:
                self.instance.append(_instance_under_construction(follows, target.makes))
        # Only now it is known that all on the value stack is alive.
        self._read()

    def _drives(self, drives: Driven, follows: Following) -> None:
        """Asking the iterator for its next item runs that frame directly."""
        self.site = drives.site
        self.operands = [drives.iterator, *drives.default, *drives.item]
        if follows.generator is not MISSING:
            self.driven = follows.generator
        elif drives.site.kind == COLLECT and type(drives.iterator) not in (map, filter):
            raise NotContinuable("items come from a method")
        elif drives.site.kind == SEND and type(drives.iterator) is not map:
            # It may have methods like those of generators.
            raise NotContinuable("a generator waits for an iterator of the program's own")
        elif type(drives.iterator) in (map, filter):
            found = called(follows.function, follows)
            if found.makes is not None or found.kind == NEW:
                raise NotContinuable("a map makes instances")

    def runs(self, caller: Part) -> None:
        """The frame is that of the generator that ``caller`` drives."""
        assert caller.site is not None
        generator = caller.driven
        self.generator, self.closing = [generator], caller.site.kind == CLOSE
        if self.closing and type(generator) is not types.GeneratorType:
            raise NotContinuable("a coroutine is being closed")
        if type(generator) is types.AsyncGeneratorType:
            method = driver(generator)
            if not method:
                raise NotContinuable("an asynchronous generator is asked in a way that is not known")
            self.closing = method != ASEND
        if self.program.unit.library:
            raise NotContinuable("a generator of a library is running")

    def suspended(self, iterator: Any) -> None:
        """The frame is that of a suspended generator; ``iterator`` is what it delegates to, if it does."""
        site = self._at_site()
        self._read()
        if site.kind not in (YIELD, DELEGATE):
            raise NotContinuable("it is not suspended in a yield that is written as one")
        if site.kind == DELEGATE:
            self.operands = [begun_for(iterator)]

    def through(self, following: list[types.FrameType]) -> None:
        """The next frame may be one that has no scope, and that does nothing more than to return."""
        init, post_init = following[0], following[-1]
        if (
            self.programs.scope(init.f_code) is None
            and init is not post_init
            and (found := generated(init)) is not None
        ):
            follows = Following(self.programs, post_init)
            if follows.runs(static_attribute(type(follows.argument(0)), "__post_init__")):
                self.generated, self.generated_frame = [found], init

    def inside_wait(self, *, abandon: bool) -> None:
        """The frame is executing a C call that can be abandoned and called again, or is to be."""
        call = self._at_site().node
        taken = Taken(self.slots, self.scope, self.offset)
        is_wait = isinstance(call, ast.Call) and any(taken.is_waiting_in(wait) for wait in restartable_waits())
        self.abandoned = abandon and not is_wait and isinstance(call, ast.Call) and taken.is_waiting_in_c()
        if not isinstance(call, ast.Call) or not (is_wait or self.abandoned):
            raise NotContinuable("the call cannot be restarted")
        self.operands = list(taken.hole.operands if taken.hole is not None else taken.arguments(call))
        self.restart = True
        self._read()

    def inside_call_of(self, called: types.FrameType) -> None:
        """The frame calls a function of the runtime's by a call that is written as one."""
        if self.scope.is_pending():
            raise NotContinuable("the frames above are still to be restored")
        site = self._at_site()
        taken = Taken(self.slots, self.scope, self.offset)
        if site.kind != CALL or running(site, self.values, taken, Following(self.programs, called)).makes:
            raise NotContinuable(f"{called.f_code.co_qualname} is not called directly")
        self._read()

    def _at_site(self) -> Site:
        """The site that the frame stands at."""
        site = site_at(self.scope, self.offset)
        if site is None:
            raise NotContinuable("in the midst of a statement")
        statement = self.program.statement_of(site.node)
        owner = owner_of(self.program, self.scope.node) or statement
        if statement is None or owner is None or owner is statement and place_of(statement) is None:
            raise NotContinuable("the statement has no label")
        self.statement, self.owner, self.site = statement, owner, site
        return site

    def _read(self) -> None:
        """What the site is in of comprehensions, and what is needed to finish its statement once it is done."""
        site, owner, statement = self.site, self.owner, self.statement
        assert site is not None
        self.levels = levels(self.program, site, self.scope.node)
        self.reads = []
        for level in reversed(self.levels):
            inside = self.reads[0] if self.reads else None
            self.reads.insert(0, read(self.scope, self.slots, self.offset, level, node_name(owner, level.node), inside))
        if isinstance(self.scope.node, COMPREHENSIONS):
            if not self.levels or self.levels[0].node is not self.scope.node:
                raise NotContinuable("in the midst of a statement")
        elif not site.is_end and not (site.is_beginning and not self.levels):
            whole = Site(COMPREHEND, self.levels[0].node) if self.levels else site
            self.wanted = residual(self.program, statement, whole, ast.Constant(None)).wanted
            self.top = self.reads[0].below if self.reads else self.scope.below(self.offset)
            if site.kind == ENTER and _cpython.WITH_ENTERS_BY_CALL:
                self.top -= _cpython.WITH_SLOTS  # the exit is there already

    def surroundings(self) -> None:
        """The enclosing blocks, checked against the depth of the value stack."""
        program, site = self.program, self.site
        if isinstance(self.scope.node, COMPREHENSIONS):
            return
        if program.scope_of(self.statement) is not self.scope.node:
            raise NotContinuable("the statement belongs to another scope")
        found = around(self.scope, self.statement, self.offset)
        if site is not None and (site.awaits or site.kind) == FOR and not self.levels:
            # A frame that was continued in the loop's body has not come by the start of the statement.
            if self.scope.below(self.offset) - (site.awaits == FOR) != found.depth:
                raise NotContinuable("the value stack holds something that has no name")
        elif not isinstance(self.scope.node_at(self.offset), Hole) and (site is None or not site.is_end):
            # Else the site itself has been told by the depth, or the frame was continued in it.
            start = self.scope.start_of(self.statement, self.offset)
            if start is None and self.levels and self.scope.rest is not None and self.scope.rest[1] is self.statement:
                start = self.scope.rest[0]  # a comprehension goes back to before where it was continued
            if start is None:
                raise NotContinuable("the start of the statement is not known")
            if self.scope.depth_at_start(start) != found.depth:
                raise NotContinuable("the value stack holds something that has no name")
        blocks, ways, starts = list(found.blocks), list(found.ways), list(found.starts)
        base = found.depth
        for block in opened(site, self.statement):
            blocks.append(block)
            starts.append(base)
            base += SLOTS[block.kind]
        if site is not None and site.is_end:
            blocks.append(Block("left" if EXIT in (site.kind, site.awaits) else "exit", self.statement))
            starts.append(base)
        ways += [site.way if site is not None else None] * (len(blocks) - len(ways))
        for index, (block, way, start) in enumerate(zip(blocks, ways, starts)):
            self.block_values.append((block.kind, self._block_value(index, block, way, start)))
        if site is not None and not (site.is_end or site.is_beginning or site.kind == FOR) or self.levels:
            self._wait(base)

    def _wait(self, base: int) -> None:
        """What lies between the blocks and the site is what the rest of the statement needs."""
        held = self.slots.values(base, self.top)
        self.waiting = operands(self.wanted, held, self.scope.waiting.get(self.statement))

    def _block_value(self, index: int, block: Block, way: Way, start: int) -> Any:
        match block.kind:
            case "for":
                return begun_for(self.slots.iterator(start))
            case "async for":
                return self.slots.value(start)
            case "with" | "async with":
                return self._manager(EXITS[block.kind], start)
            case "left":
                return [way_index(block.node, way), *self._returned(block.node, way, start)]
        operation = self.scope.operation_at(self.offset)
        if block.kind == "exit" and operation is not None and CATCH in (operation.kind, operation.awaits):
            # Above the exit lie where it was raised, what was handled before, and the exception.
            depth = self.scope.depths[operation.offset] - (operation.takes if operation.awaits else 0)
            self.handling.append((index, depth - 2))
            return self.slots.value(depth - 1)
        self.handling.append((index, start))
        if block.kind == "finally" and block.node not in self.scope.ways:
            return self.slots.value(start + 1)
        return MISSING

    def _manager(self, method: str, start: int) -> Any:
        """The manager whose exit, a method of this name, a ``with`` keeps."""
        leave = self.slots.value(start)
        if _cpython.WITH_KEEPS_MANAGER and (manager := self.slots.value(start + 1)) is not MISSING:
            return manager
        manager = getattr(leave, "__self__", None) if type(leave) in _BOUND else None
        if manager is None or bound_special(manager, method) != leave:
            raise NotContinuable("a with keeps only the exit of its manager")
        return manager

    def _returned(self, left: ast.AST, way: Way, start: int) -> list[Any]:
        """In a list, the value of a ``return`` that waits for a ``finally`` or for the exit of a manager."""
        if not isinstance(way, ast.Return) or way.value is None:
            return []
        if kept := self.scope.returning.get(left):  # type: ignore[call-overload]
            return list(kept)  # a resumed frame has not come to its `return` yet
        if left is not self.statement:
            _, beginning, continued = way_out(self.scope, left, self.offset)  # type: ignore[arg-type]
            return [self.slots.value(start)] if not continued and beginning == start + 1 else []
        operation = self.scope.operation_at(self.offset)
        assert operation is not None
        below = 1 + (operation.takes if operation.awaits else _cpython.EXIT_SLOTS + _cpython.WITH_SLOTS)
        return [self.slots.value(self.scope.depths[operation.offset] - below)] if operation.swapped else []

    @property
    def line(self) -> int:
        if self.site is None and isinstance(self.scope.node, ast.GeneratorExp):
            return self.frame.f_lineno
        return self.site.node.lineno if self.site is not None else self.statement.lineno

    @property
    def span(self) -> Span | None:
        """What of the text is in progress: a call, or a statement that is to start."""
        if self.site is None and isinstance(self.scope.node, ast.GeneratorExp):
            return None
        node: Any = self.site.node if self.site is not None else self.statement
        return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset

    def cells(self) -> dict[str, types.CellType]:
        """Its cells, but for those of comprehensions that are not running."""
        bound = self.bound_names()
        cells = self.slots.cells()
        mine = {*self.frame.f_code.co_freevars, *bound}
        return {name: cell for name, cell in cells.items() if name in mine or contents(cell) is not MISSING}

    def bound_names(self) -> set[str]:
        return bound_names(self.scope.node)

    def state(self, cells: dict[str, types.CellType]) -> FrameState:
        variables: dict[str, Any] = {}
        if isinstance(self.scope.node, (*BODIES, ast.GeneratorExp)):
            found_here = self.slots.variables().items()
            variables.update({name: value for name, value in found_here if name not in cells})
        for level, found in reversed(list(zip(self.levels, self.reads))):
            self._uncover(level, found, variables, cells)
        for name in cells.keys() - captured(self.frame.f_code) - {*self.frame.f_code.co_freevars}:
            # Only here does a comprehension need a cell for it.
            if (value := contents(cells.pop(name))) is not MISSING:
                variables[name] = value
        site = _OF_EXPRESSION
        if not isinstance(self.scope.node, ast.GeneratorExp) or self.site is not None:
            site = self.site and name_of(self.owner, self.site)
        return FrameState(
            self.program.unit.id,
            self.module,
            self.scope.key,
            self.place,
            site,
            self.restart,
            self.line,
            variables,
            cells,
            self.block_values,
            self.instance,
            self.operands,
            self.generator,
            self.closing,
            self.generated,
            [found.progress for found in self.reads],
            self.waiting,
        )

    @property
    def place(self) -> Place:
        """Where its statement is; generator expressions have none."""
        place = None if isinstance(self.owner, ast.GeneratorExp) else place_of(self.owner)
        return place or ("", 0)

    @property
    def is_merged(self) -> bool:
        """Whether it is the frame that a comprehension has of its own, which counts as its caller's."""
        return isinstance(self.scope.node, COMPREHENSIONS) and not isinstance(self.scope.node, ast.GeneratorExp)

    def _uncover(
        self, level: Level, found: Read, variables: dict[str, Any], cells: dict[str, types.CellType]
    ) -> None:
        """Puts the variables that a comprehension has covered in the place of its own."""
        if level.node is self.scope.node:
            return
        for name in own_names(level.node):
            variables.pop(name, None)
            if name not in self.frame.f_code.co_freevars:
                cells.pop(name, None)
        for name, value in found.covered.items():
            if type(value) is not types.CellType:
                if value is not MISSING and isinstance(self.scope.node, (*BODIES, ast.GeneratorExp)):
                    variables[name] = value
            elif name in self.bound_names():
                cells[name] = value


_BOUND = (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)

#: A generator expression is suspended at one place only.
_OF_EXPRESSION: SiteName | None = (YIELD, "GeneratorExp", 0)


def _instance_under_construction(following: Following, cls: type) -> Any:
    """The object whose ``__init__`` is running."""
    instance = following.argument(0)
    if type(instance) is not cls:
        raise NotContinuable("__init__ runs for another class")
    return instance
