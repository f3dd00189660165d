"""A call of a library's function that is given up half-way, and made again when the program continues.

A stop comes while the program is in such a call, and that cannot be continued in its middle. The program is then stopped at the
statement that makes the call, if this has called nothing before: of its own accord only where the call was cut short by the same
Ctrl-C (see `_children`); else when whoever stops it insists, and only if the library waits for something. One that computes may
have changed what it was given.
"""

from __future__ import annotations

import sys
import types

from . import _capture
from ._errors import NotContinuable
from ._half_done import done_before
from ._part import Part
from ._stop import Stopper, monotonic, process_time


def called_by_program(stopper: Stopper, frame: types.FrameType | None) -> tuple[types.FrameType, types.FrameType] | None:
    """The frame of the program's that has called a library, and that of the function called; None if it is in no such call."""
    function = None
    while frame is not None and not stopper.is_ours(frame.f_code):
        function, frame = frame, frame.f_back
    return None if frame is None or function is None else (frame, function)


def examine(stopper: Stopper, frame: types.FrameType, *, cut_short: bool) -> list[Part] | None:
    """As `_capture.examine`, with the innermost frame at the start of the statement whose call is given up.

    Args:
        cut_short: it is over in any case.

    Returns:
        None if there is nothing to give up.

    Raises:
        NotContinuable: the program cannot be continued from there.
    """
    called = called_by_program(stopper, frame)
    if called is None or not (cut_short or _waits(stopper)):
        return None
    caller = called[0]
    scope = stopper.read().scope(caller.f_code)
    if scope is None:
        return None
    at: list[tuple[types.FrameType, int, int | None]] = [(caller, caller.f_lasti, scope.below(caller.f_lasti))]
    at[:0] = [(each, each.f_lasti, None) for each in reversed([*_capture.frames_below(caller, stopper.main)])]
    parts = _capture.examine_failed(stopper.read(), at, len(at), sys.exception())
    last = parts[-1]
    if last.frame is not caller or done_before(last.scope, last.values, last.statement, last.offset):
        raise NotContinuable("the statement has called something else before")
    last.abandoned = True
    return parts


def _waits(stopper: Stopper) -> bool:
    """Whether the program has done little since it was asked to stop."""
    clock, processor = stopper.asked_at
    return process_time() - processor < (monotonic() - clock) / 4
