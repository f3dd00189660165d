"""Files that are open when a program is stopped, and what may become of them: no byte is lost, and each case has its message.

    python files.py --heresy target/release/heresy --python python3.13 [CASE…]

A program reads, writes, appends to or updates a file, and is stopped in the midst of it. Then something happens to the file:
it is touched, copied, grown, cut, rewritten, deleted, replaced, turned into a folder, or cannot be opened. Continued, the program
must either end with what an unstopped run gives, the change included, or be refused before anything of it runs: with the code
that is expected, the file and the checkpoint untouched. Then the old file is put back, and the program must end as if it had
never been stopped.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from everywhere import Failure, Program
from lives import Interpreter, Life

#: More than an interpreter reads ahead: 3.15 has buffers of 128 KiB.
LINES = [f"line {n}, which is some bytes long\n" for n in range(8000)]
OLD = "".join(LINES)

#: A function that is called once in the midst of the work: there the program is stopped.
STOP = """\
import os, sys

def here():
    here = str(1)
    return here

"""

READ = STOP + """\
with open("data.txt", encoding="utf-8") as file:
    for number, line in enumerate(file):
        if number == 150:
            here()
        sys.stdout.write(line)
"""

WRITE = STOP + """\
with open("data.txt", "w", encoding="utf-8", newline="\\n") as file:
    for number in range(300):
        if number == 150:
            here()
        file.write(f"written {number}\\n")
print("written")
"""

APPEND = STOP + """\
with open("data.txt", "a", encoding="utf-8") as file:
    for number in range(300):
        if number == 150:
            here()
        file.write(f"appended {number}\\n")
print("appended")
"""

UPDATE = STOP + """\
with open("data.txt", "r+b") as file:
    for number in range(300):
        if number == 150:
            here()
        at = file.tell()
        line = file.readline()
        file.seek(at)
        file.write(line.upper())
print("updated")
"""


def touch(path: Path) -> None:
    os.utime(path, (1, 1))


def copy(path: Path) -> None:
    other = path.with_name("copy")
    shutil.copyfile(path, other)
    other.replace(path)


def grow(path: Path) -> None:
    with path.open("a") as file:
        file.write("more\n")


def cut(path: Path) -> None:
    os.truncate(path, 100)


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def rewrite(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:20] + b"X" + data[21:])


def replace(path: Path) -> None:
    data = path.read_bytes()
    other = path.with_name("other")
    other.write_bytes(b"X" + data[1:])
    other.replace(path)


def into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


class Case(NamedTuple):
    """Something that may happen to a file.

    Attributes:
        happens: does it.
        codes: for each kind of program, the code of what is said; H334 lets the program go on.
    """

    happens: Callable[[Path], None]
    codes: dict[str, str]


PROGRAMS = {"read": READ, "write": WRITE, "append": APPEND, "update": UPDATE}
CASES = {
    "touched": Case(touch, dict.fromkeys(PROGRAMS, "")),
    "copied": Case(copy, dict.fromkeys(PROGRAMS, "")),
    "grown": Case(grow, {"read": "H334", "append": "H334", "write": "H333", "update": "H333"}),
    "cut": Case(cut, dict.fromkeys(PROGRAMS, "H321")),
    "shortened": Case(shorten, {"read": "H333", "update": "H333", "write": "H321", "append": "H321"}),
    "rewritten": Case(rewrite, dict.fromkeys(PROGRAMS, "H333")),
    "deleted": Case(Path.unlink, dict.fromkeys(PROGRAMS, "H320")),
    "replaced": Case(replace, dict.fromkeys(PROGRAMS, "H333")),
    "a folder": Case(into_folder, dict.fromkeys(PROGRAMS, "H320")),
    "unreadable": Case(make_loop, dict.fromkeys(PROGRAMS, "H320")),
}


class Place:
    """Where one program is stopped and continued."""

    def __init__(self, folder: Path, heresy: str, interpreter: Interpreter, text: str) -> None:
        self.folder = folder
        self.script = folder / "program.py"
        self.script.write_text(text)
        self.program = Program(heresy, interpreter.python, self.script, folder.parent / "cache", interpreter)
        self.at = 0

    def start(self, work: Path) -> Life:
        """A first life, in a folder of its own, which is stopped in ``here``; it is found out where that is."""
        while True:
            self.at += not self.at
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            (work / "data.txt").write_text(OLD)
            life = self.program.life(work, False, self.at)
            if life.status != -signal.SIGINT or b" in here()" in life.stderr:
                return life
            self.at += 1

    def next(self, work: Path) -> Life:
        return self.program.life(work, True, None)


def check(place: Place, kind: str, case: Case, plain: tuple[bytes, bytes], work: Path) -> None:
    """One case of one kind of program.

    Raises:
        Failure: something is lost, or not said.
    """
    path = work / "data.txt"
    first = place.start(work)
    need(first.status == -signal.SIGINT, f"was not stopped: {show(first)}")
    then = path.read_bytes()
    case.happens(path)
    now, mode = state_of(path), path.lstat().st_mode if path.is_file() else 0
    code = case.codes[kind]
    second = place.next(work)
    need(code in codes(second), f"said {codes(second)}, not {code}: {show(second)}")
    if code not in ("", "H334"):
        need(second.status == 1 and not second.stdout, f"ran: {show(second)}")
        need(state_of(path) == now and (not mode or path.lstat().st_mode == mode), "the file was touched")
        need((work / ".heresy" / "program.ckpt").exists(), "the checkpoint is gone")
        need(second.stderr.count(b"error[") == 1 and b"data.txt" in second.stderr, f"says something else: {show(second)}")
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        path.write_bytes(then)
        second = place.next(work)
    need(second.status == 0, f"did not go on: {show(second)}")
    printed, left = plain
    if code == "H334":
        # What came behind the end is read, or stays where it was.
        printed = printed + b"more\n" if kind == "read" else printed
        left = then + b"more\n" + left[len(then) :]
    need(first.stdout + second.stdout == printed, f"printed something else: {(first.stdout + second.stdout)[-300:]!r}")
    need(path.read_bytes() == left, f"left something else: {path.read_bytes()[-300:]!r}")


def several(place: Place, work: Path) -> None:
    """Several files are spoken of at once, whatever directory and name they were opened by."""
    first = place.start(work)
    need(first.status == -signal.SIGINT, f"was not stopped: {show(first)}")
    kept = {path: path.read_bytes() for path in [work / "one.txt", work / "sub" / "two.txt"]}
    (work / "one.txt").unlink()
    rewrite(work / "sub" / "two.txt")
    grow(work / "data.txt")
    second = place.next(work)
    need(second.status == 1 and not second.stdout, f"ran: {show(second)}")
    need(b"2 files" in second.stderr and b"one.txt" in second.stderr and b"two.txt" in second.stderr, show(second))
    for path, data in kept.items():
        path.write_bytes(data)
    second = place.next(work)
    need(second.status == 0 and second.stdout == b"('two', 'more', 'one')\n", f"is not as it was: {show(second)}")
    need(b"H334" in second.stderr, f"says nothing of what has grown: {show(second)}")
    need((work / "one.txt").read_bytes() == b"1234one", "lost what was written")


SEVERAL = STOP + """\
one = open("one.txt", "w")
one.write("1234")
os.mkdir("sub")
data = open("data.txt")
data.readlines()
os.chdir("sub")
with open("two.txt", "w") as two:
    two.write("two" * 3000)
two = os.fdopen(os.open("two.txt", os.O_RDONLY))
two.read(3000)
here()
one.write("one")
one.close()
print((two.read(3), data.readline().strip(), open("../one.txt").read()[-3:]))
"""


def without_path(place: Place, work: Path) -> None:
    """The content of a file that is deleted while it is open would end with the process: the stop is refused."""
    life = place.start(work)
    need(life.status == 0 and life.stdout == b"kept\n" and "H318" in codes(life), f"was stopped: {show(life)}")


WITHOUT_PATH = STOP + """\
file = open("data.txt", "w+")
os.unlink("data.txt")
file.write("kept")
here()
file.seek(0)
print(file.read())
"""


def standard_input(place: Place, work: Path) -> None:
    """Standard input that is a file is read on from where it was, also from a copy; another one is refused."""
    # `/dev/null`, which lives have, stands for another; the program's own descriptor is put in its place.
    first = place.start(work)
    need(first.status == -signal.SIGINT, f"was not stopped: {show(first)}")
    second = place.next(work)
    need(second.status == 1 and not second.stdout and "H335" in codes(second), f"reads another file: {show(second)}")
    need((work / ".heresy" / "program.ckpt").exists(), "the checkpoint is gone")


STANDARD_INPUT = STOP + """\
descriptor = os.open("data.txt", os.O_RDONLY)
os.dup2(descriptor, 0)
os.close(descriptor)
sys.stdin.readline()
here()
print(sys.stdin.readline())
"""

TRIALS: dict[str, tuple[str, Callable[[Place, Path], None]]] = {
    "several": (SEVERAL, several),
    "without path": (WITHOUT_PATH, without_path),
    "standard input": (STANDARD_INPUT, standard_input),
}


def state_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def codes(life: Life) -> list[str]:
    return re.findall(r"(?:error|warning)\[(H\d+)\]", life.stderr.decode()) or [""]


def need(truth: object, otherwise: str) -> None:
    if not truth:
        raise Failure(otherwise)


def show(life: Life) -> str:
    return f"status {life.status}, printed {life.stdout[-300:]!r}, said {life.stderr.decode()[-2000:]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to test")
    parser.add_argument("case", nargs="*", help="only these, as 'read grown' or 'several'; default: all")
    options = parser.parse_args()
    heresy = str(Path(options.heresy).resolve())
    interpreter, cold = (Interpreter(options.python, cold=is_cold) for is_cold in (False, True))
    done = failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def tried(title: str, act: Callable[[], None]) -> None:
            nonlocal done, failed
            if options.case and title not in options.case:
                return
            done += 1
            try:
                act()
            except Failure as failure:
                failed += 1
                print(f"FAILED: {title}: {failure}")

        for kind, text in PROGRAMS.items():
            place = Place(folder, heresy, interpreter, text)
            (folder / "data.txt").write_text(OLD)
            printed = interpreter.plain(place.script).stdout
            plain = printed, (folder / "data.txt").read_bytes()
            for what, case in CASES.items():
                tried(f"{kind} {what}", lambda: check(place, kind, case, plain, folder / "work"))  # noqa: B023
        for title, (text, trial) in TRIALS.items():
            # What is forked from the server of lives has another `sys.__stdin__`.
            life = cold if trial is standard_input else interpreter
            tried(title, lambda: trial(Place(folder, heresy, life, text), folder / "work"))  # noqa: B023
    interpreter.close()
    print(f"{options.python}: {done} cases, {failed} failed")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
