"""Other threads than the main one: a program that has any is not saved, since their places cannot be.

Excepted are a few of libraries' own that only look on, and that the library starts again when it misses them.
"""

from __future__ import annotations

import sys
import threading

from ._errors import HeresyError

#: By module and class. tqdm's looks after bars that have not moved for long; each new bar starts it, if there is none.
_ONLOOKERS = {("tqdm._monitor", "TMonitor")}


def refuse() -> None:
    """
    Raises:
        HeresyError: the program has other threads running.
    """
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    count = sum(map(_looks_on, others))
    if len(others) > count or len(sys._current_frames()) - 1 > count:
        names = ", ".join(thread.name for thread in others if not _looks_on(thread))
        raise HeresyError(
            "H313", f"cannot stop here: the program has other threads running: {names}",
            why="only the main thread's place can be saved",
            help="stop it when they have ended",
        )  # fmt: skip


def _looks_on(thread: threading.Thread) -> bool:
    kind = type(thread)
    return (kind.__module__, kind.__qualname__) in _ONLOOKERS
