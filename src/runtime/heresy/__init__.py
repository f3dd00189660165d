"""heresy: makes an ordinary Python script continue from the very statement it had reached.

A program in marked form (the output of ``heresy transpile``) starts with ``import heresy; heresy.enter(__name__,
__file__, "in.py")``, so that ``python out.py`` works. Under ``heresy run`` the same text is started by
``heresy._boot``. This package uses the standard library alone.

What a program can ask for itself is in ``heresy._api``, which is not read before it is asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._api import (
        CheckpointError,
        UnsavedObjectError,
        checkpoint,
        is_resumed,
        no_stop,
        on_restore,
        on_save,
        register,
    )

__all__ = [
    "CheckpointError", "UnsavedObjectError", "checkpoint", "enter", "is_resumed", "no_stop", "on_restore", "on_save", "register",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _api

    # From now on it is found as a plain attribute.
    value = globals()[name] = getattr(_api, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def enter(name: str, file: str, source: str | None = None, *, tag: str = "") -> None:
    """Takes over a program in marked form: runs or continues it, and does not return.

    Args:
        name: the module's ``__name__``. An imported module in marked form is not taken over; it must be imported under
            ``heresy run``.
        file: the path of the marked form.
        source: the name of the file it was made from, beside it: tracebacks show that file if it is there.
        tag: what the marks' names end in (read from the text itself; here for the reader).

    Raises:
        ImportError: the module is imported, not run.
    """
    del tag
    if name != "__main__":
        raise ImportError(f"{file} is in marked form: import the module it was made from, under `heresy run`")
    from . import _standalone

    _standalone.run(file, source)
