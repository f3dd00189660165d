"""The import hook: which modules of a program are instrumented, and how they get their run form.

Nothing is added to ``sys.meta_path`` or to any loader that a program can see: ``SourceFileLoader`` itself is asked for the
code of a module, as always, and answers with the run form where the module is one of ours. A module that cannot be
transpiled is imported as plain Python, and remembered: a program that holds one of its own such modules refuses to stop.

Instrumented are, in this order of precedence:

* nothing of heresy's own;
* what ``--instrument PATTERN`` names, and not what ``exclude`` in ``[tool.heresy]`` names;
* of the standard library, the modules in `LIBRARIES`; nothing else of it, nor of ``site-packages``;
* every module below the script's folder or the current project.
"""

from __future__ import annotations

import _frozen_importlib_external as _external
import os
import sys

from ._libraries import LIBRARIES, OTHERS
from ._like import like
from ._units import CannotInstrument, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, ModuleType
    from typing import Any

    from ._launch import Launch
    from ._units import Unit, Units

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


class Choice:
    """Which modules are instrumented.

    Attributes:
        roots: folders; the program's own modules are below them.
        instrument: patterns of module names, as `matches` takes them.
        exclude: the same, for modules that are left alone.
    """

    def __init__(self, roots: list[str], instrument: list[str], exclude: list[str]) -> None:
        self.roots = tuple(os.path.join(root, "") for root in roots)
        self.instrument = instrument
        self.exclude = exclude

    def is_own(self, name: str, path: str) -> bool:
        """Whether a module belongs to the program: its state is saved, and its code is not run again."""
        if path.startswith(_OWN) or any(matches(pattern, name) for pattern in self.exclude):
            return False
        if any(matches(pattern, name) for pattern in self.instrument):
            return True
        if path.startswith(_LIBRARY) or any(folder in path for folder in _PACKAGES):
            return False
        return path.startswith(self.roots) or os.path.realpath(path).startswith(self.roots)

    def is_library(self, name: str, path: str) -> bool:
        """Whether it is a library module whose frames may stand between those of the program."""
        is_known = name in LIBRARIES and path.startswith(_LIBRARY) or name in OTHERS
        return is_known and not any(matches(pattern, name) for pattern in self.exclude)


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern names a module: ``pkg`` that one, ``pkg.*`` it and all below, ``*`` every module."""
    if pattern == "*" or pattern == name:
        return True
    return pattern.endswith(".*") and (name == pattern[:-2] or name.startswith(pattern[:-1]))


def is_marked(data: bytes) -> bool:
    """Whether a module's text is what ``heresy transpile`` writes."""
    return b"import heresy; heresy.enter(__name__, __file__" in data


class Hook:
    """Answers for ``SourceLoader.get_code``."""

    def __init__(self, choice: Choice, units: Units) -> None:
        self.choice = choice
        self.units = units
        #: For ``-m NAME``: the code of the function that will ask for the module's, the module object and the launch.
        self.main: tuple[CodeType, ModuleType, Launch] | None = None
        self.plain_get_code = _external.SourceLoader.get_code

    def install(self) -> None:
        """Takes the question over."""
        plain, instrumented = self.plain_get_code, self.code

        def get_code(self: Any, fullname: str) -> Any:
            code = instrumented(self, fullname)
            return plain(self, fullname) if code is None else code

        like(plain, get_code)
        # Its frame belongs to those that the interpreter cuts out of the traceback of a failing import.
        get_code.__code__ = get_code.__code__.replace(co_filename=plain.__code__.co_filename)
        _external.SourceLoader.get_code = get_code
        self.units.imported_for_runtime = self._imported_for_runtime
        self.units.hook = self

    def code(self, loader: Any, fullname: str) -> CodeType | None:
        """The run form of a module; None if it is to be plain Python."""
        if self.units.busy or type(loader) is not _external.SourceFileLoader:
            return None
        path = loader.get_filename(fullname)
        if self.main is not None and sys._getframe(2).f_code is self.main[0]:
            return self._main_code(fullname, path)
        own = self.choice.is_own(fullname, path)
        if not own and not self.choice.is_library(fullname, path):
            return None
        unit = self.unit(fullname, path, library=not own)
        if unit is None:
            return None
        unit.belongs_to(sys.modules.get(fullname))
        return self.add(unit).code

    def add(self, unit: Unit) -> Unit:
        """Makes a unit known, and with it the library modules that it imports."""
        self.units.add(unit)
        # Loaded by the interpreter's own start, or by the runtime: the hook has not seen them.
        self._adopt_imported(sys.modules.keys(), [unit])
        return unit

    def _adopt_imported(self, names: Iterable[str], units: list[Unit]) -> None:
        """Adopts those of some modules that are library modules which units import."""
        there = LIBRARIES.keys() & names - self.units.by_id.keys()
        for unit in units if there else ():
            for name in there & _mentioned(unit.code):
                from ._adopted import adopt

                there.discard(name)
                adopt(self, name)

    def _imported_for_runtime(self, names: list[str]) -> None:
        self._adopt_imported(names, [*self.units.by_id.values()])

    def _main_code(self, name: str, path: str) -> CodeType | None:
        """The run form of the module that ``-m`` names: the program, wherever it lives."""
        assert self.main is not None
        (_, main, launch), self.main = self.main, None
        unit = self.unit("__main__", path, library=False)
        if unit is None:
            return None
        launch.source, launch.sha256 = unit.path, unit.sha256
        unit.belongs_to(main)
        return self.add(unit).code

    def unit(self, name: str, path: str, *, library: bool) -> Unit | None:
        """The unit of a module; None, and why is noted, if it cannot be made."""
        try:
            with open(path, "rb") as file:
                data = file.read()
            return load(self.units, name, path, data, library=library, texts=self.texts(path, data))
        except (CannotInstrument, SyntaxError, ValueError, OSError, RecursionError) as error:
            # Plain Python says better what is wrong, if anything is.
            if not library:
                self.units.plain[name] = (path, str(error))
            return None

    def texts(self, path: str, data: bytes) -> tuple[str, None, str] | None:
        """Where the texts of a file are, for `load`: what ``heresy transpile`` has written needs no transpiling."""
        return (path, None, self._encoding(data)) if is_marked(data) else None

    def _encoding(self, data: bytes) -> str:
        if b"coding" not in b"".join(data.splitlines(keepends=True)[:2]):
            return "utf-8-sig"
        with self.units.at_work():
            import io
            import tokenize

            return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def _mentioned(code: CodeType) -> set[str]:
    """The names in a code object and in those inside it: modules that it imports are among them."""
    return set(code.co_names).union(*(_mentioned(c) for c in code.co_consts if isinstance(c, type(code))))
