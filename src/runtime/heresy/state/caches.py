"""Functions with a cache: those of ``functools.lru_cache`` and ``functools.cache``.

What a cache holds is part of the state: without it a function would be called again that has been called already. CPython
shows neither the entries nor where it keeps them, but the garbage collector knows them, oldest first. They come back by the
calls that have made them, of a function that gives what is known; then the true function takes its place, and the counts.
"""

from __future__ import annotations

import functools
import gc
import sys

from .._errors import HeresyError, InternalError
from .._typing_names import TYPE_CHECKING, Any, NamedTuple
from .pickling import CannotSave, Reduced, StatePickler, reducer

if TYPE_CHECKING:
    import ctypes

_CACHED: Any = functools._lru_cache_wrapper
#: Where a wrapper keeps what, in words from its function on.
_CACHE, _HITS, _MAXSIZE, _MISSES = -2, -1, 1, 2


class _Held(NamedTuple):
    """What a wrapper holds.

    Attributes:
        function: what it calls.
        entries: positional and named arguments and the result of the calls that it remembers, the oldest first.
        hits, misses: how often it has known a result, and how often not.
        attributes: its own.
    """

    function: Any
    entries: list[tuple[tuple[Any, ...], dict[str, Any], Any]]
    hits: int
    misses: int
    attributes: dict[str, Any]


@reducer(_CACHED)
def _cached(pickler: StatePickler, wrapper: Any) -> Reduced:
    module = getattr(wrapper, "__module__", None)
    if not pickler.modules.has(module) and _named(module, wrapper.__qualname__) is wrapper:
        return NotImplemented  # a library's own
    referents = gc.get_referents(wrapper)
    info = wrapper.cache_info()
    words = _words(wrapper)
    at = _function_at(words, referents, info)
    function = next(held for held in referents if id(held) == words[at])
    typed = bool(words[at - 3] & 0xFF)
    cache = next((held for held in referents if id(held) == words[at + _CACHE]), {})
    # After the entries and the function comes what stands in a key between positional and named arguments.
    mark = next((held for held in reversed(referents) if type(held) is object), None)
    keys = list(cache.items()) if info.maxsize is None else _linked(referents)
    entries = [(*_arguments(key, mark, typed), result) for key, result in keys]
    if mark is None or len(entries) != info.currsize:
        raise CannotSave("the cache of a function cannot be read")
    attributes = {name: value for name, value in vars(wrapper).items() if not _is_librarys(name, value)}
    state = _Held(function, entries, info.hits, info.misses, attributes)
    return make_cached, (info.maxsize, typed), tuple(state), None, None, hold


_INFO: Any = functools._CacheInfo  # type: ignore[attr-defined]


@reducer(_INFO)
def _info(pickler: StatePickler, info: Any) -> Reduced:
    return make_info, tuple(info)


def make_info(*counts: Any) -> Any:
    """What ``cache_info()`` gives. Its class has another name than that by which `functools` knows it."""
    return _INFO(*counts)


def _named(module: Any, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _is_librarys(name: str, value: Any) -> bool:
    return name == "cache_parameters" and getattr(value, "__module__", None) == "functools"


def _linked(referents: list[Any]) -> list[tuple[Any, Any]]:
    """The keys and results of a cache of limited size: three referents for each, after the wrapper's type."""
    found = []
    index = 1
    while index + 2 < len(referents) and getattr(referents[index + 2], "__name__", "") == "_lru_list_elem":
        found.append((referents[index], referents[index + 1]))
        index += 3
    return found


def _arguments(key: Any, mark: object | None, typed: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the call that has the key ``key``."""
    if type(key) is not tuple:
        return (key,), {}
    positional = next((index for index, part in enumerate(key) if part is mark), None)
    if positional is None:
        return key[: len(key) // 2] if typed else key, {}
    rest = len(key) - positional - 1
    named = (rest - positional) // 3 if typed else rest // 2
    pairs = key[positional + 1 : positional + 1 + 2 * named]
    return key[:positional], dict(zip(pairs[::2], pairs[1::2]))


# --- memory -----------------------------------------------------------------------------------------------------------


def _words(wrapper: Any) -> ctypes.Array[ctypes.c_ssize_t]:
    import ctypes

    count = _CACHED.__basicsize__ // ctypes.sizeof(ctypes.c_ssize_t)
    return (ctypes.c_ssize_t * count).from_address(id(wrapper))


def _function_at(words: Any, candidates: list[Any], info: Any) -> int:
    """Where a wrapper keeps its function, which what lies beside it tells."""
    ids = {id(candidate) for candidate in candidates}
    counts = info.hits, -1 if info.maxsize is None else info.maxsize, info.misses
    for at in range(3, len(words) - _MISSES):
        if words[at] in ids and (words[at + _HITS], words[at + _MAXSIZE], words[at + _MISSES]) == counts:
            return at
    raise CannotSave("the cache of a function cannot be read")


# --- the other side -----------------------------------------------------------------------------------------------------

#: Wrappers that are made, and what they are to hold: their keys may only be hashed once all of the state is there.
_made: list[tuple[Any, _Held]] = []


def make_cached(maxsize: int | None, typed: bool) -> Any:
    """A function with an empty cache; what it calls comes afterwards."""

    def known(*args: Any, **keywords: Any) -> Any:
        return results.pop()

    results: list[Any] = []
    known.results = results  # type: ignore[attr-defined]
    return functools.lru_cache(maxsize=maxsize, typed=typed)(known)


def hold(wrapper: Any, state: tuple[Any, ...]) -> None:
    _made.append((wrapper, _Held(*state)))


def fill() -> None:
    """Fills the caches that were made; the program's state must be complete."""
    if not _made:
        return
    import ctypes

    for wrapper, held in _made:
        known = wrapper.__wrapped__
        for args, keywords, result in held.entries:
            known.results.append(result)
            wrapper(*args, **keywords)
            if known.results:
                raise HeresyError(
                    "H327", f"cannot continue: two keys in the cache of {held.attributes.get('__name__')} are equal now",
                    why="a key has changed since it was put there, or its `__eq__` or `__hash__` depend on more than it",
                )  # fmt: skip
        words = _words(wrapper)
        try:
            at = _function_at(words, [known], wrapper.cache_info())
        except CannotSave as error:
            raise InternalError(str(error)) from None
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(held.function))
        words[at], words[at + _HITS], words[at + _MISSES] = id(held.function), held.hits, held.misses
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(known))
        kept = wrapper.cache_parameters
        vars(wrapper).clear()
        vars(wrapper).update({"cache_parameters": kept, **held.attributes})
    _made.clear()
