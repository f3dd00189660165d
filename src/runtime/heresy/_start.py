"""Starting a program: what happens between ``heresy run`` and its first statement.

The warm way is short, since it is paid at every start: read the compiled run form from the cache, make ``__main__``,
install the import hook and the signal handler. Nothing else of the runtime, and next to nothing of the standard library,
is imported before a stop, a resume or a cold start needs it: what a program imports itself must come past the hook. Nor does
this module stay: see `_at_rest`.
"""

from __future__ import annotations

import _frozen_importlib_external as _external
import os
import sys

from . import _bundle, _stop, _unwinding
from ._hook import Choice, Hook
from ._launch import Launch
from ._units import Store, Unit, Units, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any


def prepare() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Makes everything ready, and returns what runs the program: a function and its arguments."""
    return begin(Launch(_words(sys.argv[1]), sys.argv[2:], [sys.argv[0]]))


def store(how: Launch) -> Store:
    """Where the texts and the code of a program's modules are kept."""
    say = how.options.get
    return Store(say("folder"), say("cache"), say("build", ""), say("heresy"))


def _words(text: str) -> dict[str, Any]:
    # The words are heresy's own. JSON is nearly Python, and the module that reads it would bring half a library along.
    try:
        return eval(text, {"__builtins__": {}, "null": None, "true": True, "false": False})
    except UnicodeEncodeError:
        # A path that is no text.
        import json

        return json.loads(text)


def begin(how: Launch) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The same, for a launch that is known already."""
    sys.argv[:] = [how.script, *how.arguments]
    _restore_environment(how)
    if how.claim is not None:
        os.set_inheritable(how.claim, False)
    say = how.options.get
    units = Units(store(how))
    hook = Hook(Choice(say("roots", []), say("instrument", []), say("exclude", [])), units)
    main = type(sys)("__main__")
    _set_path(how)
    stopper = _stop.stopper = _stop.Stopper(how, main, units)
    _bundle.put_to_sleep()
    found_by_runpy = how.kind in ("module", "folder")
    try:
        if how.resume:
            _bundle.go_on("again")
            with units.at_work():
                from . import _checkpoint

                reading = _checkpoint.Reading(how.options.get("from") or how.checkpoint)
                from . import _restore
            _bundle.go_on("rest")
        hook.install()
        _name_main(how, main.__dict__)
        sys.modules["__main__"] = main
        if found_by_runpy:
            import runpy

            hook.main = (runpy._get_module_details.__code__, main, how)  # type: ignore[attr-defined]
        if how.resume or not found_by_runpy:
            unit = hook.add(main_unit(how, units))
            unit.belongs_to(main)
            code = unit.code
            if how.kind == "command":
                _show_command(code, how)
        if how.resume:
            spec, code = _restore.restore(reading, how, main, hook, stopper)
            _restore.let_go()
            if found_by_runpy:
                _give(runpy, spec, code)
    except BaseException as error:
        _bundle.wake("heresy._messages").report_fatal(error)
    if how.resume:
        _bundle.keep()
    else:
        _bundle.go_on("rest")
    stopper.install()
    if how.options.get("on_error") == "stop":
        _unwinding.ASKED.stopper = stopper
    if how.resume and stopper.on_restore:
        stopper.let_through()
        with units.at_work():
            from ._errors import HeresyError
            from ._told import tell_of_restore
        try:
            tell_of_restore(stopper)
        except HeresyError as error:
            _bundle.wake("heresy._messages").report_fatal(error)
    if found_by_runpy:
        name = "__main__" if how.kind == "folder" else how.script
        return runpy._run_module_as_main, (name, how.kind == "module" and not how.resume)  # type: ignore[attr-defined]
    return exec, (code, main.__dict__)


def _give(runpy: Any, spec: Any, code: CodeType) -> None:
    """Has `runpy`, whose frames stand below the module's as in plain Python, execute a frame that is continued."""
    plain = runpy._get_module_details

    def get_details(name: str, error: Any = ImportError) -> Any:
        runpy._get_module_details = plain
        return spec.name, spec, code

    runpy._get_module_details = get_details


def _show_command(code: CodeType, how: Launch) -> None:
    """Tracebacks show the lines of ``-c CODE`` since 3.13, which registers them by the file's name, then by the code."""
    if sys.version_info >= (3, 13):
        import linecache

        key = code if sys.version_info >= (3, 14) else "<string>"
        with open(how.options["original"], encoding="utf-8") as file:
            linecache._register_code(key, file.read(), "<string>")  # type: ignore[attr-defined]


def _name_main(how: Launch, namespace: dict[str, Any]) -> None:
    """The same names in the same order as plain Python gives; `runpy` adds its own."""
    if sys.version_info < (3, 14):
        namespace["__annotations__"] = {}
    namespace["__builtins__"] = sys.modules["builtins"]
    namespace["__loader__"] = sys.modules["_frozen_importlib"].BuiltinImporter
    if how.kind in ("script", "stdin"):
        namespace["__file__"] = how.source
        if sys.version_info < (3, 15):
            namespace["__cached__"] = None
    if how.kind == "script":
        namespace["__loader__"] = _external.SourceFileLoader("__main__", how.source)


def _set_path(how: Launch) -> None:
    """From here on, imports are the program's: no file beside it may stand in for a library module of the runtime's."""
    if sys.flags.safe_path and how.kind != "folder":
        del sys.path[0]
    elif how.kind == "script":
        sys.path[0] = os.path.dirname(os.path.realpath(how.source))
    elif how.kind == "folder":
        sys.path[0] = os.path.dirname(how.source)
    elif how.kind == "module":
        sys.path[0] = os.getcwd()
    else:
        sys.path[0] = ""


def main_unit(how: Launch, units: Units) -> Unit:
    """The unit of the script.

    Raises:
        HeresyError: its text cannot be had, or not be instrumented.
    """
    # `heresy run` has kept a copy: the file itself may have been edited since.
    copy = how.options.get("original") or how.source
    texts = None
    if "marked" in how.options:
        texts = (how.options["marked"], copy, how.options.get("encoding", "utf-8"))
    try:
        try:
            with open(copy, "rb") as file:
                data = file.read()
        except OSError:
            if texts is None:
                raise
            # The marked form alone: its own positions are shown.
            with open(texts[0], "rb") as file:
                data = file.read()
            texts = (texts[0], None, texts[2])
        return load(units, "__main__", how.source, data, texts=texts, again=how.resume)
    except (OSError, ValueError, SyntaxError) as error:
        from ._errors import HeresyError

        if isinstance(error, OSError):
            raise HeresyError("H324", f"cannot read {error.filename}: {error.strerror}") from None
        raise HeresyError("H325", f"{how.source} cannot be made continuable", why=str(error)) from None


def _restore_environment(how: Launch) -> None:
    """``PYTHONHASHSEED`` was set for this interpreter alone: the program and its children see what the user had."""
    if how.hash_seed is not None:
        was = how.hash_seed.get("was")
        if was is None:
            os.environ.pop("PYTHONHASHSEED", None)
        else:
            os.environ["PYTHONHASHSEED"] = was
