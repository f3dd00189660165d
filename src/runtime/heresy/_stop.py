"""Stopping a program: from the signal to a durable checkpoint.

The handler of a signal (see `_signals`) only asks for a stop and turns tracing on; the next start of a statement that is a
safe point takes it. Until there is one the program runs on, and nothing above a frame that waits in C code is traced. Before
a stop is asked for, nothing of this costs anything. A checkpoint after which the program runs on (see `_passing`) comes about
in the same way.
"""

from __future__ import annotations

import _signal as signal  # the module behind `signal`, which brings `enum` along
import _thread
import os
import sys

from . import _ends, _signals
from ._baseline import Baseline, monotonic, process_time
from ._errors import NotContinuable
from ._messages import place, print_error, report, say
from ._tracing import Tracer, importer_of
from ._uncollected import Uncollected, aged

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ._failure import NotStopped
    from ._frame_state import Stack
    from ._kept_back import KeptBack
    from ._part import Part
    from ._passing import Passing
    from ._programs import Programs
    from ._start import Launch
    from ._timer import Timer
    from ._trial import Trial
    from ._units import Units
    from ._waiting import Waiting

#: The one of this process, once a program is being started.
stopper: Stopper | None = None


#: A stop that is as quick as this needs no words; and nobody has read any in this time.
_QUICK, _TO_READ = 1.0, 0.3


class Stopper:
    """Answers the signals for one program.

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

    # --- signals ------------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Takes the signals over, and lets them through."""
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
        from ._start import unblock

        unblock()

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

    def ended(self) -> None:
        """The program has ended: its checkpoint is not needed any more."""
        if os.getpid() != self.pid:
            return
        if self._timer is not None:
            self._timer.set(0)
        # What is left is the interpreter's own end. To be killed in it would say that the program was not done.
        self.handlers.ignore_stops()
        # Generators that are left are closed while the modules are taken apart, and the runtime's with them.
        if sys.gettrace() == self.tracer.on_call:
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
        if self.tracer.is_on:
            self.untrace(sys._getframe())

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
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
            raise _signals.Insisted
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

    # --- tracing ------------------------------------------------------------------------------------------------

    def ask(self, frame: types.FrameType) -> None:
        """Asks for a stop at the start of a statement; returns if it has to wait, or is refused."""
        self.asked = 1
        self.attempt(frame, waiting=False)
        if self.asked:
            self.tracer.trace(frame)

    def is_ours(self, code: types.CodeType) -> bool:
        return code.co_filename in self.units.by_file

    def is_programs(self, code: types.CodeType) -> bool:
        """Whether code is of the program itself, and not of a library."""
        return any(not unit.library for unit in self.units.by_file.get(code.co_filename, ()))

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
        self.attempting = True
        try:
            self.kept_back().during(self._examine_at_work, frame, waiting, abandon)
        except _signals.Insisted:
            self.handlers.interrupt()
        finally:
            self.attempting = False

    def _examine_at_work(self, frame: types.FrameType, waiting: bool, abandon: bool) -> None:
        with self.units.at_work():
            with Uncollected():
                self._examine(frame, waiting, abandon)

    def _examine(self, frame: types.FrameType, waiting: bool, abandon: bool) -> None:
        if self.held:
            self.reason = "inside heresy.no_stop()"
            return
        began = monotonic()
        try:
            from . import _capture

            parts = self._parts(frame, waiting=waiting, abandon=abandon)
            if self.launch.stop_at is not None and not self.asked:
                self.passed += 1
                if not 0 < self.launch.stop_at <= self.passed:
                    return  # what cannot be saved there is tried again at the next
            if self.on_save:
                from ._told import tell_of_save

                tell_of_save(self)
                parts = self._parts(frame, waiting=waiting, abandon=abandon)
            stack = _capture.freeze(parts)
            if parts[-1].abandoned:
                last = parts[-1].frame
                self.obstacle = last.f_code, last.f_lasti, last.f_lineno
                self.abandoned = self.what_is_waited_for(frame).removeprefix("waiting for ")
            else:
                self.abandoned = ""
        except NotContinuable as unsafe:
            self.reason = str(unsafe)
            if self.passing is not None:
                self.passing.examined(monotonic() - began)
            barrier = getattr(unsafe, "barrier", None)
            self.obstacle = (barrier.f_code, barrier.f_lasti, barrier.f_lineno) if barrier is not None else None
            if barrier is not None and barrier is not frame and not waiting:
                self.tracer.barrier = (barrier, barrier.f_lasti)
            elif getattr(unsafe, "is_lasting", False):
                self.tracer.note_no_start(frame)
            self.tracer.watch = getattr(unsafe, "watch", None)
            return
        except RecursionError:
            self.reason = "the program's recursion leaves no room"
            return
        except Exception as error:
            self._refuse(frame, error)
            return
        if self.passing is not None and self.passing.wanted and not self.asked:
            self.passing.save(frame, stack)
        else:
            self._stop(frame, stack)

    def _parts(self, frame: types.FrameType, *, waiting: bool, abandon: bool) -> list[Part]:
        from . import _capture

        if abandon and not self.is_ours(frame.f_code):
            from . import _children, _given_up

            waited_for = _children.waited_for(frame)
            if waited_for and not _children.have_failed(waited_for):
                raise NotContinuable("a child process runs, or has ended well")
            if (parts := _given_up.examine(self, frame, cut_short=bool(waited_for))) is not None:
                return parts
        return _capture.examine(self.read(), frame, waiting=waiting, abandon=abandon)

    def read(self) -> Programs:
        """The syntax of the units, each read when it is first asked for."""
        if self.programs is None:
            from ._programs import Programs

            self.programs = Programs(self.units)
        return self.programs

    # --- the stop itself ----------------------------------------------------------------------------------------

    def _stop(self, frame: types.FrameType, stack: Stack) -> None:
        """Makes a checkpoint and ends the process; returns only if that was not possible."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _signals.STOPS | {_signals.SAVES, self.handlers.timer} - {0})
        sys.settrace(None)
        try:
            from . import _save

            if self.children and not self.abandoned:
                from ._children import refuse

                refuse(self.children)
            if self.passing is not None:
                self.passing.end()
            self.tell_of_unsaved(_save.save(self, stack, ends=True))
        except NotContinuable as unsafe:
            self.reason = str(unsafe)
            self.tracer.trace(frame)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            return
        except Exception as error:
            self._refuse(frame, error)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            return
        where = place(stack)
        if self.abandoned:
            say(f"gave up {self.abandoned}, which runs again when the program continues")
        if self.launch.bounce:
            say(f"stopped at {where}; continuing in a new process")
            self._bounce()
        say(f"stopped at {where}; to continue: {self.launch.command}")
        status = self.launch.options.get("stop_status")
        if status is not None:
            _ends.exit_now(status)
        _signals.end_by(self.number)

    def tell_of_unsaved(self, items: list[str]) -> None:
        """Names what a checkpoint holds placeholders for, unless it is the same as the last time."""
        if items and items != self.told:
            from ._unsaved import warning

            print_error(warning(items))
        self.told = items

    def _refuse(self, frame: types.FrameType, error: Exception) -> None:
        """Says why the program cannot be stopped, and lets it run on."""
        self.untrace(frame)
        self.refused_at = monotonic()
        report(error)
        say(f"the program runs on; {_signals.NAMES[self.number]} within five seconds ends it without saving it")

    def _bounce(self) -> NoReturn:
        import json

        options = {**self.launch.options, "resume": True}
        for once in ("from", "trust", "pdb"):
            options.pop(once, None)
        arguments = [*self.launch.boot, json.dumps(options), *self.launch.arguments]
        seed = (self.launch.hash_seed or {}).get("value")
        if seed is not None:
            os.environ["PYTHONHASHSEED"] = seed
        if self.launch.claim is not None:
            os.set_inheritable(self.launch.claim, True)
        self.kept_back().forget()
        _ends.replace_now(sys.executable, [sys.executable, *arguments])
