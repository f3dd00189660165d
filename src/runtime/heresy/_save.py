"""From a captured stack to a checkpoint file."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
import types
import warnings
from typing import Any

from . import _checkpoint
from ._capture import FrameState, Stack
from ._errors import HeresyError
from ._program import Program
from ._start import Launch
from ._stop import Stopper
from .state import sets, surroundings
from .state.all import Definitions, Modules, StatePickler
from .state.pickling import CannotSave

#: The runtime itself may stand below the program's folder, as a cache in the user's home does.
_OWN_FOLDER = os.path.dirname(__file__) + os.sep
#: Names of ``__main__`` that the interpreter gives, not the program.
_INTERPRETERS_OWN = {"__builtins__", "__loader__", "__spec__"}


def save(stopper: Stopper, program: Program, stack: Stack) -> None:
    """Makes a durable checkpoint of the program.

    Raises:
        HeresyError: something cannot be saved, or the file cannot be written. Nothing has changed then.
    """
    launch, main = stopper.launch, stopper.main
    _refuse_threads()
    modules = Modules({"__main__": main}, {"__main__": program.index})
    _refuse_unsaved_modules(launch)
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    payload = pickle_state(modules, stack, stopper)
    manifest = {
        "heresy": launch.version,
        "python": sys.version.split()[0],
        "created": time.time(),
        "script": launch.script,
        "args": launch.arguments,
        "cwd": os.path.dirname(os.path.dirname(launch.checkpoint)),
        "source": {"path": launch.source, "sha256": launch.sha256},
        "hash_seed": launch.hash_seed,
        "stack": [{"file": f, "line": n, "function": q, "label": label} for f, n, q, label in stack.shown],
    }
    try:
        _checkpoint.write(launch.checkpoint, manifest, payload)
    except OSError as error:
        raise HeresyError(
            "H310", f"the checkpoint {launch.checkpoint} could not be written: {error.strerror or error}",
            help="make room, or make the folder writable, and stop the program again",
        ) from None  # fmt: skip


def pickle_state(modules: Modules, stack: Stack, stopper: Stopper) -> bytes:
    """The payload, in one pickle.

    Definitions and constants come first: what is read back after them may be hashed or compared by the program's own
    methods, which need them. Last comes what restores the order of sets.
    """
    main = stopper.main
    names = {name: value for name, value in main.__dict__.items() if name not in _INTERPRETERS_OWN}
    definitions = {name: value for name, value in names.items() if _is_definition(value)}
    others = {name: value for name, value in names.items() if name not in definitions}
    file = io.BytesIO()
    pickler = StatePickler(file, modules)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            around = surroundings.save(stopper.baseline, stopper.exits, modules)
            frames = [tuple(frame) for frame in stack.frames]
            pickler.dump((Definitions(definitions), around, others, frames, sets.Order(), list(main.__dict__)))
    except RecursionError:
        raise HeresyError(
            "H312", "the program's data is nested too deeply to be saved here",
            why="each level of nesting needs a level of the interpreter's stack",
        ) from None  # fmt: skip
    except Exception as error:
        raise _blame(modules, stack, names, pickler.last, error) from None
    return file.getvalue()


def _is_definition(value: object) -> bool:
    return isinstance(value, (type, types.FunctionType, types.ModuleType, int, float, str, bytes, type(None)))


def _blame(modules: Modules, stack: Stack, names: dict[str, Any], culprit: Any, error: Exception) -> HeresyError:
    """Finds the variable behind a failure, for the message."""
    kind = type(culprit)
    shown = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    reason = str(error) if isinstance(error, CannotSave) else f"{type(error).__name__}: {error}"
    for frame, (file, line, function, _) in reversed(list(zip(stack.frames, stack.shown))):
        variables = _variables(frame) if frame.variables or frame.cells else names
        for name, value in variables.items():
            if _fails(modules, value):
                where = f"{file}:{line}" + ("" if function == "<module>" else f" in {function}()")
                return HeresyError(
                    "H311", f"cannot stop here: {where}: variable {name!r} holds a {shown}, which cannot be saved",
                    why=reason, help="stop the program when it does not hold one",
                )  # fmt: skip
    for name, value in names.items():
        if _fails(modules, value):
            return HeresyError(
                "H311", f"cannot stop here: global {name!r} holds a {shown}, which cannot be saved", why=reason
            )
    return HeresyError("H311", f"cannot stop here: a {shown} cannot be saved", why=reason)


def _variables(frame: FrameState) -> dict[str, Any]:
    return {**frame.variables, **frame.cells}


def _fails(modules: Modules, value: Any) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            StatePickler(io.BytesIO(), modules).dump(value)
    except Exception:
        return True
    return False


def _refuse_threads() -> None:
    others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if others or len(sys._current_frames()) > 1:
        raise HeresyError(
            "H313", "cannot stop here: the program has other threads running: " + ", ".join(others),
            why="only the main thread's place can be saved",
            help="stop it when they have ended",
        )  # fmt: skip


def _refuse_unsaved_modules(launch: Launch) -> None:
    """Modules of the program's own folder have state that is not saved: going on without it could be wrong."""
    folder = os.path.dirname(launch.source) + os.sep
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or not isinstance(file, str) or "site-packages" in file or file.startswith(_OWN_FOLDER):
            continue
        if os.path.abspath(file).startswith(folder) and not file.startswith(
            (sys.prefix + os.sep, sys.base_prefix + os.sep)
        ):
            raise HeresyError(
                "H314", f"cannot stop here: the program has imported its own module {name} ({file})",
                why="what such a module holds is not saved yet, so going on could give a wrong answer",
            )  # fmt: skip
