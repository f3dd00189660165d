"""From a checkpoint file to a program that can go on."""

from __future__ import annotations

import atexit
import sys
import types

from . import _checkpoint
from ._capture import FrameState
from ._errors import HeresyError
from ._resume_form import ResumeForm
from ._start import Launch
from ._stop import Stopper, load_program, say
from .state import sets, surroundings
from .state.all import Modules, StateUnpickler, functions


def restore(launch: Launch, main: types.ModuleType, run_code: types.CodeType, stopper: Stopper) -> types.CodeType:
    """Puts the program's state back.

    Returns:
        the code to execute in the namespace of ``main``: the outermost frame, which calls the next.

    Raises:
        HeresyError: the checkpoint cannot be continued from; it is as it was.
    """
    manifest, payload = _checkpoint.read(launch.checkpoint)
    if manifest["source"]["sha256"] != launch.sha256:
        raise HeresyError(
            "H304", f"{launch.script} has changed since it was stopped",
            help="put the old version back to continue, or start over with `--fresh`",
        )  # fmt: skip
    program = stopper.program = load_program(launch, main, run_code)
    modules = Modules({"__main__": main}, {"__main__": program.index})
    functions.restoring(modules)
    sys.modules["__main__"] = main
    around, frames = _unpickle(modules, payload, main)
    surroundings.restore(around, atexit.register, main.__dict__)
    forms = [ResumeForm(program, FrameState(*frame)) for frame in frames]
    for outer, inner in zip(forms, forms[1:]):
        outer.pending.callable = inner.function()
    last = manifest["stack"][-1]
    where = f"{last['file']}:{last['line']}" + ("" if last["function"] == "<module>" else f" in {last['function']}()")
    say(f"continuing {launch.script} at {where}")
    return forms[0].code


def _unpickle(modules: Modules, payload: bytes, main: types.ModuleType) -> tuple:  # type: ignore[type-arg]
    """Fills the globals of ``main``; returns the surroundings and the frames."""
    unpickler = StateUnpickler(payload, modules)
    namespace = main.__dict__
    try:
        _, around, others, frames, tables, order = unpickler.load()
        namespace.update(others)
        sets.apply(tables)
        ordered = {name: namespace[name] for name in order if name in namespace}
        namespace.clear()
        namespace.update(ordered)
        return around, frames
    except HeresyError:
        raise
    except ModuleNotFoundError as error:
        raise HeresyError(
            "H322", f"cannot continue: module {error.name!r} is missing here",
            why="the program had imported it when it was stopped", help="install it, then run the same command again",
        ) from None  # fmt: skip
    except RecursionError:
        raise HeresyError("H323", "cannot continue: the program's data is nested too deeply to be read back") from None
