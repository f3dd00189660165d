"""What objects keep in the slots of their classes, beside their ``__dict__``."""

from __future__ import annotations

import types
from collections.abc import Iterator

from .._kinds import is_a
from .._typing_names import Any, NamedTuple

_HEAP_TYPE = 1 << 9


class Members(NamedTuple):
    """The slots that have values.

    Attributes:
        seen: those that ``obj.name`` finds, by name.
        hidden: those behind one of the same name in a class that is derived: the class, the name and the value.
    """

    seen: dict[str, Any]
    hidden: list[tuple[type, str, Any]]


def members_of(obj: Any) -> Members:
    """The slots of the classes that are written in Python."""
    found = Members({}, [])
    names: set[str] = set()
    for cls, name, member in _members(type(obj)):
        is_hidden = name in names
        names.add(name)
        try:
            value = member.__get__(obj, type(obj))
        except AttributeError:
            continue
        if is_hidden:
            found.hidden.append((cls, name, value))
        else:
            found.seen[name] = value
    return found


def _members(kind: type) -> Iterator[tuple[type, str, Any]]:
    for cls in type.__dict__["__mro__"].__get__(kind):
        if "__slots__" in cls.__dict__ and cls.__flags__ & _HEAP_TYPE:
            for name, member in cls.__dict__.items():
                if is_a(member, types.MemberDescriptorType):
                    yield cls, name, member


def member(kind: type, name: str) -> Any:
    """The descriptor of the slot that ``obj.name`` finds; None if there is none."""
    for base in type.__dict__["__mro__"].__get__(kind):
        found = base.__dict__.get(name)
        if is_a(found, types.MemberDescriptorType):
            return found
    return None


def set_members(obj: Any, seen: dict[str, Any], hidden: list[tuple[type, str, Any]]) -> None:
    """Gives an object what `members_of` has found."""
    for name, value in seen.items():
        member(type(obj), name).__set__(obj, value)
    for cls, name, value in hidden:
        cls.__dict__[name].__set__(obj, value)
