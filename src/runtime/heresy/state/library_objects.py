"""Objects of library modules that can be made again from what they show, one by one."""

from __future__ import annotations

import functools
import re
import types
import weakref

from .._kinds import MISSING
from .._typing_names import Any
from .memory import Layout
from .pickling import CannotSave, Reduced, StatePickler, import_by_name, library_reducer, reducer

# --- keys that compare by a function ------------------------------------------------------------------------------------

_KEY: Any = type(functools.cmp_to_key(id))  # type: ignore[arg-type]


@reducer(_KEY)
def _key(pickler: StatePickler, key: Any) -> Reduced:
    layout = _keys()
    held = {name: value for name in layout.fields if (value := layout.get(key, name)) is not MISSING}
    return make_key, (), held, None, None, set_key


def make_key() -> Any:
    return functools.cmp_to_key(id)  # type: ignore[arg-type]


def set_key(key: Any, held: dict[str, Any]) -> None:
    layout = _keys()
    for name, value in held.items():
        layout.put(key, name, value)


@functools.cache
def _keys() -> Layout:
    def compare(a: Any, b: Any) -> int:
        return 0

    maker: Any = functools.cmp_to_key(compare)
    item = [1]
    return Layout([(maker, {"function": compare, "item": MISSING}), (maker(item), {"function": compare, "item": item})])


# --- new types ----------------------------------------------------------------------------------------------------------


@library_reducer("typing", "NewType")
def _new_type(pickler: StatePickler, new_type: Any) -> Reduced:
    if not pickler.modules.has(new_type.__module__):
        return NotImplemented
    return make_plain, (type(new_type),), dict(new_type.__dict__)


def make_plain(cls: type) -> Any:
    return object.__new__(cls)


# --- random numbers of the system's ------------------------------------------------------------------------------------


@library_reducer("random", "SystemRandom")
def _system_random(pickler: StatePickler, source: Any) -> Reduced:
    return type(source), (), dict(source.__dict__), None, None, set_attributes


def set_attributes(obj: Any, attributes: dict[str, Any]) -> None:
    vars(obj).update(attributes)


# --- retried functions --------------------------------------------------------------------------------------------------


@library_reducer("tenacity", "Retrying")
def _retrying(pickler: StatePickler, retrying: Any) -> Reduced:
    """With what it knows of the attempts that go on, which it leaves out of a copy."""
    return make_plain, (type(retrying),), dict(retrying.__dict__), None, None, set_attributes


# --- decoders of JSON ---------------------------------------------------------------------------------------------------

_SCANNER = (
    "strict", "object_hook", "object_pairs_hook", "array_hook", "parse_float", "parse_int", "parse_constant",
)  # fmt: skip


@library_reducer("_json", "make_scanner")
def _json_scanner(pickler: StatePickler, scanner: Any) -> Reduced:
    return make_json_scanner, ({name: getattr(scanner, name) for name in _SCANNER if hasattr(scanner, name)},)


def make_json_scanner(options: dict[str, Any]) -> Any:
    return import_by_name("_json").make_scanner(types.SimpleNamespace(**{"array_hook": None, **options}))


# --- decimal contexts that are entered ------------------------------------------------------------------------------------


@library_reducer("_decimal", lambda module: type(module.localcontext()))
def _decimal_manager(pickler: StatePickler, manager: Any) -> Reduced:
    layout = _managers()
    return make_manager, (), {name: layout.get(manager, name) for name in layout.fields}, None, None, set_manager


def make_manager() -> Any:
    return import_by_name("_decimal").localcontext()


def set_manager(manager: Any, held: dict[str, Any]) -> None:
    for name, value in held.items():
        _managers().put(manager, name, value)


@functools.cache
def _managers() -> Layout:
    decimal = import_by_name("_decimal")
    manager, outer = decimal.localcontext(), decimal.getcontext()
    inner = manager.__enter__()
    manager.__exit__(None, None, None)
    return Layout([(manager, {"outer": outer, "inner": inner})])


# --- finalizers -----------------------------------------------------------------------------------------------------------


@reducer(weakref.finalize)
def _finalizer(pickler: StatePickler, finalizer: Any) -> Reduced:
    held = finalizer.peek()
    return make_plain, (weakref.finalize,), (held, finalizer.atexit) if held else None, None, None, set_finalizer


def set_finalizer(finalizer: Any, state: tuple[Any, bool] | None) -> None:
    if state is not None:
        (obj, function, args, keywords), at_exit = state
        finalizer.__init__(obj, function, *args, **keywords)
        finalizer.atexit = at_exit


# --- what has other attributes in other versions --------------------------------------------------------------------------


@library_reducer("traceback", "FrameSummary")
def _summary(pickler: StatePickler, summary: Any) -> Reduced:
    state = {name: getattr(summary, name) for name in type(summary).__slots__ if name != "_code"}
    return make_plain, (type(summary),), state, None, None, set_summary


def set_summary(summary: Any, state: dict[str, Any]) -> None:
    for name in type(summary).__slots__:
        # The text of the line, where it is kept in another way, is looked up again.
        setattr(summary, name, state.get(name))


@library_reducer("dataclasses", "_DataclassParams", "Field")
def _of_dataclass(pickler: StatePickler, obj: Any) -> Reduced:
    state = {name: getattr(obj, name) for name in type(obj).__slots__ if hasattr(obj, name)}
    return make_plain, (type(obj),), state, None, None, set_slots


def set_slots(obj: Any, state: dict[str, Any]) -> None:
    """So far as there are such."""
    for name in state.keys() & set(type(obj).__slots__):
        setattr(obj, name, state[name])


_URLS = ("DefragResult", "SplitResult", "ParseResult", "DefragResultBytes", "SplitResultBytes", "ParseResultBytes")


@library_reducer("urllib.parse", *_URLS)
def _url(pickler: StatePickler, url: Any) -> Reduced:
    # In 3.15.0 one that was pickled before cannot be pickled again.
    keeps = [url._keep_empty] if hasattr(url, "_keep_empty") else []
    return make_url, (type(url), tuple(url), *keeps)


def make_url(cls: type[tuple[Any, ...]], parts: tuple[Any, ...], *keeps: Any) -> Any:
    url: Any = tuple.__new__(cls, parts)
    if keeps and hasattr(cls, "_keep_empty"):
        url._keep_empty = keeps[0]
    return url


@library_reducer("re", "Scanner")
def _scanner(pickler: StatePickler, scanner: Any) -> Reduced:
    state = (scanner.lexicon, scanner.scanner.flags)
    return make_plain, (type(scanner),), state, None, None, set_scanner


def set_scanner(scanner: Any, state: tuple[Any, int]) -> None:
    scanner.__init__(*state)


@reducer(re.Pattern)
def _pattern(pickler: StatePickler, pattern: Any) -> Reduced:
    if not isinstance(pattern.pattern, (str, bytes)):
        raise CannotSave("it was not made of a text")
    return re.compile, (pattern.pattern, pattern.flags)


@library_reducer("zipfile", "ZipInfo")
def _archived(pickler: StatePickler, info: Any) -> Reduced:
    state = {name: getattr(info, name) for name in type(info).__slots__ if hasattr(info, name)}
    state["_compresslevel"] = state.pop("compress_level", state.get("_compresslevel"))
    return make_plain, (type(info),), state, None, None, set_archived


def set_archived(info: Any, state: dict[str, Any]) -> None:
    """Under its older name, an attribute can be set in every version."""
    for name, value in state.items():
        if hasattr(type(info), name):
            setattr(info, name, value)
