"""What heresy's handlers of signals do when one has come: see `_signals`."""

from __future__ import annotations

import _signal
import _thread
import os

from ._ends import exit_now
from ._signals import Handlers, plain_getsignal, plain_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn


class Handling(Handlers):
    """The handlers of a process, awake."""

    rest = None

    def take_over(self, number: int) -> None:
        """Takes a signal over for the timer."""
        plain_signal(number, self.answer)
        self.timer = number

    def note(self, number: int, frame: Any) -> None:
        """Stands for a handler that is kept back."""
        self.came[number] = None

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


def end_by(number: int) -> NoReturn:
    """Ends the process as the signal would: nothing of the program runs any more."""
    plain_signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    exit_now(128 + number)
