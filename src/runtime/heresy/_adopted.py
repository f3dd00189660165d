"""Library modules that were there before the import hook was, or that it has left alone."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._hook import Hook
    from ._units import Unit, Units


def adopt(hook: Hook, name: str) -> None:
    """A library module that is loaded already keeps its objects, and runs the run form from now on."""
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None)
    if not isinstance(path, str) or not hook.choice.is_library(name, path):
        return
    unit = hook.unit(name, path, library=True)
    if unit is None:
        return
    unit.belongs_to(module)
    hook.units.add(unit)
    for function in _functions_of(module):
        code = unit.index.named(function.__code__)
        if code is not None and len(code.co_freevars) == len(function.__code__.co_freevars):
            function.__code__ = code


def learn(units: Units, name: str) -> Unit | None:
    """The unit of a library module that runs as it is: its functions stay what they are.

    What is suspended in it can be continued all the same, in a resume form, since its run form is the original.
    """
    hook, unit = units.hook, units.by_id.get(name)
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None)
    if unit is not None or hook is None or not isinstance(path, str):
        return unit
    if not path.endswith(".py") or hook.choice.is_own(name, path):
        return None
    unit = hook.unit(name, path, library=True)
    if unit is not None:
        unit.belongs_to(module)
        units.add(unit)
    return unit


def _functions_of(module: Any) -> list[Any]:
    """The functions that a module's namespace holds, and the classes in it, decorated or not."""
    found: list[Any] = []
    seen: set[int] = set()
    work = [value for value in module.__dict__.values()]
    while work:
        value = work.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = type(value)
        if kind is _FUNCTION:
            if value.__globals__ is module.__dict__:
                found.append(value)
            work += value.__dict__.values()
        elif isinstance(value, type):
            if value.__module__ == module.__name__:
                work += value.__dict__.values()
        elif kind in (staticmethod, classmethod):
            work.append(value.__func__)
        elif kind is property:
            work += [value.fget, value.fset, value.fdel]
    return found


_FUNCTION = type(adopt)
