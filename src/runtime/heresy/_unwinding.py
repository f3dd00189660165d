"""What the pads of a program ask (see `_pads`) when an exception is about to unwind what could not be had back.

This file is on the way of every start and imports nothing: as long as no exception comes past a pad, that is all there is.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from ._stop import Stopper


class Asked:
    """``ASKED << exception`` is None, if the program does not end there.

    Attributes:
        stopper: that of the program, if an exception that nobody catches is to stop it.
    """

    stopper: Stopper | None = None

    def __init__(self) -> None:
        # A loop may raise and catch a million times: where an exception of a type was found to be caught by the frame that
        # asks, or by its caller at a certain place, that is not found out again. Code objects are kept for their identity.
        self.caught: dict[tuple[int, int, type], CodeType] = {}
        self.caught_below: dict[tuple[int, int, type, int, int], tuple[CodeType, CodeType]] = {}

    def __lshift__(self, raised: BaseException) -> None:
        if self.stopper is None or not isinstance(raised, Exception):
            return
        frame = sys._getframe(1)
        key = id(frame.f_code), frame.f_lasti, type(raised)
        if key in self.caught:
            return
        below = frame.f_back
        if below is not None and (*key, id(below.f_code), below.f_lasti) in self.caught_below:
            return
        try:
            from ._failure import asked

            caught = asked(self.stopper, raised, frame)
            if caught == 0:
                self.caught[key] = frame.f_code
            elif caught == 1 and below is not None:
                self.caught_below[*key, id(below.f_code), below.f_lasti] = frame.f_code, below.f_code
        except BaseException:

            # What the program has raised goes its way, whatever happens here: there may be no room left on the stack.
            return


ASKED = Asked()
