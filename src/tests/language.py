"""CPython's own tests, run instrumented, give the results of a plain run.

    python language.py --heresy target/release/heresy --python python3.13 [--all] [test_grammar …]

Each test module is run twice by the interpreter's own ``-m test``: plainly, and by ``heresy run --instrument 'test.*'``, which
makes the test package itself continuable. Every test must end in the same way both times: passed, failed, or skipped; but for
those that look at bytecode (`BYTECODE`).
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SAMPLE = (
    "test_grammar test_scope test_with test_generators test_exceptions test_contextlib test_decorators test_class "
    "test_import test_pkg test_runpy"
).split()

#: With those above, the modules that test the language and the types that come with it.
REST = """
    test_abc test_asyncgen test_augassign test_baseexception test_binop test_bool test_builtin test_call test_code
    test_codeop test_collections test_compare test_compile test_complex test_contains test_context
    test_contextlib_async test_copy test_coroutines test_dataclasses test_defaultdict test_deque test_descr
    test_descrtut test_dict test_dictcomps test_dictviews test_dynamic test_dynamicclassattribute test_enum
    test_enumerate test_eof test_except_star test_exception_group test_exception_hierarchy
    test_exception_variations test_extcall test_float test_flufl test_fstring test_funcattrs test_functools
    test_future_stmt test_generator_stop test_generic_class test_genericalias test_genexps test_global test_hash
    test_index test_inspect test_int test_int_literal test_isinstance test_iter test_iterlen test_itertools
    test_keyword test_keywordonlyarg test_list test_listcomps test_long test_longexp test_metaclass test_module
    test_named_expressions test_numeric_tower test_opcodes test_operator test_ordered_dict test_patma
    test_pep646_syntax test_positional_only_arg test_pow test_print test_property test_raise test_range
    test_richcmp test_set test_setcomps test_slice test_sort test_string_literals test_structseq test_subclassinit
    test_super test_syntax test_traceback test_tuple test_type_aliases test_type_annotations test_type_params
    test_typechecks test_types test_typing test_unary test_unpack test_unpack_ex test_userdict test_userlist
    test_userstring test_utf8source test_weakref test_yield_from
""".split()

#: Tests that look at the bytes that CPython makes of a function, with the reason why they see others.
BYTECODE = {
    "test.test_compile.TestSpecifics.test_32_63_bit_values": "all constants of a function are to be numbers: it has pads",
    "test.test_compile.TestSpecifics.test_no_wraparound_jump": "a function is to be a certain length, which its pads add to",
    "test.test_compile.TestSpecifics.test_uses_slice_instructions": "a function is to have so many operators: its pads have one",
    # From 3.14 on the compiler marks parameters, in a place that no `CodeType.replace` can fill, nor anybody see but these two.
    "test.test_code.CodeTest.test_local_kinds": "a function with pads is made by `CodeType.replace`",
    "test.test_code.CodeTest.test_var_counts": "a function with pads is made by `CodeType.replace`",
    "test.test_code.CodeLocationTest.test_co_branches": "the pads of an `async for` have branches of their own",
}

TIMEOUT = 900


def run(command: list[str], module: str, folder: Path) -> tuple[dict[str, str], str]:
    """How each test of a module ended, and what was printed."""
    report = folder / "report.xml"
    # A signal that is ignored, an unbuffered stream or unwritten bytecode would change what is tested.
    keep = {n: v for n, v in os.environ.items() if n not in ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")}
    environment = {**keep, "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [*command, "-m", "test", "--junit-xml", str(report), module],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode(errors="replace")
    if not report.exists():
        return {}, said
    ends: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        inner = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        ends[case.get("name", "?")] = inner[0] if inner else case.get("result", "passed")
    return ends, said


def check(task: tuple[str, str, str]) -> tuple[str, int, list[str], str]:
    """One module: its name, the number of its tests, the differences, and the end of what heresy's run printed."""
    heresy, python, module = task
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, kind) for kind in ("plain", "heresy")]
        for folder in folders:
            folder.mkdir()
        try:
            plain, _ = run([python], module, folders[0])
            other, said = run(
                [heresy, "run", "--on-error", "end", "--python", python, "--instrument", "test.*"], module, folders[1]
            )
        except subprocess.TimeoutExpired as error:
            return module, 0, [f"{module}: took more than {TIMEOUT} s: {error.cmd[0]}"], ""
    # What they say of their parts has no name.
    unnamed = {"?"} if BYTECODE.keys() & {*plain} else set()
    differences = [
        f"{test}: {plain.get(test, 'missing')} plainly, {other.get(test, 'missing')} here"
        for test in sorted({*plain, *other})
        if plain.get(test) != other.get(test) and test not in {*BYTECODE, *unnamed}
    ]
    if not plain and not other:
        return module, 0, [], ""
    return module, len(plain), differences, said[-3000:] if differences else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--verbose", action="store_true", help="show what a run that differs has printed")
    parser.add_argument("--all", action="store_true", help="all modules that test the language, and not a sample")
    parser.add_argument("modules", nargs="*", default=SAMPLE, help="test modules; default: a sample")
    options = parser.parse_args()
    modules = [*SAMPLE, *REST] if options.all else options.modules
    heresy = str(Path(options.heresy).resolve())
    bad = 0
    for python in options.python:
        has_tests = (
            subprocess.run([python, "-c", "import test.support"], capture_output=True, check=False).returncode == 0
        )
        if not has_tests:
            print(f"{python}: SKIPPED: this interpreter has no test package")
            continue
        total, start = 0, time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for module, tests, differences, said in pool.map(check, [(heresy, python, m) for m in modules]):
                total += tests
                bad += len(differences)
                print(f"{python}: {module}: {tests} tests, {len(differences)} differ", flush=True)
                for difference in differences:
                    print(f"    {difference}")
                if options.verbose and said:
                    print(said)
        print(f"{python}: {len(modules)} modules, {total} tests, {time.monotonic() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
