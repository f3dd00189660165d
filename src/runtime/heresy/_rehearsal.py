"""Whether a state that holds placeholders, or what a package makes, can be read back: tried in a child, before it is promised.

When a library's objects are unpickled, it may do more than to hold them: ask one for an attribute, or call it.
A placeholder raises then, and the program could not be continued. What it would need to know that beforehand is in the libraries'
code; so the child does what the continued program will do first, and says what came of it.

Nothing that the child does is to be seen outside of it. What is open leads nowhere in it; of the objects that it has from the
program none is finalized; it knows no signals, and ends without any clean-up.
"""

from __future__ import annotations

import _signal
import gc
import mmap
import os
import time
from typing import Any

from . import _ends, _restore, _twin
from ._errors import HeresyError
from ._quiet import Quiet
from ._stop import monotonic
from ._unsaved import shown
from .state import functions, registered
from .state.pickling import Modules

#: So long the child may take, in seconds; then nothing is known.
_PATIENCE = 60.0
_REPORT = 1 << 12


def refuse_unreadable(modules: Modules, payload: list[Any], items: list[str], *, passing: bool) -> None:
    """
    Args:
        items: what placeholders stand for; there may be none, where packages have a say.

    Raises:
        HeresyError: the program could not be continued from it.
    """
    report = mmap.mmap(-1, _REPORT)
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
    try:
        child = _fork()
        if not child:
            _be(modules, payload, report, passing=passing)
        failed = child > 0 and _has_failed(child)
    finally:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
    if failed:
        raise HeresyError(
            "H311",
            "cannot stop here: the program holds objects that cannot be saved, and could not be continued without them" if items
            else "cannot stop here: a package cannot make again what the program holds of it",
            items=shown(items),
            why=report[:].rstrip(b"\0").decode(errors="replace") or "the interpreter itself fails there",
            help="stop the program when it does not hold " + ("them" if items else "that"),
        )  # fmt: skip


def _be(modules: Modules, payload: list[Any], report: mmap.mmap, *, passing: bool) -> None:
    """What the child does."""
    status = 1
    try:
        gc.disable()
        _kept = gc.get_objects()
        _let_go()
        functions.restoring(modules)
        registered.rehearse(modules)
        with modules.units.handed_over():
            _restore.unpickle(modules, payload, None, passing=passing)
        status = 0
    except BaseException as error:
        why = error.title if isinstance(error, HeresyError) else f"{type(error).__name__}: {error}"
        text = why.encode(errors="replace")[:_REPORT]
        report[: len(text)] = text
    finally:
        _ends.exit_now(status)


def _let_go() -> None:
    """Nothing can be written to what the program has open, nor read from it."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for name in os.listdir("/dev/fd"):
        os.dup2(nothing, int(name))


def _fork() -> int:
    """A child, 0 in it; -1: there can be none. If possible one that the program does not see."""
    try:
        if _twin.is_possible():
            return _twin.clone()
        with Quiet(DeprecationWarning):
            return os.fork()
    except OSError:
        return -1


def _has_failed(child: int) -> bool:
    until = monotonic() + _PATIENCE
    while True:
        try:
            ended, status = os.waitpid(child, os.WNOHANG | _twin.ALL_KINDS)
        except ChildProcessError:
            return False
        if ended:
            return status != 0
        if monotonic() > until:
            os.kill(child, _signal.SIGKILL)
            os.waitpid(child, _twin.ALL_KINDS)
            return False
        time.sleep(0.002)
