"""In the place of cloudpickle, for its own tests: `dumps` and `loads` by the pickler that saves a program's state.

What is pickled is read back by another process first, pickled there again, and read back here: see `echo`. A process that is
not run by heresy becomes one that is.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

DEFAULT_PROTOCOL = pickle.HIGHEST_PROTOCOL

#: How heresy is called, with spaces between the words.
COMMAND = "CLOUDPICKLE_SUITE_HERESY"

if "heresy._stop" not in sys.modules:
    _words = sys.orig_argv[1:]
    while _words and _words[0].startswith("-") and _words[0] != "-c":
        del _words[0]
    sys.stdout.flush()
    os.execvp(os.environ[COMMAND].split()[0], [*os.environ[COMMAND].split(), *_words])

from heresy import _save, _stop  # noqa: E402
from heresy.state import reopening, sets  # noqa: E402
from heresy.state.all import (  # noqa: E402
    Modules,
    StatePickler,
    StateUnpickler,
    caches,
    functions,
    generators,
)
from heresy.state.pickling import CannotSave, Chunks  # noqa: E402

from . import echo  # noqa: E402


def _modules() -> Modules:
    stopper: Any = _stop.stopper
    homes = _save._homes(list(stopper.units.by_id.values()))
    own = [(module, names) for module, names in homes.values() if module.__name__.partition(".")[0] in _TESTS]
    return Modules(sorted(own, key=lambda each: each[0].__name__), stopper.units, stopper.read())


#: Where what the tests define is, beside what they make up while they run.
_TESTS = ("__main__", "tests", "mock_local_folder", "_cloudpickle_testpkg")


def dumps(obj: Any, protocol: int | None = None, buffer_callback: Any = None) -> bytes:
    """The object, and the names of the modules whose code it may need."""
    modules = _modules()
    file = Chunks()
    try:
        StatePickler(file, modules).dump((obj, sets.Order()))
    except CannotSave as error:
        raise pickle.PicklingError(str(error)) from error
    return pickle.dumps(([module.__name__ for module in modules.objects], b"".join(map(bytes, file))))


def dump(obj: Any, file: Any, protocol: int | None = None, buffer_callback: Any = None) -> None:
    file.write(dumps(obj, protocol))


def loads(data: bytes, **_: Any) -> Any:
    """The object, after it has been in another process."""
    names, _payload = pickle.loads(data)
    return read_back(data if "__main__" in names else echo.through(data))


def load(file: Any, **_: Any) -> Any:
    return loads(file.read())


def read_back(data: bytes) -> Any:
    """The object, in this process."""
    names, payload = pickle.loads(data)
    for name in names:
        __import__(name)
    # Both sides must have the same ones, in the same order.
    modules = _modules()
    homes = [(module, modules.namespace(module)) for module in modules.objects if module.__name__ in names]
    modules = Modules(homes, modules.units, modules.programs)
    functions.restoring(modules)
    obj, tables = StateUnpickler([payload], modules).load()
    sets.apply(tables)
    caches.fill()
    reopening.compare([])
    generators.start()
    return obj


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return internal(name)


def internal(name: str) -> Any:
    """What is cloudpickle's own."""

    def missing(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"{name} is cloudpickle's own")

    return missing
