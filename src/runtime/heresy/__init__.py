"""heresy: makes an ordinary Python script continue from the very statement it had reached.

A program in marked form (the output of ``heresy transpile``) starts with ``import heresy; heresy.enter(__name__,
__file__, "in.py")``, so that ``python out.py`` works. Under ``heresy run`` the same text is started by
``heresy._boot``. This package uses the standard library alone.
"""

from __future__ import annotations

__all__ = ["enter"]


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
