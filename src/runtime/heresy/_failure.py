"""A program that is about to end by an exception is stopped instead: before anything is unwound.

The checkpoint holds it at the start of the statement that has failed, so that it goes on there once the cause is mended. What
the exception has left already without a pad had nothing on its value stack (see `_pads`): the traceback has those frames, and
what they have lost is nothing. A call of what cannot be continued (a function of C's, a library) is made again.

If something in the statement had an effect before it failed, to start it again would do that twice: the checkpoint says so, and
it is gone on with only if the user asks for that.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from . import _bundle, _capture, _catching, _ends, _signals
from ._capture import frames_below
from ._errors import HeresyError, InternalError, NotContinuable
from ._generators import is_generator
from ._half_done import done_before
from ._messages import flush_streams, place, report, say
from ._pads import is_bare_raise, is_raise, is_raised_again, pad_at
from ._part import Part
from ._slots import Slots
from ._told import tell_of_save
from ._uncollected import Uncollected
from ._unwinding import ASKED

if TYPE_CHECKING:
    from ._frame_state import Stack
    from ._stop import Stopper


class Failed(NamedTuple):
    """The frames that an exception comes through.

    Attributes:
        frames: outermost first.
        offsets: where the last ones failed, from the one that has asked on.
        depth: how deep the value stack of that one still is; those above have nothing on theirs.
        lost: frames above those, which have run something while the exception left them.
        running: how many of them are still running.
        handled: the exception that was handled where it was raised.
    """

    frames: list[types.FrameType]
    offsets: list[int]
    depth: int
    lost: list[types.FrameType]
    running: int
    handled: BaseException | None


#: Where an exception turned out to come from that cannot be stopped at: in a loop it may come a million times.
_hopeless: dict[tuple[int, int, int, type], types.CodeType] = {}


def asked(stopper: Stopper, raised: Exception, frame: types.FrameType) -> _catching.Caught | None:
    """A pad asks; returns if the exception is to go on its way.

    Returns:
        what catches it; None if nothing does, or nobody can tell.
    """
    if stopper.units.busy or os.getpid() != stopper.pid or threading.current_thread() is not threading.main_thread():
        return None
    trace = raised.__traceback__
    if trace is None or trace.tb_frame is not frame:
        trace = None  # a program that was continued has handled it: there is no entry of this frame's
    raised_at, depth, again = pad_at(frame, -1 if trace is None else trace.tb_lasti)
    if trace is None and not is_bare_raise(frame.f_code, raised_at):
        return None
    key = id(frame.f_code), frame.f_lasti, raised_at, type(raised)
    if key in _hopeless:
        return None
    passed = itertools.chain([(frame, raised_at)], ((below, below.f_lasti) for below in frames_below(frame, stopper.main)))
    if (caught := _catching.caught_by(raised, passed)) is not None:
        return caught
    with stopper.units.at_work():
        below = [*frames_below(frame, stopper.main)]
        if is_generator(frame.f_code) and trace is not None and _is_thrown(trace, below):
            return None
        if trace is None or raised_at != trace.tb_lasti and not is_raised_again(frame.f_code, raised_at):
            # By a bare `raise`: what it was raised by before is over.
            gone, lost, offset, again = [], [], raised_at, frozenset()
        else:
            gone, lost = _gone(trace)
            offset = trace.tb_lasti
        if not _catching.has_run_nothing(frame.f_code, offset, again or {raised_at}):
            _hopeless[key] = frame.f_code
            return None
        frames = [*reversed(below), frame, *(each.tb_frame for each in gone)]
        offsets, handled = [offset, *map(_offset, gone)], _handled(raised, frame, offset)
        with Uncollected():
            _stop(stopper, raised, Failed(frames, offsets, depth, lost, len(below) + 1, handled))
    _hopeless[key] = frame.f_code
    return None


def at_end(stopper: Stopper, raised: Exception) -> None:
    """An exception has left the program's module; returns if the program cannot be stopped."""
    if stopper.units.busy or os.getpid() != stopper.pid:
        return
    if stopper.not_stopped is not None and stopper.not_stopped.raised is raised:
        return  # it was tried when more of it was there
    with stopper.units.at_work():
        trace = raised.__traceback__
        while trace is not None and trace.tb_frame.f_globals is not stopper.main.__dict__:
            trace = trace.tb_next
        if trace is None:
            return
        if not _catching.has_run_nothing(trace.tb_frame.f_code, _offset(trace)):
            stopper.not_stopped = NotStopped(raised, "a handler, `with` or `finally` of the module has run since")
            return
        gone, lost = _gone(trace)
        gone.insert(0, trace)
        with Uncollected():
            _stop(stopper, raised, Failed([each.tb_frame for each in gone], [*map(_offset, gone)], 0, lost, 0, None))


# --- where it comes from --------------------------------------------------------------------------------------------


def _gone(trace: types.TracebackType) -> tuple[list[types.TracebackType], list[types.FrameType]]:
    """The frames above one that an exception has left, and not been raised again in since.

    Returns:
        those that are as they were; and those above them, if there are any that are not.
    """
    found: list[types.TracebackType] = []
    while (above := trace.tb_next) is not None and above.tb_frame is not trace.tb_frame and not _is_rebuilt(above.tb_frame):
        if is_raise(trace.tb_frame.f_code, trace.tb_lasti):
            break  # what it was raised by at first is over
        if not _catching.has_run_nothing(above.tb_frame.f_code, _offset(above)):
            return found, [*_frames(above)]
        found.append(above)
        if _offset(above) != above.tb_lasti:
            break
        trace = above
    return found, []


def _is_rebuilt(frame: types.FrameType) -> bool:
    """Whether it stands for one of before the program was continued (see `state.exceptions`): what is raised anew was over."""
    stop = frame.f_globals.get("stop")
    return type(stop) is types.FunctionType and stop.__module__ == f"{__package__}.state.exceptions"


def _frames(trace: types.TracebackType | None) -> Iterator[types.FrameType]:
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _is_thrown(trace: types.TracebackType, below: list[types.FrameType]) -> bool:
    """Whether a frame below handles the exception already, and has thrown it into a generator: that of its manager."""
    running = {id(frame) for frame in below}
    return any(id(frame) in running for frame in _frames(trace.tb_next))


def _handled(raised: Exception, frame: types.FrameType, offset: int) -> BaseException | None:
    """What a frame was handling when an exception was raised in it; it may be asked whether it handles that, too."""
    current = sys.exception()
    if current is not raised:
        return current
    handler = _catching.handler_at(frame.f_code, offset)
    before = Slots(frame).value(handler.depth + handler.lasti) if handler is not None else None
    return before if isinstance(before, BaseException) else None


def _offset(left: types.TracebackType) -> int:
    """Where a frame was left."""
    offset = left.tb_frame.f_lasti
    if not 0 <= offset < len(left.tb_frame.f_code.co_code):
        return left.tb_lasti
    return left.tb_lasti if is_raised_again(left.tb_frame.f_code, offset) else offset


# --- the stop -------------------------------------------------------------------------------------------------------


def _stop(stopper: Stopper, raised: Exception, failed: Failed) -> None:
    """Makes a checkpoint and ends the process; returns if that was not possible."""
    stopper.kept_back().during(_make, stopper, raised, failed)


def _make(stopper: Stopper, raised: Exception, failed: Failed) -> None:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _signals.STOPS | {_signals.SAVES, stopper.handlers.timer} - {0})
    try:
        parts, begun = _examined(stopper, failed)
        if stopper.on_save:
            tell_of_save(stopper)
            parts, begun = _examined(stopper, failed)
        from . import _save

        if stopper.passing is not None:
            stopper.passing.end()
        last = parts[-1]
        if last.site is not None:
            done = ["its iterator was asked for the next item", *begun]
        else:
            done = done_before(last.scope, last.values, last.statement, last.offset, raised=raised)
            done = [*(each for each in done if f"{each} has begun" not in begun), *begun]
        stopper.failure = {"type": type(raised).__qualname__, "done": done}
        stack = _capture.freeze(parts)
        items = _save.save(stopper, stack, ends=True)
    except NotContinuable as unsafe:
        stopper.not_stopped = NotStopped(raised, str(unsafe))
    except HeresyError as error:
        stopper.not_stopped = NotStopped(raised, error)
    except Exception as error:
        stopper.not_stopped = NotStopped(raised, InternalError.of(error))
        if os.environ.get("HERESY_DEBUG"):
            sys.__excepthook__(type(error), error, error.__traceback__)
    else:
        _end(stopper, raised, failed, stack, done, items)
    finally:
        stopper.failure = None
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _examined(stopper: Stopper, failed: Failed) -> tuple[list[Part], list[str]]:
    """The frames that can be continued, the last of them at the start of the statement that failed.

    And what that has called, if the frames of it are of the program, but cannot be continued.
    """
    count = len(failed.frames)
    running = max(failed.running, 1)
    at: list[tuple[types.FrameType, int, int | None]]
    at = [(frame, frame.f_lasti, None) for frame in failed.frames[: running - 1]]
    depths = [failed.depth] + [0] * len(failed.frames)
    at += zip(failed.frames[len(at) :], failed.offsets, depths)
    while True:
        try:
            parts = _capture.examine_failed(stopper.read(), at[:count], running, failed.handled)
        except _capture.Unsafe as unsafe:
            # What cannot be continued is called again, if all below it can.
            count = min(count - 1, unsafe.index + 1)
            if count < running:
                raise
        else:
            own = {unit.path for unit in stopper.units.by_id.values() if not unit.library}
            lost = [f for f in [*failed.frames[count:], *failed.lost] if f.f_code.co_filename in own]
            return parts, [f"{lost[0].f_code.co_qualname}() has begun"] if lost else []


def _end(
    stopper: Stopper, raised: Exception, failed: Failed, stack: Stack, done: list[str], items: list[str]
) -> NoReturn:
    from ._failed import show

    ASKED.stopper = None
    sys.settrace(None)
    trace = raised.__traceback__
    for frame in reversed(failed.frames[: max(failed.running - 1, 0)]):
        trace = types.TracebackType(trace, frame, frame.f_lasti, frame.f_lineno)
    raised.__traceback__ = trace
    try:
        with stopper.units.handed_over():
            show(raised)
    except BaseException:
        pass  # the hook of the program's has ended it
    flush_streams()
    stopper.tell_of_unsaved(items)
    say(f"stopped before the statement that failed, at {place(stack)}; once it is mended, to continue: {stopper.launch.command}")
    if done:
        say(f"it was half done ({', '.join(done)}): `--at {stack.shown[-1][1]}` starts it again all the same")
    _ends.exit_now(1)


class NotStopped(NamedTuple):
    """Why an exception did not stop the program."""

    raised: Exception
    reason: str | HeresyError

    def tell(self) -> None:
        """Says so, after the traceback."""
        if isinstance(self.reason, HeresyError):
            report(self.reason)
        else:
            say(f"there is no checkpoint of this failure: {self.reason}")


# Many programs come here in each of their runs, since they raise exceptions, and never to a stop.
_bundle.keep()
