"""The slots of a running frame: its variables and its value stack, as they lie in memory.

Python shows the variables of a frame by name, and nothing of its value stack. So what a statement has computed and still
needs, a loop's iterator, an open manager, an exception that is handled: all that is read from where the interpreter keeps it.
That is looked at for nothing but objects whose place the code object tells, and only once frames of our own, whose slots are
known, were found to lie as expected; else the stop waits.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections.abc import Generator

from . import _bytecode, _cpython
from ._errors import NotContinuable
from ._kinds import MISSING
from ._typing_names import Any, NamedTuple


class Slots:
    """The slots of one frame that is paused.

    Those of the variables of a frame are read here, too: Python itself, which shows them as ``f_locals``, is mistaken (3.12)
    or crashes (3.13.0) while a comprehension has put its own in their place. A slot of the value stack has a meaning only
    below the depth that the stack has at the frame's instruction.

    Args:
        end: how deep the stack is, if an exception has taken something from it.
    """

    def __init__(self, frame: types.FrameType, end: int | None = None) -> None:
        layout = _layout()
        if layout is None:
            raise NotContinuable("the value stack cannot be read here")
        self.code = code = frame.f_code
        self._names = _bytecode.local_names(code)
        words = _words(_pointer(frame), layout.slots + len(self._names) + code.co_stacksize)
        self._words = words[layout.slots :]
        self._function = words[layout.function]
        self._end = end

    def variable(self, name: str) -> Any:
        """What the slot of a variable holds: its value, its cell if it has one, or MISSING.

        A comprehension's own variable may have the name of one that is shared with an outer function: it comes first.
        """
        return _object(self._words[self._names.index(name)])

    def variables(self) -> dict[str, Any]:
        """The variables of a function's frame that have a value; a module has none but its globals."""
        if not self.code.co_flags & _OPTIMIZED:
            return {}
        shared = self._shared()
        held = [(name, _object(word)) for name, word in zip(self._names, self._words)]
        found = [(name, contents(value) if name in shared else value) for name, value in held]
        return {name: value for name, value in found if value is not MISSING}

    def cells(self) -> dict[str, types.CellType]:
        """The cells of the variables that functions share."""
        names = self._names if self.code.co_flags & _OPTIMIZED else ()
        shared = self._shared()
        held = [(name, _object(word)) for name, word in zip(names, self._words) if name in shared]
        return {name: cell for name, cell in held if type(cell) is types.CellType}

    def _shared(self) -> set[str]:
        """The names of variables that functions share; any other may hold a cell as its value."""
        return {*self.code.co_cellvars, *self.code.co_freevars}

    def value(self, index: int) -> Any:
        """A value of the stack, counted from its bottom; MISSING for NULL.

        Raises:
            NotContinuable: it is a number of the interpreter's own.
        """
        return _object(self._word(index))

    def _word(self, index: int) -> int:
        if self._end is not None and index >= self._end:
            raise NotContinuable("an exception has taken it from the value stack")
        return self._words[len(self._names) + index]

    def number(self, index: int) -> int:
        """A number on the stack, which may be one of the interpreter's own."""
        word = self._word(index)
        return word >> _TAG_BITS if word & _TAG == _TAG else _object(word)

    def values(self, start: int, end: int) -> list[Any]:
        """The values of the stack between two depths."""
        return [self.value(index) for index in range(start, end)]

    def address(self, index: int) -> int:
        """Where the object lies that a slot of the stack refers to, or has referred to before it was taken."""
        return self._word(index) & ~_TAG

    def function(self) -> Any:
        """The function that the frame runs."""
        return _object(self._function)

    def iterator(self, index: int) -> Any:
        """The iterator of a ``for``. Where the interpreter goes through a list or a string without one, it is made."""
        found = self.value(index)
        position = self._word(index + 1) if _cpython.FOR_KEEPS_INDEX else 0
        if position & _TAG == _TAG:
            from .state.sequence_iterators import at_index

            found = at_index(iter(found), position >> _TAG_BITS)
        return found


_OPTIMIZED = 0x0001


def contents(held: Any) -> Any:
    """What a cell holds, MISSING if nothing; what is no cell is that itself."""
    if type(held) is not types.CellType:
        return held
    try:
        return held.cell_contents
    except ValueError:
        return MISSING


#: A reference carries a tag in its lowest bits from 3.14 on; a number has all of them set.
_TAG_BITS = 2
_TAG = (1 << _TAG_BITS) - 1


def _object(word: int) -> Any:
    import ctypes

    if word & _TAG == _TAG:
        raise NotContinuable("the value stack holds a number of the interpreter's own")
    pointer = word & ~_TAG
    return ctypes.cast(pointer, ctypes.py_object).value if pointer else MISSING


def _words(address: int, count: int) -> list[int]:
    import ctypes

    return list((ctypes.c_size_t * count).from_address(address))


def _pointer(frame: types.FrameType) -> int:
    """Where the interpreter keeps what the frame object shows: the pointer after ``f_back``."""
    import ctypes

    return _words(id(frame) + object.__basicsize__ + ctypes.sizeof(ctypes.c_void_p), 1)[0]


#: More than the interpreter keeps of a frame before its slots, and of a generator before its frame.
_MOST_BEFORE = 24


class _Layout(NamedTuple):
    """How many words stand before something.

    Attributes:
        slots: in a frame, before its slots.
        function: in a frame, before its function.
        handled: in a generator, before the exception that it handles; after that comes where it finds that of its caller.
        frame: in a generator, before its frame, in bytes.
    """

    slots: int
    function: int
    handled: int
    frame: int


@functools.cache
def _layout() -> _Layout | None:
    """None if something was not found where it must be."""
    try:
        import ctypes  # noqa: F401
    except ImportError:
        return None
    marks: list[Any] = [[], [], [], []]
    slots, function = _known(*marks[:2], marks[2:])[2]
    try:
        raise ValueError
    except ValueError as error:
        generator = _handling()
        frame = _pointer(generator.gi_frame) - id(generator)
        handled = generator.send(None) and generator.send((generator, error))
    if None in (slots, function, handled) or not 0 < frame < _MOST_BEFORE * 8:
        return None
    return _Layout(slots, function, handled, frame)  # type: ignore[arg-type]


def _known(first: Any, second: Any, others: list[Any]) -> tuple[Any, Any, tuple[int | None, int | None]]:
    """A frame with two values on its stack while it is looked at."""
    return others[0], others[1], _find(sys._getframe(), [id(first), id(second), id(others), *map(id, others)])


def _find(frame: types.FrameType, wanted: list[int]) -> tuple[int | None, int | None]:
    words = [word & ~_TAG for word in _words(_pointer(frame), _MOST_BEFORE)]
    slots = next((at for at in range(len(words)) if words[at : at + len(wanted)] == wanted), None)
    return slots, next((at for at in range(slots or 0) if words[at] == id(_known)), None)


def _handling() -> Generator[Any, Any, None]:
    """A generator that handles an exception while it is looked at, as its caller does another."""
    try:
        raise LookupError
    except LookupError as error:
        generator, of_caller = yield True
        words = _words(id(generator), _MOST_BEFORE)
        found = next((at for at, word in enumerate(words) if word == id(error)), None)
        yield found if found is not None and _words(words[found + 1], 1) == [id(of_caller)] else None


def generator_of(frame: types.FrameType) -> Any:
    """The generator, coroutine or async generator whose frame is running."""
    layout = _layout()
    if layout is None:
        raise NotContinuable("the generator of a frame cannot be found here")
    return _object(_pointer(frame) - layout.frame)


def finalizer_of(generator: Any) -> Any:
    """The function that is told when an asynchronous generator is dropped; MISSING if there is none."""
    layout = _layout()
    if layout is None:
        raise NotContinuable("an asynchronous generator cannot be read here")
    # After what it handles.
    found = _object(_words(id(generator), layout.handled + 3)[layout.handled + 2])
    if found is not MISSING and not any(found is held for held in gc.get_referents(generator)):
        raise NotContinuable("an asynchronous generator cannot be read here")
    return found


def handled_around(generator: Any) -> Any:
    """The exception that the caller of a running generator handles; MISSING if there is none."""
    layout = _layout()
    if layout is None:
        raise NotContinuable("the exception that is handled cannot be read here")
    around = _words(id(generator), layout.handled + 2)[layout.handled + 1]
    return _object(_words(around, 1)[0]) if around else MISSING
