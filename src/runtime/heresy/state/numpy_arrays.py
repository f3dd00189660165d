"""Arrays of numpy. What shares memory shares it again: a slice, a transposed array, a row of a table is no copy.

An array that owns its memory is saved with that, in one block of bytes; one that does not, as a place in what does: another
array, a `bytearray`, a file that is mapped. Nothing here imports numpy.
"""

from __future__ import annotations

import _contextvars
import collections
import itertools
import os
import sys

from .._kinds import is_a
from .._typing_names import Any
from .files import gone
from .pickling import CannotSave, PickleBuffer, Reduced, StatePickler, library_reducer


@library_reducer("numpy", "ndarray", "matrix", "recarray")
def _array(pickler: StatePickler, array: Any) -> Reduced:
    np = sys.modules["numpy"]
    root = array
    while is_a(below := _below(root), np.ndarray):
        root = below
    if root is not array:
        return view_of, (root, *_place(array, _address(root))), _attributes(array), None, None, set_attributes
    if root.base is None:
        return _owner(array)
    held = root.base.obj if is_a(root.base, memoryview) else root.base
    try:
        start = _address(np.frombuffer(held, np.uint8))
    except (TypeError, ValueError, BufferError):
        return _foreign(pickler, array)
    return view_of, (held, *_place(array, start)), _attributes(array), None, None, set_attributes


def _below(array: Any) -> Any:
    """What an array has its memory from; `as_strided` puts something between the two."""
    base = array.base
    return base.base if type(base).__name__ == "DummyArray" and type(base).__module__.startswith("numpy.") else base


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]


def _place(array: Any, start: int) -> tuple[Any, ...]:
    return type(array), array.dtype, array.shape, array.strides, _address(array) - start, array.flags.writeable


def _attributes(array: Any) -> dict[str, Any] | None:
    # What a part of a mapped file has of that, it gets from it again.
    return {name: value for name, value in getattr(array, "__dict__", {}).items() if name != "_mmap"} or None


def _owner(array: Any) -> Reduced:
    order = _contiguous_order(array)
    if order is None:
        # Dense, but in another order of the axes: as it was made by `copy` of one that was transposed.
        axes = _axes(array)
        inverse = [axes.index(axis) for axis in range(array.ndim)]
        return permuted, (array.transpose(axes).copy(), inverse)
    if array.dtype.hasobject:
        return NotImplemented
    made = (type(array), array.dtype, array.shape, order)
    state = _attributes(array), PickleBuffer(_bytes(array)), array.flags.writeable
    return make_array, made, state, None, None, fill_array


def _contiguous_order(array: Any) -> str | None:
    return "C" if array.flags.c_contiguous else "F" if array.flags.f_contiguous else None


def _axes(array: Any) -> list[int]:
    """The axes, those first in which neighbours lie farthest apart."""
    return sorted(range(array.ndim), key=lambda axis: -array.strides[axis])


def _bytes(array: Any) -> Any:
    """The memory of a contiguous array."""
    return array.reshape(-1, order="A").view("u1") if array.nbytes else sys.modules["numpy"].empty(0, "u1")


def _foreign(pickler: StatePickler, array: Any) -> Reduced:
    """The memory belongs to an object of C's: a copy of it does, if nobody else is seen to have it."""
    other = pickler.foreign.setdefault(id(array.base), (array.base, array))[1]
    if other is not array:
        raise CannotSave(f"it shares the memory of a {type(array.base).__name__} with another array")
    return _owner(array.copy(order="A"))


def make_array(cls: type, dtype: Any, shape: tuple[int, ...], order: str) -> Any:
    return sys.modules["numpy"].ndarray.__new__(cls, shape, dtype, order=order)


def fill_array(array: Any, state: tuple[dict[str, Any] | None, Any, bool]) -> None:
    attributes, data, writeable = state
    if array.nbytes:
        _bytes(array)[:] = sys.modules["numpy"].frombuffer(data, "u1")
    array.flags.writeable = writeable
    set_attributes(array, attributes)


def set_attributes(array: Any, attributes: dict[str, Any] | None) -> None:
    if attributes:
        array.__dict__.update(attributes)


def permuted(array: Any, axes: list[int]) -> Any:
    return array.transpose(axes)


def view_of(
    held: Any, cls: type, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, writeable: bool
) -> Any:
    np = sys.modules["numpy"]
    if is_a(held, np.ndarray) and _contiguous_order(held) is None:
        held = held.transpose(_axes(held))
    array = np.ndarray.__new__(cls, shape, dtype, buffer=held, offset=offset, strides=strides)
    if cls is np.memmap:
        array._mmap = getattr(held, "_mmap", None)
    if not writeable:
        array.flags.writeable = False
    return array


# --- files that are mapped ----------------------------------------------------------------------------------------------


@library_reducer("numpy", "memmap")
def _mapped(pickler: StatePickler, array: Any) -> Reduced:
    np = sys.modules["numpy"]
    if is_a(array.base, np.ndarray) or array.base is None:
        return _array(pickler, array)
    if array.filename is None:
        raise CannotSave("the file that is mapped has no name")
    array.flush()
    private = PickleBuffer(_bytes(array)) if array.mode == "c" else None
    order = _contiguous_order(array)
    return open_mapped, (os.fspath(array.filename), array.dtype, array.mode, array.offset, array.shape, order, private)


def open_mapped(
    path: Any, dtype: Any, mode: str, offset: int, shape: tuple[int, ...], order: str, private: Any
) -> Any:
    """
    Raises:
        HeresyError: the file is gone, or too short.
    """
    np = sys.modules["numpy"]
    try:
        # Whatever the program wanted of the file has been done to it.
        array = np.memmap(path, dtype, "r+" if mode == "w+" else mode, offset, shape, order)
    except (OSError, ValueError) as error:
        raise gone(path, getattr(error, "strerror", None) or str(error)) from None
    array.mode = mode
    if private is not None:
        _bytes(array)[:] = np.frombuffer(private, "u1")
    return array


# --- going through one --------------------------------------------------------------------------------------------------


@library_reducer("numpy", "flatiter")
def _flat(pickler: StatePickler, iterator: Any) -> Reduced:
    return flat_at, (iterator.base, iterator.index)


def flat_at(array: Any, index: int) -> Any:
    iterator = array.flat
    collections.deque(itertools.islice(iterator, index), maxlen=0)
    return iterator


# --- how errors are handled within a `with` -----------------------------------------------------------------------------


@library_reducer("numpy", "errstate")
def _errstate(pickler: StatePickler, manager: Any) -> Reduced:
    numpy = sys.modules["numpy"]
    token = getattr(manager, "_token", None)
    usual, slots = make_errstate(), type(manager).__dict__.get("__slots__", ())
    held = {name: getattr(manager, name) for name in slots if getattr(manager, name) is not getattr(usual, name)}
    held.pop("_token", None)
    if token is None:
        return make_errstate, (), held, None, None, set_errstate

    def settings() -> dict[str, str]:
        if token.old_value is not token.MISSING:
            token.var.set(token.old_value)
        return numpy.geterr()  # type: ignore[no-any-return]

    # Only numpy can read what was there before: in a context of its own.
    before = _contextvars.Context().run(settings)
    return make_errstate, (), (held, before), None, None, set_errstate


def make_errstate() -> Any:
    return sys.modules["numpy"].errstate()


def set_errstate(manager: Any, state: Any) -> None:
    """One that was entered is entered again: the outer ones come first, and what holds within all of them is restored at last."""
    held, before = state if isinstance(state, tuple) else (state, None)
    for name, value in held.items():
        setattr(manager, name, value)
    if before is not None:
        sys.modules["numpy"].seterr(**before)
        manager.__enter__()
