"""What a checkpoint is checked and signed by: BLAKE2b (RFC 7693), which takes a key.

Without `hashlib` and `hmac`, which take longer to import than a small file to sign. The interpreter has this one built in; to
load OpenSSL for a faster SHA-256 takes longer than either does for ten megabytes.
"""

from __future__ import annotations

import _operator

try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_SIZE = 32

is_same = _operator._compare_digest  # type: ignore[attr-defined]  # what `hmac.compare_digest` is


def begun(size: int = _SIZE) -> Any:
    """A digest, of `size` bytes, of nothing yet."""
    return blake2b(digest_size=size)


def digest_of(chunks: Iterable[Any], size: int = _SIZE) -> str:
    """The digest, in hexadecimal digits, of bytes, one after the other."""
    digest = begun(size)
    for chunk in chunks:
        digest.update(chunk)
    found: str = digest.hexdigest()
    return found


def signed(key: bytes, data: bytes) -> bytes:
    """The digest with a key, of up to 64 bytes."""
    return blake2b(data, key=key, digest_size=_SIZE).digest()
