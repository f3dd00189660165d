"""The digest of a payload, begun while the rest of the payload is made: by a thread, which needs no interpreter for it."""

from __future__ import annotations

import _thread
import itertools

from ._digest import begun
from ._typing_names import Any

#: With fewer bytes it is sooner done than a thread has started.
_LEAST = 1 << 17
#: More are not copied to be gone through at once.
_MOST = 1 << 24


class Ahead:
    """What is known of the digest of a payload, which is none at first."""

    def __init__(self) -> None:
        self._digest = begun()
        self._count = 0
        self._done = _thread.allocate_lock()

    def begin(self, chunks: list[Any]) -> None:
        """With what there is of a payload now. Another that was begun is given up.

        Of what is there only bytes are taken, which nobody can change: not what stands after a buffer of the program's.
        """
        self.wait()
        self._digest, self._count = begun(), 0
        first = list(itertools.takewhile(lambda chunk: type(chunk) is bytes, chunks))
        if sum(map(len, first)) not in range(_LEAST, _MOST):
            return
        data = b"".join(first)
        has_begun = _thread.allocate_lock()
        has_begun.acquire()
        self._done.acquire()
        try:
            _thread.start_new_thread(self._run, (data, has_begun))
        except RuntimeError:
            self._done.release()  # there is no thread to be had
            return
        self._count = len(first)
        # Until then it needs the interpreter, which would be its turn only some milliseconds later.
        has_begun.acquire()

    def _run(self, data: bytes, has_begun: _thread.LockType) -> None:
        has_begun.release()
        self._digest.update(data)
        self._done.release()

    def wait(self) -> None:
        """Until the thread has come to its end."""
        with self._done:
            pass

    def of_all(self, chunks: list[memoryview]) -> str:
        """The digest, in hexadecimal digits, of the whole payload."""
        self.wait()
        for chunk in chunks[self._count :]:
            self._digest.update(chunk)
        return self._digest.hexdigest()
