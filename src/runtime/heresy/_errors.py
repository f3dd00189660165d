"""The errors of the runtime, each with the code that ``heresy explain`` knows."""

from __future__ import annotations


class HeresyError(Exception):
    """Something a user must be told; printed as one diagnostic, never as a traceback.

    Attributes:
        code: the diagnostic's code, ``H301``.
        why: what is behind it, or None.
        help: what to do about it, or None.
        items: what the title speaks of, one by one.
    """

    def __init__(
        self, code: str, title: str, *, why: str | None = None, help: str | None = None, items: list[str] | None = None
    ) -> None:
        super().__init__(title)
        self.code = code
        self.title = title
        self.why = why
        self.help = help
        self.items = items or []

    def diagnostic(self, level: str = "error") -> str:
        """The text for people, of one line or more."""
        lines = [f"{level}[{self.code}]: {self.title}", *(f"  - {item}" for item in self.items)]
        lines += [f"  = {label}: {text}" for label, text in (("note", self.why), ("help", self.help)) if text]
        return "\n".join(lines)


class InternalError(HeresyError):
    """heresy is at fault."""

    def __init__(self, title: str) -> None:
        super().__init__("H900", title, help="this is a bug in heresy: please report it with the program")

    @classmethod
    def of(cls, error: BaseException) -> InternalError:
        """What was never meant for a user."""
        return cls(f"the runtime has failed: {type(error).__name__}: {error}")


def raised_by(function: object, error: BaseException) -> str:
    """``NAME of MODULE raised ERROR at FILE:LINE``: what became of a function of the program's that the runtime has called."""
    name = getattr(function, "__qualname__", None) or repr(function)
    place, entry = "", error.__traceback__
    while entry is not None:
        place = f" at {entry.tb_frame.f_code.co_filename}:{entry.tb_lineno}"
        entry = entry.tb_next
    shown = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"{name} raised {shown}{place}"


class NotContinuable(Exception):
    """The program cannot be continued exactly from here: the stop waits for another place."""


class NoStart(NotContinuable):
    """There never can be a safe point at the instruction that a frame stands at."""

    def __init__(self) -> None:
        super().__init__("in the midst of a statement")
