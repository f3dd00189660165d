"""Starting a program: what happens between ``heresy run`` and its first statement.

The warm way is short, since it is paid at every start: read the compiled run form from the cache, make ``__main__``,
install the signal handler. Nothing else of the runtime is imported before a stop, a resume or a cold start needs it.
"""

from __future__ import annotations

import marshal
import os
import signal
import sys
import types
from typing import Any, NoReturn

#: What `heresy run` says; see `Launch`.
launch: Launch


class Launch:
    """How the program was started.

    Attributes:
        script: the script as it was typed: ``sys.argv[0]``.
        source: its absolute path.
        sha256: of its bytes, in hex.
        marked: the path of its marked form.
        cache: a folder for compiled code, or None.
        checkpoint: where its checkpoint is, or goes.
        resume: whether to continue from there.
        command: what to type to get here again.
        bounce: continue at once after a stop.
        hash_seed: the seed and what ``PYTHONHASHSEED`` was before, or None.
        stop_at: stop at the n-th safe point, counted from the start or the resume; 0: say how many were passed.
    """

    def __init__(self, options: dict[str, Any], arguments: list[str], boot: list[str]) -> None:
        self.script: str = options["script"]
        self.source: str = options["source"]
        self.sha256: str = options["sha256"]
        self.marked: str = options["marked"]
        self.cache: str | None = options.get("cache")
        self.checkpoint: str = options["checkpoint"]
        self.resume: bool = options.get("resume", False)
        self.command: str = options.get("command", "")
        self.bounce: bool = options.get("bounce", False)
        self.hash_seed: dict[str, Any] | None = options.get("hash_seed")
        self.stop_at: int | None = options.get("stop_at")
        self.version: str = options.get("version", "")
        self.options = options
        self.arguments = arguments
        self.boot = boot

    def texts(self) -> tuple[str, bytes | None]:
        """The program's marked form, and its source if it can be read."""
        with open(self.marked, encoding=self.options.get("encoding", "utf-8"), newline="") as file:
            marked = file.read()
        # The copy that `heresy run` has kept: the file itself may have been edited since.
        try:
            with open(self.options.get("original") or self.source, "rb") as file:
                return marked, file.read()
        except OSError:
            return marked, None


def prepare(root: types.CodeType) -> tuple[types.CodeType, dict[str, Any]]:
    """Makes everything ready; the caller then executes the code in the namespace.

    Args:
        root: the code of the frame that will be below the program's.
    """
    import json

    options = json.loads(sys.argv[1])
    return begin(Launch(options, sys.argv[2:], [sys.argv[0]]), root)


def begin(how: Launch, root: types.CodeType) -> tuple[types.CodeType, dict[str, Any]]:
    """The same, for a launch that is known already."""
    global launch
    launch = how
    sys.argv[:] = [how.script, *how.arguments]
    _restore_environment(how)
    main = types.ModuleType("__main__")
    namespace = main.__dict__
    # The same names in the same order as `python SCRIPT` gives.
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = sys.modules["builtins"]
    namespace["__file__"] = how.source
    if sys.version_info < (3, 15):
        namespace["__cached__"] = None
    from . import _stop

    try:
        main.__loader__ = _loader(how.source)
        code = run_form(how)
        stopper = _stop.Stopper(how, root, main, code)
        if how.resume:
            from . import _restore
        # From here on, imports are the program's: no file beside it may stand in for a library module of the runtime's.
        if sys.flags.safe_path:
            del sys.path[0]
        else:
            sys.path[0] = os.path.dirname(os.path.realpath(how.source))
        sys.modules["__main__"] = main
        if how.resume:
            code = _restore.restore(how, main, code, stopper)
    except BaseException as error:
        _stop.report_fatal(error)
    stopper.install()
    return code, namespace


def _loader(path: str) -> Any:
    from importlib.machinery import SourceFileLoader

    return SourceFileLoader("__main__", path)


def _restore_environment(how: Launch) -> None:
    """``PYTHONHASHSEED`` was set for this interpreter alone: the program and its children see what the user had."""
    if how.hash_seed is not None:
        was = how.hash_seed.get("was")
        if was is None:
            os.environ.pop("PYTHONHASHSEED", None)
        else:
            os.environ["PYTHONHASHSEED"] = was


def run_form(how: Launch) -> types.CodeType:
    """The program's code, from the cache if it is there."""
    path = None
    if how.cache is not None:
        tag = sys.implementation.cache_tag + ("-O" * bool(sys.flags.optimize)) + str(sys.flags.optimize)
        path = os.path.join(how.cache, f"{how.sha256[:32]}.{tag}.{how.version}.run")
        try:
            with open(path, "rb") as file:
                magic, filename, *compiled = marshal.loads(file.read())
            if magic == _MAGIC and filename == how.source:
                return _ready(*compiled)
        except (OSError, ValueError, EOFError, TypeError):
            pass
    compiled = _compile(how)
    if path is not None:
        _store(path, marshal.dumps((_MAGIC, how.source, *compiled)))
    return _ready(*compiled)


_MAGIC = __import__("_imp").source_hash(1, sys.version.encode())


def _ready(code: types.CodeType, warned: list[tuple[str, int]], displays: list[tuple[Any, ...]]) -> types.CodeType:
    if warned:
        import warnings

        for message, line in warned:
            warnings.warn_explicit(message, SyntaxWarning, launch.source, line)
    if displays or sys.version_info >= (3, 15):
        from . import _run_form

        return _run_form.ready(_run_form.Compiled(code, warned, displays))
    return code


def _compile(how: Launch) -> Any:
    from . import _run_form

    return _run_form.compile_program(*how.texts(), how.source)


def _store(path: str, data: bytes) -> None:
    new = f"{path}.{os.getpid()}.new"
    try:
        with open(new, "wb") as file:
            file.write(data)
        os.replace(new, path)
    except OSError:
        try:
            os.unlink(new)
        except OSError:
            pass


def failed(error: BaseException) -> NoReturn:
    """Ends the program by its exception, as the interpreter would: without the frame below the program's.

    The exception is raised again, so that the interpreter exits as it does for it; it then prints nothing more.
    """
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    if not isinstance(error, SystemExit):
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except SystemExit as error_of_hook:
            error = error_of_hook
        except BaseException as error_of_hook:
            error_of_hook.__traceback__ = error_of_hook.__traceback__ and error_of_hook.__traceback__.tb_next
            for title, shown in (("Error in sys.excepthook:", error_of_hook), ("\nOriginal exception was:", error)):
                print(title, file=sys.stderr)
                sys.__excepthook__(type(shown), shown, shown.__traceback__)
        sys.excepthook = lambda *_: None
    raise error


def unblock() -> None:
    """Lets the signals through that `heresy run` has kept back while the interpreter started."""
    names = launch.options.get("blocked", [])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {getattr(signal, name) for name in names})
