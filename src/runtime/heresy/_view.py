"""A short view of a value, for people: in a checkpoint's manifest, ``loss: 0.25``, ``rows: list of 270000``.

Nothing of the program's is called, so only the values of the built-in types themselves are shown.
"""

from __future__ import annotations

from ._kinds import ATOMS, Kinds
from ._typing_names import Any

#: No view is longer.
LONGEST = 60

_TEXTS = Kinds(str, bytes)
_BRACKETS = [(list, "[", "]"), (tuple, "(", ")"), (set, "{", "}"), (frozenset, "frozenset({", "})")]
#: Of an integer of more bits, the digits would take their time.
_BITS = 256


def view(value: Any) -> str:
    """The view of a value."""
    kind = type(value)
    if kind in ATOMS:
        return _atom(value)
    brackets = next((each for each in _BRACKETS if each[0] is kind), None)
    if brackets is not None:
        _, opened, closed = brackets
        parts = [_atom(item) for item in value] if _is_short(value) else None
        if kind is tuple and parts is not None and len(parts) == 1:
            closed = ",)"
    elif kind is dict:
        opened, closed = "{", "}"
        is_short = _is_short(value) and _is_short(value.values())
        parts = [f"{_atom(key)}: {_atom(item)}" for key, item in value.items()] if is_short else None
    elif kind is bytearray:
        return f"bytearray of {len(value)}"
    else:
        return _name(kind)
    whole = f"{opened}{', '.join(parts)}{closed}" if parts else ""
    return whole if whole and len(whole) <= LONGEST else f"{kind.__name__} of {len(value)}"


def _is_short(items: Any) -> bool:
    return len(items) <= LONGEST // 3 and all(type(item) in ATOMS for item in items)


def _atom(value: Any) -> str:
    kind = type(value)
    if kind is int and value.bit_length() > _BITS:
        return f"int of {value.bit_length()} bits"
    if kind in _TEXTS and len(value) > LONGEST - 20:
        return f"{value[: LONGEST - 20]!r}[:{LONGEST - 20}] of {len(value)}"
    return repr(value)


def _name(kind: type) -> str:
    """``simulation.Grid object``; attributes of a class may be anything that its metaclass makes of them."""
    name = type.__dict__["__qualname__"].__get__(kind)
    module = type.__dict__["__module__"].__get__(kind)
    if type(module) is str and module not in ("builtins", "__main__"):
        name = f"{module}.{name}"
    return f"{name[: LONGEST - 7]} object"
