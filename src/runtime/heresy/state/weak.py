"""Weak references, dead or alive, with their callbacks: what `weakref`'s containers are made of."""

from __future__ import annotations

import functools
import weakref

from .._kinds import MISSING
from .._typing_names import Any
from .library_objects import make_plain
from .memory import Layout
from .pickling import Modules, Reduced, StatePickler, reducer


@reducer(weakref.ReferenceType)
def _reference(pickler: StatePickler, reference: Any) -> Reduced:
    referent = reference()
    if referent is None:
        return dead_reference, ()
    return weakref.ref, (referent, reference.__callback__)


@reducer(weakref.KeyedRef)
def _keyed_reference(pickler: StatePickler, reference: Any) -> Reduced:
    referent = reference()
    if referent is None:
        return dead_reference, ()
    return weakref.KeyedRef, (referent, reference.__callback__, reference.key)


@reducer(weakref.finalize)
def _finalizer(pickler: StatePickler, finalizer: Any) -> Reduced:
    known = finalizer._registry.get(finalizer)
    referent = known.weakref() if known is not None else None
    if referent is None:
        return make_finalizer, ()  # it has been called, or told to be quiet
    # An object may hold its own.
    return make_finalizer, (), (referent, known.func, known.args, known.kwargs or {}, known.atexit), None, None, set_finalizer


def make_finalizer() -> Any:
    return weakref.finalize.__new__(weakref.finalize)


def set_finalizer(finalizer: Any, state: tuple[Any, Any, tuple[Any, ...], dict[str, Any], bool]) -> None:
    referent, function, args, keywords, at_exit = state
    finalizer.__init__(referent, function, *args, **keywords)
    finalizer.atexit = at_exit


def finalizers(modules: Modules) -> list[Any]:
    """Those for the program's own objects, in order: most often nobody but `weakref` holds them."""
    known = sorted(weakref.finalize._registry.items(), key=lambda item: item[1].index)
    return [one for one, how in known if modules.has(type(how.weakref()).__module__)]


@reducer(weakref.WeakMethod)
def _method_reference(pickler: StatePickler, reference: Any) -> Reduced:
    method, forgets = reference(), reference.__callback__
    held = dict(zip(forgets.__code__.co_freevars, forgets.__closure__)) if forgets is not None else {}
    callback = held["callback"].cell_contents if "callback" in held else None
    return method_reference, (method, callback)


def method_reference(method: Any, callback: Any) -> Any:
    return weakref.WeakMethod(_Gone().method if method is None else method, callback)


@reducer(weakref.WeakValueDictionary, weakref.WeakKeyDictionary, weakref.WeakSet)
def _container(pickler: StatePickler, container: Any) -> Reduced:
    # How they forget what is gone, and what they keep for that, depends on the version.
    items = list(container) if type(container) is weakref.WeakSet else list(container.items())
    return make_plain, (type(container),), items, None, None, set_container


def set_container(container: Any, items: list[Any]) -> None:
    container.__init__()
    for item in items:
        if type(container) is weakref.WeakSet:
            container.add(item)
        else:
            container[item[0]] = item[1]


@reducer(weakref.ProxyType, weakref.CallableProxyType)
def _proxy(pickler: StatePickler, proxy: Any) -> Reduced:
    # Whatever a proxy is asked for, it asks its referent for.
    referent, callback = (_proxies().get(proxy, name) for name in ("referent", "callback"))
    callback = None if callback is MISSING else callback
    return make_proxy, (None if referent is None else (referent,), callback)


def make_proxy(referent: tuple[Any] | None, callback: Any) -> Any:
    return weakref.proxy(*(referent or (_Gone(),)), callback)


@functools.cache
def _proxies() -> Layout:
    one, callback = _Gone(), [].append
    dead = weakref.proxy(_Gone())
    return Layout([(weakref.proxy(one, callback), {"referent": one, "callback": callback}), (dead, {"referent": None})])


class _Gone:
    __slots__ = ("__weakref__",)

    def method(self) -> None:
        """Goes with it."""


def dead_reference() -> Any:
    """A reference to an object that is gone."""
    return weakref.ref(_Gone())
