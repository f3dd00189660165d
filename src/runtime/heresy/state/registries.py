"""What a program has registered in libraries: adapters, converters, reducers, namespaces, virtual subclasses."""

from __future__ import annotations

import sys

from .._typing_names import Any
from .pickling import Modules


def take_sqlite(sqlite3: Any, modules: Modules) -> Any:
    tables = sqlite3.adapters, sqlite3.converters
    held = [{key: each for key, each in table.items() if _home(each) != "sqlite3.dbapi2"} for table in tables]
    return held if any(held) else None


def put_sqlite(sqlite3: Any, held: list[dict[Any, Any]]) -> None:
    for table, added in zip((sqlite3.adapters, sqlite3.converters), held):
        table.update(added)


def take_reducers(copyreg: Any, modules: Modules) -> Any:
    table = copyreg.dispatch_table
    return {cls: each for cls, each in table.items() if modules.has(_home(cls)) or modules.has(_home(each))} or None


def put_reducers(copyreg: Any, held: dict[type, Any]) -> None:
    copyreg.dispatch_table.update(held)


def take_namespaces(tree: Any, modules: Modules) -> Any:
    return dict(tree._namespace_map)


def put_namespaces(tree: Any, held: dict[str, str]) -> None:
    tree._namespace_map.update(held)


def take_subclasses(abcs: Any, modules: Modules) -> Any:
    """The program's own classes that are registered with abstract ones, by their names."""
    try:
        from _abc import _get_dump
    except ImportError:
        return None
    kind = sys.modules["abc"].ABCMeta
    named = [(name, abstract) for name, abstract in vars(abcs).items() if type(abstract) is kind]
    found = [(name, ref()) for name, abstract in named for ref in _get_dump(abstract)[0]]
    return [(name, cls) for name, cls in found if cls is not None and modules.has(_home(cls))] or None


def put_subclasses(abcs: Any, held: list[tuple[str, type]]) -> None:
    for name, cls in held:
        getattr(abcs, name).register(cls)


def _home(obj: Any) -> Any:
    return getattr(obj, "__module__", None)
