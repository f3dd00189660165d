"""Event loops of ``asyncio`` that nothing waits in: between two calls of ``run_until_complete``, or of a ``Runner``.

What such a loop holds of the process (its selector, the sockets by which it is woken) is made anew with another loop.
"""

from __future__ import annotations

import sys

from .._typing_names import Any
from .pickling import CannotSave, Reduced, StatePickler, import_by_name, library_reducer

#: What a program may have set.
_SETTINGS = ("_debug", "slow_callback_duration", "_task_factory", "_exception_handler")


@library_reducer("asyncio.unix_events", "_UnixSelectorEventLoop")
def _event_loop(pickler: StatePickler, loop: Any) -> Reduced:
    if loop.is_closed():
        return make_loop, (None,)
    if loop.is_running() or loop._ready or any(not timer.cancelled() for timer in loop._scheduled):
        raise CannotSave("the loop runs, or has something to do")
    if len(loop._selector.get_map()) > 1 or loop._signal_handlers or loop._default_executor is not None:
        raise CannotSave("the loop waits for files, sockets or signals, or has an executor")
    settings = {name: getattr(loop, name) for name in _SETTINGS if hasattr(loop, name)}
    return make_loop, (_is_current(loop),), settings, None, None, set_loop


def _is_current(loop: Any) -> bool:
    """Whether the program has made it the loop that `asyncio.get_event_loop` gives."""
    policy = getattr(sys.modules.get("asyncio.events"), "_event_loop_policy", None)
    return getattr(getattr(policy, "_local", None), "_loop", None) is loop


def make_loop(current: bool | None) -> Any:
    """A new loop; None: one that is closed."""
    asyncio = import_by_name("asyncio")
    loop = asyncio.SelectorEventLoop()
    if current is None:
        loop.close()
    elif current:
        asyncio.set_event_loop(loop)
    return loop


def set_loop(loop: Any, settings: dict[str, Any]) -> None:
    vars(loop).update(settings)
