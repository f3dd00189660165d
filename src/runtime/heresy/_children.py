"""Child processes that have got the same Ctrl-C as the program.

A terminal sends it to all that run in the foreground. A child that the program waits for ends by it, and the program gets its
status: going on with that later would not be going on as if nothing had been. So a stop that finds this is refused.
"""

from __future__ import annotations

import shlex
import sys
import types
from typing import Any

from ._errors import HeresyError


def waited_for(frame: types.FrameType | None) -> list[Any]:
    """The processes of `subprocess` that the program is waiting for, or talking to."""
    subprocess = sys.modules.get("subprocess")
    found: list[Any] = []
    while frame is not None and subprocess is not None:
        if frame.f_globals is vars(subprocess):
            found += [value for value in frame.f_locals.values() if isinstance(value, subprocess.Popen)]
        frame = frame.f_back
    return found


def refuse(children: list[Any]) -> None:
    """
    Raises:
        HeresyError: one of them has ended, and not well.
    """
    for child in children:
        if child.returncode:
            command = child.args if isinstance(child.args, str) else shlex.join(map(str, child.args))
            raise HeresyError(
                "H319", f"cannot stop here: a child process got the same Ctrl-C, and ended with status {child.returncode}",
                why=f"the program has been told so, and goes on with that: {command[:200]}",
                help="stop the program alone, by `kill -TERM`; or have the child ignore SIGINT (`start_new_session=True`)",
            )  # fmt: skip
