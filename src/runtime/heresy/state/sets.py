"""Sets keep their order.

The order in which a set is iterated over and popped from depends on its hash table: how large it is, which slots removed
elements have left behind, where the last ``pop`` stopped. ``pickle`` rebuilds a set from its elements alone, so that
``pending.pop()`` could give another element after a resume than it would have. Where that shows, the table is read here,
and built again slot by slot:

* removed elements are played by *blockers*, objects that hash to just that slot, which are removed again at the end;
* elements that had been pushed off their first slot are added after those that were in their way.

Elements that hash by address have another order in every process anyway, and sets of them are left alone.
"""

from __future__ import annotations

import gc
import itertools
import sys
from collections.abc import Iterator

from .. import _cpython
from .._typing_names import Any, NamedTuple, TypeAlias
from . import hashes
from .pickling import CannotSave, Met, Reduced, StatePickler, reducer

_KINDS = frozenset({set, frozenset})
_LINEAR_PROBES = 9
_PERTURB_SHIFT = 5
_SMALLEST = 8
_WORD = (1 << 64) - 1


class Table(NamedTuple):
    """The hash table of a set.

    Attributes:
        size: the number of its slots, a power of two.
        finger: where the next ``pop`` starts to look.
        active: slot, hash and element.
        removed: the slots of removed elements.
    """

    size: int
    finger: int
    active: list[tuple[int, int, Any]]
    removed: list[int]


#: A set and the table it is to have.
Recipe: TypeAlias = tuple[set[Any], tuple[Any, ...]]


class Order:
    """Stands in the state, behind everything else, for what restores the order of its sets."""


@reducer(Order)
def _order(pickler: StatePickler, order: Order) -> Reduced:
    return list, (recipes(pickler),)


def recipes(pickler: StatePickler) -> list[Recipe]:
    """What is to be done so that the sets that were pickled keep their order."""
    result: list[Recipe] = []
    for held in filter(_would_change, _pickled_sets(pickler)):
        table = read(held)
        if table is None or not (_fits(held, table) if type(held) is frozenset else _rebuilt_alike(table)):
            raise CannotSave(f"a {type(held).__name__} of {len(held)} elements would be iterated over in another order")
        result.append((held, tuple(table)))
    return result


def _pickled_sets(pickler: StatePickler) -> Iterator[Any]:
    """The sets among what was pickled: looked for where there is less to look through."""
    # Not all are known to the garbage collector: from 3.15 on, frozensets of numbers and texts are not.
    if not _cpython.FROZENSETS_ARE_TRACKED or sys.getsizeof(pickler) < _FEW:
        yield from (held for _, held in pickler.memo.copy().values() if type(held) in _KINDS)
        return
    met = Met(pickler)
    everything = gc.get_objects()
    for held in itertools.compress(everything, map(_KINDS.__contains__, map(type, everything))):
        if met(held):
            yield held


#: To make a dict of a memo takes a multiple of what it takes to pickle what is in it. The size of a pickler is above all that
#: of its memo: this is one with room for 8192 objects.
_FEW = 8192 * 16 + 4096


def apply(found: list[Recipe]) -> None:
    """Gives each set its table, when all that it holds is there."""
    hashes.complete()
    for held, table in found:
        wanted = Table(*table)
        if all(hash(element) == value for _, value, element in wanted.active):
            (arrange if type(held) is frozenset else build)(held, wanted)


def _would_change(held: Any) -> bool:
    """Whether a set that is made of the same elements would be in another order, now or later."""
    elements = list(held)
    if any(_by_address(element) for element in elements):
        return False
    again = type(held)(elements)
    if sys.getsizeof(again) != sys.getsizeof(held) or any(a is not b for a, b in zip(again, elements)):
        return True
    if type(held) is frozenset:
        return False
    words = _words(held)
    return words is not None and (words[0] != words[1] or words[5] != 0)


def _by_address(element: Any) -> bool:
    if type(element) in (tuple, frozenset):
        return any(_by_address(item) for item in element)
    return type(element).__hash__ is object.__hash__ or element is None


# --- reading ----------------------------------------------------------------------------------------------------------


def _words(held: Any) -> Any:
    """fill, used, mask, table, hash and finger of a set; None where they are not where they should be."""
    try:
        import ctypes
    except ImportError:
        return None
    if object.__basicsize__ != 16 or tuple.__itemsize__ != 8:
        return None  # a build of CPython that lays objects out in another way
    words = (ctypes.c_ssize_t * 6).from_address(id(held) + object.__basicsize__)
    fill, used, mask, table = words[:4]
    sane = used == len(held) <= fill <= mask and mask & mask + 1 == 0 and table
    extra = (
        sys.getsizeof(held) - sys.getsizeof(set())
        if type(held) is set
        else sys.getsizeof(held) - sys.getsizeof(frozenset())
    )
    return words if sane and extra == (16 * (mask + 1) if mask + 1 > _SMALLEST else 0) else None


def read(held: Any) -> Table | None:
    """The table of a set, or None if this interpreter keeps it in another way."""
    words = _words(held)
    if words is None:
        return None
    import ctypes

    size = words[2] + 1
    entries = (ctypes.c_ssize_t * (2 * size)).from_address(words[3])
    elements = {id(element): element for element in held}
    active: list[tuple[int, int, Any]] = []
    removed: list[int] = []
    for slot in range(size):
        key, value = entries[2 * slot], entries[2 * slot + 1]
        if key in elements:
            active.append((slot, value, elements[key]))
        elif key:
            removed.append(slot)
    if len(active) != len(elements) or len(active) + len(removed) != words[0]:
        return None
    return Table(size, words[5], active, removed)


# --- building ---------------------------------------------------------------------------------------------------------


class _Blocker:
    """Takes one slot of a table."""

    __slots__ = ("value",)

    def __init__(self, slot: int, size: int) -> None:
        # Far from the hashes of real elements, so that it is never compared with one; `& mask` gives the slot.
        self.value = slot + size * 0x9E3779B9

    def __hash__(self) -> int:
        return self.value


def build(held: set[Any], table: Table) -> None:
    """Empties a set and fills it so that it has this table."""
    held.clear()
    blockers = [_Blocker(slot, table.size) for slot in table.removed]
    at_home: list[Any] = list(blockers)
    displaced: list[tuple[list[int], int, Any]] = []
    for slot, value, element in table.active:
        way = _way(value, slot, table.size)
        if way:
            displaced.append((way, slot, element))
        else:
            at_home.append(element)
    _grow(held, table.size, at_home)
    held.update(at_home)
    taken = {slot for slot, value, _ in table.active if not _way(value, slot, table.size)} | set(table.removed)
    while displaced:
        ready = [item for item in displaced if taken.issuperset(item[0])]
        if not ready:
            held.update(element for _, _, element in displaced)
            break
        for _, slot, element in ready:
            held.add(element)
            taken.add(slot)
        displaced = [item for item in displaced if item not in ready]
    for blocker in blockers:
        held.discard(blocker)
    words = _words(held)
    if words is not None:
        words[5] = table.finger


def _fits(held: frozenset[Any], table: Table) -> bool:
    """Whether a frozenset of the same elements has a table of that size, so that it can be arranged in it."""
    words = _words(frozenset(list(held)))
    return words is not None and words[2] + 1 == table.size and not table.removed


def arrange(held: frozenset[Any], table: Table) -> None:
    """Puts the elements of a frozenset, which cannot be emptied and filled, where they are in this table."""
    now = read(held)
    if now is None or now.size != table.size or len(now.active) != len(table.active):
        return
    import ctypes

    words = _words(held)
    entries = (ctypes.c_ssize_t * (2 * table.size)).from_address(words[3])
    arranged = [0] * (2 * table.size)
    own: dict[int, list[Any]] = {}
    for _, value, element in now.active:
        own.setdefault(value, []).append(element)
    for slot, value, element in table.active:
        # Numbers are copies of those that it holds.
        mine = next((each for each in own.get(value, ()) if each is element or each == element), None)
        if mine is None:
            return
        arranged[2 * slot : 2 * slot + 2] = id(mine), value
    entries[:] = arranged


def _grow(held: set[Any], size: int, elements: list[Any]) -> None:
    """Makes the table of an empty set that large, with nothing but some of the elements in it.

    A table grows when three fifths of it are in use, removed elements included, to more than four times (for large
    sets: twice) the elements that it really has. So fillers that are removed before it grows set the pace. An element
    that meets a filler's slot would take it and spoil the count: then other slots are tried.
    """
    previous = _SMALLEST
    while previous < size:
        full = _full(previous)
        paced = _full(previous // 4) if previous > _SMALLEST else 0
        for count in range(min(len(elements), full - paced), 0, -1):
            if not size // 2 <= count * (2 if count > 50_000 else 4) < size:
                continue
            for attempt in range(_ATTEMPTS):
                _pace(held, size, previous, full - count, elements, count, attempt)
                words = _words(held)
                if words is None or words[2] == size - 1 and words[0] == words[1] == count:
                    return
                held.clear()
        previous *= 4


_ATTEMPTS = 24


def _pace(
    held: set[Any], size: int, previous: int, fillers: int, elements: list[Any], count: int, attempt: int
) -> None:
    start = attempt % max(1, len(elements))
    turned = elements[start:] + elements[:start]
    homes: dict[int, Any] = {}
    for element in turned:
        homes.setdefault(hash(element) & previous - 1, element)
    chosen = list(homes.values())[:count]
    if len(chosen) < count:
        apart = {id(element) for element in chosen}
        chosen += [element for element in turned if id(element) not in apart][: count - len(chosen)]
    taken = {hash(element) & previous - 1 for element in chosen}
    free = [slot for slot in range(previous) if slot not in taken]
    shift = attempt * 5 % max(1, len(free))
    used = [_Blocker(slot, size * previous) for slot in (free[shift:] + free[:shift])[:fillers]]
    held.update(used)
    for filler in used:
        held.discard(filler)
    held.update(chosen)


def _full(size: int) -> int:
    """How many slots of a table must be in use for it to grow."""
    return -(-3 * (size - 1) // 5)


def _way(value: int, slot: int, size: int) -> list[int]:
    """The slots that are looked at before ``slot`` for an element with this hash."""
    way: list[int] = []
    for tried in _probes(value, size):
        if tried == slot:
            return way
        way.append(tried)
    return way


def _probes(value: int, size: int) -> Iterator[int]:
    mask = size - 1
    perturb = value & _WORD
    index = perturb & mask
    for _ in range(4 * size + 64):
        yield index
        if index + _LINEAR_PROBES <= mask:
            yield from range(index + 1, index + _LINEAR_PROBES + 1)
        perturb >>= _PERTURB_SHIFT
        index = (index * 5 + 1 + perturb) & mask


def _rebuilt_alike(table: Table) -> bool:
    """Whether building succeeds, tried on a set of its own."""
    trial: set[Any] = set()
    build(trial, table)
    again = read(trial)
    return again is not None and again.size == table.size and again.removed == table.removed and all(
        a[0] == b[0] and a[2] is b[2] for a, b in zip(again.active, table.active)
    )  # fmt: skip
