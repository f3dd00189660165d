"""Iterators that go through a sequence by an index: of lists, byte arrays and arrays, and what `reversed` gives.

The sequence may have become shorter since, and be longer again when the next item is asked for; or it is filled only when all
is there that it holds, such an iterator among it. What an iterator is told by its ``__setstate__`` is never beyond the end; so
there the index is put where it keeps that. And `reversed` would ask the class of a sequence for its length.
"""

from __future__ import annotations

import functools

from .._typing_names import TYPE_CHECKING, Any
from .pickling import Reduced, StatePickler, library_reducer, reducer

if TYPE_CHECKING:
    from .memory import Layout

_LIST, _BACKWARDS, _BYTES = type(iter([])), type(reversed([])), type(iter(bytearray()))
#: What gives an iterator of a type to be looked at.
_SAMPLES = {
    _LIST: lambda: iter([0] * 9),
    _BACKWARDS: lambda: reversed([0] * 9),
    _BYTES: lambda: iter(bytearray(9)),
    reversed: lambda: reversed((0,) * 9),
}


@reducer(_LIST, _BACKWARDS, _BYTES)
def _iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    _, made_from, *index = iterator.__reduce__()
    if not index:  # what has come to its end has let go of it
        made_from = (bytearray() if type(iterator) is _BYTES else [],)
    return sequence_iterator, (*made_from, type(iterator) is _BACKWARDS, *index)


@library_reducer("array", lambda array: type(iter(array.array("b"))))
def _array_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    made = iterator.__reduce__()
    return (sequence_iterator, (*made[1], False, made[2])) if made[2:] else made


def sequence_iterator(sequence: Any, backwards: bool, *index: int) -> Any:
    """An iterator that gives the item at an index next; without one, it is at its end."""
    iterator = reversed(sequence) if backwards else iter(sequence)
    if not index:
        next(iterator, None)
        return iterator
    return at_index(iterator, *index)


def at_index(iterator: Any, index: int) -> Any:
    """Has an iterator give the item at an index next, which need not be there yet, or any more."""
    iterator.__setstate__(index)
    if iterator.__reduce__()[2:] != (index,):
        _layout(type(iterator)).put(iterator, "index", index)
    return iterator


@reducer(reversed)
def _reversed(pickler: StatePickler, iterator: Any) -> Reduced:
    _, made_from, *index = iterator.__reduce__()
    return reversed_iterator, (made_from, *index)


def reversed_iterator(made_from: tuple[Any], *index: int) -> Any:
    """The same of what `reversed` makes of any sequence, which is asked nothing."""
    iterator = reversed((0,))
    if index:
        layout = _layout(reversed)
        layout.put(iterator, "sequence", *made_from)
        layout.put(iterator, "index", *index)
    else:
        next(iterator)
        next(iterator, None)
    return iterator


@functools.cache
def _layout(kind: type) -> Layout:
    from .memory import Layout, Number

    samples = []
    for count in 2, 5:
        iterator = _SAMPLES[kind]() if kind in _SAMPLES else _of_array()
        for _ in range(count):
            next(iterator)
        _, (sequence,), index = iterator.__reduce__()
        samples.append((iterator, {"sequence": sequence, "index": Number(index)}))
    return Layout(samples)


def _of_array() -> Any:
    import array

    return iter(array.array("b", bytes(9)))
