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

from . import _libraries
from ._bundle import Dormant, at_start
from ._units import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, ModuleType
    from typing import Any

    from ._launch import Launch
    from ._units import Unit, Units

#: The names of library modules that are instrumented, and of modules of other people.
_LIBRARIES, _OTHERS = frozenset(_libraries.LIBRARIES), frozenset(_libraries.OTHERS)
del _libraries
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

    @at_start
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
        is_known = name in _LIBRARIES and path.startswith(_LIBRARY) or name in _OTHERS
        return is_known and not any(matches(pattern, name) for pattern in self.exclude)


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern names a module: ``pkg`` that one, ``pkg.*`` it and all below, ``*`` every module."""
    if pattern == "*" or pattern == name:
        return True
    return pattern.endswith(".*") and (name == pattern[:-2] or name.startswith(pattern[:-1]))


def is_marked(data: bytes) -> bool:
    """Whether a module's text is what ``heresy transpile`` writes."""
    return b"import heresy; heresy.enter(__name__, __file__" in data


class Hook(Dormant):
    """Answers for ``SourceLoader.get_code``."""

    rest = "heresy._hook_asked", "AskedHook"

    @at_start
    def __init__(self, choice: Choice, units: Units) -> None:
        self.choice = choice
        self.units = units
        #: For ``-m NAME``: the code of the function that will ask for the module's, the module object and the launch.
        self.main: tuple[CodeType, ModuleType, Launch] | None = None

    @at_start
    def install(self) -> None:
        """Takes the question over."""
        from ._like import like

        global _hook, _plain_get_code
        _hook, _plain_get_code = self, _external.SourceLoader.get_code
        like(_plain_get_code, _get_code)
        # Its frame belongs to those that the interpreter cuts out of the traceback of a failing import.
        _get_code.__code__ = _get_code.__code__.replace(co_filename=_plain_get_code.__code__.co_filename)
        _external.SourceLoader.get_code = _get_code
        self.units.hook = self

    def code(self, loader: Any, fullname: str) -> CodeType | None:
        """The run form of a module; None if it is to be plain Python."""
        if self.units.busy or type(loader) is not _external.SourceFileLoader:
            return None
        path = loader.get_filename(fullname)
        if self.main is not None and sys._getframe(2).f_code is self.main[0]:
            return self.main_code(fullname, path)
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
        self.adopt_imported(sys.modules.keys(), [unit])
        return unit

    def adopt_imported(self, names: Iterable[str], units: list[Unit]) -> None:
        """Adopts those of some modules that are library modules which units import."""
        there = _LIBRARIES.intersection(names) - self.units.by_id.keys()
        for unit in units if there else ():
            for name in there & _mentioned(unit.code):
                from ._adopted import adopt

                there.discard(name)
                adopt(self, name)

    def unit(self, name: str, path: str, *, library: bool) -> Unit | None:
        """The unit of a module; None, and why is noted, if it cannot be made."""
        try:
            with open(path, "rb") as file:
                data = file.read()
            return load(self.units, name, path, data, library=library, texts=self.texts(path, data))
        except (SyntaxError, ValueError, OSError, RecursionError) as error:
            # Plain Python says better what is wrong, if anything is.
            if not library:
                self.units.plain[name] = (path, str(error))
            return None

    def texts(self, path: str, data: bytes) -> tuple[str, None, str] | None:
        """Where the texts of a file are, for `load`: what ``heresy transpile`` has written needs no transpiling."""
        return (path, None, self.encoding(data)) if is_marked(data) else None


#: That of this process, and what it answers for.
_hook: Hook
_plain_get_code: Any


def _get_code(self: Any, fullname: str) -> Any:
    code = _hook.code(self, fullname)
    return _plain_get_code(self, fullname) if code is None else code


def _mentioned(code: CodeType) -> set[str]:
    """The names in a code object and in those inside it: modules that it imports are among them."""
    return set(code.co_names).union(*(_mentioned(c) for c in code.co_consts if isinstance(c, type(code))))
