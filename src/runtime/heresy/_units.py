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

from ._unwinding import ASKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

    from ._code_index import CodeIndex
    from ._hook import Hook

#: Tells interpreters apart.
MAGIC = _imp.source_hash(2, sys.version.encode())


class CannotInstrument(Exception):
    """A module cannot be made continuable; ``args[0]`` says why, for people."""


class Store:
    """Where texts and code are kept, and who transpiles.

    Attributes:
        folder: the cache's root, or None: nothing is kept.
        code: the folder for compiled code in it, or None.
        build: tells builds of heresy apart.
        heresy: the binary that transpiles a module met for the first time, or None.
    """

    def __init__(self, folder: str | None, code: str | None, build: str, heresy: str | None) -> None:
        self.folder = folder
        self.code = code
        self.build = build
        self.heresy = heresy

    def source(self, sha256: str) -> str | None:
        """Where the original of a module is kept, byte for byte."""
        return os.path.join(self.folder, "sources", sha256) if self.folder else None

    def marked(self, sha256: str) -> str | None:
        """Where its marked form is kept, in UTF-8; `heresy run` gives the script's the same name."""
        if self.folder is None:
            return None
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return os.path.join(self.folder, "marked", f"{sha256[:32]}-{self.build}-{version}.py")

    def compiled(self, data: bytes, kind: str) -> str | None:
        """Where its code is kept; ``lib`` is that of a library, ``run`` that of the program, which has pads."""
        if self.code is None:
            return None
        tag = f"{sys.implementation.cache_tag}-O{sys.flags.optimize}"
        return os.path.join(self.code, f"{_imp.source_hash(1, data).hex()}-{len(data):x}.{tag}.{kind}")


class Unit:
    """One instrumented module.

    Attributes:
        id: names it in a checkpoint: the module's name, with a number if the name was loaded before.
        name: the module's name; ``__main__`` for the script.
        path: the file it came from, or what stands in its place (``<string>``).
        sha256: of the source's bytes, in hex.
        code: its run form.
        library: it is imported again when the program continues: only its code is known, nothing it holds is saved.
    """

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
        self._module: Any = None
        self._stand_in: tuple[ModuleType, dict[str, Any]] | None = None
        self._index: CodeIndex | None = None

    @property
    def index(self) -> CodeIndex:
        """The names of its code objects."""
        if self._index is None:
            from ._code_index import CodeIndex

            self._index = CodeIndex(self.code)
        return self._index

    def cached(self, data: bytes, kind: str) -> str | None:
        """Where something is kept that was made of it for this interpreter, told apart by ``data``."""
        return self._store.compiled(data, kind)

    def belongs_to(self, module: ModuleType | None) -> None:
        """Notes the module object that is about to execute the code."""
        if module is not None:
            from _weakref import ref

            self._module = ref(module)

    @property
    def module(self) -> ModuleType | None:
        """The module object, if it is still there."""
        return self._module() if self._module is not None else sys.modules.get(self.name)

    def home(self, namespace: dict[str, Any]) -> ModuleType | None:
        """The module whose globals ``namespace`` is, if it is this one.

        A module that has put another object into ``sys.modules`` may be gone while its functions live on with its
        globals: then a module object stands for it.
        """
        module = self.module
        if module is not None:
            return module if module.__dict__ is namespace else None
        if self._stand_in is None:
            self._stand_in = (type(sys)(self.name), namespace)
        stand_in, known = self._stand_in
        return stand_in if known is namespace else None

    def texts(self) -> tuple[str, bytes | None]:
        """The marked form, and the source if it can still be had."""
        from . import _texts

        if self._texts is not None:
            marked, source, encoding = self._texts
            return _texts.read_text(marked, encoding), read(source)
        source = None
        for path in (self._store.source(self.sha256), self.path):
            source = read(path)
            if source is not None and _texts.sha256_of(source).hex() == self.sha256:
                break
            source = None
        return _texts.marked_text(self._store, source, self.sha256, self.path), source


class Units:
    """All units of a process, in the order in which they were loaded.

    Attributes:
        store: where their texts and code come from.
        by_file: the units of each file name that tracebacks show.
        plain: the program's own modules that could not be instrumented, by name: path and reason.
        busy: the runtime itself is at work: what it imports now is imported as it is.
    """

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
        #: Is told of modules that the runtime has imported for itself: the program may import them later.
        self.imported_for_runtime: Callable[[list[str]], None] | None = None
        #: The import hook, once it is there.
        self.hook: Hook | None = None

    def imported(self) -> list[str]:
        """The names in ``sys.modules``, in order, without what the runtime has imported for itself."""
        names = list(sys.modules)
        return [n for n in names[: self.modules_before if self.busy else None] if n not in self.runtimes_own]

    def at_work(self) -> AtWork:
        """``with units.at_work():`` the runtime imports what it needs for itself."""
        return AtWork(self, True)

    def handed_over(self) -> AtWork:
        """``with units.handed_over():`` in the midst of that, a function of the program's runs: imports are the program's."""
        return AtWork(self, False)

    def add(self, unit: Unit) -> Unit:
        """Makes a unit known."""
        number = 1
        while unit.id in self.by_id:
            number += 1
            unit.id = f"{unit.name}#{number}"
        self.by_id[unit.id] = unit
        self.by_file.setdefault(unit.path, []).append(unit)
        return unit

    def of_code(self, code: CodeType) -> Unit | None:
        """The unit that a code object belongs to."""
        for unit in self.by_file.get(code.co_filename, ()):
            if unit.index.key(code) is not None:
                return unit
        return None


class AtWork:
    """For a while the runtime is at work, or the program: see `Units.at_work` and `Units.handed_over`.

    While the runtime is, imports pass by the hook, and by files of the program's named like library modules.
    """

    def __init__(self, units: Units, busy: bool) -> None:
        self.units = units
        self.busy = busy

    def __enter__(self) -> None:
        self.is_change = self.units.busy is not self.busy
        if self.is_change:
            self.turn(self.busy)

    def __exit__(self, *_: object) -> None:
        if self.is_change:
            self.turn(not self.busy)

    def turn(self, busy: bool) -> None:
        units = self.units
        units.busy = busy
        if busy:
            units.modules_before = len(sys.modules)
            units.program_path = sys.path[:]
            sys.path[:] = units.library_path
            return
        sys.path[:] = units.program_path
        if len(sys.modules) > units.modules_before:
            names = list(sys.modules)[units.modules_before :]
            units.runtimes_own.update(names)
            if units.imported_for_runtime is not None:
                units.imported_for_runtime(names)


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
        if name == "__main__" and not again:
            _warn(warned, path)
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
        if not again:
            _warn(warned, path)
    if displays or not library:
        from ._constants import ready

        code = ready(code, displays, None if library else ASKED)
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


def _warn(warned: list[tuple[str, int]], path: str) -> None:
    """The warnings about syntax, which plain Python gives when it compiles: at every start for the script."""
    if warned:
        import warnings

        for message, line in warned:
            warnings.warn_explicit(message, SyntaxWarning, path, line)


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
