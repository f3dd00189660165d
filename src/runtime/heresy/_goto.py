"""The goto of a resume form: what gives a frame the value stack of its surroundings, and jumps into their middle.

Python has no syntax for that; but a tuple is evaluated item by item, and leaves each on the stack until all are there. So
the goto is compiled from ``(v1, v2.heresy_push_null, …, PENDING.heresy_begin.heresy_jump)``, and then bytes are written over
others in place: an attribute becomes a short sequence of instructions, and what would build the tuple becomes the jump.
"""

from __future__ import annotations

import opcode
import types

from . import _cpython
from . import _tree as ast
from ._bytecode import Instruction, instructions, local_names, number_of, with_argument
from ._cpython import attribute_index
from ._form import PENDING, STACK
from ._nodes import constant, place, pop

_COPY = number_of("COPY")
_EXTENDED_ARG = number_of("EXTENDED_ARG")
_JUMP_FORWARD = number_of("JUMP_FORWARD")
_NOP = number_of("NOP")
_POP_TOP = number_of("POP_TOP")
_PUSH_EXC_INFO = number_of("PUSH_EXC_INFO")
_PUSH_NULL = number_of("PUSH_NULL")
_STORE_DEREF = number_of("STORE_DEREF")
_STORE_FAST = number_of("STORE_FAST")
_YIELD_VALUE = number_of("YIELD_VALUE")

#: Attributes that stand in the goto of a resume form for instructions Python has no syntax for.
PUSH_EXC_INFO_POP = "heresy_push_exc_info_pop"
PUSH_NULL = "heresy_push_null"
ONLY_NULL = "heresy_only_null"
#: Followed by the name of the variable that takes the value, which is not left on the stack.
STORE = "heresy_store_"
DELEGATE = "heresy_delegate"
#: A property, which is read: see `_pending`.
BEGIN = "heresy_begin"
JUMP = "heresy_jump"

_SEQUENCES = {
    PUSH_EXC_INFO_POP: (_PUSH_EXC_INFO, _POP_TOP),
    PUSH_NULL: (_PUSH_NULL,),
    ONLY_NULL: (_POP_TOP, _PUSH_NULL),
}

#: What follows the load of what is awaited.
DELEGATED = PUSH_NULL if _cpython.DELEGATION_KEEPS_INDEX else ""

#: What follows the load of a block's value; a ``with`` keeps the bound ``__exit__``, and NULL where it keeps two slots.
OF_BLOCKS = {
    "for": PUSH_NULL if _cpython.FOR_KEEPS_INDEX else "",
    "async for": "",
    "with": PUSH_NULL if _cpython.WITH_KEEPS_MANAGER else "",
    "async with": PUSH_NULL if _cpython.WITH_KEEPS_MANAGER else "",
    "handler": PUSH_EXC_INFO_POP,
    "finally": PUSH_EXC_INFO_POP,
    "exit": PUSH_EXC_INFO_POP,
}


def slots(attribute: str) -> int:
    """How many slots a value takes that is pushed with this attribute."""
    return 0 if attribute.startswith(STORE) else 2 if attribute == PUSH_NULL else 1


# --- the tree ----------------------------------------------------------------------------------------------------


def statement(attributes: list[str], line: int) -> ast.stmt:
    """``(v1, v2.heresy_push_null, …, PENDING.heresy_begin.heresy_jump)``: what `patch` turns into pushes and a jump."""
    items: list[ast.expr] = []
    for attribute in attributes:
        value = constant(PENDING) if attribute == ONLY_NULL else pop(STACK)
        items.append(ast.Attribute(value, attribute, ast.Load()) if attribute else value)
    items.append(ast.Attribute(ast.Attribute(constant(PENDING), BEGIN, ast.Load()), JUMP, ast.Load()))
    result = ast.Expr(ast.Tuple(items, ast.Load()))
    place(result, line)
    return result


# --- the code ----------------------------------------------------------------------------------------------------


def patch(code: types.CodeType, target: int) -> types.CodeType:
    """Turns the goto of a resume form into pushes and one jump to the byte offset ``target``.

    The goto was compiled from ``(v1, v2.heresy_push_null, …, x.heresy_jump)``: the loads put the values onto the
    stack in order; the bytes of the attribute ``heresy_jump`` and of building and dropping the tuple drop ``x``, and jump.
    Before it the saved variables are assigned: what is assigned to a variable that has a cell is its saved cell, which
    takes the place of the cell that the frame has just made (``STORE_DEREF`` puts a value into a cell, ``STORE_FAST``
    puts the cell itself).

    ``yield from it.heresy_delegate`` becomes ``it`` and a jump to the yield: as if ``it`` had just given something.
    """
    bytes_ = bytearray(code.co_code)
    listing = instructions(code)
    names = code.co_names
    jumped = False
    for index, item in enumerate(listing):
        if item.opcode == _STORE_DEREF and not jumped:
            bytes_[item.offset] = _STORE_FAST
        if opcode.opname[item.opcode] != "LOAD_ATTR":
            continue
        attribute = names[attribute_index(item.arg or 0)]
        if attribute in _SEQUENCES:
            units = b"".join(bytes((op, 0)) for op in _SEQUENCES[attribute])
            start = listing[_first_unit(listing, index)].offset
            _fill(bytes_, start, item.next, units)
        elif attribute.startswith(STORE):
            start = listing[_first_unit(listing, index)].offset
            variable = local_names(code).index(attribute.removeprefix(STORE))
            _fill(bytes_, start, item.next, with_argument(_STORE_FAST, variable))
        elif attribute == DELEGATE:
            start = listing[_first_unit(listing, index)].offset
            suspended = next(later.offset for later in listing[index:] if later.opcode == _YIELD_VALUE)
            push = bytes((_PUSH_NULL, 0, _COPY, 2)) if _cpython.DELEGATION_KEEPS_INDEX else bytes((_COPY, 1))
            _fill(bytes_, start, item.next, push + _jump(start + len(push), item.next, suspended))
        elif attribute == JUMP:
            start = listing[_first_unit(listing, index)].offset
            drop = next(i for i in range(index, len(listing)) if listing[i].opcode == _POP_TOP)
            end = listing[drop].next
            pop = bytes((_POP_TOP, 0))
            _fill(bytes_, start, end, pop + _jump(start + len(pop), end, target))
            jumped = True
    if not jumped:
        raise LookupError("the goto of a resume form was not found in its code")
    return code.replace(co_code=bytes(bytes_))


def _fill(bytes_: bytearray, start: int, end: int, units: bytes) -> None:
    if len(units) > end - start:
        raise LookupError("no room for a patch in a resume form")
    bytes_[start:end] = units + bytes((_NOP, 0)) * ((end - start - len(units)) // 2)


def _jump(start: int, end: int, target: int) -> bytes:
    """``EXTENDED_ARG… JUMP_FORWARD`` placed at ``start``, to ``target``; what is left of the room is never run."""
    for extended in range(4):
        distance = (target - (start + 2 * (extended + 1))) // 2
        if distance < 0:
            raise LookupError("a label of a resume form lies before its goto")
        if distance < 1 << 8 * (extended + 1):
            parts = [bytes((_EXTENDED_ARG, distance >> 8 * k & 255)) for k in range(extended, 0, -1)]
            return b"".join(parts) + bytes((_JUMP_FORWARD, distance & 255))
    raise LookupError("a label of a resume form is too far from its goto")


def _first_unit(listing: list[Instruction], index: int) -> int:
    """The index of the first ``EXTENDED_ARG`` of the instruction at ``index``, or ``index``."""
    while index and listing[index - 1].opcode == _EXTENDED_ARG:
        index -= 1
    return index
