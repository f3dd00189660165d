"""The runtime at rest: what it is not asked for is asleep while a program runs.

The collector passes all that a process holds each time, and what heresy holds beside the program is to cost nothing: a function
counts, and so do a class, its dictionary and each of its methods; marshalled code is one string of bytes. So, when a program has
been started, there is left what it may need at any moment, and the code of the rest, which is executed when it is first asked
for: modules (`wake`), and what an object can do besides (`Dormant`). What a start alone needs is let go (`at_start`; see
`_at_rest`).

`_boot` reads this module out of the first of the files that `_finder` keeps.
"""

import marshal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

#: What finds the runtime's modules; it is there before them.
_FINDER = "heresy._finder"
#: What may be asked for in the midst of an import, when nothing else can be imported: by a signal, and by the import hook.
#: What one of them imports stands before it.
_ASLEEP = (
    "heresy._messages", "heresy._tracing", "heresy._handling", "heresy._answer", "heresy._failed", "heresy._units_asked",
    "heresy._hook_asked", "heresy._constants",
)  # fmt: skip

#: The folder of the package, and the path of the bundles without what tells them apart: see `_finder`. Empty: there are none.
_folder, _path = "", ""
#: The marshalled code of `_ASLEEP`, and of what finds modules.
_asleep: "dict[str, bytes]" = {}
#: What finds modules, a `_finder.Finder`; None: it is asleep.
_finder: "Any" = None
#: Functions that a start alone calls: their modules, and their names in there.
started_by: "list[tuple[str, str]]" = []


def at_start(function: "F") -> "F":
    """Marks a function that a start alone calls: it goes with that."""
    started_by.append((function.__module__, function.__qualname__))
    return function


def wake(name: str) -> "ModuleType":
    """A module that is asleep; it is executed when it is first asked for, without an import."""
    if name not in _asleep:
        __import__(name)
    module = sys.modules.get(name)
    # It may be in the midst of its own import, where a signal has come.
    if module is None or getattr(module.__spec__, "_initializing", False):
        module = type(sys)(name)
        module.__package__, module.__file__ = "heresy", f"{_folder}/{name.removeprefix('heresy.')}.py"
        exec(marshal.loads(_asleep[name]), module.__dict__)
        sys.modules[name] = module
        if "heresy" in sys.modules:
            setattr(sys.modules["heresy"], name.removeprefix("heresy."), module)
    return module


class Dormant:
    """An object that can do what a running program needs; who asks for more finds it to be of the class that does the rest.

    Attributes:
        rest: that class, which is derived from this one: its module, one of those that sleep, and its name. None: it is awake.
    """

    rest: "tuple[str, str] | None" = None

    def __getattr__(self, name: str) -> "Any":
        if self.rest is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.wake()
        return getattr(self, name)

    def wake(self) -> None:
        assert self.rest is not None
        module, kind = self.rest
        self.__class__ = getattr(wake(module), kind)


def find_spec(name: str, target: object = None) -> "Any":
    """What the import system asks: this module stands in `sys.path_importer_cache` for the runtime's folders."""
    return finder().find_spec(name) if name.partition(".")[0] == "heresy" else None


def finder() -> "Any":
    """What finds the runtime's modules, awake."""
    global _finder
    if _finder is None:
        _finder = wake(_FINDER).Finder(_folder, _path, "rest")
    return _finder


def keep() -> None:
    """Writes what this process had to compile."""
    if _finder is not None:
        _finder.current.keep()


@at_start
def install(folder: str, path: str, codes: "dict[str, bytes]", own: "CodeType") -> None:
    """Has the runtime's modules found in bundles.

    Args:
        codes: the first bundle, as `_boot` has read it.
        own: the code of this module.
    """
    global _folder, _path, _finder
    _folder, _path = folder, path
    text = codes.get(_FINDER)
    if text is None:
        with open(f"{folder}/_finder.py", encoding="utf-8") as file:
            text = marshal.dumps(compile(file.read(), file.name, "exec", own.co_flags & 0x1000000, dont_inherit=True))
    _asleep[_FINDER] = text
    _finder = wake(_FINDER).Finder(folder, path, "start", codes)
    for each in folder.rpartition("/")[0], folder, f"{folder}/state":
        sys.path_importer_cache[each] = sys.modules[__name__]  # type: ignore[assignment]
    for name, text in (__name__, marshal.dumps(own)), (_FINDER, text):
        if name not in codes:
            _finder.current.add(name, text)


@at_start
def go_on(name: str) -> None:
    """What is imported from here on is what every continuation needs (``again``), or the rest (``rest``)."""
    if _path:
        finder().go_on(name)


@at_start
def put_to_sleep() -> None:
    """Has all at hand that `wake` wants."""
    for name in _ASLEEP:
        if _path:
            _asleep[name] = finder().text(name)
        else:
            __import__(name)


@at_start
def let_finder_sleep() -> bool:
    """Until the next module is imported.

    Returns:
        whether there are bundles, so that it can be woken.
    """
    global _finder
    _finder = None
    return bool(_path)


at_start(at_start)
