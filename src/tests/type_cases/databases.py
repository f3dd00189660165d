"""Connections of `sqlite3`, and their cursors."""

import sqlite3


def connections():
    c = sqlite3.connect("one.db")
    c.execute("create table t (a, b)")
    c.executemany("insert into t values (?, ?)", [(1, "x"), (2, "y")])
    c.commit()
    c.row_factory = sqlite3.Row
    yield
    print([tuple(r) for r in c.execute("select * from t")], c.execute("select a from t").fetchone()["a"])
    c.execute("insert into t values (3, 'z')")
    c.commit()
    print(sqlite3.connect("one.db").execute("select count(*) from t").fetchone(), c.in_transaction, c.isolation_level)


def connection_options():
    c = sqlite3.connect("opt.db", isolation_level=None, detect_types=sqlite3.PARSE_DECLTYPES, timeout=2.0)
    c.execute("pragma foreign_keys = on")
    c.execute("create table t (d date, v text)")
    c.execute("insert into t values ('2024-01-02', 'v')")
    c.text_factory = bytes
    yield
    print(c.isolation_level, c.execute("select * from t").fetchone(), c.execute("pragma foreign_keys").fetchone())
    print(c.execute("pragma busy_timeout").fetchone())


def in_memory():
    c = sqlite3.connect(":memory:")
    c.execute("create table t (a)")
    c.execute("insert into t values (5)")
    c.commit()
    cursor = c.cursor()
    yield
    print(cursor.execute("select a from t").fetchall(), cursor.connection is c)


def cursors():
    c = sqlite3.connect("cur.db")
    cur = c.execute("create table t (a integer primary key, b)")
    cur.execute("insert into t (b) values ('x')")
    c.commit()
    done = c.execute("select * from t")
    rows = done.fetchall()
    yield
    print(rows, cur.lastrowid, cur.rowcount, done.description, done.fetchone(), done.arraysize)


def rows():
    c = sqlite3.connect(":memory:")
    c.row_factory = sqlite3.Row
    row = c.execute("select 1 as a, 'x' as b").fetchone()
    yield
    print(row["a"], row["b"], row.keys(), tuple(row), len(row), type(row))


def closed_connections():
    c = sqlite3.connect("closed.db")
    c.close()
    yield
    try:
        c.execute("select 1")
    except sqlite3.ProgrammingError as error:
        print(error)


def open_transactions():
    c = sqlite3.connect("tx.db")
    c.execute("create table t (a)")
    c.execute("insert into t values (1)")
    yield "a transaction is open"
    c.rollback()
    print(c.execute("select count(*) from t").fetchone())


def cursors_in_mid_course():
    c = sqlite3.connect("mid.db")
    c.executescript("create table t (a); insert into t values (1); insert into t values (2); insert into t values (3);")
    cur = c.execute("select a from t")
    first = next(cur)
    yield "still has rows to give"
    print(first, cur.fetchall())


def own_functions():
    c = sqlite3.connect(":memory:")
    c.create_function("twice", 1, lambda x: x * 2)
    yield "function twice"
    print(c.execute("select twice(4)").fetchone())


def attached_databases():
    c = sqlite3.connect("main.db")
    c.execute("attach 'other.db' as other")
    c.execute("create table other.t (a)")
    c.commit()
    yield
    print(c.execute("select count(*) from other.t").fetchone())


def deserialized():
    first, second = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    first.executescript("create table t (a); insert into t values (7)")
    second.deserialize(first.serialize())
    yield
    print(second.execute("select a from t").fetchall(), first.execute("select a from t").fetchall())
