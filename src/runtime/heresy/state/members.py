"""What objects keep in the slots of their classes, beside their ``__dict__``."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator

from .._kinds import HEAP_TYPE, is_a
from .._typing_names import Any, NamedTuple


class Member(NamedTuple):
    """A slot of a class that is written in Python.

    Attributes:
        is_hidden: a class that is derived has one of the same name.
    """

    cls: type
    name: str
    descriptor: Any
    is_hidden: bool


def members(kind: type) -> Iterator[Member]:
    """The slots of a class and its bases."""
    names: set[str] = set()
    for cls in type.__dict__["__mro__"].__get__(kind):
        if "__slots__" in cls.__dict__ and cls.__flags__ & HEAP_TYPE:
            for name, descriptor in cls.__dict__.items():
                if is_a(descriptor, types.MemberDescriptorType):
                    yield Member(cls, name, descriptor, name in names)
                    names.add(name)


def slot_values(obj: Any, slots: Iterable[Member]) -> tuple[dict[str, Any], list[tuple[type, str, Any]]]:
    """What an object has in slots: by name; and what is hidden, with class and name."""
    seen: dict[str, Any] = {}
    hidden: list[tuple[type, str, Any]] = []
    for cls, name, descriptor, is_hidden in slots:
        try:
            value = descriptor.__get__(obj)
        except AttributeError:
            continue
        if is_hidden:
            hidden.append((cls, name, value))
        else:
            seen[name] = value
    return seen, hidden


def member(kind: type, name: str) -> Any:
    """The descriptor of the slot that ``obj.name`` finds; None if there is none."""
    for base in type.__dict__["__mro__"].__get__(kind):
        found = base.__dict__.get(name)
        if is_a(found, types.MemberDescriptorType):
            return found
    return None


def set_members(obj: Any, seen: dict[str, Any], hidden: list[tuple[type, str, Any]]) -> None:
    """Gives an object what `slot_values` has found."""
    for name, value in seen.items():
        member(type(obj), name).__set__(obj, value)
    for cls, name, value in hidden:
        cls.__dict__[name].__set__(obj, value)
