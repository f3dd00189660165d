"""Loggers, by their names; and handlers: everything but their lock, which is made anew and taken as often as it was held."""

from __future__ import annotations

import sys

from .._kinds import is_a
from .._typing_names import Any
from .pickling import GENERAL, CannotSave, Reduced, StatePickler


def _handler(pickler: StatePickler, obj: Any) -> Reduced:
    logging = sys.modules.get("logging")
    if logging is None or not is_a(obj, getattr(logging, "Handler", ())):
        return None
    if obj is logging.lastResort:
        return getattr, (logging, "lastResort")
    state = {name: value for name, value in obj.__dict__.items() if name != "lock"}
    # Without a lock its `__init__` has not come far.
    held = times_held(obj.__dict__["lock"]) if "lock" in obj.__dict__ else None
    return make_handler, (type(obj),), (state, held), None, None, set_handler_state


def times_held(lock: Any) -> int:
    """How often the program has taken an `RLock` and not let it go."""
    if lock is None or not lock._is_owned():
        return 0
    held = lock._release_save()
    lock._acquire_restore(held)
    return held[0]


def _logger(pickler: StatePickler, obj: Any) -> Reduced:
    """Its own ``__reduce__`` makes another if it is not known by its name yet."""
    logging = sys.modules.get("logging")
    if logging is None or not is_a(obj, getattr(logging, "Logger", ())):
        return None
    if obj is logging.root:
        return logging.getLogger, ()
    if logging.root.manager.loggerDict.get(obj.name) is not obj:
        raise CannotSave("it is not the logger that `logging.getLogger` gives for its name")
    return logging.getLogger, (obj.name,)


def _registry(pickler: StatePickler, obj: Any) -> Reduced:
    """Where `logging` has its loggers, and what stands there for one that nobody has asked for."""
    logging = sys.modules.get("logging")
    manager = getattr(getattr(logging, "Logger", None), "manager", None)
    if manager is None:
        return None
    if obj is manager:
        return getattr, (logging.Logger, "manager")
    if is_a(obj, logging.PlaceHolder):
        name = next((name for name, held in manager.loggerDict.items() if held is obj), None)
        if name is not None:
            return stand_in, (name,)
    return None


def stand_in(name: str) -> Any:
    """What stands for a logger; the loggers below it add themselves when they are made."""
    import logging

    found = logging.Logger.manager.loggerDict.get(name)
    if found is None:
        found = logging.Logger.manager.loggerDict[name] = logging.PlaceHolder.__new__(logging.PlaceHolder)
        found.loggerMap = {}  # type: ignore[union-attr]
    return found


GENERAL.insert(0, _handler)
GENERAL.insert(0, _logger)
GENERAL.insert(0, _registry)


def make_handler(cls: type) -> Any:
    return object.__new__(cls)


def set_handler_state(handler: Any, saved: tuple[dict[str, Any], int | None]) -> None:
    import logging

    state, held = saved
    handler.__dict__.update(state)
    if held is None:
        return
    handler.createLock()
    for _ in range(held):
        handler.acquire()
    logging._addHandlerRef(handler)  # type: ignore[attr-defined]
    name = state.get("_name")
    if name:
        logging._handlers[name] = handler  # type: ignore[attr-defined]
