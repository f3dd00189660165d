"""What signals mean to a program under heresy, and how the program sees them.

* SIGINT, SIGTERM and SIGHUP stop it: a checkpoint is made, and it ends by the signal;
* SIGUSR1 makes a checkpoint, and it runs on;
* all others are left alone; SIGQUIT is the way to end a program at once.

A signal that is ignored when the program starts (``nohup``, a command in the background) stays so, and the program's own
handlers replace heresy's. Where the program asks, those signals but SIGINT are handled as by default: it sees `SIG_DFL`, and
giving `SIG_DFL` back brings heresy's handler back. SIGINT shows what it is, since event loops replace the usual handler.
A child that the program forks has the plain handlers; one that is executed has none at all.
"""

from __future__ import annotations

import _signal
import _thread
import os

from ._ends import exit_now
from ._like import like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

#: Those that stop a program.
STOPS = frozenset({_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP})
#: The one that asks for a checkpoint.
SAVES = _signal.SIGUSR1
#: Those that are handled by default where the program asks.
_HIDDEN = frozenset({_signal.SIGTERM, _signal.SIGHUP, SAVES})

plain_signal, plain_getsignal, plain_siginterrupt = _signal.signal, _signal.getsignal, _signal.siginterrupt


class Handlers:
    """The handlers of a process.

    Args:
        answer: what is called for all of them.
    """

    def __init__(self, answer: Callable[[int, Any], None]) -> None:
        # One object: bound methods are made anew each time.
        self.answer = answer
        #: The thread in which handlers are called.
        self.thread = _thread.get_ident()
        #: The signal of heresy's own timer, once there is one.
        self.timer = 0
        #: What was blocked before, for each thread that forks.
        self._blocked: dict[int, Any] = {}
        #: Called before the program takes that signal for itself.
        self.lose_timer: Callable[[], None] | None = None
        #: The program's own, while they are kept back, and what has come meanwhile, in order: see `_kept_back`.
        self.kept: dict[int, Any] = {}
        self.came: dict[int, None] = {}
        self.keeping = False
        #: The signal whose handler raises KeyboardInterrupt, once there is one.
        self.interrupts = 0
        #: Handlers have been set since it was last asked which there are.
        self.changed = True
        #: The answer to this signal is only to have what has come noted.
        self.settles = 0
        #: Called in a child that the program has forked.
        self.forked: Callable[[], None] | None = None
        #: The signals that do not interrupt a call of the system.
        self.restarting: set[int] = set()

    def install(self) -> None:
        """Takes the signals over that are handled as by default."""
        if plain_getsignal(_signal.SIGINT) is _signal.default_int_handler:
            plain_signal(_signal.SIGINT, self.answer)
        for number in _HIDDEN:
            if plain_getsignal(number) == _signal.SIG_DFL:
                plain_signal(number, self.answer)
        self._hide()
        os.register_at_fork(before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._forked)

    def take_over(self, number: int) -> None:
        """Takes a signal over for the timer."""
        plain_signal(number, self.answer)
        self.timer = number

    def ignore_stops(self) -> None:
        """From here on the process is on its way to its end, and is not to be killed in it."""
        for number in STOPS | {SAVES}:
            if self.is_own(plain_getsignal(number)):
                plain_signal(number, _signal.SIG_IGN)
        if self.timer:
            plain_signal(self.timer, _signal.SIG_IGN)

    def note(self, number: int, frame: Any) -> None:
        """Stands for a handler that is kept back."""
        self.came[number] = None

    def is_own(self, handler: Any) -> bool:
        """SIGINT's may be another bound method: the program has seen it, and a checkpoint may have held it."""
        return type(handler) is type(self.answer) and handler == self.answer

    def plain(self, number: int) -> None:
        """Does what the signal does to a plain Python. A handler has to return at once then."""
        if number == _signal.SIGINT:
            self.interrupt()
        else:
            end_by(number)

    def interrupt(self) -> None:
        """Has the interpreter raise KeyboardInterrupt as soon as a handler has returned to it.

        What a handler raises itself shows the handler in its traceback. But the interpreter calls the handlers of all signals
        that have come one after the other, in the order of their numbers, and its own one for SIGINT is a function of C.
        While the program's are kept back, it comes with what came meanwhile.
        """
        if not self.interrupts:
            numbers = sorted(number for number in _signal.valid_signals() if number > _signal.SIGTERM)
            free = [number for number in numbers if plain_getsignal(number) == _signal.SIG_DFL]
            if not free:
                raise KeyboardInterrupt
            self.interrupts = free[-1]
            plain_signal(self.interrupts, _signal.default_int_handler)
        if self.keeping:
            self.came[self.interrupts] = None
        else:
            _thread.interrupt_main(self.interrupts)

    def has_interrupted(self) -> None:
        """That is over: the signal is free again."""
        if self.interrupts and self.interrupts not in self.came:
            if plain_getsignal(self.interrupts) is _signal.default_int_handler:
                plain_signal(self.interrupts, _signal.SIG_DFL)
            self.interrupts = 0

    def _hide(self) -> None:
        answer = self.answer

        def getsignal(signalnum: int, /) -> Any:
            is_kept = self.kept and signalnum in self.kept
            found = self.kept[signalnum] if is_kept else plain_getsignal(signalnum)
            return _signal.SIG_DFL if found is answer and signalnum != _signal.SIGINT else found

        def signal(signalnum: int, handler: Any, /) -> Any:
            if signalnum in _HIDDEN and type(handler) is int and handler == _signal.SIG_DFL and self.answer is answer:
                handler = answer
            if signalnum == self.timer and self.timer and self.lose_timer is not None:
                self.lose_timer()
            if self.kept and signalnum in self.kept:
                found, self.kept[signalnum] = self.kept[signalnum], handler
            else:
                found = plain_signal(signalnum, handler)
            self.restarting.discard(signalnum)
            self.changed = True
            return _signal.SIG_DFL if found is answer and signalnum != _signal.SIGINT else found

        def siginterrupt(signalnum: int, flag: bool, /) -> None:
            plain_siginterrupt(signalnum, flag)
            (self.restarting.discard if flag else self.restarting.add)(signalnum)

        _signal.getsignal, _signal.signal = like(plain_getsignal, getsignal), like(plain_signal, signal)
        _signal.siginterrupt = like(plain_siginterrupt, siginterrupt)

    def _before_fork(self) -> None:
        # A child forgets the signals that it has got before it is one for the interpreter, and that would have ended it.
        self._blocked[_thread.get_ident()] = _signal.pthread_sigmask(_signal.SIG_BLOCK, STOPS | {SAVES})

    def _after_fork(self) -> None:
        if (mask := self._blocked.pop(_thread.get_ident(), None)) is not None:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)

    def _forked(self) -> None:
        try:
            self._give_back()
            if self.forked is not None:
                self.forked()
        finally:
            self._after_fork()

    def _give_back(self) -> None:
        """Has a child handle its signals as plain Python does."""
        answer, self.answer = self.answer, None  # type: ignore[assignment]
        if answer is None:
            return
        try:
            if plain_getsignal(_signal.SIGINT) is answer:
                plain_signal(_signal.SIGINT, _signal.default_int_handler)
            for number in {*_HIDDEN, self.timer} - {0}:
                if plain_getsignal(number) is answer:
                    plain_signal(number, _signal.SIG_DFL)
        except ValueError:
            pass  # the interpreter is not the main one


def end_by(number: int) -> NoReturn:
    """Ends the process as the signal would: nothing of the program runs any more."""
    plain_signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    exit_now(128 + number)


def unblock(names: list[str]) -> None:
    """Lets the signals through that `heresy run` has kept back while the interpreter started."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {getattr(_signal, name) for name in names})


#: What people call them.
NAMES = {_signal.SIGINT: "Ctrl-C", _signal.SIGTERM: "SIGTERM", _signal.SIGHUP: "SIGHUP", SAVES: "SIGUSR1"}
