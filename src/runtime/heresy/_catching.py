"""Who will catch an exception: told from the exception tables of the frames that it is to pass, and before it passes any.

An ``except`` is asked by what its classes are called, as long as looking them up runs nothing; a ``with`` by its manager. Where
it cannot be told (a class that a call gives, a manager that may swallow what it is given), the exception counts as caught.
"""

from __future__ import annotations

import contextlib
import opcode
import types
from collections.abc import Container, Iterable, Iterator
from typing import Any, NamedTuple

from . import _bytecode, _cpython
from ._bytecode import Instruction
from ._errors import NotContinuable
from ._kinds import MISSING
from ._slots import Slots, contents

#: A frame, and the byte offset at which the exception comes out of it.
Passed = tuple[types.FrameType, int]


class Handler(NamedTuple):
    """An entry of an exception table."""

    start: int
    end: int
    target: int
    depth: int
    lasti: bool


class Plan(NamedTuple):
    """What a handler does with an exception.

    Attributes:
        kind: ``except``, ``with``, ``finally``, ``awaiting``; ``cleanup`` puts things in order only; ``unknown``.
        clauses: of an ``except``, what gives the classes of each clause; None for all.
        offset: where the exception is raised on, if it is.
    """

    kind: str
    clauses: tuple[tuple[Instruction, ...] | None, ...]
    offset: int


class Caught(NamedTuple):
    """What may catch an exception.

    Attributes:
        index: which of the frames.
        always: it would catch another one of that type, which comes the same way, too.
    """

    index: int
    always: bool


def caught_by(raised: BaseException, passed: Iterable[Passed]) -> Caught | None:
    """Which of some frames may catch an exception that comes to them in this order; None if it is not caught."""
    for index, (frame, offset) in enumerate(passed):
        for plan, handler in _way(frame.f_code, offset):
            if _catches(raised, frame, plan, handler):
                # Whatever comes before may catch it earlier, which makes no difference.
                return Caught(index, plan.kind != "with" and not any(map(_depends, plan.clauses)))
    return None


def _depends(clause: tuple[Instruction, ...] | None) -> bool:
    """Whether the classes of a clause are held by a variable of the frame."""
    return clause is not None and any("FAST" in _name(item) or "DEREF" in _name(item) for item in clause)


def _catches(raised: BaseException, frame: types.FrameType, plan: Plan, handler: Handler) -> bool:
    match plan.kind:
        case "except":
            for clause in plan.clauses:
                classes = _classes(frame, clause) if clause is not None else BaseException
                if classes is MISSING or _matches(raised, classes):
                    return True
            return False
        case "with":
            return _may_swallow(raised, frame, handler)
        case "awaiting":
            return isinstance(raised, (StopIteration, StopAsyncIteration))
    return plan.kind == "unknown"


def _way(code: types.CodeType, offset: int) -> list[tuple[Plan, Handler]]:
    """The handlers that an exception comes to, one after the other, if each raises it on."""
    ways = _known(code)[3]
    if offset not in ways:
        ways[offset], at = [], offset
        while (handler := handler_at(code, at)) is not None:
            plan = _plan(code, handler.target)
            ways[offset].append((plan, handler))
            at = plan.offset
            if plan.kind == "unknown":
                break
    return ways[offset]


def has_run_nothing(code: types.CodeType, offset: int, until: Container[int] = ()) -> bool:
    """Whether an exception has run no more of a frame than the clauses of ``except`` that it did not match.

    Args:
        offset: where it was raised.
        until: where it may be raised on now; nowhere: it has left the frame.
    """
    before = ""
    while offset not in until and (handler := handler_at(code, offset)) is not None:
        plan = _plan(code, handler.target)
        if plan.kind != "except" and not (plan.kind == "cleanup" and before == "except"):
            return False
        before, offset = plan.kind, plan.offset
    return not until or offset in until


def handler_at(code: types.CodeType, offset: int) -> Handler | None:
    """The handler of an instruction; the pads of a program are none."""
    return next((each for each in _handlers(code) if each.start <= offset < each.end), None)


_Known = tuple[types.CodeType, list[Handler], dict[int, Plan], dict[int, list[tuple[Plan, Handler]]]]
_kept: dict[int, _Known] = {}


def _known(code: types.CodeType) -> _Known:
    # Equal code objects may differ in what their frames hold; and to hash one takes longer than this.
    known = _kept.get(id(code))
    if known is None:
        known = _kept[id(code)] = code, [Handler(*each) for each in _bytecode.exception_table(code)], {}, {}
    return known


def _handlers(code: types.CodeType) -> list[Handler]:
    return _known(code)[1]


def _plan(code: types.CodeType, target: int) -> Plan:
    plans = _known(code)[2]
    if target not in plans:
        plans[target] = _made_plan(code, target)
    return plans[target]


# --- what a handler does --------------------------------------------------------------------------------------------


def _made_plan(code: types.CodeType, target: int) -> Plan:
    listing = _bytecode.instructions(code)
    by_offset = {item.offset: item for item in listing}
    item = by_offset[target]
    if _name(item) != "PUSH_EXC_INFO":
        return _cleaning(item, by_offset)
    item = _next(item, by_offset)
    if _name(item) == "WITH_EXCEPT_START":
        return Plan("with", (), _raised_on(item, by_offset))
    return _of_except(item, by_offset) or _of_finally(item, by_offset)


def _cleaning(item: Instruction, by_offset: dict[int, Instruction]) -> Plan:
    while True:
        name = _name(item)
        if name in ("RERAISE", "END_ASYNC_FOR", "CLEANUP_THROW"):
            return Plan("cleanup" if name == "RERAISE" else "awaiting", (), item.offset)
        if name.startswith("CALL_INTRINSIC") or name == "ASYNC_GEN_WRAP":
            # A generator turns StopIteration into RuntimeError.
            return Plan("awaiting", (), _raised_on(item, by_offset))
        if not item.falls_through or item.next not in by_offset:
            return Plan("unknown", (), item.offset)
        item = by_offset[item.next]


def _of_except(item: Instruction, by_offset: dict[int, Instruction]) -> Plan | None:
    clauses: list[tuple[Instruction, ...] | None] = []
    while True:
        name = _name(item)
        if name == "RERAISE" and clauses:
            return Plan("except", tuple(clauses), item.offset)
        if name == "POP_TOP":
            return Plan("except", (*clauses, None), item.offset)
        loads: list[Instruction] = []
        while _name(item).startswith(("LOAD_", "BUILD_TUPLE")):
            loads.append(item)
            item = _next(item, by_offset)
        if _name(item) != "CHECK_EXC_MATCH":
            return Plan("unknown", (), item.offset) if clauses or _name(item) == "CHECK_EG_MATCH" else None
        clauses.append(tuple(loads))
        item = _next(item, by_offset)
        if item.target is None:
            return Plan("unknown", (), item.offset)
        item = by_offset[item.target]
        while _name(item) in ("NOP", "EXTENDED_ARG", "NOT_TAKEN"):
            item = by_offset[item.next]


def _of_finally(item: Instruction, by_offset: dict[int, Instruction]) -> Plan:
    """What runs a ``finally`` and raises on; but a ``return`` or a ``break`` in it may swallow what was raised."""
    seen: set[int] = set()
    work, raised_on = [item.offset], -1
    while work:
        offset = work.pop()
        item = by_offset[offset]
        if offset in seen:
            continue
        seen.add(offset)
        name = _name(item)
        if name.startswith(("RETURN_", "POP_EXCEPT", "CHECK_E")):
            return Plan("unknown", (), offset)
        if name == "RERAISE":
            raised_on = offset
        if item.target is not None:
            work.append(item.target)
        if item.falls_through and item.next in by_offset:
            work.append(item.next)
    return Plan("finally", (), raised_on) if raised_on >= 0 else Plan("unknown", (), item.offset)


def _raised_on(item: Instruction, by_offset: dict[int, Instruction]) -> int:
    while _name(item) != "RERAISE":
        item = by_offset[item.next]
    return item.offset


def _name(item: Instruction) -> str:
    return opcode.opname[item.opcode]


def _next(item: Instruction, by_offset: dict[int, Instruction]) -> Instruction:
    item = by_offset[item.next]
    while _name(item) in ("NOP", "EXTENDED_ARG", "NOT_TAKEN"):
        item = by_offset[item.next]
    return item


# --- classes --------------------------------------------------------------------------------------------------------


def _classes(frame: types.FrameType, loads: tuple[Instruction, ...]) -> Any:
    """What some instructions load; MISSING if that is not to be had without running anything."""
    stack: list[Any] = []
    for item in loads:
        arg = item.arg or 0
        if _name(item) == "BUILD_TUPLE":
            stack[len(stack) - arg :] = [tuple(stack[len(stack) - arg :])]
        elif _name(item) == "LOAD_ATTR":
            stack[-1] = _attribute(stack[-1], frame.f_code.co_names[_cpython.attribute_index(arg)])
        else:
            stack.append(_loaded(frame, _name(item), arg))
        if stack[-1] is MISSING:
            return MISSING
    return stack[0] if len(stack) == 1 else MISSING


def _loaded(frame: types.FrameType, name: str, arg: int) -> Any:
    code = frame.f_code
    match name:
        case "LOAD_GLOBAL":
            return _global(frame, code.co_names[arg >> 1])
        case "LOAD_NAME" if frame.f_globals is frame.f_locals:
            return _global(frame, code.co_names[arg])
        case "LOAD_FAST" | "LOAD_FAST_BORROW" | "LOAD_FAST_CHECK" | "LOAD_DEREF":
            try:
                return contents(Slots(frame).variable(_bytecode.local_names(code)[arg]))
            except NotContinuable:
                return MISSING
    return MISSING


def _global(frame: types.FrameType, name: str) -> Any:
    for namespace in (frame.f_globals, frame.f_builtins):
        if type(namespace) is dict and name in namespace:
            return namespace[name]
    return MISSING


def _attribute(value: Any, name: str) -> Any:
    if type(value) is types.ModuleType:
        return value.__dict__.get(name, MISSING)
    if type(value) is type:
        return next((cls.__dict__[name] for cls in value.__mro__ if name in cls.__dict__), MISSING)
    return MISSING


def _matches(raised: BaseException, classes: Any) -> bool:
    """As ``except`` does; what is no class would be another exception, which is not to be told from here."""
    if isinstance(classes, tuple):
        return any(_matches(raised, each) for each in classes)
    return not isinstance(classes, type) or classes in type(raised).__mro__


# --- managers -------------------------------------------------------------------------------------------------------


def _may_swallow(raised: BaseException, frame: types.FrameType, handler: Handler) -> bool:
    """Whether the ``with`` whose handler this is may swallow an exception."""
    try:
        leave = Slots(frame).value(handler.depth - _cpython.WITH_SLOTS)
        manager = Slots(frame).value(handler.depth - 1) if _cpython.WITH_KEEPS_MANAGER else MISSING
    except NotContinuable:
        return True
    if isinstance(leave, types.MethodType):
        manager, leave = leave.__self__, leave.__func__
    if not isinstance(leave, types.FunctionType):
        return not isinstance(leave, _OF_C)
    if type(manager) is contextlib.suppress:
        return any(issubclass(type(raised), each) for each in manager._exceptions)
    if type(manager) is contextlib._GeneratorContextManager:
        inner = manager.gen.gi_frame
        return inner is not None and caught_by(raised, [(inner, inner.f_lasti)]) is not None
    return not _gives_nothing(leave.__code__)


_OF_C = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, types.MethodWrapperType)


def _returns(function: types.FunctionType) -> tuple[int, int | None]:
    loaded = _bytecode.instructions(function.__code__)[-2]
    return loaded.opcode, loaded.arg


#: How None and False are loaded where they need no constant of the code's own.
_NOTHING = {each for each in (_returns(lambda: None), _returns(lambda: False)) if opcode.opname[each[0]] != "LOAD_CONST"}


def _gives_nothing(code: types.CodeType) -> bool:
    """Whether a function returns None or False, whatever happens."""
    if code.co_flags & _GENERATORS:
        return False
    returned = list(_returned(code))
    return all(value is None or value is False for value in returned)


def _returned(code: types.CodeType) -> Iterator[Any]:
    before: Instruction | None = None
    listing = _bytecode.instructions(code)
    targets = {item.target for item in listing}
    for item in listing:
        if item.offset in targets:
            before = None
        if _name(item) == "RETURN_CONST":
            yield code.co_consts[item.arg or 0]
        elif _name(item) == "RETURN_VALUE":
            if before is None:
                yield MISSING
            elif _name(before) == "LOAD_CONST":
                yield code.co_consts[before.arg or 0]
            else:
                yield None if (before.opcode, before.arg) in _NOTHING else MISSING
        before = item


_GENERATORS = 0x0020 | 0x0080 | 0x0200
