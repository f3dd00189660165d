"""Iterators that were asked for an item when the program was stopped: the item comes from a frame that is continued."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator

from ._typing_names import Any
from ._values import bound_special


def begun(function: Callable[[], Any], iterator: Any) -> Iterator[Any]:
    """An iterator that gives what ``function`` gives, and then goes on as ``iterator``, with no frame of ours between."""
    rest = bound_special(iterator, "__next__")
    found = map(operator.call, itertools.chain((function,), itertools.repeat(rest)))
    BEGUN[id(found)] = found, iterator
    return found


def begun_for(iterator: Any) -> Any:
    """What `begun` was given, or an iterator itself."""
    return BEGUN.get(id(iterator), (None, iterator))[1]


#: By their identity: what `begun` has made, and the iterator it goes on as.
BEGUN: dict[int, tuple[Iterator[Any], Any]] = {}
