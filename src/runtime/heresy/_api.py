"""What a program can ask of heresy: ``import heresy``.

All of it does nothing harmful where the program runs under plain Python: `checkpoint` returns False, `is_resumed` says
False, `no_stop` holds nothing off, and what is registered is never called.
"""

from __future__ import annotations

import sys

from . import _stop
from ._errors import HeresyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Hook = TypeVar("Hook", bound=Callable[[], Any])
    T = TypeVar("T")

#: `pickle` saves objects of exactly these types itself, and asks nobody.
_PLAIN = (type(None), bool, int, float, str, bytes, bytearray, tuple, list, dict, set, frozenset)


class CheckpointError(Exception):
    """A checkpoint could not be made; the program runs on, and an older checkpoint is as it was.

    ``str(error)`` is the text that a refused Ctrl-C would have shown.

    Attributes:
        code: the diagnostic's code, for example ``H311``.
    """

    code: str


class UnsavedObjectError(Exception):
    """Something was used that could not be saved when the program was stopped: a placeholder stands for it.

    ``str(error)`` says what it was, where, why it could not be saved, and what to do about it.
    """


def checkpoint() -> bool:
    """Saves the program here, durably, and lets it run on.

    If the process ends before the program does (a crash, a kill, a power cut), the same command continues it from the
    newest checkpoint, whether that was made by this function or by Ctrl-C: each replaces the one before. When the program
    has ended, its checkpoint is removed.

    The call must be written as one (``heresy.checkpoint()``, in an expression of any form), in code from which Ctrl-C
    could stop the program: every function on the stack is the program's, with no C function in between.

    What the program did outside of itself after the checkpoint (lines printed, bytes written to files) is not taken back:
    the continued program does it again.

    Returns:
        False when the call returns for the first time: the checkpoint has been made, and this is the process that made
        it. True each time a process continues from this checkpoint. False under plain Python.

    Raises:
        CheckpointError: no checkpoint could be made: this place cannot be continued from, something cannot be saved,
            there are other threads, an `on_save` function failed, it is a child process or a `no_stop` stretch, or the
            disk is full.
    """
    stopper = _stop.stopper
    if stopper is None:
        return False
    with stopper.units.at_work():
        from . import _passing
    try:
        _passing.checkpoint(stopper, sys._getframe())
    except HeresyError as error:
        refusal, cause = error, error.__cause__
    else:
        return False
    failed = CheckpointError(refusal.diagnostic())
    failed.code = refusal.code
    try:
        raise failed from cause
    finally:
        # Nothing of the program's is to live longer for it.
        del failed, refusal, cause


def is_resumed() -> bool:
    """Whether this process has continued a program from a checkpoint, of whatever kind."""
    return _stop.stopper is not None and _stop.stopper.launch.resume


class _NoStop:
    """What `no_stop` gives; has no state of its own."""

    __slots__ = ()

    def __enter__(self) -> None:
        if _stop.stopper is not None:
            _stop.stopper.held.append(None)

    def __exit__(self, *_: object) -> None:
        if _stop.stopper is not None:
            _stop.stopper.held.pop()


def no_stop() -> _NoStop:
    """A stretch of the program that is not to be stopped in: ``with heresy.no_stop(): …``.

    A Ctrl-C that comes meanwhile waits until the outermost of such stretches has ended, in whatever way; a third one ends
    the program without saving it, as always. The process itself is protected from nothing: a kill or a crash continues
    from the checkpoint before. `checkpoint` refuses inside.
    """
    return _NoStop()


def on_save(function: Hook) -> Hook:
    """Registers a function to be called before each checkpoint is made; usable as a decorator.

    The functions are called without arguments, in the order in which they were registered, with the program paused where
    it will be saved: what they change is saved. They may be called for a checkpoint that then cannot be made, and once
    more for the next attempt. If one raises, nothing is saved: a Ctrl-C is refused, `checkpoint` raises `CheckpointError`.

    A continued program still has them; they are not to be registered again.

    Returns:
        the function.

    Raises:
        TypeError: it cannot be called.
    """
    _need_callable(function)
    if _stop.stopper is not None:
        _stop.stopper.on_save.append(function)
    return function


def on_restore(function: Hook) -> Hook:
    """Registers a function to be called when the program is continued; usable as a decorator.

    The functions are called without arguments, in the order in which they were registered, once all of the program's state
    is back and before its first statement. If one raises, the program is not continued, and the checkpoint stays as it is.

    A continued program still has them; they are not to be registered again.

    Returns:
        the function.

    Raises:
        TypeError: it cannot be called.
    """
    _need_callable(function)
    if _stop.stopper is not None:
        _stop.stopper.on_restore.append(function)
    return function


def register(type: type[T], *, save: Callable[[T], Any], restore: Callable[[Any], T]) -> None:
    """Says how to save the objects of a type, in place of what heresy would do: sockets, connections, handles of C code.

    Each object is saved once in a checkpoint, so that all its names are one object again afterwards. Only objects of exactly
    this type are meant, not those of subclasses. A second registration replaces the first. A continued program still has
    the registration.

    Args:
        type: the type; it must be the program's own, or one that can be imported.
        save: gets an object, returns a value that can be saved; it may hold other objects of the program, not the object
            itself. It may be called more than once for a checkpoint, and must leave the object as it is.
        restore: gets that value, returns the object. It is called while the program's state is being read back: it can use
            functions, classes, imported modules and plain constants of its module, no other globals. What needs the whole
            program is for `on_restore`.

    Raises:
        TypeError: it is no type, a function cannot be called, or the type is one of the plain ones (``int``, ``list``, …)
            that cannot be saved in another way.
    """
    if not isinstance(type, _TYPE):
        raise TypeError(f"{type!r} is not a type")
    if type in _PLAIN:
        raise TypeError(f"objects of type {type.__name__} cannot be saved in another way")
    _need_callable(save)
    _need_callable(restore)
    if _stop.stopper is not None:
        _stop.stopper.types[type] = (save, restore)


_TYPE = type


def _need_callable(function: object) -> None:
    if not callable(function):
        raise TypeError(f"{function!r} is not callable")


for _public in (CheckpointError, UnsavedObjectError, checkpoint, is_resumed, no_stop, on_restore, on_save, register):
    _public.__module__ = __package__
del _public
