"""Views of memory, and what packs and unpacks it."""

from __future__ import annotations

import functools
import sys

from .._kinds import MISSING, is_a
from .._typing_names import Any
from .memory import Layout, Number
from .pickling import GENERAL, CannotSave, Reduced, StatePickler, import_by_name, library_reducer, reducer


@reducer(memoryview)
def _view(pickler: StatePickler, view: memoryview) -> Reduced:
    try:
        base = view.obj
    except ValueError:
        return released, ()
    if view.ndim == 0 or view.suboffsets:
        raise CannotSave("it is a view of no array")
    whole = memoryview(base)
    if not whole.c_contiguous:
        raise CannotSave(f"a view of a {type(base).__name__} that is not in one piece")
    start = _layout().address(view, "start") - _layout().address(whole, "start")
    whole.release()
    return view_again, (base, start, view.format, view.itemsize, view.shape, view.strides, view.readonly)


def view_again(
    base: Any, start: int, format: str, itemsize: int, shape: tuple[int, ...], strides: tuple[int, ...], readonly: bool
) -> memoryview:
    """The same view: of some bytes, cast and stepped through as it was."""
    view = memoryview(base)
    if view.format != "B" or view.ndim != 1:
        view = view.cast("B")
    if len(shape) == 1:
        step, length = strides[0] // itemsize if itemsize else 1, shape[0]
        first = min(start, start + strides[0] * (length - 1)) if length else start
        span = itemsize * (abs(step) * (length - 1) + 1) if length else 0
        view = view[first : first + span]
        view = view.cast(format) if format != "B" else view  # type: ignore[call-overload]
        view = view[:: step or 1]
    else:
        size = itemsize
        for length in shape:
            size *= length
        view = view[start : start + size].cast(format, shape)  # type: ignore[call-overload]
        if view.strides != strides:
            raise CannotSave("a view in several dimensions is not in one piece")
    return view.toreadonly() if readonly and not view.readonly else view


def released() -> memoryview:
    view = memoryview(b"")
    view.release()
    return view


@functools.cache
def _layout() -> Layout:
    """The start of a view lies so far behind that of another as the slice says."""
    import ctypes

    samples = []
    for offset in (3, 8):
        data = bytearray(16)
        view = memoryview(data)[offset:]
        address = ctypes.addressof(ctypes.c_char.from_buffer(data)) + offset
        samples.append((view, {"start": Number(address)}))
    return Layout(samples)


@library_reducer("_struct", "Struct")
def _struct(pickler: StatePickler, packer: Any) -> Reduced:
    return make_struct, (packer.format,)


def make_struct(format: str) -> Any:
    return import_by_name("_struct").Struct(format)


# --- iterators over them ------------------------------------------------------------------------------------------------


@reducer(type(iter(memoryview(b""))))
def _view_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    layout = _iterators()
    return view_iterator, (layout.get(iterator, "view"), layout.get(iterator, "index"))


def view_iterator(view: Any, index: int) -> Any:
    if type(view) is not memoryview:
        return iter(())
    iterator = iter(view)
    for _ in range(index):
        next(iterator)
    return iterator


@functools.cache
def _iterators() -> Layout:
    samples = []
    for index in (2, 5):
        view = memoryview(bytes(9))
        iterator = iter(view)
        for _ in range(index):
            next(iterator)
        samples.append((iterator, {"view": view, "index": Number(index)}))
    return Layout(samples)


@library_reducer("_struct", lambda module: type(module.iter_unpack("B", b"x")))
def _unpacking(pickler: StatePickler, iterator: Any) -> Reduced:
    layout = _unpackers()
    packer, data = layout.get(iterator, "packer"), layout.get(iterator, "data")
    if packer is MISSING:
        return iter, ((),)
    return unpacking, (packer, data, layout.get(iterator, "index"))


def unpacking(packer: Any, data: Any, index: int) -> Any:
    iterator = packer.iter_unpack(data)
    _unpackers().put(iterator, "index", index)
    return iterator


@functools.cache
def _unpackers() -> Layout:
    samples = []
    for count in (2, 5):
        packer, data = make_struct("<H"), bytes(20)
        iterator = packer.iter_unpack(data)
        for _ in range(count):
            next(iterator)
        samples.append((iterator, {"packer": packer, "data": data, "index": Number(2 * count)}))
    return Layout(samples)


def _memory(pickler: StatePickler, obj: Any) -> Reduced:
    """Arrays and structures of `ctypes`, and pointers, which `pickle` takes apart but does not make again."""
    ctypes = sys.modules.get("_ctypes")
    if ctypes is not None and is_a(obj, (ctypes.Array, ctypes.Structure, ctypes.Union, ctypes._Pointer, ctypes.CFuncPtr)):
        raise CannotSave("it is memory of C's; make it again in a heresy.on_restore function")
    return None


GENERAL.insert(0, _memory)
