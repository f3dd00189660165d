"""Another process, which reads back what it is sent, pickles it again, and sends it back.

    heresy run … -m cloudpickle.echo

A message is its length in a line, then itself; an answer begins with ``ok`` or ``failed``.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import traceback
from typing import Any

#: The process that this one talks to; one that was forked needs another.
_others: dict[int, subprocess.Popen[bytes]] = {}


def through(data: bytes) -> bytes:
    """What becomes of a pickle in another process.

    Raises:
        pickle.UnpicklingError: it cannot be read back there, or not be pickled again.
    """
    from . import COMMAND

    other = _others.get(os.getpid())
    if other is None or other.poll() is not None:
        other = subprocess.Popen(
            [*os.environ[COMMAND].split(), "--fresh", "-m", "cloudpickle.echo"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        _others[os.getpid()] = other
    assert other.stdin is not None and other.stdout is not None
    _send(other.stdin, data)
    answer = _receive(other.stdout)
    if not answer.startswith(b"ok "):
        raise pickle.UnpicklingError(answer.decode(errors="replace"))
    return answer[3:]


def _send(stream: Any, data: bytes) -> None:
    stream.write(b"%d\n" % len(data) + data)
    stream.flush()


def _receive(stream: Any) -> bytes:
    size = stream.readline()
    return stream.read(int(size)) if size else b""


def serve() -> None:
    import cloudpickle

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while data := _receive(sys.stdin.buffer):
        try:
            answer = b"ok " + cloudpickle.dumps(cloudpickle.read_back(data))
        except BaseException:
            answer = b"failed " + traceback.format_exc().encode()
        _send(answers, answer)


if __name__ == "__main__":
    serve()
