"""``heresy resume --pdb``: the program begins in the debugger, at the place where it was stopped."""

from __future__ import annotations

import sys
import types

from . import _resume_form
from ._stop import Stopper
from ._typing_names import Any


def begin(code: types.CodeType, stopper: Stopper) -> None:
    """Has the debugger come up with the first line of the innermost frame.

    Args:
        code: what that frame runs.
    """
    with stopper.units.at_work():
        import pdb

    # Ctrl-C stays what stops the program.
    debugger = pdb.Pdb(nosigint=True)

    def on_call(frame: types.FrameType, event: str, arg: Any) -> Any:
        return on_line if frame.f_code is code else None

    def on_line(frame: types.FrameType, event: str, arg: Any) -> Any:
        if event != "line" or frame.f_lineno >= _resume_form.GOTO_LINE:
            return on_line  # still on its way to that place
        debugger.reset()
        debugger.set_trace(frame)
        return debugger.trace_dispatch(frame, event, arg)

    sys.settrace(on_call)
