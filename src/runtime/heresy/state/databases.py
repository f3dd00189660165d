"""Connections of ``sqlite3`` to databases, opened again; those in memory with what they hold. And their cursors and rows.

SQLite keeps the state of a transaction and of a query in progress to itself: there is no stop in the midst of either.
"""

from __future__ import annotations

import functools
import gc
import os

from .._errors import HeresyError
from .._kinds import MISSING
from .._typing_names import Any
from .files import gone
from .memory import Layout, Number
from .pickling import CannotSave, Reduced, StatePickler, import_by_name, library_reducer

#: What a connection can be told by ``PRAGMA``, and forgets.
_PRAGMAS = (
    "busy_timeout", "foreign_keys", "recursive_triggers", "synchronous", "cache_size", "temp_store", "case_sensitive_like",
    "automatic_index", "query_only", "read_uncommitted", "secure_delete", "locking_mode", "mmap_size", "ignore_check_constraints",
    "defer_foreign_keys", "cell_size_check", "reverse_unordered_selects",
)  # fmt: skip
_ATTRIBUTES = ("isolation_level", "row_factory", "text_factory", "autocommit")


def _sqlite() -> Any:
    return import_by_name("sqlite3")


@library_reducer("sqlite3", "Connection")
def _connection(pickler: StatePickler, connection: Any) -> Reduced:
    try:
        if connection.in_transaction:
            raise HeresyError(
                "H311", "cannot stop here: a transaction is open on a sqlite3.Connection, and cannot be saved",
                why="its changes would be lost", help="stop the program when it has committed them",
            )  # fmt: skip
    except _sqlite().ProgrammingError:
        return closed_connection, ()
    _refuse_own(connection)
    found = {name: path for _, name, path in _rows(connection, "PRAGMA database_list")}
    if found.pop("temp", None) is not None and _rows(connection, "SELECT name FROM temp.sqlite_master"):
        raise CannotSave("it has temporary tables")
    # What has been deserialized once is said to have a name, which is no path: those are absolute.
    held = {name: path if os.path.isabs(path) else _content(connection, name) for name, path in found.items()}
    options = {name: _connections().get(connection, name) for name in _OPTIONS}
    state = {
        "pragmas": {name: rows[0][0] for name in _PRAGMAS if (rows := _rows(connection, f"PRAGMA {name}"))},
        "attributes": {name: getattr(connection, name) for name in _ATTRIBUTES if hasattr(connection, name)},
    }
    return connect, (held, options), state, None, None, set_connection


def _content(connection: Any, name: str) -> bytes:
    """What a database in memory holds; nothing if that is not even a table."""
    ((pages,),) = _rows(connection, f"PRAGMA [{name}].page_count")
    return connection.serialize(name=name) if pages else b""


def _rows(connection: Any, question: str) -> list[tuple[Any, ...]]:
    """The answer to a question, as it is without the program's factories."""
    cursor, texts = _sqlite().Cursor(connection), connection.text_factory
    cursor.row_factory, connection.text_factory = None, str
    try:
        return cursor.execute(question).fetchall()
    finally:
        connection.text_factory = texts
        cursor.close()


def _refuse_own(connection: Any) -> None:
    """SQLite has functions of the program's, and does not give them back."""
    plain = _sqlite().connect(":memory:")
    try:
        for kind, question in ("function", "PRAGMA function_list"), ("collation", "PRAGMA collation_list"):
            at = 0 if kind == "function" else 1
            own = {row[at] for row in _rows(connection, question)} - {row[at] for row in _rows(plain, question)}
            if own:
                raise CannotSave(f"it has the {kind} {', '.join(sorted(own))}, which SQLite does not give back")
        if len(gc.get_referents(connection)) > len(gc.get_referents(plain)):
            raise CannotSave("it has a handler (trace, progress or authorizer), which SQLite does not give back")
    finally:
        plain.close()


def connect(held: dict[str, str | bytes], options: dict[str, int]) -> Any:
    """A connection to the same databases: by their paths, or with their contents."""
    main = held["main"]
    connection = _sqlite().connect(_opened(main), uri=True, **options)
    for name, database in held.items():
        if name != "main":
            connection.execute(f"ATTACH ? AS [{name}]", (_opened(database),))
        if type(database) is bytes and database:
            connection.deserialize(database, name=name)
    return connection


def _opened(database: str | bytes) -> str:
    """The name of a database for SQLite, which must not make it if it is gone.

    Raises:
        FileChanged: it is.
    """
    if type(database) is bytes:
        return ":memory:"
    if not os.path.exists(database):
        raise gone(database, "No such file")
    import urllib.parse

    return f"file:{urllib.parse.quote(database)}?mode=rw"  # type: ignore[arg-type]


def set_connection(connection: Any, state: dict[str, Any]) -> None:
    for name, value in state["pragmas"].items():
        connection.execute(f"PRAGMA {name} = {value}").close()
    for name, value in state["attributes"].items():
        if hasattr(connection, name):
            setattr(connection, name, value)


def closed_connection() -> Any:
    connection = _sqlite().connect(":memory:")
    connection.close()
    return connection


# --- cursors and rows ---------------------------------------------------------------------------------------------------


@library_reducer("sqlite3", "Cursor")
def _cursor(pickler: StatePickler, cursor: Any) -> Reduced:
    # Before 3.12 it keeps what has been executed; only a query describes what it gives.
    if cursor.description is not None and any(type(held).__name__ == "Statement" for held in gc.get_referents(cursor)):
        raise CannotSave("it still has rows to give, which SQLite keeps to itself")
    layout = _cursors()
    held = {name: value for name in layout.fields if (value := layout.get(cursor, name)) is not MISSING}
    held.update(arraysize=cursor.arraysize, row_factory=cursor.row_factory)
    return make_cursor, (cursor.connection,), held, None, None, set_cursor


def make_cursor(connection: Any) -> Any:
    try:
        return _sqlite().Cursor(connection)
    except _sqlite().ProgrammingError:
        # It is closed. Nothing can be asked of it, nor of its cursors.
        cursor = _sqlite().Cursor(_sqlite().connect(":memory:"))
        _cursors().put(cursor, "connection", connection)
        return cursor


def set_cursor(cursor: Any, held: dict[str, Any]) -> None:
    cursor.arraysize, cursor.row_factory = held.pop("arraysize"), held.pop("row_factory")
    for name, value in held.items():
        _cursors().put(cursor, name, value)


@library_reducer("sqlite3", "Row")
def _row(pickler: StatePickler, row: Any) -> Reduced:
    return make_row, tuple(_row_layout().get(row, name) for name in ("values", "description"))


def make_row(values: tuple[Any, ...], description: Any) -> Any:
    cursor = _sqlite().Cursor(_sqlite().connect(":memory:"))
    row = _sqlite().Row(cursor, values)
    _row_layout().put(row, "description", description)
    return row


# --- memory ---------------------------------------------------------------------------------------------------------------

_OPTIONS = ("detect_types", "check_same_thread")


@functools.cache
def _connections() -> Layout:
    samples = []
    for options in (1, True), (2, False), (3, True):
        connection = _sqlite().connect(":memory:", detect_types=options[0], check_same_thread=options[1])
        samples.append((connection, {name: Number(int(value), 4) for name, value in zip(_OPTIONS, options)}))
    return Layout(samples)


@functools.cache
def _cursors() -> Layout:
    connection = _sqlite().connect(":memory:")
    one, many, ended = connection.cursor(), connection.cursor(), connection.cursor()
    one.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
    one.execute("INSERT INTO t VALUES (1000)")
    one.execute("SELECT a FROM t").fetchall()
    many.executemany("INSERT INTO t VALUES (?)", [(7,), (8,), (9,)])
    ended.close()
    return Layout([
        (one, {"connection": connection, "description": one.description, "lastrowid": one.lastrowid, "closed": Number(0, 4)}),
        (one, {"rowcount": Number(-1)}),
        (many, {"rowcount": Number(3), "closed": Number(0, 4)}),
        (ended, {"closed": Number(1, 4)}),
    ])  # fmt: skip


@functools.cache
def _row_layout() -> Layout:
    cursor = _sqlite().connect(":memory:").execute("SELECT 1 AS a")
    values = (1000, 2000)
    return Layout([(_sqlite().Row(cursor, values), {"values": values, "description": cursor.description})])
