"""Asking what an object is, and not the object itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard, TypeVar

    T = TypeVar("T")


def is_a(value: object, kinds: type[T] | tuple[type[T], ...]) -> TypeGuard[T]:
    """``isinstance``, which would ask an object for its ``__class__``, and so run the program's ``__getattribute__``."""
    return issubclass(type(value), kinds)


class Kinds:
    """Some types: ``type(value) in KINDS``, without asking the metaclass of a program's class whether it equals one of them.

    Attributes:
        ids: their identities.
    """

    def __init__(self, *kinds: type) -> None:
        self._kinds = kinds
        self.ids = frozenset(map(id, kinds))

    def __contains__(self, kind: type) -> bool:
        return id(kind) in self.ids


#: No value at all.
MISSING: Any = object()
