"""Asking what an object is, and not the object itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard, TypeVar

    T = TypeVar("T")


def is_a(value: object, kinds: type[T] | tuple[type[T], ...]) -> TypeGuard[T]:
    """``isinstance``, which would ask an object for its ``__class__``, and so run the program's ``__getattribute__``."""
    return issubclass(type(value), kinds)


#: No value at all.
MISSING: Any = object()
