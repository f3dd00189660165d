"""What a resumed frame still has to hand over, once: the next frame."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Pending:
    """What a resumed frame still has to hand over, once.

    Attributes:
        on: whether the header of a compound statement is to use the rest of its expression.
        callable: runs the next frame.
        begins: called when the goto has set the frame up, right before its jump.
    """

    __slots__ = ("on", "callable", "begins", "heresy_jump")

    def __init__(self) -> None:
        self.on = False
        self.callable: Callable[[], Any] | None = None
        self.begins: Callable[[], None] | None = None

    @property
    def heresy_begin(self) -> None:
        """Read by the goto."""
        begins, self.begins = self.begins, None
        if begins is not None:
            begins()

    def take(self) -> Callable[[], Any]:
        """The next frame, to be called at once."""
        self.on = False
        function, self.callable = self.callable, None
        assert function is not None
        return function

    def waits(self) -> bool:
        """Whether the next frame has not been handed over yet."""
        return self.on or self.callable is not None

    def once(self) -> bool:
        """Whether this is the first time."""
        on, self.on = self.on, False
        return on
