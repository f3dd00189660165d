"""The way to an object, as a program would write it: ``pool['a'][0].sock``.

What pickling has met is gone through once more, breadth first, from the variables of the program: containers by their items,
everything else by what makes it again. So nothing of the program's runs, and the shortest way is found.
"""

from __future__ import annotations

import types
from collections.abc import Iterator

from .._kinds import ATOMS, SEQUENCES, Kinds
from .._typing_names import Any, NamedTuple
from .classes import set_class_state
from .functions import set_cell, set_function_state
from .generators import set_generator
from .logs import set_handler_state
from .objects import set_instance_state
from .pickling import Reduced
from .processes import set_process_state

#: By the identity of an object: itself, and what makes it again.
Made = dict[int, tuple[Any, Reduced]]

#: A name is shown as far as this.
_LONGEST = 40


class Root(NamedTuple):
    """A variable, or another place of the program's, from which there are ways.

    Attributes:
        where: what to say before the way.
        name: the first word of it.
        value: the object there.
    """

    where: str
    name: str
    value: Any


class Way(NamedTuple):
    """The way to an object."""

    root: Root
    path: str


def find(wanted: set[int], roots: list[Root], made: Made) -> dict[int, Way]:
    """The ways to objects, by their identity; a way from an earlier root counts as shorter, if they are alike."""
    found: dict[int, Way] = {}
    seen: dict[int, tuple[int, str] | Root] = {}
    work: list[Any] = []
    for root in roots:
        if id(root.value) not in seen:
            seen[id(root.value)] = root
            work.append(root.value)
    at = 0
    while at < len(work) and len(found) < len(wanted):
        obj = work[at]
        at += 1
        if id(obj) in wanted:
            found[id(obj)] = _way(id(obj), seen)
        for step, part in _parts(obj, made):
            if id(part) not in seen:
                seen[id(part)] = id(obj), step
                work.append(part)
    return found


def _way(identity: int, seen: dict[int, tuple[int, str] | Root]) -> Way:
    steps: list[str] = []
    while not isinstance(before := seen[identity], Root):
        identity, step = before
        steps.append(step)
    return Way(before, before.name + "".join(reversed(steps)))


def _parts(obj: Any, made: Made) -> Iterator[tuple[str, Any]]:
    """What an object holds, each with the step that leads there; the step is empty where nobody could write it."""
    if type(obj) is dict:
        for key, value in obj.items():
            yield _item(key), value
            yield "", key
    elif type(obj) in SEQUENCES:
        for index, value in enumerate(obj):
            yield f"[{index}]", value
    elif type(obj) in _SETS:
        for element in obj:
            yield "", element
    elif id(obj) in made:
        yield from _reduced_parts(obj, made[id(obj)][1])


_SETS = Kinds(set, frozenset)


def _item(key: Any) -> str:
    shown = repr(key) if type(key) in ATOMS else f"<{type(key).__qualname__}>"
    return f"[{shown if len(shown) <= _LONGEST else shown[:_LONGEST] + '…'}]"


def _reduced_parts(obj: Any, reduced: Reduced) -> Iterator[tuple[str, Any]]:
    _, args, state, items, pairs, set_state = (*reduced, *[None] * 4)[:6]
    if type(obj) is types.MethodType:
        yield ".__func__", obj.__func__
        yield ".__self__", obj.__self__
        return
    if type(obj) is types.FunctionType:
        for name, cell in zip(obj.__code__.co_freevars, obj.__closure__ or ()):
            yield f".__closure__[{name!r}]", cell
    if set_state is set_cell:
        yield from (("", contents) for contents in state)
    elif set_state is set_instance_state:
        for part in ("dict", "shared", "slots"):
            yield from _attributes(state.get(part))
        yield from _parts(state.get("items") or state.get("list") or (), {})
        yield from (("", element) for element in state.get("set") or ())
    elif set_state is set_class_state:
        yield from _attributes(state["attributes"])
    elif set_state is set_handler_state:
        yield from _attributes(state[0])
    elif set_state in (set_function_state, set_process_state):
        yield from _attributes({**state, **state.get("__dict__", {})})
    elif set_state is set_generator:
        values = state[0]
        for names in (values["variables"], values["cells"]):
            yield from ((f".gi_frame.f_locals{_item(name)}", value) for name, value in names.items())
        yield from (("", value) for value in values.values())
    elif set_state is None:
        for part in state if type(state) is tuple and len(state) == 2 else (state,):
            yield from _attributes(part) if type(part) is dict else [("", part)]
    else:
        yield "", state
    for index, value in enumerate(items or ()):
        yield f"[{index}]", value
    for key, value in pairs or ():
        yield _item(key), value
        yield "", key
    for value in args:
        yield "", value
        yield from (("", part) for part in value) if type(value) is tuple else ()


def _attributes(names: Any) -> Iterator[tuple[str, Any]]:
    if type(names) is dict:
        for name, value in names.items():
            yield f".{name}" if type(name) is str and name.isidentifier() else _item(name), value
