"""Objects that library modules of other versions make of other functions, so that another Python may refuse them."""

import functools


def single_dispatch():
    @functools.singledispatch
    def f(x):
        return "other"

    @f.register
    def _(x: int):
        return "int"

    @f.register(list)
    def of_list(x):
        return "list"

    f(1)
    yield
    print(f(1), f([]), f(True), f("s"), f.dispatch(list) is of_list, len(f.registry))


def single_dispatch_method():
    class C:
        @functools.singledispatchmethod
        def m(self, x):
            return "other"

        @m.register
        def _(self, x: str):
            return "str"

    c = C()
    yield
    print(c.m(1), c.m("s"))


def parsers():
    import argparse
    import configparser

    p = argparse.ArgumentParser(prog="p")
    sub = p.add_subparsers(dest="cmd").add_parser("go")
    sub.add_argument("-n", type=int, default=3)
    p.add_argument("--flag", action="store_true")
    c = configparser.ConfigParser()
    c.read_string("[a]\nx=1\ny=%(x)s2")
    args = p.parse_args(["--flag", "go", "-n", "5"])
    yield
    print(p.parse_args(["go"]), args, c["a"]["y"], c.sections())


def traceback_text():
    import traceback

    def fails():
        1 / 0

    try:
        fails()
    except ZeroDivisionError as error:
        held = error
    summary = traceback.TracebackException.from_exception(held)
    yield
    print("".join(traceback.format_exception(held)) == "".join(summary.format()), summary.stack[-1].name)


def executors():
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(2)
    yield
    print(list(pool.map(str, [1, 2])))
    pool.shutdown()


def warning_messages():
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("one", UserWarning)
        yield
        warnings.warn("two", UserWarning)
    print([str(w.message) for w in caught])


def paths_iterated_over():
    import pathlib

    folder = pathlib.Path("listed")
    folder.mkdir()
    for n in range(4):
        (folder / f"{n}.txt").touch()
    seen = []
    for path in folder.iterdir():
        if len(seen) == 2:
            yield
        seen.append(path.name)
    print(sorted(seen))


def configurations():
    import configparser

    c = configparser.ConfigParser()
    c.read_string("[a]\nx=1\ny=%(x)s2")
    yield
    c.read_string("[b]\n# comment\nz=3")
    print(c["a"]["y"], c.sections(), c["b"]["z"])


def cookies():
    import http.cookies

    c = http.cookies.SimpleCookie("a=1")
    c["a"]["path"] = "/"
    yield
    print(c["a"].value, c.output())


def closed_packed_files():
    import bz2
    import gzip
    import lzma

    files = [each.open("k.packed", mode) for each in (bz2, gzip, lzma) for mode in ("wt", "rt", "wb")]
    for each in files:
        each.close()
    yield

    def answer(ask):
        try:
            found = ask()
        except (ValueError, AttributeError) as error:
            return str(error)
        return found if type(found) in (str, int, type(None)) else type(found).__name__

    names = ("name", "mode", "encoding", "errors", "newlines", "buffer", "raw")
    for each in files:
        shown = [answer(lambda name=name: getattr(each, name)) for name in names]
        print(type(each).__name__, each.closed, shown, answer(each.readable))
