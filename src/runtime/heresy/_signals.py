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

from ._bundle import Dormant, at_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Those that stop a program.
STOPS = frozenset({_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP})
#: The one that asks for a checkpoint.
SAVES = _signal.SIGUSR1
#: Those that are handled by default where the program asks.
HIDDEN = frozenset({_signal.SIGTERM, _signal.SIGHUP, SAVES})

plain_signal, plain_getsignal, plain_siginterrupt = _signal.signal, _signal.getsignal, _signal.siginterrupt

#: Those of this process, and what is called for all of them.
_handlers: Handlers
_answer: Callable[[int, Any], None]


class Handlers(Dormant):
    """The handlers of a process.

    Args:
        answer: what is called for all of them.
    """

    rest = "heresy._handling", "Handling"

    @at_start
    def __init__(self, answer: Callable[[int, Any], None]) -> None:
        # One object: bound methods are made anew each time.
        self.answer = answer
        #: The thread in which handlers are called.
        self.thread = _thread.get_ident()
        #: The signal of heresy's own timer, once there is one.
        self.timer = 0
        #: What was blocked before, for each thread that forks.
        self.blocked: dict[int, Any] = {}
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

    @at_start
    def install(self) -> None:
        """Takes the signals over that are handled as by default."""
        if plain_getsignal(_signal.SIGINT) is _signal.default_int_handler:
            plain_signal(_signal.SIGINT, self.answer)
        for number in HIDDEN:
            if plain_getsignal(number) == _signal.SIG_DFL:
                plain_signal(number, self.answer)
        self._hide()
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)

    @at_start
    def _hide(self) -> None:
        from ._like import like

        global _handlers, _answer
        _handlers, _answer = self, self.answer
        _signal.getsignal = like(plain_getsignal, _watched_getsignal)
        _signal.signal = like(plain_signal, _watched_signal)
        _signal.siginterrupt = like(plain_siginterrupt, _watched_siginterrupt)

    def ignore_stops(self) -> None:
        """From here on the process is on its way to its end, and is not to be killed in it."""
        for number in STOPS | {SAVES}:
            if self.is_own(plain_getsignal(number)):
                plain_signal(number, _signal.SIG_IGN)
        if self.timer:
            plain_signal(self.timer, _signal.SIG_IGN)

    def is_own(self, handler: Any) -> bool:
        """SIGINT's may be another bound method: the program has seen it, and a checkpoint may have held it."""
        return type(handler) is type(self.answer) and handler == self.answer

    def give_back(self) -> None:
        """Has a child handle its signals as plain Python does."""
        answer, self.answer = self.answer, None  # type: ignore[assignment]
        if answer is None:
            return
        try:
            if plain_getsignal(_signal.SIGINT) is answer:
                plain_signal(_signal.SIGINT, _signal.default_int_handler)
            for number in {*HIDDEN, self.timer} - {0}:
                if plain_getsignal(number) is answer:
                    plain_signal(number, _signal.SIG_DFL)
        except ValueError:
            pass  # the interpreter is not the main one


def _before_fork() -> None:
    # A child forgets the signals that it has got before it is one for the interpreter, and that would have ended it.
    _handlers.blocked[_thread.get_ident()] = _signal.pthread_sigmask(_signal.SIG_BLOCK, STOPS | {SAVES})


def _after_fork() -> None:
    if (mask := _handlers.blocked.pop(_thread.get_ident(), None)) is not None:
        _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)


def _after_fork_in_child() -> None:
    try:
        _handlers.give_back()
        if _handlers.forked is not None:
            _handlers.forked()
    finally:
        _after_fork()


def _watched_getsignal(signalnum: int, /) -> Any:
    kept = _handlers.kept
    found = kept[signalnum] if kept and signalnum in kept else plain_getsignal(signalnum)
    return _signal.SIG_DFL if found is _answer and signalnum != _signal.SIGINT else found


def _watched_signal(signalnum: int, handler: Any, /) -> Any:
    own = _handlers
    if signalnum in HIDDEN and type(handler) is int and handler == _signal.SIG_DFL and own.answer is _answer:
        handler = _answer
    if signalnum == own.timer and own.timer and own.lose_timer is not None:
        own.lose_timer()
    if own.kept and signalnum in own.kept:
        found, own.kept[signalnum] = own.kept[signalnum], handler
    else:
        found = plain_signal(signalnum, handler)
    own.restarting.discard(signalnum)
    own.changed = True
    return _signal.SIG_DFL if found is _answer and signalnum != _signal.SIGINT else found


def _watched_siginterrupt(signalnum: int, flag: bool, /) -> None:
    plain_siginterrupt(signalnum, flag)
    (_handlers.restarting.discard if flag else _handlers.restarting.add)(signalnum)
