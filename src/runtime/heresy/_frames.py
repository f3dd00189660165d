"""What frames hold: read from those that are suspended, and written into those that run."""

from __future__ import annotations

import gc
import types
from collections.abc import Container

from . import _bytecode, _cpython
from ._typing_names import Any


class Suspended:
    """What a suspended frame holds.

    Attributes:
        cells: its cells, by the name of the variable.
        stack: its value stack, bottom first, and then the exception that it handles. What is NULL is left out.
    """

    __slots__ = ("cells", "stack")

    def __init__(self, cells: dict[str, types.CellType], stack: list[Any]) -> None:
        self.cells = cells
        self.stack = stack


def suspended(generator: Any, frame: types.FrameType, unbound: Container[str]) -> Suspended:
    """Reads the frame of a generator, coroutine or async generator that is suspended or has not started.

    Its variables and its value stack are what it refers to, in order, after its code.

    Args:
        unbound: names of variables whose cell may not have been made yet.
    """
    code = frame.f_code
    values = frame.f_locals
    held = gc.get_referents(generator)
    at = next(index for index in range(1, len(held)) if held[index] is code) + 1
    cells: dict[str, types.CellType] = {}
    shared = {*code.co_cellvars, *code.co_freevars}
    for name in _bytecode.local_names(code):
        if name in shared:
            if name in unbound and name not in values:
                continue
            cells[name] = held[at]
            at += 1
        elif name in values:
            at += 1
    return Suspended(cells, held[at:])


def hidden_index(generator: Any, frame: types.FrameType, sequence: Any, nth: int) -> int:
    """How far the ``nth`` loop of a suspended generator over this list or tuple has come, where it has no iterator."""
    import ctypes

    code = frame.f_code
    # The object ends with the frame's variables and value stack; its type's size counts the first of them.
    count = (
        type(generator).__basicsize__ // ctypes.sizeof(ctypes.c_size_t)
        + len(_bytecode.local_names(code))
        + code.co_stacksize
        - 1
    )
    words = list((ctypes.c_size_t * count).from_address(id(generator)))
    # References on the stack carry a tag in their lowest two bits; integers have both bits set.
    found = [index >> 2 for word, index in zip(words, words[1:]) if word & ~3 == id(sequence) and index & 3 == 3]
    return found[nth]


def write_local(frame: types.FrameType, name: str, value: Any) -> None:
    """Sets a variable of a running frame, through its cell if it has one."""
    frame.f_locals[name] = value
    if not _cpython.F_LOCALS_WRITES_THROUGH:
        # Before PEP 667 `f_locals` is a copy; this call of the C API, which debuggers use, writes it back.
        import ctypes

        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
