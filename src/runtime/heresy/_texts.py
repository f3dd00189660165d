"""The texts of modules: who transpiles them, and where that, and what is made of it, is kept for the next start.

A warm start needs none of this.
"""

from __future__ import annotations

import marshal
import os
import sys
from _thread import get_ident

from . import _signals
from ._units import MAGIC, Store, is_cached, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CannotInstrument(ValueError):
    """A module cannot be made continuable; ``args[0]`` says why, for people."""


def marked_text(store: Store, data: bytes | None, sha256: str, path: str) -> str:
    """The marked form of a module, from the store; if it is not there, or not whole, it is made.

    Args:
        data: the source, if it is there.

    Raises:
        CannotInstrument: that is not possible.
    """
    marked = store.marked(sha256)
    text = _whole_text(marked)
    if text is None and data is not None:
        _mark(store, data, sha256, path)
        text = _whole_text(marked)
    if text is None:
        raise CannotInstrument("its marked form is not to be had")
    is_cached(marked)
    return text


def _whole_text(path: str | None) -> str | None:
    """A marked form out of the cache, which ends in its digest; None if it is not whole, as after a power cut."""
    text, _, digest = (read(path) or b"").rpartition(b"# sha256 ")
    if sha256_of(text).hex().encode() != digest.rstrip():
        return None
    return text.decode()


def _mark(store: Store, data: bytes, sha256: str, path: str) -> None:
    """Has the binary transpile a module into the store.

    Raises:
        CannotInstrument: the binary refuses; the message is its own.
    """
    source, marked = store.source(sha256), store.marked(sha256)
    if source is None or marked is None or store.heresy is None:
        raise CannotInstrument("there is nothing here to transpile it with")
    if read(source) != data:
        _keep(source, data)
    is_cached(source)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    words = [store.heresy, "mark", "--target-version", version, "--name", path, source, marked]
    reading, writing = os.pipe()
    try:
        # Its own group and mask: a Ctrl-C is meant for the program, which answers it in its own time. It may come before the
        # child is in that group.
        child = os.posix_spawn(
            store.heresy, words, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, writing, 2), (os.POSIX_SPAWN_CLOSE, reading)],
            setpgroup=0, setsigmask=_signals.STOPS | {_signals.SAVES},
        )  # fmt: skip
    except OSError as error:
        os.close(reading)
        raise CannotInstrument(f"{store.heresy} cannot be started: {error.strerror}") from None
    finally:
        os.close(writing)
    said = b""
    while part := os.read(reading, 65536):
        said += part
    os.close(reading)
    _, status = os.waitpid(child, 0)
    if status:
        raise CannotInstrument(said.decode(errors="replace").strip() or f"{store.heresy} ended with status {status}")


def read_text(path: str, encoding: str) -> str:
    with open(path, encoding=encoding, newline="") as file:
        return file.read()


def keep_cached(place: str | None, compiled: tuple[Any, ...]) -> None:
    """Writes what can be marshalled to a file of the cache, for this very interpreter."""
    if place is not None:
        _keep(place, marshal.dumps((MAGIC, *compiled)))


def _keep(path: str, data: bytes) -> None:
    """Writes a file of the cache whole, or not at all; without a cache the next start does the work again."""
    new = f"{path}.{os.getpid()}.{get_ident()}.new"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(new, "wb") as file:
            file.write(data)
        os.replace(new, path)
    except OSError:
        try:
            os.unlink(new)
        except OSError:
            pass


def warn(warned: list[tuple[str, int]], path: str) -> None:
    """The warnings about syntax, which plain Python gives when it compiles: at every start for the script."""
    import warnings

    for message, line in warned:
        warnings.warn_explicit(message, SyntaxWarning, path, line)


def sha256_of(data: bytes) -> bytes:
    """The digest of a text, or of anything as short."""
    # Not by `hashlib`, which is of the library: see `_tree`.
    try:
        from _sha2 import sha256
    except ImportError:
        try:
            from _sha256 import sha256  # before 3.12
        except ImportError:
            from hashlib import sha256
    return sha256(data).digest()
