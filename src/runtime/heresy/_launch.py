"""What a program was started with: the words of ``heresy run``, or of ``python out.py``."""

from __future__ import annotations

from ._bundle import at_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Launch:
    """How the program was started.

    Attributes:
        kind: ``script``, ``module`` (``-m``), ``command`` (``-c``), ``stdin`` or ``folder`` (with a ``__main__.py``).
        script: what ``sys.argv[0]`` is, as it was typed; for a module its dotted name.
        source: the script's absolute path, or what tracebacks show in its place; empty for a module.
        sha256: of the source's bytes, in hex; empty for a module.
        checkpoint: where its checkpoint is, or goes.
        claim: an open file, by whose lock that place is this process's: see ``src/claim.rs``.
        resume: whether to continue from there.
        command: what to type to get here again.
        bounce: continue at once after a stop.
        on_unsaved: ``placeholder`` or ``refuse``: what to do about objects that cannot be saved; None: the usual.
        hash_seed: the seed and what ``PYTHONHASHSEED`` was before, or None.
        stop_at: stop at the n-th safe point, counted from the start or the resume; 0: say how many were passed.
        options: all words, as they came. Of use to a stop alone are ``keep`` (how many older checkpoints), ``compress``
            (see `_packing.LEVELS`), ``grace`` (how long a SIGTERM waits for a call that blocks) and ``stop_status``; until
            then ``every`` (see `_passing`: seconds, and a part of the run time); to a resume ``from`` (an older checkpoint to
            continue from), ``trust`` (whoever has signed it), ``map`` (folders that have moved, with where they are now) and
            ``pdb`` (begin in the debugger).
        arguments: the program's own.
        boot: the script that the interpreter was started with.
    """

    @at_start
    def __init__(self, options: dict[str, Any], arguments: list[str], boot: list[str]) -> None:
        self.kind: str = options.get("kind", "script")
        self.script: str = options["script"]
        self.source: str = options["source"]
        self.sha256: str = options["sha256"]
        self.checkpoint: str = options["checkpoint"]
        self.claim: int | None = options.get("claim")
        self.resume: bool = options.get("resume", False)
        self.command: str = options.get("command", "")
        self.bounce: bool = options.get("bounce", False)
        self.on_unsaved: str | None = options.get("on_unsaved")
        self.hash_seed: dict[str, Any] | None = options.get("hash_seed")
        self.stop_at: int | None = options.get("stop_at")
        self.version: str = options.get("version", "")
        self.options = options
        self.arguments = arguments
        self.boot = boot
