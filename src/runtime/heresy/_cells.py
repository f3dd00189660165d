"""The cells of running frames.

A closure variable that two functions share must stay shared after a resume, so the *cell* of each variable of each
frame on the stack is needed, not only its value. Python gives the value. The cell is found by putting a mark into the
variable for a moment and asking the garbage collector who holds the mark; no code of the user's runs meanwhile.
"""

from __future__ import annotations

import gc
import types
from typing import Any, TypeAlias

from . import _cpython
from ._kinds import is_a

#: The cells of one frame, by variable name.
Cells: TypeAlias = dict[str, types.CellType]


class _Mark:
    __slots__ = ("frame", "name", "value")

    def __init__(self, frame: types.FrameType, name: str, value: Any) -> None:
        self.frame = frame
        self.name = name
        self.value = value


_UNBOUND: Any = object()


def cells_of(frames: list[tuple[types.FrameType, set[str]]]) -> list[Cells]:
    """Finds the cells of these frames.

    Args:
        frames: each frame with the names that its scope itself binds; a cell variable outside them that is unbound
            belongs to a comprehension that is not running.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        places = [(frame, name) for frame, bound in frames for name in _names(frame, bound)]
        if not places:
            return [{} for _ in frames]
        marks: list[_Mark] = []
        by_place: dict[tuple[int, str], _Mark] = {}
        for frame, name in places:
            value = frame.f_locals.get(name, _UNBOUND)
            if type(value) is not _Mark:
                # Else the variable is shared with a frame that was visited before.
                value = _Mark(frame, name, value)
                marks.append(value)
                _cpython.write_local(frame, name, value)
            by_place[id(frame), name] = value
        found: dict[int, types.CellType] = {}
        for holder in gc.get_referrers(*marks):
            if is_a(holder, types.CellType):
                found[id(holder.cell_contents)] = holder
        for mark in marks:
            cell = found.get(id(mark))
            if cell is None:
                _cpython.write_local(mark.frame, mark.name, None if mark.value is _UNBOUND else mark.value)
            elif mark.value is _UNBOUND:
                del cell.cell_contents
            else:
                cell.cell_contents = mark.value
        result: list[Cells] = [{} for _ in frames]
        for cells, (frame, _) in zip(result, frames):
            frame.f_locals  # noqa: B018  (before 3.13 the frame keeps a copy: it must not keep the mark)
            for (owner, name), mark in by_place.items():
                if owner == id(frame) and id(mark) in found:
                    cells[name] = found[id(mark)]
        return result
    finally:
        if collecting:
            gc.enable()


def _names(frame: types.FrameType, bound: set[str]) -> list[str]:
    """The variables of a frame that may have cells."""
    code = frame.f_code
    if not code.co_cellvars and not code.co_freevars:
        return []
    values = frame.f_locals
    own = [name for name in code.co_cellvars if name in values or name in bound]
    return [*own, *code.co_freevars]
