"""The collector of cyclic garbage, off for a while.

Where much is made at once, nothing of which is garbage, to look for some time and again takes longer than to make it. And a stop
would look through all that the program holds, several times, just before the process ends.
"""

from __future__ import annotations

import gc


class Uncollected:
    """Within it the collector is off.

    Attributes:
        was_on: in the outermost one, whether the program has it on; None: there is none.
    """

    was_on: bool | None = None

    def __enter__(self) -> None:
        self._before = Uncollected.was_on
        if self._before is None:
            Uncollected.was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._before is None and Uncollected.was_on:
            gc.enable()
        Uncollected.was_on = self._before


class Collected:
    """Within it, a function of the program's runs: the collector is as the program has it."""

    def __enter__(self) -> None:
        self._within, Uncollected.was_on = Uncollected.was_on, None
        if self._within:
            gc.enable()

    def __exit__(self, *_: object) -> None:
        if self._within is not None:
            Uncollected.was_on = gc.isenabled()
            gc.disable()
