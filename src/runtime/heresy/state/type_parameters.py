"""Type variables, and the aliases that ``type`` statements make.

What is written in brackets or behind ``type X =`` is evaluated when it is asked for, by a function that the alias or the
variable keeps. So the function is saved, and what it has given if it was asked before: nothing is evaluated at a stop or a
resume. The interpreter shows neither of the two in every version, but they are among what the object refers to.
"""

from __future__ import annotations

import functools
import gc
import types
import typing
from typing import Any

from .. import _cpython
from .._kinds import is_a
from .pickling import REDUCERS, CannotSave, Reduced, StatePickler

_MISSING: Any = object()


# --- reading ----------------------------------------------------------------------------------------------------------


def _words(held: Any) -> list[Any]:
    """What an object holds, in its places; `_MISSING` for what is no object."""
    try:
        import ctypes
    except ImportError:
        raise CannotSave("without `ctypes` it does not show what it is evaluated by") from None
    known = {id(each): each for each in gc.get_referents(held)}
    count = (type(held).__basicsize__ - object.__basicsize__) // ctypes.sizeof(ctypes.c_size_t)
    words = (ctypes.c_size_t * count).from_address(id(held) + object.__basicsize__)
    return [known.get(word, _MISSING) for word in words]


# Names, which nobody asks for: before 3.14 a tuple of constants is taken for a bound.
_SAMPLES = """
type alias = 0
def one[T: 0, C: (int, int)](): ...
"""
_SAMPLES_WITH_DEFAULTS = """
def two[T = 0, **P = 0, *Ts = 0](): ...
"""


@functools.cache
def _places() -> dict[tuple[type, str], int]:
    """Where an object keeps the function that evaluates one of its attributes: seen on samples."""
    samples: dict[str, Any] = {}
    exec(_SAMPLES, samples)
    bounded, constrained = samples["one"].__type_params__
    asked = [(samples["alias"], "__value__"), (bounded, "__bound__"), (constrained, "__constraints__")]
    if hasattr(bounded, "__default__"):
        exec(_SAMPLES_WITH_DEFAULTS, samples)
        asked += [(each, "__default__") for each in samples["two"].__type_params__]
    found: dict[tuple[type, str], int] = {}
    for sample, attribute in asked:
        place = next((n for n, word in enumerate(_words(sample)) if type(word) is types.FunctionType), None)
        if place is not None:
            found[type(sample), attribute] = place
    return found


class _Lazy(typing.NamedTuple):
    """An attribute that is evaluated when it is asked for.

    Attributes:
        attribute: its name.
        evaluate: the function that does it.
        value: in a tuple, what it gave, if it was asked.
    """

    attribute: str
    evaluate: types.FunctionType
    value: tuple[Any, ...]


def _lazy(held: Any) -> list[_Lazy]:
    """What is evaluated, or was, when it was asked for."""
    words = _words(held)
    found: list[_Lazy] = []
    for (kind, attribute), place in _places().items():
        evaluate = words[place] if kind is type(held) else None
        if is_a(evaluate, types.FunctionType):
            value = words[place + 1 if attribute == "__value__" else place - 1]
            found.append(_Lazy(attribute, evaluate, () if value is _MISSING else (value,)))
    return found


# --- aliases ----------------------------------------------------------------------------------------------------------


def _alias(pickler: StatePickler, alias: Any) -> Reduced:
    if not pickler.modules.has(alias.__module__):
        return NotImplemented
    lazy = _lazy(alias)
    if lazy:
        made_from = (alias.__name__, alias.__type_params__, lazy[0].evaluate)
        return make_alias, made_from, _asked(lazy), None, None, set_asked
    return make_alias_of_value, (alias.__name__, alias.__value__, alias.__type_params__, alias.__module__)


def make_alias(name: str, parameters: tuple[Any, ...], evaluate: types.FunctionType) -> Any:
    return _cpython.intrinsic("INTRINSIC_TYPEALIAS")((name, parameters or None, evaluate))


def make_alias_of_value(name: str, value: Any, parameters: tuple[Any, ...], module: str) -> Any:
    """What the program made by a call, in one of its modules: it belongs to the module of the function that calls."""
    code = (lambda: typing.TypeAliasType(name, value, type_params=parameters)).__code__  # type: ignore[attr-defined]
    cells = {"name": name, "value": value, "parameters": parameters}
    closure = tuple(types.CellType(cells[free]) for free in code.co_freevars)
    return types.FunctionType(code, {"__name__": module, "typing": typing}, None, None, closure)()


def _asked(lazy: list[_Lazy]) -> list[tuple[Any, ...]]:
    return [tuple(each) for each in lazy if each.value]


def set_asked(held: Any, asked: list[tuple[Any, ...]]) -> None:
    """Has attributes evaluated by something that gives what they were before."""
    for attribute, evaluate, (value,) in asked:
        code, keywords = evaluate.__code__, evaluate.__kwdefaults__
        evaluate.__code__ = _given.__code__.replace(co_freevars=code.co_freevars)
        evaluate.__kwdefaults__ = {"value": value}
        try:
            getattr(held, attribute)
        finally:
            evaluate.__code__, evaluate.__kwdefaults__ = code, keywords


def _given(*formats: int, value: Any) -> Any:
    return value


# --- variables --------------------------------------------------------------------------------------------------------


def _variable(pickler: StatePickler, variable: Any) -> Reduced:
    kind, name, module = type(variable), variable.__name__, variable.__module__
    if module == "typing" and getattr(typing, name, None) is not variable:
        lazy = _lazy(variable)
        evaluated_by = {each.attribute: each.evaluate for each in lazy}
        return make_parameter, (kind, name, evaluated_by), _asked(lazy), None, None, set_asked
    if not pickler.modules.has(module):
        return NotImplemented
    keywords: dict[str, Any] = {}
    for keyword in ("bound", "covariant", "contravariant", "infer_variance"):
        if value := getattr(variable, f"__{keyword}__", None):
            keywords[keyword] = value
    if hasattr(variable, "has_default") and variable.has_default():
        keywords["default"] = variable.__default__
    return make_variable, (kind, name, getattr(variable, "__constraints__", ()), keywords, module)


def make_parameter(kind: type, name: str, evaluated_by: dict[str, types.FunctionType]) -> Any:
    """What stands in brackets behind the name of a function, class or alias."""
    made: Any
    if "__bound__" in evaluated_by:
        made = _cpython.intrinsic("INTRINSIC_TYPEVAR_WITH_BOUND")(name, evaluated_by["__bound__"])
    elif "__constraints__" in evaluated_by:
        made = _cpython.intrinsic("INTRINSIC_TYPEVAR_WITH_CONSTRAINTS")(name, evaluated_by["__constraints__"])
    else:
        made = _cpython.intrinsic(f"INTRINSIC_{kind.__name__.upper()}")(name)
    if "__default__" in evaluated_by:
        made = _cpython.intrinsic("INTRINSIC_SET_TYPEPARAM_DEFAULT")(made, evaluated_by["__default__"])
    return made


def make_variable(kind: Any, name: str, constraints: tuple[Any, ...], keywords: dict[str, Any], module: str) -> Any:
    variable = kind(name, *constraints, **keywords)
    variable.__module__ = module
    return variable


def _of_parameters(pickler: StatePickler, part: Any) -> Reduced:
    return type(part), (part.__origin__,)


if hasattr(typing, "TypeAliasType"):
    REDUCERS[typing.TypeAliasType] = _alias
for _kind in (typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple):
    REDUCERS[_kind] = _variable
for _kind in (typing.ParamSpecArgs, typing.ParamSpecKwargs):
    REDUCERS[_kind] = _of_parameters
