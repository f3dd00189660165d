"""Readers, writers and dialects of `csv`.

A reader is between two rows whenever the program can be stopped, so that its place is that of the lines it reads from, and
the number of lines it has read.
"""

from __future__ import annotations

import functools
import types

from .._typing_names import Any
from .memory import Layout, Number
from .pickling import Reduced, StatePickler, import_by_name, library_reducer

_OPTIONS = (
    "delimiter", "doublequote", "escapechar", "lineterminator", "quotechar", "quoting", "skipinitialspace", "strict",
)  # fmt: skip


@library_reducer("_csv", "Dialect")
def _dialect(pickler: StatePickler, dialect: Any) -> Reduced:
    return make_dialect, ({name: getattr(dialect, name) for name in _OPTIONS},)


def make_dialect(options: dict[str, Any]) -> Any:
    return _csv().Dialect(**options)


@library_reducer("_csv", "Reader")
def _reader(pickler: StatePickler, reader: Any) -> Reduced:
    layout = _layout()
    lines = layout.get(reader, "lines")
    return make_reader, (reader.dialect,), (lines, reader.line_num), None, None, set_reader


def make_reader(dialect: Any) -> Any:
    return _csv().reader((), dialect)


def set_reader(reader: Any, state: tuple[Any, int]) -> None:
    layout = _layout()
    for name, value in zip(("lines", "line_num"), state):
        layout.put(reader, name, value)


@library_reducer("_csv", "Writer")
def _writer(pickler: StatePickler, writer: Any) -> Reduced:
    return make_writer, (writer.dialect,), _writers().get(writer, "write"), None, None, set_writer


def make_writer(dialect: Any) -> Any:
    return _csv().writer(types.SimpleNamespace(write=print), dialect)


def set_writer(writer: Any, write: Any) -> None:
    _writers().put(writer, "write", write)


def _csv() -> Any:
    return import_by_name("_csv")


@functools.cache
def _layout() -> Layout:
    samples = []
    for count in (3, 5):
        lines = iter([""] * count)
        samples.append((reader := _csv().reader(lines), {"lines": lines, "line_num": Number(count)}))
        list(reader)
    return Layout(samples)


@functools.cache
def _writers() -> Layout:
    def write(text: str) -> None:
        pass

    return Layout([(_csv().writer(types.SimpleNamespace(write=write)), {"write": write})])
