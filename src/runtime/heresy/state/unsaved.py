"""Saving what can be saved, and placeholders in the place of what cannot.

The usual pickler stops at the first object that cannot be saved. Then the state is pickled again by one that goes on: it asks
each object itself for what `pickle` would have asked it for, and takes a failure for an answer. An object that is made again
*from* one that cannot be saved, by code that would use it there, cannot be saved either. That shows once its parts were
pickled, so it may take another turn. What was learned about an object, that or the value which a function of the program's
gave for it, holds for all turns: nothing of the program's is asked twice.
"""

from __future__ import annotations

import copyreg
import functools
import gc
import io
import itertools
import pickle
import types
import weakref
from collections.abc import Callable

from .._errors import HeresyError, NotContinuable
from .._kinds import SEQUENCES, is_a
from .._typing_names import Any, NamedTuple
from . import classes, exceptions, functions, generated, objects, placeholders
from .pickling import CannotSave, Chunks, Modules, Reduced, StatePickler, reducer

#: What makes an object again and only holds what it is given, by its identity: to hash it might run the program's code.
_HOLDERS = set(map(id, (
    iter, reversed, slice, functools.partial, itertools.repeat, types.MethodType, types.GenericAlias,
    weakref.ref, weakref.KeyedRef, exceptions.make_exception, functions.make_partial_method, objects.make_instance,
    classes.make_member,
)))  # fmt: skip

#: Parts that are made anew each time they are pickled are known by no identity: so many turns are enough for all others.
_TURNS = 20


class Lost(NamedTuple):
    """An object that cannot be saved.

    Attributes:
        obj: itself, kept alive so that its identity stays its own.
        why: the reason, for people.
        cause: the object that it is made from, if that is the reason.
        number: of its placeholder.
    """

    obj: Any
    why: str
    cause: Any
    number: int


class Unsaved:
    """What is known of the objects of a program that cannot be saved.

    Attributes:
        lost: they, by their identity.
        made: of each object that can, what makes it again.
        placed: the numbers of the placeholders that were pickled.
    """

    def __init__(self) -> None:
        self.lost: dict[int, Lost] = {}
        self.made: dict[int, tuple[Any, Reduced]] = {}
        self.placed: set[int] = set()
        #: Gives the texts of the lost objects, in the order of their numbers.
        self.describe: Callable[[], list[str]] = lambda: [each.why for each in self.lost.values()]

    def add(self, obj: Any, why: str, error: Exception | None = None, cause: Any = None) -> Lost:
        """Learns that an object cannot be saved.

        Raises:
            Exception: nothing can stand in its place.
        """
        cls = type(obj)
        # The interpreter wants nothing else where it has an exception, and so does the runtime for what is its own. What is
        # a key by its value would not be found under an equal one.
        if cls.__module__.startswith("heresy."):
            raise CannotSave(why) from error
        if is_a(obj, BaseException) or cls.__hash__ not in (object.__hash__, None) and _is_key(obj):
            raise CannotSave(f"a {kind_of(obj)} cannot be saved: {why}") from error
        return self.lost.setdefault(id(obj), Lost(obj, why, cause, len(self.lost)))

    def forget(self) -> None:
        """Lets go of all objects: nothing of the program's may live longer for having been saved."""
        self.lost.clear()
        self.made.clear()
        self.describe = list

    def settle(self, dump: Callable[[], Chunks]) -> Chunks:
        """Pickles the state, by as many turns as it takes.

        Raises:
            CannotSave: there is no end of them.
        """
        for _ in range(_TURNS):
            self.made.clear()
            payload = dump()
            known = len(self.lost)
            users = _users(self.made)
            work = [each.obj for each in self.lost.values()]
            while work:
                used = work.pop()
                for user in users.get(id(used), []):
                    if id(user) not in self.lost:
                        self.add(user, self.lost[id(used)].why, cause=used)
                        work.append(user)
            if len(self.lost) == known:
                return payload
        raise CannotSave("what is made from objects that cannot be saved is others each time")


def kind_of(obj: Any) -> str:
    """The full name of an object's type."""
    kind = type(obj)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _users(made: dict[int, tuple[Any, Reduced]]) -> dict[int, list[Any]]:
    """For each object, by its identity, those that are made by code that uses it."""
    found: dict[int, list[Any]] = {}
    for obj, reduced in made.values():
        for part in _used_by(obj, reduced):
            found.setdefault(id(part), []).append(obj)
    return found


def _used_by(obj: Any, reduced: Reduced) -> list[Any]:
    """The parts that an object's maker, or what sets its state, does more with than to hold them."""
    make, args, state, _, _, set_state = (*reduced, *[None] * 4)[:6]
    used = [make]
    if make is generated.make_function:
        used.append(args[0])
    elif id(make) not in _HOLDERS and not (make is objects.make_immutable and args[0] is tuple):
        used += _parts(args)
    ours = type(set_state) is types.FunctionType and set_state.__module__.startswith(__package__)
    if not ours and (set_state is not None or hasattr(type(obj), "__setstate__")):
        used += [state, *_parts(state)]
    return used


def _parts(value: Any) -> list[Any]:
    """What a tuple, list or dict holds, and the tuples and dicts in it: functions are given their arguments so."""
    found: list[Any] = []
    for each in value.values() if type(value) is dict else value if type(value) in SEQUENCES else ():
        inner = each.values() if type(each) is dict else each if type(each) is tuple else ()
        found += [each, *inner]
    return found


def _is_key(obj: Any) -> bool:
    """Whether a dict or a set holds an object by its hash, alone or in a tuple."""
    for holder in gc.get_referrers(obj):
        if type(holder) is tuple and any(is_a(outer, (set, frozenset, dict)) and _holds(outer, holder)
                                         for outer in gc.get_referrers(holder)):
            return True
        if is_a(holder, (set, frozenset, dict)) and _holds(holder, obj):
            return True
    return False


def _holds(holder: Any, key: Any) -> bool:
    kind = next(kind for kind in (dict, set, frozenset) if is_a(holder, kind))
    return any(each is key for each in kind.__iter__(holder))


class SparingPickler(StatePickler):
    """Pickles a placeholder in the place of what cannot be saved."""

    def __init__(self, file: Chunks, modules: Modules, unsaved: Unsaved) -> None:
        super().__init__(file, modules)
        self.unsaved = unsaved
        unsaved.placed.clear()

    def reducer_override(self, obj: Any) -> Reduced:
        unsaved = self.unsaved
        lost = unsaved.lost.get(id(obj))
        if lost is None:
            try:
                reduced = super().reducer_override(obj)
                if reduced is NotImplemented:
                    reduced = _usual(obj)
            except (RecursionError, MemoryError, HeresyError, NotContinuable):
                raise
            except Exception as error:
                lost = unsaved.add(obj, str(error) if is_a(error, CannotSave) else f"{type(error).__name__}: {error}", error)
            else:
                if type(reduced) is not tuple:
                    return reduced
                # What it gives by iterators is gone through twice.
                reduced = tuple(list(part) if at in _ITEMS and part is not None else part for at, part in enumerate(reduced))
                unsaved.made[id(obj)] = obj, reduced
                return tuple(iter(part) if at in _ITEMS and part is not None else part for at, part in enumerate(reduced))
        unsaved.placed.add(lost.number)
        return placeholders.make, (placeholders.shape_of(obj), kind_of(obj), lost.number)


#: Where a reduced object has its items.
_ITEMS = (3, 4)


def _usual(obj: Any) -> Reduced:
    """What `pickle` does of itself.

    Raises:
        Exception: whatever keeps it from doing so.
    """
    reduced: Any = NotImplemented
    if type(obj) not in (type, types.FunctionType):
        reduce = copyreg.dispatch_table.get(type(obj))
        if reduce is not None:
            reduced = reduce(obj)
        elif not is_a(obj, type):
            reduced = obj.__reduce_ex__(5)
    if type(reduced) is tuple:
        if not 2 <= len(reduced) <= 6 or not callable(reduced[0]) or type(reduced[1]) is not tuple:
            raise pickle.PicklingError(f"__reduce__ of a {kind_of(obj)} gives something else than it should")
    else:
        _ByName(io.BytesIO(), reduced).dump(obj)
    return reduced


class _ByName(pickle.Pickler):
    """Looks an object up by the name that it gives, or has."""

    def __init__(self, file: io.BytesIO, name: Any) -> None:
        super().__init__(file, 5)
        self.name = name

    def reducer_override(self, obj: Any) -> Any:
        return self.name


class Texts:
    """Stands in the state, behind everything else, for the texts of the placeholders in it."""

    def __init__(self, unsaved: Unsaved | None) -> None:
        self.unsaved = unsaved


@reducer(Texts)
def _texts(pickler: StatePickler, texts: Texts) -> Reduced:
    return list, (texts.unsaved.describe() if texts.unsaved is not None else [],)
