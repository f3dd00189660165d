"""Operands that wait on the value stack, beside the call that a frame is in: which is which.

``pair(first(x), second(x))``, stopped inside of ``second``: on the stack are ``pair`` and what ``first`` has given, with no
name. They are what the rest of the statement needs, in the order in which it needs them (see `_residual`). So both are
written down, side by side, and an operand is known if there is one way only to pair them.
"""

from __future__ import annotations

import builtins
import types
from collections.abc import Iterator

from . import _cpython
from ._errors import NotContinuable
from ._typing_names import Any, NamedTuple
from ._values import MISSING

#: A value that the rest needs.
VALUE = "value"
#: The same; a method may lie there in two parts, the function and what it is bound to.
METHOD = "method"
#: A builtin function that the interpreter may do itself, by its name (see `_cpython.CONSUMERS`).
CONSUMER = "consumer"
#: A constant of the text: the rest has it anyhow, and some are loaded only once they are needed.
CONSTANT = "constant"
#: An object that the rest loads by itself, and that need not be there.
ANEW = "anew"
#: A text of an f-string, which the rest has anyhow.
TEXT = "text"
#: A function that the rest makes anew.
FUNCTION = "function"
#: The value before once more.
COPY = "copy"
#: A tuple of so many values that the rest needs one by one.
TUPLE = "tuple"
#: A field of a t-string, made already: the rest makes it again, of its value and, if there are to be two, of its format.
INTERPOLATION = "interpolation"
#: What unpacking has put there for targets to come: the rest needs a tuple.
UNPACKED = "unpacked"


class Wanted(NamedTuple):
    """What lies on the value stack when the rest of something is still to be done.

    Attributes:
        what: the attribute's name of a method, the constant, the objects, the text, or the number of values that the rest takes.
    """

    kind: str
    what: Any = None


def count(wanted: list[Wanted]) -> int:
    """How many operands the rest takes."""
    several, single = (TUPLE, INTERPOLATION), (VALUE, METHOD, CONSUMER, UNPACKED)
    return sum(item.what if item.kind in several else item.kind in single for item in wanted)


def operands(wanted: list[Wanted], held: list[Any], kept: list[Any] | None) -> list[Any]:
    """The operands that the rest takes, from what is on the stack.

    Args:
        held: what lies there; MISSING stands for NULL.
        kept: what a resumed frame is still to put there.

    Raises:
        NotContinuable: they cannot be told apart.
    """
    wants = count(wanted)
    if kept and wants and all(value is MISSING for value in held):
        # A comprehension is being filled that was begun in another life: they are not on the stack yet.
        found = list(kept)
    else:
        found = _paired(wanted, held)
    if len(found) != wants:
        raise NotContinuable("the operands beside a call are not known")
    return found


def _paired(wanted: list[Wanted], held: list[Any]) -> list[Any]:
    found: list[list[Any]] = []
    for way in _pairings(wanted, held):
        if found and not _same(way, found[0]):
            found = []
            break
        found.append(way)
    if not found:
        raise NotContinuable("the value stack holds something that has no name")
    return found[0]


def _pairings(
    wanted: list[Wanted], held: list[Any], last: Any = None, after_null: bool = False
) -> Iterator[list[Any]]:
    """The ways in which what is on the stack can be what is wanted."""
    if held and held[0] is MISSING:
        yield from _pairings(wanted, held[1:], last, True)
        return
    if not wanted:
        if not held:
            yield []
        return
    (kind, what), rest = wanted[0], wanted[1:]
    if kind in (CONSTANT, ANEW):
        yield from _pairings(rest, held, last, after_null)
    if not held:
        return
    first = held[0]
    match kind:
        case "constant":
            if type(first) is type(what) and first == what:
                yield from _pairings(rest, held[1:])
        case "anew":
            if any(first is known for known in what):
                yield from _pairings(rest, held[1:])
        case "text":
            if type(first) is str and first == what:
                yield from _pairings(rest, held[1:])
        case "function":
            if type(first) is types.FunctionType:
                yield from _pairings(rest, held[1:])
        case "copy":
            if first is last:
                yield from _pairings(rest, held[1:])
        case "tuple":
            if type(first) is tuple and len(first) == what:
                yield from ([*first, *way] for way in _pairings(rest, held[1:]))
        case "interpolation":
            if (type(first).__module__, type(first).__name__) == ("string.templatelib", "Interpolation"):
                field = [first.value, first.format_spec][:what]
                yield from ([*field, *way] for way in _pairings(rest, held[1:]))
        case "unpacked":
            size = _size(what)
            if len(held) >= size:
                yield from ([_nested(what, held[:size]), *way] for way in _pairings(rest, held[size:]))
        case "consumer":
            if len(held) > 1 and held[1] is MISSING:
                yield from ([first, *way] for way in _pairings(rest, held[1:]))
            elif (made := _cpython.CONSUMERS[what]) is None or type(first) is made:
                # It does it itself: what it makes lies there, or nothing.
                above = held if made is None else held[1:]
                yield from ([getattr(builtins, what), *way] for way in _pairings(rest, above))
        case "method":
            # In one part, it has a NULL beside it. One before it may belong to another callable: then that way leads nowhere.
            after = len(held) > 1 and held[1] is MISSING
            ways: list[list[Any]] = []
            if after_null if _cpython.NULL_IS_BEFORE_CALLABLE else after:
                ways = [[first, *way] for way in _pairings(rest, held[1:], first)]
            if not ways and len(held) > 1 and not after and _is_method(first, held[1], what):
                method = first.__get__(held[1], type(held[1]))
                ways = [[method, *way] for way in _pairings(rest, held[2:])]
            yield from ways
        case _:
            yield from ([first, *way] for way in _pairings(rest, held[1:], first))


def _size(levels: list[int]) -> int:
    return sum(levels)


def _nested(levels: list[int], held: list[Any]) -> tuple[Any, ...]:
    """``(a, (b, c), d)`` from what lies there for its targets: at each level the last on the bottom, the inner level above."""
    outer = held[: levels[0]][::-1]
    if len(levels) == 1:
        return tuple(outer)
    return (_nested(levels[1:], held[levels[0] :]), *outer)


#: The flag of types whose objects the interpreter puts on the stack beside what they would be bound to.
_METHOD_DESCRIPTOR = 1 << 17
_flags = type.__dict__["__flags__"].__get__


def _is_method(function: Any, owner: Any, name: str) -> bool:
    """Whether the stack holds a method in two parts: the function, and what it is bound to."""
    if not _flags(type(function)) & _METHOD_DESCRIPTOR:
        return False
    mangled = name.startswith("__") and not name.endswith("__")
    bases = type.__dict__["__mro__"].__get__(type(owner))
    return mangled or any(base.__dict__.get(name) is function for base in bases)


def _same(way: list[Any], other: list[Any]) -> bool:
    return len(way) == len(other) and all(
        a is b
        or type(a) is type(b) is types.MethodType
        and a.__self__ is b.__self__
        and a.__func__ is b.__func__
        or type(a) is type(b) is tuple
        and _same(list(a), list(b))
        for a, b in zip(way, other)
    )
