"""Functions of the runtime's that stand for others: they go under the name of those, by which they are shown and saved."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def like(plain: Any, watched: Any) -> Any:
    """Gives ``watched`` the names and the documentation of ``plain``, and returns it."""
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(watched, attribute, getattr(plain, attribute))
    return watched
