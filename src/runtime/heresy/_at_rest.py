"""A program has been started: what nobody asks for any more goes, as the collector would pass it each time.

That is what a start alone needs; of each module, what has found and loaded it; and all annotations: from 3.14 on, each function
has another one for them.
"""

from __future__ import annotations

import sys

from . import _bundle, _stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

#: The modules that are not asked for any more, or are imported again.
_FOR_A_START = ("_start", "_launch", "_baseline", "_constants", "_libraries", "_like", "_finder", "_at_rest")
#: Those whose objects are there all the time.
_RESIDENT = ("_bundle", "_ends", "_hook", "_launch", "_signals", "_stop", "_units", "_unwinding")


def let_go() -> None:
    """Lets all of that go, and the signals through, which might have somebody import any of it meanwhile."""
    assert _stop.stopper is not None
    let_through = _stop.stopper.let_through
    can_be_woken = _bundle.let_finder_sleep()
    for module, name in _bundle.started_by:
        path = name.split(".")
        owner: Any = sys.modules[module]
        for each in path[:-1]:
            owner = getattr(owner, each)
        delattr(owner, path[-1])
    _bundle.started_by.clear()
    package = sys.modules["heresy"]
    spec = type(package.__spec__)("heresy", None, is_package=True)
    for module in [package, *(sys.modules[f"heresy.{name}"] for name in _RESIDENT)]:
        _strip(module, spec)
    # Others of the runtime may have taken functions from these: those that continue a program, or make checkpoints in passing.
    known = {"heresy", *(f"heresy.{name}" for name in (*_RESIDENT, *_FOR_A_START))}
    are_alone = known.issuperset([name for name in sys.modules if name.partition(".")[0] == "heresy"])
    for name in _FOR_A_START if can_be_woken else ():
        module = sys.modules.pop(f"heresy.{name}", None)
        if module is not None:
            vars(package).pop(name, None)
            if are_alone:
                vars(module).clear()
    let_through()


#: Where a module or a class keeps its annotations.
_ANNOTATIONS = {"__annotations__", "__conditional_annotations__"}


def _strip(module: ModuleType, spec: Any) -> None:
    module.__spec__, module.__loader__ = spec, None
    classes = [value for value in vars(module).values() if type(value) is type and value.__module__ == module.__name__]
    for owner in module, *classes:
        for name in _ANNOTATIONS & vars(owner).keys():
            delattr(owner, name)
        for function in vars(owner).values() if sys.version_info >= (3, 14) else ():
            if type(function) is type(_strip):
                function.__annotations__ = None  # type: ignore[assignment]
