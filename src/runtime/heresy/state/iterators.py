"""Iterators in mid-course that pickle copies, loses or refuses: over dicts and sets, and dict views.

An iterator over a dict or a set is linked to it: it sees values that change, and fails while the size is another than the one
that it knows. So it is rebuilt over the very same container, moved on to where it was, and told the size that it knew.
"""

from __future__ import annotations

import collections
import functools
import gc

from .._kinds import MISSING, is_a
from .._typing_names import TYPE_CHECKING, Any, TypeAlias
from .memory import Layout, Number
from .pickling import REDUCERS, CannotSave, Reduced, StatePickler, reducer

if TYPE_CHECKING:
    import ctypes

_dict: dict[Any, Any] = {}
_DICT_ITERATORS: dict[type, str] = {
    type(iter(_dict.keys())): "keys",
    type(iter(_dict.values())): "values",
    type(iter(_dict.items())): "items",
    type(reversed(_dict.keys())): "keys",
    type(reversed(_dict.values())): "values",
    type(reversed(_dict.items())): "items",
}
_REVERSED = {type(reversed(_dict.keys())), type(reversed(_dict.values())), type(reversed(_dict.items()))}


@reducer(*_DICT_ITERATORS)
def _dict_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    view, backwards = _DICT_ITERATORS[type(iterator)], type(iterator) in _REVERSED
    # Besides the dict, an items iterator refers to a tuple only.
    container = next((held for held in gc.get_referents(iterator) if is_a(held, dict)), None)
    if container is None:
        return dict_iterator, ({}, view, backwards, 0, ())
    sizes, rest = _known(iterator, container, _DICT_SIZES)
    return dict_iterator, (container, view, backwards, _size(container) - len(rest), sizes)


def _iterator(container: dict[Any, Any], view: str, backwards: bool) -> Any:
    values = getattr(dict, view)(container)
    return reversed(values) if backwards else iter(values)


def dict_iterator(container: dict[Any, Any], view: str, backwards: bool, consumed: int, sizes: Sizes) -> Any:
    """An iterator over a view of ``container`` that has given ``consumed`` items, and knows certain sizes of it."""
    if _size(container) < consumed:
        raise CannotSave("an iterator belongs to a dict that contains it")
    iterator = _iterator(container, view, backwards)
    for _ in range(consumed):
        next(iterator)
    _tell(iterator, sizes, _DICT_SIZES)
    return iterator


_VIEWS: dict[type, tuple[type, str]] = {
    type(getattr(kind(), name)()): (kind, name)
    for kind in (dict, collections.OrderedDict)
    for name in ("keys", "values", "items")
}


@reducer(*_VIEWS)
def _dict_view(pickler: StatePickler, view: Any) -> Reduced:
    return dict_view, (gc.get_referents(view)[0], *_VIEWS[type(view)])


def dict_view(container: dict[Any, Any], kind: type, name: str) -> Any:
    return getattr(kind, name)(container)


@reducer(type(iter(set())))
def _set_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    container = next((held for held in gc.get_referents(iterator) if is_a(held, (set, frozenset))), None)
    if container is None:
        return iter, ((),)
    sizes, rest = _known(iterator, container, _SET_SIZES)
    return set_iterator, (container, rest, sizes)


def set_iterator(container: Any, rest: list[Any], sizes: Sizes) -> Any:
    """An iterator that gives ``rest``: over the set itself if it is in the same order here, or if it fails anyway."""
    iterator = iter(container)
    for _ in range(len(container) - len(rest)):
        next(iterator, None)
    if sizes or all(a is b for a, b in zip(list(container)[len(container) - len(rest) :], rest)):
        _tell(iterator, sizes, _SET_SIZES)
        return iterator
    return iter(rest)


@reducer(type(iter(collections.OrderedDict())))
def _ordered_dict_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    layout = _ordered_layout()
    held = {name: layout.get(iterator, name) for name in layout.fields}
    container = held["container"]
    if container is MISSING:
        return iter, ((),)
    keys = list(_ordered_iterator(container, held["kind"] & ~_ITEMS | _KEYS))
    fresh = _ordered_iterator(container, _KEYS)
    # If the dict has changed since, it fails, wherever it is.
    behind = tuple(layout.get(fresh, name) - held[name] for name in ("state", "size"))
    # What comes next is a key; there is none when all have been given.
    consumed = 0 if any(behind) else next((n for n, key in enumerate(keys) if key is held["next"]), len(keys))
    return ordered_dict_iterator, (container, held["kind"], consumed, *behind)


def ordered_dict_iterator(container: Any, kind: int, consumed: int, *behind: int) -> Any:
    if collections.OrderedDict.__len__(container) < consumed:
        raise CannotSave("an iterator belongs to an OrderedDict that contains it")
    iterator = _ordered_iterator(container, kind)
    for _ in range(consumed):
        next(iterator)
    layout = _ordered_layout()
    for name, count in zip(("state", "size"), behind):
        layout.put(iterator, name, layout.get(iterator, name) - count)
    return iterator


_DEQUES = {type(iter(collections.deque())): False, type(reversed(collections.deque())): True}


@reducer(*_DEQUES)
def _deque_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    layout = _deque_layout(type(iterator))
    (container, consumed), backwards = iterator.__reduce__()[1], _DEQUES[type(iterator)]
    # If the deque has changed since, it fails, wherever it is.
    behind = layout.get(_deque_kind(backwards)(container), "state") - layout.get(iterator, "state")
    return deque_iterator, (backwards, container, *((0, behind) if behind else (consumed,)))


def deque_iterator(backwards: bool, container: Any, consumed: int, *behind: int) -> Any:
    if collections.deque.__len__(container) < consumed:
        raise CannotSave("an iterator belongs to a deque that contains it")
    iterator = _deque_kind(backwards)(container, consumed)
    if behind:
        layout = _deque_layout(type(iterator))
        layout.put(iterator, "state", layout.get(iterator, "state") - behind[0])
    return iterator


def _deque_kind(backwards: bool) -> Any:
    return next(kind for kind, is_reversed in _DEQUES.items() if is_reversed == backwards)


@functools.cache
def _deque_layout(kind: Any) -> Layout:
    samples = []
    for changes in 7, 9:
        container: Any = collections.deque()
        for number in range(changes):
            container.append(number)
        samples.append((kind(container, 2), {"state": Number(changes), "left": Number(changes - 2)}))
    return Layout(samples)


_REVERSE, _KEYS, _VALUES, _ITEMS = 1, 2, 4, 6


def _ordered_iterator(container: Any, kind: int) -> Any:
    kind_of = collections.OrderedDict
    view = {_KEYS: kind_of.keys, _VALUES: kind_of.values, _ITEMS: kind_of.items}[kind & _ITEMS](container)
    return reversed(view) if kind & _REVERSE else iter(view)


@functools.cache
def _ordered_layout() -> Layout:
    samples: list[Any] = []
    for kind, view in (_KEYS, "keys"), (_VALUES, "values"), (_ITEMS, "items"):
        container = collections.OrderedDict.fromkeys([(1, kind), (2, kind), (3, kind)])
        second = list(container)[1]
        for iterator, number in (iter(getattr(container, view)()), kind), (reversed(getattr(container, view)()), kind | _REVERSE):
            next(iterator)
            known = {"container": container, "next": second, "state": Number(3), "size": Number(3)}
            samples.append((iterator, {**known, "kind": Number(number, 4)}))
        container.popitem()
        samples.append((iter(container), {"state": Number(4), "size": Number(2)}))
    done = iter(collections.OrderedDict())
    next(done, None)
    return Layout([*samples, (done, {"next": MISSING})])


# --- templates (from 3.14 on) -----------------------------------------------------------------------------------------


def _template_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    # It refers to two iterators over tuples, of which it asks now one, now the other.
    rests = [held.__reduce__() for held in gc.get_referents(iterator) if type(held) is type(iter(()))]
    strings, fields = (list(made_from[0][sum(position) :]) for _, made_from, *position in rests)
    if len(strings) == len(fields):
        strings.insert(0, "")  # the last that was given, or left out; an empty one is not given
    parts = [part for pair in zip(strings, fields) for part in pair]
    return template_iterator, (*parts, strings[-1])


def template_iterator(*parts: Any) -> Any:
    from string.templatelib import Template  # type: ignore[import-not-found]

    return iter(Template(*parts))


try:
    REDUCERS[type(eval("iter(t'')"))] = _template_iterator
except SyntaxError:
    pass


# --- the sizes that an iterator knows ---------------------------------------------------------------------------------

#: The size of the container, and how many items are left to give; what it was told last, where they are not as expected.
Sizes: TypeAlias = tuple[int, ...]

#: Where they are held, in words behind the object's header and the reference to the container. A set's iterator looks at
#: the first only.
_DICT_SIZES, _SET_SIZES = (0, 3), (0,)


def _known(iterator: Any, container: Any, places: tuple[int, ...]) -> tuple[Sizes, list[Any]]:
    """What an iterator knows that is not as expected now (else nothing), and what it has yet to give.

    Raises:
        CannotSave: the first cannot be read.
    """
    try:
        return (), iterator.__reduce__()[1][0]
    except RuntimeError:
        pass
    sample = iter({1: 2, 3: 4} if places is _DICT_SIZES else {1, 2})
    if [_words(sample)[place] for place in places] != [2] * len(places):
        raise CannotSave("it iterates over a container whose size has changed")
    words = _words(iterator)
    sizes = tuple(words[place] for place in places)
    try:
        for place in places:
            words[place] = _size(container)
        return sizes, iterator.__reduce__()[1][0]
    finally:
        _tell(iterator, sizes, places)


def _size(container: Any) -> int:
    """How many items a dict or a set has, whatever ``__len__`` the program gives it."""
    return next(kind.__len__(container) for kind in (dict, set, frozenset) if is_a(container, kind))


def _tell(iterator: Any, sizes: Sizes, places: tuple[int, ...]) -> None:
    if sizes:
        words = _words(iterator)
        for place, size in zip(places, sizes):
            words[place] = size


def _words(iterator: Any) -> ctypes.Array[ctypes.c_ssize_t]:
    import ctypes

    count = max(_DICT_SIZES) + 1 if type(iterator) in _DICT_ITERATORS else 1
    return (ctypes.c_ssize_t * count).from_address(id(iterator) + object.__basicsize__ + tuple.__itemsize__)
