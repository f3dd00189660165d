"""Dropping a loop's iterator when an exception leaves the loop.

Python keeps the iterator of a ``for`` on its value stack only, so an exception that leaves the loop drops it before any
handler runs: a generator is closed then, and its ``finally`` runs. In the run form a name holds the iterator too, and the
frame, which the traceback keeps, would keep the name. So the run form gets a handler of its own where an exception leaves
loops: it deletes their names and raises on::

    handler:  del _h1; RERAISE           as it was raised, to where it would have gone

There is one for each line that such an exception can come from, at which it stands, so that the frame does not seem to move
meanwhile. Code is only added, behind the last instruction, and costs nothing until an exception is raised.
"""

from __future__ import annotations

import types

from . import _cpython


def drop_iterators(code: types.CodeType, loops: dict[int, _cpython.Variable]) -> types.CodeType:
    """Adds the handlers to a code object.

    Args:
        loops: for each ``for`` (the byte offset of its FOR_ITER), the variable that holds its iterator.
    """
    entries = list(_cpython.exception_table(code))
    handlers: dict[int, tuple[int, int, int, int, bool] | None] = {}
    for entry in entries:
        handlers.update(dict.fromkeys(range(entry[0], entry[1], 2), entry))
    left = _left_loops(code, loops, entries, handlers)
    if not left:
        return code
    at_line = [position[0] for position in code.co_positions()]
    blocks: dict[tuple[object, tuple[_cpython.Variable, ...], int | None], int] = {}
    added = bytearray()
    lines = _Lines(code)
    table = dict(handlers)
    size, deepest = len(code.co_code), code.co_stacksize
    for offset, variables in left.items():
        handler = handlers.get(offset)
        depth = handler[3] if handler is not None else 0
        key = handler, variables, at_line[offset // 2]
        if key not in blocks:
            blocks[key] = start = size + len(added)
            added += _cpython.dropping(variables, len(code.co_consts))
            lines.add(at_line[offset // 2], (size + len(added) - start) // 2)
            table.update(dict.fromkeys(range(start, size + len(added), 2), handler))
            deepest = max(deepest, depth + _REST)
        table[offset] = (0, 0, blocks[key], depth, True)
    return code.replace(
        co_code=code.co_code + bytes(added),
        co_consts=(*code.co_consts, None),
        co_exceptiontable=_encoded(table),
        co_linetable=code.co_linetable + bytes(lines.table),
        co_stacksize=deepest,
    )


#: What stands on the value stack in such a handler: where the exception was raised, the exception, and None.
_REST = 3


def _left_loops(
    code: types.CodeType,
    loops: dict[int, _cpython.Variable],
    entries: list[tuple[int, int, int, int, bool]],
    handlers: dict[int, tuple[int, int, int, int, bool] | None],
) -> dict[int, tuple[_cpython.Variable, ...]]:
    """For each code unit, the variables of the loops that an exception raised there leaves, innermost first."""
    listing = {item.offset: item for item in _cpython.instructions(code)}
    depths = _cpython.stack_depths(code)
    found: dict[int, list[tuple[int, _cpython.Variable]]] = {}
    for header, variable in loops.items():
        if header not in depths:
            continue
        depth = depths[header]
        inside: set[int] = set()
        work = [header]
        while work:
            offset = work.pop()
            if offset in inside or depths.get(offset, -1) < depth:
                continue
            inside.add(offset)
            item = listing[offset]
            if item.target is not None:
                work.append(item.target)
            if item.falls_through:
                work.append(item.next)
            handler = handlers.get(offset)
            if handler is not None and handler[3] >= depth:
                work.append(handler[2])
        for offset in inside:
            handler = handlers.get(offset)
            if handler is None or handler[3] < depth:
                for unit in range(offset, listing[offset].next, 2):
                    found.setdefault(unit, []).append((-depth, variable))
    return {unit: tuple(variable for _, variable in sorted(left)) for unit, left in sorted(found.items())}


def _encoded(table: dict[int, tuple[int, int, int, int, bool] | None]) -> bytes:
    """``co_exceptiontable`` from the handler of each code unit."""
    result = bytearray()
    start = end = -1
    current: tuple[int, int, bool] | None = None

    def finish() -> None:
        if current is not None:
            target, depth, lasti = current
            result.append(0x80 | _varint(start // 2)[0])
            result.extend(_varint(start // 2)[1:])
            for value in ((end - start) // 2, target // 2, depth << 1 | lasti):
                result.extend(_varint(value))

    for offset, entry in sorted(table.items()):
        what = (entry[2], entry[3], entry[4]) if entry is not None else None
        if offset != end or what != current:
            finish()
            start, current = offset, what
        end = offset + 2
    finish()
    return bytes(result)


def _varint(value: int) -> bytes:
    parts = [value & 63]
    while value := value >> 6:
        parts.append(value & 63 | 64)
    return bytes(reversed(parts))


class _Lines:
    """More entries of a location table: lines without columns."""

    def __init__(self, code: types.CodeType) -> None:
        self.table = bytearray()
        # An entry says how far its line is from that of the entry before.
        self.line = code.co_firstlineno
        for _, _, line in code.co_lines():
            self.line = self.line if line is None else line

    def add(self, line: int | None, units: int) -> None:
        delta = (line if line is not None else self.line) - self.line
        self.line += delta
        while units:
            count = min(units, 8)
            self.table.append(0x80 | 13 << 3 | count - 1)
            rest = delta << 1 if delta >= 0 else -delta << 1 | 1
            while rest > 63:
                self.table.append(0x40 | rest & 63)
                rest >>= 6
            self.table.append(rest)
            delta, units = 0, units - count
