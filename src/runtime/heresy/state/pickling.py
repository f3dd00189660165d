"""The pickler and the unpickler of a checkpoint's payload.

The standard ``pickle`` (protocol 5, in C) does the work. What it cannot do, or does by calling the user's code, is done
by *reducers*, found by the exact type of an object or by a test. Objects that exist in every process (the program's
module namespaces, ``sys.__stdout__``, …) are *anchors*: they are put into the memo of both sides beforehand, so that
references to them cost nothing and keep their identity.
"""

from __future__ import annotations

import io
import pickle
import sys
import types
from collections.abc import Callable
from typing import Any, TypeAlias

from .._frame_state import FrameState
from .._program import Programs
from .._units import Unit, Units

#: What a reducer returns: the tuple that ``object.__reduce_ex__`` returns, or NotImplemented for the default.
Reduced: TypeAlias = Any
Reducer: TypeAlias = Callable[["StatePickler", Any], Reduced]

#: Reducers by exact type.
REDUCERS: dict[type, Reducer] = {}
#: Reducers tried in order for objects whose type has none: each returns None if it does not apply.
GENERAL: list[Reducer] = []


class CannotSave(Exception):
    """An object cannot be saved; ``args[0]`` says why, for people."""


def reducer(*types_: type) -> Callable[[Reducer], Reducer]:
    """Registers a function as the reducer of these exact types."""

    def register(function: Reducer) -> Reducer:
        for type_ in types_:
            REDUCERS[type_] = function
        return function

    return register


class Modules:
    """The program's own modules: their functions and classes are rebuilt, not imported.

    Attributes:
        objects: the module objects, in the order in which they were loaded, the main one first.
        units: the instrumented modules; those of the program have their module object here.
        programs: their syntax.
        reducers: those of the types that the program has registered.
        running: the frames on the stack that are those of generators, by the identity of the generator.
    """

    def __init__(
        self,
        homes: list[tuple[types.ModuleType, dict[str, Any]]],
        units: Units,
        programs: Programs,
        reducers: dict[type, Reducer] | None = None,
    ) -> None:
        self.objects = [module for module, _ in homes]
        self.units = units
        self.programs = programs
        self.reducers = reducers or {}
        self.running: dict[int, FrameState] = {}
        #: Gives the unit of an id; while a program is restored, one of a library's, too.
        self.unit: Callable[[str], Unit] = units.by_id.__getitem__
        self._namespaces = {id(module): namespace for module, namespace in homes}
        self._names = {module.__name__ for module in self.objects} | {
            u.name for u in units.by_id.values() if not u.library
        }

    def has(self, name: object) -> bool:
        """Whether a module of this name is one of the program's own."""
        return isinstance(name, str) and name in self._names

    def with_globals(self, namespace: object) -> types.ModuleType | None:
        """The module whose globals a dict is."""
        return next((module for module in self.objects if self.namespace(module) is namespace), None)

    def namespace(self, module: types.ModuleType) -> dict[str, Any]:
        """The globals of one of the modules."""
        return self._namespaces[id(module)]

    def anchors(self) -> list[Any]:
        """Objects that both sides have; in the same order on both."""
        found: list[Any] = []
        for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
            buffer = getattr(stream, "buffer", None)
            found += [stream, buffer, getattr(buffer, "raw", None)]
        for module in self.objects:
            spec = self.namespace(module).get("__spec__")
            found += [module, self.namespace(module), spec, getattr(spec, "loader", None)]
        # The memo counts on: each place must be taken by an object of its own.
        seen: set[int] = set()
        for index, anchor in enumerate(found):
            if anchor is None or id(anchor) in seen:
                found[index] = object()
            seen.add(id(anchor))
        return found


class StatePickler(pickle.Pickler):
    """Pickles the state of a program.

    Attributes:
        placeholders: the texts of those that were pickled, of objects that could not be saved before.
        files: the paths of files that are open.
    """

    def __init__(self, file: io.BytesIO, modules: Modules) -> None:
        super().__init__(file, protocol=5)
        self.modules = modules
        self.placeholders: list[str] = []
        self.files: list[str] = []
        self.reducers = {**REDUCERS, **modules.reducers}
        #: For each library module that was asked for: the names of its globals by identity.
        self.library_names: dict[str, dict[int, str]] = {}
        #: Of the plain objects that libraries hold: the module and the name, by identity.
        self.sentinels: dict[int, tuple[str, str]] | None = None
        anchors = modules.anchors()
        self._anchors = anchors  # the memo knows ids: they must stay alive
        self.memo = {id(anchor): (index, anchor) for index, anchor in enumerate(anchors)}

    def reducer_override(self, obj: Any) -> Reduced:
        found = self.reducers.get(type(obj))
        if found is not None:
            return found(self, obj)
        for general in GENERAL:
            reduced = general(self, obj)
            if reduced is not None:
                return reduced
        return NotImplemented


class StateUnpickler(pickle.Unpickler):
    """The other side of `StatePickler`; rebuilds functions from the program's own code."""

    def __init__(self, payload: bytes, modules: Modules) -> None:
        # An unpickler's memo cannot be set; it is filled by a stream that names the anchors, read first.
        self._anchors = modules.anchors()
        take = b"".join(
            pickle.BININT + index.to_bytes(4, "little") + pickle.BINPERSID + pickle.MEMOIZE + pickle.POP
            for index in range(len(self._anchors))
        )
        super().__init__(io.BytesIO(pickle.PROTO + b"\x05" + take + pickle.NONE + pickle.STOP + payload))
        self.load()

    def persistent_load(self, pid: int) -> Any:
        return self._anchors[pid]


def import_by_name(name: str) -> types.ModuleType:
    """A module, imported if need be."""
    __import__(name)
    return sys.modules[name]


@reducer(types.ModuleType)
def _module(pickler: StatePickler, module: types.ModuleType) -> Reduced:
    name = next((name for name in (module.__name__, *sys.modules) if sys.modules.get(name) is module), None)
    if name is None:
        raise CannotSave(f"module {module.__name__} is not the one that `import {module.__name__}` gives")
    return import_by_name, (name,)
