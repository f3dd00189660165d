"""The ``heresy`` command, as a file."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig


def installed() -> str | None:
    """The one that came with this package: beside the interpreter, or beside the package (``pip install --target``)."""
    package = os.path.dirname(os.path.abspath(__file__))
    folders = [
        sysconfig.get_path("scripts"),
        os.path.dirname(sys.executable),
        sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")),
        os.path.join(os.path.dirname(package), "bin"),
    ]
    return next(filter(None, (shutil.which("heresy", path=folder) for folder in folders)), None)


def find() -> str | None:
    """That one, or any on PATH."""
    return installed() or shutil.which("heresy")
