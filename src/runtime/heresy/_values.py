"""Reading a paused frame: what an expression gave, without running any of the user's code.

A stop must know which object a call called, and whether something can be computed again. Both are answered by looking
names and attributes up as CPython does, but only where the look-up is a *plain* one: no property, no ``__getattr__``, no
user-defined ``__getitem__`` is ever run.
"""

from __future__ import annotations

import _thread
import builtins
import collections
import operator
import os
import sys
import time
import types
from collections.abc import Callable

from . import _tree as ast
from ._errors import NotContinuable
from ._kinds import FROZEN, MISSING, PLAIN, Kinds, is_a
from ._slots import Slots
from ._typing_names import Any

#: Values of exactly these types cannot change, and operators and formatting on them run no code of the user's.
IMMUTABLE = Kinds(*PLAIN, type(Ellipsis), range, types.BuiltinFunctionType, types.FunctionType)
#: Built-in types have wrappers of their own around the one generic look-up.
_GENERIC_LOOKUPS = frozenset(
    cls.__getattribute__
    for cls in (
        object, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset, range, slice,
        types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.GeneratorType, types.CoroutineType,
        collections.deque, collections.defaultdict, collections.OrderedDict,
    )
)  # fmt: skip
_PLAIN_CONTAINERS = Kinds(list, tuple, dict, str, bytes, range)
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.BitAnd: operator.and_,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert, ast.Not: operator.not_,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip


def is_immutable(value: object) -> bool:
    """Whether computing with ``value`` again gives the same and runs no code of the user's."""
    if type(value) in FROZEN:
        return all(is_immutable(item) for item in value)  # type: ignore[attr-defined]
    return type(value) in IMMUTABLE


class Values:
    """The values that the expressions of one paused frame have."""

    def __init__(self, frame: types.FrameType) -> None:
        self.frame = frame
        self._locals: dict[str, Any] | None = None

    def name(self, name: str) -> Any:
        """The value of a name.

        Raises:
            NotContinuable: it is unbound.
        """
        if self._locals is None:
            self._locals = Slots(self.frame).variables()
        for scope in (self._locals, self.frame.f_globals, self.frame.f_builtins):
            value = scope.get(name, MISSING)
            if value is not MISSING:
                return value
        raise NotContinuable(f"{name} has no value")

    def is_builtin(self, name: str) -> bool:
        """Whether ``name`` means the builtin of that name here."""
        return self.name(name) is getattr(builtins, name)

    def of(self, node: ast.expr) -> Any:
        """The value of an expression, computed without running any code of the user's.

        Raises:
            NotContinuable: that is not possible.
        """
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.name(self.mangled(name))
            case ast.NamedExpr(target=ast.Name(id=name)):
                return self.name(name)
            case ast.Attribute(value=base, attr=attribute):
                return self._attribute(base, self.mangled(attribute))
            case ast.Subscript(value=base, slice=index) if not isinstance(index, ast.Slice):
                container, key = self.of(base), self.of(index)
                if type(container) in _PLAIN_CONTAINERS and is_immutable(key):
                    try:
                        return container[key]
                    except LookupError:
                        raise NotContinuable("the subscript is gone") from None
            case ast.Tuple(elts=items):
                return tuple(self.of(item) for item in items)
            case ast.UnaryOp(op=op, operand=operand):
                return self._operate(op, operand)
            case ast.BinOp(op=op, left=left, right=right) if not isinstance(op, (ast.Pow, ast.MatMult)):
                return self._operate(op, left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._operate(op, left, right)
        raise NotContinuable(f"{type(node).__name__} cannot be looked up again")

    def _operate(self, op: ast.AST, *operands: ast.expr) -> Any:
        values = [self.of(operand) for operand in operands]
        if type(op) not in _OPERATORS or not all(is_immutable(value) for value in values):
            raise NotContinuable(f"{type(op).__name__} may run code")
        try:
            return _OPERATORS[type(op)](*values)
        except Exception:
            raise NotContinuable(f"{type(op).__name__} failed") from None

    def mangled(self, name: str) -> str:
        """``__x`` in a method of ``class C`` means ``_C__x``."""
        if not name.startswith("__") or name.endswith("__"):
            return name
        for part in reversed(self.frame.f_code.co_qualname.split(".")):
            mangled = f"_{part.lstrip('_')}{name}"
            if mangled in self.frame.f_code.co_names or mangled in self.frame.f_code.co_varnames:
                return mangled
        return name

    def _attribute(self, base: ast.expr, name: str) -> Any:
        match base:
            case ast.Call(func=ast.Name(id="super"), args=[], keywords=[]) if self.is_builtin("super"):
                code = self.frame.f_code
                if not code.co_argcount:
                    raise NotContinuable("super() without an argument")
                return self._super(self.name("__class__"), self.name(code.co_varnames[0]), name)
            case ast.Call(func=ast.Name(id="super"), args=[owner, instance], keywords=[]) if self.is_builtin("super"):
                return self._super(self.of(owner), self.of(instance), name)
            case _:
                pass
        return plain_attribute(self.of(base), name)

    def _super(self, owner: Any, instance: Any, name: str) -> Any:
        start = instance if is_a(instance, type) and owner in instance.__mro__ else type(instance)
        mro = type.mro(start) if start is type else start.__mro__
        for cls in mro[mro.index(owner) + 1 :]:
            if name in cls.__dict__:
                return _bind(cls.__dict__[name], None if start is instance else instance, start)
        raise NotContinuable(f"super().{name} is not there")


def plain_attribute(value: object, name: str) -> Any:
    """``value.name``, if looking it up runs no code of the user's.

    Raises:
        NotContinuable: it would, or the attribute is not there.
    """
    if is_a(value, types.ModuleType) and type(value).__getattribute__ is types.ModuleType.__getattribute__:
        if name in value.__dict__:
            return value.__dict__[name]
        raise NotContinuable(f"module {value.__name__} has no {name}")
    if is_a(value, type):
        return _class_attribute(value, name)
    cls = type(value)
    if static_attribute(cls, "__getattribute__") not in _GENERIC_LOOKUPS:
        raise NotContinuable(f"{cls.__name__} looks attributes up itself")
    found = static_attribute(cls, name)
    own = _instance_dict(value)
    if own is not None and name in own and not _is_data_descriptor(found):
        return own[name]
    if found is MISSING:
        raise NotContinuable(f"{cls.__name__} has no plain attribute {name}")
    return _bind(found, value, cls)


def _class_attribute(cls: type, name: str) -> Any:
    if type(cls).__getattribute__ is not type.__getattribute__:
        raise NotContinuable(f"{type(cls).__name__} looks attributes up itself")
    if _is_data_descriptor(static_attribute(type(cls), name)):
        raise NotContinuable(f"{name} is computed by the metaclass")
    found = static_attribute(cls, name)
    if found is MISSING:
        meta = static_attribute(type(cls), name)
        if meta is MISSING:
            raise NotContinuable(f"{cls.__name__} has no plain attribute {name}")
        return _bind(meta, cls, type(cls))
    return _bind(found, None, cls)


def _bind(found: Any, instance: Any, owner: type) -> Any:
    """What a descriptor found on a class gives, if it is one of the plain kinds."""
    if is_a(found, types.FunctionType):
        return found if instance is None else types.MethodType(found, instance)
    if is_a(found, classmethod) and is_a(found.__func__, types.FunctionType):
        return types.MethodType(found.__func__, owner)
    if is_a(found, staticmethod):
        return found.__func__
    if is_a(found, (types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType)):
        return found.__get__(instance, owner)
    if is_a(found, types.MemberDescriptorType) and instance is not None:
        try:
            return found.__get__(instance, owner)
        except AttributeError:
            raise NotContinuable("the slot is empty") from None
    if hasattr(type(found), "__get__"):
        raise NotContinuable(f"the attribute is a {type(found).__name__}")
    return found


def static_attribute(cls: type, name: str) -> Any:
    """What a class or one of its bases holds under a name, or a value that is equal to nothing else."""
    for base in type.__dict__["__mro__"].__get__(cls):
        if name in base.__dict__:
            return base.__dict__[name]
    return MISSING


def _instance_dict(value: object) -> dict[str, Any] | None:
    descriptor = static_attribute(type(value), "__dict__")
    if is_a(descriptor, types.GetSetDescriptorType):
        return descriptor.__get__(value)
    return None


def _is_data_descriptor(found: Any) -> bool:
    return found is not MISSING and (hasattr(type(found), "__set__") or hasattr(type(found), "__delete__"))


def special_method(value: object, name: str) -> types.FunctionType:
    """The Python function that the interpreter runs for ``value``'s special method of this name, with ``value`` first.

    Raises:
        NotContinuable: there is none, or something stands in between.
    """
    found = static_attribute(type(value), name)
    if not is_a(found, types.FunctionType):
        raise NotContinuable(f"{name} of a {type(value).__name__} is not a Python function")
    return found


def bound_special(value: object, name: str) -> Any:
    """A special method as the interpreter binds it: found on the class, past ``__getattr__``."""
    found = static_attribute(type(value), name)
    return found.__get__(value, type(value)) if hasattr(type(found), "__get__") else found


def restartable_waits() -> list[Any]:
    """The C functions that only wait: a call of one can be abandoned and made again without harm.

    So does ``input`` at a terminal, until it has a whole line. Elsewhere it may have taken a part of one.
    """
    waits: list[Any] = [time.sleep, *_ACQUIRES]
    if "select" in sys.modules:
        waits.append(sys.modules["select"].select)
    if _asks_terminal():
        waits.append(input)
    return waits


#: With these events, conditions and queues wait.
_ACQUIRES = [vars(lock)["acquire"] for lock in (_thread.LockType, _thread.RLock)]


def _asks_terminal() -> bool:
    """Whether ``input`` reads what is typed by itself, past the buffer of ``sys.stdin``."""
    try:
        return [sys.stdin.fileno(), sys.stdout.fileno()] == [0, 1] and os.isatty(0) and os.isatty(1)
    except (OSError, ValueError, AttributeError):
        return False
