"""The modules of libraries that are instrumented by default, and why.

Their frames commonly stand *between* frames of a program: a stop can only be exact if these are continuable too. They are
imported again when a program continues, as any library is: what their functions do is known, what they hold is not saved.

Not among them are `copy` and `reprlib`: while they run they know objects by their `id()`, which are others in another process.
"""

from __future__ import annotations

LIBRARIES: dict[str, str] = {
    "argparse": "parse_args() calls the program's actions and `type` functions",
    "ast": "NodeVisitor.visit() calls the program's visit_… methods",
    "cmd": "Cmd.cmdloop() calls the program's do_… methods",
    "contextlib": "__enter__ and __exit__ of @contextmanager resume the program's generators; ExitStack calls callbacks",
    "dataclasses": "field factories and replace() call the program's classes",
    "enum": "looking a member up by value calls the program's _missing_",
    "functools": "wrappers of singledispatch, cached_property, partialmethod, total_ordering call what they wrap",
    "graphlib": "TopologicalSorter hashes and compares the program's nodes",
    "html.parser": "feed() calls the program's handle_… methods",
    "logging": "loggers call the program's handlers, filters and formatters",
    "sched": "scheduler.run() calls the program's actions",
    "string": "Formatter.format() calls the program's overrides",
    "threading": "Thread.run(), Timer and Condition call the program's targets",
    "typing": "Generic classes are called through their aliases",
    "unittest.case": "TestCase.run() calls test methods, fixtures and cleanups",
    "unittest.async_case": "the same, for asynchronous tests",
    "unittest.loader": "load_tests and test collection call the program",
    "unittest.main": "unittest.main() runs everything from one call",
    "unittest.mock": "side_effect functions are the program's",
    "unittest.result": "results are reported between tests",
    "unittest.runner": "TextTestRunner.run() runs the tests",
    "unittest.suite": "TestSuite.run() calls class and module fixtures",
    "unittest.util": "helps unittest.case to compare the program's objects",
}

#: Functions of theirs that keep in the library itself what they need later: a stop waits until they have returned.
WHOLE = frozenset({("string", "Template._compile_pattern")})

#: Of other people's libraries, in ``site-packages``, those that run a program from one call, or call its functions again.
OTHERS: dict[str, str] = {
    "backoff._sync": "retries the program's functions",
    "click.core": "commands call the program's functions",
    "click.decorators": "the same, with a context",
    "fire.core": "Fire() calls the program's functions",
    "tenacity": "retries the program's functions",
    "typer._click.core": "the same as click.core",
    "typer._click.decorators": "the same as click.decorators",
    "typer.core": "the same as click.core",
    "typer.main": "commands call the program's functions",
}
