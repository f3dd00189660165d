"""Bars of tqdm. What they have in common (a lock, which bars there are, a thread that looks on) is made anew by the library."""

from __future__ import annotations

from .._typing_names import Any
from .objects import instance_state, make_instance, set_instance_state
from .pickling import Reduced, StatePickler, library_reducer


@library_reducer("tqdm.std", "tqdm")
@library_reducer("tqdm.asyncio", "tqdm_asyncio")
@library_reducer("tqdm.notebook", "tqdm_notebook")
def _bar(pickler: StatePickler, bar: Any) -> Reduced:
    cls, state = type(bar), instance_state(bar)
    if bar.disable:
        return make_instance, (cls, {}), state, None, None, set_instance_state
    return make_bar, (cls,), state, None, None, set_instance_state


def make_bar(cls: Any) -> Any:
    return cls.__new__(cls)
