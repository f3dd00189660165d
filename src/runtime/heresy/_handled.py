"""The exceptions that the frames of a stack are handling.

A handler keeps on its value stack what was being handled before; what it handles itself is what the next handler keeps, and
the last of all is the interpreter's current exception. A generator has a chain of its own, and knows that of its caller.
"""

from __future__ import annotations

from ._errors import NotContinuable
from ._kinds import MISSING, is_a
from ._slots import Slots, handled_around
from ._typing_names import Any, Protocol


class Handling(Protocol):
    """A frame: see `_part.Part`."""

    slots: Slots
    generator: list[Any]
    handling: list[tuple[int, int]]
    block_values: list[tuple[str, Any]]


def name_exceptions(parts: list[Any], handled: BaseException | None) -> None:
    """Gives each block that handles an exception the exception.

    Args:
        parts: frames, outermost first.
        handled: what the innermost of all handles, if it does.

    Raises:
        NotContinuable: one is not known.
    """
    current: Any = handled
    for part in reversed(parts):
        for index, before in reversed(part.handling):
            kind, value = part.block_values[index]
            if value is MISSING:
                value = current
            if not is_a(value, BaseException):
                raise NotContinuable(f"the exception behind a {kind} is not known")
            part.block_values[index] = kind, value
            current = part.slots.value(before)
        if part.generator:
            current = handled_around(part.generator[0])
