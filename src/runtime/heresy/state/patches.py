"""What the program has put into modules and classes of libraries: functions, classes and objects of its own.

    logging.Logger.notice = notice
    json.JSONEncoder.default = default

A library is imported again when the program continues, and gets that again. What is not the program's own cannot be told from
what a library has made itself.
"""

from __future__ import annotations

import operator
import sys
import types
from collections.abc import Callable, Iterator, Mapping

from .._kinds import HEAP_TYPE, is_a
from .._typing_names import Any, TypeAlias
from .pickling import Modules

#: Of a module, and perhaps a class in it: the name of an attribute, and its value.
Patch: TypeAlias = tuple[str, str, str, Any]

#: What is put into these is saved elsewhere.
_ELSEWHERE = ("sys", "builtins", "__main__", "__mp_main__", "heresy")


def save(modules: Modules) -> list[Patch]:
    """All of them."""
    seeker = _Seeker(modules)
    found: list[Patch] = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _ELSEWHERE or modules.has(name) or not is_a(module, types.ModuleType):
            continue
        namespace = module.__dict__
        found += [(name, "", attribute, value) for attribute, value in seeker.own(namespace)]
        for cls in [value for value in namespace.values() if type(value) is type]:
            if cls.__flags__ & HEAP_TYPE and cls.__module__ == name and namespace.get(cls.__name__) is cls:
                found += [(name, cls.__name__, attribute, value) for attribute, value in seeker.own(cls.__dict__)]
    return found


class _Seeker:
    """Tells the program's own from what else stands in a namespace: there are tens of thousands of names in all."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.namespaces = {id(module.__dict__) for module in modules.objects}
        #: By type, what tells whether an object is the program's; None if it is not.
        self.tests: dict[type, Callable[[Any], bool] | None] = {}

    def own(self, namespace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The program's own in a namespace, by name."""
        function, namespaces, tests = types.FunctionType, self.namespaces, self.tests
        for name, value in list(namespace.items()):
            kind = type(value)
            if kind is function:  # most are
                if id(value.__globals__) in namespaces:
                    yield name, value
                continue
            if kind not in tests:
                tests[kind] = self._test(kind)
            test = tests[kind]
            if test is not None and test(value):
                yield name, value

    def _test(self, kind: type) -> Callable[[Any], bool] | None:
        if kind in _WRAPPERS:
            inner = operator.attrgetter(_WRAPPERS[kind])
            return lambda value: id(getattr(inner(value), "__globals__", None)) in self.namespaces
        if issubclass(kind, type):
            return lambda value: self.modules.has(value.__dict__.get("__module__"))
        return (lambda value: True) if self.modules.has(kind.__dict__.get("__module__")) else None


_WRAPPERS: dict[type, str] = {
    staticmethod: "__func__", classmethod: "__func__", types.MethodType: "__func__", property: "fget",
}  # fmt: skip


def restore(patches: list[Patch]) -> None:
    """Puts them there again."""
    for module, cls, attribute, value in patches:
        __import__(module)
        owner = getattr(sys.modules[module], cls) if cls else sys.modules[module]
        setattr(owner, attribute, value)
