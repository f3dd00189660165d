"""Compiling without a word about syntax, or saving without any, and without a trace in the program's own warnings.

`warnings.catch_warnings` makes every module forget which warnings it has shown already. So a filter is put in front of the
others, and taken away again, past the functions that count such changes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

class Quiet:
    """Within it warnings of a category are not shown.

    Attributes:
        warned: they themselves, as (message, line).
    """

    def __init__(self, category: type[Warning] = SyntaxWarning) -> None:
        self.category = category
        self.warned: list[tuple[str, int]] = []

    def __enter__(self) -> Quiet:
        import warnings

        self._warnings: Any = warnings
        self._filters = warnings.filters
        self._show = self._warnings._showwarnmsg
        self._filter = ("always", None, self.category, None, 0)
        self._filters.insert(0, self._filter)  # type: ignore[attr-defined]
        self._warnings._showwarnmsg = self._shown
        return self

    def _shown(self, message: Any) -> None:
        if issubclass(message.category, self.category):
            self.warned.append((str(message.message), message.lineno))
        else:
            self._show(message)

    def __exit__(self, *_: object) -> None:
        self._warnings._showwarnmsg = self._show
        self._filters.remove(self._filter)  # type: ignore[attr-defined]
