"""What the program has put into modules and classes of libraries: functions, classes and objects of its own.

    logging.Logger.notice = notice
    json.JSONEncoder.default = default

A library is imported again when the program continues, and gets that again. What is not the program's own cannot be told from
what a library has made itself.
"""

from __future__ import annotations

import itertools
import operator
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping

from .._kinds import HEAP_TYPE, is_a
from .._typing_names import Any, TypeAlias
from .pickling import Modules

#: Of a module, and perhaps a class in it: the name of an attribute, and its value.
Patch: TypeAlias = tuple[str, str, str, Any]

#: What is put into these is saved elsewhere.
_ELSEWHERE = ("sys", "builtins", "__main__", "__mp_main__", "heresy")


def save(modules: Modules) -> list[Patch]:
    """All of them."""
    libraries = {
        name: module.__dict__ for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in _ELSEWHERE and not modules.has(name) and is_a(module, types.ModuleType)
    }  # fmt: skip
    own = _Own(modules)
    if not own.may_be_in(libraries.values()):
        return []
    having = [(name, namespace) for name, namespace in libraries.items() if own.may_be_in([namespace])]
    return [patch for name, namespace in having for patch in own.found_in(name, namespace)]


class _Own:
    """Tells the program's own from what else stands in a namespace.

    There are tens of thousands of names in all, so they are looked through at once first, and one by one only where there is any.
    """

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.namespaces = {id(module.__dict__) for module in modules.objects}

    def may_be_in(self, namespaces: Iterable[Mapping[str, Any]]) -> bool:
        values = [*itertools.chain.from_iterable([namespace.values() for namespace in namespaces])]
        classes = {value for value in values if type(value) is type}
        for cls in classes:
            if cls.__flags__ & HEAP_TYPE:
                values += cls.__dict__.values()
        function = types.FunctionType
        if not self.namespaces.isdisjoint([id(value.__globals__) for value in values if type(value) is function]):
            return True
        if any(map(self.has_made, classes)):
            return True
        kinds = {*map(type, values)} - {type, function}
        told = {kind for kind in kinds if kind in _WRAPPERS or issubclass(kind, type) or self.has_made(kind)}
        return any(map(self.is_one, [value for value in values if type(value) in told]))

    def found_in(self, name: str, namespace: dict[str, Any]) -> Iterator[Patch]:
        """Those in a module, and in its classes."""
        for attribute, value in list(namespace.items()):
            if self.is_one(value):
                yield name, "", attribute, value
            if type(value) is type and value.__flags__ & HEAP_TYPE and value.__module__ == name:
                if namespace.get(value.__name__) is value:
                    own = [(each, inner) for each, inner in list(value.__dict__.items()) if self.is_one(inner)]
                    yield from ((name, value.__name__, each, inner) for each, inner in own)

    def is_one(self, value: Any) -> bool:
        kind = type(value)
        if kind is types.FunctionType:
            return id(value.__globals__) in self.namespaces
        if kind in _WRAPPERS:
            return id(getattr(_WRAPPERS[kind](value), "__globals__", None)) in self.namespaces
        return self.has_made(value if issubclass(kind, type) else kind)

    def has_made(self, cls: Any) -> bool:
        return self.modules.has(cls.__dict__.get("__module__"))


#: What a wrapper of a function holds.
_WRAPPERS: dict[type, Callable[[Any], Any]] = {
    **dict.fromkeys((staticmethod, classmethod, types.MethodType), operator.attrgetter("__func__")),
    property: operator.attrgetter("fget"),
}


def restore(patches: list[Patch]) -> None:
    """Puts them there again."""
    for module, cls, attribute, value in patches:
        __import__(module)
        owner = getattr(sys.modules[module], cls) if cls else sys.modules[module]
        setattr(owner, attribute, value)
