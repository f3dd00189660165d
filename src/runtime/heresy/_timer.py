"""A timer of heresy's own, which the program neither sees nor disturbs.

`signal.setitimer` is the program's: its alarms would be lost. A thread would be seen, and makes a `fork` unsafe. So it is a
timer of POSIX (``timer_create``), which sends SIGURG: hardly anybody uses that, and by default it is ignored, so that one that
comes late, into another program that this process has become, does no harm. A program that handles it itself has it, and the
timer takes a real-time signal. A child process does not inherit the timer. Where there is none (macOS), what needs it is left
out.
"""

from __future__ import annotations

import _signal
import sys
from typing import Any

from ._signals import Handlers

_CLOCK_MONOTONIC = 1
_SIGEV_SIGNAL = 0


class Timer:
    """Sends one signal, each time after it was set.

    Raises:
        OSError: there are none here.
    """

    def __init__(self, handlers: Handlers) -> None:
        if sys.platform != "linux":
            raise OSError("no timers of POSIX")
        try:
            import ctypes
        except ImportError:
            raise OSError("no ctypes") from None
        self._ctypes = ctypes
        self._libc = _library(ctypes)
        numbers = [_signal.SIGURG, *range(_signal.SIGRTMAX, _signal.SIGRTMIN, -1)]
        number = next((each for each in numbers if _signal.getsignal(each) == _signal.SIG_DFL), None)
        if number is None:
            raise OSError("no signal is free")
        # What is in `struct sigevent` after its value, number and kind is for other kinds.
        event = (ctypes.c_int * 16)(0, 0, number, _SIGEV_SIGNAL)
        if ctypes.sizeof(ctypes.c_void_p) == 4:
            event = (ctypes.c_int * 16)(0, number, _SIGEV_SIGNAL)
        self._timer = ctypes.c_void_p()
        if self._libc.timer_create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)):
            raise OSError("no timer")
        handlers.take_over(number)
        self.number = number

    def set(self, seconds: float, *, interrupts: bool = False) -> None:
        """Sends the signal after so many seconds, and no earlier one; 0: never.

        Args:
            interrupts: a call that blocks is interrupted then, to have the handler called in it; else the handler waits for
                calls that the system can go on with, so that no library notices.
        """
        _signal.siginterrupt(self.number, interrupts)
        whole = int(seconds)
        # The interval, then the time until the first: each in seconds and nanoseconds.
        long = self._ctypes.c_long
        value = (long * 4)(0, 0, whole, max(int((seconds - whole) * 1e9), 1 if seconds and not whole else 0))
        self._libc.timer_settime(self._timer, 0, self._ctypes.byref(value), None)


def _library(ctypes: Any) -> Any:
    for name in (None, "librt.so.1"):
        try:
            library = ctypes.CDLL(name)
            library.timer_create, library.timer_settime  # noqa: B018
        except (OSError, AttributeError):
            continue
        return library
    raise OSError("no timers of POSIX")
