"""What a program's surroundings were when it started: its own changes are the difference."""

from __future__ import annotations

import _signal as signal  # the module behind `signal`, which brings `enum` along
import _warnings  # the same of `warnings`
import gc
import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def process_settings() -> dict[str, Any]:
    """What the interpreter and the operating system keep for a process, and cost nothing to ask for."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "umask": umask,
        "niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "switch_interval": sys.getswitchinterval(),
        "int_max_str_digits": sys.get_int_max_str_digits(),
        "dont_write_bytecode": sys.dont_write_bytecode,
        "pycache_prefix": sys.pycache_prefix,
        "traceback_limit": getattr(sys, "tracebacklimit", None),
    }


def stream_settings() -> dict[str, dict[str, Any]]:
    """How the standard streams are set up; without those that there are not."""
    streams = {"stdin": sys.__stdin__, "stdout": sys.__stdout__, "stderr": sys.__stderr__}
    names = ("encoding", "errors", "line_buffering", "write_through")
    return {
        which: {name: getattr(stream, name, None) for name in names}
        for which, stream in streams.items()
        if stream is not None
    }


def taken() -> tuple[Any, ...]:
    """All of it, as `Baseline` takes it. It is kept while the program runs, so what can be is one string of bytes."""
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = ""  # it was removed
    described: dict[str, Any] = {
        "process": process_settings(),
        "streams": stream_settings(),
        "environ": dict(os.environ),
        "cwd": cwd,
        "path": list(sys.path),
        "argv": list(sys.argv),
        "recursion_limit": sys.getrecursionlimit(),
        "collecting": (gc.get_threshold(), gc.isenabled()),
        "frozen": gc.get_freeze_count(),  # 3.12 starts with some
        "modules": set(sys.modules),
        # What an environment sets up may have imported it; it is long, and the program may never ask.
        "random": sys.modules["random"].getstate() if "random" in sys.modules else None,
        "blocked": {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())},
    }
    # All but a few are numbers.
    found = {number: signal.getsignal(number) for number in range(1, signal.NSIG)}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    described["defaults"] = {number: handler for number, handler in found.items() if number not in handlers}
    try:
        kept: bytes | dict[str, Any] = marshal.dumps(described)
    except ValueError:
        kept = described  # an environment may set up what is no plain value
    return kept, dict(sys.modules["builtins"].__dict__), list(_warnings.filters), handlers


class Baseline:
    """That of one process, with the names that `taken` gives.

    Attributes:
        builtins, filters: what there was in `builtins` and `warnings`.
        handlers: those of all signals, by number.
    """

    def __init__(
        self, kept: bytes | dict[str, Any], builtins: dict[str, Any], filters: list[Any], handlers: dict[int, Any]
    ) -> None:
        vars(self).update(kept if isinstance(kept, dict) else marshal.loads(kept))
        self.builtins = builtins
        self.filters = filters
        self.handlers: dict[int, Any] = {**self.defaults, **handlers}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
