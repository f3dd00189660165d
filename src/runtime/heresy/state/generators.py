"""Generators, coroutines and async generators: not started, suspended, running on the stack, or finished.

One that is suspended is made again from a resume form of its function and run up to the yield at which it was suspended;
one that was running when the program was stopped waits at its start for the frame that drives it, which asks it again.
Both are only made while the state is read back, and started when all of it is there (`start`): what they need for it, the
names and objects of the program, may be restored after them.
"""

from __future__ import annotations

import gc
import types

from .. import _cpython, _frames
from .._awaitables import ASEND, BEGUN, NEW, Asked, asked_by, finished, kinds, read, step
from .._awaitables import made as make_asked
from .._code_index import MARK, ScopeKey, marked
from .._comprehensions import split
from .._errors import InternalError, NotContinuable
from .._expressions import OUTERMOST
from .._frame_state import FrameState, shape_of
from .._generators import code_of, frame_of, is_running, is_suspended
from .._kinds import MISSING
from .._program import Program
from .._resume_form import ResumeForm, filled
from .._sites import is_suspended as is_suspended_at
from .._slots import finalizer_of
from .._suspended import outermost_iterator, state_of
from .._typing_names import Any
from .functions import restored_modules
from .pickling import CannotSave, Reduced, StatePickler, reducer


@reducer(types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
def _generator(pickler: StatePickler, generator: Any) -> Reduced:
    modules = pickler.modules
    names = (generator.__name__, generator.__qualname__)
    frame, code = frame_of(generator), code_of(generator)
    scope = modules.programs.scope(code)
    mark = code.co_flags & MARK
    if frame is not None and scope is None:
        scope = modules.programs.scope_in_library(code, frame.f_globals)
    if frame is None:
        if scope is None:
            return make_finished, (_KINDS.index(type(generator)), code.co_filename, *names)
        module = scope.program.unit.module or modules.objects[0]
        where = (scope.program.unit.id, module, scope.key, mark)
        return make_plain, (*where, {}, []), (True, names, {}), None, None, set_plain
    if scope is None:
        raise CannotSave(f"the code of {generator.__qualname__} is not part of the program")
    if not is_running(generator) and not is_suspended(generator):
        held = _frames.suspended(generator, frame, ())
        free = {name: held.cells[name] for name in code.co_freevars}
        variables = {name: value for name, value in frame.f_locals.items() if name not in free}
        outermost = outermost_iterator(variables, held)
        where = (scope.program.unit.id, scope.program.unit.home(frame.f_globals), scope.key, mark)
        return make_plain, (*where, free, outermost), (False, names, variables), None, None, set_plain
    state = modules.running.get(id(generator))
    if state is None:
        if is_running(generator):
            raise CannotSave("it is running, but not on the stack that is saved")
        try:
            state = state_of(modules.programs, generator)
        except NotContinuable as reason:
            raise CannotSave(f"{generator.__qualname__} is suspended at line {frame.f_lineno}: {reason}") from None
    free = {name: cell for name, cell in state.cells.items() if name in code.co_freevars}
    shape = shape_of(state)
    modules.suspended.setdefault((id(code), frame.f_lasti), shape)
    made_from = (tuple(shape), free, mark, _finalizer(generator))
    return make_generator, made_from, (_values(state), names), None, None, set_generator


_KINDS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


def _finalizer(generator: Any) -> Any:
    found = finalizer_of(generator) if type(generator) is types.AsyncGeneratorType else MISSING
    return None if found is MISSING else found


def _values(state: FrameState) -> dict[str, Any]:
    """What `shape_of` leaves out, but for the generator itself."""
    names = ("variables", "cells", "blocks", "instance", "operands", "comprehensions", "waiting")
    return {name: getattr(state, name) for name in names}


# --- not started, or finished ---------------------------------------------------------------------------------------


def make_plain(
    unit: str,
    module: types.ModuleType,
    key: ScopeKey,
    mark: int,
    free: dict[str, types.CellType],
    arguments: list[Any],
) -> Any:
    """A generator that has not started; its variables come afterwards."""
    code = restored_modules().code(unit, key)
    if code is None:
        raise CannotSave(f"{key[0]} is not in {unit}")
    generator = _called(marked(code, mark), module.__dict__, free, arguments)
    if arguments and type(generator) is types.AsyncGeneratorType and _cpython.EXPRESSIONS_ASK:
        _frames.write_local(generator.ag_frame, OUTERMOST, arguments[0])
    return generator


def _called(
    code: types.CodeType, namespace: dict[str, Any], free: dict[str, types.CellType], arguments: list[Any]
) -> Any:
    closure = tuple(free.get(name) or types.CellType() for name in code.co_freevars)
    function = types.FunctionType(code, namespace, code.co_name, None, closure)
    positional, names = code.co_argcount, code.co_varnames
    function.__kwdefaults__ = dict.fromkeys(names[positional : positional + code.co_kwonlyargcount])
    # What a finished one was called with does not matter, but from 3.15 on a generator expression asks for an iterator.
    return function(*(map(_asked_for, arguments) if arguments else [_Empty()] * positional))


class _Empty:
    """Has no items."""

    def __iter__(self) -> Any:
        return iter(())

    def __aiter__(self) -> Any:
        return self

    def __anext__(self) -> Any:
        raise StopAsyncIteration


def _asked_for(iterator: Any) -> Any:
    """What gives an iterator where an asynchronous generator expression asks for it."""
    is_asynchronous = hasattr(type(iterator), "__anext__") and _cpython.EXPRESSIONS_ASK
    return type("stands_in", (), {"__aiter__": [iterator].pop})() if is_asynchronous else iterator


def set_plain(generator: Any, state: tuple[bool, tuple[str, str], dict[str, Any]]) -> None:
    finished, (generator.__name__, generator.__qualname__), variables = state
    if finished:
        _finish(generator)
    here = code_of(generator).co_varnames
    for name, value in variables.items():
        if name in here:  # the function may have been changed meanwhile
            _frames.write_local(frame_of(generator), name, value)


def _finish(generator: Any) -> None:
    """Ends a generator that has not started."""
    if type(generator) is types.AsyncGeneratorType:
        finished(generator)
    else:
        generator.close()


def make_finished(kind: int, filename: str, name: str, qualname: str) -> Any:
    """A finished generator of a library: nothing is left of it but its names."""

    def function() -> Any:
        yield

    async def coroutine() -> None:
        pass

    async def async_generator() -> Any:
        yield

    code = (function, coroutine, async_generator)[kind].__code__
    code = code.replace(co_filename=filename, co_name=name, co_qualname=qualname)
    generator = _called(code, {}, {}, [])
    _finish(generator)
    return generator


# --- suspended, or running ------------------------------------------------------------------------------------------


class _Made:
    """A generator that is made, and waits for `start`.

    Attributes:
        asked: of an async generator, what has begun to ask it.
        finalizer: of an async generator, what is told when it is dropped.
    """

    def __init__(self, generator: Any, whole: FrameState, form: ResumeForm, finalizer: Any) -> None:
        self.generator = generator
        self.whole = whole
        self.form = form
        self.finalizer = finalizer
        self.asked: Any = None
        self.state: FrameState | None = None

    def step(self) -> None:
        """Runs it up to the next yield or await."""
        if type(self.generator) is types.AsyncGeneratorType:
            step(make_asked(self.generator, Asked(ASEND, NEW, (None,)), self.finalizer))
        else:
            self.generator.send(None)


#: By the identity of the generator, until they are started.
_made: dict[int, _Made] = {}


def make_generator(
    shape: tuple[Any, ...], free: dict[str, types.CellType], mark: int, finalizer: Any = None
) -> Any:
    """A generator in the place of a suspended or running one; it has not started."""
    whole = FrameState(*shape)
    state = restored_modules().frame(whole)
    form = _suspended_form(state) if is_suspended_at(state.site) else _form(state)
    call: Any = form.function(free)
    call.__code__ = marked(call.__code__, mark)
    generator = call()
    _made[id(generator)] = _Made(generator, whole, form, finalizer)
    return generator


def _form(state: FrameState) -> ResumeForm:
    program = _program(state)
    return ResumeForm(program, split(program, state)[0], edited=state.unit in restored_modules().edits)


def _program(state: FrameState) -> Program:
    modules = restored_modules()
    return modules.programs.program(modules.unit(state.unit))


_forms: dict[Any, ResumeForm] = {}


def _suspended_form(shape: FrameState) -> ResumeForm:
    """The resume form of suspended generators of one shape: they share it, since each uses it once only."""
    what = (
        shape.unit, shape.scope, shape.place, shape.site,
        tuple(shape.variables), tuple(shape.cells), repr(shape.blocks), shape.closing,
        *[(each.name, each.part, tuple(each.variables), tuple(each.cells)) for each in shape.comprehensions],
    )  # fmt: skip
    if what not in _forms:
        _forms[what] = _form(shape)
    return _forms[what]


def set_generator(generator: Any, state: tuple[dict[str, Any], tuple[str, str]]) -> None:
    values, (generator.__name__, generator.__qualname__) = state
    made = _made[id(generator)]
    made.state = restored_modules().frame(made.whole._replace(**values, generator=[generator]))


def forms_of(generator: Any) -> list[ResumeForm]:
    """The resume form of a generator that was running, ready to run; and those of its comprehensions' own frames."""
    made = _made[id(generator)]
    assert made.state is not None
    program = _program(made.state)
    state, *inner = split(program, made.state)
    edited = made.state.unit in restored_modules().edits
    return [filled(made.form, state), *(filled(ResumeForm(program, each, edited=edited), each) for each in inner)]


# --- what drives async generators -------------------------------------------------------------------------------------


@reducer(kinds().asend, kinds().athrow)
def _asked(pickler: StatePickler, awaitable: Any) -> Reduced:
    try:
        return make_awaitable, (asked_by(awaitable), tuple(read(awaitable)))
    except NotContinuable as reason:
        raise CannotSave(str(reason)) from None


def make_awaitable(generator: Any, asked: tuple[Any, ...]) -> Any:
    made = _made.get(id(generator))
    awaitable = make_asked(generator, Asked(*asked), made and made.finalizer)
    if made is not None and asked[1] == BEGUN:
        made.asked = awaitable
    return awaitable


@reducer(kinds().anext)
def _anext(pickler: StatePickler, awaitable: Any) -> Reduced:
    return make_anext, tuple(gc.get_referents(awaitable))


def make_anext(asked: Any, default: Any) -> Any:
    return anext(type("stands_in", (), {"__anext__": [asked].pop})(), default)


@reducer(kinds().wrapper)
def _wrapper(pickler: StatePickler, wrapper: Any) -> Reduced:
    return make_wrapper, (asked_by(wrapper),)


def make_wrapper(coroutine: Any) -> Any:
    return coroutine.__await__()


def start() -> None:
    """Brings all suspended generators to where they were suspended; the program's state must be complete."""
    for made in list(_made.values()):
        if made.state is None:
            # It was made twice, since it belongs to a cycle.
            _finish(made.generator)
            continue
        is_suspended_here = is_suspended_at(made.state.site)
        if is_suspended_here:
            made.form.fill(split(_program(made.state), made.state)[0])
            made.form.scope.entered_at = None
        if made.state.closing:
            made.step()
        if is_suspended_here and made.asked is not None:
            step(made.asked)
        elif is_suspended_here and not made.state.closing:
            made.step()
        if (is_suspended_here or made.state.closing) and not is_suspended(made.generator):
            raise InternalError(f"{made.generator.__qualname__} is not suspended where it was")
    _made.clear()
    _forms.clear()
