"""The stop itself: from a frame that stands where a stop may be to a durable checkpoint, after which the process ends.

What asks for it is in `_stop`. This is not read before somebody does: what a program is to hold while it runs is little.
"""

from __future__ import annotations

import _signal as signal  # the module behind `signal`, which brings `enum` along
import os
import sys

from . import _ends, _signals
from ._answer import NO_ROOM
from ._errors import NotContinuable
from ._handling import end_by
from ._messages import place, report, say
from ._stop import monotonic
from ._uncollected import Uncollected

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import NoReturn

    from ._frame_state import Stack
    from ._part import Part
    from ._stop import Stopper

#: What people call the signals.
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP", _signals.SAVES: "SIGUSR1"}


def examine(stopper: Stopper, frame: types.FrameType, *, waiting: bool, abandon: bool) -> None:
    """Stops the program, or makes a checkpoint, if that is possible here: see `Stopper.attempt`."""
    with Uncollected():
        _examine(stopper, frame, waiting=waiting, abandon=abandon)


def _examine(stopper: Stopper, frame: types.FrameType, *, waiting: bool, abandon: bool) -> None:
    if stopper.held:
        stopper.reason = "inside heresy.no_stop()"
        return
    began = monotonic()
    try:
        from . import _capture

        parts = _parts(stopper, frame, waiting=waiting, abandon=abandon)
        if stopper.launch.stop_at is not None and not stopper.asked:
            stopper.passed += 1
            if not 0 < stopper.launch.stop_at <= stopper.passed:
                return  # what cannot be saved there is tried again at the next
        if stopper.on_save:
            from ._told import tell_of_save

            tell_of_save(stopper)
            parts = _parts(stopper, frame, waiting=waiting, abandon=abandon)
        stack = _capture.freeze(parts)
        if parts[-1].abandoned:
            last = parts[-1].frame
            stopper.obstacle = last.f_code, last.f_lasti, last.f_lineno
            stopper.abandoned = stopper.what_is_waited_for(frame).removeprefix("waiting for ")
        else:
            stopper.abandoned = ""
    except NotContinuable as unsafe:
        stopper.reason = str(unsafe)
        if stopper.passing is not None:
            stopper.passing.examined(monotonic() - began)
        barrier = getattr(unsafe, "barrier", None)
        stopper.obstacle = (barrier.f_code, barrier.f_lasti, barrier.f_lineno) if barrier is not None else None
        if barrier is not None and barrier is not frame and not waiting:
            stopper.tracer.barrier = (barrier, barrier.f_lasti)
        elif getattr(unsafe, "is_lasting", False):
            stopper.tracer.note_no_start(frame)
        stopper.tracer.watch = getattr(unsafe, "watch", None)
        return
    except RecursionError:
        stopper.reason = NO_ROOM
        return
    except Exception as error:
        _refuse(stopper, frame, error)
        return
    if stopper.passing is not None and stopper.passing.wanted and not stopper.asked:
        stopper.passing.save(frame, stack)
    else:
        _stop(stopper, frame, stack)


def _parts(stopper: Stopper, frame: types.FrameType, *, waiting: bool, abandon: bool) -> list[Part]:
    from . import _capture

    if abandon and not stopper.is_ours(frame.f_code):
        from . import _children, _given_up

        waited_for = _children.waited_for(frame)
        if waited_for and not _children.have_failed(waited_for):
            raise NotContinuable("a child process runs, or has ended well")
        if (parts := _given_up.examine(stopper, frame, cut_short=bool(waited_for))) is not None:
            return parts
    return _capture.examine(stopper.read(), frame, waiting=waiting, abandon=abandon)


def _stop(stopper: Stopper, frame: types.FrameType, stack: Stack) -> None:
    """Makes a checkpoint and ends the process; returns only if that was not possible."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _signals.STOPS | {_signals.SAVES, stopper.handlers.timer} - {0})
    sys.settrace(None)
    try:
        from . import _save

        if stopper.children and not stopper.abandoned:
            from ._children import refuse

            refuse(stopper.children)
        if stopper.passing is not None:
            stopper.passing.end()
        stopper.tell_of_unsaved(_save.save(stopper, stack, ends=True))
    except (NotContinuable, RecursionError) as unsafe:
        stopper.reason = NO_ROOM if isinstance(unsafe, RecursionError) else str(unsafe)
        stopper.tracer.trace(frame)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return
    except Exception as error:
        _refuse(stopper, frame, error)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return
    where = place(stack)
    if stopper.abandoned:
        say(f"gave up {stopper.abandoned}, which runs again when the program continues")
    if stopper.launch.bounce:
        say(f"stopped at {where}; continuing in a new process")
        _bounce(stopper)
    say(f"stopped at {where}; to continue: {stopper.launch.command}")
    status = stopper.launch.options.get("stop_status")
    if status is not None:
        _ends.exit_now(status)
    end_by(stopper.number)


def _refuse(stopper: Stopper, frame: types.FrameType, error: Exception) -> None:
    """Says why the program cannot be stopped, and lets it run on."""
    stopper.untrace(frame)
    stopper.refused_at = monotonic()
    report(error)
    say(f"the program runs on; {_NAMES[stopper.number]} within five seconds ends it without saving it")


def _bounce(stopper: Stopper) -> NoReturn:
    import json

    options = {**stopper.launch.options, "resume": True}
    for once in ("from", "trust", "pdb"):
        options.pop(once, None)
    arguments = [*stopper.launch.boot, json.dumps(options), *stopper.launch.arguments]
    seed = (stopper.launch.hash_seed or {}).get("value")
    if seed is not None:
        os.environ["PYTHONHASHSEED"] = seed
    if stopper.launch.claim is not None:
        os.set_inheritable(stopper.launch.claim, True)
    stopper.kept_back().forget()
    _ends.replace_now(sys.executable, [sys.executable, *arguments])
