"""Signals that a program sends to itself. It means what it says: it asks for its own KeyboardInterrupt."""

from __future__ import annotations

import types

from ._cpython import called_name

_GENERATOR = 0x20

#: Functions that send signals.
_SENDERS = frozenset(
    {"kill", "killpg", "pthread_kill", "raise_signal", "raise_SIGINT_then_send_None", "interrupt_main"}
)


def is_sending(frame: types.FrameType) -> bool:
    """Whether a frame is in a call that sends a signal, or in what that call runs."""
    current: types.FrameType | None = frame
    while current is not None:
        if called_name(current.f_code, current.f_lasti) in _SENDERS:
            return True
        # A call may go on in a generator, and in those that it delegates to.
        current = current.f_back if current.f_code.co_flags & _GENERATOR else None
    return False
