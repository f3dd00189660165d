"""Code that no source text has, neither the program's nor a library's: it was made by ``exec``, ``eval`` or ``compile``.

So there is no name by which it could be found again. It is saved as the interpreter has it. Where the instructions are others,
placeholders take the places of the code and of the functions that are made of it.
"""

from __future__ import annotations

import _frozen_importlib_external
import builtins
import gc
import marshal
import sys
import types

from .._typing_names import Any
from .pickling import CannotSave, Reduced, StatePickler

#: Tells interpreters apart that have other instructions.
_MAGIC: bytes = _frozen_importlib_external.MAGIC_NUMBER
_MISSING: Any = object()


def code(code: types.CodeType) -> Reduced:
    """What makes a code object again.

    Raises:
        CannotSave: it holds what no compiler puts there.
    """
    from .._pads import without_pads

    try:
        # It may be made of the program's own: by ``f.__code__.replace(…)``.
        return make_code, (_MAGIC, code.co_qualname, marshal.dumps(without_pads(code)))
    except ValueError:
        raise CannotSave(f"the code of {code.co_qualname} holds objects that are no constants") from None


def make_code(magic: bytes, name: str, data: bytes) -> Any:
    if magic != _MAGIC:
        from . import placeholders

        why = "it was made while the program ran, for another Python; continue with the one that the program was stopped under"
        return placeholders.make(0, "code", f"the code of {name} — {why}")
    return marshal.loads(data)


def function(pickler: StatePickler, function: types.FunctionType) -> tuple[Any, tuple[Any, ...]]:
    """What makes a function again, from its code and its globals.

    Raises:
        CannotSave: its code cannot be saved.
    """
    # A function is not made from a placeholder: its code is asked now.
    pickler.reducers[types.CodeType](pickler, function.__code__)
    other = function.__builtins__ if function.__builtins__ is not builtins.__dict__ else None
    return make_function, (function.__code__, _home(pickler, function.__globals__), function.__closure__, other)


def _home(pickler: StatePickler, namespace: dict[str, Any]) -> Any:
    """The module whose globals a dict is; if it is no module's, the dict."""
    if pickler.homes is None:
        found = [each for each in gc.get_objects() if type(each) is types.ModuleType]
        pickler.homes = {id(module.__dict__): module for module in [*found, *sys.modules.values()] if hasattr(module, "__dict__")}
    return pickler.homes.get(id(namespace), namespace)


def make_function(
    code: Any, home: Any, closure: tuple[types.CellType, ...] | None, other_builtins: Any
) -> Any:
    """A function without its state. Its globals may be empty yet, and it looks there for the built-in names only now."""
    if type(code) is not types.CodeType:
        from . import placeholders

        return placeholders.make(1, "function", placeholders.text_of(code))
    namespace = home if isinstance(home, dict) else home.__dict__
    before = namespace.get("__builtins__", _MISSING)
    namespace["__builtins__"] = builtins if other_builtins is None else other_builtins
    try:
        cells = tuple(closure or ())[: len(code.co_freevars)] or None
        return types.FunctionType(code, namespace, code.co_name, None, cells)
    finally:
        if before is _MISSING:
            del namespace["__builtins__"]
        else:
            namespace["__builtins__"] = before
