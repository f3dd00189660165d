"""From a captured stack to a checkpoint file."""

from __future__ import annotations

import errno
import gc
import os
import sys
import types
from collections.abc import Callable

from . import _bundle, _checkpoint, _forked, _kept_forms, _manifest, _packing, _threads
from ._ahead import Ahead
from ._errors import HeresyError, NotContinuable
from ._frame_state import Stack
from ._kinds import is_a
from ._messages import flush_streams, is_in_use
from ._quiet import Quiet
from ._stop import Stopper
from ._twin import NotByTwin, Twin
from ._typing_names import Any
from ._units import Unit
from ._unsaved import Sparing
from .state import constants, imports, libraries, nans, patches, registered, reopening, sets, surroundings, unsaved
from .state.all import Definitions, Modules, StatePickler
from .state.pickling import CannotSave, Chunks

#: With more bytes, a second copy of what the program holds may be more than the machine has room for.
_MOST_REHEARSED = 1 << 26
#: Names of a module that the interpreter gives, not the program.
_INTERPRETERS_OWN = {"__builtins__", "__loader__", "__spec__", "__cached__"}


#: To call what does so again would do twice what it has done of it.
_IN_USE = "a file is being read or written to"


def save(
    stopper: Stopper, stack: Stack, *, ends: bool, passing: bool = False, twin: Twin | None = None
) -> list[str]:
    """Makes a durable checkpoint of the program.

    Args:
        ends: the program ends then; else it goes on.
        passing: the program does not know of it: what it writes to files from now on is taken back if it continues from here.
        twin: who saves, if that is not the program itself.

    Returns:
        what it holds placeholders for.

    Raises:
        HeresyError: it is not to be saved so, or the file cannot be written. Nothing has changed then.
        NotContinuable: something cannot be saved that will soon be gone.
        NotByTwin: the program must save itself.
    """
    kept_back = stopper.kept_back()
    with libraries.Thawed(stopper.baseline.frozen):
        while True:
            arrived = kept_back.arrived()
            items = _save(stopper, stack, ends=ends, passing=passing, twin=twin)
            # What has come to the program while it was saved would be lost with its end.
            if not ends or kept_back.arrived() == arrived:
                return items


def _save(stopper: Stopper, stack: Stack, *, ends: bool, passing: bool, twin: Twin | None) -> list[str]:
    launch = stopper.launch
    _threads.refuse()
    _forked.refuse()
    _refuse_plain_modules(stopper)
    homes = _homes(list(stopper.units.by_id.values()))
    own = list({id(module): (module, names) for module, names in homes.values()}.values())
    modules = Modules(own, stopper.units, stopper.read(), registered.reducers(stopper.types))
    modules.running = {id(frame.generator[0]): frame for frame in stack.frames if frame.generator}
    if twin is None and not flush_streams():
        raise NotContinuable(_IN_USE)
    opened = reopening.Opened(ends=ends or passing, synced=passing, sizes=twin.sizes if twin is not None else {})
    compress = launch.options.get("compress") or "auto"
    ahead = Ahead()

    def begin(payload: Chunks) -> None:
        if not _packing.is_packed(payload, compress):
            ahead.begin(payload)

    try:
        # A twin has been made in a way that threads do not know of.
        payload, items, is_certain = pickle_state(modules, stack, stopper, opened, begin if twin is None else None)
    finally:
        ahead.wait()
    if items and twin is not None:
        raise NotByTwin
    if items or not is_certain and twin is None and sum(memoryview(chunk).nbytes for chunk in payload) < _MOST_REHEARSED:
        from . import _rehearsal

        _rehearsal.refuse_unreadable(modules, payload, items, passing=passing)
    _kept_forms.prepare(modules.programs, [*stack.frames, *modules.suspended.values()])
    units = [unit for unit in stopper.units.by_id.values() if unit.library or unit.id in homes]
    cwd = stopper.baseline.cwd or os.path.dirname(os.path.dirname(launch.checkpoint))
    manifest = _manifest.describe(stopper, stack, units, homes, cwd, items, passing=passing)
    try:
        _checkpoint.write(
            launch.checkpoint, manifest, payload, environ=stopper.baseline.environ, compress=compress,
            keep=launch.options.get("keep"), ahead=ahead,
        )  # fmt: skip
    except OSError as error:
        raise HeresyError(
            "H310", f"the checkpoint {launch.checkpoint} could not be written: {error.strerror or error}",
            help=f"{_remedy(error, launch.checkpoint)}, and stop the program again",
        ) from None  # fmt: skip
    _bundle.keep()
    return items


def pickle_state(
    modules: Modules, stack: Stack, stopper: Stopper, opened: reopening.Opened, begin: Callable[[Chunks], None] | None
) -> tuple[Chunks, list[str], bool]:
    """The payload, pickled with one memo; what it holds placeholders for; and whether no package is asked to make it again.

    What is imported again comes first, and strings that are a library's. Then definitions and constants: what is read
    back after them may be hashed or compared by the program's own methods, which need them. Then comes what of the program's
    stands in libraries: to look for that takes its time, in which others do something with what is there. Last comes what
    restores the order of sets, what placeholders say, and what open files were like.

    Args:
        begin: is called when most of the payload is there.
    """
    names = {
        module: {name: value for name, value in modules.namespace(module).items() if name not in _INTERPRETERS_OWN}
        for module in modules.objects
    }
    definitions = [
        Definitions(module, {name: value for name, value in found.items() if _is_definition(value)})
        for module, found in names.items()
    ]
    others = [
        (
            module,
            {name: value for name, value in found.items() if not _is_definition(value)},
            list(modules.namespace(module)),
        )
        for module, found in names.items()
    ]
    pickler: StatePickler
    kind: tuple[Any, ...] = (StatePickler,)
    texts = unsaved.Texts(None)
    deep = named = False

    def dump(library_strings: list[constants.LibraryConstant]) -> Chunks:
        nonlocal pickler
        payload = Chunks()
        made, *more = kind
        pickler = (nans.named(made) if named else made)(payload, modules, *more)
        pickler.later = [] if deep else None
        pickler.dump((path, again))
        pickler.dump(library_strings)
        constants.anchor(pickler, library_strings)
        pickler.dump((definitions, around, others, frames))
        if begin is not None:
            begin(payload)
        pickler.dump((imports.placed(modules), patches.save(modules)))
        while pickler.later:
            states, pickler.later = pickler.later, []
            pickler.dump(states)
        pickler.dump(None)
        pickler.dump((sets.Order(), texts, opened))
        return payload

    def whole() -> Chunks:
        nonlocal named
        payload = dump([])
        # A writer may have been saved after what it writes to, and have written it out only then.
        if any(stream.tell() != position for stream, position in pickler.streams):
            payload = dump([])
        if not named and nans.are_in(payload):
            named = True
            payload = dump([])
        held = constants.held_in(pickler, [name for name, _ in again])
        return dump(held) if held else payload

    try:
        # The program's own filters of warnings are among them.
        around = surroundings.save(stopper.baseline, stopper.exits, modules, stopper.kept_back())
        with Quiet(Warning):
            around["asked"] = stopper.on_save, stopper.on_restore, list(stopper.types.items())
            around["on_unsaved"] = stopper.launch.on_unsaved
            # The frame of a generator is saved with the generator.
            frames = [frame.generator[0] if frame.generator else tuple(frame) for frame in stack.frames]
            path = surroundings.added_path(stopper.baseline, modules.units.program_path)
            again = imports.save(modules, stopper.baseline.modules)
            for deep in (False, True):
                try:
                    payload, items = whole(), []
                    break
                except RecursionError:
                    if deep:
                        raise
                except (HeresyError, NotContinuable):
                    raise
                except Exception as error:
                    if is_in_use(error):
                        raise NotContinuable(_IN_USE) from None
                    sparing = Sparing(modules, stack, around, refuse=stopper.launch.on_unsaved == "refuse")
                    kind, texts = (unsaved.SparingPickler, sparing.unsaved), unsaved.Texts(sparing.unsaved)
                    try:
                        payload, items = sparing.unsaved.settle(whole), sparing.items
                        break
                    except RecursionError:
                        if deep:
                            raise
                        kind, texts = (StatePickler,), unsaved.Texts(None)
                    finally:
                        sparing.unsaved.forget()
            return payload, items + pickler.placeholders, pickler.is_certain
    except (HeresyError, NotContinuable):
        raise
    except RecursionError:
        raise HeresyError(
            "H312", "the program's data is nested too deeply to be saved here",
            why="each level of nesting needs a level of the interpreter's stack",
        ) from None  # fmt: skip
    except CannotSave as error:
        raise HeresyError("H311", f"cannot stop here: {error}") from None
    except RuntimeError as error:
        if "during iteration" not in str(error):
            raise
        raise HeresyError(
            "H311", f"cannot stop here: {error}",
            why="a method that is called to save it changes it, or it is heresy's own, as `gc.get_objects()` gives it",
        ) from None  # fmt: skip


def _is_definition(value: object) -> bool:
    return is_a(value, (type, types.FunctionType, types.ModuleType, int, float, str, bytes, type(None)))


def _refuse_plain_modules(stopper: Stopper) -> None:
    """The program's own modules that are not instrumented have state that is not saved: going on could be wrong."""
    for name, (path, reason) in stopper.units.plain.items():
        if name in sys.modules:
            raise HeresyError(
                "H314", f"cannot stop here: the program's own module {name} ({path}) is not continuable", why=reason,
                help="what it holds would be lost; `exclude` in [tool.heresy] says that this does not matter",
            )  # fmt: skip


def _homes(units: list[Unit]) -> dict[str, tuple[types.ModuleType, dict[str, Any]]]:
    """The module object and the globals of each own unit that is still in use, the main one first."""
    found: dict[str, tuple[types.ModuleType, dict[str, Any]]] = {}
    lost: dict[str, Unit] = {}
    in_order = sorted(units, key=lambda unit: unit.id != "__main__")
    for unit in in_order:
        if unit.library:
            continue
        if unit.module is not None:
            found[unit.id] = unit.module, unit.module.__dict__
        else:
            lost[unit.path] = unit
    if lost:
        # The module object is gone, but functions may still use its globals.
        for function in gc.get_objects():
            if type(function) is types.FunctionType and function.__code__.co_filename in lost:
                unit = lost[function.__code__.co_filename]
                module = unit.home(function.__globals__)
                if module is not None:
                    found[unit.id] = module, function.__globals__
    # In the order in which they were loaded, as they will be made again.
    return {unit.id: found[unit.id] for unit in in_order if unit.id in found}


def _remedy(error: OSError, path: str) -> str:
    """What to do about an error of the system's at the write of a checkpoint."""
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return f"{os.path.dirname(path)} is to be a folder: move the file of that name away"
    return "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make the folder writable, or make room"
