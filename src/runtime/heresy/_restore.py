"""From a checkpoint file to a program that can go on."""

from __future__ import annotations

import _frozen_importlib
import _frozen_importlib_external
import atexit
import os
import sys
import types
from typing import Any

from . import _checkpoint
from ._comprehensions import split
from ._errors import HeresyError
from ._frame_state import FrameState
from ._hook import Hook
from ._resume_form import ResumeForm, filled
from ._start import Launch
from ._stop import Stopper, print_error, say
from ._units import CannotInstrument, Unit, load
from .state import imports, reopening, sets, surroundings
from .state.all import Modules, StateUnpickler, caches, functions, generators, placeholders


def restore(launch: Launch, main: types.ModuleType, hook: Hook, stopper: Stopper) -> tuple[Any, types.CodeType]:
    """Puts the program's state back.

    Returns:
        the ``__spec__`` of the main module, and the code to execute in its namespace: the outermost frame, which calls
        the next.

    Raises:
        HeresyError: the checkpoint cannot be continued from; it is as it was.
    """
    manifest, payload = _checkpoint.read(launch.checkpoint)
    if manifest["source"]["sha256"] != launch.sha256:
        raise _changed(launch.script)
    spec = _name_main(main, manifest)
    own = [main, *_make_modules(manifest["modules"], hook)]
    programs = stopper.read()
    modules = Modules([(module, module.__dict__) for module in own], hook.units, programs)
    modules.unit = _Libraries(manifest["modules"], hook).unit
    functions.restoring(modules)
    around, frames = _unpickle(modules, payload, hook)
    surroundings.restore(around, atexit.register, main.__dict__)
    stopper.on_save, stopper.on_restore, types_ = around["asked"]
    stopper.types = dict(types_)
    launch.on_unsaved = launch.on_unsaved or around["on_unsaved"]
    forms = [form for frame in frames for form in _forms(modules, frame)]
    for outer, inner in zip(forms, forms[1:]):
        outer.enters(None if inner.state.generator else inner.function())
    if forms[-1].site is not None and not forms[-1].state.restart:
        # The innermost call is that of `heresy.checkpoint`, which returns True now.
        forms[-1].enters([True].pop)
    generators.start()
    surroundings.start_timers(around)
    last = manifest["stack"][-1]
    where = f"{last['file']}:{last['line']}" + ("" if last["function"] == "<module>" else f" in {last['function']}()")
    if items := [placeholders.text_of(each) for each in placeholders.restored]:
        from ._unsaved import warning

        print_error(warning(items, continued=True))
        stopper.told = items
        placeholders.restored.clear()
    say(f"continuing {launch.script} at {where}")
    return spec, forms[0].code


def _name_main(main: types.ModuleType, manifest: dict[str, Any]) -> Any:
    """A module that was named by ``-m`` knows its package."""
    name = manifest["source"].get("module")
    if name is None:
        return None
    spec = _spec(name, manifest["source"]["path"], package=False)
    main.__spec__, main.__loader__ = spec, spec.loader
    return spec


def _spec(name: str, path: str, *, package: bool) -> Any:
    locations = [os.path.dirname(path)] if package else None
    return _frozen_importlib_external.spec_from_file_location(name, path, submodule_search_locations=locations)


def _make_modules(described: list[dict[str, Any]], hook: Hook) -> list[types.ModuleType]:
    """The program's own modules, still empty; their code is compiled from the sources of then.

    Raises:
        HeresyError: a source is missing, has changed, or cannot be instrumented here.
    """
    found: dict[str, types.ModuleType] = {}
    for entry in described:
        if entry.get("library"):
            continue
        name, path = entry["id"].partition("#")[0], entry["path"]
        try:
            with open(path, "rb") as file:
                data = file.read()
            unit = load(hook.units, name, path, data, texts=hook.texts(path, data), again=True)
        except OSError as error:
            raise HeresyError(
                "H322", f"cannot continue: module {name} is missing here ({path}: {error.strerror})",
                why="it belongs to the program", help="put it back, then run the same command again",
            ) from None  # fmt: skip
        except (CannotInstrument, SyntaxError) as error:
            raise HeresyError("H325", f"{path} cannot be made continuable", why=str(error)) from None
        if unit.sha256 != entry["sha256"]:
            raise _changed(path)
        home = entry.get("again", entry["id"])
        if home not in found:
            spec = _spec(name, path, package=entry.get("package", False))
            found[home] = sys.modules[name] = _frozen_importlib.module_from_spec(spec)
        unit.id = entry["id"]
        unit.belongs_to(found[home])
        hook.add(unit)
    return list(found.values())


class _Libraries:
    """The units of a program and of libraries: a frame of a library goes on only in the very text that it was stopped in."""

    def __init__(self, described: list[dict[str, Any]], hook: Hook) -> None:
        self.then = {entry["id"]: entry["sha256"] for entry in described if entry.get("library")}
        self.hook = hook

    def unit(self, name: str) -> Unit:
        """The unit of this id.

        Raises:
            HeresyError: it is a library's, and another one here.
        """
        if name not in self.hook.units.by_id:
            self.hook.adopt(name)
        unit = self.hook.units.by_id.get(name)
        if unit is None or unit.library and self.then.get(name) != unit.sha256:
            raise HeresyError(
                "H305", f"the library module {name} is another one here than where the program was stopped",
                why="the program was stopped in a call that goes through it, or holds one of its generators",
                help="continue it with the Python that it was stopped under",
            )  # fmt: skip
        return unit


def _changed(what: str) -> HeresyError:
    return HeresyError(
        "H304", f"{what} has changed since the program was stopped",
        help="put the old version back to continue, or start over with `--fresh`",
    )  # fmt: skip


def _forms(modules: Modules, frame: Any) -> list[ResumeForm]:
    """The resume form of a frame; and those of its comprehensions that have frames of their own here."""
    if not isinstance(frame, FrameState):
        return generators.forms_of(frame)
    program = modules.programs.program(modules.unit(frame.unit))
    return [filled(ResumeForm(program, state), state) for state in split(program, frame)]


def _unpickle(modules: Modules, payload: bytes, hook: Hook) -> tuple[Any, list[Any]]:
    """Fills the globals of the program's modules; returns the surroundings, and the frames or their generators."""
    unpickler = StateUnpickler(payload, modules)
    try:
        imports.restore(unpickler.load())
        unpickler.load()  # strings of libraries: the state refers to them
        _, around, others, frames, tables, places, texts, prints = unpickler.load()
        for grown in reopening.compare(prints):
            print_error(grown.diagnostic("warning"))
        placeholders.name(texts)
        for module, names, _ in others:
            module.__dict__.update(names)
        sets.apply(tables)
        caches.fill()
        for module, _, order in others:
            namespace = module.__dict__
            ordered = {name: namespace[name] for name in order if name in namespace}
            namespace.clear()
            namespace.update(ordered)
        imports.place(modules, places)
        return around, [FrameState(*frame) if isinstance(frame, tuple) else frame for frame in frames]
    except HeresyError:
        raise
    except ModuleNotFoundError as error:
        raise HeresyError(
            "H322", f"cannot continue: module {error.name!r} is missing here",
            why="the program had imported it when it was stopped", help="install it, then run the same command again",
        ) from None  # fmt: skip
    except RecursionError:
        raise HeresyError("H323", "cannot continue: the program's data is nested too deeply to be read back") from None
