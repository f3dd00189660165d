"""What the runtime says to people, on standard error."""

from __future__ import annotations

import os
import sys

from . import _ends, _stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ._frame_state import Stack


def place(stack: Stack) -> str:
    """Where a program stands: ``main.py:40 in step()``."""
    file, line, function, _ = stack.shown[-1]
    return f"{file}:{line}" + ("" if function == "<module>" else f" in {function}()")


def say(text: str) -> None:
    """One line on standard error."""
    print_error(f"heresy: {text}")


def report(error: Exception) -> None:
    """A diagnostic on standard error. What is not meant for the user is a fault of ours."""
    from ._errors import HeresyError, InternalError

    if not isinstance(error, HeresyError):
        if os.environ.get("HERESY_DEBUG"):
            import traceback

            traceback.print_exception(error)
        error = InternalError.of(error)
    print_error(error.diagnostic())


def print_error(text: str) -> None:
    """Text on standard error, past the program's own ``sys.stderr``; a trial has a file for it, to tell the two apart."""
    file = _stop.stopper.launch.options.get("trial", {}).get("words") if _stop.stopper is not None else None
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if file else 2
        os.write(handle, f"{text}\n".encode(errors="backslashreplace"))
        if file:
            os.close(handle)
    except OSError:
        pass


def flush_streams() -> bool:
    """Hands on what the program has printed.

    Returns:
        whether that could be done: not while one of the streams is at it, in whose midst a signal has come.
    """
    done = True
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except RuntimeError as error:
            if not is_in_use(error):
                raise
            done = False
        except (OSError, ValueError, AttributeError):
            continue
    return done


def is_in_use(error: BaseException) -> bool:
    """Whether an error says that a file's buffer is being read or written to further down the stack."""
    return type(error) is RuntimeError and str(error).startswith("reentrant call inside")


def report_fatal(error: BaseException) -> NoReturn:
    """Reports what kept the program from starting or continuing, and ends with status 1; nothing is lost."""
    from ._errors import InternalError

    flush_streams()  # what functions of the program's have printed, which were called already
    report(
        error if isinstance(error, Exception) else InternalError(f"the start was interrupted by {type(error).__name__}")
    )
    _ends.exit_now(1)
