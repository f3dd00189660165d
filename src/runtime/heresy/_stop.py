"""What there is of a stop before one is asked for: what a program began with, and who is woken when it is to stop.

All that a program holds the collector passes each time, and what heresy holds beside it is to cost nothing. So what answers
signals is not made before the first one comes: see `_answer`.
"""

from __future__ import annotations

import _signal as signal  # the module behind `signal`, which brings `enum` along
import _thread
import os
import sys

from . import _bundle, _ends, _signals
from ._baseline import Baseline
from ._messages import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from typing import Any

    from ._failure import NotStopped
    from ._kept_back import KeptBack
    from ._launch import Launch
    from ._passing import Passing
    from ._programs import Programs
    from ._timer import Timer
    from ._tracing import Tracer
    from ._trial import Trial
    from ._units import Units
    from ._waiting import Waiting

#: The one of this process, once a program is being started.
stopper: Stopper | None = None


class Stopper:
    """Stands for what answers the signals for one program, until the first one comes: then `Answering` takes its place.

    Attributes:
        units: the program's instrumented modules.
        programs: their syntax, read when it is first needed.
        number: the signal that has asked for a stop.
        asked: how often it has; 0: nobody has.
        passing: makes checkpoints after which the program runs on, once they are wanted.
    """

    def __init__(self, launch: Launch, main: types.ModuleType, units: Units) -> None:
        self.launch = launch
        self.main = main
        self.units = units
        self.pid = os.getpid()
        self.programs: Programs | None = None
        self.installed = False
        self.handlers = _signals.Handlers(self._on_signal)
        self.number: int = signal.SIGINT
        self.asked = 0
        #: The call that is cut off by the stop, and made again.
        self.abandoned = ""
        #: When a stop was asked for, by the clock and in processor time.
        self.asked_at = 0.0, 0.0
        #: What answers signals is being made; those that have come meanwhile.
        self.is_waking = False
        self.came: list[int] = []
        #: A function that it calls may be interrupted, and what interrupts it is caught.
        self.attempting = False
        #: When the user was told that to ask once more ends the program without saving it.
        self.told_at: float | None = None
        self._kept_back: KeptBack | None = None
        #: What a handler of the program's has raised before the program was there to catch it.
        self.raised: list[BaseException] = []
        #: Child processes that have got the same Ctrl-C.
        self.children: list[Any] = []
        self.save_asked = False
        self.tracer: Tracer
        self.passing: Passing | None = None
        self.waiting: Waiting | None = None
        self._timer: Timer | None = None
        self.refused_at = float("-inf")
        #: For words: where the call is that keeps the program from being stopped.
        self.obstacle: tuple[types.CodeType, int, int | None] | None = None
        self.reason = ""
        self.passed = 0
        self.trial: Trial | None = None
        self.baseline = Baseline()
        #: What was registered with ``atexit`` since, which nobody can be asked for: (function, args, keywords, by the program).
        self.exits: list[tuple[Any, ...]] = []
        #: Registers a function of the program's there again.
        self.register_exit: Callable[..., Any]
        _ends.watch(self)
        # What the program has asked for itself: see `_api`.
        self.on_save: list[Callable[[], Any]] = []
        self.on_restore: list[Callable[[], Any]] = []
        self.types: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}
        #: What the last checkpoint holds placeholders for, one line each.
        self.told: list[str] = []
        #: Of the exception that stops the program: its type, and what its statement had done already.
        self.failure: dict[str, Any] | None = None
        #: Why the last exception that nobody catches has not stopped it.
        self.not_stopped: NotStopped | None = None
        #: One entry for each stretch that is not to be stopped in.
        self.held: list[None] = []

    def __getattr__(self, name: str) -> Any:
        if type(self) is not Stopper:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        try:
            self.wake()
        finally:
            self._come_again()
        return getattr(self, name)

    def wake(self) -> None:
        """Becomes what answers signals. Those that come meanwhile are in `came`."""
        self.is_waking = True
        try:
            self.tracer = _bundle.wake("heresy._tracing").Tracer(self)
            self.__class__ = _bundle.wake("heresy._answer").Answering
        finally:
            self.is_waking = False

    def _come_again(self) -> None:
        told, self.came = map(_thread.interrupt_main, self.came), []
        _ = [*told]

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        if type(self) is not Stopper:
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

    def install(self) -> None:
        """Takes the signals over, and lets them through."""
        if self.installed:
            return
        self.installed = True
        self.handlers.forked = self._is_forked
        self.handlers.install()
        if self.launch.stop_at is not None:
            self.wake()
            self.tracer.trace(sys._getframe())
        if "every" in self.launch.options:
            self.make_passing().start(*self.launch.options["every"])
        trial = self.launch.options.get("trial", {})
        if "at" in trial:
            from ._trial import Trial

            self.trial = Trial(self, trial["at"], trial["report"])
        _signals.unblock(self.launch.options.get("blocked", []))

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
        # Generators that are left are closed while the modules are taken apart, and the runtime's with them.
        if type(self) is not Stopper and sys.gettrace() == self.tracer.on_call:
            sys.settrace(None)
        if self.trial is not None:
            self.trial.ended()
        if self.launch.stop_at == 0:
            say(f"{self.passed} safe points passed")
        self.replaced()
        # What is left of the program is taken apart as ever: nothing is to keep its globals from here.
        self.main, self.programs = type(sys)("__main__"), None
        for held in self.exits, self.on_save, self.on_restore, self.types:
            held.clear()

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
        if type(self) is not Stopper and self.tracer.is_on:
            self.untrace(sys._getframe())
