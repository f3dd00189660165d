"""Standard input, where it is a file (``heresy run script.py < data``): gone on with at the position that was reached.

The same command gives the continued program the file once more, from its start. A terminal or a pipe has no position: the
program reads on from what it is given then.
"""

from __future__ import annotations

import os
import sys

from .._errors import HeresyError
from .._typing_names import Any
from . import reopening
from .files import TextState, set_text, text_state

#: Leads to the file itself, whatever its name.
_PATH = "/dev/fd/0"


def save() -> tuple[TextState, int, reopening.Print] | None:
    """What its text layer has read, where it is in bytes, and its print; None if it is no file, or was not read from."""
    stream = sys.__stdin__
    try:
        found = reopening.take(_PATH)
        if found is None or stream is None or not stream.seekable():
            return None
        state = text_state(stream)  # type: ignore[arg-type]
        return (state, stream.buffer.tell(), found) if stream.buffer.tell() else None
    except (OSError, ValueError):
        return None


def restore(saved: tuple[TextState, int, reopening.Print] | None) -> None:
    """Moves on to where it was.

    Raises:
        HeresyError: it is another file, or none.
    """
    if saved is None:
        return
    state, reached, then = saved
    stream: Any = sys.__stdin__
    try:
        same = os.fstat(0).st_size >= reached and reopening.change(_PATH, then) in ("", reopening.GROWN)
        if same and stream.seekable():
            stream.buffer.seek(reached)
            set_text(stream, state)
            return
    except (OSError, ValueError, AttributeError):
        pass
    raise HeresyError(
        "H335", f"cannot continue: standard input is not the file that the program has read {reached} bytes of",
        why="it would read another file, or the same from its start", help="give it that file again: `… < FILE`",
    )  # fmt: skip
