"""What a program has asked to be told: that it is about to be saved, and that it goes on."""

from __future__ import annotations

from ._errors import HeresyError, raised_by
from ._stop import Stopper
from ._uncollected import Collected


def tell_of_save(stopper: Stopper) -> None:
    """Calls the program's functions that are to be called before a checkpoint.

    Raises:
        HeresyError: one has failed.
    """
    for function in list(stopper.on_save):
        try:
            with stopper.units.handed_over(), Collected(), stopper.kept_back().let_go():
                function()
        except BaseException as error:
            raise HeresyError(
                "H316", f"cannot stop here: the on_save function {raised_by(function, error)}",
                why="nothing is saved when such a function fails",
            ) from error  # fmt: skip


def tell_of_restore(stopper: Stopper) -> None:
    """Calls the program's functions that are to be called before it goes on.

    Raises:
        HeresyError: one has failed.
    """
    for function in list(stopper.on_restore):
        try:
            function()
        except BaseException as error:
            raise HeresyError(
                "H328", f"cannot continue: the on_restore function {raised_by(function, error)}",
                why="the program is not continued when such a function fails; the checkpoint is as it was",
                help="run the same command again when the cause is gone, or start over with `--fresh`",
            ) from error  # fmt: skip
