"""The keys that checkpoints are signed with.

Each user has one key, made when it is first needed, and keeps it where nobody else reads it: never beside a checkpoint, which
could then bring its own. What is signed with an imported key is accepted, too; ``heresy key`` shows, exports and imports.
``src/key.rs`` finds them in the same places.
"""

from __future__ import annotations

import os

from ._errors import HeresyError
from ._texts import sha256_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_SIZE = 32


def place(environ: Mapping[str, str]) -> str:
    """The file of the user's own key; imported ones are in the folder ``keys`` beside it.

    Args:
        environ: the environment that the program was started in: what it has made of it since may be anything.
    """
    if given := environ.get("HERESY_KEY"):
        return given
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(config, "heresy", "key")


def own(environ: Mapping[str, str]) -> bytes:
    """The user's own key, made if there is none.

    Raises:
        HeresyError: it cannot be read, or not be kept.
    """
    file = place(environ)
    try:
        return _read(file) or _make(file)
    except OSError as error:
        raise HeresyError(
            "H342", f"the key that checkpoints are signed with cannot be kept in {file}: {error.strerror or error}",
            why="a checkpoint that nobody has signed would be believed by nobody",
            help="set HERESY_KEY to a file of yours that can be written, outside of the program's folder",
        ) from None  # fmt: skip


def accepted(environ: Mapping[str, str]) -> list[bytes]:
    """The keys whose checkpoints are believed, the own one first."""
    file = place(environ)
    folder = os.path.join(os.path.dirname(file), "keys")
    try:
        imported = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    except OSError:
        imported = []
    keys = []
    for name in (file, *imported):
        try:
            keys.append(_read(name))
        except OSError:
            continue
    return [key for key in keys if key]


def fingerprint(key: bytes) -> str:
    """What tells keys apart, and tells nothing of them."""
    return sha256_of(b"heresy key\n" + key).hex()[:8]


def _read(file: str) -> bytes:
    """A key; nothing if there is none.

    Raises:
        OSError: the file cannot be read, or is none of a key.
    """
    try:
        with open(file, "rb") as opened:
            key = opened.read(_SIZE + 1)
    except FileNotFoundError:
        return b""
    if len(key) != _SIZE:
        raise OSError(None, "the file is there and is no key")
    return key


def _make(file: str) -> bytes:
    folder = os.path.dirname(os.path.abspath(file))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    key = os.urandom(_SIZE)
    new = f"{file}.{os.getpid()}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(new, file)  # fails if another process was faster: then its key is the key
    except FileExistsError:
        return _read(file)
    finally:
        os.unlink(new)
    # What is signed with it is durable; so the key must be before.
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return key
