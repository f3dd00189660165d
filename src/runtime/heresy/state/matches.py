"""Matches of regular expressions, found again in the string that they were found in; and scanners, which find the next.

``re.finditer`` gives an iterator that asks a scanner. What one keeps of its place is not shown: see `memory`.
"""

from __future__ import annotations

import functools
import re
import sys

from .._typing_names import Any
from .memory import Layout, Number
from .pickling import CannotSave, Reduced, StatePickler, reducer

_METHODS = ("match", "fullmatch", "search")


@reducer(re.Match)
def _match(pickler: StatePickler, match: Any) -> Reduced:
    for method in _METHODS:
        found = getattr(match.re, method)(match.string, match.pos, match.endpos)
        if _same(found, match):
            return match_again, (match.re, method, match.string, match.pos, match.endpos, 0)
    for number, found in enumerate(match.re.finditer(match.string, match.pos, match.endpos)):
        if _same(found, match):
            return match_again, (match.re, "finditer", match.string, match.pos, match.endpos, number)
    raise CannotSave("the match cannot be found again in its string")


def _same(found: Any, match: Any) -> bool:
    return found is not None and found.regs == match.regs and found.lastindex == match.lastindex


def match_again(pattern: Any, method: str, string: Any, pos: int, endpos: int, number: int) -> Any:
    """The match that one of the pattern's methods gives; for ``finditer`` the one of that number."""
    if method != "finditer":
        return getattr(pattern, method)(string, pos, endpos)
    for index, found in enumerate(pattern.finditer(string, pos, endpos)):
        if index == number:
            return found
    raise CannotSave("the match cannot be found again in its string")


# --- scanners -----------------------------------------------------------------------------------------------------------

_SCANNER: Any = type(re.compile("").scanner(""))


@reducer(_SCANNER)
def _scanner(pickler: StatePickler, scanner: Any) -> Reduced:
    layout = _layout()
    held = {name: layout.get(scanner, name) for name in layout.fields}
    offset = (held["start"] - held["begin"]) // held["width"] if held["start"] else None
    span = held["pos"], held["endpos"]
    return scanner_again, (scanner.pattern, held["string"], *span, offset, held["must_advance"])


def scanner_again(pattern: Any, string: Any, pos: int, endpos: int, offset: int | None, must_advance: int) -> Any:
    """A scanner that goes on there; with no offset it is at its end."""
    layout, scanner = _layout(), pattern.scanner(string, pos, endpos)
    begin, width = layout.get(scanner, "begin"), layout.get(scanner, "width")
    layout.put(scanner, "start", 0 if offset is None else begin + offset * width)
    layout.put(scanner, "must_advance", must_advance)
    return scanner


@functools.cache
def _layout() -> Layout:
    samples = []
    for pattern, text, span, width, count in (
        ("a", "xaxaxaxaxaxaxa", (3, 13), 1, 2), ("a?", "xyxyxyxyxyxyxy", (5, 9), 1, 1), ("a", "xaxaxaxaxaxaxa", (2, 11), 1, 9),
        ("a?", "\u20ac" * 12, (4, 7), 2, 1),
    ):  # fmt: skip
        scanner = re.compile(pattern).scanner(text, *span)
        for _ in range(count):
            scanner.search()
        # After a match it stands behind that; after an empty one it must not find it again; at its end nowhere.
        known: dict[str, Any] = {"string": text, "pos": Number(span[0]), "endpos": Number(span[1]), "width": Number(width, 4)}
        known["must_advance"] = Number(pattern == "a?", 4)
        if width == 1:
            # Behind the header of a string of ASCII.
            begin = id(text) + sys.getsizeof("") - 1
            known["begin"] = Number(begin)
            known["start"] = Number(begin + {2: 6, 1: 5}[count] if count < 9 else 0)
        samples.append((scanner, known))
    return Layout(samples)
