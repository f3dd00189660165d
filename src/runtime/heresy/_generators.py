"""Generators and coroutines, as objects: what drives one, what it delegates to, where its frame is.

``next(it)``, ``it.send(x)``, the header of a ``for``, ``yield from`` and ``await`` are all one thing to a stop: the frame
that does it waits for the generator's next item. It is continued by asking again; the generator, which is not running
any more then, goes on in the middle of its body when it is asked.
"""

from __future__ import annotations

import ast
import itertools
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ._errors import NotContinuable
from ._sites import CLOSE, NEXT, SEND, Site
from ._values import Values, bound_special

GENERATORS = (types.GeneratorType, types.CoroutineType)
_FLAGS = 0x0020 | 0x0080
_PREFIXES: dict[type, str] = {types.GeneratorType: "gi", types.CoroutineType: "cr", types.AsyncGeneratorType: "ag"}


def is_generator(code: types.CodeType) -> bool:
    """Whether the frames of a code object belong to generators or coroutines."""
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
    return getattr(generator, _PREFIXES[type(generator)] + "_running")


def is_suspended(generator: Any) -> bool:
    """Whether it has started and is neither running nor finished."""
    return getattr(generator, _PREFIXES[type(generator)] + "_suspended")


class Driven(NamedTuple):
    """What a frame does that asks an iterator for its next item.

    Attributes:
        site: the site, of a kind of its own where it is a call.
        iterator: the iterator.
        default: in a tuple, what `next` gives when there is no item.
    """

    site: Site
    iterator: Any
    default: tuple[Any, ...] = ()


def generator_behind(iterator: Any) -> Any:
    """The generator whose next item an iterator asks for before anything of its own changes; None if there is none.

    ``enumerate(lines())`` can be asked anew if it was stopped while ``lines`` made an item; so can iterators around it.
    """
    while type(iterator) in _ASK_FIRST:
        arguments = iterator.__reduce__()[1][_ASK_FIRST[type(iterator)] :]
        iterator = arguments[0] if arguments else None
    return iterator if type(iterator) in GENERATORS else None


#: Iterators in C, and which argument the one is that they ask first.
_ASK_FIRST: dict[type, int] = {enumerate: 0, zip: 0, map: 1, filter: 1}


def begun(function: Callable[[], Any], iterator: Any) -> Iterator[Any]:
    """An iterator that gives what ``function`` gives, and then goes on as ``iterator``, with no frame of ours between."""
    rest = bound_special(iterator, "__next__")
    found = map(operator.call, itertools.chain((function,), itertools.repeat(rest)))
    _begun[id(found)] = found, iterator
    return found


def begun_for(iterator: Any) -> Any:
    """What `begun` was given, or an iterator itself."""
    return _begun.get(id(iterator), (None, iterator))[1]


_begun: dict[int, tuple[Iterator[Any], Any]] = {}


def driven(site: Site, values: Values) -> Driven | None:
    """What a site drives; None if it is another kind of site.

    Raises:
        NotContinuable: what it drives has no name.
    """
    node = site.node
    match site.kind, node:
        case "for", ast.NamedExpr(target=ast.Name(id=name)):
            return Driven(site, values.name(name))
        case "send" | "delegate", ast.YieldFrom() | ast.Await():
            # It stands at its yield when something was thrown into it, and from there into what it delegates to.
            return Driven(Site(SEND, node), values.of(node.value))
        case "call" | "next" | "close", ast.Call():
            return _driven_by_call(node, values)
    return None


def _driven_by_call(call: ast.Call, values: Values) -> Driven | None:
    bound = _bound_to_generator(call.func, values)
    if bound is not None:
        generator, name = bound
        return Driven(Site(CLOSE if name == "close" else NEXT, call), generator)
    if call.keywords or not 1 <= len(call.args) <= 2 or not _is_next(call.func, values):
        return None
    iterator, *default = [values.of(argument) for argument in call.args]
    return Driven(Site(NEXT, call), iterator, tuple(default))


def _is_next(func: ast.expr, values: Values) -> bool:
    try:
        return values.of(func) is next
    except NotContinuable:
        return False


def _bound_to_generator(func: ast.expr, values: Values) -> tuple[Any, str] | None:
    """The generator and the method's name, if a call's callee is a method of a generator."""
    if isinstance(func, ast.Attribute) and func.attr in _DRIVERS:
        try:
            base = values.of(func.value)
        except NotContinuable:
            return None
        return (base, func.attr) if type(base) in GENERATORS else None
    if isinstance(func, ast.Name):
        # A method that was kept: ``send = consumer().send``.
        method = values.of(func)
        owner = getattr(method, "__self__", None) if type(method) in _BOUND else None
        return (owner, method.__name__) if type(owner) in GENERATORS and method.__name__ in _DRIVERS else None
    return None


_DRIVERS = ("send", "throw", "close", "__next__")
_BOUND = (types.BuiltinMethodType, types.MethodWrapperType)
