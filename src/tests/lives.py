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

#: Seconds of processor time for one life of a program.
LIMIT = 10

#: Forks one life for each line it reads: [launch or null, script, folder].
_SERVER = r"""
import ast, collections, copy, ctypes, functools, gc, importlib, inspect, io, json, marshal, opcode, os, pickle, re, resource
import hashlib, hmac, signal, sys, threading, traceback, types, warnings

def imported(boot):
    # The modules of the runtime keep nothing of a program's before one is started. A module that cannot be imported on
    # its own is left to the life that needs it.
    folder = os.path.dirname(boot)
    sys.path.insert(0, os.path.dirname(folder))
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name not in ("__init__.py", "__main__.py", "_boot.py", "_standalone.py"):
            importlib.import_module("heresy." + name[:-3])
    for name in sorted(os.listdir(os.path.join(folder, "state"))):
        if name.endswith(".py"):
            importlib.import_module("heresy.state." + name[:-3])
    del sys.path[0]

def served(boot):
    imported(boot)
    with open(boot, encoding="utf-8") as file:
        code = compile(file.read(), boot, "exec")
    own = sys.modules["__main__"]
    c = ctypes.CDLL(None)
    c.fopen.restype = ctypes.c_void_p
    run = ctypes.pythonapi.PyRun_SimpleFileExFlags
    run.argtypes = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p
    # What is there stays: no life looks through it for garbage, and none takes it apart at its end. A life is so short
    # that its own garbage can wait for that.
    kept = [own, *(dict(vars(module)) for module in sys.modules.values())]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    gc.collect()
    gc.freeze()
    gc.disable()
    for line in iter(sys.stdin.readline, ""):
        launch, script, folder = json.loads(line)
        child = os.fork()
        if not child:
            break
        # A life that waits for ever is ended; the alarm may not be its own, which would be saved with it.
        signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGALRM))
        signal.alarm(20 * SECONDS)
        status = os.waitpid(child, 0)[1]
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        print(status, flush=True)
    else:
        os._exit(0)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    for number, name, flags in (0, os.devnull, os.O_RDONLY), (1, ".heresy-out", 577), (2, ".heresy-err", 577):
        handle = os.open(name, flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    if launch is None:
        sys.argv = [script]
        sys.path[0] = os.path.dirname(script)
        sys.modules["__main__"] = type(sys)("__main__")
        sys.modules["__main__"].__builtins__ = __builtins__
        sys.exit(-run(c.fopen(script.encode(), b"rb"), script.encode(), 1, None))
    sys.argv = [boot, launch]
    sys.path[0] = os.path.dirname(boot)
    return code, boot

code, boot = served(sys.argv[1])
exec(code, {"__name__": "__main__", "__file__": boot, "__builtins__": __builtins__})
""".replace("SECONDS", str(LIMIT))


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
        if self.server is None:
            self.server = subprocess.Popen(
                [self.python, "-c", _SERVER, str(RUNTIME)], env=environment("1"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert self.server.stdin is not None and self.server.stdout is not None
        print(json.dumps([launch, str(script), str(folder)]), file=self.server.stdin, flush=True)
        status = os.waitstatus_to_exitcode(int(self.server.stdout.readline()))
        return Life(status, (folder / ".heresy-out").read_bytes(), (folder / ".heresy-err").read_bytes())

    def close(self) -> None:
        if self.server is not None and self.server.stdin is not None and self.server.stdout is not None:
            self.server.stdin.close()
            self.server.stdout.close()
            self.server.wait()
