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

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ._collecting import Watch
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
        self._kept_back: KeptBack | None = None
        #: What a handler of the program's has raised before the program was there to catch it.
        self.raised: list[BaseException] = []
        #: Child processes that have got the same Ctrl-C.
        self.children: list[Any] = []
        self.save_asked = False
        self.tracing = False
        self.passing: Passing | None = None
        self.waiting: Waiting | None = None
        self._timer: Timer | None = None
        self.refused_at = float("-inf")
        self.barrier: tuple[types.FrameType, int] | None = None
        #: For words: where the call is that keeps the program from being stopped.
        self.obstacle: tuple[types.CodeType, int, int | None] | None = None
        self.watch: Watch | None = None
        #: For code objects, by their identity: where in them there is no safe point.
        self.no_starts: dict[int, tuple[types.CodeType, set[int]]] = {}
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
            self.trace(sys._getframe())
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
        if sys.gettrace() == self._on_call:
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
        if self.tracing:
            self.untrace(sys._getframe())

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        if self.handlers.settles:
            return
        if self.raised:
            raise self.raised.pop()
        if frame is None:
            return  # the program is over: the interpreter is on its way to its own end
        if self.units.busy or os.getpid() != self.pid or _importer(frame) is not None:
            self._answer(number, frame)
            return
        try:
            kept_back = self.kept_back()
            kept_back.begin()
        except BaseException:
            # It was a handler of the program's that has raised, and this signal has come, too.
            told = map(_thread.interrupt_main, (number,))
            _ = [*told]
            raise
        try:
            self._answer(number, frame)
        finally:
            kept_back.end()

    def _answer(self, number: int, frame: types.FrameType) -> None:
        if number == self.handlers.timer:
            self._on_timer(frame)
            return
        # While the runtime is at work, or a module is imported, what is needed to tell may be there in part only.
        busy = self.units.busy
        by_program = not busy and _importer(frame) is None and self._is_sent_by_program(frame)
        insists = number != _signals.SAVES and monotonic() - self.refused_at < 5
        if os.getpid() != self.pid or insists or by_program:
            # A child of the program, the user insists after a refusal, or nobody has typed it: as in plain Python.
            _signals.plain(number, frame)
        if number == _signals.SAVES:
            if not self.asked:
                self._ask_in_passing(frame)
            return
        if not self.asked:
            self.number, self.asked_at = number, (monotonic(), process_time())
        elif number == signal.SIGHUP:
            return  # a terminal that is closed sends it more than once
        self.asked += 1
        cut_short = number == signal.SIGINT and not busy and self._are_children_cut_short(frame)
        if self.asked > 2:
            self.untrace(frame)
            _signals.plain(number, frame)
        if not busy:
            self.attempt(frame, waiting=True, abandon=self.asked == 2 or cut_short)
        # What a handler of the program's has raised where it was traced has ended that.
        if self.asked == 1 or self.asked and sys.gettrace() is None:
            self.trace(frame)
        if self.asked == 1:
            # What was imported for this is no work of the program's.
            self.asked_at = monotonic(), process_time()
            if not busy:
                self._watch_wait(frame)
        elif self.asked:
            if self.waiting is not None:
                self.waiting.insists()
            say(f"still {self.what_is_waited_for(frame)}; once more ends the program without saving it")

    def _are_children_cut_short(self, frame: types.FrameType) -> bool:
        """Whether a child that the program waits for has been ended by the Ctrl-C, which comes from a terminal then."""
        if "subprocess" not in sys.modules or _importer(frame) is not None:
            return False
        with self.units.at_work():
            from ._children import are_cut_short, waited_for

            if self.asked == 1:
                self.children = waited_for(frame)
            return bool(self.children) and are_cut_short(self, frame)

    def _ask_in_passing(self, frame: types.FrameType) -> None:
        """A checkpoint is asked for, after which the program runs on; what makes it must not be in the midst of an import."""
        self.save_asked = self.units.busy or _importer(frame) is not None
        if not self.save_asked:
            self.make_passing().ask(frame)
        elif sys.gettrace() is None:
            self.trace(frame)  # the next event sees to it
        else:
            self.save_asked = self.tracing

    def _watch_wait(self, frame: types.FrameType) -> None:
        """Where a stop takes its time, that is said; what is needed for it must not be in the midst of its own import."""
        if _importer(frame) is None:
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
        if _importer(frame) is not None:
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
            self.trace(frame)

    def is_ours(self, code: types.CodeType) -> bool:
        return code.co_filename in self.units.by_file

    def is_programs(self, code: types.CodeType) -> bool:
        """Whether code is of the program itself, and not of a library."""
        return any(not unit.library for unit in self.units.by_file.get(code.co_filename, ()))

    def trace(self, frame: types.FrameType) -> None:
        current: types.FrameType | None = frame
        while current is not None:
            if self.is_ours(current.f_code):
                current.f_trace = self._on_event
            current = current.f_back
        self.tracing = True
        sys.settrace(self._on_call)

    def untrace(self, frame: types.FrameType | None) -> None:
        self.tracing = False
        sys.settrace(None)
        while frame is not None:
            if frame.f_trace == self._on_event:
                frame.f_trace = None
            frame = frame.f_back
        self.asked, self.save_asked, self.barrier, self.watch, self.children = 0, False, None, None, []
        self.no_starts.clear()
        if self.passing is not None:
            self.passing.go_on()
        # It may not have been imported, or in part only.
        forget = getattr(sys.modules.get(f"{__package__}._collecting"), "forget", None)
        if forget is not None:
            forget()

    def _on_call(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        self._look()
        if self._has_given_up(frame):
            return None
        if self.held or not self.is_ours(frame.f_code):
            return None
        if self._behind_barrier(frame) and (self.watch is None or frame.f_code is not self.watch.code):
            return None
        return self._on_event

    def _look(self) -> None:
        """Something of Python's is to run: is it known now what C code is making?"""
        if self.watch is not None:
            self.watch.look()
            if self.watch.is_over:
                self.watch = self.barrier = None

    def _on_event(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        self._look()
        if event == "return" and self.watch is not None and frame.f_code is self.watch.code:
            self.watch.given(arg)
        if self.save_asked and not self.asked:
            self._ask_in_passing(frame)
        if event == "line" and not self.held and not self.save_asked and not self._cannot_stop(frame):
            self.attempt(frame, waiting=False)
            if not self.tracing:
                return None  # nothing is called here any more: what has come meanwhile is the program's
        elif event == "return":
            # Before 3.13 the frame keeps a copy of its variables, which would keep what an exception has dropped.
            frame.f_locals  # noqa: B018
        # What is returned here is what traces the frame from now on.
        return None if self._has_given_up(frame) or not self.tracing else self._on_event

    def _has_given_up(self, frame: types.FrameType) -> bool:
        """Whether a checkpoint in passing has been sought for long enough."""
        return not self.asked and self.passing is not None and self.passing.has_given_up(frame)

    def _cannot_stop(self, frame: types.FrameType) -> bool:
        """Whether it is known that there is no safe point where a frame stands: loops may come there again and again."""
        _, offsets = self.no_starts.get(id(frame.f_code), (None, ()))
        return frame.f_lasti in offsets or self._behind_barrier(frame)

    def _behind_barrier(self, running: types.FrameType) -> bool:
        """Whether a frame below is inside a call that must end before there can be a safe point."""
        if self.barrier is None:
            return False
        frame, instruction = self.barrier
        # A handler of a signal may have been called at this instruction, not by it: then the frame goes on there.
        if frame is not running and frame.f_lasti == instruction and _is_on_stack(frame):
            return True
        self.barrier = None
        return False

    def attempt(self, frame: types.FrameType, *, waiting: bool, abandon: bool = False) -> None:
        """Stops the program, or makes a checkpoint, if that is possible here.

        Args:
            waiting: it may be in a C call that can be made again; else it is at the start of a statement.
            abandon: whatever C call it is, it is to be made again.
        """
        if not (self.asked or self.launch.stop_at is not None or self.passing is not None and self.passing.wanted):
            return  # it has been made just now
        importer = _importer(frame)
        if importer is not None:
            # Nothing can be continued there, and a module that the runtime needs may be there in part only.
            self.reason = "a module is being imported"
            if not waiting:
                self.barrier = (importer, importer.f_lasti)
            return
        self.kept_back().during(self._examine_at_work, frame, waiting, abandon)

    def _examine_at_work(self, frame: types.FrameType, waiting: bool, abandon: bool) -> None:
        with self.units.at_work():
            from ._uncollected import Uncollected

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
                self.barrier = (barrier, barrier.f_lasti)
            elif getattr(unsafe, "is_lasting", False):
                self.no_starts.setdefault(id(frame.f_code), (frame.f_code, set()))[1].add(frame.f_lasti)
            self.watch = getattr(unsafe, "watch", None)
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
            self.trace(frame)
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


def _importer(frame: types.FrameType) -> types.FrameType | None:
    """The outermost frame that is importing a module; None if there is none."""
    found = None
    current: types.FrameType | None = frame
    while current is not None:
        below = current.f_back
        if below is not None and current.f_code.co_filename == "<frozen importlib._bootstrap>":
            found = below
        current = below
    return found


def _is_on_stack(frame: types.FrameType) -> bool:
    current: types.FrameType | None = sys._getframe()
    while current is not None:
        if current is frame:
            return True
        current = current.f_back
    return False
