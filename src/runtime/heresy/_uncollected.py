"""Making much at once, nothing of which is garbage: to look for some time and again takes longer than to make it."""

from __future__ import annotations

import gc


class Uncollected:
    """Within it the collector of cyclic garbage is off."""

    def __enter__(self) -> None:
        self.collects = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self.collects:
            gc.enable()
