"""Children that a program has forked by itself, and knows by their numbers.

A continued program is another process, which could not wait for them. Those that objects of `subprocess` and `multiprocessing`
stand for are spoken of where these are saved.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

from ._errors import HeresyError


def refuse() -> None:
    """
    Raises:
        HeresyError: there is a child, running or not waited for, that no object stands for, as after `os.fork`.
    """
    if not hasattr(os, "waitid"):
        return
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    numbers = _numbers() - {*_of_multiprocessing()}
    if numbers and "subprocess" in sys.modules:
        kind = sys.modules["subprocess"].Popen
        numbers -= {each.pid for each in gc.get_objects() if issubclass(type(each), kind) and hasattr(each, "pid")}
    if numbers:
        raise HeresyError(
            "H319", f"cannot stop here: the program has forked a child process ({min(numbers)}), and not waited for it yet",
            why="it is a child of this process: a continued program could not wait for it",
            help="stop the program when it has waited for it",
        )  # fmt: skip


def _numbers() -> set[int]:
    """The numbers of all children, where the system lists them."""
    found: set[int] = set()
    try:
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
                found.update(map(int, file.read().split()))
    except OSError:
        pass
    return found


def _of_multiprocessing() -> Iterator[int]:
    """Its processes, and those that it has for itself."""
    if (process := sys.modules.get("multiprocessing.process")) is not None:
        yield from [each.pid for each in process._children if each._popen is not None]
    for module, name, attribute in _HELPERS:
        yield getattr(getattr(sys.modules.get(module), name, None), attribute, None) or 0


_HELPERS = (
    ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
    ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
)
