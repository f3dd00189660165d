"""Strings that a library keeps under a name, such as ``argparse.SUPPRESS``, stay that very object.

``pickle`` copies a string. A library that asks ``dest is not SUPPRESS`` would take the copy for something else.
"""

from __future__ import annotations

import sys
from typing import Any

from .objects import library_attribute
from .pickling import Modules, Reduced, StatePickler, reducer


class LibraryConstant:
    """Stands in the stream, before the state, for a library's string."""

    def __init__(self, module: str, name: str, value: str) -> None:
        self.module = module
        self.name = name
        self.value = value


@reducer(LibraryConstant)
def _constant(pickler: StatePickler, constant: LibraryConstant) -> Reduced:
    return library_attribute, (constant.module, constant.name)


def held_in(payload: bytes, modules: Modules, imported: list[str]) -> list[LibraryConstant]:
    """The constants of libraries that a payload may hold copies of."""
    found: dict[int, LibraryConstant] = {}
    for module_name in imported:
        module = sys.modules.get(module_name)
        if module is None or modules.has(module_name):
            continue
        for name, value in list(vars(module).items()):
            if type(value) is str and name.isupper() and id(value) not in found and _pickled(value) in payload:
                found[id(value)] = LibraryConstant(module_name, name, value)
    return list(found.values())


def _pickled(value: str) -> bytes:
    """How `pickle` writes a string for the first time."""
    data = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes((len(data),)) + data if len(data) < 256 else data


def anchor(pickler: StatePickler, constants: list[LibraryConstant]) -> None:
    """Has references to the strings lead to what their stand-ins, which were pickled just now, become.

    They take the stand-ins' places: the memo counts on, and both sides must have the same count.
    """
    memo: dict[int, Any] = pickler.memo.copy()
    for constant in constants:
        index, _ = memo.pop(id(constant))
        before = memo.get(id(constant.value))
        memo[id(constant.value)] = (index, constant.value)
        if before is not None:
            # A string that is its own name (``ROUND_UP = "ROUND_UP"``) was pickled as the name: its place stays taken.
            taken = object()
            memo[id(taken)] = (before[0], taken)
    pickler.memo = memo
