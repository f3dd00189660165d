"""What a stop, or a transpiler, asks the units of a program: see `_units`."""

from __future__ import annotations

import os
import sys

from ._units import Store, Unit, Units, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

    from ._code_index import CodeIndex


class AskedStore(Store):
    """The store, awake."""

    rest = None

    def source(self, sha256: str) -> str | None:
        """Where the original of a module is kept, byte for byte."""
        return os.path.join(self.folder, "sources", sha256) if self.folder else None

    def marked(self, sha256: str) -> str | None:
        """Where its marked form is kept, in UTF-8; `heresy run` gives the script's the same name."""
        if self.folder is None:
            return None
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return os.path.join(self.folder, "marked", f"{sha256[:32]}-{self.build}-{version}.py")


class AskedUnit(Unit):
    """A unit, awake."""

    rest = None
    _index: CodeIndex | None = None
    _stand_in: tuple[ModuleType, dict[str, Any]] | None = None

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


class AskedUnits(Units):
    """All units of a process, awake."""

    rest = None

    def imported(self) -> list[str]:
        """The names in ``sys.modules``, in order, without what the runtime has imported for itself."""
        names = list(sys.modules)
        return [n for n in names[: self.modules_before if self.busy else None] if n not in self.runtimes_own]

    def handed_over(self) -> AtWork:
        """``with units.handed_over():`` in the midst of that, a function of the program's runs: imports are the program's."""
        return AtWork(self, False)

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
            if units.hook is not None:
                units.hook.imported_for_runtime(names)
