"""The older checkpoints of a program, which ``--keep N`` asks for.

Each checkpoint has a number, one more than the one before. The newest is ``NAME.ckpt``; an older one has its number in its
name, ``NAME.7.old``. It gets that name by a link, before the new one takes its place, so that it is never without one.
``heresy log`` lists them, ``heresy resume --at N`` goes back.
"""

from __future__ import annotations

import os

from ._manifest_text import parsed


def older(path: str) -> dict[int, str]:
    """The older checkpoints beside the newest one, which may be gone, by number."""
    folder, name = os.path.split(path)
    start = name.removesuffix(".ckpt") + "."
    found = {}
    for entry in os.listdir(folder):
        number = entry[len(start) : -len(".old")]
        if entry.startswith(start) and entry.endswith(".old") and number.isascii() and number.isdecimal():
            found[int(number)] = os.path.join(folder, entry)
    return dict(sorted(found.items()))


def next_number(path: str) -> int:
    """The number of the next checkpoint."""
    return max([_number(path), *older(path)]) + 1


def set_aside(path: str) -> None:
    """Gives the newest one its name among the older ones, too.

    Raises:
        OSError: that is not possible; nothing has changed.
    """
    number = _number(path)
    if not number:
        return
    try:
        os.link(path, f"{path.removesuffix('.ckpt')}.{number}.old")
    except FileExistsError:
        pass  # a process that was killed has come as far as this


def prune(path: str, keep: int) -> None:
    """Removes all older ones but the last so many."""
    files = list(older(path).values())
    for file in files[: max(0, len(files) - keep)]:
        try:
            os.unlink(file)
        except OSError:
            continue


def _number(path: str) -> int:
    """The number of a checkpoint; 0 if there is none, or it does not say."""
    try:
        with open(path, "rb") as file:
            file.readline(64)
            number = parsed(file.readline())["number"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0
    return number if isinstance(number, int) and number > 0 else 0
