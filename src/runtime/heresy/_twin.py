"""A twin of the process, which saves it as it was, while the program runs on.

It is what ``fork`` makes, with two differences. The program must not see that it has a child: not in ``os.wait``, not by
SIGCHLD. So it is made by the system call itself (``clone`` without a signal), which only waits for it that ask for such children
find. And it must not do anything that the program will do itself: it ends without any clean-up, no finalizer runs in it
(its collector is off), nothing can be written to what the program has open; it ends with its parent.

What both would share are the positions of open files. The twin opens them anew, for reading, at the positions of that moment; all
that is buffered was written before.

There is no twin where one could go wrong: other threads of the operating system's, also of C libraries; a file that is read
and written, which the program may change while it is looked at; a database that is open; `heresy.register`, whose functions
are the program's. And where a twin finds an object that cannot be saved, the program looks itself: it may be the twin's fault.
"""

from __future__ import annotations

import _signal
import fcntl
import gc
import io
import itertools
import json
import mmap
import os
import platform
import stat
import sys
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from . import _ends, _lost
from ._errors import HeresyError, NotContinuable
from ._stop import Stopper
from ._uncollected import Uncollected

#: The number of the system call, by machine.
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "ppc64le": 120}
_PR_SET_PDEATHSIG = 1
#: Waits for children of any kind.
ALL_KINDS = 0x40000000 if sys.platform == "linux" else 0
#: The longest report.
_REPORT = 1 << 16

_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


class NotByTwin(Exception):
    """The program must save itself."""


class Opened(NamedTuple):
    """A regular file that is open.

    Attributes:
        key: its device and number.
        flags: how it was opened.
    """

    descriptor: int
    key: tuple[int, int]
    flags: int
    position: int
    size: int


class Twin:
    """One twin at a time.

    Attributes:
        lost: what the last one has taken from the program's time, in seconds.
        refusal: why the last one has made no checkpoint; empty: it has.
        sizes: of the files that are open, by device and number, when the twin was made.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.lost = 0.0
        self.refusal = ""
        self.sizes: dict[tuple[int, int], int] = {}
        self._is_possible = _knows_clone()
        self._report: Any = None
        #: What was counted when there was no twin yet, and when it was made.
        self._before = self._begun = _lost.count()
        #: What writes to files, as found the last time, and the files that were open for writing then.
        self._writers: list[weakref.ref[Any]] = []
        self._written: list[tuple[int, tuple[int, int]]] | None = None

    def begin(self, stopper: Stopper, save: Callable[[], list[str]]) -> bool:
        """Makes a twin that saves. All signals must be blocked.

        Returns:
            whether that is possible; else nothing has happened.
        """
        if not self._is_possible or stopper.types or "_sqlite3" in sys.modules:
            return False
        if not is_possible():
            return False
        files = _open_files(stopper)
        if any(file.flags & os.O_ACCMODE == os.O_RDWR and file.descriptor > 2 for file in files):
            return False
        # What writes to the standard streams is known.
        written = [(f.descriptor, f.key) for f in files if f.flags & os.O_ACCMODE == os.O_WRONLY and f.descriptor > 2]
        if not self._flush(written):
            return False
        # What was flushed has moved on.
        files = _open_files(stopper)
        self.sizes = {file.key: file.size for file in files}
        if self._report is None:
            self._report = mmap.mmap(-1, _REPORT)
        self._report[:4] = bytes(4)
        self._begun = _lost.count()
        parent = os.getpid()
        pid = clone()
        if pid < 0:
            self._is_possible = False
            return False
        if pid:
            self.pid = pid
            return True
        try:
            self._be(parent, files, save)
        finally:
            _ends.exit_now(0)

    def _be(self, parent: int, files: list[Opened], save: Callable[[], list[str]]) -> None:
        """What the twin does."""
        Uncollected().__enter__()
        _end_with(parent)
        answer: dict[str, Any] = {"unfit": True}
        page = _lost.cost_of_page()
        try:
            _let_go({file.descriptor for file in files})
            for file in files:
                own = os.open(f"/proc/self/fd/{file.descriptor}", os.O_RDONLY | os.O_CLOEXEC)
                os.lseek(own, file.position, os.SEEK_SET)
                os.dup2(own, file.descriptor)
                os.close(own)
            save()
            answer = {}
        except NotContinuable:
            answer = {}
        except HeresyError as error:
            answer = {"refusal": error.diagnostic()[: _REPORT // 8]}
        except BaseException:
            pass
        text = json.dumps({**answer, "page": page}).encode()
        self._report[4 : 4 + len(text)] = text
        self._report[:4] = len(text).to_bytes(4, "little")

    def _flush(self, written: list[tuple[int, tuple[int, int]]]) -> bool:
        """Writes out what is buffered for files and for the standard streams; whether that is possible.

        To find what writes to them takes long where there are many objects. If the same files are open as the last time, so
        are the same objects; if not, the twin finds that something is left to write, and fails.
        """
        writers = [each() for each in self._writers]
        if written and written != self._written or any(each is None or each.closed for each in writers):
            objects = gc.get_objects()
            kinds = {kind for kind in set(map(type, objects)) if issubclass(kind, _WRITERS)}
            found = itertools.compress(objects, map(kinds.__contains__, map(type, objects)))
            writers = [each for each in found if not each.closed and each.writable()]
            self._writers, self._written = [weakref.ref(each) for each in writers], written
        try:
            for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
                if stream is not None:
                    stream.flush()
            for writer in writers:
                writer.flush()  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError):
            return False
        return True

    def has_ended(self) -> bool:
        """Whether there is none that still writes. Reads its report, once."""
        if not self.pid:
            return True
        try:
            pid, _, used = os.wait4(self.pid, os.WNOHANG | ALL_KINDS)
        except ChildProcessError:
            pid, used = self.pid, None
        if not pid:
            return False
        self.pid = 0
        length = int.from_bytes(self._report[:4], "little")
        answer = json.loads(self._report[4 : 4 + length]) if length else {}
        now = _lost.count()
        processor = used.ru_utime + used.ru_stime if used is not None else 0.0
        self.lost = _lost.lost(self._before, self._begun, now, page=answer.get("page", 0.0), processor=processor)
        self._before = now
        self.refusal = answer.get("refusal", "")
        if answer.get("unfit"):
            self._is_possible = False
        return True

    def end(self, checkpoint: str) -> None:
        """Ends one that still writes; the checkpoint before is as it was, or the new one is whole."""
        if not self.pid:
            return
        pid, self.pid = self.pid, 0
        try:
            os.kill(pid, _signal.SIGKILL)
            os.waitpid(pid, ALL_KINDS)
        except OSError:
            pass
        try:
            os.unlink(f"{checkpoint}.{pid}.new")
        except OSError:
            pass


def _knows_clone() -> bool:
    return sys.platform == "linux" and platform.machine() in _CLONE


def is_possible() -> bool:
    """Whether `clone` can be used: of several threads the child would have one, and what the others were changing half done."""
    return _knows_clone() and len(os.listdir("/proc/self/task")) == 1


def _open_files(stopper: Stopper) -> list[Opened]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor == stopper.launch.claim:
            continue
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
                position = os.lseek(descriptor, 0, os.SEEK_CUR)
                found.append(Opened(descriptor, (status.st_dev, status.st_ino), flags, position, status.st_size))
        except OSError:
            continue  # that of the listing itself, which is closed by now
    return found


def _let_go(files: set[int]) -> None:
    """Nothing can be written to what is no regular file; and whoever reads a pipe need not wait for the twin to end."""
    nothing = os.open("/", os.O_PATH | os.O_CLOEXEC)
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        try:
            kind = os.fstat(descriptor).st_mode
        except OSError:
            continue
        if descriptor not in files and descriptor and not stat.S_ISDIR(kind):
            os.dup2(nothing, descriptor)


def clone() -> int:
    """A child that sends no signal when it ends. 0 in the child, -1: it cannot be made."""
    import ctypes

    # Without giving up the interpreter's lock: the child would have nobody to take it from.
    libc = ctypes.PyDLL(None)
    return int(libc.syscall(ctypes.c_long(_CLONE[platform.machine()]), *[ctypes.c_long(0)] * 5))


def _end_with(parent: int) -> None:
    """Has this process killed when its parent ends."""
    import ctypes

    ctypes.PyDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(_signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        _ends.exit_now(1)
