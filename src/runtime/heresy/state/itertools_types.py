"""Iterators of `itertools` in mid-course.

From 3.14 on they cannot be copied or pickled, some never could, and what others told differed between versions. So all
are read and written where they keep what they hold (see `memory`). One is made again around nothing, and gets what it held
when that is there: an iterator may belong to what it goes through.
"""

from __future__ import annotations

import functools
import gc
import itertools
from collections.abc import Callable, Sequence

from .._kinds import MISSING
from .._typing_names import Any, NamedTuple
from .memory import (
    Layout,
    Number,
    Numbers,
    Sample,
    keep,
    numbers_at,
    object_at,
    put_number,
    put_numbers,
    put_object,
)
from .pickling import REDUCERS, CannotSave, Reduced, StatePickler


class _Kind(NamedTuple):
    """How iterators of one type are read and made again.

    Attributes:
        samples: some whose state is known.
        blank: makes one around nothing, of a shape.
        shape: the numbers that say how large one is, where that never changes.
        arrays: how many numbers there are in which array of one of a shape.
    """

    samples: Callable[[], list[Sample]]
    blank: Callable[..., Any]
    shape: Callable[[Layout, Any], tuple[int, ...]] = lambda layout, iterator: ()
    arrays: Callable[..., dict[str, int]] = lambda *shape: {}


class _Marks:
    """Objects that are not found anywhere else."""

    def __init__(self) -> None:
        self.x, self.y, self.f, self.g = [1], [2], lambda *_: True, lambda *_: False
        self.it, self.other = iter([self.x, self.y]), iter([self.x, self.y])


def _advanced(iterator: Any, count: int = 1) -> Any:
    for _ in range(count):
        next(iterator)
    return iterator


def _accumulate() -> list[Sample]:
    a, b = _Marks(), _Marks()
    begun, fresh = _advanced(itertools.accumulate(a.it, a.f)), itertools.accumulate(b.it, b.f, initial=b.y)
    return [
        (begun, {"it": a.it, "function": a.f, "total": a.x}),
        (fresh, {"it": b.it, "function": b.f, "total": MISSING, "initial": b.y}),
    ]


def _batched() -> list[Sample]:
    a, b = _Marks(), _Marks()
    plain, other = itertools.batched(a.it, 3), itertools.batched(b.it, 5)  # type: ignore[attr-defined]
    samples: list[Sample] = [(plain, {"it": a.it, "size": Number(3)}), (other, {"it": b.it, "size": Number(5)})]
    try:
        strict = itertools.batched(a.it, 1, strict=True)  # type: ignore[attr-defined]
    except TypeError:
        return samples  # 3.12
    return [*((o, {**known, "strict": Number(0, 1)}) for o, known in samples), (strict, {"strict": Number(1, 1)})]


def _chain() -> list[Sample]:
    a = _Marks()
    inner = iter([a.x, a.y])
    source = iter([inner])
    return [(_advanced(itertools.chain.from_iterable(source)), {"source": source, "active": inner})]


def _compress() -> list[Sample]:
    a = _Marks()
    return [(itertools.compress(a.it, a.other), {"data": a.it, "selectors": a.other})]


def _count() -> list[Sample]:
    value, step, big = 1.5, 0.25, 2**63 - 1
    return [
        (itertools.count(value, step), {"count": Number(big), "value": value, "step": step}),
        (itertools.count(5), {"count": Number(5)}),
    ]


def _cycle() -> list[Sample]:
    a = _Marks()
    begun, turning, other = itertools.cycle(a.it), itertools.cycle([1, 2, 3]), itertools.cycle([1, 2, 3])
    first = next(begun)
    _advanced(turning, 5), _advanced(other, 4)
    saved = next(held for held in gc.get_referents(begun) if type(held) is list and held == [first])
    return [(begun, {"it": a.it, "saved": saved}), (turning, {"index": Number(2)}), (other, {"index": Number(1)})]


def _filtered(type_: Any, flag: str | None) -> Callable[[], list[Sample]]:
    """Of iterators over one with a function, and maybe a flag that is set once the function has said no, or yes."""

    def samples() -> list[Sample]:
        a, b = _Marks(), _Marks()
        fresh, done = type_(a.f, a.it), type_(b.g, b.it)
        if flag is None:
            return [(fresh, {"function": a.f, "it": a.it})]
        next(done, None)
        return [
            (fresh, {"function": a.f, "it": a.it, flag: Number(0)}), (done, {"function": b.g, "it": b.it, flag: Number(1)}),
        ]  # fmt: skip

    return samples


def _islice() -> list[Sample]:
    a, b = _Marks(), _Marks()
    fresh, begun = itertools.islice(a.it, 7, 23, 5), _advanced(itertools.islice(b.it, 0, None, 3))
    names = ("next", "stop", "step", "count")
    return [
        (fresh, {"it": a.it, **dict(zip(names, map(Number, (7, 23, 5, 0))))}),
        (begun, {"it": b.it, **dict(zip(names, map(Number, (3, -1, 3, 1))))}),
    ]


def _pairwise() -> list[Sample]:
    a = _Marks()
    return [(_advanced(itertools.pairwise(a.it)), {"it": a.it, "old": a.y})]


def _repeat() -> list[Sample]:
    a, b = _Marks(), _Marks()
    return [
        (itertools.repeat(a.x), {"item": a.x, "count": Number(-1)}),
        (itertools.repeat(b.x, 7), {"item": b.x, "count": Number(7)}),
    ]


def _groupby() -> list[Sample]:
    a = _Marks()
    keys = {id(a.x): [3], id(a.y): [4]}

    def key(item: Any) -> Any:
        return keys[id(item)]

    groups = itertools.groupby(a.it, key)
    first, group = next(groups)
    named = {"it": a.it, "keys": key, "target": first, "key": first, "value": a.x, "group": group}
    # The key of the group and that of the last item are one and the same, until one looks further.
    list(group)
    return [(groups, {**named, "key": keys[id(a.y)], "value": a.y})]


def _group() -> list[Sample]:
    a = _Marks()
    groups = itertools.groupby(a.it, lambda item: a.other)
    return [(next(groups)[1], {"parent": groups, "target": a.other})]


def _tee() -> list[Sample]:
    one = _advanced(itertools.tee(range(9))[0], 5)
    link = next(held for held in gc.get_referents(one) if type(held) is _LINK)
    return [(one, {"link": link, "index": Number(5, 4)})]


def _tee_link() -> list[Sample]:
    a, last = _Marks(), _LINK(iter(()), [], None)
    return [
        (_LINK(a.it, [a.x, a.y], None), {"it": a.it, "first": a.x, "read": Number(2, 4), "next": MISSING}),
        (_LINK(a.other, [a.y] * _LINKED, last), {"it": a.other, "first": a.y, "read": Number(_LINKED, 4), "next": last}),
    ]


def _blank_link() -> Any:
    # In 3.12 one asks its type for the module when it is taken apart, and crashes where the collector has done so with that
    # before. It may come first in a continued program, which is made after the module.
    for kind in _TEE, _LINK:
        keep(kind)
    return _LINK((), [], None)


_TEE: Any = type(itertools.tee(())[0])
_LINK: Any = itertools._tee_dataobject  # type: ignore[attr-defined]
_GROUP: Any = itertools._grouper  # type: ignore[attr-defined]
#: How many items a link of a tee holds.
_LINKED = 57


def _zip_longest() -> list[Sample]:
    a, b = _Marks(), _Marks()
    two, one = itertools.zip_longest(a.it, a.other, iter(()), fillvalue=a.f), itertools.zip_longest(b.it, fillvalue=b.f)
    _advanced(two)
    held = next(held for held in gc.get_referents(one) if type(held) is tuple and held == (b.it,))
    return [
        (two, {"size": Number(3), "active": Number(2), "fill": a.f}),
        (one, {"size": Number(1), "active": Number(1), "fill": b.f, "iterators": held}),
    ]


def _chosen(type_: Any, indices: tuple[int, ...]) -> Callable[[], list[Sample]]:
    """Of combinations or permutations: the fifth of two of four."""

    def samples() -> list[Sample]:
        pool, other = (1, 2, 3, 4), (5,)
        some, done = type_(pool, 2), type_(other, 1)
        result = next(itertools.islice(some, 4, None))
        list(done)
        known: dict[str, Any] = {"pool": pool, "result": result, "r": Number(2), "stopped": Number(0, 4)}
        known["indices"] = Numbers(indices)
        if type_ is itertools.permutations:
            known["cycles"] = Numbers((3, 2))
        return [(some, known), (done, {"pool": other, "r": Number(1), "stopped": Number(1, 4)})]

    return samples


def _product() -> list[Sample]:
    some, done = itertools.product("abc", "xy"), itertools.product("a")
    result = next(itertools.islice(some, 3, None))
    list(done)
    pools = next(held for held in gc.get_referents(some) if held == (tuple("abc"), tuple("xy")))
    return [
        (some, {"pools": pools, "indices": Numbers((1, 1)), "result": result, "stopped": Number(0, 4)}),
        (done, {"stopped": Number(1, 4)}),
    ]


def _chosen_kind(type_: Any, indices: tuple[int, ...], arrays: Callable[[int, int], dict[str, int]]) -> _Kind:
    def blank(size: int, r: int) -> Any:
        return type_((None,) * size, r)

    def shape(layout: Layout, iterator: Any) -> tuple[int, ...]:
        return len(layout.get(iterator, "pool")), layout.get(iterator, "r")

    return _Kind(_chosen(type_, indices), blank, shape, arrays)


_KINDS: dict[type, _Kind] = {
    itertools.accumulate: _Kind(_accumulate, lambda: itertools.accumulate(())),
    itertools.chain: _Kind(_chain, itertools.chain),
    itertools.combinations: _chosen_kind(itertools.combinations, (1, 3), lambda size, r: {"indices": r}),
    itertools.combinations_with_replacement: _chosen_kind(
        itertools.combinations_with_replacement, (1, 1), lambda size, r: {"indices": r}
    ),
    itertools.compress: _Kind(_compress, lambda: itertools.compress((), ())),
    itertools.count: _Kind(_count, itertools.count),
    itertools.cycle: _Kind(_cycle, lambda: itertools.cycle(())),
    itertools.dropwhile: _Kind(_filtered(itertools.dropwhile, "decided"), lambda: itertools.dropwhile(id, ())),
    itertools.filterfalse: _Kind(_filtered(itertools.filterfalse, None), lambda: itertools.filterfalse(None, ())),
    itertools.groupby: _Kind(_groupby, lambda: itertools.groupby(())),
    _GROUP: _Kind(_group, lambda: _GROUP(itertools.groupby(()), None)),
    itertools.islice: _Kind(_islice, lambda: itertools.islice((), 0)),
    itertools.pairwise: _Kind(_pairwise, lambda: itertools.pairwise(())),
    itertools.permutations: _chosen_kind(
        itertools.permutations, (1, 2), lambda size, r: {"indices": size, "cycles": r}
    ),
    itertools.product: _Kind(
        _product,
        lambda count: itertools.product(*((),) * count),
        lambda layout, iterator: (len(layout.get(iterator, "pools")),),
        lambda count: {"indices": count},
    ),
    itertools.repeat: _Kind(_repeat, lambda: itertools.repeat(None)),
    itertools.starmap: _Kind(_filtered(itertools.starmap, None), lambda: itertools.starmap(id, ())),
    itertools.takewhile: _Kind(_filtered(itertools.takewhile, "decided"), lambda: itertools.takewhile(id, ())),
    _TEE: _Kind(_tee, lambda: itertools.tee(())[0]),
    _LINK: _Kind(_tee_link, _blank_link),
    itertools.zip_longest: _Kind(
        _zip_longest,
        lambda count: itertools.zip_longest(*((),) * count),
        lambda layout, iterator: (layout.get(iterator, "size"),),
    ),
}
if hasattr(itertools, "batched"):
    _KINDS[itertools.batched] = _Kind(_batched, lambda: itertools.batched((), 1))


@functools.cache
def _layout(type_: type) -> Layout:
    return Layout(_KINDS[type_].samples())


# --- there and back ---------------------------------------------------------------------------------------------------


def _iterator(pickler: StatePickler, iterator: Any) -> Reduced:
    kind, layout = _KINDS[type(iterator)], _layout(type(iterator))
    shape = kind.shape(layout, iterator)
    arrays = kind.arrays(*shape)
    held = {name: layout.get(iterator, name) for name in layout.fields if name not in arrays and name not in _BY_ADDRESS}
    held.update((name, numbers_at(layout.address(iterator, name), count)) for name, count in arrays.items())
    if type(iterator) is _GROUP:
        # The one that its parent goes through now: no other gives anything any more.
        held["current"] = _layout(itertools.groupby).address(held["parent"], "group") == id(iterator)
    elif type(iterator) is itertools.cycle and held["it"] is not MISSING:
        # In the first round there is none: a new one has what stands for that in its version.
        del held["index"]
    elif held.get("stopped") and "result" in held:
        # Where one of its pools is empty, a product has left a tuple that is not filled.
        del held["result"]
    elif type(iterator) is _LINK:
        held["items"] = [object_at(place) for place in _places_in(layout, iterator, held["read"])]
    elif type(iterator) is itertools.zip_longest:
        held["iterators"] = [object_at(place) for place in _places_of(layout.address(iterator, "iterators"), *shape)]
        held["iterators"] = [() if each is MISSING else (each,) for each in held["iterators"]]
    held = {name: value for name, value in held.items() if value is not MISSING}
    return blank, (type(iterator).__name__, shape), held, None, None, fill


for _type in _KINDS:
    REDUCERS[_type] = _iterator

#: What an iterator keeps without holding a reference to it, or in an array of its own.
_BY_ADDRESS = {"group", "first", "iterators"}


def _places_of(items: int, count: int) -> range:
    """Where the items of a tuple are."""
    return range(items + tuple.__basicsize__, items + tuple.__basicsize__ + 8 * count, 8)


def _places_in(layout: Layout, link: Any, count: int) -> range:
    first = id(link) + layout.fields["first"].offset
    return range(first, first + 8 * count, 8)


def blank(name: str, shape: Sequence[int]) -> Any:
    """An iterator around nothing."""
    type_ = next((type_ for type_ in _KINDS if type_.__name__ == name), None)
    if type_ is None:
        raise CannotSave(f"itertools has no {name} in this Python")
    return _KINDS[type_].blank(*shape)


def fill(iterator: Any, held: dict[str, Any]) -> None:
    """Gives it what it held."""
    layout = _layout(type(iterator))
    for name in layout.fields.keys() - _BY_ADDRESS:
        value = held.get(name, MISSING)
        if type(value) is list and name in _ARRAYS:
            put_numbers(layout.address(iterator, name), value)
        elif layout.fields[name].size == 0:
            layout.put(iterator, name, value)
        elif value is not MISSING:
            layout.put(iterator, name, value)
    if held.get("current"):
        parent = _layout(itertools.groupby)
        put_number(id(held["parent"]) + parent.fields["group"].offset, id(iterator))
    for place, item in zip(_places_in(layout, iterator, _LINKED) if "items" in held else (), held.get("items", ())):
        put_number(place, 0)  # not yet an object
        put_object(place, item)
    if "iterators" in held:
        places = _places_of(layout.address(iterator, "iterators"), len(held["iterators"]))
        for place, each in zip(places, held["iterators"]):
            put_object(place, *(each or (MISSING,)))


_ARRAYS = {"indices", "cycles"}
