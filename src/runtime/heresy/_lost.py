"""What a twin costs the program that runs on beside it.

Both have all pages of memory in common until one of them writes to one: then it is copied, at the cost of whoever writes. And
where all processors are busy, the twin's time is the program's. Both are known from what the system counts for the process, less
what is usual for it without a twin. That needs no second processor to be free, and where one is, the twin costs next to nothing.
"""

from __future__ import annotations

import mmap
import time

from ._typing_names import NamedTuple

_PAGE = mmap.PAGESIZE
#: A page is copied, not only cleared.
_COPIED = 1.5


class Count(NamedTuple):
    """What has been counted for a process.

    Attributes:
        at: when.
        faults: how many pages it had to wait for.
        delay: for how long it was ready to run and did not, in seconds; None: nobody knows.
    """

    at: float
    faults: int
    delay: float | None


def count() -> Count:
    """Of this process, as of now."""
    try:
        with open("/proc/self/schedstat", "rb") as file:
            delay: float | None = int(file.read().split()[1]) * 1e-9
    except (OSError, IndexError, ValueError):
        delay = None
    return Count(time.monotonic(), _faults(), delay)


def _faults() -> int:
    # Not by `resource`: a program that has not imported it has left its limits to who starts it, and so they are not saved.
    try:
        with open("/proc/self/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[7])
    except (OSError, IndexError, ValueError):
        import resource  # where there is no /proc

        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def lost(before: Count, begun: Count, now: Count, *, page: float, processor: float) -> float:
    """Seconds that the program has lost by a twin.

    Args:
        before: when there was no twin yet.
        begun: when it was made.
        page: what it costs to copy a page.
        processor: how much time of a processor the twin has taken.
    """
    usual = (now.at - begun.at) / max(begun.at - before.at, 1e-3)
    faults = now.faults - begun.faults - (begun.faults - before.faults) * usual
    copied = min(max(faults, 0.0), _resident()) * page
    if now.delay is None or begun.delay is None or before.delay is None:
        return copied + processor
    waited = now.delay - begun.delay - (begun.delay - before.delay) * usual
    return copied + min(max(waited, 0.0), processor)


def _resident() -> int:
    """How many pages of memory the process has."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        return 1 << 62


def cost_of_page() -> float:
    """Seconds to copy a page, about: some new ones are touched."""
    pages = 256
    memory = mmap.mmap(-1, pages * _PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    begun = time.perf_counter()
    for at in range(0, len(memory), _PAGE):
        memory[at] = 1
    first = time.perf_counter()
    for at in range(0, len(memory), _PAGE):
        memory[at] = 1
    again = time.perf_counter() - first
    return _COPIED * max(first - begun - again, 0.0) / pages
