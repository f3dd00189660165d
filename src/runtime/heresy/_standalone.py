"""``python out.py``: a program in marked form, run without the ``heresy`` command.

The interpreter starts once more, as ``heresy run`` would have started it: with a hash seed that the program keeps for its
life, and with ``_boot.py``, so that all that follows is the same. Its checkpoint goes to ``.heresy`` in the current
directory, and the same command continues from there.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tokenize
from typing import NoReturn

from . import _binary, _checkpoint, _messages
from ._errors import HeresyError
from ._marked import Marked
from ._positions import DifferentProgram, align

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def run(file: str, source: str | None) -> NoReturn:
    """Becomes the program.

    Args:
        file: the path of the marked form.
        source: the name of the file it was made from.
    """
    try:
        _become(os.path.abspath(file), source)
    except (HeresyError, OSError) as error:
        _messages.report_fatal(error)


def _become(marked: str, source: str | None) -> NoReturn:
    if sys.flags.ignore_environment:
        raise HeresyError(
            "H332", "python -E and python -I cannot run a program in marked form",
            why="the program keeps one hash seed for its life, which is handed on in the environment",
        )  # fmt: skip
    with open(marked, "rb") as file:
        data = file.read()
    arguments = sys.argv[1:]
    checkpoint = _checkpoint_of(marked, arguments)
    resume = os.path.exists(checkpoint)
    was = os.environ.get("PYTHONHASHSEED")
    seed = _checkpoint.read(_checkpoint.Reading(checkpoint), environ=os.environ)[0]["hash_seed"] if resume else _seed(was)
    shown = _original(marked, data, source) or marked
    os.environ["PYTHONHASHSEED"] = seed
    words = {
        "script": sys.argv[0],
        "source": shown,
        "sha256": hashlib.sha256(data).hexdigest(),
        "marked": marked,
        "roots": [os.path.dirname(shown)],
        "checkpoint": checkpoint,
        "resume": resume,
        "command": shlex.join(sys.orig_argv),
        "hash_seed": {"value": seed, "was": was},
        "encoding": _encoding(data),
        **_store(),
        "blocked": [number.name for number in _block_signals()],
    }
    options = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    boot = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_boot.py")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *options, boot, json.dumps(words), *arguments])


def _store() -> dict[str, str]:
    """The words about the command that was installed with this package: it transpiles what the program imports."""
    command = _binary.installed()
    if command is None:
        return {}
    done = subprocess.run([command, "cache", "dir"], stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        return {}
    folder = os.fsdecode(done.stdout[:-1])
    found = os.stat(command)
    build = f"{found.st_size:x}-{found.st_mtime_ns:x}"
    return {"heresy": command, "folder": folder, "cache": os.path.join(folder, "code", build), "build": build}


def _checkpoint_of(marked: str, arguments: list[str]) -> str:
    """One for each program with its arguments, in the directory it is started in."""
    identity = hashlib.sha256(json.dumps([os.path.realpath(marked), *arguments]).encode()).hexdigest()
    stem = os.path.splitext(os.path.basename(marked))[0][:40]
    return os.path.join(os.getcwd(), ".heresy", f"{stem}-{identity[:16]}.ckpt")


def _seed(was: str | None) -> str:
    """The user's own, or a random one; 0 would switch randomization off, which is visible in ``sys.flags``."""
    return was if was and was != "random" else str(1 + secrets.randbelow(2**32 - 1))


def _original(marked: str, data: bytes, source: str | None) -> str | None:
    """The file that the marked form was made from, if it is still beside it and is still the same program."""
    path = os.path.join(os.path.dirname(marked), source or "")
    try:
        with open(path, "rb") as file:
            align(Marked(data.decode(_encoding(data)), marked), ast.parse(file.read(), path))
    except (OSError, SyntaxError, ValueError, DifferentProgram):
        return None
    return path


def _encoding(data: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def _block_signals() -> list[signal.Signals]:
    """Makes signals wait until the program can answer them, but for those that are to be ignored or wait already."""
    waiting = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    wanted = [s for s in _SIGNALS if s not in waiting and signal.getsignal(s) is not signal.SIG_IGN]
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    return wanted
