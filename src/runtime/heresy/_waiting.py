"""A stop that waits: saying for what, and for how long at most."""

from __future__ import annotations

import _signal
import sys
import types

from ._messages import say
from ._stop import Stopper
from ._timer import Timer
from ._tracing import is_tracing

#: A stop that is as quick as this needs no words.
_QUIET = 1.0
#: For how long a call that blocks is waited for, where nobody says.
_GRACE = 10.0


class Waiting:
    """Watches over one stop, if there is a timer here."""

    def __init__(self, stopper: Stopper) -> None:
        self.stopper = stopper
        self.grace: float = 0.0 if stopper.number == _signal.SIGINT else stopper.launch.options.get("grace", _GRACE)
        self.waited = 0.0
        self.said = False
        try:
            self.timer: Timer | None = stopper.timer()
        except OSError:
            self.timer = None
        self._next(_QUIET)

    def _next(self, seconds: float, *, interrupts: bool = True) -> None:
        self.waited += seconds
        if self.timer is not None:
            self.timer.set(seconds, interrupts=interrupts)

    def insists(self) -> None:
        """It has been asked for once more: from now on what blocks is interrupted, and tried to be given up."""
        self._next(_QUIET)

    def goes_on(self, frame: types.FrameType) -> None:
        """The timer has run out, and the program still has not been stopped."""
        stopper = self.stopper
        if stopper.units.busy:
            self._next(_QUIET)
            return
        while is_tracing(frame) and frame.f_back is not None:
            frame = frame.f_back  # the program is being traced
        # It may be possible by now; and what is in the way may be something else.
        stopper.attempt(frame, waiting=True, abandon=stopper.asked > 1)
        if stopper.asked and sys.gettrace() is None:
            stopper.tracer.trace(frame)  # a handler of the program's has raised where it was traced, which ends that
        if not self.said:
            self.said = True
            say(stopper.what_is_waited_for(frame))
        if not self.grace:
            # The second Ctrl-C may have come while this was at work, and could do nothing there.
            self._next(_QUIET, interrupts=stopper.asked > 1)
            return
        if self.waited < self.grace:
            self._next(max(self.grace - self.waited, 0.01))
        else:
            stopper.attempt(frame, waiting=True, abandon=True)
            self._next(self.grace)


def described(stopper: Stopper) -> str:
    """``waiting for sorted() at main.py:40``, or what else keeps a stop from being made."""
    from . import _cpython

    if stopper.held:
        return f"waiting: {stopper.reason}"
    if stopper.obstacle is None:
        return f"waiting: {stopper.reason or 'no statement has started yet'}"
    code, offset, line = stopper.obstacle
    place = f"{code.co_filename}:{line}"
    name = _cpython.called_name(code, offset)
    return f"waiting for {name}() at {place}" if name else f"waiting at {place}: {stopper.reason}"
