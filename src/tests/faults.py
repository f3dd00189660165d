"""Whatever goes wrong while a checkpoint is written: the older one or the new one is whole, and the program runs on.

    python faults.py --heresy target/release/heresy --python python3.13 [--stride 3]

A program makes a checkpoint, and then another, in which something goes wrong at the n-th system call, for each n that there is:

* *killed*: SIGKILL just before the call, or just after it. The same command then continues from one of the two;
* *failing*: the call fails as on a full disk (ENOSPC), a broken one (EIO), or one that cannot be written to (EROFS). The program
  is told so, runs on, and makes its next checkpoint as if nothing had been, with nothing left behind of the failed one.

Each with and without ``--keep``, and with and without an older checkpoint. The calls are those of Python's `os` and `open`, which
the program has put functions of its own in the place of; what the disk holds only changes by them.

* *no room*: the same with a real limit on the size of files, one after the other (RLIMIT_FSIZE), so that a write is cut off;
* *no folder*: Ctrl-C where the place of ``.heresy`` is taken by a file. The program is told, runs on, and ends well.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trials import Failure, House

PROGRAM = """\
import builtins, errno, os, resource, sys
import heresy

NAMES = "open write fsync close replace link unlink listdir mkdir".split()
calls = []


def fault():
    # What goes wrong in this life of the program, and where.
    return os.environ.get("FAULT", ""), int(os.environ.get("AT", 0))


def faulty(function):
    def call(*args, **keywords):
        calls.append(function.__name__)
        kind, at = fault()
        if len(calls) != at:
            return function(*args, **keywords)
        if kind == "before":
            die()
        if kind.startswith("E"):
            raise OSError(getattr(errno, kind), os.strerror(getattr(errno, kind)))
        try:
            return function(*args, **keywords)
        finally:
            if kind == "after":
                die()
    return call


def die(kill=os.kill):
    sys.stdout.flush()
    kill(os.getpid(), 9)


def checkpoint():
    try:
        return heresy.checkpoint()
    except heresy.CheckpointError as error:
        print("refused", error.code, flush=True)
        return None


def endangered():
    plain = {name: getattr(os, name) for name in NAMES}
    plain_open, no_limit = open, resource.getrlimit(resource.RLIMIT_FSIZE)
    for name in NAMES:
        setattr(os, name, faulty(plain[name]))
    builtins.open = faulty(open)
    if fault()[0] == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (fault()[1], no_limit[1]))
    made = checkpoint()
    resource.setrlimit(resource.RLIMIT_FSIZE, no_limit)
    builtins.open = plain_open
    for name in NAMES:
        setattr(os, name, plain[name])
    return made


data, reached = list(range(30_000)), 0
print("begin", flush=True)
if "OLDER" in os.environ:
    reached = 1
    print("one", checkpoint(), sum(data), flush=True)
reached = 2
made = endangered()
print("two", made, reached, sum(data), flush=True)
if fault()[0] == "count":
    print(len(calls), *calls)
elif made is False or made is None:
    # It was made, or has failed: in either case the next one is made.
    reached = 3
    made = checkpoint()
    if made is False:
        print(sorted(name for name in os.listdir(".heresy") if name.endswith(".new")), flush=True)
        die()
    print("three", made, reached, sum(data))
print("end")
"""

SUM = sum(range(30_000))


class Trial:
    """One way to run the program in a folder."""

    def __init__(self, house: House, *, older: bool, keep: bool) -> None:
        self.house = house
        self.command = [*house.command, *(["--keep", "2"] if keep else []), "program.py"]
        self.older = older
        self.name = f"{'with' if older else 'without'} an older one{', kept' if keep else ''}"

    def run(self, fault: str | None, at: int) -> tuple[int, str, str]:
        environment = {**self.house.environment, **({"OLDER": "1"} if self.older else {})}
        if fault is not None:
            environment |= {"FAULT": fault, "AT": str(at)}
        done = subprocess.run(
            self.command, cwd=self.house.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def calls(self) -> int:
        """How many system calls there are, once the cache has what comes before."""
        self.run("count", 0)
        self.clean()
        status, out, err = self.run("count", 0)
        if status or "end" not in out:
            raise Failure(f"status {status}: {out}{err}")
        return int(out.splitlines()[-2].split()[0])

    def clean(self) -> None:
        """As before the first checkpoint, the writes to the cache that come with it included."""
        cache = Path(self.house.environment["XDG_CACHE_HOME"])
        for file in [*(self.house.folder / ".heresy").glob("*"), *cache.rglob("*.frame")]:
            file.unlink()

    def killed(self, fault: str, at: int) -> str:
        """What came of it: which of the two the program was continued from."""
        self.clean()
        status, out, err = self.run(fault, at)
        if status != -signal.SIGKILL:
            raise Failure(f"status {status}: {out}{err}")
        # What it does now goes without faults: the next life does not have them.
        status, again, err = self.run(None, 0)
        lines = again.splitlines()
        is_fresh = lines[:1] == ["begin"]
        if status == -signal.SIGKILL:
            # The third checkpoint's own end.
            status, more, err = self.run(None, 0)
            lines += more.splitlines()
        expected = f"two True 2 {SUM}" if "continuing" in err and lines[:1] == [f"two True 2 {SUM}"] else None
        if status or lines[-1:] != ["end"] or is_fresh and self.older:
            raise Failure(f"status {status}: {out}{lines}{err}")
        if expected:
            return "new"
        if not is_fresh and lines[:2] != [f"one True {SUM}", f"two False 2 {SUM}"]:
            raise Failure(f"{lines}{err}")
        return "none" if is_fresh else "older"

    def failing(self, fault: str, at: int) -> str:
        self.clean()
        status, out, err = self.run(fault, at)
        lines = out.splitlines()
        refused = [line for line in lines if line.startswith("refused")]
        codes = {line.split()[1] for line in refused}
        # The file, the key, or a text that is read before.
        if status != -signal.SIGKILL or lines[-1] != "[]" or not codes <= {"H310", "H342", "H324"} or len(refused) > 1:
            raise Failure(f"status {status}: {out}{err}")
        status, again, err = self.run(None, 0)
        if status or again.splitlines() != [f"three True 3 {SUM}", "end"]:
            raise Failure(f"afterwards, status {status}: {again}{err}")
        return "refused" if refused else "made"


def trials(house: House, stride: int) -> Iterator[str]:
    for older in (True, False):
        for keep in (False, True):
            trial = Trial(house, older=older, keep=keep)
            calls = trial.calls()
            for way, faults in ("killed", ("before", "after")), ("failing", ("ENOSPC", "EIO", "EROFS")):
                results: dict[str, int] = {}
                for fault in faults:
                    for at in range(1 + calls % stride, calls + 1, stride):
                        result = _tried(trial, way, fault, at)
                        results[result] = results.get(result, 0) + 1
                yield f"{trial.name}: {way} at each of {calls} calls: {results}"
    trial = Trial(house, older=True, keep=True)
    sizes = range(0, 100_000, 4000 * stride)
    results = {}
    for size in sizes:
        result = _tried(trial, "failing", "limit", size)
        results[result] = results.get(result, 0) + 1
    yield f"no room for more than 0 to {sizes[-1]} bytes: {results}"
    yield no_folder(house)


def _tried(trial: Trial, way: str, fault: str, at: int) -> str:
    try:
        return getattr(trial, way)(fault, at)
    except Failure as failure:
        raise Failure(f"{trial.name}, {way} by {fault} at {at}: {failure}") from None


def no_folder(house: House) -> str:
    trial = Trial(house, older=False, keep=False)
    trial.clean()
    (house.folder / ".heresy" / ".gitignore").unlink(missing_ok=True)
    (house.folder / ".heresy").rmdir()
    (house.folder / ".heresy").write_text("not a folder")
    (house.folder / "waiting.py").write_text(
        "import time\nprint('begin', flush=True)\nend = time.monotonic() + 2\n"
        "while time.monotonic() < end:\n    time.sleep(0.01)\nprint('end')\n"
    )
    life = house.start("waiting.py")
    assert life.stdout is not None
    first = life.stdout.readline()
    time.sleep(0.2)
    life.send_signal(signal.SIGINT)
    out, err = life.communicate(timeout=60)
    if life.returncode or first + out != b"begin\nend\n" or b"error[H310]" not in err or b"runs on" not in err:
        raise Failure(f"no folder: status {life.returncode}: {out!r}{err!r}")
    return "no folder: told, ran on"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to test")
    parser.add_argument("--stride", type=int, default=1, help="try each n-th system call")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder).resolve(), os.path.abspath(options.heresy), options.python)
        (house.folder / "program.py").write_text(PROGRAM)
        try:
            for line in trials(house, options.stride):
                print(f"{options.python}: {line}", flush=True)
        except Failure as failure:
            print(f"FAILED: {options.python}: {failure}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
