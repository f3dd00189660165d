"""Hash objects of ``hashlib`` in mid-course, where OpenSSL computes them.

OpenSSL does not give the state away, but it is a plain piece of memory behind the object: some words, the bytes that do not
yet fill a block, and counts. Where it is, an object says that was given bytes which lie there unchanged. Whether a copy of it
is the same, its digest says, which is saved along: no wrong one can come of this.
"""

from __future__ import annotations

import functools

from .._errors import HeresyError
from .._typing_names import Any, NamedTuple
from .memory import bytes_at, number_at, put_bytes
from .pickling import CannotSave, Reduced, StatePickler, import_by_name, library_reducer


class _Kind(NamedTuple):
    """What makes up the state of an algorithm.

    Attributes:
        words: how many bytes its words take, and the count of all bytes with them; they come first.
        block: how many bytes there are for what does not fill a block.
        count: how many bytes the count of those takes.
        whole: how many bytes all of it takes.
    """

    words: int
    block: int
    count: int
    whole: int


_SHA256, _SHA512, _KECCAK = _Kind(40, 64, 4, 108), _Kind(80, 128, 4, 212), _Kind(200, 168, 8, 392)
_KINDS = {
    "md5": _Kind(24, 64, 4, 92), "sha1": _Kind(28, 64, 4, 96), "sha224": _SHA256, "sha256": _SHA256, "sha384": _SHA512,
    "sha512": _SHA512, "sha3_224": _KECCAK, "sha3_256": _KECCAK, "sha3_384": _KECCAK, "sha3_512": _KECCAK,
    "shake_128": _KECCAK, "shake_256": _KECCAK,
}  # fmt: skip
#: Fills no block, and is as long as nothing else.
_MARK = bytes(range(1, 48))
#: How many words are looked through in what lies behind the object.
_WORDS = 16


class _Path(NamedTuple):
    """Where the state of an algorithm is.

    Attributes:
        first: where in the object the address is of what has the address of the state.
        second: where in that.
        block, count: where in the state.
    """

    first: int
    second: int
    block: int
    count: int


@library_reducer("_hashlib", "HASH", "HASHXOF")
def _digest(pickler: StatePickler, digest: Any) -> Reduced:
    return digest_again, (digest.name, *(bytes_at(*piece) for piece in _pieces(digest)), _shown(digest))


def digest_again(name: str, *saved: bytes) -> Any:
    digest = _new(name)
    *parts, shown = saved
    for (address, size), part in zip(_pieces(digest), parts, strict=True):
        put_bytes(address, part[:size])
    if _shown(digest) != shown:
        raise HeresyError(
            "H329", f"cannot continue: a hash object of {name} that the program holds cannot be made again here",
            why="OpenSSL keeps its state in another way than where the program was stopped",
            help="continue it with the Python that it was stopped under",
        )  # fmt: skip
    return digest


def _pieces(digest: Any) -> list[tuple[int, int]]:
    """The addresses and sizes of what makes up the state of a hash object."""
    path, kind = _path(digest.name), _KINDS[digest.name]
    state = number_at(number_at(id(digest) + path.first) + path.second)
    return [(state, kind.words), (state + path.block, kind.block), (state + path.count, kind.count)]


def _new(name: str) -> Any:
    return import_by_name("_hashlib").new(name)


def _shown(digest: Any) -> bytes:
    return digest.digest() if digest.digest_size else digest.digest(16)


@functools.cache
def _path(name: str) -> _Path:
    kind = _KINDS.get(name)
    if kind is None:
        raise CannotSave(f"how OpenSSL keeps the state of {name} is not known")
    sample = _new(name)
    sample.update(_MARK)
    found = []
    try:
        # What is no address must not be followed: the kernel says so, and does not end the process.
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            for first in range(object.__basicsize__, type(sample).__basicsize__, 8):
                context = number_at(id(sample) + first)
                for second in range(0, 8 * _WORDS, 8):
                    address = int.from_bytes(_read(memory, context + second, 8), "little")
                    state = _read(memory, address, kind.whole)
                    block = state.find(_MARK)
                    counts = [
                        at for at in range(kind.words, len(state) - kind.count + 1, kind.count)
                        if not block <= at < block + kind.block
                        and int.from_bytes(state[at : at + kind.count], "little") == len(_MARK)
                    ]  # fmt: skip
                    if block >= kind.words and len(counts) == 1:
                        found.append(_Path(first, second, block, counts[0]))
    except OSError:
        pass
    if len(found) != 1:
        raise CannotSave("where OpenSSL keeps the state of a hash object is not known here")
    return found[0]


def _read(memory: Any, address: int, size: int) -> bytes:
    try:
        memory.seek(address)
        return memory.read(size)
    except (OSError, ValueError, OverflowError):
        return b""
