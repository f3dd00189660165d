"""The manifest of a checkpoint: what it says of its program to people, and to ``heresy`` before anything is unpickled.

Its keys are explained in ``src/checkpoint.rs``. What has its usual value is left out.
"""

from __future__ import annotations

import sys
import types

from ._frame_state import FrameState, Span, Stack
from ._kinds import is_a
from ._stop import Stopper, now
from ._typing_names import Any
from ._units import Unit
from ._view import view

#: Variables are shown of so many frames, the innermost ones, and so many of each.
_FRAMES, _VARIABLES = 30, 30

#: What a module holds and nobody asks for.
_DEFINITIONS = (types.ModuleType, types.FunctionType, type)

#: Where a unit's module object is, and its globals.
Homes = dict[str, tuple[types.ModuleType, dict[str, Any]]]


def describe(
    stopper: Stopper, stack: Stack, units: list[Unit], homes: Homes, cwd: str, unsaved: list[str], *, passing: bool = False
) -> dict[str, Any]:
    """What is known before the payload is packed.

    Args:
        units: the modules to describe.
        cwd: the directory that the program was started in.
        unsaved: what there are placeholders for.
        passing: the program runs on, and does not know of it.
    """
    launch = stopper.launch
    mostly_not = {
        "modules": [_described(unit, homes) for unit in units if unit.id != "__main__"],
        **{name: launch.options.get(name) for name in ("instrument", "keep", "compress")},
        "failure": stopper.failure,
    }
    first = len(stack.frames) - _FRAMES
    return {
        "heresy": launch.version,
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "created": round(now(), 3),
        "kind": launch.kind,
        "script": launch.script,
        "args": launch.arguments,
        "cwd": cwd,
        "source": _source(stopper),
        **{name: value for name, value in mostly_not.items() if value not in (None, [])},
        **({"passing": True} if passing else {}),
        "hash_seed": (launch.hash_seed or {}).get("value"),
        "stack": [
            _frame(*each, launch.source, with_variables=at >= first)
            for at, each in enumerate(zip(stack.frames, stack.shown, stack.spans))
        ],
        **({"unsaved": unsaved} if unsaved else {}),
    }


def _source(stopper: Stopper) -> dict[str, Any]:
    """The main module."""
    source: dict[str, Any] = {"path": stopper.launch.source, "sha256": stopper.launch.sha256}
    spec = getattr(stopper.main, "__spec__", None)
    if spec is not None:
        source["module"] = spec.name
    return source


def _described(unit: Unit, homes: Homes) -> dict[str, Any]:
    """Another module."""
    described: dict[str, Any] = {"id": unit.id, "path": unit.path, "sha256": unit.sha256}
    if unit.library:
        described["library"] = True
        return described
    module, namespace = homes[unit.id]
    if "__path__" in namespace:
        described["package"] = True
    # A module that was loaded again has two units.
    first = next(id_ for id_, (other, _) in homes.items() if other is module)
    if first != unit.id:
        described["again"] = first
    return described


def _frame(
    frame: FrameState, shown: tuple[str, int, str, str], span: Span | None, source: str, *, with_variables: bool
) -> dict[str, Any]:
    file, line, function, label = shown
    described: dict[str, Any] = {} if file == source else {"file": file}
    described.update(line=line, function=function, label=label)
    if span:
        described["span"] = span
    variables = _variables(frame, function) if with_variables else {}
    if variables:
        described["locals"] = variables
    return described


def _variables(frame: FrameState, function: str) -> dict[str, str]:
    """The views of its variables, in their order; of a module, those that are data."""
    values: dict[str, Any]
    if function == "<module>":
        values = {
            name: value
            for name, value in frame.module.__dict__.items()
            if not (name.startswith("__") and name.endswith("__")) and not is_a(value, _DEFINITIONS)
        }
    else:
        values = dict(frame.variables)
        for name, cell in frame.cells.items():
            try:
                values[name] = cell.cell_contents
            except ValueError:
                continue  # nothing is bound to it
    return {name: view(value) for name, value in list(values.items())[:_VARIABLES]}
