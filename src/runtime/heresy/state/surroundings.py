"""What surrounds a program in its process, and what libraries hold for it (see `libraries`).

Each thing is saved only if the program has touched it, and put back before the program goes on.
"""

from __future__ import annotations

import _signal
import builtins
import os
import sys
import types

from .._baseline import process_settings, stream_settings
from .._errors import HeresyError
from .._kinds import is_a
from .._typing_names import Any
from . import libraries, moved
from .pickling import Modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._kept_back import KeptBack


def save(baseline: Any, exits: list[tuple[Any, ...]], modules: Modules, kept_back: KeptBack) -> dict[str, Any]:
    """The surroundings, to be pickled with the program's state.

    Args:
        baseline: what the process was like at the start.
        exits: what was registered with ``atexit``, in order, and whether the program has done so itself.
        kept_back: what has come of signals, or is to come.
    """
    from . import standard_input, weak

    saved: dict[str, Any] = {
        "argv": [list(sys.argv)] if sys.argv != baseline.argv else [],
        "recursion_limit": limit if (limit := sys.getrecursionlimit()) != baseline.recursion_limit else None,
        **_environ(baseline.environ),
        "stdin": standard_input.save(),
        "streams": {n: getattr(sys, n) for n in _STREAMS if getattr(sys, n) is not getattr(sys, f"__{n}__")},
        "settings": _changed_settings(baseline.streams),
        "hooks": {n: getattr(sys, n) for n in _HOOKS if getattr(sys, n) is not getattr(sys, f"__{n}__")},
        "builtins": _builtins(baseline.builtins),
        "exits": [exit_[:3] for exit_ in exits if exit_[3] or _is_programs(exit_[0], modules)],
        "finalizers": weak.finalizers(modules),
        "handlers": _signal_handlers(modules, baseline.handlers),
        "process": {name: now for name, now in process_settings().items() if now != baseline.process[name]},
        "libraries": libraries.save(modules, baseline),
        "signals": kept_back.saved(),
    }
    try:
        saved["cwd"] = os.getcwd()
    except FileNotFoundError:
        pass
    return {name: value for name, value in saved.items() if value}


def _environ(at_start: dict[str, str]) -> dict[str, Any]:
    """What the program has made of the environment."""
    now = dict(os.environ)
    if now == at_start:
        return {}
    changed = {name: value for name, value in now.items() if at_start.get(name) != value}
    return {"environ": changed, "unset": [name for name in at_start if name not in now]}


def added_path(baseline: Any, path: list[str]) -> list[tuple[int, str]]:
    """What the program has put into ``sys.path``, and where: modules that it has imported may have been found there."""
    return [(i, p) for i, p in enumerate(path) if p not in baseline.path]


def add_path(added: list[tuple[int, str]]) -> None:
    """Puts it there again."""
    for index, entry in added:
        sys.path.insert(index, moved.here(entry))


def restore(saved: dict[str, Any], register: Callable[..., Any], namespace: dict[str, Any]) -> None:
    """Puts back what `save` found; and what `patches.save` did.

    Args:
        register: what registers a function with ``atexit``.
        namespace: the program's globals.

    Raises:
        HeresyError: the program's directory is gone, or its standard input is another.
    """
    sys.argv[:] = saved.get("argv", [sys.argv])[0]
    sys.setrecursionlimit(saved.get("recursion_limit", sys.getrecursionlimit()))
    changed, unset = saved.get("environ", {}), saved.get("unset", [])
    os.environ.update(changed)
    for name in unset:
        os.environ.pop(name, None)
    if "TZ" in changed or "TZ" in unset:
        import time

        time.tzset()
    if "cwd" in saved:
        cwd = moved.here(saved["cwd"])
        try:
            os.chdir(cwd)
        except OSError as error:
            raise HeresyError(
                "H331", f"cannot continue: cannot enter the directory {cwd!r}: {error.strerror}",
                why="the program had changed to it", help="make it again, then run the same command again",
            ) from None  # fmt: skip
    for name, settings in saved.get("settings", {}).items():
        getattr(sys, f"__{name}__").reconfigure(**settings)
    if "stdin" in saved:
        from . import standard_input

        standard_input.restore(saved["stdin"])
    for name, value in {**saved.get("streams", {}), **saved.get("hooks", {})}.items():
        setattr(sys, name, value)
    vars(builtins).update(saved.get("builtins", {}))
    for function, args, keywords in saved.get("exits", ()):
        register(function, *args, **keywords)
    if "libraries" in saved:
        libraries.restore(saved["libraries"])
    if "patches" in saved:
        from . import patches

        patches.restore(saved["patches"])
    for name, value in saved.get("process", {}).items():
        _PROCESS[name](value)
    if "__warningregistry__" in namespace:
        namespace["__warningregistry__"]["version"] = libraries.filters_version()


_STREAMS = ("stdin", "stdout", "stderr")
_HOOKS = ("excepthook", "displayhook", "unraisablehook", "breakpointhook")


def _builtins(at_start: dict[str, Any]) -> dict[str, Any]:
    """The builtins that the program has added or replaced. ``_`` is what ``sys.displayhook`` keeps the last result under."""
    return {name: value for name, value in vars(builtins).items() if at_start.get(name, builtins) is not value}


def _is_programs(function: Any, modules: Modules) -> bool:
    """Whether a callback is the program's own, so that no library registers it again when it is imported."""
    from .placeholders import Placeholder

    if is_a(function, Placeholder):
        return True
    while hasattr(function, "func"):
        function = function.func
    owner = type(getattr(function, "__self__", None))
    if is_a(function, types.BuiltinMethodType) and not is_a(function.__self__, types.ModuleType):
        return True
    return modules.has(getattr(function, "__module__", None)) or modules.has(owner.__module__)


def _signal_handlers(modules: Modules, at_start: dict[int, Any]) -> dict[int, Any]:
    """Those that the program has set. What it was started to ignore is for whoever starts it again to say."""
    found: dict[int, Any] = {}
    for number, before in at_start.items():
        handler = _signal.getsignal(number)
        if callable(handler):
            is_set = _is_programs(handler, modules) or handler is not before and is_a(handler, types.BuiltinFunctionType)
        else:
            # Those that stop a program have heresy's handler in the place of the usual one.
            is_set = handler is not before and (handler is _signal.SIG_IGN or number not in _STOPS)
        if is_set:
            found[number] = handler
    return found


#: What a program is stopped or saved by, as far as it has no handler itself.
_STOPS = {_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGUSR1}


def _changed_settings(at_start: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the program has told the standard streams by ``reconfigure``."""
    found = {
        stream: {name: value for name, value in now.items() if at_start[stream][name] != value}
        for stream, now in stream_settings().items()
        if stream in at_start
    }
    return {stream: changed for stream, changed in found.items() if changed}


def _set_traceback_limit(limit: int | None) -> None:
    if limit is not None:
        sys.tracebacklimit = limit


#: How to give a process what `process_settings` has found in another.
_PROCESS: dict[str, Callable[[Any], Any]] = {
    "umask": os.umask,
    "niceness": lambda value: os.nice(max(0, value - os.getpriority(os.PRIO_PROCESS, 0))),
    "switch_interval": sys.setswitchinterval,
    "int_max_str_digits": sys.set_int_max_str_digits,
    "dont_write_bytecode": lambda value: setattr(sys, "dont_write_bytecode", value),
    "pycache_prefix": lambda value: setattr(sys, "pycache_prefix", value),
    "traceback_limit": _set_traceback_limit,
}
