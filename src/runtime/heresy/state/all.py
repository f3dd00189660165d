"""The pickler with every family of objects registered."""

from __future__ import annotations

from . import (
    caches,
    classes,
    exceptions,
    files,
    functions,
    generators,
    iterators,
    logs,
    matches,
    objects,
    placeholders,
    processes,
    type_parameters,
    weak,
)
from .functions import Definitions
from .pickling import Modules, StatePickler, StateUnpickler

__all__ = [
    "Definitions",
    "Modules",
    "StatePickler",
    "StateUnpickler",
    "caches",
    "classes",
    "exceptions",
    "files",
    "functions",
    "generators",
    "iterators",
    "logs",
    "matches",
    "objects",
    "placeholders",
    "processes",
    "type_parameters",
    "weak",
]
