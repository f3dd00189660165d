"""Imports that nobody has needed yet: what stands in a module for ``lazy import json``, from Python 3.15 on.

Such an object does not say what it is of, but refers to it: the whole import to the name of a module, and to those that
``from`` asks it for; a part of one to that import, and to its own name. It is made again by a statement that would have made it.
"""

from __future__ import annotations

import gc
import opcode
import sys
import types

from .._bytecode import instructions
from .._typing_names import Any
from .pickling import REDUCERS, CannotSave, Reduced, StatePickler


def lazy_again(file: str, line: int, module: str, is_from: bool, names: tuple[str, ...]) -> Any:
    """
    Args:
        file, line: where the statement stands, which is shown if the import fails.
        module: its full name.
        is_from: whether it is imported for what is in it.
        names: of the parts that lead to what it is for; none: the first package of all.
    """
    if is_from:
        statement = f"lazy from {module} import {names[0]} as made"
    else:
        statement = f"lazy import {module}{' as made' if names else ''}"
    namespace: dict[str, Any] = {"__name__": "__main__"}
    code = compile("\n" * (line - 1) + statement, file, "exec", dont_inherit=True)
    # Of a module that is there already, what it has would be taken at once.
    there = sys.modules.get(module)
    if there is not None:
        sys.modules[module] = types.ModuleType(module)
    try:
        exec(code, namespace)
    finally:
        if there is not None:
            sys.modules[module] = there
    return namespace["made" if is_from or names else module.partition(".")[0]]


def _lazy_import(pickler: StatePickler, lazy: Any) -> Reduced:
    names: list[str] = []
    held = gc.get_referents(lazy)
    while type(held[0]) is type(lazy):
        names.insert(0, held[1])
        held = gc.get_referents(held[0])
    wanted = [each for each in held[1:] if type(each) in (str, tuple)]
    module, is_from = wanted[0], len(wanted) > 1
    if type(module) is not str or len(names) != (1 if is_from else module.count(".") if names else 0):
        raise CannotSave(f"it is not known what {lazy!r} imports")
    code = held[-1]
    return lazy_again, (code.co_filename, _line(code, module), module, is_from, tuple(names))


def _line(code: types.CodeType, module: str) -> int:
    """That of the first statement in a code object which imports a module."""
    lines = [line for line, *_ in code.co_positions()]
    for item in instructions(code):
        if item.opcode == opcode.opmap["IMPORT_NAME"] and code.co_names[(item.arg or 0) >> 2] == module:
            return lines[item.offset // 2] or 1
    return 1


if (_KIND := getattr(types, "LazyImportType", None)) is not None:
    REDUCERS[_KIND] = _lazy_import
