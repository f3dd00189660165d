"""Logging handlers: everything but their lock, which is made anew."""

from __future__ import annotations

import sys
from typing import Any

from .._kinds import is_a
from .pickling import GENERAL, Reduced, StatePickler


def _handler(pickler: StatePickler, obj: Any) -> Reduced:
    logging = sys.modules.get("logging")
    if logging is None or not is_a(obj, getattr(logging, "Handler", ())):
        return None
    if obj is logging.lastResort:
        return getattr, (logging, "lastResort")
    state = {name: value for name, value in obj.__dict__.items() if name != "lock"}
    return make_handler, (type(obj),), state, None, None, set_handler_state


GENERAL.insert(0, _handler)


def make_handler(cls: type) -> Any:
    return object.__new__(cls)


def set_handler_state(handler: Any, state: dict[str, Any]) -> None:
    import logging

    handler.__dict__.update(state)
    handler.createLock()
    logging._addHandlerRef(handler)  # type: ignore[attr-defined]
    name = state.get("_name")
    if name:
        logging._handlers[name] = handler  # type: ignore[attr-defined]
