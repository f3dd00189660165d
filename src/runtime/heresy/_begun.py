"""Iterators that were asked for an item when the program was stopped: the item comes from a frame that is continued."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterator

from ._typing_names import Any, NamedTuple
from ._values import bound_special


class Begun(NamedTuple):
    """What `begun` has made, and of what.

    Attributes:
        item: in a tuple, what a `filter` has asked its function about.
    """

    found: Iterator[Any]
    iterator: Any
    item: tuple[Any, ...]


def begun(function: Callable[[], Any], iterator: Any, *item: Any) -> Iterator[Any]:
    """An iterator that gives what ``function`` gives, and then goes on as ``iterator``, with no frame of ours between.

    Args:
        item: what the function tells whether to give.
    """
    rest = bound_special(iterator, "__next__")
    first = function
    if item:
        choice = rest, list(item).pop
        first = functools.partial(next, map(operator.call, map(choice.__getitem__, map(operator.truth, _called(function)))))
    # The first is called by what asks: where it raises StopIteration, that is the end.
    found = map(operator.call, itertools.chain((first,), itertools.repeat(rest)))
    BEGUN[id(found)] = Begun(found, iterator, item)
    return found


def _called(function: Callable[[], Any]) -> Iterator[Any]:
    return map(operator.call, (function,))


def begun_for(iterator: Any) -> Any:
    """What `begun` was given, or an iterator itself."""
    known = BEGUN.get(id(iterator))
    return iterator if known is None else known.iterator


#: By their identity: what `begun` has made.
BEGUN: dict[int, Begun] = {}
