"""The instrumented modules of a running program.

A *unit* is one module that was compiled to its run form: the script itself, and each module that the import hook took
over. While the program runs a unit is little more than its code; a stop asks it for its text and for the names of its
code objects.

Compiled code is cached under a key made of the text's content, the build of heresy and the interpreter. A file of the
cache appears by rename, whole or not at all, so any number of programs may start at the same time.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys

from . import _bundle
from ._bundle import Dormant, at_start
from ._unwinding import ASKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    from ._hook import Hook
    from ._units_asked import AtWork

#: Tells interpreters apart.
MAGIC = _imp.source_hash(2, sys.version.encode())


class Store(Dormant):
    """Where texts and code are kept, and who transpiles.

    Attributes:
        folder: the cache's root, or None: nothing is kept.
        code: the folder for compiled code in it, or None.
        build: tells builds of heresy apart.
        heresy: the binary that transpiles a module met for the first time, or None.
    """

    rest = "heresy._units_asked", "AskedStore"

    @at_start
    def __init__(self, folder: str | None, code: str | None, build: str, heresy: str | None) -> None:
        self.folder = folder
        self.code = code
        self.build = build
        self.heresy = heresy

    def compiled(self, data: bytes, kind: str) -> str | None:
        """Where its code is kept; ``lib`` is that of a library, ``run`` that of the program, which has pads."""
        if self.code is None:
            return None
        tag = f"{sys.implementation.cache_tag}-O{sys.flags.optimize}"
        return os.path.join(self.code, f"{_imp.source_hash(1, data).hex()}-{len(data):x}.{tag}.{kind}")


class Unit(Dormant):
    """One instrumented module.

    Attributes:
        id: names it in a checkpoint: the module's name, with a number if the name was loaded before.
        name: the module's name; ``__main__`` for the script.
        path: the file it came from, or what stands in its place (``<string>``).
        sha256: of the source's bytes, in hex.
        code: its run form.
        library: it is imported again when the program continues: only its code is known, nothing it holds is saved.
    """

    rest = "heresy._units_asked", "AskedUnit"

    def __init__(
        self, name: str, path: str, sha256: str, code: CodeType, *, library: bool, store: Store, texts: Any = None
    ) -> None:
        self.id = self.name = name
        self.path = path
        self.sha256 = sha256
        self.code = code
        self.library = library
        self._store = store
        #: The paths of marked form and source, and the marked form's encoding, if they are not where the store puts them.
        self._texts: tuple[str, str | None, str] | None = texts
        #: A weak reference to the module object.
        self._module: Any = None

    def belongs_to(self, module: ModuleType | None) -> None:
        """Notes the module object that is about to execute the code."""
        if module is not None:
            from _weakref import ref

            self._module = ref(module)


class Units(Dormant):
    """All units of a process, in the order in which they were loaded.

    Attributes:
        store: where their texts and code come from.
        by_file: the units of each file name that tracebacks show.
        plain: the program's own modules that could not be instrumented, by name: path and reason.
        busy: the runtime itself is at work: what it imports now is imported as it is.
    """

    rest = "heresy._units_asked", "AskedUnits"

    @at_start
    def __init__(self, store: Store) -> None:
        self.store = store
        self.busy = False
        self.library_path = sys.path[:]
        #: ``sys.path`` as the program has it, while the runtime is at work.
        self.program_path: list[str] = []
        #: The names of the modules that the runtime has imported for itself.
        self.runtimes_own: set[str] = set()
        self.modules_before = 0
        self.by_id: dict[str, Unit] = {}
        self.by_file: dict[str, list[Unit]] = {}
        self.plain: dict[str, tuple[str, str]] = {}
        #: The import hook, once it is there.
        self.hook: Hook | None = None

    def at_work(self) -> AtWork:
        """``with units.at_work():`` the runtime imports what it needs for itself."""
        return _bundle.wake("heresy._units_asked").AtWork(self, True)  # type: ignore[no-any-return]

    def add(self, unit: Unit) -> Unit:
        """Makes a unit known."""
        number = 1
        while unit.id in self.by_id:
            number += 1
            unit.id = f"{unit.name}#{number}"
        self.by_id[unit.id] = unit
        self.by_file.setdefault(unit.path, []).append(unit)
        return unit


def load(
    units: Units, name: str, path: str, data: bytes, *, library: bool = False, texts: Any = None, again: bool = False
) -> Unit:
    """A unit from a module's source; `Units.add` makes it known.

    Args:
        data: the bytes of the file at ``path``.
        texts: paths of its marked form and source and the encoding of the former, if not where the store has them.
        again: the program has loaded it before it was stopped, and was warned of its syntax then.

    Raises:
        CannotInstrument: it cannot be transpiled; plain Python may take it all the same.
        OSError: the marked form cannot be read.
    """
    store = units.store
    place = store.compiled(data, "lib" if library else "run")
    cached = read_cached(place)
    if cached is not None:
        sha256, code, warned, displays = cached
        if name != "__main__":
            warned = []
    else:
        with units.at_work():
            from . import _texts
            from ._run_form import compile_module

            sha256 = _texts.sha256_of(data).hex()
            if texts is not None:
                marked = _texts.read_text(texts[0], texts[2])
            else:
                marked = _texts.marked_text(store, data, sha256, path)
            compiled = compile_module(marked, data, path, pads=not library)
            code, warned, displays = compiled.code, compiled.warned, compiled.displays
            _texts.keep_cached(place, (sha256, code, warned, displays))
    if warned and not again:
        from ._texts import warn

        warn(warned, path)
    if displays or not library:
        code = _bundle.wake("heresy._constants").ready(code, displays, None if library else ASKED)
    _imp._fix_co_filename(code, path)
    return Unit(name, path, sha256, code, library=library, store=store, texts=texts)


def read_cached(place: str | None) -> Any:
    """What `_texts.keep_cached` has written, in a list; None if it is not there."""
    data = read(place)
    if data is None:
        return None
    is_cached(place)
    try:
        magic, *compiled = marshal.loads(data)
    except (ValueError, EOFError, TypeError):
        return None
    return compiled if magic == MAGIC else None


def is_cached(path: str | None) -> bool:
    """Whether a file of the cache is there; if so, it counts as used now: what is not used for long is removed in time."""
    if path is None:
        return False
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except OSError:
        pass  # somebody else's
    return True


def read(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
