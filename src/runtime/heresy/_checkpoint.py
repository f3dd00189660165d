"""The checkpoint file.

    heresy checkpoint 1\\n
    {"heresy": "0.1.0", "python": "3.11.7", "script": …, "stack": […], "payload": {"bytes": n, …}}\\n
    <payload: a pickle, deflated>
    <32 bytes: HMAC-SHA256 of all that stands before, with the user's own key>

The manifest is read by people and by ``heresy`` itself; the payload is code once it is unpickled, so it is not touched
before the file is authenticated. A checkpoint is written to a new file, synced and renamed over the older one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import zlib
from typing import Any

from ._errors import HeresyError

MAGIC = b"heresy checkpoint 1\n"
_MAC_SIZE = 32


def write(path: str, manifest: dict[str, Any], payload: bytes) -> None:
    """Makes a checkpoint durable.

    Args:
        path: where it goes; its folder is created, with a ``.gitignore``.

    Raises:
        OSError: it could not be written; an older checkpoint is as it was.
    """
    packed = zlib.compress(payload, 1)
    manifest = {**manifest, "payload": {"bytes": len(packed), "raw": len(payload), "compression": "zlib"}}
    head = MAGIC + json.dumps(manifest, separators=(",", ":")).encode() + b"\n"
    folder = os.path.dirname(path)
    _make_folder(folder)
    mac = hmac.new(_key(folder, create=True), head, hashlib.sha256)
    mac.update(packed)
    new = f"{path}.{os.getpid()}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        try:
            for part in (head, packed, mac.digest()):
                view = memoryview(part)
                while view:
                    view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(new, path)
    except BaseException:
        try:
            os.unlink(new)
        except OSError:
            pass
        raise
    _sync_folder(folder)


def read(path: str) -> tuple[dict[str, Any], bytes]:
    """The manifest and the payload of a checkpoint that this user has written.

    Raises:
        HeresyError: the file cannot be read, is damaged, or is someone else's.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise HeresyError("H301", f"cannot read the checkpoint {path}: {error.strerror}") from None
    if not data.startswith(MAGIC):
        raise HeresyError("H302", f"{path} is not a checkpoint of this version of heresy")
    head_end = data.find(b"\n", len(MAGIC)) + 1
    if head_end == 0 or len(data) < head_end + _MAC_SIZE:
        raise _damaged(path)
    body, mac = data[:-_MAC_SIZE], data[-_MAC_SIZE:]
    try:
        key = _key(os.path.dirname(path), create=False)
    except OSError:
        key = b""
    if not hmac.compare_digest(hmac.new(key, body, hashlib.sha256).digest(), mac):
        raise _damaged(path)
    try:
        manifest = json.loads(data[len(MAGIC) : head_end])
        return manifest, zlib.decompress(body[head_end:])
    except (ValueError, zlib.error):
        raise _damaged(path) from None


def remove(path: str) -> None:
    """Removes a checkpoint that is no longer needed."""
    try:
        os.unlink(path)
    except OSError:
        pass


def _damaged(path: str) -> HeresyError:
    return HeresyError(
        "H303",
        f"the checkpoint {path} was not written by you, or it is damaged",
        why="its signature does not fit; a checkpoint is code, so it is not opened",
        help="`--fresh` starts the program over",
    )


def _make_folder(folder: str) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    ignore = os.path.join(folder, ".gitignore")
    if not os.path.exists(ignore):
        with open(ignore, "w") as file:
            file.write("*\n")


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems cannot sync a folder; the rename itself has succeeded
    finally:
        os.close(descriptor)


def _key(folder: str, *, create: bool) -> bytes:
    """The user's own key; where there is no home to keep it in, one beside the checkpoint."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    places = [os.path.join(home, "heresy", "key"), os.path.join(folder, "key")]
    for place in places:
        try:
            with open(place, "rb") as file:
                key = file.read()
            if len(key) >= 32:
                return key
        except OSError:
            continue
    if not create:
        raise FileNotFoundError("no key")
    error: OSError | None = None
    for place in places:
        try:
            return _make_key(place)
        except OSError as failed:
            error = failed
    assert error is not None
    raise error


def _make_key(place: str) -> bytes:
    os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
    key = secrets.token_bytes(32)
    new = f"{place}.{os.getpid()}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(new, place)  # fails if another process was faster: then its key is the key
    except FileExistsError:
        with open(place, "rb") as file:
            key = file.read()
    finally:
        os.unlink(new)
    return key
