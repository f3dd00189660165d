"""The checkpoint file: written so that the older one or the new one is whole, read only once it is authenticated.

What it looks like, byte by byte, is said in ``src/checkpoint.rs``, which reads its manifest. The payload is code once it is
unpickled; so nothing of it is used before the file is known to be whole, and signed by a key of the user's.
"""

from __future__ import annotations

import _thread
import os

from . import _history, _key
from ._digest import digest_of, is_same, signed
from ._errors import HeresyError
from ._manifest_text import parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ._ahead import Ahead

FORMAT = b"4"
_MAGIC = b"heresy checkpoint "
_MAC_SIZE = 32
#: Of the digest that tells whether the manifest is whole.
_CHECK_SIZE = 4
#: The bytes from which on a file is read by a thread: its digest takes a tenth of a millisecond.
_LARGE = 1 << 17


def write(
    path: str,
    manifest: dict[str, Any],
    payload: list[Any],
    *,
    environ: Mapping[str, str],
    compress: str,
    keep: int | None,
    ahead: Ahead,
) -> None:
    """Makes a checkpoint durable.

    Args:
        path: where it goes; its folder is created, with a ``.gitignore``.
        payload: what the pickler has written, in order: chunks as they came, large ones not copied.
        environ: see `_key.place`.
        compress: one of `_packing.LEVELS`.
        keep: how many older ones stay; None leaves those alone that are there.
        ahead: what is known of the payload's digest.

    Raises:
        OSError: it could not be written; an older checkpoint is as it was.
        HeresyError: there is no key to sign it with.
    """
    import json

    from . import _packing

    key = _key.own(environ)
    folder = os.path.dirname(path)
    _make_folder(folder)
    packed = list(_packing.packed(payload, compress, ahead))
    manifest = {
        **manifest,
        "number": _history.next_number(path),
        "key": _key.fingerprint(key),
        "parts": [part for part, _ in packed],
    }
    # Not by what `json` shows: a program may have put something of its own in the place of that.
    text = json.encoder.JSONEncoder(separators=(",", ":")).encode(manifest).encode()
    head = b"%s%s %s\n%s\n" % (_MAGIC, FORMAT, _check(text), text)
    _put(path, folder, [head, *(chunk for _, stored in packed for chunk in stored), signed(key, head)], keep)


def _check(text: bytes | memoryview) -> bytes:
    return digest_of([text], _CHECK_SIZE).encode()


def _put(path: str, folder: str, chunks: list[Any], keep: int | None) -> None:
    """A new file, synced, then renamed over the older one; then the folder is synced, which makes the rename durable."""
    _remove_left_over(path, folder)
    new = f"{path}.{os.getpid()}.new"
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            for chunk in chunks:
                view = memoryview(chunk)
                while view:
                    view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if keep:
            _history.set_aside(path)
        os.replace(new, path)
    except BaseException:
        _unlink(new)
        raise
    _sync_folder(folder)
    if keep is not None:
        _history.prune(path, keep)


def _remove_left_over(path: str, folder: str) -> None:
    """New files of processes that were killed while they wrote."""
    start = os.path.basename(path) + "."
    for name in os.listdir(folder):
        pid = name[len(start) : -len(".new")]
        if name.startswith(start) and name.endswith(".new") and pid.isdigit() and not _is_running(int(pid)):
            _unlink(os.path.join(folder, name))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _make_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _sync_folder(os.path.dirname(folder))
    ignore = os.path.join(folder, ".gitignore")
    if not os.path.exists(ignore):
        with open(ignore, "w") as file:
            file.write("*\n")


def _sync_folder(folder: str) -> None:
    """Makes what its names stand for durable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        pass  # some file systems cannot sync a folder, or nobody may read it; what was asked for has succeeded


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def remove(path: str, keep: int | None) -> None:
    """Removes the checkpoint of a program that has ended; if older ones are kept, it is one of them."""
    if keep:
        try:
            _history.set_aside(path)
            _history.prune(path, keep)
        except OSError:
            return  # nothing is lost: it stays where it is
    _unlink(path)


# --- reading ----------------------------------------------------------------------------------------------------------


class Reading:
    """A checkpoint that is being read: a large one by a thread, while the process gets ready for what is in it.

    Attributes:
        head: its first line, and the manifest.
        signature: its last bytes.
        manifest: what the manifest says.
        stored: the parts of the payload.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.head = self.signature = memoryview(b"")
        self.manifest: dict[str, Any] = {}
        self.stored: list[memoryview] = []
        self._failed: BaseException | None = None
        self._done = _thread.allocate_lock()
        self._done.acquire()
        try:
            if os.stat(path).st_size < _LARGE:
                self._read()
            else:
                _thread.start_new_thread(self._read, ())
        except (OSError, RuntimeError):
            self._read()  # there is no thread to be had; or no file, which is said then

    def _read(self) -> None:
        try:
            with open(self.path, "rb") as file:
                data = file.read()
            self._take_apart(data)
        except OSError as error:
            self._failed = HeresyError("H301", f"cannot read the checkpoint {self.path}: {error.strerror}")
        except BaseException as error:
            self._failed = error
        self._done.release()

    def _take_apart(self, data: bytes) -> None:
        """
        Raises:
            HeresyError: it is none, or not as it was written, so far as that is seen without a key.
        """
        path = self.path
        first, _, _ = data[:64].partition(b"\n")
        if not first.startswith(_MAGIC):
            raise HeresyError("H302", f"{path} is not a checkpoint of heresy's")
        format_, _, check = first[len(_MAGIC) :].partition(b" ")
        if format_ != FORMAT:
            raise HeresyError(
                "H302",
                f"{path} is a checkpoint in another format, {_shown(format_)}, than this heresy's, {_shown(FORMAT)}",
                help="continue with the release of heresy that wrote it",
            )
        start = len(first) + 1
        end = data.find(b"\n", start)
        if end < 0 or len(data) < end + 1 + _MAC_SIZE:
            raise _damaged(path, "it was cut short")
        whole = memoryview(data)
        self.head, text, self.signature = whole[: end + 1], whole[start:end], whole[-_MAC_SIZE:]
        if _check(text) != check:
            raise _damaged(path, "its manifest was altered")
        try:
            self.manifest = parsed(bytes(text))
            self.stored = list(_stored(path, self.manifest["parts"], whole[end + 1 : -_MAC_SIZE]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _damaged(path, "its manifest cannot be read") from None

    def wait(self) -> None:
        """Until it is read.

        Raises:
            HeresyError: the file cannot be read, or is no checkpoint, or damaged.
        """
        self._done.acquire()
        if self._failed is not None:
            raise self._failed


def read(reading: Reading, *, environ: Mapping[str, str], trust: bool = False) -> tuple[dict[str, Any], list[Any]]:
    """The manifest and the payload, in chunks, of a checkpoint that one of the user's keys has signed.

    Args:
        environ: see `_key.place`.
        trust: whoever has signed it is believed.

    Raises:
        HeresyError: the file cannot be read, is damaged, or is someone else's.
    """
    reading.wait()
    sound = any([is_same(signed(key, reading.head), reading.signature) for key in _key.accepted(environ)])
    if not (sound or trust):
        signer = str(reading.manifest.get("key"))[:16]
        raise HeresyError(
            "H306",
            f"the checkpoint {reading.path} was not signed by you: its key is {signer!r}, or it was altered",
            why="a checkpoint is code to whoever continues it, so it is not opened",
            help="if it is yours, from another machine: `heresy key export` there, `heresy key import` here; "
            "or `heresy resume --trust FILE`, if you would run a program from whoever gave it to you",
        )
    parts = reading.manifest["parts"]
    return reading.manifest, [_unpacked(reading.path, *each) for each in zip(parts, reading.stored)]


def _shown(format_: bytes) -> str:
    return format_[:8].decode("ascii", "backslashreplace")


def _stored(path: str, described: list[dict[str, Any]], payload: memoryview) -> Iterator[memoryview]:
    """The parts of the payload, as they are stored.

    Raises:
        HeresyError: one is damaged.
    """
    if sum(part["bytes"] for part in described) != len(payload):
        raise _damaged(path, "it was cut short, or something was added")
    at = 0
    for part in described:
        chunk = payload[at : at + part["bytes"]]
        at += part["bytes"]
        if digest_of([chunk]) != part["blake2b"]:
            raise _damaged(path, f"the part that ends at byte {at} of its payload was altered")
        yield chunk


def _unpacked(path: str, part: dict[str, Any], stored: memoryview) -> Any:
    """A part of the payload.

    Raises:
        HeresyError: it is damaged.
    """
    if part["bytes"] == part.get("raw"):
        return stored
    import zlib

    try:
        raw = zlib.decompress(stored, bufsize=max(1, part["raw"]))
    except (zlib.error, OverflowError, MemoryError, KeyError, TypeError):
        raise _damaged(path, "a part of its payload cannot be unpacked") from None
    if len(raw) != part["raw"]:
        raise _damaged(path, "a part of its payload has another length than it should")
    return raw


def _damaged(path: str, why: str) -> HeresyError:
    return HeresyError(
        "H303", f"the checkpoint {path} is damaged: {why}",
        why="nothing of it was used; the file stays as it is",
        help="take a copy of it, if there is one, or an older one (`heresy log`); `--fresh` starts the program over",
    )  # fmt: skip
