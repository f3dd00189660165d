"""The ways in which a program ends, besides its last statement.

With the interpreter's own end the program's checkpoint goes: what is done is not to be done again. `os._exit`, and a call that
puts another program in the place of this one, come past that end, and so they are watched. What was registered with `atexit`
is a part of the program's state, and nobody can be asked for it.
"""

from __future__ import annotations

import atexit
import os
import posix
import sys

from ._bundle import at_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._stop import Stopper

#: Ends the process at once, and leaves its checkpoint where it is: for what the runtime itself has to end.
exit_now = os._exit
#: Puts another process in the place of this one, and leaves it there, too.
replace_now = os.execv

register, _unregister, _replace_with = atexit.register, atexit.unregister, os.execve
#: Who is told.
_stopper: Stopper


@at_start
def watch(stopper: Stopper) -> None:
    """Has a program's ends told to its stopper, and what it registers for one noted in `Stopper.exits`."""
    global _stopper
    from ._like import like

    _stopper = stopper
    # The first to be registered is the last to be called: what the program registers belongs to its run.
    register(stopper.ended)
    atexit.register = like(register, _watched_register)
    atexit.unregister = like(_unregister, _watched_unregister)
    os._exit = posix._exit = like(exit_now, _watched_exit)
    os.execv = posix.execv = like(replace_now, _watched_execv)
    os.execve = posix.execve = like(_replace_with, _watched_execve)


def _watched_register(function: Any, /, *args: Any, **keywords: Any) -> Any:
    # What a library registers it does again when it is imported.
    is_own = _stopper.is_programs(sys._getframe(1).f_code)
    register(function, *args, **keywords)
    _stopper.exits.append((function, args, keywords, is_own))
    return function


def _watched_unregister(function: Any, /) -> None:
    _unregister(function)
    _stopper.exits[:] = [exit_ for exit_ in _stopper.exits if exit_[0] != function]


def _watched_exit(status: int) -> Any:
    status = range(status).stop  # as `operator.index`
    _stopper.ended()
    exit_now(status)


def _watched_execv(path: Any, /, *args: Any, **keywords: Any) -> Any:
    _replaced(path)
    return replace_now(path, *args, **keywords)


def _watched_execve(path: Any, /, *args: Any, **keywords: Any) -> Any:
    _replaced(path)
    return _replace_with(path, *args, **keywords)


def _replaced(path: Any) -> None:
    # What cannot be started leaves the program running, and with it the checkpoint.
    if type(path) is int or os.path.isfile(path) and os.access(path, os.X_OK):
        _stopper.replaced()
