"""Child processes: what is known of one that has ended; one that has not belongs to the process that has started it."""

from __future__ import annotations

import sys

from .._kinds import is_a
from .._typing_names import Any
from .pickling import GENERAL, CannotSave, Reduced, StatePickler


def _popen(pickler: StatePickler, obj: Any) -> Reduced:
    subprocess = sys.modules.get("subprocess")
    if subprocess is None or not is_a(obj, getattr(subprocess, "Popen", ())):
        return None
    if obj.__dict__.get("returncode") is None:
        raise CannotSave("the process runs, and ends with its parent or belongs to nobody; start it again, or wait for it")
    state = {name: value for name, value in obj.__dict__.items() if name != "_waitpid_lock"}
    return make_process, (type(obj),), state, None, None, set_process_state


def _process(pickler: StatePickler, obj: Any) -> Reduced:
    process = sys.modules.get("multiprocessing.process")
    if process is not None and is_a(obj, process.BaseProcess) and obj.__dict__.get("_popen") is not None:
        raise CannotSave("it was started, and is known to the process that has started it only")
    return None


GENERAL.insert(0, _popen)
GENERAL.insert(0, _process)


def make_process(cls: type) -> Any:
    return object.__new__(cls)


def set_process_state(process: Any, state: dict[str, Any]) -> None:
    import threading

    process.__dict__.update(state)
    process._waitpid_lock = threading.Lock()
