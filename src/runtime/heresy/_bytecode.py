"""Code objects as the interpreter has them: instructions, exception tables, the depth of the value stack.

What the instructions do is told by `_cpython`. They are not read by `dis`, which shows constants and so would call the
``__repr__`` of the user's objects.
"""

from __future__ import annotations

import opcode
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def number_of(*names: str) -> int:
    """The number of the first of these opcodes that this interpreter has."""
    for name in names:
        if name in opcode.opmap:
            return opcode.opmap[name]
    raise LookupError(f"this CPython has none of the opcodes {names}")


EXTENDED_ARG = number_of("EXTENDED_ARG")
_CLEANUP_THROW = {opcode.opmap[name] for name in ("CLEANUP_THROW",) if name in opcode.opmap}
_NO_FALL_THROUGH = {
    number
    for name, number in opcode.opmap.items()
    if name.startswith(("RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"))
    or name in ("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_ABSOLUTE")
}
# What ends an `async for` tells where it began: from 3.14 on that is listed as a jump.
JUMPS = (set(opcode.hasjrel) | set(opcode.hasjabs)) - {number_of("END_ASYNC_FOR")}
_JUMP_BACKWARD = number_of("JUMP_BACKWARD")
_TO_GLOBALS = {number_of("STORE_GLOBAL"), number_of("DELETE_GLOBAL")}
_BACKWARD = {number for name, number in opcode.opmap.items() if "BACKWARD" in name}
_HAS_ARG = set(getattr(opcode, "hasarg", range(opcode.HAVE_ARGUMENT, 256)))
RETURN_GENERATOR = number_of("RETURN_GENERATOR")


def _cache_sizes() -> list[int]:
    """For each opcode, how many code units of cache follow it."""
    sizes = [0] * 256
    entries: Any = opcode._inline_cache_entries  # type: ignore[attr-defined]
    pairs = entries.items() if hasattr(entries, "items") else zip(opcode.opname, entries)
    for name, size in pairs:
        if name in opcode.opmap:
            sizes[opcode.opmap[name]] = size
    return sizes


_CACHES = _cache_sizes()


class Instruction:
    """One instruction: byte offset, opcode, full argument, jump target (byte offset) if it jumps."""

    __slots__ = ("offset", "opcode", "arg", "target", "next")

    def __init__(self, offset: int, op: int, arg: int | None, target: int | None) -> None:
        self.offset = offset
        self.opcode = op
        self.arg = arg
        self.target = target
        self.next = offset

    @property
    def falls_through(self) -> bool:
        return self.opcode not in _NO_FALL_THROUGH


def calls(code: types.CodeType) -> bool:
    """Whether a code object calls anything by an instruction."""
    return any("CALL" in opcode.opname[instruction.opcode] for instruction in instructions(code))


def instructions(code: types.CodeType) -> list[Instruction]:
    """The instructions of ``code`` in order, caches left out."""
    return list_instructions(own_part(code)[0])


def list_instructions(data: bytes) -> list[Instruction]:
    """The same, for what ``co_code`` gives."""
    result: list[Instruction] = []
    offset = extended = 0
    while offset < len(data):
        op, arg = data[offset], data[offset + 1] | extended
        extended = arg << 8 if op == EXTENDED_ARG else 0
        following = offset + 2 + 2 * _CACHES[op]
        item = Instruction(offset, op, arg, None)
        if op in JUMPS:
            item.target = following + (-2 * arg if op in _BACKWARD else 2 * arg)
        item.next = following
        result.append(item)
        offset = following
    return result


#: What the constant of a code object begins with that keeps what it was without its pads: see `_pads`.
PADDED = "heresy: a code object as it was before it was given pads"


def own_part(code: types.CodeType) -> tuple[bytes, bytes]:
    """The instructions and the exception table of a code object, without what `_pads` has added."""
    kept = code.co_consts[-2] if len(code.co_consts) > 1 else None
    if type(kept) is tuple and kept and kept[0] == PADDED:
        return code.co_code[: kept[1]], kept[2]
    return code.co_code, code.co_exceptiontable


def exception_table(code: types.CodeType) -> Iterator[tuple[int, int, int, int, bool]]:
    """The entries ``(start, end, target, depth, lasti)`` of a code object's exception table, in byte offsets."""
    return read_table(own_part(code)[1])


def read_table(table: bytes) -> Iterator[tuple[int, int, int, int, bool]]:
    """The same, for what ``co_exceptiontable`` gives."""
    data = iter(table)

    def varint() -> int:
        byte = next(data)
        value = byte & 63
        while byte & 64:
            byte = next(data)
            value = value << 6 | byte & 63
        return value

    while True:
        try:
            start = varint() * 2
        except StopIteration:
            return
        length, target, depth_lasti = varint() * 2, varint() * 2, varint()
        yield start, start + length, target, depth_lasti >> 1, bool(depth_lasti & 1)


def stack_depths(code: types.CodeType) -> dict[int, int]:
    """The depth of the value stack before each reachable instruction, by byte offset."""
    listing = {item.offset: item for item in instructions(code)}
    depths: dict[int, int] = {}
    work = [(0, 0)]
    work += [(target, depth + lasti + 1) for _, _, target, depth, lasti in exception_table(code)]
    while work:
        offset, depth = work.pop()
        while offset in listing and offset not in depths:
            depths[offset] = depth
            item = listing[offset]
            if item.target is not None:
                work.append((item.target, depth + effect(item, True)))
            if not item.falls_through:
                break
            depth += effect(item, False)
            offset = item.next
    return depths


def effect(item: Instruction, jump: bool) -> int:
    """How many slots deeper the value stack is after an instruction."""
    # A generator's frame is entered again with the value sent on its stack; 3.11 and 3.12 do not count it.
    if item.opcode == RETURN_GENERATOR:
        return 1
    return opcode.stack_effect(item.opcode, item.arg if item.opcode in _HAS_ARG else None, jump=jump)


def unit_columns(code: types.CodeType) -> list[int | None]:
    """The end column of each code unit (two bytes): the runtime compiles node numbers into it."""
    return [position[3] for position in code.co_positions()]


def protected_offsets(code: types.CodeType) -> dict[int, list[tuple[int, int]]]:
    """For each exception handler (byte offset), the ranges that it protects."""
    found: dict[int, list[tuple[int, int]]] = {}
    for start, end, target, _, _ in exception_table(code):
        found.setdefault(target, []).append((start, end))
    return found


def leading_offsets(code: types.CodeType) -> dict[int, tuple[int, ...]]:
    """For each instruction (byte offset), the offsets of the instructions that may run just before it.

    Exception handlers are entered from nowhere here; the first instruction has the predecessor -1. What follows a throw
    into a ``yield from`` is no way in either: it leads back to where that goes on.
    """
    before: dict[int, list[int]] = {0: [-1]}
    after_throw = False
    for item in instructions(code):
        if item.opcode in _CLEANUP_THROW or after_throw and item.opcode == EXTENDED_ARG:
            after_throw = True
            continue
        is_way_back, after_throw = after_throw and not item.falls_through, False
        if is_way_back:
            continue
        if item.falls_through:
            before.setdefault(item.next, []).append(item.offset)
        if item.target is not None:
            before.setdefault(item.target, []).append(item.offset)
    return {offset: tuple(found) for offset, found in before.items()}


def jumps_back(code: types.CodeType) -> dict[int, int]:
    """Where each jump back leads to, by byte offsets, but for those of what awaits."""
    jumps = (item for item in instructions(code) if item.opcode == _JUMP_BACKWARD)
    return {item.offset: item.target for item in jumps if item.target is not None}


def stored_globals(code: types.CodeType) -> set[str]:
    """The global variables that a function sets or deletes."""
    return {code.co_names[item.arg or 0] for item in instructions(code) if item.opcode in _TO_GLOBALS}


def with_argument(operation: int, argument: int) -> bytes:
    return bytes((EXTENDED_ARG, argument >> 8 & 255, operation, argument & 255))


def local_names(code: types.CodeType) -> tuple[str, ...]:
    cells = tuple(name for name in code.co_cellvars if name not in code.co_varnames)
    return code.co_varnames + cells + code.co_freevars
