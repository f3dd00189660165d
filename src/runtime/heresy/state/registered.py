"""Objects of the types that the program has registered (``heresy.register``): saved and made again by its own functions."""

from __future__ import annotations

import functools
from collections.abc import Callable

from .._errors import HeresyError, raised_by
from .._typing_names import Any
from .hashes import as_they_are
from .pickling import Modules, Reduced, StatePickler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .pickling import Reducer


def reducers(types: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]]) -> dict[type, Reducer]:
    """The reducers of registered types, from what saves an object and what makes it again, for one checkpoint."""
    saved: dict[int, tuple[Any, Any, int]] = {}
    return {type_: functools.partial(_reduce, *functions, saved) for type_, functions in types.items()}


def _reduce(
    save: Callable[[Any], Any],
    restore: Callable[[Any], Any],
    saved: dict[int, tuple[Any, Any, int]],
    pickler: StatePickler,
    obj: Any,
) -> Reduced:
    # The state may be pickled more than once for a checkpoint.
    if id(obj) not in saved:
        try:
            with pickler.modules.units.handed_over():
                saved[id(obj)] = obj, save(obj), len(saved)
        except BaseException as error:
            raise HeresyError(
                "H311", f"cannot stop here: the registered function {raised_by(save, error)}",
                why=f"it saves objects of type {type(obj).__qualname__}", help="mend it, and stop the program again",
            ) from error  # fmt: skip
    return make_again, (restore, *saved[id(obj)][1:])


#: In a rehearsal of the way back: the objects themselves, in the order in which they were saved.
originals: list[Any] | None = None


def rehearse(modules: Modules) -> None:
    """From now on nothing is made again: what that does, such as to connect somewhere, is not for a rehearsal."""
    global originals
    saved = next((reduce.args[2] for reduce in modules.reducers.values()), {})  # type: ignore[attr-defined]
    originals = [obj for obj, _, _ in saved.values()]


def make_again(restore: Callable[[Any], Any], value: Any, number: int) -> Any:
    """The object.

    Raises:
        HeresyError: the program's function failed.
    """
    if originals is not None:
        return originals[number]
    try:
        with as_they_are():
            return restore(value)
    except BaseException as error:
        raise HeresyError(
            "H327", f"cannot continue: the registered function {raised_by(restore, error)}",
            why="it makes an object again that the program held when it was saved; the checkpoint is as it was",
            help="run the same command again when the cause is gone, or start over with `--fresh`",
        ) from error  # fmt: skip
