"""Awaitables of C's: what drives an asynchronous generator, and what gives what another awaitable does.

``agen.asend(x)``, ``agen.athrow(e)`` and ``agen.aclose()`` give objects that the generator runs through; ``anext(it, default)``
and ``coroutine.__await__()`` give such as ask another one. Each asks before anything of its own changes, so that all can be asked
anew. But the first knows whether it has begun, and the generator belongs to it then until it has given something.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import AsyncGenerator

from ._errors import NotContinuable
from ._typing_names import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import ctypes

#: Has not asked yet, has begun, or has given something.
NEW, BEGUN, OVER = range(3)
#: The methods of asynchronous generators that give one.
ASEND, ATHROW, ACLOSE = "asend", "athrow", "aclose"


class Kinds(NamedTuple):
    """Their types, which have no other name."""

    asend: type
    athrow: type
    anext: type
    wrapper: type


class hooked:
    """``with hooked(finalizer):`` asynchronous generators that begin get this finalizer, and no hook of the program's runs."""

    def __init__(self, finalizer: Any = None) -> None:
        self.finalizer = finalizer

    def __enter__(self) -> None:
        self.before = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, self.finalizer)

    def __exit__(self, *_: object) -> None:
        sys.set_asyncgen_hooks(*self.before)


async def _sample() -> AsyncGenerator[None, None]:
    yield


async def _coroutine() -> None:
    pass


@functools.cache
def kinds() -> Kinds:
    with hooked():
        generator = _sample()
        asend, athrow = generator.asend(None), generator.aclose()
        asked = anext(generator, None)
        coroutine = _coroutine()
        found = Kinds(type(asend), type(athrow), type(asked), type(coroutine.__await__()))  # type: ignore[arg-type]
        states = [_state(asend)]
        for awaitable in (asend, asked, coroutine, athrow):
            step(awaitable)
        states.append(_state(asend))
    if states != [NEW, OVER]:
        raise NotContinuable("how far an asynchronous generator was asked cannot be read here")
    return found


def step(awaitable: Any) -> None:
    """Asks an awaitable once; what it gives does not matter."""
    try:
        awaitable.send(None)
    except (StopIteration, StopAsyncIteration):
        pass


def is_awaitable(what: Any) -> bool:
    """Whether an object is an awaitable of C's."""
    return type(what) in kinds()


def asked_by(awaitable: Any) -> Any:
    """What an awaitable asks: the generator, coroutine or other awaitable."""
    return gc.get_referents(awaitable)[0]


def _field(awaitable: Any) -> ctypes.c_int:
    """Where an awaitable keeps how far it is."""
    import ctypes

    # The last of its fields; with its padding it takes a word.
    end = id(awaitable) + type(awaitable).__basicsize__
    return ctypes.c_int.from_address(end - ctypes.sizeof(ctypes.c_size_t))


def _state(awaitable: Any) -> int:
    return _field(awaitable).value


class Asked(NamedTuple):
    """An awaitable, as a checkpoint holds it.

    Attributes:
        method: that of the generator which gave it.
        state: how far it is.
        arguments: what the method was called with, as long as that matters.
    """

    method: str
    state: int
    arguments: tuple[Any, ...]


def read(awaitable: Any) -> Asked:
    """What an awaitable of an asynchronous generator does.

    Raises:
        NotContinuable: it cannot be made again.
    """
    state = _state(awaitable)
    _, *held = gc.get_referents(awaitable)
    if type(awaitable) is kinds().asend:
        return Asked(ASEND, state, (held[0],) if held and state == NEW else (None,))
    if state == BEGUN and not asked_by(awaitable).ag_running:
        state = OVER  # that of `athrow` does not say so by itself
    if not held:
        return Asked(ACLOSE, state, ())
    arguments = held[0] if type(held[0]) is tuple else tuple(held)
    if state != NEW:
        arguments = (GeneratorExit,)
    if len(arguments) != 1:
        raise NotContinuable("athrow() with more than an exception has not been awaited")
    return Asked(ATHROW, state, arguments)


def driver(generator: Any) -> str:
    """The method through which an asynchronous generator is run, or was when it was suspended in an ``await``; empty if none."""
    if not generator.ag_running:
        return ""  # what `athrow` gives counts as begun even when it is over
    awaitables = [each for each in gc.get_referrers(generator) if type(each) in kinds()[:2]]
    return next((read(each).method for each in awaitables if _state(each) == BEGUN), "")


def made(generator: Any, asked: Asked, finalizer: Any) -> Any:
    """An awaitable as it was, once its generator is where it was."""
    with hooked(finalizer):
        awaitable = getattr(generator, asked.method)(*asked.arguments)
    if asked.state == OVER:
        _field(awaitable).value = OVER
    return awaitable


def finished(generator: Any) -> None:
    """Ends an asynchronous generator that has not started."""
    with hooked():
        step(generator.aclose())


