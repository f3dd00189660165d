"""Stopping a program: from the signal to a durable checkpoint.

The handler of Ctrl-C only asks for a stop and turns tracing on; the next start of a statement that is a safe point takes
it. Until there is one the program runs on, and nothing above a frame that waits in C code is traced. Before a stop is
asked for, nothing of this costs anything.
"""

from __future__ import annotations

import _signal as signal  # the module behind `signal`, which brings `enum` along
import _warnings  # the same of `warnings`
import atexit
import gc
import os
import sys
import time

from ._errors import HeresyError, InternalError, NotContinuable, raised_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ._collecting import Watch
    from ._frame_state import Stack
    from ._program import Programs
    from ._start import Launch
    from ._trial import Trial
    from ._units import Units

#: The one of this process, once a program is being started.
stopper: Stopper | None = None

_STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def process_settings() -> dict[str, Any]:
    """What the interpreter and the operating system keep for a process, and cost nothing to ask for."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "umask": umask,
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "switch_interval": sys.getswitchinterval(),
        "int_max_str_digits": sys.get_int_max_str_digits(),
        "dont_write_bytecode": sys.dont_write_bytecode,
        "pycache_prefix": sys.pycache_prefix,
        "traceback_limit": getattr(sys, "tracebacklimit", None),
    }


def stream_settings() -> dict[str, dict[str, Any]]:
    """How the standard streams are set up; without those that there are not."""
    streams = {"stdin": sys.__stdin__, "stdout": sys.__stdout__, "stderr": sys.__stderr__}
    names = ("encoding", "errors", "line_buffering", "write_through")
    return {
        which: {name: getattr(stream, name, None) for name in names}
        for which, stream in streams.items()
        if stream is not None
    }


class Baseline:
    """What the program's environment was when it started: its own changes are the difference."""

    def __init__(self) -> None:
        self.process = process_settings()
        self.streams = stream_settings()
        self.builtins = dict(sys.modules["builtins"].__dict__)
        self.environ = dict(os.environ)
        try:
            self.cwd = os.getcwd()
        except OSError:
            self.cwd = ""  # it was removed
        self.path = list(sys.path)
        self.argv = list(sys.argv)
        self.recursion_limit = sys.getrecursionlimit()
        self.filters = list(_warnings.filters)
        self.collecting = gc.get_threshold(), gc.isenabled()
        self.modules = set(sys.modules)


class Stopper:
    """Answers Ctrl-C for one program.

    Attributes:
        units: the program's instrumented modules.
        programs: their syntax, read when it is first needed.
    """

    def __init__(self, launch: Launch, main: types.ModuleType, units: Units) -> None:
        self.launch = launch
        self.main = main
        self.units = units
        self.pid = os.getpid()
        self.programs: Programs | None = None
        self.installed = False
        self.asked = 0
        self.refused_at = float("-inf")
        self.barrier: tuple[types.FrameType, int] | None = None
        self.watch: Watch | None = None
        self.reason = ""
        self.passed = 0
        self.trial: Trial | None = None
        # The first to be registered is the last to be called: what the program registers belongs to its run.
        atexit.register(self._ended)
        self.baseline = Baseline()
        #: What was registered with ``atexit`` since, which nobody can be asked for: (function, args, keywords).
        self.exits: list[tuple[Any, ...]] = []
        self._watch_exits()
        # What the program has asked for itself: see `_api`.
        self.on_save: list[Callable[[], Any]] = []
        self.on_restore: list[Callable[[], Any]] = []
        self.types: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}
        #: What the last checkpoint holds placeholders for, one line each.
        self.told: list[str] = []
        #: One entry for each stretch that is not to be stopped in.
        self.held: list[None] = []

    def _watch_exits(self) -> None:
        register, unregister = atexit.register, atexit.unregister

        def watched_register(function: Any, /, *args: Any, **keywords: Any) -> Any:
            register(function, *args, **keywords)
            self.exits.append((function, args, keywords))
            return function

        def watched_unregister(function: Any, /) -> None:
            unregister(function)
            self.exits[:] = [exit_ for exit_ in self.exits if exit_[0] != function]

        for watched, plain in ((watched_register, register), (watched_unregister, unregister)):
            for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
                setattr(watched, attribute, getattr(plain, attribute))
        atexit.register, atexit.unregister = watched_register, watched_unregister

    # --- signals ------------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Takes Ctrl-C over, unless it is ignored, and lets signals through."""
        if self.installed:
            return
        self.installed = True
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._on_signal)
        if self.launch.stop_at is not None:
            self._trace(sys._getframe())
        trial = self.launch.options.get("trial", {})
        if "at" in trial:
            from ._trial import Trial

            self.trial = Trial(self, trial["at"], trial["report"])
        from ._start import unblock

        unblock()

    def _ended(self) -> None:
        """The program has ended: its checkpoint is not needed any more."""
        if os.getpid() != self.pid:
            return
        if signal.getsignal(signal.SIGINT) == self._on_signal:
            # What is left is the interpreter's own end. To be killed in it would say that the program was not done.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Generators that are left are closed while the modules are taken apart, and the runtime's with them.
        if sys.gettrace() == self._on_call:
            sys.settrace(None)
        if self.trial is not None:
            self.trial.ended()
        if self.launch.stop_at == 0:
            say(f"{self.passed} safe points passed")
        if os.path.exists(self.launch.checkpoint):
            from . import _checkpoint

            _checkpoint.remove(self.launch.checkpoint, self.launch.options.get("keep"))

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        if frame is None:
            return  # the program is over: the interpreter is on its way to its own end
        # While the runtime is at work, or a module is imported, what is needed to tell may be there in part only.
        busy = self.units.busy
        by_program = not busy and _importer(frame) is None and self._is_sent_by_program(frame)
        if os.getpid() != self.pid or time.monotonic() - self.refused_at < 5 or by_program:
            # A child of the program, the user insists after a refusal, or nobody has typed it: as in plain Python.
            signal.default_int_handler(number, frame)
        self.asked += 1
        if self.asked == 2:
            say(
                f"still waiting for a place to stop at ({self.reason or 'no statement has started yet'}); "
                "once more ends the program without saving it"
            )
        elif self.asked > 2:
            self._untrace(frame)
            signal.default_int_handler(number, frame)
        else:
            if not busy:
                self._try(frame, waiting=True)
            if self.asked:
                self._trace(frame)

    def _is_sent_by_program(self, frame: types.FrameType) -> bool:
        """Whether the program itself has sent the signal: it is in a call that does so, or in what that call runs."""
        with self.units.at_work():
            from . import _cpython

        current: types.FrameType | None = frame
        while current is not None:
            if _cpython.called_name(current.f_code, current.f_lasti) in _SENDERS:
                return True
            # A call may go on in a generator, and in those that it delegates to.
            current = current.f_back if current.f_code.co_flags & _GENERATOR else None
        return False

    # --- tracing ------------------------------------------------------------------------------------------------

    def ask(self, frame: types.FrameType) -> None:
        """Asks for a stop at the start of a statement; returns if it has to wait, or is refused."""
        self.asked = 1
        self._try(frame, waiting=False)
        if self.asked:
            self._trace(frame)

    def _ours(self, code: types.CodeType) -> bool:
        return code.co_filename in self.units.by_file

    def _trace(self, frame: types.FrameType) -> None:
        current: types.FrameType | None = frame
        while current is not None:
            if self._ours(current.f_code):
                current.f_trace = self._on_event
            current = current.f_back
        sys.settrace(self._on_call)

    def _untrace(self, frame: types.FrameType | None) -> None:
        sys.settrace(None)
        while frame is not None:
            if frame.f_trace == self._on_event:
                frame.f_trace = None
            frame = frame.f_back
        self.asked, self.barrier, self.watch = 0, None, None
        # It may not have been imported, or in part only.
        forget = getattr(sys.modules.get(f"{__package__}._collecting"), "forget", None)
        if forget is not None:
            forget()

    def _on_call(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        self._look()
        if self.held or not self._ours(frame.f_code):
            return None
        if self._behind_barrier() and (self.watch is None or frame.f_code is not self.watch.code):
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
        if event == "line" and not self.held and not self._behind_barrier():
            self._try(frame, waiting=False)
        elif event == "return":
            # Before 3.13 the frame keeps a copy of its variables, which would keep what an exception has dropped.
            frame.f_locals  # noqa: B018
        return self._on_event

    def _behind_barrier(self) -> bool:
        """Whether a frame below is inside a call that must end before there can be a safe point."""
        if self.barrier is None:
            return False
        frame, instruction = self.barrier
        if frame.f_lasti == instruction and _is_on_stack(frame):
            return True
        self.barrier = None
        return False

    def _try(self, frame: types.FrameType, *, waiting: bool) -> None:
        importer = _importer(frame)
        if importer is not None:
            # Nothing can be continued there, and a module that the runtime needs may be there in part only.
            self.reason = "a module is being imported"
            if not waiting:
                self.barrier = (importer, importer.f_lasti)
            return
        with self.units.at_work():
            self._examine(frame, waiting=waiting)

    def _examine(self, frame: types.FrameType, *, waiting: bool) -> None:
        if self.held:
            self.reason = "inside heresy.no_stop()"
            return
        try:
            from . import _capture

            parts = _capture.examine(self.read(), frame, waiting=waiting)
            if self.launch.stop_at is not None and not self.asked:
                self.passed += 1
                if not 0 < self.launch.stop_at <= self.passed:
                    return  # what cannot be saved there is tried again at the next
            if self.on_save:
                self._tell_of_save()
                parts = _capture.examine(self.read(), frame, waiting=waiting)
            stack = _capture.freeze(parts)
        except NotContinuable as unsafe:
            self.reason = str(unsafe)
            barrier = getattr(unsafe, "barrier", None)
            if barrier is not None and barrier is not frame and not waiting:
                self.barrier = (barrier, barrier.f_lasti)
            self.watch = getattr(unsafe, "watch", None)
            return
        except RecursionError:
            self.reason = "the program's recursion leaves no room"
            return
        except Exception as error:
            self._refuse(frame, error)
            return
        self._stop(frame, stack)

    def read(self) -> Programs:
        """The syntax of the units, each read when it is first asked for."""
        if self.programs is None:
            from ._program import Programs

            self.programs = Programs(self.units)
        return self.programs

    # --- on the program's own account ---------------------------------------------------------------------------

    def checkpoint(self, called: types.FrameType) -> None:
        """Makes a checkpoint from which the frame that has called ``called`` goes on with True as the call's value.

        Raises:
            HeresyError: that is not possible; nothing has changed then.
        """
        frame = called.f_back
        assert frame is not None
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        with self.units.at_work():
            try:
                if os.getpid() != self.pid:
                    raise NotContinuable("this is a child process of the program")
                if self.held:
                    raise NotContinuable("inside heresy.no_stop()")
                from . import _capture, _save

                parts = _capture.examine(self.read(), frame, called=called)
                if self.on_save:
                    self._tell_of_save()
                    parts = _capture.examine(self.read(), frame, called=called)
                signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
                self._tell_of_unsaved(_save.save(self, _capture.freeze(parts), ends=False))
            except NotContinuable as unsafe:
                raise HeresyError(
                    "H315", f"cannot make a checkpoint here: {unsafe}",
                    why="the program could not be continued exactly from this place",
                    help="call heresy.checkpoint() directly, from functions of the program that call each other directly",
                ) from None  # fmt: skip
            except RecursionError:
                raise HeresyError(
                    "H312", "cannot make a checkpoint here: the program's recursion leaves no room"
                ) from None
            except HeresyError:
                raise
            except Exception as error:
                raise InternalError(f"the runtime has failed: {type(error).__name__}: {error}") from error
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _tell_of_save(self) -> None:
        """Calls the program's functions that are to be called before a checkpoint.

        Raises:
            HeresyError: one has failed.
        """
        for function in list(self.on_save):
            try:
                with self.units.handed_over():
                    function()
            except BaseException as error:
                raise HeresyError(
                    "H316", f"cannot stop here: the on_save function {raised_by(function, error)}",
                    why="nothing is saved when such a function fails",
                ) from error  # fmt: skip

    def tell_of_restore(self) -> None:
        """Calls the program's functions that are to be called before it goes on.

        Raises:
            HeresyError: one has failed.
        """
        for function in list(self.on_restore):
            try:
                function()
            except BaseException as error:
                raise HeresyError(
                    "H328", f"cannot continue: the on_restore function {raised_by(function, error)}",
                    why="the program is not continued when such a function fails; the checkpoint is as it was",
                    help="run the same command again when the cause is gone, or start over with `--fresh`",
                ) from error  # fmt: skip

    # --- the stop itself ----------------------------------------------------------------------------------------

    def _stop(self, frame: types.FrameType, stack: Stack) -> None:
        """Makes a checkpoint and ends the process; returns only if that was not possible."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        sys.settrace(None)
        try:
            from . import _save

            self._tell_of_unsaved(_save.save(self, stack, ends=True))
        except NotContinuable as unsafe:
            self.reason = str(unsafe)
            self._trace(frame)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
            return
        except Exception as error:
            self._refuse(frame, error)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
            return
        file, line, function, _ = stack.shown[-1]
        where = f"{file}:{line}" + ("" if function == "<module>" else f" in {function}()")
        if self.launch.bounce:
            say(f"stopped at {where}; continuing in a new process")
            self._bounce()
        say(f"stopped at {where}; to continue: {self.launch.command}")
        end_by(signal.SIGINT)

    def _tell_of_unsaved(self, items: list[str]) -> None:
        """Names what a checkpoint holds placeholders for, unless it is the same as the last time."""
        if items and items != self.told:
            from ._unsaved import warning

            print_error(warning(items))
        self.told = items

    def _refuse(self, frame: types.FrameType, error: Exception) -> None:
        """Says why the program cannot be stopped, and lets it run on."""
        self._untrace(frame)
        self.refused_at = time.monotonic()
        report(error)
        say("the program runs on; Ctrl-C within five seconds ends it without saving it")

    def _bounce(self) -> NoReturn:
        import json

        options = {**self.launch.options, "resume": True}
        for once in ("from", "trust", "pdb"):
            options.pop(once, None)
        arguments = [*self.launch.boot, json.dumps(options), *self.launch.arguments]
        seed = (self.launch.hash_seed or {}).get("value")
        if seed is not None:
            os.environ["PYTHONHASHSEED"] = seed
        os.execv(sys.executable, [sys.executable, *arguments])


_GENERATOR = 0x20

#: Functions that send signals. A program that calls one means what it says: it asks for its own KeyboardInterrupt.
_SENDERS = frozenset(
    {"kill", "killpg", "pthread_kill", "raise_signal", "raise_SIGINT_then_send_None", "interrupt_main"}
)


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


def end_by(number: int) -> NoReturn:
    """Ends the process as the signal would: nothing of the program runs any more."""
    signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(128 + number)


# --- words for people -----------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """One line on standard error."""
    print_error(f"heresy: {text}")


def report(error: Exception) -> None:
    """A diagnostic on standard error. What is not meant for the user is a fault of ours."""
    if not isinstance(error, HeresyError):
        if os.environ.get("HERESY_DEBUG"):
            import traceback

            traceback.print_exception(error)
        error = InternalError(f"the runtime has failed: {type(error).__name__}: {error}")
    print_error(error.diagnostic())


def print_error(text: str) -> None:
    """Text on standard error, past the program's own ``sys.stderr``; or in a file, where the two are to be told apart."""
    file = stopper.launch.options.get("trial", {}).get("words") if stopper else None
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if file else 2
        os.write(handle, f"{text}\n".encode(errors="backslashreplace"))
        if file:
            os.close(handle)
    except OSError:
        pass


def report_fatal(error: BaseException) -> NoReturn:
    """Reports what kept the program from starting or continuing, and ends with status 1; nothing is lost."""
    try:
        sys.stdout.flush()  # what functions of the program's have printed, which were called already
    except (OSError, ValueError, AttributeError):
        pass
    report(
        error if isinstance(error, Exception) else InternalError(f"the start was interrupted by {type(error).__name__}")
    )
    os._exit(1)
