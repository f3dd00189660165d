"""What runs at a site: which function of Python's the interpreter calls there directly, and what becomes of its result.

Nothing is called to find that out. What the program looks up by itself is looked up again, if that runs no code, or known by
where it lay; what the interpreter looks up on a type is found there, and operators have their operands on the value stack.
"""

from __future__ import annotations

import functools
import gc
import types
from collections.abc import Iterator

from . import _cpython, _operators
from . import _tree as ast
from ._errors import NotContinuable
from ._generated import original
from ._kinds import is_a
from ._program import BODIES
from ._programs import Programs
from ._sites import CALL, NEW, Site
from ._slots import Slots, generator_of
from ._taken import Dropped, Taken
from ._typing_names import Any, NamedTuple
from ._values import MISSING, Values, special_method, static_attribute


class Callee(NamedTuple):
    """The Python function whose frame comes next.

    Attributes:
        function: that function.
        kind: of the site, if it is a more special one than could be seen from the instruction.
        makes: the class whose instance the call gives, for a frame of ``__init__``; the call's value is then the
            instance, not what the frame returns.
        operands: the objects that the site needs again once the function has returned.
        instance: in a tuple, that instance, if it is known.
    """

    function: types.FunctionType
    kind: str = ""
    makes: type | None = None
    operands: tuple[Any, ...] = ()
    instance: tuple[Any, ...] = ()


class Following:
    """The frame that runs at a site: its code, and what its function was called with."""

    def __init__(self, programs: Programs, frame: types.FrameType) -> None:
        self.programs = programs
        self.frame = frame
        self.scope = programs.scope(frame.f_code)

    @functools.cached_property
    def function(self) -> Any:
        """The function that it runs."""
        return self._slots.function()

    @functools.cached_property
    def _slots(self) -> Slots:
        return Slots(self.frame)

    @property
    def generator(self) -> Any:
        """The generator whose frame it is; MISSING if it is none."""
        return generator_of(self.frame) if self.frame.f_code.co_flags & _GENERATORS else MISSING

    def runs(self, function: Any) -> bool:
        """Whether it is a frame of this function. A resumed frame runs the resume form of its function's code."""
        if not is_a(function, types.FunctionType):
            return False
        if function.__code__ is original(self.frame.f_code):
            return True
        wanted = self.programs.scope(function.__code__)
        return (
            self.scope is not None
            and wanted is not None
            and self.scope.program is wanted.program
            and self.scope.key == wanted.key
        )

    def argument(self, index: int) -> Any:
        """What the function was called with.

        Raises:
            NotContinuable: nothing, or the parameter may have been rebound since.
        """
        found = self.argument_if_kept(index)
        if found is MISSING:
            raise NotContinuable(f"{self.frame.f_code.co_qualname} does not keep what it was called with")
        return found

    def argument_if_kept(self, index: int) -> Any:
        code = self.frame.f_code
        if self.scope is None:
            rebound = _cpython.rebound_variables(code) | {*code.co_cellvars}
        elif isinstance(self.scope.node, BODIES):
            rebound = _rebound_names(self.scope.node)
        else:
            return MISSING
        values = self._slots.variables()
        if index < code.co_argcount:
            name = code.co_varnames[index]
            return MISSING if name in rebound else values.get(name, MISSING)
        if not code.co_flags & _VARARGS:
            return MISSING
        name = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        rest = values.get(name) if name not in rebound else ()
        return (
            rest[index - code.co_argcount] if type(rest) is tuple and len(rest) > index - code.co_argcount else MISSING
        )


_VARARGS = 0x04
_GENERATORS = 0x0020 | 0x0080 | 0x0200


@functools.cache
def _rebound_names(scope: ast.AST) -> set[str]:
    """The names that a scope, or one inside it, binds or deletes."""
    names: set[str] = set()
    for node in ast.walk(scope):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case (
                ast.ExceptHandler(name=str() as name)
                | ast.MatchAs(name=str() as name)
                | ast.MatchStar(name=str() as name)
            ):
                names.add(name)
            case ast.MatchMapping(rest=str() as name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=module, asname=name):
                names.add((name or module).split(".")[0])
    return names


def running(site: Site, values: Values, taken: Taken, following: Following) -> Callee:
    """What the interpreter runs directly at a site.

    Args:
        values: what the names in the frame mean.
        taken: what the instruction works on.

    Raises:
        NotContinuable: that is not the frame that follows, or it cannot be known.
    """
    node = site.node
    if taken.hole is not None and taken.hole.runs is following.frame.f_code:
        # It was continued there.
        return Callee(following.function, operands=tuple(taken.hole.operands), instance=tuple(taken.hole.instance))
    match site.kind:
        case "call" | "new":
            found = _called(node.func, values, taken, following)
        case "decorate":
            found = _called(node, values, taken, following)
            if found.kind == NEW:
                raise NotContinuable("a decorator is a class that makes its instances itself")
            found = found._replace(kind="")
        case "enter":
            manager = following.argument(0)
            found = Callee(special_method(manager, "__enter__"), operands=("__enter__", manager))
        case "exit" | "catch":
            found = Callee(special_method(following.argument(0), "__exit__"))
        case "operate" | "compare":
            found = _operating(site, taken, following)
        case _:
            found = next(_looked_up(site, values, taken, following), None)  # type: ignore[assignment]
    if found is None or not following.runs(found.function) or _is_finalizer(following):
        raise NotContinuable(f"{following.frame.f_code.co_qualname} is not run by this {site.kind} directly")
    return found


def _is_finalizer(following: Following) -> bool:
    """Whether the frame may be one that an instruction runs when it drops what it has used."""
    first = following.argument_if_kept(0)
    named = following.frame.f_code.co_name == "__del__"
    return named or first is not MISSING and following.runs(static_attribute(type(first), "__del__"))


# --- calls ----------------------------------------------------------------------------------------------------------


def _called(node: ast.expr, values: Values, taken: Taken, following: Following) -> Callee:
    """What a call runs whose callee is the value of ``node``."""
    if taken.hole is not None:
        return called(taken.hole.operands[0] if taken.hole.operands else values.of(node), following)
    for what in _perhaps_called(following):
        if taken.is_call_of(what):
            made = what is following.function and _is_making(node, values, taken, following)
            return called(type(following.argument(0)) if made else what, following)
    if isinstance(taken, Dropped) and (method := _method_of_new(node, values, following)) is not MISSING:
        return Callee(method)
    return called(values.of(node), following)


def _method_of_new(node: ast.expr, values: Values, following: Following) -> Any:
    """The method of ``Class(…).method``, which was called though the object had no name; MISSING if that is not certain."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Call):
        return MISSING
    name = values.mangled(node.attr)
    try:
        cls, instance = values.of(node.value.func), following.argument(0)
    except NotContinuable:
        return MISSING
    usual = type(cls) is type and all(static_attribute(cls, each) is object.__dict__[each] for each in _OF_OBJECTS)
    if not usual or type(instance) is not cls or name in getattr(instance, "__dict__", ()):
        return MISSING
    return static_attribute(cls, name)


#: With these, what a class gives is an instance of its own, and has the attributes of its class.
_OF_OBJECTS = ("__new__", "__getattribute__")


def _is_making(node: ast.expr, values: Values, taken: Taken, following: Following) -> bool:
    """Whether a call makes an instance though it seems to call ``__init__`` as a method.

    From 3.14 on, ``Class(…)`` that has run before puts ``__init__`` and the instance into the places of the class and of NULL.
    """
    if following.frame.f_code.co_name != "__init__" or isinstance(node, ast.Attribute) and node.attr == "__init__":
        return False
    if not taken.is_call_of(following.argument(0)):
        return False
    try:
        return is_a(values.of(node), type)
    except NotContinuable:
        if _cpython.is_making_instance(following.frame.f_back):
            return True
        raise


def _perhaps_called(following: Following) -> Iterator[Any]:
    """Objects that are alive and may have been called for a frame to run: functions, what wraps them, classes, instances."""
    function = following.function
    yield function
    first = following.argument_if_kept(0)
    if first is not MISSING:
        yield first
        yield type(first)
    wrappers = [function]
    for _ in range(_MOST_WRAPPERS):
        wrappers = [found for found in gc.get_referrers(*wrappers) if type(found) in _WRAPPERS]
        yield from wrappers
        if not wrappers:
            break


_WRAPPERS = (types.MethodType, functools.partial, staticmethod)
_MOST_WRAPPERS = 4


def called(what: Any, following: Following) -> Callee:
    """The Python function that calling an object runs, with the call's value being the function's."""
    for _ in range(20):
        if is_a(what, types.FunctionType):
            return Callee(what)
        if is_a(what, types.MethodType):
            what = what.__func__
        elif type(what) is functools.partial:
            what = what.func
        elif type(what) is staticmethod:
            what = what.__func__
        elif type(what) is types.MethodWrapperType and what.__name__ == "__call__":
            owner = what.__self__
            if what.__objclass__ is type:
                return _constructor(owner, following)
            what = owner
        elif is_a(what, type):
            meta = static_attribute(type(what), "__call__")
            if meta is type.__dict__["__call__"]:
                return _constructor(what, following)
            what = meta
        else:
            what = static_attribute(type(what), "__call__")
        if what is MISSING:
            break
    raise NotContinuable("what is called is not a Python function")


def _constructor(cls: type, following: Following) -> Callee:
    """What ``type.__call__`` runs: ``__new__``, then ``__init__`` of what that has made."""
    maker = static_attribute(cls, "__new__")
    maker = maker.__func__ if type(maker) is staticmethod else maker
    if is_a(maker, types.FunctionType) and following.runs(maker):
        return Callee(maker, kind=NEW, operands=(cls,))
    initializer = static_attribute(cls, "__init__")
    if is_a(maker, types.FunctionType):
        # It may have made an instance of a subclass.
        instance = following.argument(0)
        if cls not in type(instance).__mro__:
            raise NotContinuable("__init__ runs for another class")
        cls = type(instance)
        initializer = static_attribute(cls, "__init__")
    elif maker is not object.__new__ and not is_a(maker, types.BuiltinMethodType):
        raise NotContinuable(f"{cls.__name__}() does not call __init__ directly")
    if not is_a(initializer, types.FunctionType):
        raise NotContinuable(f"{cls.__name__}() does not call __init__ directly")
    return Callee(initializer, kind=CALL, makes=cls)


# --- what is looked up on a type ------------------------------------------------------------------------------------


def _looked_up(site: Site, values: Values, taken: Taken, following: Following) -> Iterator[Callee]:
    node, first = site.node, following.argument(0)
    match site.kind, node:
        case "read", ast.Attribute(attr=attribute):
            yield from _read(values.mangled(attribute), _is_super(node), following)
        case "read", _:
            yield from _methods(following, "__getitem__")
            if is_a(first, dict):
                yield from _methods(following, "__missing__")
            if is_a(first, type):
                found = static_attribute(first, "__class_getitem__")
                if is_a(found, classmethod) and following.runs(found.__func__):
                    yield Callee(found.__func__)
        case "write", ast.Attribute(attr=attribute):
            yield from _changed(values.mangled(attribute), ("fset", "__set__", "__setattr__"), following)
        case "delete", ast.Attribute(attr=attribute):
            yield from _changed(values.mangled(attribute), ("fdel", "__delete__", "__delattr__"), following)
        case "write", _:
            yield from _methods(following, "__setitem__")
        case "delete", _:
            yield from _methods(following, "__delitem__")
        case "iterate", _:
            yield from _methods(following, "__iter__")
        case "test", _:
            yield from _methods(following, "__bool__")
            if static_attribute(type(first), "__bool__") is MISSING:
                yield from _methods(following, "__len__")
        case "contain", _:
            yield from _methods(following, "__contains__")
        case "format", ast.FormattedValue(conversion=conversion, format_spec=spec):
            if conversion != -1 and spec is not None and not _cpython.CONVERTS_BEFORE_FORMAT:
                raise NotContinuable("a value is converted after its format was evaluated")
            if taken.hole is None and id(first) not in taken.addresses:
                return  # a list, say, has its items represented
            names = {-1: ["__format__", "__str__", "__repr__"], ord("s"): ["__str__", "__repr__"]}
            for name in names.get(conversion, ["__repr__"]):
                yield from _methods(following, name)
                if static_attribute(type(first), name) is not static_attribute(object, name):
                    break


def _methods(following: Following, name: str) -> Iterator[Callee]:
    found = static_attribute(type(following.argument(0)), name)
    if following.runs(found):
        yield Callee(found, operands=(name,))


def _read(name: str, is_super: bool, following: Following) -> Iterator[Callee]:
    """What reading an attribute runs, with the attribute's value being the result."""
    first = following.argument(0)
    getter = static_attribute(type(first), "__getattr__")
    if following.runs(getter) and following.argument(1) == name:
        yield Callee(getter)
    if is_a(first, types.ModuleType) or getter is not MISSING:
        return  # an AttributeError would make the interpreter ask `__getattr__`
    found = static_attribute(type(first), name)
    bases = type.__dict__["__mro__"].__get__(type(first)) if is_super else ()
    for each in [found, *(base.__dict__.get(name) for base in bases)]:
        if is_a(each, property) and following.runs(each.fget):
            yield Callee(each.fget)
    getter = static_attribute(type(first), "__getattribute__")
    if following.runs(getter) and following.argument(1) == name:
        yield Callee(getter)
    getter = static_attribute(type(first), "__get__")
    if following.runs(getter):
        instance, owner = following.argument(1), following.argument(2)
        if static_attribute(owner, name) is first and (
            instance is None or static_attribute(type(instance), "__getattr__") is MISSING
        ):
            yield Callee(getter)


def _changed(name: str, names: tuple[str, str, str], following: Following) -> Iterator[Callee]:
    """What storing or deleting an attribute runs."""
    of_property, of_descriptor, of_type = names
    first = following.argument(0)
    found = static_attribute(type(first), name)
    if is_a(found, property) and following.runs(getattr(found, of_property)):
        yield Callee(getattr(found, of_property))
    method = static_attribute(type(first), of_type)
    if following.runs(method) and following.argument(1) == name:
        yield Callee(method)
    method = static_attribute(type(first), of_descriptor)
    if following.runs(method) and static_attribute(type(following.argument(1)), name) is first:
        yield Callee(method)


def _is_super(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id == "super"


# --- operators ------------------------------------------------------------------------------------------------------


def _operating(site: Site, taken: Taken, following: Following) -> Callee:
    """The step of an operator that is running."""
    match site.node:
        case ast.UnaryOp(op=op):
            name = {ast.USub: "__neg__", ast.UAdd: "__pos__", ast.Invert: "__invert__"}[type(op)]
            return Callee(special_method(following.argument(0), name))
        case ast.BinOp(op=op) | ast.Compare(ops=[op]):
            in_place = False
        case ast.AugAssign(op=op):
            in_place = True
        case _:
            raise NotContinuable("inside a chain of comparisons")
    owner = following.argument(0)
    if taken.hole is not None:
        if len(taken.hole.operands) < 2:
            raise NotContinuable("an operator has been settled")
        left, right = taken.hole.operands[:2]
    else:
        special = [name for base in type.__dict__["__mro__"].__get__(type(owner)) for name in base.__dict__]
        names = {name for name in special if following.runs(static_attribute(type(owner), name))}
        if id(owner) not in taken.addresses or not names or "__del__" in names:
            raise NotContinuable("what an operator runs is not known")
        left, right = taken.values()
    steps = _operators.steps(op, in_place, left, right)
    found = [n for n, step in enumerate(steps) if following.runs(step.function)]
    if len(found) > 1:
        # One function does for several: its first argument tells.
        found = [n for n in found if steps[n].owner is owner]
    if len(found) != 1:
        raise NotContinuable("which step of an operator is running is not known")
    return Callee(steps[found[0]].function, operands=(left, right, found[0]))
