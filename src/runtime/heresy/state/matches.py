"""Matches of regular expressions: found again in the string that they were found in."""

from __future__ import annotations

import re
from typing import Any

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
