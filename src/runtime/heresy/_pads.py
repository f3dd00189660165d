"""Pads: where an exception lands before it unwinds what could not be had back.

What a frame keeps on its value stack (the iterators of its loops, its open managers, what it has computed of a statement) is
gone once an exception leaves it, and a ``finally`` or a ``with`` that is left has run. So where that is about to happen, the
exception table of a program's code leads to a *pad* first: a few instructions behind the others, which ask whether the
program is to be stopped instead (`_unwinding`), and raise the exception on, to where it would have gone.

    LOAD_CONST  ASK
    COPY        2
    BINARY_OP   <<          ASK << exception
    POP_TOP                 None; or what was raised instead, as when there is no room to ask
    RERAISE     1           to the handler that the exception was on its way to, if there is one

The end of an ``async for`` is an exception, too, which may come a million times. So where one can come to that end, the pad
looks for it first, and goes there.

While no exception is raised, none of this is ever executed; and one that goes to an ``except`` of the same frame, or leaves
a frame with nothing on its stack, does not pass a pad: its frame keeps its variables in the traceback.

With `_cpython` and `_goto` this is the only file that touches an opcode.
"""

from __future__ import annotations

import opcode
import sys
import types

from ._bytecode import (
    PADDED,
    Instruction,
    exception_table,
    instructions,
    number_of,
    own_part,
    read_table,
    stack_depths,
    with_argument,
)
from ._constants import ASK, ENDED
from ._cpython import OPERATIONS, takes
from ._typing_names import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_END_ASYNC_FOR = number_of("END_ASYNC_FOR")
_PUSH_EXC_INFO = number_of("PUSH_EXC_INFO")
_RAISE_VARARGS = number_of("RAISE_VARARGS")
_RERAISE = number_of("RERAISE")
_YIELD_VALUE = number_of("YIELD_VALUE")
#: From 3.12 on it makes a StopIteration that leaves a generator another error, at the end of each generator's code.
_STOP_ITERATION_ERROR = next(
    (
        (number_of("CALL_INTRINSIC_1"), number)
        for number, name in enumerate(getattr(opcode, "_intrinsic_1_descs", ()))
        if name == "INTRINSIC_STOPITERATION_ERROR"
    ),
    None,
)
_PRECALL = "PRECALL" in opcode.opmap
_GENERATORS = 0x0020 | 0x0080 | 0x0200

#: The handler of what a function has raised is looked up with the last unit before the call: see `_found_pad`.
_LOOKED_UP_BEFORE = sys.version_info >= (3, 13)

#: Instructions that raise without running a function, and how much of the stack they have taken at most when they do: one
#: number, or how many for each unit of their argument and besides.
_RAISING: dict[str, int | tuple[int, int]] = {
    "RAISE_VARARGS": (1, 0), "RERAISE": 1, "UNPACK_SEQUENCE": 1, "UNPACK_EX": 1, "IMPORT_NAME": 2, "IMPORT_FROM": 0,
    "LOAD_NAME": 0, "LOAD_GLOBAL": 0, "LOAD_FAST": 0, "LOAD_FAST_CHECK": 0, "LOAD_DEREF": 0, "LOAD_CLASSDEREF": 0,
    "LOAD_FROM_DICT_OR_GLOBALS": 1, "LOAD_FROM_DICT_OR_DEREF": 1, "LOAD_SPECIAL": 1, "LOAD_BUILD_CLASS": 0,
    "DELETE_NAME": 0, "DELETE_GLOBAL": 0, "DELETE_FAST": 0, "DELETE_DEREF": 0, "STORE_NAME": 1, "STORE_GLOBAL": 1,
    "LIST_EXTEND": 1, "SET_UPDATE": 1, "DICT_UPDATE": 1, "DICT_MERGE": 1, "LIST_APPEND": 1, "SET_ADD": 1, "MAP_ADD": 2,
    "BUILD_MAP": (2, 0), "BUILD_SET": (1, 0), "BUILD_CONST_KEY_MAP": (1, 1), "BUILD_STRING": (1, 0),
    "MATCH_CLASS": 3, "MATCH_KEYS": 0, "GET_LEN": 0, "CALL_INTRINSIC_2": 2, "GET_YIELD_FROM_ITER": 1,
    "GET_AWAITABLE": 1, "GET_AITER": 1, "RESUME": 1, "JUMP_BACKWARD": 0, "IMPORT_STAR": 1, "LIST_TO_TUPLE": 1,
}  # fmt: skip
#: Its iterator stays.
_FOR_ITER = number_of("FOR_ITER")
#: Instructions that never raise: whatever an entry of the table says of them does not matter.
_QUIET = {
    number
    for name, number in opcode.opmap.items()
    if name.startswith(("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_FAST_BORROW", "STORE_FAST", "POP_JUMP_FORWARD_IF_NONE"))
    or name in (
        "POP_TOP", "NOP", "COPY", "SWAP", "PUSH_NULL", "EXTENDED_ARG", "NOT_TAKEN", "JUMP_FORWARD", "KW_NAMES", "STORE_DEREF",
        "IS_OP", "LOAD_CLOSURE", "LOAD_FAST_LOAD_FAST",
    )
}  # fmt: skip


def _compiled(function: types.FunctionType, names: tuple[str, ...]) -> bytes:
    """An instruction of some function, with the empty caches that it has."""
    code = function.__code__
    item = next(item for item in instructions(code) if opcode.opname[item.opcode] in names)
    return code.co_code[item.offset : item.offset + 2] + bytes(item.next - item.offset - 2)


_BINARY_OPERATION = _compiled(lambda a, b: a << b, ("BINARY_OP",))
_POP_JUMP = _compiled(lambda a, b: a if a is b else b, ("POP_JUMP_IF_FALSE", "POP_JUMP_FORWARD_IF_FALSE"))


class _Handler(NamedTuple):
    """Where an exception goes; see `_bytecode.exception_table`."""

    target: int
    depth: int
    lasti: bool


def padded(code: types.CodeType) -> types.CodeType:
    """A code object with pads, and with them in the code objects inside it; its constants are still to be bound."""
    consts = tuple(padded(c) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    if any(new is not old for new, old in zip(consts, code.co_consts)):
        code = code.replace(co_consts=consts)
    return with_pads(code)


def with_pads(code: types.CodeType) -> types.CodeType:
    """The same for one code object alone."""
    ranges = list(_ranges(code))
    if all(depth is None for *_, depth in ranges):
        return code
    ended = {h for _, _, h, depth in ranges if h and depth is not None and code.co_code[h.target] == _END_ASYNC_FOR}
    # That the last but one is this: see `_bytecode.own_part`.
    consts = *code.co_consts, *[ENDED][: len(ended)], (PADDED, len(code.co_code), code.co_exceptiontable), ASK
    load_ended, load = (with_argument(number_of("LOAD_CONST"), len(consts) - back) for back in (3, 1))
    question = load + bytes((number_of("COPY"), 2)) + _BINARY_OPERATION
    rest = bytes((number_of("POP_TOP"), 0, _RERAISE, 1))
    pads: dict[tuple[int, _Handler | None], int] = {}
    entries: list[tuple[int, int, _Handler]] = []
    behind: list[tuple[int, int, _Handler]] = []
    text, deepest = bytearray(code.co_code), 0
    for start, stop, handler, depth in ranges:
        if depth is not None:
            if (depth, handler) not in pads:
                here = pads[depth, handler] = len(text)
                if handler in ended:
                    text += _ended(handler, depth, here, load_ended)
                text += question
                behind.append((here, len(text), _Handler(len(text), depth + 2, False)))
                text += rest
                if handler is not None:
                    behind.append((len(text) - 2, len(text), handler))
                deepest = max(deepest, depth)
            handler = _Handler(pads[depth, handler], depth, True)
        if handler is not None:
            entries.append((start, stop, handler))
    return code.replace(
        co_code=bytes(text),
        co_exceptiontable=b"".join(_entry(*each) for each in [*entries, *behind]),
        co_linetable=code.co_linetable + _no_lines((len(text) - len(code.co_code)) // 2),
        co_stacksize=max(code.co_stacksize, deepest + 5),
        co_consts=consts,
    )


def without_pads(code: types.CodeType) -> types.CodeType:
    """The code without them, and so without constants that nobody else knows; also that inside it."""
    consts = code.co_consts
    text, table = own_part(code)
    if len(text) < len(code.co_code):
        consts = consts[:-2]
        if consts and consts[-1] is StopAsyncIteration:
            consts = consts[:-1]
    consts = tuple(without_pads(each) if isinstance(each, types.CodeType) else each for each in consts)
    return code.replace(co_code=text, co_exceptiontable=table, co_consts=consts)


def _ended(handler: _Handler, depth: int, here: int, load: bytes) -> bytes:
    """The begin of a pad at ``here``: goes on to the end of an asynchronous loop, if that is what has been raised."""
    test = load + bytes((number_of("CHECK_EXC_MATCH"), 0))
    # Above what the handler is to find lies what was kept for this pad, and where the exception comes from.
    left = bytes((number_of("SWAP"), 2, number_of("POP_TOP"), 0)) * (depth + 1 - handler.depth)
    behind = here + len(test) + len(_POP_JUMP) + len(left) + 4
    jump = with_argument(number_of("JUMP_BACKWARD_NO_INTERRUPT"), (behind - handler.target) // 2)
    return test + bytes((_POP_JUMP[0], (len(left) + len(jump)) // 2)) + _POP_JUMP[2:] + left + jump


class Pad(NamedTuple):
    """A pad that an exception has come to.

    Attributes:
        offset: the byte offset of the instruction that has raised it in the frame.
        depth: how deep the value stack is below it.
        again: where it may have been raised again, if it was, at the end of a handler: that gives itself out for where it was
            raised first.
    """

    offset: int
    depth: int
    again: frozenset[int] = frozenset()


def pad_at(frame: types.FrameType, raised_at: int) -> Pad:
    """The pad whose question a frame stands at.

    Args:
        raised_at: what its entry in the traceback says, -1 if it has none there.
    """
    key = id(frame.f_code), frame.f_lasti, raised_at
    if key not in _known_pads:
        _known_pads[key] = frame.f_code, *_found_pad(frame.f_code, frame.f_lasti, raised_at)
    _, pad, deep, again = _known_pads[key]
    if pad is not None:
        return pad
    from ._slots import Slots

    # What was raised again: where, the interpreter has put below it.
    return Pad(2 * Slots(frame).number(deep), deep, again)


#: By the identity of the code, the instruction of the pad, and that of the traceback.
_known_pads: dict[tuple[int, int, int], tuple[types.CodeType, Pad | None, int, frozenset[int]]] = {}


def _found_pad(code: types.CodeType, offset: int, raised_at: int) -> tuple[Pad | None, int, frozenset[int]]:
    """What `pad_at` gives, or what is known of a pad for what was raised again, at the end of a handler or by a bare `raise`."""
    table = [*read_table(code.co_exceptiontable)]
    here, deep = next((start, depth - 2) for start, end, _, depth, _ in table if start <= offset < end)
    # Here CPython looks the handler up; what a function has raised counts in 3.13 as raised before it was called.
    looked_up = raised_at, raised_at - 2
    if any(target == here and any(start <= at < end for at in looked_up) for start, end, target, *_ in table):
        item = next(item for item in instructions(code) if item.offset <= raised_at < item.next)
        depth = _kept(item, stack_depths(code))
        if depth is not None:
            return Pad(raised_at, depth), deep, frozenset()
    ends = [item.offset for item in instructions(code) if item.opcode == _RERAISE]
    again = {end for end in ends if any(target == here and start <= end < stop for start, stop, target, *_ in table)}
    return None, deep, frozenset(again)


def is_raise(code: types.CodeType, offset: int) -> bool:
    """Whether an instruction is a ``raise``."""
    return 0 <= offset < len(code.co_code) and code.co_code[offset] == _RAISE_VARARGS


def is_bare_raise(code: types.CodeType, offset: int) -> bool:
    """Whether an instruction is a ``raise`` that raises what is handled."""
    return code.co_code[offset : offset + 2] == bytes((_RAISE_VARARGS, 0))


def is_raised_again(code: types.CodeType, offset: int) -> bool:
    """Whether an instruction is one that hands on what was raised before, at the end of a handler."""
    # Of frames that are gone since the recursion was too deep, 3.14 tells anything.
    return 0 <= offset < len(code.co_code) and code.co_code[offset] == _RERAISE


def _ranges(code: types.CodeType) -> Iterator[tuple[int, int, _Handler | None, int | None]]:
    """The parts of a code object: from where to where, its handler, and the depth that a pad there needs; None: no pad."""
    handlers = _handlers(code)
    listing = instructions(code)
    by_offset = {item.offset: item for item in listing}
    depths = stack_depths(code)
    excepts: dict[int, bool] = {}
    always = bool(code.co_flags & _GENERATORS)
    current: tuple[int, _Handler | None, int | None] | None = None
    for item in listing:
        if (item.opcode, item.arg) == _STOP_ITERATION_ERROR:
            # What comes here was asked of where it was raised; it is raised on by the next instruction.
            depths = {at: depth for at, depth in depths.items() if at not in (item.offset, item.next)}
        handler, depth = handlers.get(item.offset), _kept(item, depths)
        if item.opcode in _QUIET and current is not None and current[1] == handler:
            continue
        if depth is not None and handler is not None:
            if handler.target not in excepts:
                excepts[handler.target] = _is_except(handler.target, by_offset)
            if depth < handler.depth or _is_throw(handler.target, by_offset):
                depth = None
            elif excepts[handler.target] and depth == handler.depth:
                depth = None
        elif depth == 0 and not always:
            depth = None
        if current is None or current[1:] != (handler, depth):
            start = item.offset
            if current is not None:
                if _LOOKED_UP_BEFORE and item.opcode in OPERATIONS and current[1:] == (handler, None) and depth is not None:
                    start -= 2
                if current[0] < start:
                    yield current[0], start, *current[1:]
            current = start, handler, depth
    if current is not None:
        yield current[0], len(code.co_code), *current[1:]


def _handlers(code: types.CodeType) -> dict[int, _Handler]:
    found: dict[int, _Handler] = {}
    for start, end, *handler in exception_table(code):
        found.update(dict.fromkeys(range(start, end, 2), _Handler(*handler)))
    return found


def _kept(item: Instruction, depths: dict[int, int]) -> int | None:
    """How deep the stack is at least when an instruction has raised; None if that is not known, or cannot be.

    What a `yield` raises is thrown into it: nothing there can be started again. Most often it is the end of a generator that is
    not needed any more, as that of ``any(…)``.
    """
    if item.offset not in depths or item.opcode == _YIELD_VALUE:
        return None
    kind, name = OPERATIONS.get(item.opcode), opcode.opname[item.opcode]
    if item.opcode == _FOR_ITER:
        return depths[item.offset]
    if kind is not None:
        # In 3.11 an instruction before the call counts as having taken its arguments already.
        before = item.arg or 0 if name == "CALL" and _PRECALL else 0
        return max(depths[item.offset] - takes(kind, item) + before, 0)
    taken = _RAISING.get(name)
    if isinstance(taken, tuple):
        taken = taken[0] * (item.arg or 0) + taken[1]
    return max(depths[item.offset] - taken, 0) if taken is not None else None


def _is_except(target: int, by_offset: dict[int, Instruction]) -> bool:
    """Whether a handler is that of a ``try`` with ``except``: it takes the exception, or tells first what it is."""
    names = []
    item = by_offset.get(target)
    while item is not None:
        name = opcode.opname[item.opcode]
        if name not in ("NOP", "EXTENDED_ARG"):
            names.append(name)
        if name in ("CHECK_EXC_MATCH", "CHECK_EG_MATCH"):
            return names[0] == "PUSH_EXC_INFO"
        if not name.startswith(("PUSH_", "LOAD_", "BUILD_", "NOP", "EXTENDED_ARG", "COPY", "SWAP")):
            break
        item = by_offset.get(item.next)
    return names == ["PUSH_EXC_INFO", "POP_TOP"]


def _is_throw(target: int, by_offset: dict[int, Instruction]) -> bool:
    """Whether it hands what is thrown into a generator on to what that waits for."""
    return opcode.opname[by_offset[target].opcode] == "CLEANUP_THROW"


# --- bytes ----------------------------------------------------------------------------------------------------------


def _entry(start: int, end: int, handler: _Handler) -> bytes:
    """An entry of an exception table; the first byte of each has its highest bit set."""
    numbers = start // 2, (end - start) // 2, handler.target // 2, handler.depth << 1 | handler.lasti
    data = bytearray(b"".join(map(_varint, numbers)))
    data[0] |= 128
    return bytes(data)


def _varint(number: int) -> bytes:
    """Six bits for each byte, the highest first; all but the last have bit 6 set."""
    parts = [number & 63]
    while number := number >> 6:
        parts.insert(0, number & 63 | 64)
    return bytes(parts)


def _no_lines(units: int) -> bytes:
    """Entries of a line table for code units that belong to no line."""
    whole, rest = divmod(units, 8)
    return bytes((0xFF,)) * whole + (bytes((0xF8 | rest - 1,)) if rest else b"")
