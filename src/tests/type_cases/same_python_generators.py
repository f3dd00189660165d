"""Generators of library modules in mid-course: they go on only in the very text that they were stopped in."""

import os


def tree(*_):
    for name in ("walked/a/x", "walked/b/y", "walked/c"):
        os.makedirs(name)
        for n in "12":
            open(f"{name}/{n}.txt", "w").close()


def walks():
    tree()
    found = []
    for root, folders, files in os.walk("walked"):
        folders.sort()
        if len(found) == 2:
            yield
        found.append((root, sorted(folders), sorted(files)))
    print(found)


def walks_bottom_up():
    tree()
    found = []
    for root, folders, files in os.walk("walked", topdown=False):
        if len(found) == 2:
            yield
        found.append((root, sorted(folders), sorted(files)))
    print(sorted(found), found[-1][0])


def globs():
    import glob

    tree()
    it = glob.iglob("walked/**/*.txt", recursive=True)
    seen = [next(it), next(it)]
    yield
    print(sorted([*seen, *it]))


def path_globs():
    import pathlib

    tree()
    a, b = pathlib.Path("walked").rglob("*.txt"), pathlib.Path("walked").glob("*")
    seen, top = [next(a), next(a)], [next(b)]
    yield
    print(sorted(map(str, [*seen, *a])), sorted(map(str, [*top, *b])))


def path_walks():
    import pathlib
    import sys

    if sys.version_info < (3, 12):
        return
    tree()
    found = []
    for root, folders, files in pathlib.Path("walked").walk():
        folders.sort()
        if len(found) == 1:
            yield
        found.append((str(root), sorted(files)))
    print(found)


def syntax_walks():
    import ast

    it = ast.walk(ast.parse("x = f(1)"))
    next(it), next(it)
    yield
    print([type(node).__name__ for node in it])


def merges():
    import heapq

    it = heapq.merge([1, 4, 7], [2, 5], [3], key=lambda x: x, reverse=False)
    next(it), next(it)
    yield
    print(list(it))


def diffs():
    import difflib

    it = difflib.unified_diff(["a\n", "b\n"], ["a\n", "c\n"], "old", "new")
    next(it)
    yield
    print("".join(it))


def tokens():
    import io
    import sys
    import tokenize

    it = tokenize.generate_tokens(io.StringIO("x = 1\ny = 2\n").readline)
    next(it)
    yield "TokenizerIter" if sys.version_info >= (3, 12) else None
    print([t.string for t in it])


def json_chunks():
    import json

    it = json.JSONEncoder().iterencode([1, {"a": [2, 3]}])
    first = next(it)
    yield
    print(first + "".join(it))


def context_managers():
    import contextlib

    log = []

    @contextlib.contextmanager
    def managed():
        log.append("in")
        try:
            yield 5
        finally:
            log.append("out")

    with managed() as five, contextlib.ExitStack() as stack:
        stack.callback(log.append, "callback")
        yield
        print(five, log)
    print(log)
