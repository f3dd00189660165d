"""Objects of C's that neither tell what they hold nor let it be set: read and written where they keep it.

Where that is, samples say: objects of the same type, made here, whose state is known. A place counts only if it alone holds
in every sample what it must; where there is none, or more than one, objects of that type cannot be saved. So a build of the
interpreter that keeps things elsewhere is found out, not misread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .._kinds import MISSING
from .._typing_names import Any, NamedTuple
from .pickling import CannotSave


class Number(NamedTuple):
    """In a sample, a number that it must hold; anything else is an object, MISSING for none."""

    value: int
    size: int = 8


class Numbers(NamedTuple):
    """In a sample, numbers in a piece of memory that it must hold the address of."""

    values: tuple[int, ...]


class Field(NamedTuple):
    """Where an object keeps something.

    Attributes:
        offset: in bytes.
        size: of a number in bytes; 0 for an object.
    """

    offset: int
    size: int


Sample = tuple[Any, Mapping[str, Any]]


class Layout:
    """Where the objects of a type keep what.

    Args:
        samples: objects, each with what it must hold by name. Not every sample need have every name.
    """

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.samples = list(samples)
        #: Where something of a sample's may be, in bytes: behind the header, before the end of its own struct.
        self.extent = object.__basicsize__, type(self.samples[0][0]).__basicsize__
        self.fields = {name: self._find(name) for name in {name for _, known in self.samples for name in known}}

    def _find(self, name: str) -> Field:
        known = [(id(obj), held[name]) for obj, held in self.samples if name in held]
        size = max(wanted.size if type(wanted) is Number else 0 for _, wanted in known)
        first, end = self.extent
        found = [
            offset
            for offset in range(first, end, size or 8)
            if all(_holds(address + offset, wanted, size) for address, wanted in known)
        ]
        if len(found) != 1:
            raise CannotSave(f"where a {type(self.samples[0][0]).__name__} keeps its state is not known here")
        return Field(found[0], size)

    def has(self, name: str) -> bool:
        return name in self.fields

    def get(self, obj: Any, name: str) -> Any:
        """What an object holds: a number, or an object, MISSING if it is none."""
        offset, size = self.fields[name]
        return number_at(id(obj) + offset, size) if size else object_at(id(obj) + offset)

    def put(self, obj: Any, name: str, value: Any) -> None:
        """Has an object hold something else."""
        offset, size = self.fields[name]
        if size:
            put_number(id(obj) + offset, value, size)
        else:
            put_object(id(obj) + offset, value)

    def address(self, obj: Any, name: str) -> int:
        """The address that an object keeps; what an object lies at, or a piece of memory."""
        return number_at(id(obj) + self.fields[name].offset)


def _holds(address: int, wanted: Any, size: int) -> bool:
    if type(wanted) is Number:
        return number_at(address, size) == wanted.value
    held = number_at(address)
    if type(wanted) is Numbers:
        # Small or odd numbers are no addresses; what is one, an object refers to.
        return held > 0xFFFF and not held % 8 and numbers_at(held, len(wanted.values)) == list(wanted.values)
    return held == (0 if wanted is MISSING else id(wanted))


# --- memory -----------------------------------------------------------------------------------------------------------


def number_at(address: int, size: int = 8) -> int:
    return _number(address, size).value


def put_number(address: int, value: int, size: int = 8) -> None:
    _number(address, size).value = value


def _number(address: int, size: int) -> Any:
    ctypes = _ctypes()
    return {8: ctypes.c_ssize_t, 4: ctypes.c_int, 1: ctypes.c_byte}[size].from_address(address)


def numbers_at(address: int, count: int) -> list[int]:
    return list((_ctypes().c_ssize_t * count).from_address(address))


def put_numbers(address: int, values: Sequence[int]) -> None:
    (_ctypes().c_ssize_t * len(values)).from_address(address)[:] = values


def bytes_at(address: int, count: int) -> bytes:
    return _ctypes().string_at(address, count)


def put_bytes(address: int, value: bytes) -> None:
    _ctypes().memmove(address, value, len(value))


def object_at(address: int) -> Any:
    ctypes = _ctypes()
    pointer = number_at(address)
    return ctypes.cast(pointer, ctypes.py_object).value if pointer else MISSING


def put_object(address: int, value: Any) -> None:
    """Has a place refer to another object, or to none."""
    ctypes = _ctypes()
    old = object_at(address)
    if value is not MISSING:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
    put_number(address, 0 if value is MISSING else id(value))
    if old is not MISSING:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(old))


def keep(value: Any) -> None:
    """Has an object live for as long as the process."""
    _ctypes().pythonapi.Py_IncRef(_ctypes().py_object(value))


def _ctypes() -> Any:
    try:
        import ctypes
    except ImportError:
        raise CannotSave("this Python has no ctypes, which is needed to read it") from None
    return ctypes
