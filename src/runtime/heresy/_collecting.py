"""What C code is making of the items that it asks for: the list behind ``list(map(f, xs))`` or ``sorted(f(x) for x in xs)``.

Nothing refers to it but the C code. But the garbage collector knows it, and it grows: when the function that gives the items
returns one, the sizes of all lists are written down, and before anything else of Python's runs, it is the only one that has
this very item at its end now. So a stop waits until one item is done, and then can take place within any other.

A tuple is made with room for more, and put elsewhere when that is used up, for which nothing else may refer to it. So what it
has is copied, and looked at again for the stop: if it has got another item since, that waits for one more.
"""

from __future__ import annotations

import gc
import operator
import types
from collections.abc import Iterator

from ._errors import NotContinuable
from ._typing_names import Any


class Uncounted(NotContinuable):
    """What is being made has not been seen to grow yet.

    Attributes:
        watch: sees it.
    """

    def __init__(self, watch: Watch) -> None:
        super().__init__(f"an item for a {watch.kind.__name__} is not done")
        self.watch = watch


#: By the identity of what gives the items, while it is asked for them: that, what is made of them, and where, if it is a tuple.
_made: dict[int, tuple[Any, Any, int]] = {}


def made_of(iterator: Any) -> Any:
    """What is being made of the items of an iterator, a list for a tuple; None if that is not known."""
    known, made, place = _made.get(id(iterator), (None, None, 0))
    if known is not iterator:
        return None
    if place and not any(id(found) == place and _is_same(_items(found), made) for found in _all(tuple)):
        return None
    return made


def forget() -> None:
    """The program is not stopped after all."""
    _made.clear()


class Watch:
    """Finds what C code makes of items.

    Args:
        iterator: what is asked for them.
        kind: the type of what is made.
        code: that of the frames which give the items.

    Attributes:
        is_over: it was found.
    """

    def __init__(self, iterator: Any, kind: type, code: types.CodeType) -> None:
        self.iterator = iterator
        self.kind = kind
        self.code = code
        self.is_over = False
        self._sizes: dict[int, int] = {}
        self._item: list[Any] = []

    def given(self, item: Any) -> None:
        """An item has been made, and will be taken at once."""
        self._item = [item]
        self._sizes = {id(found): _size(found) for found in _all(self.kind)}

    def look(self) -> None:
        """Something of Python's is to run next."""
        if not self._item:
            return
        (item,), self._item = self._item, []
        grown = [found for found in _all(self.kind) if self._sizes.get(id(found)) == _size(found) - 1]
        grown = [found for found in grown if _ends_with(found, item)]
        if len(grown) == 1 and not [other for other in gc.get_referrers(grown[0]) if other is not grown]:
            (made,) = grown
            is_tuple = type(made) is tuple
            _made[id(self.iterator)] = self.iterator, _items(made) if is_tuple else made, id(made) if is_tuple else 0
            self.is_over = True


def _all(kind: type) -> Iterator[Any]:
    return (found for found in gc.get_objects() if type(found) is kind)


def _size(made: Any) -> int:
    return len(_items(made)) if type(made) is tuple else len(made)


def _items(made: tuple[Any, ...]) -> list[Any]:
    """What a tuple has; one that is being made has room that must not be looked at."""
    return gc.get_referents(made)


def _is_same(items: list[Any], others: list[Any]) -> bool:
    return len(items) == len(others) and all(map(operator.is_, items, others))


def _ends_with(made: Any, item: Any) -> bool:
    match made:
        case list():
            return made[-1] is item
        case tuple():
            items = _items(made)
            return items[-1] is item and len(items) < len(made)
        case dict():
            key, value = next(reversed(made.items()))
            return type(item) is tuple and len(item) == 2 and key is item[0] and value is item[1]
    return any(each is item for each in made)
