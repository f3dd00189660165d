"""What surrounds a program in its process: random numbers, working directory, arguments, limits."""

from __future__ import annotations

import os
import sys
from typing import Any


def save() -> dict[str, Any]:
    """The surroundings, as plain data."""
    saved: dict[str, Any] = {
        "argv": list(sys.argv),
        "path": list(sys.path),
        "recursion_limit": sys.getrecursionlimit(),
    }
    try:
        saved["cwd"] = os.getcwd()
    except FileNotFoundError:
        pass
    random = sys.modules.get("random")
    if random is not None:
        saved["random"] = random.getstate()
    return saved


def restore(saved: dict[str, Any]) -> None:
    """Puts back what `save` found."""
    sys.argv[:] = saved["argv"]
    sys.setrecursionlimit(saved["recursion_limit"])
    if "cwd" in saved:
        os.chdir(saved["cwd"])
    if "random" in saved:
        import random

        random.setstate(saved["random"])
