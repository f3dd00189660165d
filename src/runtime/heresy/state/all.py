"""The pickler with every family of objects registered."""

from __future__ import annotations

from . import classes, exceptions, files, functions, iterators, objects
from .pickling import Modules, StatePickler, StateUnpickler

__all__ = ["Modules", "StatePickler", "StateUnpickler", "classes", "exceptions", "files", "functions", "iterators", "objects"]
