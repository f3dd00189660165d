"""What surrounds a program in its process, and what libraries hold for it.

Each thing is saved only if the program has touched it, and put back before the program goes on. What can neither be saved
nor be shown to be untouched refuses the stop.
"""

from __future__ import annotations

import _signal
import os
import signal
import sys
import types
from collections.abc import Callable
from typing import Any

from .._kinds import is_a
from . import moved
from .pickling import CannotSave, Modules


def save(baseline: Any, exits: list[tuple[Any, ...]], modules: Modules) -> dict[str, Any]:
    """The surroundings, to be pickled with the program's state.

    Args:
        baseline: the environment as it was at the start.
        exits: what was registered with ``atexit``, in order.

    Raises:
        CannotSave: something would be lost.
    """
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        raise CannotSave("an alarm is set, which would never ring")
    saved: dict[str, Any] = {
        "argv": list(sys.argv),
        "recursion_limit": sys.getrecursionlimit(),
        "environ": {k: v for k, v in os.environ.items() if baseline.environ.get(k) != v},
        "unset": [k for k in baseline.environ if k not in os.environ],
        "streams": {n: getattr(sys, n) for n in _STREAMS if getattr(sys, n) is not getattr(sys, f"__{n}__")},
        "hooks": {n: getattr(sys, n) for n in _HOOKS if getattr(sys, n) is not getattr(sys, f"__{n}__")},
        "exits": [exit_ for exit_ in exits if _is_programs(exit_[0], modules)],
        "handlers": _signal_handlers(modules),
    }
    try:
        saved["cwd"] = os.getcwd()
    except FileNotFoundError:
        pass
    for name, (take, _) in _LIBRARIES.items():
        library = sys.modules.get(name)
        if library is not None and not (name == "warnings" and library.filters == baseline.filters):
            saved[name] = take(library)
    return saved


def added_path(baseline: Any, path: list[str]) -> list[tuple[int, str]]:
    """What the program has put into ``sys.path``, and where: modules that it has imported may have been found there."""
    return [(i, p) for i, p in enumerate(path) if p not in baseline.path]


def add_path(added: list[tuple[int, str]]) -> None:
    """Puts it there again."""
    for index, entry in added:
        sys.path.insert(index, moved.here(entry))


def restore(saved: dict[str, Any], register: Callable[..., Any], namespace: dict[str, Any]) -> None:
    """Puts back what `save` found.

    Args:
        register: what registers a function with ``atexit``.
        namespace: the program's globals.
    """
    sys.argv[:] = saved["argv"]
    sys.setrecursionlimit(saved["recursion_limit"])
    os.environ.update(saved["environ"])
    for name in saved["unset"]:
        os.environ.pop(name, None)
    if "cwd" in saved:
        os.chdir(moved.here(saved["cwd"]))
    for name, value in {**saved["streams"], **saved["hooks"]}.items():
        setattr(sys, name, value)
    for function, args, keywords in saved["exits"]:
        register(function, *args, **keywords)
    for number, handler in saved["handlers"].items():
        signal.signal(number, handler)
    for name, (_, put) in _LIBRARIES.items():
        if name in saved:
            __import__(name)
            put(sys.modules[name], saved[name])
    if "__warningregistry__" in namespace:
        namespace["__warningregistry__"]["version"] = _filters_version()


def _filters_version() -> int:
    """The number that the interpreter compares, to see whether the warnings a module has shown still count as shown."""
    import warnings

    filters, registry = warnings.filters[:], {}
    warnings.filters[:] = [("ignore", None, Warning, None, 0)]  # type: ignore[list-item]
    try:
        warnings.warn_explicit("", UserWarning, "", 1, registry=registry)
    finally:
        warnings.filters[:] = filters
    return registry.get("version", 0)


_STREAMS = ("stdin", "stdout", "stderr")
_HOOKS = ("excepthook", "displayhook", "unraisablehook")


def _is_programs(function: Any, modules: Modules) -> bool:
    """Whether a callback is the program's own, so that no library registers it again when it is imported."""
    while hasattr(function, "func"):
        function = function.func
    owner = type(getattr(function, "__self__", None))
    if is_a(function, types.BuiltinMethodType) and not is_a(function.__self__, types.ModuleType):
        return True
    return modules.has(getattr(function, "__module__", None)) or modules.has(owner.__module__)


def _signal_handlers(modules: Modules) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for number in range(1, _signal.NSIG):
        handler = _signal.getsignal(number)
        usual = signal.SIG_DFL if number not in (signal.SIGPIPE, signal.SIGXFSZ) else signal.SIG_IGN
        if (
            callable(handler)
            and _is_programs(handler, modules)
            or handler is _signal.SIG_IGN
            and usual is signal.SIG_DFL
        ):
            found[number] = handler
    return found


# --- libraries ------------------------------------------------------------------------------------------------------


def _put_random(random: Any, state: Any) -> None:
    random.setstate(state)


def _take_warnings(warnings: Any) -> dict[str, Any]:
    """The filters, and what the module shows a warning by, if the program or `catch_warnings` has changed that."""
    shown_by = {name: getattr(warnings, name) for name in ("showwarning", "_showwarnmsg_impl")}
    return {
        "filters": list(warnings.filters),
        "shown by": {name: f for name, f in shown_by.items() if getattr(f, "__module__", None) not in _OF_WARNINGS},
    }


_OF_WARNINGS = ("warnings", "_py_warnings")


def _put_warnings(warnings: Any, saved: dict[str, Any]) -> None:
    warnings.filters[:] = saved["filters"]
    for name, function in saved["shown by"].items():
        setattr(warnings, name, function)
    mutated = getattr(warnings, "_filters_mutated", None) or getattr(warnings, "_filters_mutated_lock_held", None)
    if mutated is not None:
        mutated()


def _take_dialects(csv: Any) -> dict[str, Any]:
    return {name: csv.get_dialect(name) for name in csv.list_dialects()}


def _put_dialects(csv: Any, dialects: dict[str, Any]) -> None:
    for name, dialect in dialects.items():
        csv.register_dialect(name, dialect)


def _take_locale(locale: Any) -> str:
    return locale.setlocale(locale.LC_ALL)


def _put_locale(locale: Any, value: str) -> None:
    if locale.setlocale(locale.LC_ALL) != value:
        locale.setlocale(locale.LC_ALL, value)


def _take_logging(logging: Any) -> dict[str, Any]:
    """The configuration of all loggers: levels, handlers, filters."""
    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    return {
        "disable": logging.root.manager.disable,
        "names": dict(logging._levelToName),
        "loggers": {
            name: (logger.level, logger.propagate, logger.disabled, list(logger.handlers), list(logger.filters))
            for name, logger in loggers.items()
            if is_a(logger, logging.Logger)
        },
    }


def _put_logging(logging: Any, saved: dict[str, Any]) -> None:
    for level, name in saved["names"].items():
        logging.addLevelName(level, name)
    for name, (level, propagate, disabled, handlers, filters) in saved["loggers"].items():
        logger = logging.getLogger(name) if name else logging.root
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
        logger.handlers[:], logger.filters[:] = handlers, filters
    logging.disable(saved["disable"])


#: For each library: what it holds for the program, and how that is put back.
_LIBRARIES: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    "random": (lambda random: random.getstate(), _put_random),
    "warnings": (_take_warnings, _put_warnings),
    "_csv": (_take_dialects, _put_dialects),
    "fileinput": (lambda fileinput: fileinput._state, lambda fileinput, state: setattr(fileinput, "_state", state)),
    "locale": (_take_locale, _put_locale),
    "logging": (_take_logging, _put_logging),
    "decimal": (lambda decimal: decimal.getcontext(), lambda decimal, context: decimal.setcontext(context)),
}
