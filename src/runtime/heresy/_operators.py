"""Binary operators and comparisons, step by step as the interpreter does them.

``a + b`` runs ``__add__`` of the one and, if that declines, ``__radd__`` of the other; or the other way round. A frame that
was stopped inside one of these methods may decline once it has been continued. So it must be known which step it was, and
what comes after it; this module says so for operands whose steps can be told without running any code.
"""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable

from . import _tree as ast
from ._errors import NotContinuable
from ._kinds import HEAP_TYPE, PLAIN, Kinds, is_a
from ._typing_names import Any, NamedTuple
from ._values import MISSING, static_attribute

_BINARY: dict[type[ast.operator], tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    ast.Add: ("add", operator.add, operator.iadd), ast.Sub: ("sub", operator.sub, operator.isub),
    ast.Mult: ("mul", operator.mul, operator.imul), ast.MatMult: ("matmul", operator.matmul, operator.imatmul),
    ast.Div: ("truediv", operator.truediv, operator.itruediv), ast.Mod: ("mod", operator.mod, operator.imod),
    ast.FloorDiv: ("floordiv", operator.floordiv, operator.ifloordiv), ast.Pow: ("pow", operator.pow, operator.ipow),
    ast.LShift: ("lshift", operator.lshift, operator.ilshift), ast.RShift: ("rshift", operator.rshift, operator.irshift),
    ast.BitAnd: ("and", operator.and_, operator.iand), ast.BitOr: ("or", operator.or_, operator.ior),
    ast.BitXor: ("xor", operator.xor, operator.ixor),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str, Callable[..., Any]]] = {
    ast.Eq: ("__eq__", "__eq__", operator.eq), ast.NotEq: ("__ne__", "__ne__", operator.ne),
    ast.Lt: ("__lt__", "__gt__", operator.lt), ast.LtE: ("__le__", "__ge__", operator.le),
    ast.Gt: ("__gt__", "__lt__", operator.gt), ast.GtE: ("__ge__", "__le__", operator.ge),
}  # fmt: skip
IN_PLACE = {op: function for op, (_, _, function) in _BINARY.items()}
#: Types of C that decline to work with an object of a class of the program's, and run none of its code.
_BUILTIN = Kinds(*PLAIN, list, tuple, dict, set, frozenset, range, types.FunctionType)


class Step(NamedTuple):
    """A method that is tried: ``function(owner, other)``.

    Attributes:
        is_reflected: the owner is the right operand.
        is_negated: it is ``__eq__``, tried for ``!=``.
    """

    function: types.FunctionType
    owner: Any
    other: Any
    is_reflected: bool
    is_negated: bool = False


def steps(op: ast.AST, in_place: bool, left: Any, right: Any) -> list[Step]:
    """The methods in the order in which they are tried, each if the one before has declined.

    Raises:
        NotContinuable: C code has a part in it that is not known here.
    """
    _need_plain(left)
    _need_plain(right)
    if type(op) in _COMPARISONS:
        return _comparing(op, left, right)
    name = _BINARY[type(op)][0]  # type: ignore[index]
    forward, reflected = _method(left, f"__{name}__"), _method(right, f"__r{name}__")
    if in_place and is_a(left, (list, set, dict)):
        raise NotContinuable("a builtin container would take the right operand in")
    found: list[Step] = []
    if in_place and (method := _method(left, f"__i{name}__")) is not MISSING:
        found.append(Step(method, left, right, False))
    first = [Step(forward, left, right, False)] if forward is not MISSING else []
    if type(left) is type(right) or reflected is MISSING:
        return found + first
    second = Step(reflected, right, left, True)
    own = static_attribute(type(left), f"__r{name}__")
    if issubclass(type(right), type(left)) and not _is_builtin(left) and reflected is not own:
        return [*found, second, *first]
    return [*found, *first, second]


def _comparing(op: ast.AST, left: Any, right: Any) -> list[Step]:
    forward, reflected, _ = _COMPARISONS[type(op)]  # type: ignore[index]
    first = _comparison(left, right, forward, False)
    second = _comparison(right, left, reflected, True)
    if type(left) is not type(right) and issubclass(type(right), type(left)):
        return second + first
    return first + second


def _comparison(owner: Any, other: Any, name: str, is_reflected: bool) -> list[Step]:
    function = _method(owner, name)
    if function is MISSING and name == "__ne__" and (function := _method(owner, "__eq__")) is not MISSING:
        return [Step(function, owner, other, is_reflected, True)]
    return [Step(function, owner, other, is_reflected)] if function is not MISSING else []


def after_all(op: ast.AST, in_place: bool, left: Any, right: Any) -> Callable[[], Any]:
    """What the interpreter does when every method has declined: a comparison by identity, or an error."""
    if isinstance(op, (ast.Eq, ast.NotEq)):
        return [(left is right) == isinstance(op, ast.Eq)].pop
    if type(op) in _COMPARISONS:
        fails = _COMPARISONS[type(op)][2]  # type: ignore[index]
    else:
        fails = _BINARY[type(op)][1 + in_place]  # type: ignore[index]
    return functools.partial(fails, _nameless(left), _nameless(right))


def _nameless(operand: Any) -> Any:
    """An object that an error message describes like ``operand``, and that has no methods."""
    return operand if _is_builtin(operand) else type(type(operand).__name__, (), {})()


def _method(owner: Any, name: str) -> Any:
    """The Python function that is tried for a special method; MISSING if there is none, or one of C that declines."""
    found = static_attribute(type(owner), name)
    if found is MISSING or _is_builtin(owner) or found is static_attribute(object, name):
        return MISSING
    if not is_a(found, types.FunctionType):
        raise NotContinuable(f"{name} of a {type(owner).__name__} is not a Python function")
    return found


def _need_plain(operand: Any) -> None:
    """Makes sure that what the operand's type does, its Python methods do."""
    if _is_builtin(operand):
        return
    for cls in type.__dict__["__mro__"].__get__(type(operand)):
        if cls is not object and not cls.__flags__ & HEAP_TYPE or "__index__" in cls.__dict__:
            raise NotContinuable(f"{type(operand).__name__} has methods of C")


def _is_builtin(operand: Any) -> bool:
    return type(operand) in _BUILTIN

