"""Generators and coroutines, as objects: what drives one, what it delegates to, where its frame is.

``next(it)``, ``it.send(x)``, the header of a ``for``, ``yield from`` and ``await`` are all one thing to a stop: the frame
that does it waits for the generator's next item. It is continued by asking again; the generator, which is not running
any more then, goes on in the middle of its body when it is asked.
"""

from __future__ import annotations

import collections
import functools
import gc
import types
from collections.abc import Iterator

from . import _cpython
from . import _tree as ast
from ._awaitables import asked_by, is_awaitable, kinds
from ._begun import BEGUN
from ._collecting import Uncounted, Watch, made_of
from ._errors import NotContinuable
from ._kinds import MISSING
from ._running import Following
from ._sites import CLOSE, COLLECT, CONSUME, FOR, NEXT, SEND, Site
from ._slots import Slots
from ._taken import Taken
from ._typing_names import Any, NamedTuple
from ._values import static_attribute

GENERATORS = (types.GeneratorType, types.CoroutineType)
_FLAGS = 0x0020 | 0x0080 | 0x0200
_PREFIXES: dict[type, str] = {types.GeneratorType: "gi", types.CoroutineType: "cr", types.AsyncGeneratorType: "ag"}


def is_generator(code: types.CodeType) -> bool:
    """Whether the frames of a code object belong to generators, coroutines or async generators."""
    return bool(code.co_flags & _FLAGS)


def frame_of(generator: Any) -> types.FrameType | None:
    """The frame of a generator, coroutine or async generator; None if it is finished."""
    return getattr(generator, _PREFIXES[type(generator)] + "_frame")


def delegate_of(generator: Any) -> Any:
    """What a suspended generator delegates to, or None."""
    prefix = _PREFIXES[type(generator)]
    return getattr(generator, prefix + ("_yieldfrom" if prefix == "gi" else "_await"))


def code_of(generator: Any) -> types.CodeType:
    return getattr(generator, _PREFIXES[type(generator)] + "_code")


def is_running(generator: Any) -> bool:
    if type(generator) is types.AsyncGeneratorType:
        # What it says itself is whether it is being asked: it may be suspended meanwhile.
        return generator.ag_frame is not None and generator.ag_frame.f_back is not None
    return getattr(generator, _PREFIXES[type(generator)] + "_running")


def is_suspended(generator: Any) -> bool:
    """Whether it has started and is neither running nor finished."""
    if type(generator) is types.AsyncGeneratorType:
        frame = generator.ag_frame
        return frame is not None and frame.f_back is None and _cpython.has_started(generator.ag_code, frame.f_lasti)
    return getattr(generator, _PREFIXES[type(generator)] + "_suspended")


class Driven(NamedTuple):
    """What a frame does that asks an iterator for its next item.

    Attributes:
        site: the site, of a kind of its own where it is a call.
        iterator: the iterator.
        default: in a tuple, what `next` gives when there is no item; or what consumes the items.
        item: in a tuple, what a `filter` has asked its function about.
    """

    site: Site
    iterator: Any
    default: tuple[Any, ...] = ()
    item: tuple[Any, ...] = ()


def asked_first(iterator: Any) -> Any:
    """The iterator whose next item another asks for before anything of its own changes; MISSING if there is none.

    ``enumerate(lines())`` can be asked anew if it was stopped while ``lines`` made an item; so can iterators around it.
    """
    if is_awaitable(iterator):
        return asked_by(iterator)
    if type(iterator) not in _ASK_FIRST:
        return MISSING
    arguments = iterator.__reduce__()[1][_ASK_FIRST[type(iterator)] :]
    return arguments[0] if arguments else MISSING


#: Iterators in C, and which argument the one is that they ask first.
_ASK_FIRST: dict[type, int] = {enumerate: 0, zip: 0, map: 1, filter: 1}
_MOST_AROUND = 10


def driven(site: Site, taken: Taken, following: Following) -> Driven | None:
    """What a site drives for the frame that follows; None if it does no such thing.

    Raises:
        NotContinuable: it cannot be continued.
    """
    drives = _driven(site, taken, following)
    if drives is None or type(drives.iterator) is not filter or following.generator is not MISSING or drives.item:
        return drives
    item = following.argument_if_kept(0)
    if item is MISSING or drives.site.kind not in (FOR, CONSUME, COLLECT):
        raise NotContinuable("what a filter asks about is not known")
    return drives._replace(item=(item,))


def _driven(site: Site, taken: Taken, following: Following) -> Driven | None:
    match site.kind:
        case "for" | "send" | "delegate":
            # It stands at its yield when something was thrown into it, and from there into what it delegates to.
            site = site if site.kind == FOR else site._replace(kind=SEND)
            began = BEGUN.get(taken.asked())
            if began is not None and following.frame.f_code is taken.continued:
                return Driven(site, began.iterator, item=began.item)
            return Driven(site, _asked_at(taken.asked(), following, site))
        case "next" | "close" | "consume" | "collect":
            assert taken.hole is not None
            if taken.hole.operands and following.frame.f_code is taken.continued:
                return Driven(site, *taken.hole.driven)
            if site.kind != CLOSE and following.generator is not MISSING:
                _refuse_closed(following)
            return Driven(site, _asked_at(taken.hole.asks, following, site), tuple(taken.hole.default))
        case "call" if taken.hole is None:
            return _driven_by_call(site.node, taken, following)
    return None


def _asked_at(address: int, following: Following, site: Site) -> Any:
    """The iterator at an address, if the frame that follows is what asking it for an item runs."""
    began = BEGUN.get(address)
    for iterator in _running_for(following):
        if id(iterator) == address or began is not None and began.iterator is iterator:
            return iterator
    raise NotContinuable(f"{following.frame.f_code.co_qualname} is not what a {site.kind} asks")


def _running_for(following: Following) -> Iterator[Any]:
    """The iterators, all alive, that may have been asked for an item for a frame to run."""
    generator = following.generator
    first = following.argument_if_kept(0) if generator is MISSING else MISSING
    if generator is not MISSING:
        found = [generator]
    elif first is not MISSING and following.runs(static_attribute(type(first), "__next__")):
        # What it gives is the next item itself.
        found = [first]
        yield first
        return
    else:
        found = [each for each in gc.get_referrers(following.function) if type(each) in (map, filter)]
        found = [each for each in found if each.__reduce__()[1][0] is following.function]
        yield from found
        return
    for _ in range(_MOST_AROUND):
        yield from found
        around = [each for each in gc.get_referrers(*found) if type(each) in _ASK_FIRST or is_awaitable(each)]
        found = [each for each in around if any(asked_first(each) is inner for inner in found)]
        if not found:
            return


def _driven_by_call(call: ast.Call, taken: Taken, following: Following) -> Driven | None:
    """What a call drives that C code runs: ``next(it)``, ``it.send(x)``, ``it.close()``, ``list(it)``."""
    is_generator = following.generator is not MISSING
    if is_generator:
        name = taken.called_of(_methods())
        for asked in _running_for(following) if name is not None else ():
            if taken.addresses[1] == id(asked):
                return _of_method(call, name, asked, following)
        for bound in gc.get_referrers(following.generator):
            if type(bound) in _BOUND and taken.is_call_of(bound) and bound.__name__ in _DRIVERS:
                return _of_method(call, bound.__name__, following.generator, following)
    kind = taken.called_of(_KNOWN)
    if (
        kind is None
        or any(isinstance(arg, ast.Starred) for arg in call.args)
        or call.keywords
        and (not isinstance(kind, type) or any(keyword.arg is None for keyword in call.keywords))
    ):
        return None
    if kind != NEXT and len(call.args) != 1:
        return None
    site = Site(COLLECT if isinstance(kind, type) else kind, call)
    if is_generator:
        _asked_at(taken.addresses[2], following, site)
        _refuse_closed(following)
    iterator = _asked_at(taken.addresses[2], following, site)
    if kind == NEXT:
        return Driven(site, iterator, tuple(taken.values()[3:]))
    if kind == CONSUME:
        return Driven(site, iterator, (taken.arguments(call).function,))
    made = made_of(iterator)
    if made is None:
        raise Uncounted(Watch(iterator, kind, following.frame.f_code))
    function, _, keywords = taken.arguments(call)
    return Driven(site, iterator, (function, made, keywords))


def _of_method(call: ast.Call, name: str, asked: Any, following: Following) -> Driven:
    if name != "close":
        _refuse_closed(following)
    return Driven(Site(CLOSE if name == "close" else NEXT, call), asked)


def _refuse_closed(following: Following) -> None:
    """Makes sure that a running generator that a call has asked is not one that is closed because the call has dropped it.

    What only the call has held is closed when that is over, at the same instruction. Then nothing refers to it any more, and
    code of its own runs in its ``try`` and ``with`` statements only.

    Raises:
        NotContinuable: it may be one.
    """
    scope = following.scope
    blocks = (ast.Try, ast.TryStar, ast.With, ast.AsyncWith)
    if scope is not None and not any(isinstance(part, blocks) for part in ast.walk(scope.node)):
        return
    if gc.get_referrers(following.generator):
        return
    frame = following.frame.f_back
    while frame is not None:
        if any(following.generator is value for value in Slots(frame).variables().values()):
            return
        frame = frame.f_back
    raise NotContinuable("a generator may be one that is closed")


_DRIVERS = ("send", "throw", "close", "__next__")


@functools.cache
def _methods() -> dict[int, str]:
    """Objects by their identity: methods of generators and of what drives them, by name."""
    of_kinds = [kind.__dict__ for kind in (*GENERATORS, *kinds())]
    return {id(methods[name]): name for methods in of_kinds for name in _DRIVERS if name in methods}


#: What takes items one by one, and keeps nothing besides that is not seen in its result.
_CONSUMERS = [
    any, all, list.__dict__["extend"], set.__dict__["update"], collections.deque.__dict__["extend"],
    collections.deque.__dict__["extendleft"],
]  # fmt: skip
#: What makes a list, a set, a dictionary or a tuple first, of all items.
_COLLECTORS: dict[Any, type] = {
    list: list, sorted: list, set: set, dict: dict, str.__dict__["join"]: list, tuple: _cpython.TUPLES_ARE_MADE_AS,
}  # fmt: skip
_KNOWN: dict[int, Any] = {
    id(next): NEXT,
    **{id(function): CONSUME for function in _CONSUMERS},
    **{id(function): kind for function, kind in _COLLECTORS.items()},
}
_BOUND = (types.BuiltinMethodType, types.MethodWrapperType)
