"""What ``os.scandir`` gives: entries, and the iterator over them.

An entry knows its kind and inode, and what ``stat`` has told it, whatever has become of the file since. Nobody can make one
but a scan: so one of a file of that kind is made, which then is given what the other knew. An iterator in mid-course is
followed by one over the entries that were still to come, which no later change of the folder alters.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._kinds import MISSING
from .._typing_names import Any
from .memory import Layout, Number, number_at
from .pickling import CannotSave, Reduced, StatePickler, reducer

_MAKERS = {
    "link": lambda path: os.symlink("nowhere", path),
    "folder": os.mkdir,
    "file": lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)),
    "other": os.mkfifo,
}


@reducer(os.DirEntry)
def _entry(pickler: StatePickler, entry: Any) -> Reduced:
    kinds = {
        "link": entry.is_symlink(),
        "folder": entry.is_dir(follow_symlinks=False),
        "file": entry.is_file(follow_symlinks=False),
    }
    kind = next((kind for kind, is_one in kinds.items() if is_one), "other")
    layout = _entries()
    if layout.get(entry, "descriptor") != layout.get(layout.samples[0][0], "descriptor"):
        raise CannotSave("it belongs to a folder that was opened by a descriptor")
    held = {name: layout.get(entry, name) for name in layout.fields}
    return entry_again, (kind, {name: value for name, value in held.items() if value is not MISSING})


def entry_again(kind: str, held: dict[str, Any]) -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        _MAKERS[kind](os.path.join(folder, "x"))
        with os.scandir(folder) as scan:
            entry = next(scan)
    layout = _entries()
    for name in layout.fields:
        layout.put(entry, name, held.get(name, MISSING))
    return entry


@functools.cache
def _entries() -> Layout:
    samples = []
    with _some_entries() as entries:
        for entry in entries:
            known = {name: getattr(entry, name) for name in ("name", "path")}
            known.update(inode=Number(entry.inode()), stat=entry.stat())
            samples.append((entry, {**known, "lstat": entry.stat(follow_symlinks=False)}))
        with _opened(entries) as descriptors:
            for descriptor in descriptors:
                with os.scandir(descriptor) as scan:
                    samples.append((next(scan), {"descriptor": Number(descriptor, 4)}))
    return Layout(samples)


@contextmanager
def _some_entries() -> Iterator[list[Any]]:
    """Links whose files are there."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("one", "two"):
            os.symlink(folder, os.path.join(folder, name))
        with os.scandir(folder) as scan:
            yield list(scan)


@contextmanager
def _opened(entries: list[Any]) -> Iterator[list[int]]:
    """Descriptors of their folder."""
    descriptors = [os.open(os.path.dirname(entry.path), os.O_RDONLY) for entry in entries]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


# --- iterators --------------------------------------------------------------------------------------------------------

with os.scandir("/") as _scan_of_root:
    _SCAN: Any = type(_scan_of_root)


@reducer(_SCAN)
def _scan(pickler: StatePickler, scan: Any) -> Reduced:
    import ctypes

    stream = number_at(id(scan) + _stream_at())
    if not stream:
        return ended_scan, ()
    library = ctypes.CDLL(None)
    library.telldir.restype = ctypes.c_long
    library.telldir.argtypes = library.dirfd.argtypes = (ctypes.c_void_p,)
    library.seekdir.argtypes = (ctypes.c_void_p, ctypes.c_long)
    path = _paths().get(scan, "path")
    path = "." if path is MISSING or path is None else path
    if type(path) is int or not os.path.samestat(os.stat(path), os.fstat(library.dirfd(stream))):
        raise CannotSave("the folder that it goes through is not to be found by its path")
    with os.scandir(path) as whole, os.scandir(path) as other:
        names = [entry.name for entry in whole]
        library.seekdir(number_at(id(other) + _stream_at()), library.telldir(stream))
        rest = list(other)
    if [entry.name for entry in rest] != names[len(names) - len(rest) :]:
        raise CannotSave("the file system does not tell where in the folder it is")
    return Rest, (rest,)


def ended_scan() -> Any:
    scan = os.scandir("/")
    scan.close()
    return scan


class Rest:
    """The entries that a scan had still to give."""

    def __init__(self, entries: list[Any]) -> None:
        self.entries = entries

    def __iter__(self) -> Rest:
        return self

    def __next__(self) -> Any:
        if not self.entries:
            raise StopIteration
        return self.entries.pop(0)

    def __enter__(self) -> Rest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.entries.clear()


@functools.cache
def _stream_at() -> int:
    """Where a scan keeps the stream of C's that it reads from, none when it is closed."""
    scan = os.scandir("/")
    places = range(id(scan) + object.__basicsize__, id(scan) + _SCAN.__basicsize__, 8)
    held = [number_at(place) for place in places]
    scan.close()
    found = [place for place, before in zip(places, held) if before and not number_at(place)]
    if len(found) != 1:
        raise CannotSave("where a scan of a folder keeps its place is not known here")
    return found[0] - id(scan)


@functools.cache
def _paths() -> Layout:
    path = "".join(("/", "."))
    with os.scandir(path) as scan:
        return Layout([(scan, {"path": path})])
