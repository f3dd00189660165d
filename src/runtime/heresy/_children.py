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

from . import _capture
from ._capture import frames_below
from ._errors import HeresyError, NotContinuable
from ._frame_state import Stack
from ._half_done import done_before
from ._stop import Stopper

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


def cut_short(stopper: Stopper, frame: types.FrameType | None) -> tuple[Stack, str] | None:
    """The program at the statement whose call waits for `Stopper.children`, if these have been ended by the same Ctrl-C.

    Returns:
        its state, and what is called; None if it is not to be stopped there.
    """
    function: types.FrameType | None = None
    while frame is not None and not stopper.is_ours(frame.f_code):
        function, frame = frame, frame.f_back
    if frame is None or function is None or function.f_code.co_name not in _WHOLE:
        return None
    whole = getattr(sys.modules["subprocess"], function.f_code.co_name, None)
    if getattr(whole, "__code__", None) is not function.f_code or not _end(stopper.children):
        return None
    scope = stopper.read().scope(frame.f_code)
    if scope is None:
        return None
    try:
        at: list[tuple[types.FrameType, int, int | None]] = [(frame, frame.f_lasti, scope.below(frame.f_lasti))]
        at[:0] = [(each, each.f_lasti, None) for each in reversed([*frames_below(frame, stopper.main)])]
        parts = _capture.examine_failed(stopper.read(), at, len(at), sys.exception())
    except NotContinuable:
        return None
    last = parts[-1]
    if last.frame is not frame or done_before(last.scope, last.values, last.statement, last.offset):
        return None
    return _capture.freeze(parts), f"subprocess.{function.f_code.co_name}() at {frame.f_code.co_filename}:{frame.f_lineno}"


def _end(children: list[Any]) -> bool:
    """Whether some of the children end by themselves now, all of them, and not well; their statuses stay to be asked for."""
    until = time.monotonic() + _PATIENCE
    running = [child for child in children if child.returncode is None]
    ended = []
    while running and time.monotonic() < until:
        for child in list(running):
            try:
                result = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except OSError:
                return False  # the program has its status already
            if result is not None:
                running.remove(child)
                ended.append(result.si_status)
        time.sleep(0.005)
    return not running and any(ended) and all(ended)


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
