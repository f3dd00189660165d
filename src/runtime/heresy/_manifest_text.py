"""JSON, read without `json`: with `re` and what that needs it takes longer to import than a small program to restore."""

from __future__ import annotations

from ._typing_names import Any


class _How:
    """What the scanner of `json` is told."""

    strict = True
    object_hook = object_pairs_hook = array_hook = None
    parse_float = float
    parse_int = int

    @staticmethod
    def parse_constant(name: str) -> Any:
        raise ValueError(f"{name} is no number")


def parsed(text: bytes) -> Any:
    """The value that a line of ASCII holds.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        from _json import make_scanner
    except ImportError:
        import json

        return json.loads(text)
    line = text.decode("ascii").strip()
    try:
        value, end = make_scanner(_How)(line, 0)
    except StopIteration:
        raise ValueError("there is no value") from None
    if end != len(line):
        raise ValueError("there is more than a value")
    return value
