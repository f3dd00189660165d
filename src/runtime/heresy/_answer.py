"""Answering signals: from the first one to the place where a stop is made, which `_stopping` does.

The handler of a signal (see `_signals`) only asks for a stop and turns tracing on; the next start of a statement that is a
safe point takes it. Until there is one the program runs on, and nothing above a frame that waits in C code is traced. A
checkpoint after which the program runs on (see `_passing`) comes about in the same way.

A signal may come at any moment, also while a module is being imported; nothing could be imported then to answer it. So this
is not a module that is imported: its code is kept, and executed when the first signal comes (see `_bundle.wake`).
"""

from __future__ import annotations

import _signal as signal  # the module behind `signal`, which brings `enum` along
import _thread
import os
import sys

from . import _ends, _signals
from ._messages import print_error, say
from ._stop import HIGHEST, ROOM, Stopper, aged, monotonic, process_time, set_limit
from ._tracing import Tracer, importer_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from typing import Any

    from ._baseline import Baseline
    from ._kept_back import KeptBack
    from ._passing import Passing
    from ._programs import Programs
    from ._timer import Timer
    from ._waiting import Waiting

#: Why there is no stop, where the runtime's own functions cannot be called.
NO_ROOM = "the program's recursion leaves no room"
#: A stop that is as quick as this needs no words; and nobody has read any in this time.
_QUICK, _TO_READ = 1.0, 0.3


class Insisted(BaseException):
    """The user ends the program while heresy is at work on its stop."""


class Answering(Stopper):
    """Answers the signals for one program.

    Attributes:
        programs: the syntax of its modules, read when it is first needed.
        number: the signal that has asked for a stop.
        asked: how often it has; 0: nobody has.
        waiting: says what a stop waits for, where it takes its time.
    """

    rest = None

    def begin(self) -> None:
        """What there was no need to know before."""
        self.programs: Programs | None = None
        self.number: int = signal.SIGINT
        self.asked = 0
        #: The call that is cut off by the stop, and made again.
        self.abandoned = ""
        #: When a stop was asked for, by the clock and in processor time.
        self.asked_at = 0.0, 0.0
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
        self.tracer = Tracer(self)
        self.waiting: Waiting | None = None
        self.refused_at = float("-inf")
        #: For words: where the call is that keeps the program from being stopped.
        self.obstacle: tuple[types.CodeType, int, int | None] | None = None
        self.reason = ""
        self._baseline: Baseline | None = None
        # What the program has asked for itself: see `_api`.
        self.on_save: list[Callable[[], Any]] = []
        self.on_restore: list[Callable[[], Any]] = []
        self.types: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}
        #: What the last checkpoint holds placeholders for, one line each.
        self.told: list[str] = []
        #: Of the exception that stops the program: its type, and what its statement had done already.
        self.failure: dict[str, Any] | None = None
        #: One entry for each stretch that is not to be stopped in.
        self.held: list[None] = []

    # --- signals ------------------------------------------------------------------------------------------------

    def on_signal(self, number: int, frame: types.FrameType | None) -> None:
        is_taken, kept_back = False, None
        try:
            if self.handlers.settles:
                if number != self.handlers.settles:
                    self.handlers.note(number, frame)
                return
            if self.raised:
                is_taken = True
                raise self.raised.pop()
            if frame is None:
                return  # the program is over: the interpreter is on its way to its own end
            if not (self.units.busy or os.getpid() != self.pid or importer_of(frame) is not None):
                if not self.asked and number != self.handlers.timer:
                    # What is made to answer would have the collector look through what the program has made lately.
                    aged()
                kept_back = self.kept_back()
                kept_back.begin()
            is_taken = True
        except BaseException:
            if not is_taken:
                # It was a handler of the program's that has raised, and this signal has come, too.
                told = map(_thread.interrupt_main, (number,))
                _ = [*told]
            raise
        try:
            self._answer(number, frame)
        finally:
            if kept_back is not None:
                kept_back.end()

    def _answer(self, number: int, frame: types.FrameType) -> None:
        if number == self.handlers.timer:
            self._on_timer(frame)
            return
        # While the runtime is at work, or a module is imported, what is needed to tell may be there in part only.
        busy = self.units.busy
        by_program = not busy and importer_of(frame) is None and self._is_sent_by_program(frame)
        insists = number != _signals.SAVES and monotonic() - self.refused_at < 5
        if os.getpid() != self.pid or insists or by_program:
            # A child of the program, the user insists after a refusal, or nobody has typed it: as in plain Python.
            self.handlers.plain(number)
            return
        if number == _signals.SAVES:
            if not self.asked:
                self.ask_in_passing(frame)
            return
        if not self.asked:
            self.number, self.asked_at, self.told_at = number, (monotonic(), process_time()), None
        elif number == signal.SIGHUP:
            return  # a terminal that is closed sends it more than once
        elif self.told_at is not None:
            if monotonic() - self.told_at > _TO_READ:
                self._end_unsaved(number, frame)
            return
        self.asked = min(self.asked + 1, 2)
        cut_short = number == signal.SIGINT and not busy and self._are_children_cut_short(frame)
        if not busy:
            self.attempt(frame, waiting=True, abandon=self.asked == 2 or cut_short)
        # What a handler of the program's has raised where it was traced has ended that.
        if self.asked == 1 or self.asked and sys.gettrace() is None:
            self.tracer.trace(frame)
        if self.asked == 1:
            # What was imported for this is no work of the program's.
            self.asked_at = monotonic(), process_time()
            if not busy:
                self._watch_wait(frame)
        elif self.asked and not (busy and monotonic() - self.asked_at[0] < _QUICK):
            if self.waiting is not None:
                self.waiting.insists()
            what = "at work on the stop" if busy else self.what_is_waited_for(frame)
            say(f"still {what}; once more ends the program without saving it")
            self.told_at = monotonic()

    def _end_unsaved(self, number: int, frame: types.FrameType) -> None:
        """The user does not wait for the stop."""
        self.untrace(frame)
        if self.attempting and number == signal.SIGINT:
            raise Insisted
        self.handlers.plain(number)

    def _are_children_cut_short(self, frame: types.FrameType) -> bool:
        """Whether a child that the program waits for has been ended by the Ctrl-C, which comes from a terminal then."""
        if "subprocess" not in sys.modules or importer_of(frame) is not None:
            return False
        with self.units.at_work():
            from ._children import are_cut_short, waited_for

            if self.asked == 1:
                self.children = waited_for(frame)
            return bool(self.children) and are_cut_short(self, frame)

    def ask_in_passing(self, frame: types.FrameType) -> None:
        """A checkpoint is asked for, after which the program runs on; what makes it must not be in the midst of an import."""
        self.save_asked = self.units.busy or importer_of(frame) is not None
        if not self.save_asked:
            self.make_passing().ask(frame)
        elif sys.gettrace() is None:
            self.tracer.trace(frame)  # the next event sees to it
        else:
            self.save_asked = self.tracer.is_on

    def _watch_wait(self, frame: types.FrameType) -> None:
        """Where a stop takes its time, that is said; what is needed for it must not be in the midst of its own import."""
        if importer_of(frame) is None:
            with self.units.at_work():
                from ._waiting import Waiting
            self.waiting = Waiting(self)

    def _on_timer(self, frame: types.FrameType) -> None:
        if os.getpid() != self.pid:
            return
        if self.asked:
            if self.waiting is not None:
                self.waiting.goes_on(frame)
        elif self.passing is not None:
            self.passing.tick(frame)

    def _is_sent_by_program(self, frame: types.FrameType) -> bool:
        with self.units.at_work():
            from ._senders import is_sending
        return is_sending(frame)

    def what_is_waited_for(self, frame: types.FrameType) -> str:
        """``waiting for sorted() at main.py:40``, for people."""
        if importer_of(frame) is not None:
            return "waiting for a module to be imported"
        with self.units.at_work():
            from . import _waiting
        return _waiting.described(self)

    def make_passing(self) -> Passing:
        """What makes checkpoints after which the program runs on."""
        if self.passing is None:
            with self.units.at_work():
                from ._passing import Passing
            self.passing = Passing(self)
        return self.passing

    def kept_back(self) -> KeptBack:
        """What keeps the program's handlers from running while it stands still."""
        if self._kept_back is None:
            with self.units.at_work():
                from ._kept_back import KeptBack
            self._kept_back = KeptBack(self)
        return self._kept_back

    def timer(self) -> Timer:
        """The timer, which there is once; a stop takes it over from checkpoints in passing.

        Raises:
            OSError: there is none here.
        """
        if self._timer is None:
            from ._timer import Timer

            self._timer = Timer(self.handlers)
            self.handlers.lose_timer = self._lose_timer
        return self._timer

    def _lose_timer(self) -> None:
        """The program handles its signal itself from now on: the timer takes another."""
        assert self._timer is not None
        self._timer.set(0)
        self._timer, lost, self.handlers.timer = None, self._timer.number, 0
        signal.signal(lost, signal.SIG_IGN)
        if self.passing is not None and not self.asked:
            self.passing.start(self.passing.every, self.passing.overhead)
        signal.signal(lost, signal.SIG_DFL)

    # --- tracing ------------------------------------------------------------------------------------------------

    def ask(self, frame: types.FrameType) -> None:
        """Asks for a stop at the start of a statement; returns if it has to wait, or is refused."""
        self.asked = 1
        self.attempt(frame, waiting=False)
        if self.asked:
            self.tracer.trace(frame)

    def is_ours(self, code: types.CodeType) -> bool:
        return code.co_filename in self.units.by_file

    def untrace(self, frame: types.FrameType | None) -> None:
        """What was asked for is done, or is not to be done."""
        self.tracer.untrace(frame)
        self.asked, self.save_asked, self.children = 0, False, []
        if self.passing is not None:
            self.passing.go_on()
        # It may not have been imported, or in part only.
        forget = getattr(sys.modules.get(f"{__package__}._collecting"), "forget", None)
        if forget is not None:
            forget()

    def attempt(self, frame: types.FrameType, *, waiting: bool, abandon: bool = False) -> None:
        """Stops the program, or makes a checkpoint, if that is possible here.

        Args:
            waiting: it may be in a C call that can be made again; else it is at the start of a statement.
            abandon: whatever C call it is, it is to be made again.
        """
        if not (self.asked or self.launch.stop_at is not None or self.passing is not None and self.passing.wanted):
            return  # it has been made just now
        importer = importer_of(frame)
        if importer is not None:
            # Nothing can be continued there, and a module that the runtime needs may be there in part only.
            self.reason = "a module is being imported"
            if not waiting:
                self.tracer.barrier = (importer, importer.f_lasti)
            return
        outer, limits = self.limits, self.limits or [sys.getrecursionlimit()]
        give_back = map(set_limit, () if outer else limits)  # see `_on_signal`
        set_limit(min(limits[0] + ROOM, HIGHEST))
        self.limits, self.attempting = limits, True
        try:
            self.kept_back().during(self._examine, frame, waiting, abandon)
        except Insisted:
            self.handlers.interrupt()
        finally:
            self.limits, self.attempting = outer, False
            _ = [*give_back]

    def _examine(self, frame: types.FrameType, waiting: bool, abandon: bool) -> None:
        # As much room as the program leaves here there will be where it is continued, which needs some, too.
        limits, now = self.limits, sys.getrecursionlimit()
        assert limits is not None
        with self.units.at_work():
            try:
                set_limit(limits[0])
                from ._stopping import examine
            except RecursionError:
                set_limit(now)
                self.reason = NO_ROOM
                return
            try:
                examine(self, frame, waiting=waiting, abandon=abandon)
            finally:
                # A function of the program's may have been called, and have set another.
                limits[0] = sys.getrecursionlimit()
                set_limit(min(limits[0] + ROOM, HIGHEST))

    def read(self) -> Programs:
        """The syntax of the units, each read when it is first asked for."""
        if self.programs is None:
            from ._programs import Programs

            self.programs = Programs(self.units)
        return self.programs

    def tell_of_unsaved(self, items: list[str]) -> None:
        """Names what a checkpoint holds placeholders for, unless it is the same as the last time."""
        if items and items != self.told:
            from ._unsaved import warning

            print_error(warning(items))
        self.told = items

    @property
    def baseline(self) -> Baseline:
        """What the process was like when the program started."""
        if self._baseline is None:
            from ._baseline import Baseline

            self._baseline = Baseline(*self.began)
        return self._baseline

    def register_exit(self, function: Any, /, *args: Any, **keywords: Any) -> None:
        """Registers a function of the program's with ``atexit`` again."""
        _ends.register(function, *args, **keywords)
        self.exits.append((function, args, keywords, True))

    def let_go(self) -> None:
        """The program has ended: see `ended`."""
        # Generators that are left are closed while the modules are taken apart, and the runtime's with them.
        if sys.gettrace() == self.tracer.on_call:
            sys.settrace(None)
        self.programs = None
        for held in self.on_save, self.on_restore, self.types:
            held.clear()
