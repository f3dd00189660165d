"""What the pads of a program ask (see `_pads`) when an exception is about to unwind what could not be had back.

This file is on the way of every start and imports nothing: as long as no exception comes past a pad, that is all there is.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from ._stop import Stopper


#: After so many times an exception is taken to be caught the next time, too: else a loop around a `contextlib.suppress` would
#: take many times as long. If it is not, the program ends as without heresy.
_OFTEN = 50


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
        #: How often it was caught by what need not catch the next one, too: a manager, classes that a variable holds.
        self.usually: dict[tuple[int, int, type], int] = {}

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
            if caught is not None and not caught.always:
                self.usually[key] = self.usually.get(key, 0) + 1
            if caught is None or not caught.always and self.usually[key] < _OFTEN:
                return
            if caught.index == 0:
                self.caught[key] = frame.f_code
            elif caught.index == 1 and below is not None:
                self.caught_below[*key, id(below.f_code), below.f_lasti] = frame.f_code, below.f_code
        except BaseException:
            # What the program has raised goes its way, whatever happens here: there may be no room left on the stack.
            return


ASKED = Asked()
