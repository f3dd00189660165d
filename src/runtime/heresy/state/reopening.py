"""The files that a stopped program had open: opened again, and compared with what they were.

A file is never created and never truncated. Between a stop and the continuation it may have been changed, cut, deleted or
replaced: the program would read parts of two files, or write over what somebody else has written. That is found before
anything of the program runs, for all files at once, and none has been touched then. What a file was like is known by a
*print* of it: its size, times and place, which tell at once that nothing was changed, and a digest of its content, which tells
whether anything was. So a file may be copied, moved along to another machine, or come back from a backup.
"""

from __future__ import annotations

import io
import os
import stat

try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b  # the same, with all of OpenSSL

from .._errors import HeresyError
from .._typing_names import Any, NamedTuple
from . import moved
from .pickling import Reduced, StatePickler, reducer

#: Of a larger file the digest is one of parts, and its time of change must be the same to the second.
_WHOLE = 64 << 20
_PART = 1 << 20


class Print(NamedTuple):
    """What a file was like.

    Attributes:
        place: its device, number, time of last change in nanoseconds, and that of its entry.
        size: in bytes.
        digest: of the content, or of parts of it; empty if it may not be read.
    """

    place: tuple[int, int, int, int]
    size: int
    digest: bytes


def take(path: str, sizes: dict[tuple[int, int], int] | None = None) -> Print | None:
    """The print of a file; None if it is not a regular one.

    Args:
        sizes: of files, by device and number, where what was written since is not meant.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        return None
    size = (sizes or {}).get((found.st_dev, found.st_ino), found.st_size)
    return Print(_place(found), size, _digest(path, size))


def _place(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


def _digest(path: str, size: int) -> bytes:
    """A digest of the first ``size`` bytes of a file."""
    digest = blake2b(digest_size=16)
    parts = [(0, size)] if size <= _WHOLE else [(0, _PART), (size // 2, _PART), (size - _PART, _PART)]
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        for start, length in parts:
            end = start + length
            while start < end and (data := os.pread(descriptor, min(_PART, end - start), start)):
                digest.update(data)
                start += len(data)
    finally:
        os.close(descriptor)
    return digest.digest()


class Opened:
    """Stands in the state, behind everything else, for the prints of the files in it.

    Args:
        ends: what is written to them from now on is nobody's that knows of the checkpoint: prints are needed.
        synced: they are to be as durable as the checkpoint.
        sizes: see `take`.
    """

    def __init__(self, *, ends: bool, synced: bool = False, sizes: dict[tuple[int, int], int] | None = None) -> None:
        self.ends = ends
        self.synced = synced
        self.sizes = sizes


@reducer(Opened)
def _opened(pickler: StatePickler, opened: Opened) -> Reduced:
    # By now all that was written is in them.
    files = sorted(set(pickler.files))
    if opened.synced:
        for path in files:
            _sync(path)
    return list, ([(path, take(path, opened.sizes)) for path in files] if opened.ends else [],)


def _sync(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


# --- the way back -----------------------------------------------------------------------------------------------------

#: What is wrong with files that were to be opened again.
_problems: list[HeresyError] = []
#: Files that are to be cut back, and to which length.
_longer: list[tuple[str, int]] = []
#: The files that were opened again: path, mode and position of each.
_again: list[tuple[str, str, int]] = []


def open_raw(path: str, name: Any, mode: str, position: int, size: int) -> io.FileIO:
    """The file again, at ``position``; never created, never truncated. In the place of one that is not there stands another.

    Args:
        size: which it had then; it may have stood behind its end.
    """
    path, name = moved.here(path), moved.here(name)
    try:
        file = open_as_is(path, mode)
        there = min(position, size)
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode) and os.fstat(file.fileno()).st_size < there:
            raise HeresyError(
                "H321", f"{os.fsdecode(path)!r} has been cut since the program was stopped",
                why=f"it had {there} bytes or more, and has {os.fstat(file.fileno()).st_size} now",
                help="put the file back as it was, then run the same command again",
            )  # fmt: skip
    except OSError as error:
        problem = HeresyError(
            "H320", f"cannot open {os.fsdecode(path)!r} again: {error.strerror}",
            why="the program had it open when it was stopped",
            help="put the file back, then run the same command again",
        )  # fmt: skip
    except HeresyError as error:
        problem = error
    else:
        file.name = name
        file.seek(position)
        _again.append((path, mode, position))
        return file
    _problems.append(problem)
    return io.FileIO(os.devnull, "r+")


def open_as_is(path: str, mode: str) -> io.FileIO:
    """A file that is there, opened in any mode."""

    def opener(_: str, flags: int) -> int:
        return os.open(path, flags & ~(os.O_TRUNC | os.O_CREAT | os.O_EXCL))

    return io.FileIO(path, mode.replace("b", ""), opener=opener)


def are_there() -> bool:
    """Whether all files that were to be opened were; else nothing can be said of positions in them."""
    return not _problems


def compare(prints: list[tuple[str, Print | None]], *, passing: bool = False) -> list[HeresyError]:
    """Compares the files with what they were.

    Args:
        passing: the program ran on, and is continued from where it was then: what it wrote since is cut off, see `cut_back`.

    Returns:
        what is to be said of files in which the program can go on all the same.

    Raises:
        HeresyError: the program cannot be continued with them.
    """
    grown: list[HeresyError] = []
    for path, then in ((moved.here(path), then) for path, then in prints):
        modes = [mode for other, mode, _ in _again if other == path]
        if then is None or not modes:
            continue
        how = change(path, then)
        if how == GROWN and passing and any("+" in mode or mode[0] != "r" for mode in modes):
            _longer.append((path, then.size))
        elif how == GROWN and all("+" not in mode and mode[0] in "ra" for mode in modes):
            grown.append(HeresyError(
                "H334", f"{os.fsdecode(path)!r} has grown since the program was stopped",
                why="the program goes on with what it is now: it reads, or appends to, the end",
            ))  # fmt: skip
        elif how:
            _problems.append(HeresyError(
                "H333", f"{os.fsdecode(path)!r} {how} since the program was stopped",
                why="the program would read parts of two files, or write over what it has not written",
                help="put the file back as it was, then run the same command again; or start over with `--fresh`",
            ))  # fmt: skip
    found = _problems[:]
    _problems.clear()
    _again.clear()
    if len(found) == 1:
        raise found[0]
    if found:
        raise HeresyError(
            found[0].code, f"cannot continue: {len(found)} files that the program had open are not what they were",
            items=[f"{problem.code}: {problem.title}" for problem in found],
            help="put them back as they were, then run the same command again; or start over with `--fresh`",
        )  # fmt: skip
    return grown


def cut_back(checkpoint: str) -> list[HeresyError]:
    """Cuts files off where they ended at the checkpoint; what is cut off is kept beside it.

    Returns:
        what is to be said of them.

    Raises:
        HeresyError: one cannot be; those before were.
    """
    notes = []
    for path, size in _longer:
        try:
            kept, more = _keep_tail(path, size, checkpoint.removesuffix(".ckpt"))
            os.truncate(path, size)
        except OSError as error:
            raise HeresyError(
                "H320", f"cannot cut {os.fsdecode(path)!r} back to {size} bytes: {error.strerror}",
                why="the program wrote more to it after its checkpoint, and is to write that again",
                help="make room, or make the file writable, then run the same command again",
            ) from None  # fmt: skip
        notes.append(HeresyError(
            "H336", f"{os.fsdecode(path)!r} was cut back to {size} bytes, as at the checkpoint",
            why=f"the program writes again what it wrote after that: {more} bytes, which are kept in {kept}",
        ))  # fmt: skip
    _longer.clear()
    return notes


def _keep_tail(path: str, size: int, stem: str) -> tuple[str, int]:
    """Copies what stands behind ``size``; returns where to, and how much it is."""
    number = 0
    while True:
        number += 1
        kept = f"{stem}.{os.path.basename(os.fsdecode(path))}.{number}.tail"
        try:
            target = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            break
        except FileExistsError:
            continue
    at = size
    with open(target, "wb") as copy, open(path, "rb") as file:
        while data := os.pread(file.fileno(), _PART, at):
            copy.write(data)
            at += len(data)
        copy.flush()
        os.fsync(target)
    return kept, at - size


#: What `change` says of a file that has only become longer.
GROWN = "has grown"


def change(path: str, then: Print) -> str:
    """What has become of a file; nothing if it is as it was."""
    found = os.stat(path)
    if (_place(found), found.st_size) == (then.place, then.size):
        return ""
    if found.st_size < then.size:
        return "has been cut"
    same_time = found.st_mtime_ns // 10**9 == then.place[2] // 10**9
    if not then.digest or _digest(path, then.size) != then.digest:
        return "" if not then.digest and same_time and found.st_size == then.size else "has been changed"
    if found.st_size > then.size:
        return GROWN
    return "" if then.size <= _WHOLE or same_time else "has been changed"
