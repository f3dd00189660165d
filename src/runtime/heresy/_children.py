"""Child processes that have got the same Ctrl-C as the program.

A terminal sends it to all that run in the foreground. A call such as `subprocess.run` is cut short by it: its child has ended,
and the program is about to be told so. To go on with that later would not be going on as if nothing had been; so the program is
stopped at the statement that makes the call, and that runs again. Where the statement had done more before, or the program holds
the child itself, the stop is refused.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
import types
from typing import Any

from ._errors import HeresyError
from ._given_up import called_by_program
from ._stop import Stopper, monotonic

#: Functions of `subprocess` that start a child, wait for its end and keep nothing of it.
_WHOLE = ("run", "call", "check_call", "check_output", "getoutput", "getstatusoutput")
#: How long the children may take to end by a Ctrl-C, in seconds.
_PATIENCE = 0.5


def waited_for(frame: types.FrameType | None) -> list[Any]:
    """The processes of `subprocess` that the program is waiting for, or talking to."""
    subprocess = sys.modules.get("subprocess")
    found: list[Any] = []
    while frame is not None and subprocess is not None:
        if frame.f_globals is vars(subprocess):
            found += [value for value in frame.f_locals.values() if isinstance(value, subprocess.Popen)]
        frame = frame.f_back
    return found


def are_cut_short(stopper: Stopper, frame: types.FrameType | None) -> bool:
    """Whether the program is in a call that waits for `Stopper.children`, and these have been ended by the same Ctrl-C.

    Where one has ended, and the call has its status but not looked at it yet, it is asked again as the call goes on.
    """
    called = called_by_program(stopper, frame)
    if called is None or called[1].f_code.co_name not in _WHOLE:
        return False
    code = called[1].f_code
    whole = getattr(sys.modules["subprocess"], code.co_name, None)
    if getattr(whole, "__code__", None) is not code:
        return False
    _wait(stopper.children)
    if any(_is_gone(child) for child in stopper.children):
        _watch(stopper, frame, called[0])
    return have_failed(stopper.children)


def have_failed(children: list[Any]) -> bool:
    """Whether all of them have ended, and not well, as far as can be told."""
    return all(_status(child) for child in children)


def _wait(children: list[Any]) -> None:
    """Until all have ended, if they do soon."""
    until = monotonic() + _PATIENCE
    while monotonic() < until and any(_status(child) is None and not _is_gone(child) for child in children):
        time.sleep(0.005)


def _status(child: Any) -> int | None:
    """What a child has ended with, of which not more is asked than there is; None: it is running, or nobody can tell."""
    if child.returncode is not None:
        return child.returncode
    try:
        result = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except OSError:
        return None
    return None if result is None else result.si_status


def _is_gone(child: Any) -> bool:
    """Whether somebody has got the status of a child, and not set it yet."""
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except OSError:
        return child.returncode is None
    return False


def _watch(stopper: Stopper, frame: types.FrameType | None, until: types.FrameType) -> None:
    """Has each step of a call looked at, until all of its children have a status."""

    def on_event(frame: types.FrameType, event: str, arg: Any) -> Any:
        if not stopper.asked or not stopper.tracer.is_on:
            return None
        if any(child.returncode is None for child in stopper.children):
            return on_event
        if have_failed(stopper.children):
            stopper.attempt(frame, waiting=True, abandon=True)
        return None

    while frame is not None and frame is not until:
        frame.f_trace = on_event
        frame = frame.f_back


def refuse(children: list[Any]) -> None:
    """
    Raises:
        HeresyError: one of them has ended, and not well.
    """
    for child in children:
        if child.returncode:
            command = child.args if isinstance(child.args, str) else shlex.join(map(str, child.args))
            raise HeresyError(
                "H319", f"cannot stop here: a child process got the same Ctrl-C, and ended with status {child.returncode}",
                why=f"the program has been told so, and goes on with that: {command[:200]}",
                help="stop the program alone, by `kill -TERM`; or have the child ignore SIGINT (`start_new_session=True`)",
            )  # fmt: skip
