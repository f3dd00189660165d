"""Trying a program, for ``heresy verify``: a stop is asked for when its n-th statement starts; or they are counted.

Counted is each statement of the program's own modules, whether it could be stopped at or not. So the same program comes to
the same statement in each of its runs; to ask for a stop there is what Ctrl-C at that moment would be; and counting is cheap
enough for a program of some million statements.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any

    from ._stop import Stopper


class Trial:
    """One of a program.

    Attributes:
        at: the number of the statement to stop at; 0: none, they are counted.
        report: the file to write to what came of it.
        passed: how many have started.
    """

    def __init__(self, stopper: Stopper, at: int, report: str) -> None:
        self.stopper = stopper
        self.at = at
        self.report = report
        self.passed = 0
        sys.settrace(self._on_call)

    def _on_call(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        for unit in self.stopper.units.by_file.get(frame.f_code.co_filename, ()):
            if not unit.library:
                return self._on_event
        return None

    def _on_event(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            self.passed += 1
            if self.passed == self.at and os.getpid() == self.stopper.pid:
                return self._ask(frame)
        elif event == "return":
            # Before 3.13 the frame keeps a copy of its variables, which would keep what an exception has dropped.
            frame.f_locals  # noqa: B018
        return self._on_event

    def _ask(self, frame: types.FrameType) -> Any:
        """Returns, if the stop has to wait or is refused, what is to trace the frame from here on."""
        current: types.FrameType | None = frame
        while current is not None:
            if current.f_trace == self._on_event:
                current.f_trace = None
            current = current.f_back
        sys.settrace(None)
        self.stopper.ask(frame)
        # Without either, the next statement will do.
        if self.stopper.tracer.barrier is not None or self.stopper.held:
            self._write(f"waits {self.stopper.reason}")
        return frame.f_trace

    def ended(self) -> None:
        """The program has ended."""
        if sys.gettrace() == self._on_call:
            sys.settrace(None)
        if not self.at:
            self._write(f"passed {self.passed}")

    def _write(self, line: str) -> None:
        handle = os.open(self.report, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, f"{line}\n".encode(errors="backslashreplace"))
        os.close(handle)
