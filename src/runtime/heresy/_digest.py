"""What a checkpoint is signed by, without `hashlib` and `hmac`: they take longer to import than a small file to sign."""

from __future__ import annotations

import _operator
from collections.abc import Collection

from ._typing_names import Any
from ._units import sha256_of

#: From so many bytes on OpenSSL, which has to be loaded, is faster.
_LARGE = 1 << 19

#: The length of a block of SHA-256.
_BLOCK = 64

is_same = _operator._compare_digest  # type: ignore[attr-defined]  # what `hmac.compare_digest` is


def digest_of(chunks: Collection[Any]) -> bytes:
    """The SHA-256 of bytes, one after the other."""
    if sum(len(chunk) for chunk in chunks) < _LARGE:
        return sha256_of(b"".join(chunks))
    try:
        from _hashlib import openssl_sha256 as sha256
    except ImportError:
        from hashlib import sha256
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def signed(key: bytes, data: bytes) -> bytes:
    """The HMAC-SHA256 of a short text; a key is not longer than a block."""
    padded = key.ljust(_BLOCK, b"\0")
    inner = sha256_of(bytes(byte ^ 0x36 for byte in padded) + data)
    return sha256_of(bytes(byte ^ 0x5C for byte in padded) + inner)
