"""From a checkpoint file to a program that can go on."""

from __future__ import annotations

import _frozen_importlib
import _frozen_importlib_external
import os
import sys
import types

from . import _checkpoint, _ends, _kept_forms
from ._adopted import adopt, learn
from ._changed import Changed
from ._errors import HeresyError
from ._form import Form, Running
from ._frame_state import FrameState
from ._hook import Hook
from ._messages import print_error, say
from ._stop import Stopper, aged
from ._texts import CannotInstrument
from ._typing_names import TYPE_CHECKING, Any
from ._uncollected import Uncollected
from ._units import Unit, load
from .state import functions, imports, moved, surroundings
from .state.pickling import CannotSave, Modules, StateUnpickler

if TYPE_CHECKING:
    from ._launch import Launch


def restore(
    reading: _checkpoint.Reading, launch: Launch, main: types.ModuleType, hook: Hook, stopper: Stopper
) -> tuple[Any, types.CodeType]:
    """Puts the program's state back.

    Args:
        reading: the checkpoint.

    Returns:
        the ``__spec__`` of the main module, and the code to execute in its namespace: the outermost frame, which calls
        the next.

    Raises:
        HeresyError: the checkpoint cannot be continued from; it is as it was.
    """
    moved.folders[:] = launch.options.get("map", [])
    with hook.units.at_work():
        manifest, payload = _checkpoint.read(
            reading, environ=stopper.baseline.environ, trust=launch.options.get("trust", False)
        )
    _refuse_half_done(launch, manifest)
    changed = Changed(launch, hook, stopper.read())
    changed.compare("__main__", launch.source, manifest["source"]["sha256"], launch.sha256)
    spec = _name_main(main, manifest)
    described = manifest.get("modules", [])
    own = [main, *_make_modules(described, hook, changed)]
    modules = Modules([(module, module.__dict__) for module in own], hook.units, stopper.read())
    modules.unit = _Libraries(described, hook).unit
    modules.edits = changed.edits()
    functions.restoring(modules)
    is_other = manifest["python"].split(".")[:2] != [str(part) for part in sys.version_info[:2]]
    other = manifest["python"] if is_other else None
    around, saved = unpickle(modules, payload, other, passing=manifest.get("passing", False))
    surroundings.restore(around, stopper.register_exit, main.__dict__)
    handled, signals = around.get("handlers", {}), around.get("signals", {})
    if handled or signals:
        stopper.kept_back().restore(handled, signals)
    frames = changed.placed(modules, saved)
    stopper.on_save, stopper.on_restore, types_ = around["asked"]
    stopper.types = dict(types_)
    launch.on_unsaved = launch.on_unsaved or around["on_unsaved"]
    forms = [form for frame in frames for form in _forms(modules, frame)]
    for outer, inner in zip(forms, forms[1:]):
        outer.enters(None if inner.state.generator else inner.function())
    if forms[-1].state.site is not None and not forms[-1].state.restart:
        # The innermost call is that of `heresy.checkpoint`, which returns True now.
        forms[-1].enters([True].pop)
    if (generators := _loaded("generators")) is not None:
        generators.start()
    if launch.options.get("pdb"):
        from . import _debug

        _debug.begin(forms[-1].code, stopper)
    last = manifest["stack"][len(frames) - 1 - len(saved)]
    line = forms[-1].state.line if modules.edits else last["line"]
    where = f"{moved.here(last.get('file', launch.source))}:{line}"
    if last["function"] != "<module>":
        where += f" in {last['function']}()"
    if (placeholders := _loaded("placeholders")) is not None and placeholders.restored:
        with hook.units.at_work():
            from ._unsaved import warning

        stopper.told = [placeholders.text_of(each) for each in placeholders.restored]
        print_error(warning(stopper.told, continued=True))
        placeholders.restored.clear()
    if launch.options.get("dry_run"):
        say(f"{launch.script} can be continued, at {where}")
        sys.stdout.flush()
        _ends.exit_now(0)
    if (reopening := _loaded("reopening")) is not None:
        for note in reopening.cut_back(launch.checkpoint):
            print_error(note.diagnostic("warning"))
    if handled or signals:
        forms[-1].pending.begins = stopper.kept_back().enter
    say(f"continuing {launch.script} at {where}")
    return spec, forms[0].code


def let_go() -> None:
    """Drops what `restore` has held, once it has returned."""
    if (exceptions := _loaded("exceptions")) is not None:
        exceptions.let_go()


def _refuse_half_done(launch: Launch, manifest: dict[str, Any]) -> None:
    """What a statement has done before it failed is done again only if the user says so.

    Raises:
        HeresyError: they have not.
    """
    done = manifest.get("failure", {}).get("done", [])
    if done and launch.options.get("at") is None:
        last = manifest["stack"][-1]
        line, where = last["line"], f"{moved.here(last.get('file', launch.source))}:{last['line']}"
        raise HeresyError(
            "H308", f"the statement at {where} was half done when it failed: {', '.join(done)}",
            why="to start it again does that once more",
            help=f"if that is right, say where to go on, in the text of now: `heresy run --at {line}` and the program, "
            f"or `heresy resume --line {line}`",
        )  # fmt: skip


def _loaded(name: str) -> Any:
    """A part of `state`, if what was unpickled has needed it."""
    return sys.modules.get(f"{__package__}.state.{name}")


def _name_main(main: types.ModuleType, manifest: dict[str, Any]) -> Any:
    """A module that was named by ``-m`` knows its package."""
    name = manifest["source"].get("module")
    if name is None:
        return None
    spec = _spec(name, moved.here(manifest["source"]["path"]), package=False)
    main.__spec__, main.__loader__ = spec, spec.loader
    return spec


def _spec(name: str, path: str, *, package: bool) -> Any:
    locations = [os.path.dirname(path)] if package else None
    return _frozen_importlib_external.spec_from_file_location(name, path, submodule_search_locations=locations)


def _make_modules(described: list[dict[str, Any]], hook: Hook, changed: Changed) -> list[types.ModuleType]:
    """The program's own modules, still empty; their code is compiled from the sources of then.

    Raises:
        HeresyError: a source is missing, has changed too much, or cannot be instrumented here.
    """
    found: dict[str, types.ModuleType] = {}
    for entry in described:
        if entry.get("library"):
            continue
        name, path = entry["id"].partition("#")[0], moved.here(entry["path"])
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
        changed.compare(entry["id"], path, entry["sha256"], unit.sha256)
        home = entry.get("again", entry["id"])
        if home not in found:
            spec = _spec(name, path, package=entry.get("package", False))
            module = found[home] = sys.modules[name] = _frozen_importlib.module_from_spec(spec)
            module.__builtins__ = sys.modules["builtins"].__dict__
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
            adopt(self.hook, name)
            learn(self.hook.units, name)
        unit = self.hook.units.by_id.get(name)
        if unit is None or unit.library and self.then.get(name) != unit.sha256:
            raise HeresyError(
                "H305", f"the library module {name} is another one here than where the program was stopped",
                why="the program was stopped in a call that goes through it, or holds one of its generators",
                help="continue it with the Python that it was stopped under",
            )  # fmt: skip
        return unit


def _forms(modules: Modules, frame: Any) -> list[Form]:
    """The resume form of a frame; and those of its comprehensions that have frames of their own here."""
    if not isinstance(frame, FrameState):
        generators = _loaded("generators")
        assert generators is not None
        return generators.forms_of(frame)
    unit = modules.unit(frame.unit)
    if not modules.edits and (kept := _kept_forms.find(unit, frame)) is not None:
        modules.programs.runs(unit, Running(kept))
        kept.fill(frame)
        return [kept]
    with modules.units.at_work():
        from ._comprehensions import split
        from ._resume_form import ResumeForm, filled

    program = modules.programs.program(unit)
    states = split(program, frame)
    edited = frame.unit in modules.edits
    forms = [filled(ResumeForm(program, state, edited=edited), state) for state in states]
    if len(forms) == 1 and not modules.edits:
        _kept_forms.keep(unit, frame, forms[0])
    return forms


def unpickle(modules: Modules, payload: list[Any], other: str | None, *, passing: bool) -> tuple[Any, list[Any]]:
    """Fills the globals of the program's modules; returns the surroundings, and the frames or their generators.

    Args:
        other: the version of Python that it was stopped under, if that is another than this.
        passing: the program ran on after it.
    """
    unpickler = StateUnpickler(payload, modules)
    try:
        path, again = unpickler.load()
        surroundings.add_path(path)
        imports.restore(again)
        unpickler.load()  # strings of libraries: the state refers to them
        with Uncollected():
            _, around, others, frames = unpickler.load()
            places, patches = unpickler.load()
            if patches:
                around["patches"] = patches
            while (states := unpickler.load()) is not None:
                from .state.objects import set_instance_state

                for obj, state in states:
                    set_instance_state(obj, state)
            aged()
        tables, texts, prints = unpickler.load()
        if (reopening := _loaded("reopening")) is not None:
            for grown in reopening.compare(prints, passing=passing):
                print_error(grown.diagnostic("warning"))
        if (placeholders := _loaded("placeholders")) is not None:
            placeholders.name(texts)
        for module, names, _ in others:
            module.__dict__.update(names)
            moved.rename(module.__dict__)
        if other is not None:
            with modules.units.at_work():
                from .state import versions

            versions.complete()
        if tables or _loaded("hashes") is not None:
            with modules.units.at_work():
                from .state import sets

            sets.apply(tables)
        if (caches := _loaded("caches")) is not None:
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
    except CannotSave as error:
        raise _not_here(str(error), other) from error
    except RecursionError:
        raise HeresyError("H323", "cannot continue: the program's data is nested too deeply to be read back") from None
    except Exception as error:
        if other is None:
            raise
        # Something of a library's that is another here.
        raise _not_here(f"{type(error).__name__}: {error}", other) from error


def _not_here(reason: str, other: str | None) -> HeresyError:
    return HeresyError(
        "H329", "cannot continue: something that the program holds cannot be made again here", why=reason,
        help=f"continue it with Python {other}, under which it was stopped" if other is not None
        else "start over with `--fresh`; the checkpoint is as it was",
    )  # fmt: skip
