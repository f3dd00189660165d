"""What libraries hold for a program: generators of random numbers, configurations, defaults.

A library is imported again when the program continues, and what it holds is not saved, but for what is named here. None of
them is imported for this: what the program has not imported it has not touched.
"""

from __future__ import annotations

import gc
import itertools
import sys

from .._kinds import is_a
from .._typing_names import Any
from .._uncollected import Uncollected
from . import registries
from .pickling import Modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def save(modules: Modules, baseline: Any) -> dict[str, Any]:
    """What each library holds, if it is not as it is at the start."""
    usual = {
        "warnings": {"filters": baseline.filters, "once": {}, "default": "default", "hooks": {}},
        "gc": (*baseline.collecting, 0, False, []),
        "random": baseline.random,
    }
    found: dict[str, Any] = {}
    for name, (take, _) in _LIBRARIES.items():
        library = sys.modules.get(name)
        held = None if library is None else take(library, modules)
        if held is not None and held != usual.get(name):
            found[name] = held
    return found


def restore(saved: dict[str, Any]) -> None:
    """Gives it back to them."""
    for name, (_, put) in _LIBRARIES.items():
        if name in saved:
            __import__(name)
            put(sys.modules[name], saved[name])


def _changed(now: Any, usual: Any) -> Any:
    return None if now == usual else now


# --- random numbers ---------------------------------------------------------------------------------------------------


def _put_numpy_random(random: Any, state: Any) -> None:
    random.set_state(state)


def _take_torch(torch: Any, modules: Modules) -> list[list[int]]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return [state.tolist() for state in (torch.get_rng_state(), *cuda)]


def _put_torch(torch: Any, states: list[list[int]]) -> None:
    first, *cuda = [torch.tensor(state, dtype=torch.uint8) for state in states]
    torch.set_rng_state(first)
    for device, state in enumerate(cuda[: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(state, device)


# --- warnings and logging ---------------------------------------------------------------------------------------------


def _take_warnings(warnings: Any, modules: Modules) -> dict[str, Any]:
    # The last is what `catch_warnings` puts a list in the place of.
    hooks = {name: getattr(warnings, name) for name in ("showwarning", "formatwarning", "_showwarnmsg_impl")}
    return {
        "filters": list(warnings.filters),
        "once": dict(warnings.onceregistry),
        "default": warnings.defaultaction,
        "hooks": {name: hook for name, hook in hooks.items() if getattr(hook, "__module__", None) not in _SHOWN_BY},
    }


#: Where the functions are that show warnings if the program has put none in their place; `logging` puts its own back.
_SHOWN_BY = ("warnings", "_py_warnings", "logging")


def _put_warnings(warnings: Any, saved: dict[str, Any]) -> None:
    warnings.filters[:] = saved["filters"]
    warnings.onceregistry.update(saved["once"])
    if warnings.defaultaction != saved["default"]:
        warnings.defaultaction = saved["default"]
        sys.modules["_warnings"]._defaultaction = saved["default"]  # type: ignore[attr-defined]
    for name, hook in saved["hooks"].items():
        setattr(warnings, name, hook)
    mutated = getattr(warnings, "_filters_mutated", None) or getattr(warnings, "_filters_mutated_lock_held", None)
    if mutated is not None:
        mutated()


def filters_version() -> int:
    """The number that the interpreter compares, to see whether the warnings a module has shown still count as shown."""
    import warnings

    filters, registry = warnings.filters[:], {}
    warnings.filters[:] = [("ignore", None, Warning, None, 0)]  # type: ignore[list-item]
    try:
        warnings.warn_explicit("", UserWarning, "", 1, registry=registry)
    finally:
        warnings.filters[:] = filters
    return registry.get("version", 0)


#: What `logging` itself holds beside its loggers.
_OF_LOGGING = ("raiseExceptions", "_loggerClass", "_logRecordFactory")


def _captured(showing: Any) -> Any:
    """What shows warnings when `logging` captures them no more: nothing, the usual, or a function of the program's."""
    return showing if showing is None or showing.__module__ not in _SHOWN_BY else "the usual"


def _take_logging(logging: Any, modules: Modules) -> dict[str, Any]:
    """The configuration of all loggers: levels, handlers, filters."""
    from . import logs

    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    return {
        "disable": logging.root.manager.disable,
        "names": dict(logging._levelToName),
        "own": {name: getattr(logging, name) for name in _OF_LOGGING},
        "captures": _captured(logging._warnings_showwarning),
        "shows": sys.modules["warnings"].showwarning is logging._showwarning,
        "held": logs.times_held(logging._lock),
        "loggers": {
            name: (logger.level, logger.propagate, logger.disabled, list(logger.handlers), list(logger.filters))
            for name, logger in loggers.items()
            if is_a(logger, logging.Logger)
        },
    }


def _put_logging(logging: Any, saved: dict[str, Any]) -> None:
    for level, name in saved["names"].items():
        logging.addLevelName(level, name)
    for name, value in saved["own"].items():
        setattr(logging, name, value)
    if saved["captures"] is not None:
        before = sys.modules["warnings"].showwarning
        logging._warnings_showwarning = saved["captures"] if callable(saved["captures"]) else before
    if saved["shows"]:
        sys.modules["warnings"].showwarning = logging._showwarning  # type: ignore[attr-defined]
    for _ in range(saved["held"]):
        logging._lock.acquire()
    for name, (level, propagate, disabled, handlers, filters) in saved["loggers"].items():
        logger = logging.getLogger(name) if name else logging.root
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled
        logger.handlers[:], logger.filters[:] = handlers, filters
    logging.disable(saved["disable"])


# --- the interpreter's own --------------------------------------------------------------------------------------------


#: Whether the program has called `gc.freeze`, while that is taken back.
_frozen = False


class Thawed:
    """``with Thawed(count):`` shows what is frozen: `gc.get_objects` leaves it out, and with it what is looked for there.

    Args:
        count: how many objects were frozen when the program started.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def __enter__(self) -> None:
        global _frozen
        _frozen = gc.get_freeze_count() > self.count
        gc.unfreeze()

    def __exit__(self, *_: object) -> None:
        if _frozen:
            gc.freeze()


def _take_gc(_: Any, modules: Modules) -> Any:
    callbacks = [each for each in gc.callbacks if modules.has(getattr(each, "__module__", None))]
    collects = gc.isenabled() if Uncollected.was_on is None else Uncollected.was_on
    return gc.get_threshold(), collects, gc.get_debug(), _frozen, callbacks


def _put_gc(_: Any, saved: Any) -> None:
    threshold, enabled, debug, frozen, callbacks = saved
    gc.set_threshold(*threshold)
    gc.set_debug(debug)
    gc.callbacks[:] = [*gc.callbacks, *callbacks]
    (gc.enable if enabled else gc.disable)()
    if frozen:
        gc.freeze()


def _take_resource(resource: Any, modules: Modules) -> dict[str, int]:
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    limits = {name: resource.getrlimit(getattr(resource, name))[0] for name in names}
    return {name: -1 if soft == resource.RLIM_INFINITY else soft for name, soft in limits.items()}


def _put_resource(resource: Any, saved: dict[str, int]) -> None:
    """The soft limits, as far as this machine lets them be so."""
    for name, kept in saved.items():
        # What stands for no limit is another number from 3.15 on.
        limit, soft = getattr(resource, name, None), resource.RLIM_INFINITY if kept == -1 else kept
        if limit is not None and resource.getrlimit(limit)[0] != soft:
            try:
                resource.setrlimit(limit, (soft, resource.getrlimit(limit)[1]))
            except (ValueError, OSError):
                continue


def _put_locale(locale: Any, value: str) -> None:
    if locale.setlocale(locale.LC_ALL) != value:
        locale.setlocale(locale.LC_ALL, value)


def _take_dialects(csv: Any, modules: Modules) -> Any:
    dialects = {name: csv.get_dialect(name) for name in csv.list_dialects() if name not in ("excel", "excel-tab", "unix")}
    known = {name: {each: getattr(dialect, each) for each in _OF_DIALECTS} for name, dialect in dialects.items()}
    return _changed((csv.field_size_limit(), known), (131072, {}))


_OF_DIALECTS = ("delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict")


def _put_dialects(csv: Any, saved: Any) -> None:
    csv.field_size_limit(saved[0])
    for name, known in saved[1].items():
        csv.register_dialect(name, **known)


def _take_numpy(numpy: Any, modules: Modules) -> tuple[dict[str, str], dict[str, Any]]:
    return numpy.geterr(), {name: value for name, value in numpy.get_printoptions().items() if name != "override_repr"}


def _put_numpy(numpy: Any, saved: tuple[dict[str, str], dict[str, Any]]) -> None:
    numpy.seterr(**saved[0])
    numpy.set_printoptions(**saved[1])


def _take_pandas(config: Any, modules: Modules) -> Any:
    """The options that are not as they were registered."""
    changed = {}
    for key, option in config._registered_options.items():
        held, name = config._get_root(key)
        if held[name] is not option.defval and held[name] != option.defval:
            changed[key] = held[name]
    return changed or None


def _put_pandas(config: Any, changed: dict[str, Any]) -> None:
    for key, value in changed.items():
        config.set_option(key, value)


def _take_contexts(click: Any, modules: Modules) -> Any:
    """The contexts that commands run in, which click keeps for each thread."""
    return getattr(click._local, "stack", None)


def _put_contexts(click: Any, stack: Any) -> None:
    click._local.stack = stack


def _take_threading(threading: Any, modules: Modules) -> Any:
    return _changed((threading.excepthook, _number_of(threading._counter)), (threading.__excepthook__, 1))


def _put_threading(threading: Any, saved: tuple[Any, int]) -> None:
    threading.excepthook, number = saved
    threading._counter = itertools.count(number).__next__


def _number_of(counter: Any) -> int:
    """The next number of the ``__next__`` of an `itertools.count`: that of the next thread or pool in its name."""
    return int(repr(counter.__self__).strip("count()"))


#: For each library: what it holds for the program, None if that is nothing, and how it is given back.
_LIBRARIES: dict[str, tuple[Callable[[Any, Modules], Any], Callable[[Any, Any], None]]] = {
    "random": (lambda random, _: random.getstate(), lambda random, state: random.setstate(state)),
    "numpy.random": (lambda random, _: random.get_state(legacy=False), _put_numpy_random),
    "numpy": (_take_numpy, _put_numpy),
    "pandas._config.config": (_take_pandas, _put_pandas),
    "torch": (_take_torch, _put_torch),
    "click.globals": (_take_contexts, _put_contexts),
    "typer._click.globals": (_take_contexts, _put_contexts),
    "warnings": (_take_warnings, _put_warnings),
    "locale": (lambda locale, _: locale.setlocale(locale.LC_ALL), _put_locale),
    "logging": (_take_logging, _put_logging),
    "decimal": (lambda decimal, _: decimal.getcontext(), lambda decimal, context: decimal.setcontext(context)),
    "csv": (_take_dialects, _put_dialects),
    "fileinput": (lambda fileinput, _: fileinput._state, lambda fileinput, state: setattr(fileinput, "_state", state)),
    "socket": (lambda socket, _: socket.getdefaulttimeout(), lambda socket, value: socket.setdefaulttimeout(value)),
    "tempfile": (lambda tempfile, _: tempfile.tempdir, lambda tempfile, value: setattr(tempfile, "tempdir", value)),
    "faulthandler": (
        lambda faulthandler, _: _changed(faulthandler.is_enabled(), sys.flags.dev_mode),
        lambda faulthandler, enabled: faulthandler.enable() if enabled else faulthandler.disable(),
    ),
    "threading": (_take_threading, _put_threading),
    "concurrent.futures.thread": (
        lambda thread, _: _changed(_number_of(thread.ThreadPoolExecutor._counter), 0),
        lambda thread, number: setattr(thread.ThreadPoolExecutor, "_counter", itertools.count(number).__next__),
    ),
    "sqlite3": (registries.take_sqlite, registries.put_sqlite),
    "copyreg": (registries.take_reducers, registries.put_reducers),
    "xml.etree.ElementTree": (registries.take_namespaces, registries.put_namespaces),
    "_collections_abc": (registries.take_subclasses, registries.put_subclasses),
    "numbers": (registries.take_subclasses, registries.put_subclasses),
    "resource": (_take_resource, _put_resource),
    "gc": (_take_gc, _put_gc),
}
