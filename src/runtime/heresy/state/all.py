"""The pickler with every family of objects registered."""

from __future__ import annotations

from . import (
    caches,
    classes,
    compressed,
    contexts,
    databases,
    digests,
    directories,
    exceptions,
    files,
    functions,
    generators,
    iterators,
    itertools_types,
    library_objects,
    locks,
    logs,
    matches,
    objects,
    tables,
    type_parameters,
    views,
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
    "compressed",
    "contexts",
    "databases",
    "digests",
    "directories",
    "exceptions",
    "files",
    "functions",
    "generators",
    "iterators",
    "itertools_types",
    "library_objects",
    "locks",
    "logs",
    "matches",
    "objects",
    "tables",
    "type_parameters",
    "views",
    "weak",
]
