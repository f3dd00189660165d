"""What there is of a stop before one is asked for: what a program began with, and who is woken when it is to stop."""

from __future__ import annotations

import _signal
import _thread
import gc
import os
import sys
import time

from . import _bundle, _ends, _signals
from ._bundle import Dormant, at_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any

    from ._failure import NotStopped
    from ._launch import Launch
    from ._passing import Passing
    from ._timer import Timer
    from ._trial import Trial
    from ._units import Units

#: The program may put others in the place of these.
monotonic, process_time, now = time.monotonic, time.process_time, time.time
set_limit = sys.setrecursionlimit
#: So many levels of the stack it takes at the most to answer a signal, but for a stop; and the highest limit there is.
ROOM, HIGHEST = 200, 2**31 - 1

#: The one of this process, once a program is being started.
stopper: Stopper | None = None


def aged() -> None:
    """Has the collector take all that there is for old, as most of it is: it is not looked through whenever something is made.

    That goes through none of it. Where the interpreter, or the program, has frozen objects, all is left as it is.
    """
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()


class Stopper(Dormant):
    """Stands for what answers the signals for one program, until the first one comes: then it is an `Answering`.

    Attributes:
        units: the program's instrumented modules.
        began: what the process was like at the start, for a `Baseline`.
        exits: what was registered with ``atexit`` since, which nobody can be asked for: (function, args, keywords, by the
            program).
        passing: makes checkpoints after which the program runs on, once they are wanted.
        not_stopped: why the last exception that nobody catches has not stopped it.
    """

    rest = "heresy._answer", "Answering"
    installed = False
    #: What answers signals is being made.
    is_waking = False
    passed = 0
    #: While a signal is answered, or a stop attempted: the program's recursion limit.
    limits: list[int] | None = None
    passing: Passing | None = None
    trial: Trial | None = None
    not_stopped: NotStopped | None = None
    _timer: Timer | None = None

    @at_start
    def __init__(self, launch: Launch, main: types.ModuleType, units: Units) -> None:
        from . import _baseline

        self.launch = launch
        self.main = main
        self.units = units
        self.pid = os.getpid()
        self.handlers = _signals.Handlers(self._on_signal)
        #: The signals that have come while what answers them was made.
        self.came: list[int] = []
        self.began = _baseline.taken()
        self.exits: list[tuple[Any, ...]] = []
        _ends.watch(self)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        finally:
            if self.came:
                self._come_again()

    def wake(self) -> None:
        """Becomes what answers signals. Those that come meanwhile are in `came`."""
        aged()
        self.is_waking = True
        try:
            # What it imports is to be there, and whole.
            for name in "heresy._messages", "heresy._tracing":
                _bundle.wake(name)
            kind = _bundle.wake("heresy._answer").Answering
            kind.begin(self)
            self.__class__ = kind
        finally:
            self.is_waking = False

    def _come_again(self) -> None:
        told, self.came = map(_thread.interrupt_main, self.came), []
        _ = [*told]

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        # The program's recursion may have left no room, and it is not to see that. What gives it back does so when the list below
        # is made: after that, and before the program goes on, the interpreter does not look for signals.
        outer, self.limits = self.limits, [sys.getrecursionlimit()]
        give_back = map(set_limit, self.limits)
        set_limit(min(self.limits[0] + ROOM, HIGHEST))
        try:
            self._signaled(number, frame)
        finally:
            self.limits = outer
            _ = [*give_back]

    def _signaled(self, number: int, frame: types.FrameType | None) -> None:
        if self.rest is None:
            self.on_signal(number, frame)
            return
        if frame is None:
            return  # the program is over: the interpreter is on its way to its own end
        self.came.append(number)
        if self.is_waking:
            return
        try:
            self.wake()
        except BaseException:
            # A handler of the program's has raised meanwhile.
            self._come_again()
            raise
        came, self.came = self.came, []
        while len(came) > 1:
            self.on_signal(came.pop(0), frame)
        # The last thing done: what the interpreter is to raise when a handler has returned would be raised in a loop.
        self.on_signal(came[0], frame)

    @at_start
    def install(self) -> None:
        """Takes the signals over."""
        if self.installed:
            return
        self.installed = True
        self.handlers.forked = self._is_forked
        self.handlers.install()
        if self.launch.stop_at is not None:
            self.tracer.trace(sys._getframe())
        if "every" in self.launch.options:
            self.make_passing().start(*self.launch.options["every"])
        trial = self.launch.options.get("trial", {})
        if "at" in trial:
            from ._trial import Trial

            self.trial = Trial(self, trial["at"], trial["report"])

    @at_start
    def let_through(self) -> None:
        """Lets the signals through that `heresy run` has kept back while the interpreter started."""
        names = self.launch.options.get("blocked", [])
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {getattr(_signal, name) for name in names})

    def is_programs(self, code: types.CodeType) -> bool:
        """Whether code is of the program itself, and not of a library."""
        return any(not unit.library for unit in self.units.by_file.get(code.co_filename, ()))

    def ended(self) -> None:
        """The program has ended: its checkpoint is not needed any more."""
        if os.getpid() != self.pid:
            return
        if self._timer is not None:
            self._timer.set(0)
        # What is left is the interpreter's own end. To be killed in it would say that the program was not done.
        self.handlers.ignore_stops()
        if self.rest is None:
            self.let_go()
        if self.trial is not None:
            self.trial.ended()
        if self.launch.stop_at == 0:
            _bundle.wake("heresy._messages").say(f"{self.passed} safe points passed")
        self.replaced()
        # What is left of the program is taken apart as ever: nothing is to keep its globals from here.
        self.main = type(sys)("__main__")
        self.exits.clear()

    def replaced(self) -> None:
        """Another program takes the place of this one, for which that is the end."""
        if os.getpid() != self.pid:
            return
        if self.passing is not None:
            self.passing.end()
        if os.path.exists(self.launch.checkpoint):
            from . import _checkpoint

            _checkpoint.remove(self.launch.checkpoint, self.launch.options.get("keep"))

    def _is_forked(self) -> None:
        """This is a child of the program now. What was asked of that was not asked of it."""
        self.launch.stop_at, self.passing = None, None
        if self.rest is None and self.tracer.is_on:
            self.untrace(sys._getframe())
