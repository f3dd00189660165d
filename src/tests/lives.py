"""Lives of programs: processes forked from a server that has all loaded which each would have to load anew.

Most of a short life would be the start of an interpreter and the import of what a stop and a resume need. What is forked runs
the boot script as it does when it is started, or the script alone, for the plain life, as `python SCRIPT` does. A *cold* life
is that of a fresh interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

TIMEOUT = 120
RUNTIME = Path(__file__).resolve().parent.parent / "runtime" / "heresy" / "_boot.py"

_SERVER = Path(__file__).resolve().parent / "life_server.py"


def environment(seed: str) -> dict[str, str]:
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "HERESY"))}
    return {**keep, "PYTHONHASHSEED": seed, "HERESY_DEBUG": "1"}


def run(
    command: list[str], folder: Path, seed: str = "1", path: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, cwd=folder, env={**environment(seed), **(path or {})}, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=TIMEOUT,
    )  # fmt: skip


class Life(NamedTuple):
    """What one process of a program did."""

    status: int
    stdout: bytes
    stderr: bytes


class Interpreter:
    """One Python, which gives lives to programs."""

    def __init__(self, python: str, *, cold: bool) -> None:
        self.python = python
        self.cold = cold
        self.server: subprocess.Popen[str] | None = None
        #: Forks the plain lives; it has not loaded what they do not need, and so each costs a fifth.
        self.plain_server: subprocess.Popen[str] | None = None

    def plain(self, script: Path) -> Life:
        """What plain Python does with a script, in the folder that it is in."""
        return self._life(None, script, script.parent)

    def life(self, launch: dict[str, object], script: Path, folder: Path) -> Life:
        """What heresy does with a script in some folder."""
        return self._life(json.dumps(launch), script, folder)

    def _life(self, launch: str | None, script: Path, folder: Path) -> Life:
        if self.cold:
            words = [str(script)] if launch is None else [str(RUNTIME), launch]
            done = run([self.python, *words], folder)
            return Life(done.returncode, done.stdout, done.stderr)
        if launch is None:
            server = self.plain_server = self.plain_server or self._started()
        else:
            server = self.server = self.server or self._started(str(RUNTIME))
        assert server.stdin is not None and server.stdout is not None
        print(json.dumps([launch, str(script), str(folder)]), file=server.stdin, flush=True)
        status = os.waitstatus_to_exitcode(int(server.stdout.readline()))
        return Life(status, (folder / ".heresy-out").read_bytes(), (folder / ".heresy-err").read_bytes())

    def _started(self, *boot: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, str(_SERVER), *boot], env=environment("1"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def close(self) -> None:
        for server in (self.server, self.plain_server):
            if server is not None and server.stdin is not None and server.stdout is not None:
                server.stdin.close()
                server.stdout.close()
                server.wait()
