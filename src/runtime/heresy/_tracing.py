"""Tracing: once a stop is asked for, each line that the program comes to may be where it is made.

Before that nothing is traced. And nothing is above a frame that waits in C code: what runs there is not looked at.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any

    from ._collecting import Watch
    from ._stop import Stopper


class Tracer:
    """Traces the program's frames.

    Attributes:
        is_on: it does.
        barrier: a frame that must move on from an instruction (byte offset) before there can be a safe point above it.
        watch: finds out what C code is making meanwhile.
    """

    def __init__(self, stopper: Stopper) -> None:
        self.stopper = stopper
        self.is_on = False
        self.barrier: tuple[types.FrameType, int] | None = None
        self.watch: Watch | None = None
        #: For code objects, by their identity: where in them there is no safe point.
        self._no_starts: dict[int, tuple[types.CodeType, set[int]]] = {}

    def trace(self, frame: types.FrameType) -> None:
        current: types.FrameType | None = frame
        while current is not None:
            if self.stopper.is_ours(current.f_code):
                current.f_trace = self.on_event
            current = current.f_back
        self.is_on = True
        sys.settrace(self.on_call)

    def untrace(self, frame: types.FrameType | None) -> None:
        self.is_on = False
        sys.settrace(None)
        while frame is not None:
            if frame.f_trace == self.on_event:
                frame.f_trace = None
            frame = frame.f_back
        self.barrier = self.watch = None
        self._no_starts.clear()

    def note_no_start(self, frame: types.FrameType) -> None:
        """There never is a safe point where a frame stands: loops may come there again and again."""
        self._no_starts.setdefault(id(frame.f_code), (frame.f_code, set()))[1].add(frame.f_lasti)

    def on_call(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        self._look()
        stopper = self.stopper
        if self._has_given_up(frame) or stopper.held or not stopper.is_ours(frame.f_code):
            return None
        if self._behind_barrier(frame) and (self.watch is None or frame.f_code is not self.watch.code):
            return None
        return self.on_event

    def _look(self) -> None:
        """Something of Python's is to run: is it known now what C code is making?"""
        if self.watch is not None:
            self.watch.look()
            if self.watch.is_over:
                self.watch = self.barrier = None

    def on_event(self, frame: types.FrameType, event: str, arg: Any) -> Any:
        self._look()
        stopper = self.stopper
        if event == "return" and self.watch is not None and frame.f_code is self.watch.code:
            self.watch.given(arg)
        if stopper.save_asked and not stopper.asked:
            stopper.ask_in_passing(frame)
        if event == "line" and not stopper.held and not stopper.save_asked and not self._cannot_stop(frame):
            stopper.attempt(frame, waiting=False)
            if not self.is_on:
                return None  # nothing is called here any more: what has come meanwhile is the program's
        elif event == "return":
            # Before 3.13 the frame keeps a copy of its variables, which would keep what an exception has dropped.
            frame.f_locals  # noqa: B018
        # What is returned here is what traces the frame from now on.
        return None if self._has_given_up(frame) or not self.is_on else self.on_event

    def _has_given_up(self, frame: types.FrameType) -> bool:
        """Whether a checkpoint in passing has been sought for long enough."""
        stopper = self.stopper
        return not stopper.asked and stopper.passing is not None and stopper.passing.has_given_up(frame)

    def _cannot_stop(self, frame: types.FrameType) -> bool:
        """Whether it is known that where a frame stands there is no safe point."""
        _, offsets = self._no_starts.get(id(frame.f_code), (None, ()))
        return frame.f_lasti in offsets or self._behind_barrier(frame)

    def _behind_barrier(self, running: types.FrameType) -> bool:
        """Whether a frame below is inside a call that must end before there can be a safe point."""
        if self.barrier is None:
            return False
        frame, instruction = self.barrier
        # A handler of a signal may have been called at this instruction, not by it: then the frame goes on there.
        if frame is not running and frame.f_lasti == instruction and _is_on_stack(frame):
            return True
        self.barrier = None
        return False


def is_tracing(frame: types.FrameType) -> bool:
    """Whether a frame is one of those that trace, above what they trace."""
    return frame.f_globals is globals()


def importer_of(frame: types.FrameType) -> types.FrameType | None:
    """The outermost frame that is importing a module; None if there is none."""
    found = None
    current: types.FrameType | None = frame
    while current is not None:
        below = current.f_back
        if below is not None and current.f_code.co_filename == "<frozen importlib._bootstrap>":
            found = below
        current = below
    return found


def _is_on_stack(frame: types.FrameType) -> bool:
    current: types.FrameType | None = sys._getframe()
    while current is not None:
        if current is frame:
            return True
        current = current.f_back
    return False
