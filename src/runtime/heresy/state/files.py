"""Open files: continued at their position, with their mode, encoding and buffering; never truncated.

A file is saved as what it is made of: the raw file (path, mode, position), its buffer, its text layer. Writers are
flushed first, so that what the program wrote before the stop is in the file. A text file that is being iterated over does
not tell its position; it is found from what its decoder has read ahead. `reopening` has the way back.
"""

from __future__ import annotations

import codecs
import gc
import io
import os
import stat
import types
from collections.abc import Iterator

from .._errors import HeresyError
from .._kinds import is_a
from .._typing_names import Any
from . import reopening
from .library_objects import make_plain, set_attributes
from .pickling import CannotSave, Reduced, StatePickler, library_reducer, reducer

#: Encodings whose decoder has no state between characters, so that a byte offset says all.
_STATELESS = {"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "cp437", "latin-1"}


@reducer(io.TextIOWrapper)
def _text_file(pickler: StatePickler, file: io.TextIOWrapper) -> Reduced:
    mode = getattr(file, "mode", None)
    if file.closed:
        return closed_file, ("text", getattr(file, "name", None), mode)
    if file.writable():
        file.flush()
    seen = file.newlines
    translate = _translation(file)
    # What is only written to goes on where the file behind it is.
    position = text_position(file) if file.readable() and file.seekable() else None
    _has_seen(file, seen)  # to ask for the position makes it forget some
    options = {
        "encoding": file.encoding,
        "errors": file.errors,
        "newline": translate,
        "line_buffering": file.line_buffering,
        "write_through": file.write_through,
    }
    if seen is not None:
        options["seen"] = seen
    return open_text, (file.buffer, options, mode, position)


@reducer(io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
def _buffered_file(pickler: StatePickler, file: Any) -> Reduced:
    if file.closed:
        return closed_file, ("buffered", getattr(file, "name", None), getattr(file, "mode", None))
    if type(file) is not io.BufferedReader:
        file.flush()
    if not is_a(file.raw, (io.FileIO, io.BytesIO)):
        raise CannotSave(f"a buffer over a {type(file.raw).__name__}")
    return open_buffered, (type(file), file.raw, file.tell() if file.seekable() else None)


@reducer(io.FileIO)
def _raw_file(pickler: StatePickler, file: io.FileIO) -> Reduced:
    if file.closed:
        return closed_file, ("raw", file.name, file.mode)
    if type(file.name) is int and file.seekable() and not os.fstat(file.fileno()).st_nlink:
        position = file.tell()
        content = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
        pickler.streams.append((file, position))
        return unnamed_file, (content, position)
    status = os.fstat(file.fileno())
    path = next((path for path in _paths(file) if _leads_to(path, status)), None)
    if path is None and stat.S_ISREG(status.st_mode):
        raise HeresyError(
            "H318", f"cannot stop here: the file {file.name!r} is open and has no path that leads to it any more",
            why="it was deleted, or another file has been put there: what is in it would be lost",
            help="put the file back, or stop the program when it has closed it",
        )  # fmt: skip
    if path is None or not file.seekable():
        raise CannotSave("it is a pipe, a terminal or a device, and what comes through it is lost with the process")
    pickler.files.append(path)
    pickler.streams.append((file, file.tell()))
    return reopening.open_raw, (path, file.name, file.mode, file.tell(), status.st_size)


@reducer(io.StringIO, io.BytesIO)
def _in_memory(pickler: StatePickler, file: Any) -> Reduced:
    if file.closed:
        return closed_in_memory, (type(file),)
    pickler.streams.append((file, file.tell()))
    return NotImplemented


@library_reducer("tempfile", "_TemporaryFileWrapper")
def _wrapped_file(pickler: StatePickler, wrapper: Any) -> Reduced:
    # Methods of the file that it has been asked for, and keeps, it will be asked for again.
    state = {name: value for name, value in vars(wrapper).items() if not is_a(value, types.FunctionType)}
    return make_plain, (type(wrapper),), state, None, None, set_attributes


def _paths(file: io.FileIO) -> Iterator[str]:
    """Where a file may be: the program may have changed its directory since it opened it, or have given a descriptor."""
    if is_a(file.name, (str, bytes)):
        yield os.path.abspath(os.fsdecode(file.name))
    try:
        yield os.readlink(f"/proc/self/fd/{file.fileno()}")
    except OSError:
        pass


def _leads_to(path: str, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), status)
    except OSError:
        return False


# --- what a text file keeps to itself -------------------------------------------------------------------------------


def _decoder(file: io.TextIOWrapper) -> Any:
    """The incremental decoder of a text file that has been read from, or None."""
    for held in gc.get_referents(file):
        if hasattr(held, "getstate") and hasattr(held, "decode"):
            return held
    return None


def _translation(file: io.TextIOWrapper) -> str | None:
    """The ``newline`` argument that a file was opened with, as far as it shows.

    A decoder that leaves ``\\r\\n`` alone was opened with ``newline=""`` (or a fixed one, which splits lines alike).
    """
    given = next((each for each in gc.get_referents(file) if type(each) is str and each in ("\n", "\r", "\r\n")), None)
    decoder = _decoder(file)
    if given is not None and not is_a(decoder, io.IncrementalNewlineDecoder):
        return given  # else it may be what was read and is still to be given
    if decoder is None:
        # Written to, or not yet read: on POSIX, where `os.linesep` is "\n", None and "" write the same.
        return None if file.writable() else _readable_translation(file)
    if not is_a(decoder, io.IncrementalNewlineDecoder):
        return "\n"
    state, seen = decoder.getstate(), decoder.newlines
    decoder.reset()
    translated = decoder.decode("\r\n".encode(file.encoding), True)
    _see(decoder, seen, file.encoding)
    decoder.setstate(state)
    return None if translated == "\n" else ""


def _see(decoder: Any, newlines: str | tuple[str, ...] | None, encoding: str) -> None:
    """Has a decoder seen these newlines and no others, as `io.TextIOWrapper.newlines` tells; it is in no other state then."""
    decoder.reset()
    for newline in (newlines,) if isinstance(newlines, str) else newlines or ():
        decoder.decode(newline.encode(encoding), True)


def _has_seen(file: io.TextIOWrapper, newlines: str | tuple[str, ...] | None) -> None:
    """Has a file seen these newlines, wherever it is."""
    if newlines is not None and file.newlines != newlines and is_a(decoder := _decoder(file), io.IncrementalNewlineDecoder):
        state = decoder.getstate()
        _see(decoder, newlines, file.encoding)
        decoder.setstate(state)


def _readable_translation(file: io.TextIOWrapper) -> str | None:
    """The same for a reader that has no decoder yet: asking for its position makes one."""
    file.seek(file.tell())
    file.read(0)
    return _translation(file) if _decoder(file) is not None else None


def text_position(file: io.TextIOWrapper) -> int:
    """The position of a text file, as ``tell`` gives it, also in the middle of ``for line in file``.

    Raises:
        CannotSave: it cannot be found out in this encoding.
    """
    try:
        return file.tell()
    except OSError:
        pass
    encoding = codecs.lookup(file.encoding).name
    if encoding not in _STATELESS:
        raise CannotSave(f"a file in {encoding} does not tell its position while it is iterated over")
    decoder = _decoder(file)
    undecoded, flag = decoder.getstate() if decoder is not None else (b"", 0)
    held_back = len(undecoded) + (flag & 1 if is_a(decoder, io.IncrementalNewlineDecoder) else 0)
    end = file.buffer.tell()
    pending = 0
    while file.read(1) and file.buffer.tell() == end:
        pending += 1
    end -= held_back
    position = _back(file, encoding, end, pending, _translation(file) is None)
    file.seek(position)
    return position


def _back(file: io.TextIOWrapper, encoding: str, end: int, characters: int, translated: bool) -> int:
    """The byte offset that lies so many characters before ``end``."""
    size = min(end, 4 * characters + 8)
    # Not by its descriptor: what is read may be unpacked on the way.
    file.buffer.seek(end - size)
    raw = file.buffer.read(size)
    if encoding == "utf-8":
        while raw and raw[0] & 0xC0 == 0x80:
            raw = raw[1:]
    text = raw.decode(encoding, file.errors or "strict")
    starts = [i for i, c in enumerate(text) if not (translated and c == "\n" and i and text[i - 1] == "\r")]
    if len(starts) < characters:
        raise CannotSave("the file does not hold what was read from it")
    first = starts[len(starts) - characters] if characters else len(text)
    return end - len(text[first:].encode(encoding, file.errors or "strict"))


# --- the way back -----------------------------------------------------------------------------------------------------


class FileChanged(HeresyError):
    """A file that the program had open is gone or shorter than it was."""


def gone(path: Any, reason: str | None) -> FileChanged:
    return FileChanged(
        "H320", f"cannot open {os.fsdecode(path)!r} again: {reason}",
        why="the program had it open when it was stopped",
        help="put the file back, then run the same command again",
    )  # fmt: skip


def unnamed_file(content: bytes, position: int) -> io.FileIO:
    """A temporary file that no folder has a name for."""
    import tempfile

    file: Any = tempfile.TemporaryFile(buffering=0)
    file.write(content)
    file.seek(position)
    return file


def open_buffered(kind: type, raw: io.FileIO, position: int | None) -> Any:
    file = kind(raw)
    if position is not None and reopening.are_there():
        file.seek(position)
    return file


def open_text(buffer: Any, options: dict[str, Any], mode: str | None, position: int | None) -> io.TextIOWrapper:
    seen = options.pop("seen", None)
    file = io.TextIOWrapper(buffer, **options)
    if mode is not None:
        file.mode = mode  # type: ignore[misc]
    if position is not None and reopening.are_there():
        file.seek(position)
    _has_seen(file, seen)
    return file


def closed_in_memory(kind: type) -> Any:
    file = kind()
    file.close()
    return file


def closed_file(kind: str, name: Any, mode: str | None) -> Any:
    """A file that was closed: it keeps its name and mode, and can do nothing."""
    raw = io.FileIO(os.devnull, "r")
    raw.name = name
    file: Any = raw if kind == "raw" else io.BufferedReader(raw)
    if kind == "text":
        file = io.TextIOWrapper(file)
        file.mode = mode
    file.close()
    return file
