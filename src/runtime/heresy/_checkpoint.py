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
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

FORMAT = b"3"
_MAGIC = b"heresy checkpoint "
_MAC_SIZE = 32
#: The bytes from which on a file is read by a thread: its digest takes a tenth of a millisecond.
_LARGE = 1 << 17


def write(
    path: str,
    manifest: dict[str, Any],
    payload: list[Any],
    *,
    environ: Mapping[str, str],
    compress: str = "auto",
    keep: int | None = None,
) -> None:
    """Makes a checkpoint durable.

    Args:
        path: where it goes; its folder is created, with a ``.gitignore``.
        payload: what the pickler has written, in order: chunks as they came, large ones not copied.
        environ: see `_key.place`.
        compress: one of `_packing.LEVELS`.
        keep: how many older ones stay; None leaves those alone that are there.

    Raises:
        OSError: it could not be written; an older checkpoint is as it was.
        HeresyError: there is no key to sign it with.
    """
    import json

    from . import _packing

    key = _key.own(environ)
    folder = os.path.dirname(path)
    _make_folder(folder)
    packed = list(_packing.packed(payload, compress))
    manifest = {
        **manifest,
        "number": _history.next_number(path),
        "key": _key.fingerprint(key),
        "parts": [part for part, _ in packed],
    }
    # Not by what `json` shows: a program may have put something of its own in the place of that.
    text = json.encoder.JSONEncoder(separators=(",", ":")).encode(manifest).encode()
    chunks = [_MAGIC + FORMAT + b" %08x\n" % _packing.crc32(text), text, b"\n"]
    chunks += (chunk for _, stored in packed for chunk in stored)
    chunks.append(_mac(key, chunks))
    _put(path, folder, chunks, keep)


def _mac(key: bytes, chunks: Iterable[Any]) -> bytes:
    """Of a digest, so that a file is gone through once however many keys are tried."""
    return signed(key, digest_of(chunks))


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
    """A checkpoint that is being read: a large one by a thread, while the process gets ready for what is in it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._data = self._digest = b""
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
                self._data = file.read()
            self._digest = digest_of([memoryview(self._data)[:-_MAC_SIZE]])
        except BaseException as error:
            self._failed = error
        self._done.release()

    def result(self) -> tuple[bytes, bytes]:
        """What the file holds; and the digest of all of it but its signature."""
        self._done.acquire()
        if self._failed is not None:
            raise self._failed
        return self._data, self._digest


def read(reading: Reading, *, environ: Mapping[str, str], trust: bool = False) -> tuple[dict[str, Any], list[Any]]:
    """The manifest and the payload, in chunks, of a checkpoint that one of the user's keys has signed.

    Args:
        environ: see `_key.place`.
        trust: whoever has signed it is believed.

    Raises:
        HeresyError: the file cannot be read, is damaged, or is someone else's.
    """
    path = reading.path
    try:
        data, digest = reading.result()
    except OSError as error:
        raise HeresyError("H301", f"cannot read the checkpoint {path}: {error.strerror}") from None
    head, _, _ = data[:64].partition(b"\n")
    if not head.startswith(_MAGIC):
        raise HeresyError("H302", f"{path} is not a checkpoint of heresy's")
    format_, _, crc = head[len(_MAGIC) :].partition(b" ")
    if format_ != FORMAT:
        raise HeresyError(
            "H302", f"{path} is a checkpoint in another format, {_shown(format_)}, than this heresy's, {_shown(FORMAT)}",
            help="continue with the release of heresy that wrote it",
        )  # fmt: skip
    start = len(head) + 1
    end = data.find(b"\n", start)
    if end < 0 or len(data) < end + 1 + _MAC_SIZE:
        raise _damaged(path, "it was cut short")
    text = memoryview(data)[start:end]
    # What one of the user's keys has signed is as it was written. The checksums tell how another came to be as it is.
    sound = any([is_same(signed(key, digest), data[-_MAC_SIZE:]) for key in _key.accepted(environ)])
    if not sound and not _is_whole(text, crc):
        raise _damaged(path, "its manifest was altered")
    if not (sound or trust):
        raise _foreign(path, data, text, end + 1)
    try:
        manifest = parsed(bytes(text))
        stored = memoryview(data)[end + 1 : -_MAC_SIZE]
        return manifest, list(_parts(path, manifest["parts"], stored, check=not sound))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(path, "its manifest cannot be read") from None


def _shown(format_: bytes) -> str:
    return format_[:8].decode("ascii", "backslashreplace")


def _foreign(path: str, data: bytes, text: memoryview, start: int) -> HeresyError:
    """Why a file is not signed by one of the user's keys: it was damaged on its way, or is another's."""
    try:
        manifest = parsed(bytes(text))
        for _ in _parts(path, manifest["parts"], memoryview(data)[start:-_MAC_SIZE], check=True, unpack=False):
            pass
        signer = str(manifest["key"])[:16]
    except HeresyError as damaged:
        return damaged
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _damaged(path, "its manifest cannot be read")
    return HeresyError(
        "H306", f"the checkpoint {path} was not signed by you: its key is {signer!r}, or it was altered",
        why="a checkpoint is code to whoever continues it, so it is not opened",
        help="if it is yours, from another machine: `heresy key export` there, `heresy key import` here; "
        "or `heresy resume --trust FILE`, if you would run a program from whoever gave it to you",
    )  # fmt: skip


def _is_whole(stored: memoryview, crc: bytes) -> bool:
    import zlib

    return b"%08x" % zlib.crc32(stored) == crc


def _parts(
    path: str, described: list[dict[str, Any]], stored: memoryview, *, check: bool, unpack: bool = True
) -> Iterator[Any]:
    """The payload, part by part; unpacked.

    Raises:
        HeresyError: a part is damaged.
    """
    if sum(part["bytes"] for part in described) != len(stored):
        raise _damaged(path, "it was cut short, or something was added")
    at = 0
    for part in described:
        chunk = stored[at : at + part["bytes"]]
        at += part["bytes"]
        if check and not _is_whole(chunk, part["crc32"].encode()):
            raise _damaged(path, f"the part that ends at byte {at} of its payload was altered")
        if not unpack or part["bytes"] == part["raw"]:
            yield chunk
            continue
        import zlib

        try:
            raw = zlib.decompress(chunk, bufsize=max(1, part["raw"]))
        except (zlib.error, OverflowError, MemoryError):
            raise _damaged(path, "a part of its payload cannot be unpacked") from None
        if len(raw) != part["raw"]:
            raise _damaged(path, "a part of its payload has another length than it should")
        yield raw


def _damaged(path: str, why: str) -> HeresyError:
    return HeresyError(
        "H303", f"the checkpoint {path} is damaged: {why}",
        why="nothing of it was used; the file stays as it is",
        help="take a copy of it, if there is one, or an older one (`heresy log`); `--fresh` starts the program over",
    )  # fmt: skip
