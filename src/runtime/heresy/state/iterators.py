"""Iterators in mid-course that pickle copies, loses or refuses: over dicts and sets, and dict views.

An iterator over a dict or a set is linked to it: it sees values that change, and fails when the size changes. So it is
rebuilt over the very same container and moved on to where it was.
"""

from __future__ import annotations

import collections
import gc
import operator
import types
from typing import Any

from .._kinds import is_a
from .pickling import CannotSave, Reduced, StatePickler, reducer

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
        return dict_iterator, ({}, view, backwards, 0)
    try:
        iterator.__reduce__()
    except RuntimeError:
        return failing_dict_iterator, (container, view, backwards)
    return dict_iterator, (container, view, backwards, len(container) - operator.length_hint(iterator))


def _iterator(container: dict[Any, Any], view: str, backwards: bool) -> Any:
    values = getattr(dict, view)(container)
    return reversed(values) if backwards else iter(values)


def dict_iterator(container: dict[Any, Any], view: str, backwards: bool, consumed: int) -> Any:
    """An iterator over a view of ``container`` that has given ``consumed`` items."""
    if len(container) < consumed:
        raise CannotSave("an iterator belongs to a dict that contains it")
    iterator = _iterator(container, view, backwards)
    for _ in range(consumed):
        next(iterator)
    return iterator


def failing_dict_iterator(container: dict[Any, Any], view: str, backwards: bool) -> Any:
    """An iterator over a dict whose size has changed since: its next step raises RuntimeError."""
    container[_MARK] = None
    iterator = _iterator(container, view, backwards)
    del container[_MARK]
    return iterator


_MARK = object()


@reducer(type(_dict.keys()), type(_dict.values()), type(_dict.items()))
def _dict_view(pickler: StatePickler, view: Any) -> Reduced:
    name = type(view).__name__.removeprefix("dict_")
    container = gc.get_referents(view)[0]
    return dict_view, (container, name)


def dict_view(container: dict[Any, Any], name: str) -> Any:
    return getattr(dict, name)(container)


@reducer(types.MappingProxyType)
def _mapping_proxy(pickler: StatePickler, proxy: Any) -> Reduced:
    return types.MappingProxyType, (gc.get_referents(proxy)[0],)


@reducer(type(iter(set())))
def _set_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    container = next((held for held in gc.get_referents(iterator) if is_a(held, (set, frozenset))), None)
    if container is None:
        return iter, ((),)
    try:
        rest = iterator.__reduce__()[1][0]
    except RuntimeError:
        return failing_set_iterator, (container,)
    return set_iterator, (container, rest)


def set_iterator(container: Any, rest: list[Any]) -> Any:
    """An iterator that gives ``rest``: over the set itself if it is in the same order here."""
    iterator = iter(container)
    for _ in range(len(container) - len(rest)):
        next(iterator, None)
    if all(a is b for a, b in zip(list(container)[len(container) - len(rest) :], rest)):
        return iterator
    return iter(rest)


def failing_set_iterator(container: Any) -> Any:
    """An iterator over a set whose size has changed since: its next step raises RuntimeError."""
    container.add(_MARK)
    iterator = iter(container)
    container.discard(_MARK)
    return iterator


@reducer(type(iter(collections.OrderedDict())))
def _ordered_dict_iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    raise CannotSave("an iterator over an OrderedDict does not tell what it gives")
