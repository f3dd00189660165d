"""The ways in which a program ends, besides its last statement.

An exception that nobody catches is shown as by plain Python.

With the interpreter's own end the program's checkpoint goes: what is done is not to be done again. `os._exit`, and a call that
puts another program in the place of this one, come past that end, and so they are watched. What was registered with `atexit`
is a part of the program's state, and nobody can be asked for it.
"""

from __future__ import annotations

import atexit
import os
import posix
import sys

from . import _unwinding
from ._like import like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from ._stop import Stopper

#: Ends the process at once, and leaves its checkpoint where it is: for what the runtime itself has to end.
exit_now = os._exit
#: Puts another process in the place of this one, and leaves it there, too.
replace_now = os.execv


def watch(stopper: Stopper) -> None:
    """Has a program's ends told to its stopper, and what it registers for one noted in `Stopper.exits`."""
    register, unregister = atexit.register, atexit.unregister
    # The first to be registered is the last to be called: what the program registers belongs to its run.
    register(stopper.ended)

    def note(is_own: bool, function: Any, /, *args: Any, **keywords: Any) -> Any:
        register(function, *args, **keywords)
        stopper.exits.append((function, args, keywords, is_own))
        return function

    def watched_register(function: Any, /, *args: Any, **keywords: Any) -> Any:
        # What a library registers it does again when it is imported.
        return note(stopper.is_programs(sys._getframe(1).f_code), function, *args, **keywords)

    def register_own(function: Any, /, *args: Any, **keywords: Any) -> Any:
        return note(True, function, *args, **keywords)

    stopper.register_exit = register_own

    def watched_unregister(function: Any, /) -> None:
        unregister(function)
        stopper.exits[:] = [exit_ for exit_ in stopper.exits if exit_[0] != function]

    atexit.register = like(register, watched_register)
    atexit.unregister = like(unregister, watched_unregister)

    def watched_exit(status: int) -> Any:
        status = range(status).stop  # as `operator.index`
        stopper.ended()
        exit_now(status)

    os._exit = posix._exit = like(exit_now, watched_exit)
    for name in ("execv", "execve"):
        setattr(os, name, _replacing(stopper, getattr(os, name)))
        setattr(posix, name, getattr(os, name))


def _replacing(stopper: Stopper, plain: Callable[..., Any]) -> Callable[..., Any]:
    def watched(path: Any, /, *args: Any, **keywords: Any) -> Any:
        # What cannot be started leaves the program running, and with it the checkpoint.
        if type(path) is int or os.path.isfile(path) and os.access(path, os.X_OK):
            stopper.replaced()
        return plain(path, *args, **keywords)

    return like(plain, watched)


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
