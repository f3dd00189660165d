"""``python -m heresy …``: the ``heresy`` command, which runs programs with this very interpreter unless another is asked for.

The command is a binary of its own. It comes with this package where that was installed; else it is looked for on PATH.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from . import _binary, _messages
from ._errors import HeresyError

#: Those that start an interpreter.
_COMMANDS = ("run", "resume")


def main() -> NoReturn:
    """Becomes the binary; with status 2 if there is none."""
    binary = _binary.find()
    if binary is None:
        refuse("H023", "the `heresy` command is not installed here", "pip install it, or put it into your PATH")
    given = options_of_python()
    words = sys.argv[1:]
    at = command_of(words)
    if at is not None:
        if given:
            title = f"the program would run without the options {' '.join(given)} of this python"
            refuse("H024", title, "set them in the environment: PYTHONDEVMODE=1, PYTHONOPTIMIZE=1, PYTHONWARNINGS=…")
        words[at + 1 : at + 1] = ["--python", sys.executable]
    os.execv(binary, [binary, *words])


def options_of_python() -> list[str]:
    """Before: ``python -X dev -m heresy run a.py``. After: ``["-X", "dev"]``."""
    own = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    return [option for option in own if option not in ("-m", "heresy", "-mheresy")]


def command_of(words: list[str]) -> int | None:
    """Where the word is that names a command, if the command starts an interpreter."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] == "--color" else 1
    return at if words[at : at + 1] and words[at] in _COMMANDS else None


def refuse(code: str, title: str, help: str) -> NoReturn:
    _messages.report(HeresyError(code, title, help=help))
    sys.exit(2)


if __name__ == "__main__":
    main()
