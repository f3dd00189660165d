"""Two commands, measured in turns: what else runs on the machine, and the pace of its processor, disturb both alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import NamedTuple


class Compared(NamedTuple):
    """How two ways to do the same compare.

    Attributes:
        ratio: the median of the quotients of a pair, other by plain.
        plain, other: the median of each, in seconds.
    """

    ratio: float
    plain: float
    other: float


def turns(plain: Callable[[], float], other: Callable[[], float], pairs: int) -> list[tuple[float, float]]:
    """Measures both so often, each pair in the other order than the one before."""
    found: list[tuple[float, float]] = []
    for index in range(pairs):
        if index % 2:
            second = other()
            found.append((plain(), second))
        else:
            first = plain()
            found.append((first, other()))
    return found


def compared(plain: Callable[[], float], other: Callable[[], float], pairs: int) -> Compared:
    """The same, in short."""
    found = turns(plain, other, pairs)
    return Compared(
        statistics.median(b / a for a, b in found),
        statistics.median(a for a, _ in found),
        statistics.median(b for _, b in found),
    )
