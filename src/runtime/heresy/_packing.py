"""How the payload of a checkpoint is cut into parts, and each packed, if that is worth while."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ._ahead import Ahead
from ._digest import digest_of
from ._typing_names import Any

#: What ``--compress`` asks for, and the level of zlib that gives it.
LEVELS = {"none": 0, "auto": 1, "fast": 1, "small": 9}

#: Between these sizes ``auto`` stores a payload as it is: to write it takes less time than to pack it.
_WRITTEN_AT_ONCE = range(1 << 16, 1 << 24)

#: A chunk of this size is a part of its own, and is first tried whether it gets smaller.
_LARGE = 1 << 20
_SAMPLE = 1 << 16


def is_packed(payload: list[Any], compress: str) -> bool:
    """Whether any of it is, so far as it is there now.

    Args:
        compress: one of `LEVELS`.
    """
    if compress == "auto" and sum(memoryview(chunk).nbytes for chunk in payload) in _WRITTEN_AT_ONCE:
        return False
    return LEVELS[compress] > 0


def packed(payload: list[Any], compress: str, ahead: Ahead) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """The parts of a payload: what the manifest says of each, and the chunks that are stored.

    Args:
        compress: one of `LEVELS`.
        ahead: what is known of its digest.
    """
    if not is_packed(payload, compress):
        chunks = [memoryview(chunk).cast("B") for chunk in payload]
        raw = sum(map(len, chunks))
        yield {"bytes": raw, "raw": raw, "blake2b": ahead.of_all(chunks)}, chunks
        return
    level = LEVELS[compress]
    for chunks in _grouped(payload):
        raw = sum(map(len, chunks))
        stored: list[Any] = chunks
        if _gets_smaller(chunks[0]):
            # What is small is packed as well as can be: that takes no time.
            packer = zlib.compressobj(level if raw >= _LARGE else 9)
            smaller = [*map(packer.compress, chunks), packer.flush()]
            # Of the same length it would count as stored as it is.
            if sum(map(len, smaller)) < raw:
                stored = smaller
        yield {"bytes": sum(map(len, stored)), "raw": raw, "blake2b": digest_of(stored)}, stored


def _grouped(payload: list[Any]) -> Iterator[list[memoryview]]:
    """Chunks that are to be stored alike."""
    small: list[memoryview] = []
    for chunk in payload:
        view = memoryview(chunk).cast("B")
        if view.nbytes < _LARGE:
            small.append(view)
            continue
        if small:
            yield small
        yield [view]
        small = []
    if small:
        yield small


def _gets_smaller(chunk: memoryview) -> bool:
    """Whether it is worth while: measured numbers, pictures and the like would only take their time."""
    return chunk.nbytes < _LARGE or len(zlib.compress(chunk[:_SAMPLE], 1)) < 0.9 * _SAMPLE
