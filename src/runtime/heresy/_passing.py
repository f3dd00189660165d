"""Checkpoints in passing: made, and the program runs on.

There are three reasons for one: the program asks for it (`heresy.checkpoint`), a signal does (SIGUSR1), or a time has passed
(``--every``). The last is to be hardly noticed:

* A timer of heresy's own asks for it (see `_timer`). The next safe point is sought by tracing, as for a stop; where none
  comes soon, tracing ends, and it is tried again the next time.
* The state is saved by a twin of the process (see `_twin`), while the program runs on; where there cannot be one, by the
  program itself. There is one writer at a time: while the twin writes, nothing is begun.
* What it costs is added up: the seeking, the pause, and what the twin has taken from the program (see `_lost`). The next one
  comes so late that this stays below ``--max-overhead``.

After a kill the program goes on from the last one, and does again what it had done since. So a file that it was writing is cut
back to where it was: see `reopening`.
"""

from __future__ import annotations

import _signal
import os
import sys
import types

from . import _capture, _forked, _save, _signals
from ._errors import HeresyError, InternalError, NotContinuable
from ._frame_state import Stack
from ._messages import place, print_error, say
from ._stop import Stopper, monotonic
from ._timer import Timer
from ._told import tell_of_save
from ._twin import Twin

#: How much is tried before it is given up until the next time: events of tracing, of which one that is examined counts more.
_PATIENCE = 5000
_EXAMINED = 100
#: What an event of tracing costs, in seconds.
_EVENT = 1e-6
#: When to look again at what is only just in the way.
_AGAIN = 0.01


class Passing:
    """Makes them for signals, and for a timer.

    Attributes:
        wanted: one is wanted now.
    """

    def __init__(self, stopper: Stopper) -> None:
        self.stopper = stopper
        self.wanted = False
        #: A signal has asked for it: it is made by the program itself, however long it takes until it can be.
        self.asked = False
        self.every = 0.0
        self.overhead = 1.0
        self.timer: Timer | None = None
        self.twin: Twin | None = None
        self.left = 0
        self.cost = 0.0
        self.begun = 0.0
        #: What was said the last time it could not be made.
        self.told = ""

    def start(self, every: float, overhead: float) -> None:
        """Makes one each time so many seconds have passed."""
        self.every, self.overhead = every, overhead
        with self.stopper.units.at_work():
            try:
                self.timer = self.stopper.timer()
            except OSError as error:
                say(f"--every does nothing here: {error}")
                return
            # The first one is to be as short a pause as the others.
            programs = self.stopper.read()
            for unit in list(self.stopper.units.by_id.values()):
                programs.program(unit)
        self.begun = monotonic()
        self._next()

    def ask(self, frame: types.FrameType) -> None:
        """A signal asks for one."""
        if not self.asked:
            self.asked = True
            self._seek(frame)

    def tick(self, frame: types.FrameType) -> None:
        """The time has passed."""
        stopper = self.stopper
        if stopper.units.busy:
            self._next(_AGAIN)
        elif self.wanted:
            # It is sought still: no event has come, since some call takes long. Perhaps it is one that can be made again.
            stopper.attempt(frame, waiting=True)
            if self.wanted:
                if sys.gettrace() is None:
                    stopper.tracer.trace(frame)  # a handler of the program's has raised where it was traced, which ends that
                self._next(self.every)
        elif self.twin is not None and not self._is_over():
            self._next(max(self.every / 4, _AGAIN))
        elif monotonic() < self._due() - _AGAIN:
            self._next()
        else:
            self.begun, self.cost, self.left = monotonic(), 0.0, _PATIENCE
            self._seek(frame)
            if self.wanted:
                self._next(self.every)

    def _seek(self, frame: types.FrameType) -> None:
        stopper = self.stopper
        if sys.gettrace() is not None and not stopper.tracer.is_on:
            if self.asked:
                say("no checkpoint can be made while the program is being traced")
            self.asked = False
            self._next()
            return
        self.wanted = True
        if not stopper.units.busy:
            stopper.attempt(frame, waiting=True)
        if self.wanted:
            stopper.tracer.trace(frame)

    def go_on(self) -> None:
        """Nothing is sought any more."""
        self.wanted = self.asked = False
        self._next()

    def has_given_up(self, frame: types.FrameType) -> bool:
        """Whether it is not worth while to seek on. Counts what is done."""
        if not self.wanted or self.asked:
            return False
        self.left -= 1
        self.cost += _EVENT
        if self.left > 0:
            return False
        self.stopper.untrace(frame)
        return True

    def examined(self, seconds: float) -> None:
        """A place was looked at, which took so long, and was none."""
        self.left -= _EXAMINED
        self.cost += seconds

    def _due(self) -> float:
        """When the next is due: so late that what the last has cost is little in that time."""
        return self.begun + max(self.every, self.cost / self.overhead)

    def _next(self, least: float = 0.0) -> None:
        """Sets the timer for the next."""
        if self.timer is not None:
            self.timer.set(max(self._due() - monotonic(), least, _AGAIN), interrupts=False)

    # --- one checkpoint -------------------------------------------------------------------------------------------

    def save(self, frame: types.FrameType, stack: Stack) -> None:
        """Makes it, at a safe point."""
        began = monotonic()
        stopper, asked = self.stopper, self.asked
        mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
        try:
            stopper.untrace(frame)
            if asked or not self._by_twin(stack):
                self.end()
                stopper.tell_of_unsaved(_save.save(stopper, stack, ends=False, passing=True))
                self._tell(None)
                if asked:
                    say(f"checkpoint made at {place(stack)}; the program runs on")
        except NotContinuable as unsafe:
            stopper.reason = str(unsafe)
            if asked:
                self.wanted = self.asked = True
                stopper.tracer.trace(frame)
        except HeresyError as error:
            self._tell(error, always=asked)
        except Exception as error:
            self._tell(InternalError.of(error), always=asked)
        finally:
            self.cost += monotonic() - began
            self._next()
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)

    def _by_twin(self, stack: Stack) -> bool:
        """Whether a twin has begun to make it."""
        stopper = self.stopper
        _forked.refuse()  # the twin itself has no children
        if self.twin is None:
            self.twin = Twin()
        return self.twin.begin(stopper, lambda: _save.save(stopper, stack, ends=False, passing=True, twin=self.twin))

    def _is_over(self) -> bool:
        """Whether the twin has ended; then it is known what it has cost, and what became of its checkpoint."""
        assert self.twin is not None
        if not self.twin.pid:
            return True
        if not self.twin.has_ended():
            return False
        self.cost += self.twin.lost
        self._tell(self.twin.refusal)
        return True

    def _tell(self, refusal: HeresyError | str | None, *, always: bool = False) -> None:
        """Says why none was made; the same thing only once, until one is."""
        text = refusal.diagnostic() if isinstance(refusal, HeresyError) else refusal or ""
        code = text.partition(":")[0]
        if text and (always or code != self.told):
            print_error(f"{text}\nheresy: no checkpoint was made; the program runs on")
        self.told = code

    def end(self) -> None:
        """Ends a twin that still writes: what it writes is not needed any more."""
        if self.twin is not None:
            self.twin.end(self.stopper.launch.checkpoint)


def checkpoint(stopper: Stopper, called: types.FrameType) -> None:
    """Makes one from which the frame that has called ``called`` goes on with True as the call's value.

    Raises:
        HeresyError: that is not possible; nothing has changed then.
    """
    frame = called.f_back
    assert frame is not None
    stopper.kept_back().during(_checkpoint, stopper, frame, called)


def _checkpoint(stopper: Stopper, frame: types.FrameType, called: types.FrameType) -> None:
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    with stopper.units.at_work():
        try:
            if os.getpid() != stopper.pid:
                raise NotContinuable("this is a child process of the program")
            if stopper.held:
                raise NotContinuable("inside heresy.no_stop()")
            parts = _capture.examine(stopper.read(), frame, called=called)
            if stopper.on_save:
                tell_of_save(stopper)
                parts = _capture.examine(stopper.read(), frame, called=called)
            _signal.pthread_sigmask(_signal.SIG_BLOCK, _signals.STOPS)
            if stopper.passing is not None:
                stopper.passing.end()
            stopper.tell_of_unsaved(_save.save(stopper, _capture.freeze(parts), ends=False))
        except NotContinuable as unsafe:
            raise HeresyError(
                "H315", f"cannot make a checkpoint here: {unsafe}",
                why="the program could not be continued exactly from this place",
                help="call heresy.checkpoint() directly, from functions of the program that call each other directly",
            ) from None  # fmt: skip
        except RecursionError:
            raise HeresyError("H312", "cannot make a checkpoint here: the program's recursion leaves no room") from None
        except HeresyError:
            raise
        except Exception as error:
            raise InternalError.of(error) from error
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
