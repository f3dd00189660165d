"""A program that ends by an exception which nobody catches: it is shown as by plain Python."""

from __future__ import annotations

import sys

from . import _unwinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def failed(error: BaseException) -> NoReturn:
    """Ends the program by its exception, as the interpreter would: without the frame below the program's.

    The exception is raised again, so that the interpreter exits as it does for it; it then prints nothing more.
    """
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    stopper = _unwinding.ASKED.stopper
    if stopper is not None and isinstance(error, Exception):
        from . import _failure

        _failure.at_end(stopper, error)
    error = show(error)
    if stopper is not None and stopper.not_stopped is not None and stopper.not_stopped.raised is error:
        stopper.not_stopped.tell()
    raise error


def show(error: BaseException) -> BaseException:
    """Shows an exception as the interpreter does that ends by it.

    Returns:
        what it ends by: the hook may have raised ``SystemExit``.
    """
    if isinstance(error, SystemExit):
        return error
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as error_of_hook:
        error = error_of_hook
    except BaseException as error_of_hook:
        error_of_hook.__traceback__ = error_of_hook.__traceback__ and error_of_hook.__traceback__.tb_next
        for title, shown in (("Error in sys.excepthook:", error_of_hook), ("\nOriginal exception was:", error)):
            print(title, file=sys.stderr)
            sys.__excepthook__(type(shown), shown, shown.__traceback__)
    sys.excepthook = lambda *_: None
    return error
