"""All that differs between CPython 3.11, 3.12, 3.13, 3.14 and 3.15.

The rest of the runtime asks about *behaviour* (how many value-stack slots does a ``with`` keep?), never about a
version; this is the only file that reads ``sys.version_info``, and with `_bytecode`, `_goto` and `_pads` the only one that
touches an opcode.

Three jobs need to know the interpreter:

* reading code objects: what does an instruction do, and with how much of the value stack;
* patching code objects in place, never moving a byte: naming the iterator of a ``for``;
* reaching the variables of a frame, cells included.
"""

from __future__ import annotations

import opcode
import sys
import types

from ._bytecode import EXTENDED_ARG, JUMPS, RETURN_GENERATOR, Instruction, effect, instructions, local_names, number_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_VERSION = sys.version_info[:2]

#: From 3.15 a ``for`` keeps two slots: the iterator, and NULL or a hidden index. Over a list or a tuple it does not
#: even make an iterator.
FOR_KEEPS_INDEX = _VERSION >= (3, 15)

#: From 3.15 so do ``yield from`` and ``await``: over a list or a tuple there is no iterator either.
DELEGATION_KEEPS_INDEX = FOR_KEEPS_INDEX

#: From 3.14 a ``with`` keeps the ``__exit__`` function and the manager; before, the bound ``__exit__``.
WITH_KEEPS_MANAGER = _VERSION >= (3, 14)

#: Before 3.13 a callable that is no method in two parts has NULL below it; from then on, above it.
NULL_IS_BEFORE_CALLABLE = _VERSION < (3, 13)

#: From 3.13 the end of a ``with`` carries the position of its first item; before, that of the statement.
WITH_EXITS_AT_ITEM = _VERSION >= (3, 13)

#: From 3.14 a ``with`` enters its manager by an ordinary call.
WITH_ENTERS_BY_CALL = _VERSION >= (3, 14)

#: In 3.11 ``GET_ITER`` carries the position of the whole ``for`` statement, from 3.12 that of the iterable.
GET_ITER_AT_STATEMENT = _VERSION < (3, 12)

#: Before 3.12 an assertion's error comes from the last comparison that its test consists of, if there is one.
ASSERTS_AT_COMPARISON = _VERSION < (3, 12)

#: From 3.12 (PEP 709) a comprehension of a function or module runs in its frame.
INLINES_COMPREHENSIONS = _VERSION >= (3, 12)

#: In 3.11 the ``yield`` of a generator expression carries the position of all of it, from 3.12 that of the element.
YIELDS_AT_ELEMENT = _VERSION >= (3, 12)

#: From 3.13 (PEP 667) writing to ``frame.f_locals`` reaches the variable itself.
F_LOCALS_WRITES_THROUGH = _VERSION >= (3, 13)

#: From 3.13 ``{x!r:{w}}`` converts before it evaluates the format.
CONVERTS_BEFORE_FORMAT = _VERSION >= (3, 13)

#: Protocols keep the names of their members, and of those that are no methods.
PROTOCOLS_KEEP_MEMBERS = _VERSION >= (3, 12)
PROTOCOLS_KEEP_OTHER_MEMBERS = _VERSION >= (3, 13)

#: From 3.15 the garbage collector does not know frozensets of what it does not know.
FROZENSETS_ARE_TRACKED = _VERSION < (3, 15)

#: The N of 3.N, which says what objects of the library hold: see `state.versions`.
MINOR = _VERSION[1]

#: From 3.15 a generator expression asks for the iterator of what it is called with; before, that is done around it.
EXPRESSIONS_ASK = _VERSION >= (3, 15)

#: What the interpreter does itself if it is called with a generator expression, with what it makes meanwhile, if anything.
CONSUMERS: dict[str, type | None] = {}
if _VERSION >= (3, 14):
    CONSUMERS |= {"any": None, "all": None, "tuple": list}
if _VERSION >= (3, 15):
    CONSUMERS |= {"list": list, "set": set}

#: From 3.14 `tuple(iterator)` makes a list, of more than a few items.
TUPLES_ARE_MADE_AS: type = list if _VERSION >= (3, 14) else tuple

FOR_SLOTS = 2 if FOR_KEEPS_INDEX else 1
DELEGATION_SLOTS = 2 if DELEGATION_KEEPS_INDEX else 1
WITH_SLOTS = 2 if WITH_KEEPS_MANAGER else 1
HANDLER_SLOTS = 1
#: What a ``with`` puts above its exit to call it: three times None, or, for an exception, where and what it was, and
#: what was being handled before.
_EXIT_ARGUMENTS = EXIT_SLOTS = 3
FINALLY_EXCEPTION_SLOTS = 2


_NOP = number_of("NOP")
_DISPLAYS = {number_of("BUILD_LIST"), number_of("BUILD_SET"), number_of("BUILD_MAP")}
_LOAD_FAST_AND_CLEAR = opcode.opmap.get("LOAD_FAST_AND_CLEAR", -1)
_MAKE_CELL = number_of("MAKE_CELL")
_NOT_TAKEN = opcode.opmap.get("NOT_TAKEN", -1)
_SWAP = number_of("SWAP")
_CALL = number_of("CALL")
_PRECALL = opcode.opmap.get("PRECALL")
_FOR_ITER = number_of("FOR_ITER")
#: Instructions that can run a function of the program's, by what they do: see `OPERATIONS`.
_KINDS = {
    "call": ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "PRECALL"),
    "enter": ("BEFORE_WITH", "BEFORE_ASYNC_WITH"),
    "catch": ("WITH_EXCEPT_START",),
    "read": ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "BINARY_SUBSCR", "BINARY_SLICE"),
    "write": ("STORE_ATTR", "STORE_SUBSCR", "STORE_SLICE"),
    "delete": ("DELETE_ATTR", "DELETE_SUBSCR"),
    "operate": ("BINARY_OP", "UNARY_NEGATIVE", "UNARY_POSITIVE", "UNARY_INVERT", "CALL_INTRINSIC_1"),
    "compare": ("COMPARE_OP",),
    "contain": ("CONTAINS_OP",),
    "iterate": ("GET_ITER",),
    "format": ("FORMAT_VALUE", "CONVERT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC"),
    "for": ("FOR_ITER",),
    "send": ("SEND",),
    "yield": ("YIELD_VALUE",),
    "test": ("TO_BOOL", "UNARY_NOT"),
}
OPERATIONS = {opcode.opmap[name]: kind for kind, names in _KINDS.items() for name in names if name in opcode.opmap}
if "TO_BOOL" not in opcode.opmap:
    # Before 3.13 the jump itself tests.
    OPERATIONS.update(
        {n: "test" for name, n in opcode.opmap.items() if name.endswith(("IF_TRUE", "IF_FALSE", "OR_POP"))}
    )
_YIELD_VALUE = number_of("YIELD_VALUE")
_SEND = number_of("SEND")
_GET_AWAITABLE = number_of("GET_AWAITABLE")
_WITH_EXCEPT_START = number_of("WITH_EXCEPT_START")
#: What gives an awaitable or an iterator to be waited for, and for what that is; the argument of `_GET_AWAITABLE` tells more.
_AWAITED = {number: "" for name, number in opcode.opmap.items() if name.startswith("GET_")}
_GET_ANEXT = number_of("GET_ANEXT")
_AWAITED[_GET_ANEXT] = "for"
_AWAITED_FOR = {1: "enter", 2: "exit"}


def sets_global(code: types.CodeType, name: str) -> bool:
    """Whether code assigns to a global variable of that name."""
    number = number_of("STORE_GLOBAL")
    return any(item.opcode == number and code.co_names[item.arg or 0] == name for item in instructions(code))


class Operation:
    """What an instruction does that runs a function.

    Attributes:
        kind: a word for what it does: see `_KINDS`.
        offset: the instruction's byte offset.
        arg: its argument.
        swapped: a value was put below what the instruction works on, as the end of a ``with`` does when that waits for it.
        takes: how many slots of the value stack what it works on has taken, that of the iterator of a ``for`` or a
            ``yield from`` among them.
        awaits: for what awaits without the word ``await``, what that belongs to: ``enter``, ``exit`` and ``catch`` of an
            ``async with``, ``for`` of an ``async for``.
    """

    __slots__ = ("kind", "offset", "arg", "swapped", "takes", "awaits")

    def __init__(self, kind: str, offset: int, arg: int, swapped: bool, takes: int, awaits: str) -> None:
        self.kind = kind
        self.takes = takes
        self.offset = offset
        self.arg = arg
        self.swapped = swapped
        self.awaits = awaits


def operations(code: types.CodeType) -> dict[int, Operation]:
    """What a frame that has called another, or is suspended, is doing, by the byte offset it can stand at.

    It may stand at the caches of the instruction, too, and at the RESUME after a yield.
    """
    result: dict[int, Operation] = {}
    before: list[int] = []
    awaits = ""
    is_swapped = False
    start = -1
    for item in instructions(code):
        kind = OPERATIONS.get(item.opcode)
        # PRECALL counts as having taken the arguments already.
        start = item.offset if start < 0 else start
        if item.opcode in _AWAITED:
            awaits = _AWAITED[item.opcode]
            if item.opcode == _GET_AWAITABLE:
                awaits = _AWAITED_FOR.get(item.arg or 0, "")
                awaits = "catch" if awaits == "exit" and before[-1] == _WITH_EXCEPT_START else awaits
        if kind is not None:
            if kind == "yield" and before[-1] == _SEND:
                kind = "delegate"
            delegates = kind in ("send", "delegate")
            if kind == "call":
                is_swapped = before[-_EXIT_ARGUMENTS - 1 :][:1] == [_SWAP]
            swapped = is_swapped and (kind == "call" or delegates and awaits == "exit")
            took = takes(kind, item)
            operation = Operation(kind, start, item.arg or 0, swapped, took, awaits if delegates else "")
            end = item.next + 2 if item.opcode == _YIELD_VALUE else item.next
            result.update(dict.fromkeys(range(item.offset, end, 2), operation))
        if item.opcode not in (_PRECALL, EXTENDED_ARG):
            before.append(item.opcode)
        if item.opcode != _PRECALL:
            start = -1
    return result


def takes(kind: str, item: Instruction) -> int:
    """How many slots of the value stack an instruction of this kind works on."""
    name = opcode.opname[item.opcode]
    match kind:
        case "call" if name == "PRECALL":
            return 2 + (item.arg or 0)
        case "call":
            return 1 - effect(item, False) + (item.arg or 0 if _PRECALL is not None and name == "CALL" else 0)
        case "write" | "delete":
            return -effect(item, False)
        case "for":
            return FOR_SLOTS
        case "send" | "delegate":
            return 1 + DELEGATION_SLOTS
        case "format":
            return 1 + (name == "FORMAT_WITH_SPEC" or name == "FORMAT_VALUE" and (item.arg or 0) & 4 == 4)
    return _TAKES.get(name, 1)


#: How many values an instruction works on, if that is more than one.
_TAKES = {
    "BINARY_SUBSCR": 2, "BINARY_OP": 2, "COMPARE_OP": 2, "CONTAINS_OP": 2, "BINARY_SLICE": 3, "LOAD_SUPER_ATTR": 3,
}  # fmt: skip


class Display:
    """The instruction that makes the list, set or dictionary of a comprehension.

    Attributes:
        offset: its byte offset.
        covers: the variables around the comprehension that its own ones take the place of; their values lie on the
            value stack below what is made, in this order.
    """

    __slots__ = ("offset", "covers")

    def __init__(self, offset: int, covers: list[str]) -> None:
        self.offset = offset
        self.covers = covers


def display_before(code: types.CodeType, offset: int, is_wanted: Callable[[int], bool]) -> Display | None:
    """The last one before ``offset`` whose own offset is wanted."""
    found: Display | None = None
    cleared: list[str] = []
    for item in instructions(code):
        if item.offset > offset:
            break
        if item.opcode in _DISPLAYS and not item.arg and is_wanted(item.offset):
            # The iterable was put above them all, in exchange for the last: it came first.
            found = Display(item.offset, cleared[-1:] + cleared[:-1])
        if item.opcode == _LOAD_FAST_AND_CLEAR:
            cleared.append(local_names(code)[item.arg or 0])
        elif item.opcode not in (_MAKE_CELL, _SWAP, EXTENDED_ARG):
            cleared = []
    return found


def loops_between(code: types.CodeType, start: int, end: int) -> list[int]:
    """The byte offsets of the headers of loops between two others; the end may be in one itself."""
    found = [item for item in instructions(code) if item.opcode in (_FOR_ITER, _GET_ANEXT) and start <= item.offset < end]
    if found and found[-1].opcode == _GET_ANEXT and operations(code)[end].awaits:
        found.pop()
    return [item.offset for item in found]


def called_name(code: types.CodeType, offset: int) -> str | None:
    """The name by which the call at a byte offset finds what it calls: ``kill`` in ``os.kill(pid, number)``."""
    positions = list(code.co_positions())
    if not 0 <= offset // 2 < len(positions):
        return None
    line, _, column, _ = positions[offset // 2]
    found, extent = None, (-1, -1)
    for item in instructions(code):
        start_line, end_line, start, end = positions[item.offset // 2]
        name = _loaded_name(code, item)
        if item.offset < offset and (start_line, start) == (line, column) and name is not None:
            if (end_line or 0, end or 0) > extent:
                found, extent = name, (end_line or 0, end or 0)
    return found


def _loaded_name(code: types.CodeType, item: Instruction) -> str | None:
    name = opcode.opname[item.opcode]
    if name == "LOAD_ATTR":
        return code.co_names[attribute_index(item.arg or 0)]
    if name == "LOAD_GLOBAL":
        return code.co_names[(item.arg or 0) >> 1]
    if name in ("LOAD_NAME", "LOAD_METHOD"):
        return code.co_names[item.arg or 0]
    return None


def only_returns_after(code: types.CodeType, offset: int) -> bool:
    """Whether a function returns None as soon as the call that its frame is in, at a byte offset, has returned."""
    after = [item for item in instructions(code) if item.offset > offset and item.opcode != _CALL]
    names = [opcode.opname[item.opcode] for item in after]
    if names[:2] == ["POP_TOP", "LOAD_CONST"] and code.co_consts[after[1].arg or 0] is not None:
        return False
    return names in (
        ["POP_TOP", "LOAD_CONST", "RETURN_VALUE"],
        ["POP_TOP", "LOAD_COMMON_CONSTANT", "RETURN_VALUE"],
        ["POP_TOP", "RETURN_CONST"],
    )


def is_jump(code: types.CodeType, offset: int) -> bool:
    """Whether an instruction only goes elsewhere, perhaps after a test."""
    return code.co_code[offset] in JUMPS and code.co_code[offset] != _FOR_ITER or code.co_code[offset] == _NOT_TAKEN


def begins_with(code: types.CodeType, item: Instruction) -> bool:
    """Whether an instruction is the first that a ``with`` does with a manager."""
    name = opcode.opname[item.opcode]
    if name in ("BEFORE_WITH", "BEFORE_ASYNC_WITH"):
        return True
    return name == "COPY" and item.next < len(code.co_code) and opcode.opname[code.co_code[item.next]] == "LOAD_SPECIAL"


def loads_value(code: types.CodeType, item: Instruction) -> bool:
    """Whether an instruction loads something but None, or a method for a ``with``."""
    name = opcode.opname[item.opcode]
    if name == "LOAD_CONST":
        return code.co_consts[item.arg or 0] is not None
    return is_load(code, item.offset) and name not in ("LOAD_SPECIAL", "LOAD_COMMON_CONSTANT")


def is_load(code: types.CodeType, offset: int) -> bool:
    """Whether an instruction loads something."""
    return opcode.opname[code.co_code[offset]].startswith("LOAD_")


def loads_besides(code: types.CodeType, offset: int) -> bool:
    """Whether an instruction does something and loads a variable then."""
    name = opcode.opname[code.co_code[offset]]
    return name.count("FAST") == 2 and name.endswith(("_LOAD_FAST", "_LOAD_FAST_BORROW"))


def rebound_variables(code: types.CodeType) -> set[str]:
    """The variables that code assigns or deletes, as far as they are no cells."""
    found: set[str] = set()
    for item in instructions(code):
        name = opcode.opname[item.opcode]
        if "STORE_FAST" in name or "DELETE_FAST" in name:
            arg = item.arg or 0
            indexes = (arg >> 4, arg & 15) if name.count("FAST") > 1 else (arg,)
            found.update(local_names(code)[index] for index in indexes)
    return found


# --- patches ----------------------------------------------------------------------------------------------------


def attribute_index(arg: int) -> int:
    return arg >> 1 if _VERSION >= (3, 12) else arg


def offsets_of_line(code: types.CodeType, line: int) -> list[int]:
    """The byte offsets of the instructions at ``line``."""
    positions = list(code.co_positions())
    return [item.offset for item in instructions(code) if positions[item.offset // 2][0] == line]


def waits(code: types.CodeType, kind: str) -> list[int]:
    """The byte offsets at which an ``async with`` is entered or an ``async for`` waits for an item.

    Args:
        kind: ``send`` for where that is asked, ``delegate`` for where it is suspended then.
    """
    found = {each.offset for each in operations(code).values() if each.kind == kind and each.awaits in ("enter", "for")}
    return sorted(found)


# --- frames -----------------------------------------------------------------------------------------------------


def has_started(code: types.CodeType, offset: int) -> bool:
    """Whether a generator has run when its frame stands at a byte offset. Before, that is where it was made, or next to it."""
    made = next(item for item in instructions(code) if item.opcode == RETURN_GENERATOR)
    return offset > made.next


def intrinsic(name: str) -> Callable[..., Any]:
    """What the interpreter does for a ``type`` statement or a type parameter, as a function of one or two values."""
    of_one, of_two = opcode._intrinsic_1_descs, opcode._intrinsic_2_descs  # type: ignore[attr-defined]
    function: Any = (lambda value: +value) if name in of_one else (lambda first, second: first + second)
    code = function.__code__
    patched = bytearray(code.co_code)
    plus = number_of("CALL_INTRINSIC_1") if name in of_one else number_of("BINARY_OP")
    at, end = next((item.offset, item.next) for item in instructions(code) if item.opcode == plus)
    patched[at:end] = bytes((_NOP, 0)) * ((end - at) // 2)
    if name in of_one:
        patched[at : at + 2] = plus, of_one.index(name)
    else:
        patched[at : at + 2] = number_of("CALL_INTRINSIC_2"), of_two.index(name)
    function.__code__ = code.replace(co_code=bytes(patched))
    return function


def is_making_instance(frame: types.FrameType | None) -> bool:
    """Whether a frame is at a call that is specialized for a class with an ``__init__``."""
    number = getattr(opcode, "_specialized_opmap", {}).get("CALL_ALLOC_AND_ENTER_INIT")
    return frame is not None and frame.f_code._co_code_adaptive[frame.f_lasti] == number  # type: ignore[attr-defined]
