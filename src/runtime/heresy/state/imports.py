"""The modules of other people: imported again before anything is restored, in their order; and who stands in ``sys.modules``.

A library's objects are found by name, so the library must be there first. What the program itself put into
``sys.modules`` (its own modules, aliases of them, objects that play a module) is put there again.
"""

from __future__ import annotations

import os
import sys
import types

from .._errors import HeresyError
from .._kinds import is_a
from .._typing_names import Any
from .pickling import Modules, is_made

#: Makers of modules that `import` finds again.
_FINDABLE = {"SourceFileLoader", "SourcelessFileLoader", "ExtensionFileLoader", "FrozenImporter", "BuiltinImporter"}


def save(modules: Modules, at_start: set[str]) -> list[tuple[str, bool]]:
    """The names of the modules to import again, and whether each may be missing there.

    The standard library is not the same in every Python: what the program really needs of it will be asked for by name.

    Args:
        at_start: what it held when the program started.
    """
    own = {id(module) for module in modules.objects}
    return [
        (name, _is_of_interpreter(name))
        for name in modules.units.imported()
        if name not in at_start
        and not (name == "heresy" or name.startswith("heresy."))
        and id(sys.modules.get(name)) not in own
        and _is_findable(name, sys.modules.get(name))
    ]


def _is_of_interpreter(name: str) -> bool:
    """Whether a module came with the interpreter; who packages one may add modules of their own."""
    if name.partition(".")[0] in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    return name.startswith("_") and is_a(file, str) and os.path.dirname(file) == os.path.dirname(os.__file__)


def _is_findable(name: str, module: object) -> bool:
    """Whether a module is found by this name: one that stands there under a second one comes with itself."""
    spec = getattr(module, "__spec__", None)
    loader = getattr(spec, "loader", None)
    kind = loader if is_a(loader, type) else type(loader)
    if spec is None or spec.name != name:
        return False
    return kind.__name__ in _FINDABLE or loader is None or kind.__name__ == "NamespaceLoader"


def restore(names: list[tuple[str, bool]]) -> None:
    """Imports modules.

    Raises:
        HeresyError: one is missing, or fails.
    """
    _refuse_missing(names)
    for name, optional in names:
        if name in sys.modules:
            continue
        try:
            __import__(name)
        except ModuleNotFoundError as error:
            if optional:
                continue
            raise HeresyError(
                "H322", f"cannot continue: module {error.name!r} is missing here",
                why="the program had imported it when it was stopped",
                help="install it, then run the same command again",
            ) from None  # fmt: skip
        except Exception as error:
            raise HeresyError(
                "H326", f"cannot continue: module {name!r} cannot be imported again",
                why=f"{type(error).__name__}: {error}", help="mend that, then run the same command again",
            ) from None  # fmt: skip


def _refuse_missing(names: list[tuple[str, bool]]) -> None:
    """Before any of them runs, so that all are named at once.

    Raises:
        HeresyError: a package, or a module outside of packages, is not to be found.
    """
    wanted = {name.partition(".")[0]: None for name, optional in names if not optional and name not in sys.modules}
    missing = [name for name in wanted if name not in sys.modules and not _is_found(name)]
    if missing:
        are = f"module {missing[0]!r} is" if len(missing) == 1 else f"modules {', '.join(map(repr, missing))} are"
        raise HeresyError(
            "H322", f"cannot continue: {are} missing here",
            why="the program had imported this when it was stopped; nothing of it has been run",
            help="install what is missing, then run the same command again",
        )  # fmt: skip


def _is_found(name: str) -> bool:
    return any(finder.find_spec(name, None) is not None for finder in sys.meta_path)


def placed(modules: Modules) -> dict[str, Any]:
    """Who stands where: in ``sys.modules``, and as an attribute of a package that is imported again."""
    own = {id(module) for module in modules.objects}
    found: dict[str, Any] = {"modules": {}, "attributes": []}
    for name, module in list(sys.modules.items()):
        is_module = type(module) is types.ModuleType
        if is_module and id(module) not in own and not is_made(name, module):
            continue
        plays_module = is_module or not is_a(module, types.ModuleType) and modules.has(type(module).__module__)
        if name != "__main__" and (id(module) in own or plays_module):
            found["modules"][name] = module
            parent, _, child = name.rpartition(".")
            holder = sys.modules.get(parent)
            if holder is not None and id(holder) not in own and vars(holder).get(child) is module:
                found["attributes"].append((parent, child, module))
    return found


def place(modules: Modules, found: dict[str, Any]) -> None:
    """Puts them there again."""
    own = {id(module) for module in modules.objects}
    for name, module in list(sys.modules.items()):
        if name != "__main__" and id(module) in own:
            del sys.modules[name]
    sys.modules.update(found["modules"])
    for parent, child, module in found["attributes"]:
        setattr(sys.modules[parent], child, module)
