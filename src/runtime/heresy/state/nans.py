"""The numbers that are not equal to themselves: a list, a dict or a set finds such a one by its identity alone.

A pickle has no identity for floats, and to ask for that of each would take longer than to pickle them all. So a payload that has
such a number in it, which is seen by its bytes, is pickled once more, by a pickler that names them.
"""

from __future__ import annotations

import struct
import sys

from .._typing_names import Any

#: The opcode of a float, and those that arithmetic gives.
_PICKLED = (b"G\x7f\xf8\0\0\0\0\0\0", b"G\xff\xf8\0\0\0\0\0\0")
#: Their end, which is looked for first: once for both. Backwards, since its last bytes are frequent, and its first is not.
_END = b"\xf8\0\0\0\0\0\0"
_LIBRARIES = ("math", "cmath", "numpy")


def are_in(chunks: list[Any]) -> bool:
    """Whether a payload has any of them, or bytes that look alike."""
    found = [chunk for chunk in chunks if type(chunk) is bytes and chunk.rfind(_END) >= 0]
    return any(each in chunk for chunk in found for each in _PICKLED)


def named(pickler: type) -> type:
    """The pickler that names them."""
    return type(pickler.__name__, (pickler,), {"persistent_id": _persistent_id})


def _persistent_id(pickler: Any, obj: Any) -> Any:
    if type(obj) is not float or obj == obj:
        return None
    for module in _LIBRARIES:
        if obj is getattr(sys.modules.get(module), "nan", None):
            return module, "nan"
    known = pickler.nans.setdefault(id(obj), (len(pickler.nans), obj))
    return "nan", known[0], struct.pack("<d", obj)


def make(made: dict[int, float], name: tuple[Any, ...]) -> float:
    """The one that a name is for.

    Args:
        made: those that there are, by their numbers.
    """
    if len(name) == 2:
        __import__(name[0])
        found: float = getattr(sys.modules[name[0]], name[1])
        return found
    _, number, data = name
    if number not in made:
        made[number] = struct.unpack("<d", data)[0]
    return made[number]
