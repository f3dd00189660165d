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
        self._kinds = kinds  # for as long as their identities count
        self.ids = frozenset(map(id, kinds))

    def __contains__(self, kind: type) -> bool:
        return id(kind) in self.ids


#: What is what it is by its value, and by nothing else.
PLAIN = (int, float, complex, bool, str, bytes, type(None))
ATOMS = Kinds(*PLAIN)
#: What cannot change, unless what it holds can.
FROZEN = Kinds(tuple, frozenset)
SEQUENCES = Kinds(tuple, list)
#: The flag of a class that was made by a ``class`` statement, or like one; those of C's are most often without.
HEAP_TYPE = 1 << 9


#: No value at all.
MISSING: Any = object()
