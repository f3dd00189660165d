"""A plugin for pytest: writes down how each test ended, and which modules of a package were instrumented.

``packages.py`` has pytest load it in a plain run and in one under heresy. It says where the report goes in
``PACKAGES_REPORT``, and in ``PACKAGES_MODULES`` which packages to look at.

Instrumented is a module that the runtime knows, if every function of it that is alive, methods and closures among them,
has a code object of the run form that the runtime has given out; the package's own code can have made none of these.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any

REPORT = "PACKAGES_REPORT"
MODULES = "PACKAGES_MODULES"

#: The ways in which a part of a test can end; of several parts the last in this order is the test's.
ENDS = ("passed", "skipped", "xfailed", "xpassed", "failed", "error")

_ends: dict[str, str] = {}
_texts: dict[str, str] = {}


def pytest_runtest_logreport(report: Any) -> None:
    if hasattr(report, "wasxfail"):
        end = "xfailed" if report.skipped else "xpassed"
    elif report.failed:
        end = "failed" if report.when == "call" else "error"
    else:
        end = report.outcome
    _add(report, end)


def pytest_collectreport(report: Any) -> None:
    if not report.passed:
        _add(report, "error" if report.failed else report.outcome)


def _add(report: Any, end: str) -> None:
    known = _ends.get(report.nodeid, "passed")
    _ends[report.nodeid] = max(known, end, key=ENDS.index)
    if report.failed:
        _texts[report.nodeid] = _texts.get(report.nodeid, "") + report.longreprtext[-4000:]


def pytest_sessionfinish() -> None:
    names = tuple(os.environ[MODULES].split())
    runtime: Any = sys.modules.get("heresy._stop")
    units = runtime.stopper.units if runtime is not None else None
    # Some have frozen what they had then, and it would not be found.
    gc.unfreeze()
    modules, functions = {}, 0
    for name, module in sorted(sys.modules.items()):
        if name.startswith(tuple(f"{each}." for each in names)) or name in names:
            # Those that hold tests are loaded by pytest itself, for the sake of its assertions.
            if type(getattr(module.__spec__, "loader", None)) is SourceFileLoader:
                modules[name], count = _problem(module, units)
                functions += count
    seconds = sum(os.times()[:4])
    report = {"ends": _ends, "texts": _texts, "modules": modules, "functions": functions, "seconds": seconds}
    with open(os.environ[REPORT], "w") as file:
        json.dump(report, file)


def _problem(module: ModuleType, units: Any) -> tuple[str, int]:
    """Why a module does not count as instrumented, or ``""``; and how many functions it has."""
    assert module.__spec__ is not None
    path = module.__spec__.origin
    functions = [
        each
        for each in gc.get_objects()
        if type(each) is FunctionType and each.__globals__ is vars(module) and each.__code__.co_filename == path
    ]
    if units is None:
        return "there is no heresy", len(functions)
    if module.__name__ in units.plain:
        return f"could not be instrumented: {units.plain[module.__name__][1]}", len(functions)
    of_file = units.by_file.get(path, ())
    if not any(unit.name == module.__name__ and not unit.library for unit in of_file):
        return "is not known to the runtime", len(functions)
    given = {id(code) for unit in of_file for code in _codes(unit.code)}
    strange = sorted(each.__qualname__ for each in functions if id(each.__code__) not in given)
    return f"has functions of other code: {', '.join(strange)}" if strange else "", len(functions)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
