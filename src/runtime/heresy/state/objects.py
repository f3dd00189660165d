"""Instances: of the program's classes, taken apart without calling any of their methods; and singletons of libraries.

``pickle`` would call ``__getstate__``, ``__reduce__``, ``__setstate__`` or ``__init__``, which may drop or do things. A
checkpoint takes the value of the built-in base, the ``__dict__`` and the slots as they are.
"""

from __future__ import annotations

import _collections
import _contextvars
import copyreg
import functools
import sys
import types
from collections.abc import Iterable

from .. import _cpython
from .._kinds import ATOMS, HEAP_TYPE, Kinds, is_a
from .._typing_names import Any
from .classes import is_by_value
from .members import Member, member, members, set_members, slot_values
from .pickling import GENERAL, Reduced, StatePickler, import_by_name

_MISSING: Any = object()


def _instance(pickler: StatePickler, obj: Any) -> Reduced:
    cls = type(obj)
    if is_a(obj, (type, types.ModuleType, BaseException)):
        return None
    if not is_by_value(pickler, cls):
        return _of_library(cls, obj)
    base = solid_base(cls)
    if base is object:
        if id(cls) not in pickler.plans:
            pickler.plans[id(cls)] = cls, _reducer_of(cls)
            # There may be a million of them: the next one is told by its class alone.
            if _is_all_of_program(pickler, cls) and type(cls).__hash__ is type.__hash__:
                pickler.reducers[cls] = pickler.plans[id(cls)][1]
        return pickler.plans[id(cls)][1](pickler, obj)
    state = instance_state(obj)
    owner = _nearest_of_library(pickler, cls)
    if owner is not base and type(owner.__reduce__) is types.MethodDescriptorType:
        reduced = _of_another_base(owner, obj, state)  # `defaultdict` is a dict, and more
        if reduced is not NotImplemented:
            return reduced
    match base.__name__:
        case "dict" if base is dict:
            # `dict.copy` would ask an ``__iter__`` of the class's own.
            asks = any("__iter__" in each.__dict__ for each in cls.__mro__ if each is not dict)
            items = {key: value for key, value in dict.items(obj)} if asks else dict.copy(obj)
            return _made_empty(pickler, obj, {**state, "items": items})
        case "list" if base is list:
            return _made_empty(pickler, obj, {**state, "list": list.__getitem__(obj, slice(None))})
        case "set" if base is set:
            return make_instance, (cls, {}), {**state, "set": set().union(obj)}, None, None, set_instance_state
    values = {
        int: lambda: int.__add__(obj, 0),
        float: lambda: float.__add__(obj, 0.0),
        str: lambda: str.__str__(obj) if type(str.__str__(obj)) is str else "".join(str.__iter__(obj)),
        bytes: lambda: bytes.__getitem__(obj, slice(None)),
        tuple: lambda: tuple.__getitem__(obj, slice(None)),
        frozenset: lambda: frozenset().union(obj),
    }
    if base in values:
        return make_immutable, (base, cls, values[base]()), state, None, None, set_instance_state
    return _of_another_base(owner, obj, state)


GENERAL.append(_instance)


def _reducer_of(cls: type) -> Any:
    """What takes apart instances of a class of the program's that is derived from no built-in one."""
    slots, hashes_itself = [*members(cls)], _hashes_itself(cls)

    def reduce(pickler: StatePickler, obj: Any) -> Reduced:
        state = _state(obj, slots)
        if hashes_itself:
            return make_instance, (cls, _early(state)), state, None, None, set_instance_state
        return _made_empty(pickler, obj, state)

    return reduce


def _is_all_of_program(pickler: StatePickler, cls: type) -> bool:
    """Whether a class has no base of a library's, but those that only say what it is."""
    return all(is_by_value(pickler, each) or each.__module__ in ("builtins", "abc", "typing") for each in cls.__mro__)


def _made_empty(pickler: StatePickler, obj: Any, state: dict[str, Any]) -> Reduced:
    """An instance that nothing asks for what it holds before it has that."""
    made = make_instance, (type(obj), {})
    if pickler.later is not None:
        pickler.later.append((obj, state))
        return made
    return *made, state, None, None, set_instance_state


def _nearest_of_library(pickler: StatePickler, cls: type) -> Any:
    """The class of a library's that one of the program's is derived from."""
    return next(base for base in cls.__mro__ if not is_by_value(pickler, base))


def _of_another_base(owner: Any, obj: Any, state: dict[str, Any]) -> Reduced:
    """An instance of a class that is derived from one of a library's, by what that one knows of it.

    ``pickle`` would make it by a call of its class, and so of the program's ``__new__`` and ``__init__``.
    """
    cls = type(obj)
    if owner in _PARTS:
        return make_of_base, (owner, cls, _PARTS[owner](obj)), state, None, None, set_instance_state
    if owner in _CONTAINERS:
        args, kind, items = _CONTAINERS[owner](obj)
        state[kind] = owner, list(items)
        return make_of_base, (owner, cls, args), state, None, None, set_instance_state
    if owner.__reduce__ is not object.__reduce__:
        reduced = owner.__reduce__(obj)
    elif owner.__reduce_ex__ is not object.__reduce_ex__:
        reduced = owner.__reduce_ex__(obj, 5)
    else:
        return NotImplemented
    if type(reduced) is not tuple or reduced[0] is not cls:
        return NotImplemented
    _, args, own, items, pairs, *_ = *reduced, None, None, None
    if own is not None and hasattr(owner, "__setstate__"):
        state["own"] = owner, own
    if items is not None:
        state["extends"] = owner, list(items)
    if pairs is not None:
        state["pairs"] = owner, list(pairs)
    return make_of_base, (owner, cls, args), state, None, None, set_instance_state


#: What those are made of that do not say so.
_PARTS: dict[type, Any] = {
    property: lambda prop: (prop.fget, prop.fset, prop.fdel),
    classmethod: lambda method: (method.__func__,),
    staticmethod: lambda method: (method.__func__,),
}


#: Containers that would ask methods of the class's own what they hold: what they are made with, and that.
_CONTAINERS: dict[type, Any] = {
    _collections.OrderedDict: lambda obj: ((), "pairs", _collections.OrderedDict.items(obj)),
    _collections.defaultdict: lambda obj: (
        (_collections.defaultdict.default_factory.__get__(obj),), "pairs", dict.items(obj)
    ),
    _collections.deque: lambda obj: (((), _collections.deque.maxlen.__get__(obj)), "extends", _collections.deque.__iter__(obj)),
}  # fmt: skip


def make_of_base(owner: Any, cls: type, args: tuple[Any, ...]) -> Any:
    obj = owner.__new__(cls, *args)
    # One that is written in Python may call what the program has put in the place of its methods.
    if type(owner.__init__) is types.WrapperDescriptorType:
        owner.__init__(obj, *args)
    return obj


def solid_base(cls: type) -> type:
    """The built-in class that gives instances of ``cls`` their layout."""
    for base in cls.__mro__:
        if not base.__flags__ & HEAP_TYPE:
            return base
        new = base.__dict__.get("__new__")
        if is_a(new, types.BuiltinFunctionType) and new.__self__ is base:
            return base
        # Some have none of their own, as `io.TextIOWrapper` since 3.12.
        if _adds_to_layout(base) and _is_of_c(base):
            return base
    return object


def _is_of_c(cls: type) -> bool:
    """Whether a class was not made by a class statement: it has methods of its own that are not functions."""
    kinds = types.MethodDescriptorType, types.WrapperDescriptorType
    return any(type(value) in kinds and value.__objclass__ is cls for value in vars(cls).values())


def _adds_to_layout(cls: type) -> bool:
    """Whether instances have more in them than those of its base, besides a dict and weak references."""
    base: type = cls.__base__  # type: ignore[assignment]
    more = cls.__basicsize__ - base.__basicsize__
    if not more:
        return False
    dict_, weak = cls.__dictoffset__ > base.__dictoffset__ >= 0, cls.__weakrefoffset__ > base.__weakrefoffset__ >= 0
    return more > (dict_ + weak) * tuple.__itemsize__


def _hashes_itself(cls: type) -> bool:
    return cls.__hash__ is not object.__hash__ and cls.__hash__ is not None


def _early(state: dict[str, Any]) -> dict[str, Any]:
    """Attributes that an object in a cycle of dicts and sets needs to be hashed before it is complete."""
    both = {**state.get("slots", {}), **(state.get("dict") or {})}
    return {name: value for name, value in both.items() if _is_atomic(value)}


def _is_atomic(value: object) -> bool:
    if type(value) is tuple:
        return all(_is_atomic(item) for item in value)  # type: ignore[attr-defined]
    return type(value) in ATOMS


def instance_state(obj: Any) -> dict[str, Any]:
    """``__dict__`` and slots of an object, as they are."""
    return _state(obj, members(type(obj)))


def _state(obj: Any, slots: Iterable[Member]) -> dict[str, Any]:
    state: dict[str, Any] = {}
    attributes, references = _attributes(obj)
    if is_a(attributes, dict):
        if attributes is obj or references > _OWN_REFERENCES:
            state["shared"] = attributes  # empty or not: somebody else holds it
        elif attributes:
            state["dict"] = attributes
    seen, hidden = slot_values(obj, slots)
    if seen:
        state["slots"] = seen
    if hidden:
        state["hidden"] = hidden
    return state


def _attributes(obj: Any) -> tuple[Any, int]:
    """The ``__dict__`` of an object, if it has one, and how many references there are to it."""
    try:
        attributes = object.__getattribute__(obj, "__dict__")
    except AttributeError:
        return None, 0
    return attributes, sys.getrefcount(attributes)


class _Alone:
    pass


#: The object's own, and those of `_attributes`, which are not as many in every version: with more, somebody else holds it.
_OWN_REFERENCES = _attributes(_Alone())[1]


def make_instance(cls: type, early: dict[str, Any]) -> Any:
    obj = solid_base(cls).__new__(cls)  # type: ignore[call-overload]
    _set_attributes(obj, early)
    return obj


def make_immutable(base: type, cls: type, value: Any) -> Any:
    return base.__new__(cls, value)  # type: ignore[call-overload]


def _set_attributes(obj: Any, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        slot = member(type(obj), name)
        if slot is not None:
            slot.__set__(obj, value)
        else:
            object.__getattribute__(obj, "__dict__")[name] = value


def set_instance_state(obj: Any, state: dict[str, Any]) -> None:
    set_members(obj, state.get("slots", {}), state.get("hidden", []))
    if "shared" in state:
        object.__setattr__(obj, "__dict__", state["shared"])
    elif "dict" in state:
        attributes = object.__getattribute__(obj, "__dict__")
        attributes.clear()
        attributes.update(
            {sys.intern(name) if type(name) is str else name: value for name, value in state["dict"].items()}
        )
    if "items" in state:
        dict.update(obj, state["items"])
    if "list" in state:
        list.extend(obj, state["list"])
    if "set" in state:
        set.update(obj, state["set"])
    if "own" in state:
        owner, own = state["own"]
        owner.__setstate__(obj, own)
    if "extends" in state:
        owner, items = state["extends"]
        owner.extend(obj, items)
    if "pairs" in state:
        owner, pairs = state["pairs"]
        for key, value in pairs:
            owner.__setitem__(obj, key, value)


# --- instances of libraries' classes ---------------------------------------------------------------------------------


def _of_library(cls: type, obj: Any) -> Reduced:
    """An instance whose ``__getattr__`` would be asked for ``__setstate__`` before it has any attributes; None of others."""
    if not _is_in_the_way(cls):
        return None
    makes_itself = type(cls.__new__) is types.FunctionType and not _wants_more(cls.__new__)
    maker = (copyreg.__newobj__, (cls,)) if makes_itself else (make_instance, (cls, {}))  # type: ignore[attr-defined]
    return *maker, instance_state(obj), None, None, set_instance_state


@functools.cache
def _is_in_the_way(cls: type) -> bool:
    if solid_base(cls) is not object or not all(getattr(cls, name, None) is usual for name, usual in _USUAL.items()):
        return False
    names = {name for base in cls.__mro__[:-1] for name in base.__dict__}
    if names & {"__setstate__", "__getnewargs__", "__getnewargs_ex__"}:
        return False
    return "__getattr__" in names


_USUAL = {name: getattr(object, name) for name in ("__reduce__", "__reduce_ex__", "__getstate__")}


def _made_from_nothing(pickler: StatePickler, obj: Any) -> Reduced:
    """An instance whose ``__new__`` wants arguments, which ``pickle`` would call without any."""
    cls = type(obj)
    new = cls.__new__
    if type(new) is not types.FunctionType or not _wants_more(new) or cls in copyreg.dispatch_table:
        return None
    reduced = obj.__reduce_ex__(5)
    if type(reduced) is tuple and reduced[0] is copyreg.__newobj__ and reduced[1] == (cls,):  # type: ignore[attr-defined]
        return make_instance, (cls, {}), *reduced[2:]
    return reduced


def _wants_more(new: types.FunctionType) -> bool:
    """Whether a ``__new__`` has to be given more than the class."""
    code, optional = new.__code__, new.__kwdefaults__ or {}
    only_named = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    return code.co_argcount - len(new.__defaults__ or ()) > 1 or any(name not in optional for name in only_named)


# --- singletons of libraries ----------------------------------------------------------------------------------------


def _singleton(pickler: StatePickler, obj: Any) -> Reduced:
    """An object that a library keeps under a name (``dataclasses.MISSING``, ``os.environ``) is that one, not a copy."""
    if type(obj) is object:
        found = sentinels(pickler).get(id(obj))
        return (library_attribute, found) if found is not None else None
    module = type(obj).__module__
    if module == "builtins" or is_a(obj, (type, types.FunctionType, types.BuiltinFunctionType)):
        return None
    if pickler.modules.has(module) or module in _HOLD_THE_PROGRAMS:
        return None
    names = pickler.library_names.get(module)
    if names is None:
        namespace = getattr(sys.modules.get(module), "__dict__", {})
        names = pickler.library_names[module] = {id(value): name for name, value in reversed(list(namespace.items()))}
    name = names.get(id(obj))
    if name is None or _is_made_later(sys.modules[module], name):
        return None
    return library_attribute, (module, name)


def _is_made_later(module: types.ModuleType, name: str) -> bool:
    """Whether a function of a module's sets a name: what it holds now is not there yet when the module is imported again."""
    held = list(module.__dict__.values())
    functions = [each for each in held if is_a(each, types.FunctionType) and each.__globals__ is module.__dict__]
    work = [each.__code__ for each in functions]
    while work:
        code = work.pop()
        if name in code.co_names and _cpython.sets_global(code, name):
            return True
        work += (each for each in code.co_consts if is_a(each, types.CodeType))
    return False


def sentinels(pickler: StatePickler) -> dict[int, tuple[str, str]]:
    """Where libraries keep their plain ``object()`` and context variables, by identity: they are there to be known by it."""
    if pickler.sentinels is None:
        pickler.sentinels = {
            id(value): (module, name)
            for module, loaded in list(sys.modules.items())
            if type(loaded) is types.ModuleType and not pickler.modules.has(module)
            for name, value in list(loaded.__dict__.items())
            if type(value) in _KNOWN_BY_IDENTITY
        }
    return pickler.sentinels


# Also one whose class has no name any more, since the object has it now.
GENERAL.insert(GENERAL.index(_instance), _singleton)
GENERAL.append(_made_from_nothing)

#: Modules whose objects under a name are the program's, and saved by `surroundings`.
_HOLD_THE_PROGRAMS = ("fileinput",)
_KNOWN_BY_IDENTITY = Kinds(object, _contextvars.ContextVar)


def library_attribute(module: str, name: str) -> Any:
    return getattr(import_by_name(module), name)
