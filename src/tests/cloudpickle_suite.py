"""cloudpickle's own tests of functions, classes and files, with heresy's pickler in the place of cloudpickle's.

    python cloudpickle_suite.py --heresy target/release/heresy --python python3.13 [TEST…]

The source distribution that pip fetches holds the tests; `cloudpickle_adapter` takes the place of the package in it: its `dumps`
and `loads` are those by which a program's state is saved and read back, and what a test pickles goes through another process
before it comes back. A test that fails must be listed in `FAILS`, with the reason; a listed one that passes is said, too. Where
the packages cannot be had, that is said, and nothing is tested.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import packages_plugin
from packages import ROOT, TIMEOUT, Package, Place, Unavailable

#: The last whose source distribution holds tests.
PACKAGE = Package("cloudpickle", "2.2.1", "tests", ("psutil==7.2.2",))
ADAPTER = Path(__file__).resolve().parent / "cloudpickle_adapter"

FILES = ("tests/cloudpickle_test.py", "tests/cloudpickle_file_test.py")

#: Reasons, and the tests that fail for them.
REASONS = {
    "it asks cloudpickle for its insides, or to pickle what is installed by value": """
        test_extract_class_dict test_cell_manipulation test_cloudpickle_extract_nested_globals test_register_pickle_by_value
        test_non_module_object_passing_whichmodule_test test_lookup_module_and_qualname_dynamic_typevar
        test_lookup_module_and_qualname_importable_typevar test_lookup_module_and_qualname_stdlib_typevar
        test_pickle_constructs_from_installed_packages_registered_for_pickling_by_value test_module_level_pickler
        test_pickle_constructs_from_module_registered_for_pickling_by_value test_module
        test_pickle_various_versions_of_the_same_function_with_different_pickling_method
    """,
    "it wants the very class back that is there; a program is read back where there is none yet": """
        test_NamedTuple test_namedtuple test_generic_subclass test_generic_type test_locally_defined_enum
        test_locally_defined_intenum test_interactive_dynamic_type_and_remote_instances test_pickle_importable_typevar
        test_pickle_dynamic_typevar_tracking
    """,
    "it wants the globals of a function to come along; they are saved with the program": """
        test_closure_interacting_with_a_global_variable test_interactively_defined_global_variable
        test_interactive_dynamic_type_and_stored_remote_instances test_interactive_remote_function_calls
        test_interactive_remote_function_calls_no_side_effect test_interactively_defined_enum
        test_interactively_defined_function test_submodule test_import test_multiprocess
    """,
    "it drops modules from `sys.modules`; a program's are imported again before it is read back": """
        test_submodule_closure
    """,
    "it reads back in a program of other modules; a checkpoint is read back in its own": """
        test_load_dynamic_module_in_grandchild_process test_module_locals_behavior
    """,
    "it makes a class by a call of `abc.ABCMeta`, which says of it that it is one of `abc`": """
        test_abc_cache_not_pickled
    """,
    "it wants a failure, and heresy can save it": """
        test_dynamic_module_with_unpicklable_builtin test_func_globals test_pickle_reraise test_recursion_during_pickling
        test_closed_file test_w_mode test_pickling_special_file_handles
    """,
    "it wants `__reduce__` or `copyreg` to be asked of the program's own classes, which are taken apart": """
        test_always_use_up_to_date_copyreg test___reduce___returns_string
    """,
    "it needs `distutils`, which is in no Python since 3.12": """
        test_module_importability
    """,
}
FAILS = {name: reason for reason, names in REASONS.items() for name in names.split()}


def run(place: Place, tests: list[str]) -> dict[str, dict[str, str]]:
    """How each test ends, and what is said of those that fail.

    Raises:
        Unavailable: the packages cannot be had.
    """
    python = place.install(PACKAGE)
    folder = place.folder / PACKAGE.name / "sources"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.unpack_archive(place.archive(PACKAGE), folder, filter="data")
    (sources,) = folder.iterdir()
    shutil.rmtree(sources / "cloudpickle")
    shutil.copytree(ADAPTER, sources / "cloudpickle")
    # The adapter is no part of the program.
    (sources / "pyproject.toml").write_text('[tool.heresy]\nexclude = ["cloudpickle", "cloudpickle.*"]\n')
    report = folder.parent / "report.json"
    report.unlink(missing_ok=True)
    command = [place.heresy, "run", "--on-error", "end", "--python", str(python), "--fresh"]
    # The tests start processes that look for modules here only.
    package = "_cloudpickle_testpkg"
    shutil.copytree(sources / "tests" / "cloudpickle_testpkg" / package, sources / "tests" / package)
    below = [place.plugin, sources, sources / "tests"]
    environment = {
        **place.environment(),
        "PYTHONPATH": os.pathsep.join(map(str, below)),
        "CLOUDPICKLE_SUITE_HERESY": " ".join(command),
        packages_plugin.REPORT: str(report),
        packages_plugin.MODULES: PACKAGE.modules,
    }
    words = ["-p", packages_plugin.__name__, "-p", "no:cacheprovider", "--assert=plain", "-q", "-s"]
    done = subprocess.run(
        [*command, "-m", "pytest", *words, *(tests or FILES), "-k", "not Protocol2"],
        cwd=sources, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
    )  # fmt: skip
    if not report.exists():
        return {"ends": {}, "texts": {"all": done.stdout.decode(errors="replace")}}
    return json.loads(report.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "packages", help="keeps what is fetched")
    parser.add_argument("--verbose", action="store_true", help="show why tests fail")
    parser.add_argument("test", nargs="*", help="only these, as pytest names them; default: all")
    options = parser.parse_args()
    bad = 0
    for python in options.python:
        place = Place(options.folder.resolve(), python, str(Path(options.heresy).resolve()))
        place.find_pip()
        try:
            report = run(place, options.test)
        except Unavailable as error:
            print(f"{python}: SKIPPED, since it cannot be had: {str(error)[-1500:]}")
            continue
        ends = {name.rpartition("::")[2]: end for name, end in report["ends"].items()}
        failed = {name for name, end in ends.items() if end in ("failed", "error")}
        passed = {name for name, end in ends.items() if end == "passed"}
        problems = [f"{name} fails, and is not listed" for name in sorted(failed - FAILS.keys())]
        problems += [f"{name} is listed as one that fails, and passes" for name in sorted(passed & FAILS.keys())]
        if not passed:
            problems.append(f"no test has passed: {report['texts']}")
        share = 100 * len(passed) / max(1, len(passed) + len(failed))
        print(
            f"{python}: {len(passed)} of {len(passed) + len(failed)} pass ({share:.0f} %), {len(problems)} not as listed"
        )
        for problem in problems:
            print(f"    {problem}")
        if options.verbose:
            for name, text in report["texts"].items():
                print(f"--- {name}\n{text[-2500:]}")
        bad += len(problems)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
