"""Context variables, their tokens and contexts.

A variable has its value in the context of the main thread, which is there from the start, and gets it there again. A
context that the program has made is made again with what it holds.
"""

from __future__ import annotations

import _contextvars as contextvars
import functools

from .._kinds import MISSING
from .._typing_names import Any
from .memory import Layout, Number
from .objects import library_attribute, sentinels
from .pickling import Reduced, StatePickler, reducer


@reducer(contextvars.ContextVar)
def _variable(pickler: StatePickler, variable: Any) -> Reduced:
    value = variable.get(MISSING) if variable in contextvars.copy_context() else MISSING
    state = {"value": value, "default": _variables().get(variable, "default")}
    state = {name: held for name, held in state.items() if held is not MISSING}
    found = sentinels(pickler).get(id(variable))
    if found is not None:
        return library_attribute, found, state, None, None, set_variable
    return contextvars.ContextVar, (variable.name,), state, None, None, set_variable


def set_variable(variable: Any, state: dict[str, Any]) -> None:
    if "default" in state and _variables().get(variable, "default") is MISSING:
        _variables().put(variable, "default", state["default"])
    if "value" in state:
        variable.set(state["value"])


@reducer(contextvars.Context)
def _context(pickler: StatePickler, context: Any) -> Reduced:
    if context is current():
        return current, ()
    return contextvars.Context, (), list(context.items()), None, None, set_context


def set_context(context: Any, items: list[tuple[Any, Any]]) -> None:
    for variable, value in items:
        context.run(variable.set, value)


def current() -> Any:
    """The context that this thread is in."""
    variable = contextvars.ContextVar("of heresy's")
    token = variable.set(None)
    context = _tokens().get(token, "context")
    variable.reset(token)
    return context


@reducer(contextvars.Token)
def _token(pickler: StatePickler, token: Any) -> Reduced:
    layout = _tokens()
    held = {name: value for name in layout.fields if (value := layout.get(token, name)) is not MISSING}
    return make_token, (), held, None, None, set_token


def make_token() -> Any:
    return contextvars.Context().run(contextvars.ContextVar("of heresy's").set, None)


def set_token(token: Any, held: dict[str, Any]) -> None:
    layout = _tokens()
    for name in layout.fields:
        layout.put(token, name, held.get(name, MISSING))


# --- memory -----------------------------------------------------------------------------------------------------------


@functools.cache
def _variables() -> Layout:
    default: list[Any] = [1]
    with_default, without = contextvars.ContextVar("x", default=default), contextvars.ContextVar("y")
    return Layout([(with_default, {"default": default}), (without, {"default": MISSING})])


@functools.cache
def _tokens() -> Layout:
    variable, context, value = contextvars.ContextVar("x"), contextvars.Context(), [1]
    context.run(variable.set, value)
    fresh, used = context.run(variable.set, 2), context.run(variable.set, 3)
    context.run(variable.reset, used)
    known = {"context": context, "variable": variable}
    return Layout([(fresh, {**known, "old": value, "used": Number(0, 4)}), (used, {**known, "used": Number(1, 4)})])
