"""Attributes that library classes have in some versions of Python only.

An object that comes from another version is given those that it lacks here, as an object that was made here would have them.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable

from .. import _cpython
from .._typing_names import Any, NamedTuple
from .locks import thread_handle


class _Row(NamedTuple):
    """An attribute of a class.

    Attributes:
        first, last: the versions (3.N) that have it.
        make: gives it from an object that lacks it.
    """

    module: str
    name: str
    attribute: str
    first: int
    last: int
    make: Callable[[Any], Any]


_ANY = 99


def _has_ended(thread: Any) -> bool:
    # Only the main thread is running, and it is no object of another version's.
    return thread._started.is_set()


def _handle(thread: Any) -> Any:
    return thread_handle(_has_ended(thread))


def _comments(parser: Any) -> Any:
    kind: Any = getattr(sys.modules["configparser"], "_CommentSpec", None)
    full, inline = parser._comment_prefixes, parser._inline_comment_prefixes
    return kind(full, inline) if kind is not None else types.SimpleNamespace(full=full, inline=inline)


_ROWS = [
    _Row("queue", "Queue", "is_shutdown", 13, _ANY, lambda queue: False),
    _Row("asyncio.queues", "Queue", "_is_shutdown", 13, _ANY, lambda queue: False),
    _Row("threading", "Thread", "_is_stopped", 11, 12, _has_ended),
    _Row("threading", "Thread", "_tstate_lock", 11, 12, lambda thread: None),
    _Row("threading", "Thread", "_handle", 13, 13, _handle),
    _Row("threading", "Thread", "_os_thread_handle", 14, _ANY, _handle),
    _Row("threading", "Thread", "_context", 14, _ANY, lambda thread: None),
    _Row("concurrent.futures.thread", "ThreadPoolExecutor", "_create_worker_context", 14, _ANY,
         lambda pool: type(pool).prepare_context(pool._initializer, pool._initargs)[0]),
    _Row("concurrent.futures.thread", "ThreadPoolExecutor", "_resolve_work_item_task", 14, _ANY,
         lambda pool: type(pool).prepare_context(pool._initializer, pool._initargs)[1]),
    _Row("tempfile", "TemporaryDirectory", "_delete", 12, _ANY, lambda folder: True),
    _Row("tempfile", "_TemporaryFileCloser", "delete_on_close", 12, _ANY, lambda closer: True),
    _Row("tempfile", "_TemporaryFileCloser", "warn_message", 14, _ANY, lambda closer: f"Implicitly cleaning up {closer.name!r}"),
    _Row("tempfile", "_TemporaryFileWrapper", "delete", 11, 11, lambda wrapper: wrapper._closer.delete),
    _Row("zipfile", "ZipInfo", "_end_offset", 13, _ANY, lambda info: None),
    _Row("logging", "LoggerAdapter", "merge_extra", 13, _ANY, lambda adapter: False),
    _Row("logging", "LogRecord", "taskName", 12, _ANY, lambda record: None),
    _Row("configparser", "RawConfigParser", "_allow_unnamed_section", 13, _ANY, lambda parser: False),
    _Row("configparser", "RawConfigParser", "_prefixes", 13, 13, _comments),
    _Row("configparser", "RawConfigParser", "_comments", 14, _ANY, _comments),
    *(_Row("dataclasses", "_DataclassParams", name, 12, _ANY, lambda params, name=name: name == "match_args")
      for name in ("match_args", "kw_only", "slots", "weakref_slot")),
    _Row("dataclasses", "Field", "doc", 14, _ANY, lambda field: None),
    _Row("traceback", "TracebackException", "exc_type", 11, 12, lambda summary: summary._exc_type),
    _Row("traceback", "TracebackException", "_exc_type", 13, _ANY, lambda summary: vars(summary)["exc_type"]),
    _Row("traceback", "TracebackException", "_have_exc_type", 13, _ANY, lambda summary: vars(summary)["exc_type"] is not None),
    _Row("traceback", "TracebackException", "_is_syntax_error", 13, _ANY,
         lambda summary: issubclass(vars(summary)["exc_type"], SyntaxError)),
    _Row("traceback", "TracebackException", "exc_type_qualname", 13, _ANY,
         lambda summary: vars(summary)["exc_type"].__qualname__),
    _Row("traceback", "TracebackException", "exc_type_module", 13, _ANY,
         lambda summary: vars(summary)["exc_type"].__module__),
    _Row("json.decoder", "JSONDecoder", "array_hook", 15, _ANY, lambda decoder: None),
]  # fmt: skip


def complete() -> None:
    """Completes all objects that have come from another version."""
    rows: dict[type, list[_Row]] = {}
    for row in _ROWS:
        cls = getattr(sys.modules.get(row.module), row.name, None)
        if cls is not None and row.first <= _cpython.MINOR <= row.last:
            rows.setdefault(cls, []).append(row)
    for obj in gc.get_objects():
        for cls in type.__dict__["__mro__"].__get__(type(obj)):
            for row in rows.get(cls, ()):
                try:
                    object.__getattribute__(obj, row.attribute)
                except AttributeError:
                    object.__setattr__(obj, row.attribute, row.make(obj))
