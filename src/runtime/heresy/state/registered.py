"""Objects of the types that the program has registered (``heresy.register``): saved and made again by its own functions."""

from __future__ import annotations

import functools
from collections.abc import Callable

from .._errors import HeresyError, raised_by
from .._typing_names import Any
from .hashes import as_they_are
from .pickling import Reduced, Reducer, StatePickler


def reducers(types: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]]) -> dict[type, Reducer]:
    """The reducers of registered types, from what saves an object and what makes it again, for one checkpoint."""
    saved: dict[int, tuple[Any, Any]] = {}
    return {type_: functools.partial(_reduce, *functions, saved) for type_, functions in types.items()}


def _reduce(
    save: Callable[[Any], Any],
    restore: Callable[[Any], Any],
    saved: dict[int, tuple[Any, Any]],
    pickler: StatePickler,
    obj: Any,
) -> Reduced:
    # The state may be pickled more than once for a checkpoint.
    if id(obj) not in saved:
        try:
            with pickler.modules.units.handed_over():
                saved[id(obj)] = obj, save(obj)
        except BaseException as error:
            raise HeresyError(
                "H311", f"cannot stop here: the registered function {raised_by(save, error)}",
                why=f"it saves objects of type {type(obj).__qualname__}", help="mend it, and stop the program again",
            ) from error  # fmt: skip
    return make_again, (restore, saved[id(obj)][1])


def make_again(restore: Callable[[Any], Any], value: Any) -> Any:
    """The object.

    Raises:
        HeresyError: the program's function failed.
    """
    try:
        with as_they_are():
            return restore(value)
    except BaseException as error:
        raise HeresyError(
            "H327", f"cannot continue: the registered function {raised_by(restore, error)}",
            why="it makes an object again that the program held when it was saved; the checkpoint is as it was",
            help="run the same command again when the cause is gone, or start over with `--fresh`",
        ) from error  # fmt: skip
