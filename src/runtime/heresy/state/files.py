"""Open files: continued at their position, with their mode, encoding and buffering; never truncated.

A file is saved as what it is made of: the raw file (path, mode, position), its buffer, its text layer. Writers are
flushed first, so that what the program wrote before the stop is in the file. What a reader has read ahead of the program is
saved with it: the program may have changed the file since, and where it goes on to write depends on how far it was read.

A text file tells nothing of what it has read ahead, in the midst of ``for line in file`` not even its position. Yet the
collector is shown what it has decoded, and what the program has not got of that it still gives: see `text_state`. To have it,
or a buffer, in such a state again, it is asked to read while what it reads from answers otherwise: see `_Instead`.
"""

from __future__ import annotations

import gc
import io
import os
import stat
import types
from collections.abc import Iterator

from .._errors import HeresyError
from .._kinds import is_a
from .._typing_names import Any, NamedTuple
from . import reopening
from .library_objects import make_plain, set_attributes
from .pickling import CannotSave, Reduced, StatePickler, library_reducer, reducer


@reducer(io.TextIOWrapper)
def _text_file(pickler: StatePickler, file: io.TextIOWrapper) -> Reduced:
    mode = getattr(file, "mode", None)
    if file.closed:
        if type(file.buffer) not in pickler.reducers:
            return closed_file, ("text", _name(file), mode)
        options = {
            "encoding": file.encoding,
            "errors": file.errors,
            "line_buffering": file.line_buffering,
            "write_through": file.write_through,
        }
        return closed_text, (file.buffer, options, mode, file.newlines)
    if file.readable():
        # Writes what there is, as `flush` does; but that has a file tell a position, too, that it does not know.
        file.read(0)
    else:
        file.flush()
    # What is only written to goes on where the file behind it is.
    state = text_state(file) if file.readable() else None
    options = {
        "encoding": file.encoding,
        "errors": file.errors,
        "newline": _translation(file),
        "line_buffering": file.line_buffering,
        "write_through": file.write_through,
    }
    return open_text, (file.buffer, options, mode, state)


@reducer(io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
def _buffered_file(pickler: StatePickler, file: Any) -> Reduced:
    if file.closed:
        if type(file.raw) not in pickler.reducers:
            return closed_file, ("buffered", _name(file), None)
        return closed_buffered, (type(file), file.raw)
    if not is_a(file.raw, (io.FileIO, io.BytesIO)):
        raise CannotSave(f"a buffer over a {type(file.raw).__name__}")
    ahead = _read_ahead(file)
    if type(file) is not io.BufferedReader:
        file.flush()
        if ahead:
            _fill(file, ahead)  # `flush` has dropped it
    size = file.__sizeof__() - type(file).__basicsize__
    return open_buffered, (type(file), file.raw, size, file.tell() if file.seekable() else None, ahead)


@reducer(io.FileIO)
def _raw_file(pickler: StatePickler, file: io.FileIO) -> Reduced:
    if file.closed:
        return closed_raw, (file.name, file.mode)
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


def _name(file: Any) -> Any:
    try:
        return getattr(file, "name", None)
    except ValueError:  # what is behind it tells its name while it is open
        return None


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


# --- what a buffer has read ahead -------------------------------------------------------------------------------------


class _Instead:
    """Has an object do something else, inside of a ``with``, when it is asked for these methods.

    Raises:
        CannotSave: it cannot be made to.
    """

    def __init__(self, owner: Any, **methods: Any) -> None:
        try:
            self.names = vars(owner)
        except TypeError:
            raise CannotSave(f"what a {type(owner).__name__} has read ahead is not known") from None
        self.methods = methods

    def __enter__(self) -> None:
        self.before = dict(self.names)
        self.names.update(self.methods)

    def __exit__(self, *_: object) -> None:
        for name in self.methods:
            del self.names[name]
        self.names.update(self.before)


def _read_ahead(file: Any) -> bytes:
    """What a buffer has read of the file behind it, and not yet given."""
    size = file.raw.tell() - file.tell() if file.readable() and file.seekable() else 0
    if size <= 0:
        return b""
    ahead: bytes = file.read1(size)
    file.seek(-len(ahead), io.SEEK_CUR)  # stays in the buffer
    return ahead


def _fill(file: Any, ahead: bytes) -> None:
    """Has a buffer that is empty have read this ahead."""
    end = file.tell() + len(ahead)

    def give(target: memoryview) -> int:
        target[: len(ahead)] = ahead
        return len(ahead)

    with _Instead(file.raw, readinto=give):
        file.peek()
    file.raw.seek(end)


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
        # Only written to: on POSIX, where `os.linesep` is "\n", None and "" write the same.
        return None
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
    if file.newlines != newlines and is_a(decoder := _decoder(file), io.IncrementalNewlineDecoder):
        state = decoder.getstate()
        _see(decoder, newlines, file.encoding)
        decoder.setstate(state)


class TextState(NamedTuple):
    """What a text file has read, wherever the file behind it is.

    Attributes:
        read: the bytes that it has decoded last; it may be others that are decoded to the same.
        flags: the state of its decoder before those.
        final: the decoder had kept them back until the end of the file was read.
        given: how many characters of those the program has got; 0 if there are none.
        decoder: the state of its decoder.
        tells: it tells its position; in the midst of ``for line in file`` it does not.
        seen: the newlines that it has seen.
    """

    read: bytes
    flags: int
    final: bool
    given: int
    decoder: tuple[bytes, int]
    tells: bool
    seen: str | tuple[str, ...] | None


def text_state(file: io.TextIOWrapper) -> TextState:
    """What a text file that is open for reading has read. It is as it was, then.

    Raises:
        CannotSave: it cannot be found out in this encoding.
    """
    decoder, seen = _decoder(file), file.newlines
    state = decoder.getstate()
    decoded = _decoded(file)
    if not file.seekable():
        if decoded:
            raise CannotSave("what it has read ahead cannot be read again")
        return TextState(b"", 0, False, 0, state, True, seen)
    try:
        read, flags, final, tells = _decoded_from(file, decoded, decoder)
    finally:
        decoder.setstate(state)
        _has_seen(file, seen)
    if not decoded:
        return TextState(b"", flags, False, 0, state, tells, seen)
    found = TextState(read, flags, final, len(decoded) - _still_given(file), state, tells, seen)
    if found.given == len(decoded) and not final and not state[0] and not state[1] >> 31:
        found = TextState(b"", state[1], False, 0, state, tells, seen)
    set_text(file, found)
    return found


def _decoded(file: io.TextIOWrapper) -> str:
    """What a text file has decoded last; the program may have got a part of it, or all."""
    held = gc.get_referents(file)
    behind = held[next(index for index, each in enumerate(held) if each is _decoder(file)) + 1 :]
    # The newline that it was opened with, if that is any; what it has decoded, if it has; how it deals with errors.
    texts = [each for each in behind if type(each) is str][0 if _translation(file) is None else 1 : -1]
    return texts[0] if texts else ""


def _decoded_from(file: io.TextIOWrapper, decoded: str, decoder: Any) -> tuple[bytes, int, bool, bool]:
    """Bytes that are decoded to what was decoded last, and from which state of the decoder; whether as the last ones; whether
    the file tells its position, for which they must be those that it has read. The decoder is in another state then.

    Raises:
        CannotSave: there are none.
    """
    try:
        with _Instead(file, flush=_nothing):
            file.tell()
        tells = True
    except (OSError, OverflowError, UnicodeError):
        tells = False
    for read, flags, told in _candidates(file, decoded, decoder):
        for final in (False, True):
            if not flags >> 31 and (not decoded or _decode(decoder, read, flags, final) == decoded):
                return read, flags, final, tells and told
    raise CannotSave(f"it is not known what bytes of a file in {file.encoding} were read ahead")


def _candidates(file: io.TextIOWrapper, decoded: str, decoder: Any) -> Iterator[tuple[bytes, int, bool]]:
    """Bytes that may have been decoded to it, and from which state of the decoder; whether a position is told from them."""
    yield *next((each for each in gc.get_referents(file) if type(each) is tuple), (0, b""))[::-1], True
    decoder.reset()
    start = decoder.getstate()[1]
    for read in _encoded(decoded, file.encoding, file.errors or "strict"):
        yield read, start, False
    yield b"", start | 1, False  # the decoder of newlines keeps a "\r" back


def _decode(decoder: Any, read: bytes, flags: int, final: bool) -> str | None:
    try:
        decoder.setstate((read if final else b"", flags))
        text: str = decoder.decode(b"" if final else read, final)
    except UnicodeError:
        return None
    return text


def _encoded(text: str, encoding: str, errors: str) -> Iterator[bytes]:
    """Bytes that may be decoded to a text."""
    try:
        yield text.encode(encoding, errors)
    except UnicodeError:
        pass
    # A byte may stand for whatever is replaced.
    for byte in (bytes([each]) for each in range(128, 256)):
        try:
            if byte.decode(encoding, errors) == "\N{REPLACEMENT CHARACTER}":
                yield byte.join(part.encode(encoding) for part in text.split("\N{REPLACEMENT CHARACTER}"))
                return
        except UnicodeError:
            pass


class _More(Exception):
    """More is asked for than was read."""


def _no_more(*_: object) -> None:
    raise _More


def _nothing(*_: object) -> int:
    return 0


def _still_given(file: io.TextIOWrapper) -> int:
    """How many characters a text file gives before it reads any; it gives them."""
    count = 0
    with _Instead(file.buffer, read1=_no_more, read=_no_more):
        try:
            while file.read(1):
                count += 1
        except _More:
            pass
    return count


def set_text(file: io.TextIOWrapper, state: TextState) -> None:
    """Has a text file have read the same; the file behind it is where it is to be, and stays there."""
    if file.seekable():
        _read_again(file, state)
    _decoder(file).setstate(state.decoder)
    _has_seen(file, state.seen)


def _read_again(file: io.TextIOWrapper, state: TextState) -> None:
    start = max(file.buffer.tell() - len(state.read), 0)

    def give(_: int) -> bytes:
        return b"" if state.final else state.read

    with _Instead(file, flush=_nothing), _Instead(file.buffer, seek=_nothing, read1=give, read=give):
        if not state.tells:
            file.seek(0)
            with _Instead(file.buffer, read1=_no_more, read=_no_more):
                try:
                    next(file)
                except _More:
                    pass
        file.seek(start | state.flags << 64)  # as `tell` gives it
        if state.final:
            _decoder(file).setstate((state.read, state.flags))
        file.read(state.given)


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


def open_buffered(kind: type, raw: io.FileIO, size: int, position: int | None, ahead: bytes) -> Any:
    file = kind(raw, size)
    if position is not None and reopening.are_there():
        file.seek(position)
        if ahead:
            _fill(file, ahead)
    return file


def open_text(buffer: Any, options: dict[str, Any], mode: str | None, state: TextState | None) -> io.TextIOWrapper:
    file = io.TextIOWrapper(buffer, **options)
    if mode is not None:
        file.mode = mode  # type: ignore[misc]
    if state is not None and reopening.are_there():
        set_text(file, state)
    return file


def closed_in_memory(kind: type) -> Any:
    file = kind()
    file.close()
    return file


def closed_file(kind: str, name: Any, mode: str | None) -> Any:
    """A file that was closed, over something that is not saved: it keeps its name and mode, and can do nothing."""
    file: Any = closed_buffered(io.BufferedReader, closed_raw(name, "rb"))
    return closed_text(file, {}, mode, None) if kind == "text" else file


def closed_raw(name: Any, mode: str) -> io.FileIO:
    file = reopening.open_as_is(os.devnull, mode)
    file.name = name
    file.close()
    return file


def closed_buffered(kind: Any, raw: Any) -> Any:
    with _Instead(raw, readable=_yes, writable=_yes, seekable=_yes):
        return kind(raw)


def closed_text(buffer: Any, options: dict[str, Any], mode: str | None, seen: Any) -> io.TextIOWrapper:
    with _Instead(buffer, readable=_yes, writable=_nothing, seekable=_nothing):
        file = io.TextIOWrapper(buffer, **options)
    if mode is not None:
        file.mode = mode  # type: ignore[misc]
    _has_seen(file, seen)
    return file


def _yes() -> bool:
    return True
