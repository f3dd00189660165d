"""Folders that are elsewhere than when the program was stopped: ``heresy resume --map OLD=NEW``.

What heresy itself looks for follows: sources, the working directory, open files, ``sys.path``, and the names that modules have
for where they are. What the program keeps in its own variables stays as it is.
"""

from __future__ import annotations

import os

from .._typing_names import Any

#: Pairs of a folder then, and now; the first that fits counts.
folders: list[tuple[str, str]] = []


def here(path: Any) -> Any:
    """Where a path leads now; anything but a path from the root stays as it is."""
    if not folders or type(path) not in (str, bytes):
        return path
    text = os.fsdecode(path)
    for old, new in folders:
        old = old.rstrip("/")
        if text == old or text.startswith(old + "/"):
            moved = new.rstrip("/") + text[len(old) :] or "/"
            return moved if type(path) is str else os.fsencode(moved)
    return path


def rename(namespace: dict[str, Any]) -> None:
    """Has a module know where it is."""
    for name in ("__file__", "__cached__"):
        if name in namespace:
            namespace[name] = here(namespace[name])
    if type(namespace.get("__path__")) is list:
        namespace["__path__"][:] = map(here, namespace["__path__"])
