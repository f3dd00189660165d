"""The pickler and the unpickler of a checkpoint's payload.

The standard ``pickle`` (protocol 5, in C) does the work. What it cannot do, or does by calling the user's code, is done
by *reducers*, found by the exact type of an object or by a test. Objects that exist in every process (the program's
module namespaces, ``sys.__stdout__``, …) are *anchors*: they are put into the memo of both sides beforehand, so that
references to them cost nothing and keep their identity.
"""

from __future__ import annotations

import builtins
import sys
import types

from .._errors import InternalError
from .._frame_state import FrameState
from .._programs import Programs
from .._typing_names import TYPE_CHECKING, Any, TypeAlias
from .._units import Unit, Units

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._code_index import ScopeKey
    from .._edits import Edits

    Reducer: TypeAlias = Callable[["StatePickler", Any], "Reduced"]


class _Functools(types.ModuleType):
    """Stands for `functools` while `_pickle` is imported, which wants a single function of it, and is all that many need."""

    from _functools import partial


try:
    # What `pickle` shows; it brings `re` along.
    if "functools" in sys.modules:
        from _pickle import PickleBuffer as PickleBuffer
        from _pickle import Pickler, Unpickler
    else:
        sys.modules["functools"] = _Functools("functools")
        try:
            from _pickle import PickleBuffer as PickleBuffer
            from _pickle import Pickler, Unpickler
        finally:
            del sys.modules["functools"]
except ImportError:
    from pickle import PickleBuffer as PickleBuffer
    from pickle import Pickler, Unpickler

# Opcodes of protocol 5.
_PROTO, _FRAME, _STOP, _NONE, _POP, _BININT, _BINPERSID = b"\x80", b"\x95", b".", b"N", b"0", b"J", b"Q"
_MEMOIZE, _BINGET, _LONG_BINGET = b"\x94", b"h", b"j"

#: What a reducer returns: the tuple that ``object.__reduce_ex__`` returns, or NotImplemented for the default.
Reduced: TypeAlias = Any

#: Reducers by exact type.
REDUCERS: dict[type, Reducer] = {}
#: Those of types of modules that a program may do without, by the name of the module and what gives the type.
LATER: list[tuple[str, Callable[[Any], Any], Reducer]] = []
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


def library_reducer(module: str, *types_: str | Callable[[Any], Any]) -> Callable[[Reducer], Reducer]:
    """The same for types of a module that is only looked at if the program has imported it.

    Args:
        types_: the name of each, or a function that gets the module and gives it.
    """

    def register(function: Reducer) -> Reducer:
        for each in types_:
            give = (lambda loaded, name=each: getattr(loaded, name, None)) if type(each) is str else each
            LATER.append((module, give, function))
        return function

    return register


def _of_loaded() -> dict[type, Reducer]:
    """The reducers of types whose modules are there."""
    found = [(give(sys.modules[module]), function) for module, give, function in LATER if module in sys.modules]
    return {type_: function for type_, function in found if type_ is not None}


class Modules:
    """The program's own modules: their functions and classes are rebuilt, not imported.

    Attributes:
        objects: the module objects, in the order in which they were loaded, the main one first.
        units: the instrumented modules; those of the program have their module object here.
        programs: their syntax.
        reducers: those of the types that the program has registered.
        running: the frames on the stack that are those of generators, by the identity of the generator.
        suspended: the shapes of the frames of generators that were saved, one for each place where any was.
        edits: while a program is restored: of the modules that were changed meanwhile, by the id of the unit.
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
        self.suspended: dict[tuple[int, int], FrameState] = {}
        self.edits: dict[str, Edits] = {}
        #: Gives the unit of an id; while a program is restored, one of a library's, too.
        self.unit: Callable[[str], Unit] = units.by_id.__getitem__
        self._namespaces = {id(module): namespace for module, namespace in homes}
        self._names = {module.__name__ for module in self.objects} | {
            u.name for u in units.by_id.values() if not u.library
        }

    def has(self, name: object) -> bool:
        """Whether a module of this name is one of the program's own."""
        return isinstance(name, str) and name in self._names

    def code(self, unit: str, key: ScopeKey) -> types.CodeType | None:
        """The code that a checkpoint names."""
        edits = self.edits.get(unit)
        return self.unit(unit).index.code(edits.key(key) if edits is not None else key)

    def frame(self, state: FrameState) -> FrameState:
        """A frame of a checkpoint, in the text of now."""
        edits = self.edits.get(state.unit)
        return edits.frame(state) if edits is not None else state

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
        # What `exec` puts into any dict that it is given.
        found.append(builtins.__dict__)
        # The memo counts on: each place must be taken by an object of its own.
        seen: set[int] = set()
        for index, anchor in enumerate(found):
            if anchor is None or id(anchor) in seen:
                found[index] = object()
            seen.add(id(anchor))
        return found


class Chunks(list[Any]):
    """A file to pickle to, which keeps what is written to it: large bytes and buffers themselves, without a copy."""

    write = list.append


class StatePickler(Pickler):
    """Pickles the state of a program.

    Attributes:
        placeholders: the texts of those that were pickled, of objects that could not be saved before.
        is_certain: only the standard library and the program are asked to make something again.
        later: if not None: instances, and what they hold. That is pickled after them, so that data may be nested as deeply as it
            likes: C's stack is not deep enough to follow a list of a thousand nodes.
        files: the paths of files that are open.
        streams: what has been saved that others write to, with its position then: to save a text file, for one, makes it write
            what it has buffered.
    """

    def __init__(self, file: Chunks, modules: Modules) -> None:
        super().__init__(file, protocol=5)
        self.written = file
        self.modules = modules
        self.placeholders: list[str] = []
        self.is_certain = True
        self._asked: dict[type, bool] = {}
        #: The numbers that are not equal to themselves, by identity: see `nans`.
        self.nans: dict[int, tuple[int, float]] = {}
        self.later: list[tuple[Any, dict[str, Any]]] | None = None
        self.files: list[str] = []
        self.streams: list[tuple[Any, int]] = []
        #: Of classes of the program's, and what takes apart their instances, by identity.
        self.plans: dict[int, tuple[type, Reducer]] = {}
        self.reducers = {**REDUCERS, **_of_loaded(), **modules.reducers}
        #: For each library module that was asked for: the names of its globals by identity.
        self.library_names: dict[str, dict[int, str]] = {}
        #: Of the plain objects that libraries hold: the module and the name, by identity.
        self.sentinels: dict[int, tuple[str, str]] | None = None
        #: Who has memory of an object of C's, by the identity of that: both are kept for it.
        self.foreign: dict[int, tuple[Any, Any]] = {}
        #: The trees of Beautiful Soup, by the identity of the root.
        self.trees: dict[int, Any] = {}
        #: The modules that there are, by the identity of their globals.
        self.homes: dict[int, Any] | None = None
        #: The module and the name of the classes that modules hold, by their identity.
        self.class_names: dict[int, tuple[str, str]] | None = None
        #: Whether classes are rebuilt, by their identity.
        self.by_value: dict[int, tuple[type, bool]] = {}
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
        self.asks_of(type(obj))
        return NotImplemented

    def asks_of(self, cls: type) -> None:
        """Notes that to make something again, a class is asked, which may be a package's."""
        if cls not in self._asked:
            module = getattr(cls, "__module__", None)
            package = module.partition(".")[0] if type(module) is str else "builtins"
            is_known = package in sys.stdlib_module_names or package == __package__.partition(".")[0]
            self._asked[cls] = is_known or self.modules.has(module)
        self.is_certain = self.is_certain and self._asked[cls]


class Met(Pickler):
    """Tells which objects a pickler has pickled.

    A pickler's memo is handed over to another one at no cost worth mentioning; to make a dict of it takes longer than pickling.
    What is in it is pickled as a reference.
    """

    def __init__(self, pickler: StatePickler) -> None:
        self._written = Chunks()
        super().__init__(self._written, protocol=5)
        self.memo = pickler.memo
        self._asked: Any = None

    def __call__(self, obj: Any) -> bool:
        """Whether an object was pickled; each is to be asked for once."""
        self._asked = obj
        self._written.clear()
        try:
            self.dump(obj)
        except _NotMet:
            return False
        written = self._written[0][2:]
        return written[9 if written[:1] == _FRAME else 0 :][:1] in (_BINGET, _LONG_BINGET)

    def persistent_id(self, obj: Any) -> None:
        if obj is not self._asked:
            raise _NotMet


class _NotMet(Exception):
    pass


class Reading:
    """A file to unpickle from, of chunks; large bytes are read from theirs to where they belong, without another copy."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = [memoryview(chunk) for chunk in reversed(chunks)]

    def readinto(self, target: Any) -> int:
        rest = memoryview(target)
        while rest and self._chunks:
            first = self._chunks.pop()
            count = min(len(first), len(rest))
            rest[:count] = first[:count]
            rest = rest[count:]
            if count < len(first):
                self._chunks.append(first[count:])
        return len(target) - len(rest)

    def read(self, size: int) -> bytes:
        if self._chunks and len(self._chunks[-1]) > size:
            first = self._chunks[-1]
            self._chunks[-1] = first[size:]
            return bytes(first[:size])
        found = bytearray(size)
        return bytes(found[: self.readinto(found)])

    def readline(self) -> bytes:
        """No line is in a pickle of protocol 5."""
        raise InternalError("the payload asks for a line of text")


class StateUnpickler(Unpickler):
    """The other side of `StatePickler`; rebuilds functions from the program's own code."""

    def __init__(self, payload: list[Any], modules: Modules) -> None:
        # An unpickler's memo cannot be set; it is filled by a stream that names the anchors, read first.
        self._anchors = modules.anchors()
        self._nans: dict[int, float] = {}
        take = b"".join(
            _BININT + index.to_bytes(4, "little") + _BINPERSID + _MEMOIZE + _POP
            for index in range(len(self._anchors))
        )
        take += _NONE + _STOP
        first = _PROTO + b"\x05" + _FRAME + len(take).to_bytes(8, "little") + take
        super().__init__(Reading([first, *payload]))
        self._units = modules.units
        self.load()

    def persistent_load(self, pid: Any) -> Any:
        if type(pid) is tuple:
            from . import nans

            return nans.make(self._nans, pid)
        return self._anchors[pid]

    def find_class(self, module: str, name: str) -> Any:
        # Of the runtime only what is needed is loaded, and what that imports is not to be the program's.
        if module not in sys.modules and module.startswith(_RUNTIME):
            with self._units.at_work():
                __import__(module)
        return super().find_class(module, name)


_RUNTIME = __package__.partition(".")[0] + "."


def import_by_name(name: str) -> types.ModuleType:
    """A module, imported if need be."""
    __import__(name)
    return sys.modules[name]


@reducer(types.ModuleType)
def _module(pickler: StatePickler, module: types.ModuleType) -> Reduced:
    name = next((name for name in (module.__name__, *sys.modules) if sys.modules.get(name) is module), None)
    if name is not None and not is_made(name, module):
        return import_by_name, (name,)
    if getattr(module, "__spec__", None) is not None:
        raise CannotSave(f"module {module.__name__} is not the one that `import {module.__name__}` gives")
    # The program has made it itself.
    return types.ModuleType, (module.__name__,), dict(vars(module)), None, None, set_module


def is_made(name: str, module: object) -> bool:
    """Whether a module in ``sys.modules`` is none that could be imported: somebody has made it, and put it there.

    Cython's are there as soon as something that it has compiled is imported: for what such modules have in common.
    """
    if not _has_no_origin(module) or name == "__main__" or name.startswith(("_cython_", "cython_runtime")):
        return False
    return _has_no_origin(sys.modules.get(name.partition(".")[0]))


def _has_no_origin(module: object) -> bool:
    if type(module) is not types.ModuleType:
        return False
    names = module.__dict__
    return names.get("__spec__") is None and "__file__" not in names


def set_module(module: types.ModuleType, names: dict[str, Any]) -> None:
    vars(module).update(names)
