"""Functions, methods and cells.

A function is rebuilt from its code, which is found by qualified name in the recompiled module; its defaults, cells and
attributes come from the checkpoint. No ``def`` is executed again.
"""

from __future__ import annotations

import abc
import functools
import gc
import itertools
import sys
import types
from collections.abc import Iterator

from .. import _stop
from .._code_index import LAZY_ANNOTATIONS, MARK, CodeIndex, ScopeKey, marked
from .._kinds import is_a
from .._typing_names import Any
from . import generated
from .pickling import (
    REDUCERS,
    CannotSave,
    Modules,
    Reduced,
    StatePickler,
    import_by_name,
    library_reducer,
    reducer,
)

_EMPTY: Any = object()
#: The modules of the program that is being restored; set by `restoring`.
_modules: Modules | None = None


def restoring(modules: Modules) -> None:
    """Tells where the functions that are now unpickled find their code."""
    global _modules
    _modules = modules


def restored_modules() -> Modules:
    """What `restoring` told."""
    assert _modules is not None
    return _modules


@reducer(types.FunctionType)
def _function(pickler: StatePickler, function: types.FunctionType) -> Reduced:
    module = pickler.modules.with_globals(function.__globals__)
    unit = pickler.modules.units.of_code(function.__code__)
    if module is None and (unit is None or unit.library):
        return _library_function(pickler, function)
    if module is None or unit is None:
        return _from_code(pickler, function)
    code = function.__code__
    made_from = (unit.id, unit.index.key(code), module, function.__closure__, code.co_flags & MARK)
    return make_function, made_from, function_state(function), None, None, set_function_state


def _library_function(pickler: StatePickler, function: types.FunctionType) -> Reduced:
    """By name if it can be imported; else from the code that the library's function of that name holds."""
    module, name = function.__module__, function.__qualname__
    # A wrapper goes under the name of what it wraps, which may be a function of the program's.
    if not pickler.modules.has(module) and importable(module, name) is function:
        return NotImplemented
    home = function.__globals__.get("__name__")
    of_library = getattr(sys.modules.get(home), "__dict__", None) is function.__globals__
    held = _held_by_library(function) if of_library else None
    if held is not None:
        return library_function, held
    located = locate_library_code(home, function.__code__) if of_library else None
    if located is None:
        return _from_code(pickler, function)
    return (
        make_library_function,
        (*located, function.__closure__),
        function_state(function),
        None,
        None,
        set_function_state,
    )


def _from_code(pickler: StatePickler, function: types.FunctionType) -> Reduced:
    """From its code, by value if that has no name, and the globals that it has: `exec` takes any dict for them."""
    return *generated.function(pickler, function), function_state(function), None, None, set_function_state


def _held_by_library(function: types.FunctionType) -> tuple[str, str, str, int] | None:
    """Where a library keeps a function under another name, or wrapped.

    Returns:
        its module, the class if it is in one, the name, and how many layers are around it.
    """
    module, owner = function.__globals__.get("__name__"), function.__qualname__.rpartition(".")[0]
    holder = importable(module, owner) if owner else sys.modules.get(module or "")
    if module is None:
        return None
    for name, value in list(getattr(holder, "__dict__", {}).items()):
        for depth, layer in enumerate(_layers(value)):
            if layer is function:
                return module, owner, name, depth
    # Something else was put in its place, which is not so in a module that is imported again.
    name = function.__code__.co_qualname
    instead = getattr(holder, "__dict__", {}).get(name)
    same_file = getattr(getattr(instead, "__code__", None), "co_filename", None) == function.__code__.co_filename
    is_replaced = instead is not None and not same_file and name == function.__qualname__
    return (module, owner, name, 0) if not owner and is_replaced else None


def library_function(module: str, owner: str, name: str, depth: int) -> Any:
    import_by_name(module)
    holder = importable(module, owner) if owner else sys.modules[module]
    return next(itertools.islice(_layers(holder.__dict__[name]), depth, None))


def _layers(value: Any) -> Iterator[Any]:
    """What a library holds, and what that wraps: a function may be known by its identity, and only its wrapper by its name."""
    yield value
    for _ in range(_LAYERS):
        if is_a(value, (staticmethod, classmethod, types.MethodType)):
            value = value.__func__
        elif is_a(value, _WRAPPERS):
            value = value.__dict__.get("__wrapped__")
        else:
            return
        yield value


_LAYERS = 4
_WRAPPERS = (types.FunctionType, functools._lru_cache_wrapper)


def importable(module: str | None, qualname: str) -> Any:
    found: Any = sys.modules.get(module or "")
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def locate_library_code(module: str | None, code: types.CodeType) -> tuple[str, str, ScopeKey] | None:
    """Where a library keeps a code object: the module, its importable owner, the key inside the owner's code."""
    outer = code.co_qualname.split(".<locals>")[0]
    owner = getattr(importable(module, outer), "__code__", None)
    if module is None or owner is None:
        return None
    key = CodeIndex(owner).key(code)
    return (module, outer, key) if key is not None else None


def make_library_function(
    module: str, outer: str, key: ScopeKey, closure: tuple[types.CellType, ...] | None
) -> types.FunctionType:
    import_by_name(module)
    code = CodeIndex(importable(module, outer).__code__).code(key)
    if code is None and _is_not_asked(key):
        return types.FunctionType((lambda format: {}).__code__, {})
    if code is None:
        raise CannotSave(f"{key[0]} is no longer in {module}")
    return types.FunctionType(code, sys.modules[module].__dict__, code.co_name, None, _closure(code, closure))


def _is_not_asked(key: ScopeKey) -> bool:
    """Whether a function is there for annotations that are evaluated late, as they are not here."""
    return not LAZY_ANNOTATIONS and key[0].rpartition(".")[2] in ("__annotate__", "annotate")


def make_function(
    unit: str, key: ScopeKey, module: types.ModuleType, closure: tuple[types.CellType, ...] | None, mark: int
) -> types.FunctionType:
    """A function of the program, without its state."""
    if _is_not_asked(key):
        return types.FunctionType((lambda format: {}).__code__, {})
    edits = restored_modules().edits.get(unit)
    if edits is not None and (gone := edits.definitions.code_of_gone(key)) is not None:
        return types.FunctionType(marked(gone, mark), module.__dict__, gone.co_name, None, _closure(gone, closure))
    code = code_again(unit, key, mark)
    cells = _closure(code, closure) if edits is None else edits.definitions.closure(key, closure)
    function = types.FunctionType(code, module.__dict__, code.co_name, None, cells)
    if edits is not None:
        edits.definitions.made(function, key)
    return function


def _closure(code: types.CodeType, cells: tuple[types.CellType, ...] | None) -> tuple[types.CellType, ...] | None:
    # Free variables are in alphabetical order in every version. Without any, ``__closure__`` is None.
    return tuple(cells or ())[: len(code.co_freevars)] or None


def function_state(function: types.FunctionType) -> dict[str, Any]:
    """What a function has beyond its code."""
    state: dict[str, Any] = {}
    for name, usual in (("__name__", function.__code__.co_name), ("__qualname__", function.__code__.co_qualname)):
        if getattr(function, name) != usual:
            state[name] = getattr(function, name)
    for name in ("__defaults__", "__kwdefaults__", "__module__", "__doc__"):
        state[name] = getattr(function, name)
    attributes, references = _attributes(function)
    if attributes or references > _OWN_REFERENCES:
        state["__dict__"] = attributes  # empty or not: somebody else may hold it
    if getattr(function, "__type_params__", ()):
        state["__type_params__"] = function.__type_params__  # type: ignore[attr-defined]
    annotate = getattr(function, "__annotate__", None) if LAZY_ANNOTATIONS else None
    if annotate is not None and is_a(annotate, types.FunctionType):
        state["__annotate__"] = annotate
        if (evaluated := _evaluated_annotations(function)) is not None:
            state["__annotations__"] = evaluated
        elif (values := plain_annotations(annotate)) is not None:
            state["annotations"] = values
    elif function.__annotations__:
        state["__annotations__"] = function.__annotations__
    return state


def _attributes(function: types.FunctionType) -> tuple[dict[str, Any], int]:
    """What a function was given, and how many references there are to that."""
    attributes = function.__dict__
    return attributes, sys.getrefcount(attributes)


#: The function's own, and those of `_attributes`, which are not as many in every version.
_OWN_REFERENCES = _attributes(types.FunctionType(_attributes.__code__, {}))[1]


def _evaluated_annotations(function: types.FunctionType) -> dict[str, Any] | None:
    """The annotations that a function keeps since it was asked for them first; None if it was not."""
    others = (function.__globals__, function.__builtins__, function.__kwdefaults__, function.__dict__)
    found = [each for each in gc.get_referents(function) if type(each) is dict]
    return next((each for each in found if all(each is not other for other in others)), None)


def plain_annotations(annotate: Any) -> dict[str, Any] | None:
    """The values of annotations that only look things up, for an interpreter that evaluates them early; None of others."""
    from .._bytecode import calls

    if type(annotate) is not types.FunctionType or annotate.__module__ != "typing" and calls(annotate.__code__):
        return None
    try:
        return annotate(1)
    except Exception:
        return None  # a name is not bound yet, or never


def _keep_annotations(function: types.FunctionType, annotate: types.FunctionType, annotations: dict[str, Any]) -> None:
    """Gives a function both: each of the two attributes clears the other when it is set."""
    code = annotate.__code__
    given = (lambda _: "annotations").__code__
    consts = tuple(annotations if const == "annotations" else const for const in given.co_consts)
    annotate.__code__ = given.replace(co_consts=consts, co_freevars=code.co_freevars)
    try:
        getattr(function, "__annotations__")  # noqa: B009
    finally:
        annotate.__code__ = code


def set_function_state(function: types.FunctionType, state: dict[str, Any]) -> None:
    if type(function) is not types.FunctionType:
        return  # it stands for one that another Python has made
    values = state.pop("annotations", None)
    if values is not None and not LAZY_ANNOTATIONS:
        state["__annotations__"] = values
    both = LAZY_ANNOTATIONS and "__annotate__" in state and state.pop("__annotations__", None)
    for name, value in state.items():
        try:
            setattr(function, name, value)
        except AttributeError:
            # `__annotate__` and `__type_params__` came with 3.14 and 3.12: an older interpreter goes without.
            continue
    if both:
        _keep_annotations(function, state["__annotate__"], both)


@reducer(types.CodeType)
def _code(pickler: StatePickler, code: types.CodeType) -> Reduced:
    unit = pickler.modules.units.of_code(code)
    if unit is None or unit.library:
        return generated.code(code)
    return code_again, (unit.id, unit.index.key(code), code.co_flags & MARK)


def code_again(unit: str, key: ScopeKey, mark: int) -> types.CodeType:
    """The code of that name in the recompiled module."""
    code = restored_modules().code(unit, key)
    if code is None:
        raise CannotSave(f"{key[0]} is not in {unit}")
    return marked(code, mark)


# --- cells ------------------------------------------------------------------------------------------------------


@reducer(types.CellType)
def _cell(pickler: StatePickler, cell: types.CellType) -> Reduced:
    try:
        contents = (cell.cell_contents,)
    except ValueError:
        contents = ()
    cls = _class_of(contents[0]) if contents and _is_namespace(contents[0]) else None
    if cls is not None:
        return types.CellType, (), cls, None, None, set_class_cell
    return types.CellType, (), contents, None, None, set_cell


def set_cell(cell: types.CellType, contents: tuple[Any, ...]) -> None:
    if contents:
        cell.cell_contents = contents[0]


def _is_namespace(value: object) -> bool:
    """Whether a dict may be the namespace of a class itself: functions that evaluate type parameters (from 3.12 on) or
    annotations (from 3.14 on) hold it."""
    return type(value) is dict and "__module__" in value and "__doc__" in value


def _class_of(namespace: dict[str, Any]) -> type | None:
    """The class that a dict is the namespace of; none if that is still being made."""
    for holder in gc.get_referrers(namespace):
        if is_a(holder, type) and gc.get_referents(holder.__dict__)[0] is namespace:
            return holder
    return None


def set_class_cell(cell: types.CellType, cls: type) -> None:
    cell.cell_contents = gc.get_referents(cls.__dict__)[0]


# --- what wraps functions -----------------------------------------------------------------------------------------


@reducer(types.MethodType)
def _method(pickler: StatePickler, method: types.MethodType) -> Reduced:
    if _stop.stopper is not None and method == _stop.stopper.handlers.answer:
        return _answer, ()
    return types.MethodType, (method.__func__, method.__self__)


def _answer() -> Any:
    """What answers signals in this process; a program that asks who handles SIGINT is given it."""
    return _stop.stopper and _stop.stopper.handlers.answer


@reducer(types.BuiltinMethodType)
def _builtin_method(pickler: StatePickler, method: Any) -> Reduced:
    """A method of C's bound to an object, whose class may have one of its own under that name."""
    owner, name = method.__self__, method.__name__
    if owner is None or is_a(owner, types.ModuleType):
        return NotImplemented
    descriptor = types.ClassMethodDescriptorType if is_a(owner, type) else types.MethodDescriptorType
    for cls in type.__dict__["__mro__"].__get__(owner if is_a(owner, type) else type(owner)):
        found = cls.__dict__.get(name)
        if type(found) is descriptor and _bound(found, owner) == method:
            return bound_method, (_unless_its_own(cls, owner), name, owner)
    return NotImplemented


@reducer(types.MethodWrapperType)
def _method_wrapper(pickler: StatePickler, method: Any) -> Reduced:
    owner = method.__self__
    return bound_method, (_unless_its_own(method.__objclass__, owner), method.__name__, owner)


def _unless_its_own(cls: type, owner: Any) -> type | None:
    """A class; none if it is that of the object: many of C's have no name to be found by."""
    return None if cls is type(owner) else cls


def _bound(descriptor: Any, owner: Any) -> Any:
    return descriptor.__get__(None, owner) if is_a(owner, type) else descriptor.__get__(owner, type(owner))


def bound_method(cls: type | None, name: str, owner: Any) -> Any:
    """What ``cls`` (or the object's own), or a base of it, has under a name, bound to an object."""
    bases = type.__dict__["__mro__"].__get__(type(owner) if cls is None else cls)
    found = next(base.__dict__[name] for base in bases if name in base.__dict__)
    return _bound(found, owner) if type(found) is types.ClassMethodDescriptorType else found.__get__(owner, type(owner))


@reducer(super)
def _super(pickler: StatePickler, proxy: Any) -> Reduced:
    # What is asked of the proxy itself, it looks up on the object behind it.
    cls, obj = (super.__dict__[name].__get__(proxy) for name in ("__thisclass__", "__self__"))
    return super, (cls,) if obj is None else (cls, obj)


@reducer(staticmethod, classmethod, abc.abstractstaticmethod, abc.abstractclassmethod)
def _wrapped_method(pickler: StatePickler, method: Any) -> Reduced:
    return type(method), (method.__func__,), _set_since(method, type(method)(method.__func__)) or None


def _set_since(obj: Any, fresh: Any) -> dict[str, Any]:
    """The attributes that an object was given since it was made like another."""
    return {name: value for name, value in vars(obj).items() if vars(fresh).get(name, _EMPTY) is not value}


@reducer(property, abc.abstractproperty)
def _property(pickler: StatePickler, prop: property) -> Reduced:
    return type(prop), (prop.fget, prop.fset, prop.fdel, prop.__doc__)


@reducer(types.MappingProxyType)
def _proxy(pickler: StatePickler, proxy: Any) -> Reduced:
    """What ``vars(cls)`` has given shows what the class has now; any other is made again over what it is one of."""
    behind = gc.get_referents(proxy)
    cls = _class_of(behind[0]) if behind and _is_namespace(behind[0]) else None
    return (class_proxy, (cls,)) if cls is not None else (types.MappingProxyType, (behind[0],))


def class_proxy(cls: type) -> types.MappingProxyType[str, Any]:
    return cls.__dict__


@library_reducer("functools", "cached_property")
def _cached_property(pickler: StatePickler, prop: Any) -> Reduced:
    # Before 3.12 it has a lock, which is made with it.
    state = {name: value for name, value in vars(prop).items() if name not in ("func", "lock")}
    return type(prop), (prop.func,), state


@library_reducer("functools", "partialmethod")
def _partial_method(pickler: StatePickler, method: Any) -> Reduced:
    return make_partial_method, (method.func, method.args, method.keywords), dict(method.__dict__)


def make_partial_method(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return functools.partialmethod(function, *args, **keywords)


REDUCERS[types.MethodDescriptorType] = lambda pickler, method: (getattr, (method.__objclass__, method.__name__))


# --- the globals that the others need -------------------------------------------------------------------------------


class Definitions:
    """The functions, classes and constants of a module: they are in place before anything behind them is rebuilt."""

    def __init__(self, module: types.ModuleType, names: dict[str, Any]) -> None:
        self.module = module
        self.names = names
        #: The class that the program has given to the module itself, if it has.
        self.kind = type(module) if type(module) is not types.ModuleType else None


@reducer(Definitions)
def _definitions(pickler: StatePickler, definitions: Definitions) -> Reduced:
    return define, (definitions.module, definitions.names, *([definitions.kind] if definitions.kind else []))


def define(module: types.ModuleType, names: dict[str, Any], kind: type | None = None) -> None:
    module.__dict__.update(names)
    if kind is not None:
        types.ModuleType.__setattr__(module, "__class__", kind)
