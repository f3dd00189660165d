"""Strings that a library keeps under a name, such as ``argparse.SUPPRESS``, stay that very object.

``pickle`` copies a string. A library that asks ``dest is not SUPPRESS`` would take the copy for something else.
"""

from __future__ import annotations

import sys

from .._typing_names import Any
from .objects import library_attribute
from .pickling import Met, Reduced, StatePickler, reducer


class LibraryConstant:
    """Stands in the stream, before the state, for a library's string."""

    def __init__(self, module: str, name: str, value: str) -> None:
        self.module = module
        self.name = name
        self.value = value


@reducer(LibraryConstant)
def _constant(pickler: StatePickler, constant: LibraryConstant) -> Reduced:
    return library_attribute, (constant.module, constant.name)


def held_in(pickler: StatePickler, imported: list[str]) -> list[LibraryConstant]:
    """The constants of libraries that were pickled."""
    candidates: dict[int, LibraryConstant] = {}
    modules = pickler.modules
    for module_name in imported:
        module = sys.modules.get(module_name)
        if module is None or modules.has(module_name):
            continue
        for name, value in list(vars(module).items()):
            if type(value) is str and name.isupper():
                candidates.setdefault(id(value), LibraryConstant(module_name, name, value))
    met = Met(pickler)
    return [constant for constant in candidates.values() if met(constant.value)]


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
