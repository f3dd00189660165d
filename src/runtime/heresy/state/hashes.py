"""While a program is restored, objects go into dicts and sets before all of them are complete.

The keys of a dict are pairwise different: they were when it was saved. So ``__eq__`` is not asked, which could not know yet.
``__hash__`` has to be: many hashes are others in each process. Where it fails, since the object or what it looks at is still to
come, the object has a hash of the moment, and what it is a key of is filled again when all is there.

In the place of the two methods a class has stand-ins until then.
"""

from __future__ import annotations

import collections
import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .._errors import InternalError
from .._kinds import FROZEN, is_a
from .._typing_names import Any

_METHODS = ("__hash__", "__eq__")
_MISSING: Any = object()

#: The methods of each class that has stand-ins, by its identity: the class, and what it has under each name.
_waiting: dict[int, tuple[type, dict[str, Any]]] = {}
#: By their identity, objects that have a hash of the moment somewhere.
_provisional: dict[int, Any] = {}
#: Whether a function of the program's runs meanwhile.
_as_they_are = False


def of_class(cls: type) -> tuple[str, ...]:
    """The methods of its own that a class needs stand-ins for."""
    return tuple(name for name in _METHODS if cls.__dict__.get(name) is not None)


def stand_ins(names: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a class is made with in the place of these methods, and where they look for the methods: see `wait`."""
    methods: dict[str, Any] = dict.fromkeys(names, _MISSING)
    return {name: _STAND_INS[name](methods) for name in names}, methods


def wait(cls: type, methods: dict[str, Any]) -> None:
    """Has a class keep its stand-ins until `complete`."""
    if methods:
        _waiting[id(cls)] = cls, methods


def takes(cls: type, name: str, method: Any) -> bool:
    """Whether a method waits until `complete`."""
    methods = _waiting.get(id(cls), (cls, {}))[1]
    if name not in methods:
        return False
    methods[name] = method
    return True


def _hash(methods: dict[str, Any]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:
        if id(self) in _provisional and not _as_they_are:
            return object.__hash__(self)
        try:
            return _bound(methods["__hash__"], self)()
        except Exception:
            if _as_they_are:
                raise
            _provisional[id(self)] = self
            return object.__hash__(self)

    return __hash__


def _equal(methods: dict[str, Any]) -> Callable[[Any, Any], Any]:
    def __eq__(self: Any, other: Any) -> Any:
        return _bound(methods["__eq__"], self)(other) if _as_they_are else self is other

    return __eq__


_STAND_INS: dict[str, Callable[[dict[str, Any]], Any]] = {"__hash__": _hash, "__eq__": _equal}


def _bound(method: Any, obj: Any) -> Any:
    if method is _MISSING:
        raise InternalError(f"the methods of {type(obj).__name__} are still to be restored")
    return method.__get__(obj, type(obj)) if hasattr(type(method), "__get__") else method


@contextmanager
def as_they_are() -> Iterator[None]:
    """While a function of the program's runs, its classes behave as ever."""
    global _as_they_are
    before, _as_they_are = _as_they_are, True
    try:
        yield
    finally:
        _as_they_are = before


# --- when all is there ------------------------------------------------------------------------------------------------


def complete() -> None:
    """Gives the classes their methods, and fills again what holds objects under a hash of the moment."""
    # An ordered dict looks up what it iterates over: this comes first.
    found = [(held, _content(held)) for held in gc.get_objects() if _holds(held)] if _provisional else []
    for held, _ in found:
        for key in _kind(held).__iter__(held):
            _forget(key)
    for cls, methods in _waiting.values():
        for name, method in methods.items():
            if method is _MISSING:
                type.__delattr__(cls, name)
            else:
                type.__setattr__(cls, name, method)
    _waiting.clear()
    _provisional.clear()
    for held, content in found:
        kind = _kind(held)
        kind.clear(held)
        if issubclass(kind, dict):
            for key, value in content:
                kind.__setitem__(held, key, value)
        else:
            # The order may become another: see `sets`.
            kind.update(held, content)


_KINDS: tuple[Any, ...] = (collections.OrderedDict, dict, set, frozenset)


def _kind(held: Any) -> Any:
    return next((kind for kind in _KINDS if is_a(held, kind)), None)


def _holds(held: Any) -> bool:
    kind = _kind(held)
    return held is not _provisional and kind is not None and any(_is_provisional(key) for key in kind.__iter__(held))


def _content(held: Any) -> list[Any]:
    kind = _kind(held)
    if kind is frozenset:
        raise InternalError("a frozenset belongs to a cycle with an element that cannot be hashed before it is complete")
    return list(kind.items(held)) if issubclass(kind, dict) else list(kind.__iter__(held))


def _is_provisional(key: Any) -> bool:
    if type(key) in FROZEN:
        return any(_is_provisional(item) for item in key)
    if is_a(key, weakref.ReferenceType):
        return id(key()) in _provisional
    return id(key) in _provisional


def _forget(key: Any) -> None:
    """Has a key that keeps its hash forget it: from 3.14 on a tuple does.

    Raises:
        InternalError: this one cannot.
    """
    if not _is_provisional(key) or id(key) in _provisional:
        return
    if type(key) is not tuple:
        raise InternalError(f"a {type(key).__name__} keeps the hash of something that was not complete")
    for item in key:
        _forget(item)
    if tuple.__basicsize__ > _TUPLE_WITHOUT_HASH:
        import ctypes

        # Behind the header and the size.
        ctypes.c_ssize_t.from_address(id(key) + object.__basicsize__ + tuple.__itemsize__).value = -1


_TUPLE_WITHOUT_HASH = object.__basicsize__ + tuple.__itemsize__
