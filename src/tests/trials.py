"""Trials: programs in a folder of their own, what is done to them, and what must come of it. Each driver has a table of some.

What has gone wrong is a :class:`Failure`; the trials that follow go on.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

TIMEOUT = 60
#: What stops a program.
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Failure(Exception):
    """A program lost or doubled something, or did not stop, or said what it should not."""


class House:
    """A folder to run programs in, with a home of its own."""

    def __init__(self, folder: Path, heresy: str, python: str) -> None:
        self.folder = folder
        self.python = python
        self.command = [heresy, "run", "--python", python]
        keep = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.environment = {**keep, "XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}

    def plain(self, *words: str) -> bytes:
        done = subprocess.run(
            [self.python, *words], cwd=self.folder, env=self.environment, capture_output=True, check=True
        )
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.command, *words],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def end(self, life: subprocess.Popen[bytes]) -> tuple[bytes, str]:
        """What a life printed; it must have ended well or been stopped."""
        try:
            stdout, stderr = life.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            life.kill()
            stdout, stderr = life.communicate()
            raise Failure(f"did not end:\n{stderr.decode()}") from None
        if life.returncode not in (0, *(-each for each in STOPS)):
            raise Failure(f"ended with status {life.returncode}:\n{stderr.decode()}")
        return stdout, stderr.decode()

    def checkpoints(self) -> list[str]:
        return sorted(path.name for path in (self.folder / ".heresy").glob("*.ckpt*"))


#: What is done in one house; returns what to report, for people.
Trial = Callable[[House], object]


def need(condition: object, problem: str) -> None:
    if not condition:
        raise Failure(problem)


def main(
    about: str | None,
    table: Callable[[argparse.Namespace], Mapping[str, Trial]],
    more: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
) -> int:
    """The command of a driver: runs its trials under each interpreter, and says how each went.

    Args:
        about: the driver's description.
        table: makes its trials, by name; once for each interpreter.
        more: adds options of its own.

    Returns:
        the exit status.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heresy", required=True, help="the heresy binary")
    parser.add_argument("--python", action="append", required=True, help="an interpreter; may be given several times")
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help="only these")
    more(parser)
    options = parser.parse_args()
    heresy = str(Path(options.heresy).resolve())
    failed = 0
    for python in options.python:
        trials = table(options)
        for name in options.trials or trials:
            if name not in trials:
                parser.error(f"there is no trial {name!r}, only {', '.join(trials)}")
            # A module may still be being transpiled into the cache, for a program that was ended.
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                try:
                    said = trials[name](House(Path(folder).resolve(), heresy, python))
                    print(f"{python}: {name}: {said or 'as it should be'}", flush=True)
                except Failure as failure:
                    failed += 1
                    print(f"{python}: {name}: FAILED: {failure}", flush=True)
    return 1 if failed else 0
