"""What a program's surroundings were when it started: its own changes are the difference."""

from __future__ import annotations

import _signal as signal  # the module behind `signal`, which brings `enum` along
import _warnings  # the same of `warnings`
import gc
import os
import sys
import time

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

#: The program may put others in the place of these.
monotonic, process_time, now = time.monotonic, time.process_time, time.time


class Baseline:
    """That of one process."""

    def __init__(self) -> None:
        self.process = process_settings()
        self.streams = stream_settings()
        self.builtins = dict(sys.modules["builtins"].__dict__)
        self.environ = dict(os.environ)
        try:
            self.cwd = os.getcwd()
        except OSError:
            self.cwd = ""  # it was removed
        self.path = list(sys.path)
        self.argv = list(sys.argv)
        self.recursion_limit = sys.getrecursionlimit()
        self.filters = list(_warnings.filters)
        self.collecting = gc.get_threshold(), gc.isenabled()
        self.frozen = gc.get_freeze_count()  # 3.12 starts with some
        self.modules = set(sys.modules)
        # What an environment sets up may have imported it; it is long, and the program may never ask.
        self.random = sys.modules["random"].getstate() if "random" in self.modules else None
        self.blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self.handlers = {number: signal.getsignal(number) for number in range(1, signal.NSIG)}
