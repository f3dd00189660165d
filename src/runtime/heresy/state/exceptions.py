"""Exceptions with their tracebacks, causes, contexts and notes.

A traceback is what a user reads when a continued program fails after all, so its entries survive: each becomes a frame of
a tiny code object that has the file, function, globals and position of the original. The variables of a function's frame are
not kept: there are none in it.
"""

from __future__ import annotations

import sys
import types

from .. import _tree as ast
from .._constants import bind_constants
from .._kinds import HEAP_TYPE, is_a
from .._quiet import Quiet
from .._typing_names import Any
from .members import members, set_members, slot_values
from .pickling import GENERAL, REDUCERS, CannotSave, Reduced, StatePickler

_LINKS = ("__cause__", "__context__", "__suppress_context__", "__traceback__")


def _exception(pickler: StatePickler, error: Any) -> Reduced:
    if not is_a(error, BaseException):
        return None
    state: dict[str, Any] = {name: getattr(error, name) for name in _LINKS}
    if _new(type(error)).__self__.__module__ != "builtins":
        return _of_library(error, state)
    fields = {
        name: value
        for name in _c_fields(type(error))
        if (value := getattr(error, name, None)) is not None and name not in ("args",)
    }
    slots = slot_values(error, members(type(error)))
    if is_a(error, BaseExceptionGroup):
        args: tuple[Any, ...] = (error.message, list(error.exceptions))
    else:
        args = error.args
    return (
        make_exception,
        (type(error), args),
        (error.args, dict(error.__dict__), fields, state, *([slots] if any(slots) else [])),
        None,
        None,
        set_exception_state,
    )


GENERAL.insert(1, _exception)


def _of_library(error: BaseException, links: dict[str, Any]) -> Reduced:
    """An exception of C's, or the like, that only its library makes: as that says, if it does."""
    reduced = error.__reduce_ex__(5)
    usual = type(error).__reduce__ is BaseException.__reduce__ and type(error).__reduce_ex__ is object.__reduce_ex__
    if usual or type(reduced) is not tuple or len(reduced) > 2:
        raise CannotSave("its library does not say how it is made again")
    return *reduced, links, None, None, set_links


def _c_fields(cls: type) -> list[str]:
    """The attributes that a built-in exception keeps outside ``args`` and ``__dict__``."""
    names: list[str] = []
    for base in cls.__mro__:
        if base is not BaseException and not base.__flags__ & HEAP_TYPE:
            names += [
                n
                for n, v in base.__dict__.items()
                if is_a(v, types.MemberDescriptorType) and not n.startswith("_")
            ]
    return names


def make_exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An exception without running its ``__init__``."""
    return _new(cls)(cls, *args)


def _new(cls: type[BaseException]) -> Any:
    """What makes instances of a class, past methods of Python."""
    return next(
        base.__dict__["__new__"]
        for base in cls.__mro__
        if is_a(base.__dict__.get("__new__"), types.BuiltinFunctionType)
    )


def set_exception_state(error: BaseException, saved: tuple[Any, ...]) -> None:
    args, attributes, fields, links, *slots = saved
    set_links(error, {"args": args})
    for name, value in fields.items():
        try:
            object.__setattr__(error, name, value)
        except (AttributeError, TypeError):
            continue
    error.__dict__.update(attributes)
    for seen, hidden in slots:
        set_members(error, seen, hidden)
    set_links(error, links)


def set_links(error: BaseException, links: dict[str, Any]) -> None:
    """Gives it what C keeps of it, past a ``__setattr__`` of its class: a dataclass that is frozen has one."""
    for name, value in links.items():
        object.__setattr__(error, name, value)


# --- tracebacks -----------------------------------------------------------------------------------------------------


def _traceback(pickler: StatePickler, traceback: types.TracebackType) -> Reduced:
    entries: list[tuple[Any, ...]] = []
    entry: types.TracebackType | None = traceback
    while entry is not None:
        code = entry.tb_frame.f_code
        position = list(code.co_positions())[entry.tb_lasti // 2] if entry.tb_lasti >= 0 else (None,) * 4
        place = entry.tb_lineno, *position[1:], position[0]
        module, is_function = entry.tb_frame.f_globals.get("__name__"), bool(code.co_flags & _OPTIMIZED)
        entries.append((code.co_filename, code.co_name, code.co_qualname, *place, module, is_function))
        entry = entry.tb_next
    return make_traceback, (entries,)


REDUCERS[types.TracebackType] = _traceback
_OPTIMIZED = 0x0001


def make_traceback(entries: list[tuple[Any, ...]]) -> types.TracebackType | None:
    """A traceback whose frames have run code of the same name, at the same place."""
    result: types.TracebackType | None = None
    for entry in reversed(entries):
        frame, lasti = _frame_at(*entry)
        result = types.TracebackType(result, frame, lasti, entry[3])
    return result


def _frame_at(
    filename: str,
    name: str,
    qualname: str,
    line: int,
    end_line: int | None,
    column: int | None,
    end_column: int | None,
    start_line: int | None,
    module: Any,
    is_function: bool,
) -> tuple[types.FrameType, int]:
    call = ast.Expr(ast.Call(ast.Constant(_STOP), [], []))
    nothing = ast.arguments([], [], None, [], [], None, [])
    tree = ast.Module([ast.FunctionDef(name, nothing, [call], [], type_params=[]) if is_function else call], [])
    for node in ast.walk(tree):
        if "lineno" in node._attributes:
            node.lineno, node.end_lineno = start_line or line, end_line or line  # type: ignore[attr-defined]
            node.col_offset, node.end_col_offset = column or 0, end_column or 0  # type: ignore[attr-defined]
    with Quiet():  # what is called does not look like a function
        code = compile(tree, filename, "exec", dont_inherit=True)
    if is_function:
        code = next(constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    code = bind_constants(code.replace(co_name=name, co_qualname=qualname), {_STOP: _stop})
    if column is None:
        code = code.replace(co_linetable=_line_only(code, line))
    known = sys.modules.get(module) if isinstance(module, str) else None
    try:
        exec(code, {"__name__": module} if known is None else known.__dict__)
    except _Stopped as stopped:
        own = stopped.__traceback__.tb_next  # type: ignore[union-attr]
        assert own is not None
        if not _made:
            _made.append(own.tb_frame)
        return own.tb_frame, own.tb_lasti
    raise AssertionError("unreachable")


def _line_only(code: types.CodeType, line: int) -> bytes:
    """A location table that gives all of ``code`` one line and no columns."""
    units = len(code.co_code) // 2
    table = bytearray()
    delta = line - code.co_firstlineno
    while units:
        count = min(units, 8)
        table.append(0x80 | 13 << 3 | count - 1)
        zigzag = delta << 1 if delta >= 0 else (-delta << 1) | 1
        while zigzag > 63:
            table.append(0x40 | zigzag & 63)
            zigzag >>= 6
        table.append(zigzag)
        delta = 0
        units -= count
    return bytes(table)


#: The first of the frames that were made for tracebacks.
_made: list[types.FrameType] = []


def let_go() -> None:
    """A frame holds those below it: here the runtime's that have restored the program, and so all that they have held."""
    frame = _made.pop().f_back if _made else None
    while frame is not None:
        try:
            frame.clear()
        except RuntimeError:
            return  # from here on they are still running
        frame = frame.f_back


#: In the code of such a frame, what ends it.
_STOP = frozenset({"heresy.stop"})


class _Stopped(Exception):
    pass


def _stop() -> None:
    raise _Stopped
