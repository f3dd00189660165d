"""Sets keep their order.

The order in which a set is iterated over and popped from depends on its hash table: how large it is, which slots removed
elements have left behind, where the last ``pop`` stopped. ``pickle`` rebuilds a set from its elements alone, so that
``pending.pop()`` could give another element after a resume than it would have. Where that shows, the table is read here, and
the set gets one that is alike, slot by slot.

Elements that hash by address have another order in every process anyway, and sets of them are left alone.
"""

from __future__ import annotations

import gc
import itertools
import sys
from collections.abc import Iterator

from .. import _cpython
from .._kinds import FROZEN, Kinds
from .._typing_names import Any, NamedTuple, TypeAlias
from . import hashes
from .pickling import CannotSave, Met, Reduced, StatePickler, reducer

_KINDS = Kinds(set, frozenset)
_SMALLEST = 8


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
        if table is None:
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
    for held in itertools.compress(everything, map(_KINDS.ids.__contains__, map(id, map(type, everything)))):
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
            arrange(held, wanted)


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
    if type(element) in FROZEN:
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


# --- writing ----------------------------------------------------------------------------------------------------------


def arrange(held: Any, table: Table) -> None:
    """Gives a set this table, in place of the one that it has; unless its elements could not be found in it then."""
    words = _words(held)
    if words is None or words[1] != len(table.active):
        return
    own: dict[int, list[Any]] = {}
    for element in held:
        own.setdefault(hash(element), []).append(element)
    entries = [0] * (2 * table.size)
    for slot, value, element in table.active:
        # Numbers are copies of those that it holds.
        mine = next((each for each in own.get(value, ()) if each is element or each == element), _NOT_THERE)
        if mine is _NOT_THERE:
            return
        entries[2 * slot : 2 * slot + 2] = id(mine), value
    for slot in table.removed:
        entries[2 * slot : 2 * slot + 2] = _left_behind()
    _exchange(held, words, entries, len(table.active) + len(table.removed), table.finger)


_NOT_THERE = object()


def _exchange(held: Any, words: Any, entries: list[int], fill: int, finger: int) -> None:
    import ctypes

    # A small table is a part of its set, behind the words that tell of it.
    small = ctypes.addressof(words) + ctypes.sizeof(words)
    before, elements = words[:], list(held)
    content = (ctypes.c_ssize_t * (2 * _SMALLEST)).from_address(small)[:]
    size = len(entries) // 2
    new = small if size == _SMALLEST else _allocated(8 * len(entries))
    (ctypes.c_ssize_t * len(entries)).from_address(new)[:] = entries
    words[0], words[2], words[3] = fill, size - 1, new
    if type(held) is set:
        words[5] = finger
    unused = before[3]
    if not all(element in held for element in elements):
        # Another Python may look for them elsewhere.
        words[:], unused = before, new
        (ctypes.c_ssize_t * (2 * _SMALLEST)).from_address(small)[:] = content
    if unused != small and unused != words[3]:
        ctypes.pythonapi.PyMem_Free(ctypes.c_void_p(unused))


def _left_behind() -> list[int]:
    """What an element that is removed leaves in its slot."""
    import ctypes

    held = {1}
    held.discard(1)
    words = _words(held)
    entries = (ctypes.c_ssize_t * (2 * _SMALLEST)).from_address(words[3])
    return entries[2:4]


def _allocated(size: int) -> int:
    """The address of so many bytes, as the interpreter takes them for sets."""
    import ctypes

    allocate = ctypes.pythonapi.PyMem_Malloc
    allocate.restype = ctypes.c_void_p
    found = allocate(ctypes.c_size_t(size))
    if not found:
        raise MemoryError
    return found
