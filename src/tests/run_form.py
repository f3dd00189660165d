"""The run form is the original: what a scope compiles to when nothing stops it.

    python3.13 run_form.py --heresy target/debug/heresy SCRIPT…

The interpreter that runs this is the one that is tested. Each SCRIPT is compiled as it is and from its marked form, and the
code objects of both are compared one by one, in all that a code object holds: bytes, names, constants, positions, handlers.
Every other script is taken to pieces, as long texts are on some interpreters: see `_tree.parse`.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tokenize
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "runtime"))
from heresy import _run_form, _tree  # noqa: E402

#: Constants apart, which may be code objects again.
FIELDS = (
    "co_name", "co_qualname", "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_firstlineno", "co_flags",
    "co_cellvars", "co_freevars", "co_code", "co_names", "co_varnames", "co_nlocals", "co_stacksize", "co_linetable",
    "co_exceptiontable",
)  # fmt: skip


class Counts:
    """How many scopes were compared, and what differs."""

    def __init__(self) -> None:
        self.identical = 0
        self.problems: list[str] = []


def compare(old: types.CodeType, new: types.CodeType, counts: Counts) -> None:
    """Compares a scope of the original with the same scope of the run form, then the scopes inside it."""
    where = f"{old.co_filename}:{old.co_firstlineno} {old.co_qualname}"
    before = len(counts.problems)
    old_inner, new_inner = list(_inner(old)), list(_inner(new))
    if len(old_inner) != len(new_inner):
        counts.problems.append(f"{where}: {len(new_inner)} scopes inside it, not {len(old_inner)}")
        return
    if _constants(old) != _constants(new):
        counts.problems.append(f"{where}: co_consts: {_constants(new)}, not {_constants(old)}")
    if list(old.co_positions()) != list(new.co_positions()):
        counts.problems.append(f"{where}: positions: {_first_difference(old, new)}")
    for field in FIELDS:
        if getattr(old, field) != getattr(new, field):
            counts.problems.append(f"{where}: {field}: {getattr(new, field)!r}, not {getattr(old, field)!r}")
    counts.identical += len(counts.problems) == before
    for a, b in zip(old_inner, new_inner):
        compare(a, b, counts)


def _inner(code: types.CodeType) -> Iterator[types.CodeType]:
    return (const for const in code.co_consts if isinstance(const, types.CodeType))


def _constants(code: types.CodeType) -> list[str]:
    """Told apart by type too: 1, 1.0 and True are equal. A set constant is only ever asked what it contains."""
    shown = []
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            shown.append("<code>")
        elif isinstance(const, frozenset):
            shown.append(f"frozenset {sorted(map(repr, const))}")
        else:
            shown.append(f"{type(const).__name__} {const!r}")
    return shown


def _first_difference(old: types.CodeType, new: types.CodeType) -> str:
    for index, (a, b) in enumerate(zip(old.co_positions(), new.co_positions())):
        if a != b:
            return f"at byte {2 * index}: {b}, not {a}"
    return "one is shorter"


def decode(data: bytes) -> str:
    """The text of a program, in the encoding that it declares."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    return data.decode(encoding)


def check(heresy: str, script: Path, counts: Counts) -> None:
    """Compares one script."""
    version = "%d.%d" % sys.version_info[:2]
    done = subprocess.run(
        [heresy, "transpile", "--target-version", version, str(script)], capture_output=True, check=False
    )
    if done.returncode:
        counts.problems.append(f"{script}: {done.stderr.decode(errors='replace')}")
        return
    source = script.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = compile(source, str(script), "exec", dont_inherit=True)
    text = decode(done.stdout)
    code = _run_form.compile_module(text, source, str(script)).ready()
    compare(original, code, counts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("scripts", nargs="+")
    options = parser.parse_args()
    counts = Counts()
    for index, script in enumerate(options.scripts):
        _tree._PIECE = 100 if index % 2 else sys.maxsize
        check(options.heresy, Path(script).resolve(), counts)
    for problem in counts.problems:
        print(f"FAILED: {problem}")
    print(
        f"{len(options.scripts)} programs: {counts.identical} scopes are identical, {len(counts.problems)} differences"
    )
    return 1 if counts.problems else 0


if __name__ == "__main__":
    sys.exit(main())
