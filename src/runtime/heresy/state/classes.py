"""Classes of the program: rebuilt with their saved bases, metaclass and attributes; no class body runs again.

``type.__new__`` would call ``__init_subclass__`` and ``__set_name__``, which did their work when the program ran first.
So a class is made without attributes, while its bases' ``__init_subclass__`` is out of the way, and gets its attributes
afterwards, as they were. Methods that a library wrote with ``exec`` (dataclasses, named tuples) are made by the library again.
"""

from __future__ import annotations

import _abc
import _thread
import abc
import collections
import enum
import gc
import sys
import types
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from .. import _cpython
from .._code_index import LAZY_ANNOTATIONS
from .._kinds import HEAP_TYPE, is_a
from .._typing_names import Any
from . import hashes
from .functions import importable, plain_annotations, restored_modules
from .pickling import GENERAL, CannotSave, Reduced, StatePickler, reducer

#: Attributes that every class gets anew.
_OWN = {"__dict__", "__weakref__", "_abc_impl", "__static_attributes_cache__"}
#: Of these, what a class may have of its own: its body names them.
_MAY_BE_THE_USERS = {"__dict__", "__weakref__"}
_MISSING: Any = object()


def is_by_value(pickler: StatePickler, cls: type) -> bool:
    """Whether a class belongs to the program itself, or was made at run time, so that it is rebuilt and not imported."""
    known = pickler.by_value.get(id(cls))
    if known is None:
        known = pickler.by_value[id(cls)] = cls, _is_by_value(pickler, cls)
    return known[1]


def _is_by_value(pickler: StatePickler, cls: type) -> bool:
    module = cls.__dict__.get("__module__", getattr(cls, "__module__", None))
    if not is_a(module, str):
        # The class has something of its own under this name: then its functions tell.
        held = (getattr(value, "fget", value) for value in cls.__dict__.values())
        module = next((value.__module__ for value in held if is_a(value, types.FunctionType)), None)
    name = type.__dict__["__qualname__"].__get__(cls)
    if pickler.modules.has(module) or "<locals>" in name:
        return True
    return importable(module, name) is not cls and not _is_of_c(cls) and _library_name(pickler, cls) is None


def _is_of_c(cls: type) -> bool:
    """Whether a class was not made by `type`: C's have methods of C, and what Python calls for ``+`` or ``len`` in them."""
    if not cls.__flags__ & HEAP_TYPE or cls.__flags__ & _IMMUTABLE or not cls.__flags__ & _IS_BASE:
        return True
    return any(
        is_a(value, _OF_C) and value.__objclass__ is cls or is_a(value, types.BuiltinFunctionType) and value.__self__ is cls
        for value in cls.__dict__.values()
    )


_OF_C = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType)


def _library_name(pickler: StatePickler, cls: type) -> tuple[str, str] | None:
    """Where a library keeps a class under another name than it has, or in another module."""
    if pickler.class_names is None:
        pickler.class_names = {}
        for module, loaded in list(sys.modules.items()):
            if type(loaded) is not types.ModuleType or pickler.modules.has(module):
                continue
            for name, value in list(loaded.__dict__.items()):
                if is_a(value, type):
                    pickler.class_names[id(value)] = module, name
    return pickler.class_names.get(id(cls))


def _class(pickler: StatePickler, cls: Any) -> Reduced:
    if not is_a(cls, type):
        return None
    if not is_by_value(pickler, cls):
        return _by_other_name(pickler, cls)
    if _is_named_tuple(cls):
        fields = {"typename": cls.__name__, "field_names": cls._fields, "defaults": tuple(cls._field_defaults.values())}
        generated = set(collections.namedtuple("_", cls._fields).__dict__) - {"__doc__", "__module__"}
        return make_named_tuple, (fields,), _class_state(cls, generated), None, None, set_class_state
    slots = cls.__dict__.get("__slots__", _MISSING)
    layout = {"__qualname__": type.__dict__["__qualname__"].__get__(cls)}
    if slots is not _MISSING:
        layout["__slots__"] = slots if is_a(slots, str) else tuple(slots)
    skip = set()
    if cls.__dict__.keys() >= {"__dataclass_params__", "__dataclass_fields__"}:
        skip = _generated_by_dataclass(cls)
    pickler.asks_of(type(cls))
    made_from = (type(cls), type.__dict__["__name__"].__get__(cls), cls.__bases__, layout, hashes.of_class(cls))
    return make_class, made_from, _class_state(cls, skip), None, None, set_class_state


GENERAL.insert(0, _class)


def _by_other_name(pickler: StatePickler, cls: type) -> Reduced:
    """A type that is not to be found by the name it has (``function``, ``cell``, a lock), but by another or in C's module."""
    if cls is _thread.LockType:
        return getattr, (_thread, "LockType")
    if importable(cls.__module__, cls.__qualname__) is cls:
        return NotImplemented
    for place in (types, *map(sys.modules.get, (f"_{cls.__module__}", cls.__module__))):
        for name, value in vars(place).items() if place is not None else ():
            if value is cls:
                return getattr, (place, name)
    found = _library_name(pickler, cls)
    return (getattr, (sys.modules[found[0]], found[1])) if found is not None else NotImplemented


def _class_state(cls: type, skip: set[str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for name, value in cls.__dict__.items():
        if name in skip or name == "__slots__" and is_a(value, (str, tuple)) or name in _OWN and name not in _MAY_BE_THE_USERS:
            continue
        if is_a(value, (types.MemberDescriptorType, types.GetSetDescriptorType)):
            continue
        attributes[name] = value
    order = [name for name in cls.__dict__ if name in attributes or name in skip]
    state = {"attributes": attributes, "generated": sorted(skip), "order": order}
    if LAZY_ANNOTATIONS and _LAZY & attributes.keys():
        values = attributes.get("__annotations_cache__")
        annotate = attributes.get("__annotate_func__") or attributes.get("__annotate__")
        values = plain_annotations(annotate) if values is None else values
        if values is not None:
            state["annotations"] = values
    if _protocol_hook(cls) is not None:
        del attributes["__subclasshook__"]
        state["runtime protocol"] = cls.__dict__.get("_is_runtime_protocol", False)
    if is_a(cls, abc.ABCMeta) and (registered := [each for ref in _registry(cls) if (each := ref()) is not None]):
        state["registered"] = registered
    return state


def _protocol_hook(cls: Any) -> Any:
    """What `typing` has given a protocol, in another way in each version."""
    hook = cls.__dict__.get("__subclasshook__")
    hook = getattr(hook, "__func__", hook)
    return hook if is_a(hook, types.FunctionType) and hook.__module__ == "typing" and hook.__name__ == "_proto_hook" else None


def _complete_protocol(cls: Any, is_runtime: bool) -> None:
    """Has `typing` give a protocol what it keeps in one, so far as that is not there."""
    import typing

    typing.Protocol.__dict__["__init_subclass__"].__func__(cls)
    members = getattr(typing, "_get_protocol_attrs", None)
    if _cpython.PROTOCOLS_KEEP_MEMBERS and members is not None and "__protocol_attrs__" not in cls.__dict__:
        cls.__protocol_attrs__ = members(cls)
    if is_runtime and _cpython.PROTOCOLS_KEEP_OTHER_MEMBERS and "__non_callable_proto_members__" not in cls.__dict__:
        typing.runtime_checkable(cls)


def _registry(cls: Any) -> set[Any]:
    """What was registered with an abstract class, as it holds it itself: a set of references, made when it is first needed."""
    registered = _abc._get_dump(cls)[0]
    held = [each for each in gc.get_referents(cls._abc_impl) if type(each) is set and each == registered]
    return held[0] if held else set()


class _Registered:
    """Is registered for a moment."""


def _register(cls: Any, classes: list[type]) -> None:
    """Registers classes with one that has no attributes yet, so that nothing of the program's runs."""
    if type(cls).__subclasscheck__ is not abc.ABCMeta.__subclasscheck__:
        raise CannotSave(f"{cls.__qualname__} has a metaclass that says itself what is registered")
    abc.ABCMeta.register(cls, _Registered)
    registry = _registry(cls)
    registry.clear()
    registry.update(weakref.ref(each) for each in classes)


def make_class(
    meta: type, name: str, bases: tuple[type, ...], layout: dict[str, Any], hashing: tuple[str, ...]
) -> type:
    """A class without its attributes, but for stand-ins of the methods ``hashing``."""
    stand_ins, methods = hashes.stand_ins(hashing)
    namespace: Any = {**layout, **stand_ins}
    new = abc.ABCMeta.__new__ if issubclass(meta, abc.ABCMeta) and not issubclass(meta, enum.EnumMeta) else type.__new__
    with _quiet(bases):
        cls = new(meta, name, bases, namespace)
    hashes.wait(cls, methods)
    return cls


@contextmanager
def _quiet(bases: tuple[type, ...]) -> Iterator[None]:
    """Takes ``__init_subclass__`` of the bases out of the way for a moment."""
    hidden: list[tuple[type, Any]] = []
    for base in {cls for base in bases for cls in base.__mro__}:
        if "__init_subclass__" in base.__dict__ and base.__flags__ & HEAP_TYPE and not base.__flags__ & _IMMUTABLE:
            hidden.append((base, base.__dict__["__init_subclass__"]))
            type.__setattr__(base, "__init_subclass__", classmethod(lambda cls, **kwargs: None))
    try:
        yield
    finally:
        for base, method in hidden:
            type.__setattr__(base, "__init_subclass__", method)


_IMMUTABLE = 1 << 8
_IS_BASE = 1 << 10


def set_class_state(cls: type, state: dict[str, Any]) -> None:
    if "registered" in state:
        _register(cls, state["registered"])
    attributes = {name: value for name, value in state["attributes"].items() if _SINCE.get(name, 0) <= _cpython.MINOR}
    if not LAZY_ANNOTATIONS and "annotations" in state:
        attributes["__annotations__"] = state["annotations"]
    for name, value in attributes.items():
        if hashes.takes(cls, name, value):
            continue
        if not _is_hidden(cls, name):
            _set(cls, name, value)
        elif name in _SET_BY_TYPE and type(value) in _SET_BY_TYPE[name]:
            type.__dict__[name].__set__(cls, value)
        else:
            # The namespace itself, which the proxy hides.
            gc.get_referents(cls.__dict__)[0][name] = value
        if type(value) is property:
            value.__set_name__(cls, name)  # for its messages
    # Has the interpreter forget what it knows of the class, in case anything was put into the namespace itself.
    type.__dict__["__doc__"].__set__(cls, cls.__dict__.get("__doc__"))
    if "runtime protocol" in state:
        _complete_protocol(cls, state["runtime protocol"])
        for name in [name for name in cls.__dict__ if name.startswith("__typing_") and name not in attributes]:
            type.__delattr__(cls, name)  # since 3.15: what a class is given that inherits what this one is
    if state["generated"] and not _is_named_tuple(cls):
        _generate_dataclass(cls, state["generated"])


def _set(cls: type, name: str, value: Any) -> None:
    try:
        type.__setattr__(cls, name, value)
    except (AttributeError, TypeError) as error:
        if name not in _VERSION_BOUND:
            raise CannotSave(f"class {cls.__qualname__}: {name}: {error}") from error


def _is_hidden(cls: type, name: str) -> bool:
    """Whether a descriptor of the metaclass would take the value: ``type`` has one for ``__name__``, the user's any."""
    for meta in type(cls).__mro__:
        if name in meta.__dict__:
            return hasattr(type(meta.__dict__[name]), "__set__")
    return False


#: What descriptors of `type` keep in the namespace of the class, if it is of an ordinary type.
_SET_BY_TYPE: dict[str, tuple[type, ...]] = {
    "__module__": (str,),
    "__doc__": (str, type(None)),
    "__type_params__": (tuple,),
    "__abstractmethods__": (frozenset, set),
}


#: What keeps annotations that are evaluated when they are asked for.
_LAZY = {"__annotate__", "__annotate_func__", "__annotations_cache__"}
#: What classes have from 3.N on; an older interpreter would take it for the program's own.
_SINCE = {
    "__protocol_attrs__": 12, "__non_callable_proto_members__": 13, "__static_attributes__": 13, "__firstlineno__": 13,
    **dict.fromkeys(_LAZY, 14),
}  # fmt: skip
#: Attributes that only some interpreters let a class have.
_VERSION_BOUND = {
    "__annotate__", "__annotate_func__", "__static_attributes__", "__firstlineno__", "__type_params__", "__classcell__",
    "__conditional_annotations__", "__classdictcell__", "__annotations_cache__", "__annotations__",
}  # fmt: skip


# --- named tuples -------------------------------------------------------------------------------------------------


def _is_named_tuple(cls: type) -> bool:
    new = cls.__dict__.get("__new__")
    return cls.__bases__ == (tuple,) and "_fields" in cls.__dict__ and "_make" in cls.__dict__ and new is not None


def make_named_tuple(fields: dict[str, Any]) -> type:
    return collections.namedtuple(**fields)


# --- dataclasses --------------------------------------------------------------------------------------------------

_DATACLASS_METHODS = (
    "__init__", "__repr__", "__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__setattr__", "__delattr__",
    "__replace__", "__getstate__", "__setstate__",
)  # fmt: skip


_FOR_SLOTS = ("_dataclass_getstate", "_dataclass_setstate")


def _generated_by_dataclass(cls: type) -> set[str]:
    """The methods of a dataclass that ``@dataclass`` wrote."""
    import dataclasses

    library = vars(dataclasses)
    found: set[str] = set()
    for name in _DATACLASS_METHODS:
        method = cls.__dict__.get(name)
        function = getattr(method, "__wrapped__", method)
        # For slots it gives functions of its own, which are found by their names.
        if is_a(function, types.FunctionType) and function not in map(library.get, _FOR_SLOTS) and (
            function.__code__.co_filename == "<string>"
            or function.__module__ in ("dataclasses", "reprlib")
            or function.__globals__ is library
        ):
            found.add(name)
    return found


_NOT_FOR_TWIN = _OWN | {
    "__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__", "__slots__", "__match_args__",
}  # fmt: skip


def _generate_dataclass(cls: Any, names: list[str]) -> None:
    """Has ``dataclasses`` write the methods of ``cls`` again, on a twin, and moves them over."""
    with restored_modules().units.at_work():
        import dataclasses

    params = cls.__dataclass_params__
    # What the library looks for (`__post_init__`, an `__eq__` of the class's own) must be there.
    namespace: dict[str, Any] = {
        name: value
        for name, value in cls.__dict__.items()
        if name not in names and name not in _NOT_FOR_TWIN and not name.startswith("__dataclass_")
        and not is_a(value, (types.MemberDescriptorType, types.GetSetDescriptorType))
    }  # fmt: skip
    namespace["__annotations__"] = {}
    own_fields = _own_fields(cls)
    for name, field in own_fields.items():
        namespace["__annotations__"][name] = field.type
        keywords = {
            key: getattr(field, key)
            for key in ("default", "default_factory", "init", "repr", "hash", "compare", "kw_only")
        }
        namespace[name] = dataclasses.field(**keywords)
    with _quiet(cls.__bases__):
        new = abc.ABCMeta if is_a(cls, abc.ABCMeta) else type
        twin = new.__new__(type(cls), cls.__name__, cls.__bases__, namespace)
    options = {key: getattr(params, key) for key in ("init", "repr", "eq", "order", "unsafe_hash", "frozen")}
    dataclasses.dataclass(**options)(twin)
    for name in {*names, *({"__replace__"} & twin.__dict__.keys())}:
        method = twin.__dict__.get(name, _MISSING)
        if method is _MISSING and name in ("__hash__", "__replace__"):
            continue  # `__replace__` came with 3.13
        if method is _MISSING:
            raise CannotSave(f"dataclass {cls.__qualname__}: {name} cannot be written again")
        function = getattr(method, "__wrapped__", method)
        if is_a(function, types.FunctionType):
            _point_to(function, twin, cls)
        if not hashes.takes(cls, name, method):
            type.__setattr__(cls, name, method)


def _point_to(function: types.FunctionType, twin: type, cls: type) -> None:
    """A frozen dataclass's ``__setattr__`` holds its class in a cell."""
    for cell in function.__closure__ or ():
        try:
            if cell.cell_contents is twin:
                cell.cell_contents = cls
        except ValueError:
            continue


def _own_fields(cls: Any) -> dict[str, Any]:
    """The fields that the body of a dataclass names, in order; inherited ones that it does not repeat are left out."""
    fields = cls.__dataclass_fields__
    inherited: dict[str, Any] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited.update(getattr(base, "__dataclass_fields__", {}) if "__dataclass_fields__" in base.__dict__ else {})
    return {name: field for name, field in fields.items() if inherited.get(name) is not field}


# --- enums --------------------------------------------------------------------------------------------------------


#: What a member is besides its value, which need not be the same.
_PAYLOADS: dict[type, Any] = {
    int: lambda obj: int.__add__(obj, 0),
    float: lambda obj: float.__add__(obj, 0.0),
    str: lambda obj: "".join(str.__iter__(obj)),
    bytes: lambda obj: bytes.__getitem__(obj, slice(None)),
}


def _enum_member(pickler: StatePickler, obj: Any) -> Reduced:
    if not is_a(obj, enum.Enum) or not is_by_value(pickler, type(obj)):
        return None
    cls = type(obj)
    data = cls._member_type_  # type: ignore[attr-defined]
    if data is object:
        args: tuple[Any, ...] = ()
    elif data in _PAYLOADS:
        args = (_PAYLOADS[data](obj),)
    else:
        raise CannotSave(f"members of {cls.__name__} are of type {data.__name__}")
    return make_member, (cls, data, args), dict(obj.__dict__), None, None, set_member_state


GENERAL.append(_enum_member)


def make_member(cls: type, data: type, args: tuple[Any, ...]) -> Any:
    return data.__new__(cls, *args)


def set_member_state(member: Any, state: dict[str, Any]) -> None:
    member.__dict__.update(state)


# --- descriptors ---------------------------------------------------------------------------------------------------


@reducer(types.GetSetDescriptorType, types.MemberDescriptorType)
def _descriptor(pickler: StatePickler, descriptor: Any) -> Reduced:
    return class_attribute, (descriptor.__objclass__, descriptor.__name__)


def class_attribute(cls: type, name: str) -> Any:
    """What a class itself holds under a name."""
    return cls.__dict__[name] if name in cls.__dict__ else _Plain.__dict__[name]


class _Plain:
    """From 3.15 all classes share the descriptors of ``__dict__`` and ``__weakref__``, which say they are `object`'s."""
