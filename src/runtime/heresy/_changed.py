"""Which modules of a program have changed while it was stopped, and what becomes of its frames."""

from __future__ import annotations

from ._errors import HeresyError
from ._frame_state import FrameState
from ._hook import Hook
from ._messages import say
from ._programs import Programs
from ._typing_names import TYPE_CHECKING, Any
from ._units import load
from .state.pickling import Modules

if TYPE_CHECKING:
    from ._edits import Edits
    from ._launch import Launch
    from ._program import Program


class Changed:
    """The modules whose texts are others than those in the checkpoint."""

    def __init__(self, launch: Launch, hook: Hook, programs: Programs) -> None:
        self.launch = launch
        self.hook = hook
        self.programs = programs
        #: By the id of the unit: its path, and the digest of its text of then.
        self._then: dict[str, tuple[str, str]] = {}

    def compare(self, unit: str, path: str, then: str, now: str) -> None:
        """Notes a module.

        Raises:
            HeresyError: it has changed, and ``heresy run`` could not align it.
        """
        if then == now:
            return
        aligned = self.launch.options.get("edits", {}).get(path)
        if aligned is None or aligned["old"] != then or aligned["new"] != now:
            raise HeresyError(
                "H304", f"{path} has changed since the program was stopped",
                why="its text of then is not in the cache any more, so the two cannot be compared",
                help="put the old version back to continue, or start over with `--fresh`",
            )  # fmt: skip
        self._then[unit] = path, then

    def edits(self) -> dict[str, Edits]:
        """What has become of each, by the id of the unit; of all modules if the user has chosen where to go on."""
        found: dict[str, Edits] = {}
        if not self._then and self._line is None:
            return found
        with self.hook.units.at_work():
            import json

            from ._edits import Edits

        for id_, unit in self.hook.units.by_id.items():
            if unit.library:
                continue
            new = self.programs.program(unit)
            if id_ in self._then:
                path, digest = self._then[id_]
                with open(self.launch.options["edits"][path]["table"], encoding="ascii") as file:
                    table = json.load(file)
                found[id_] = Edits(self._as_then(unit.name, path, digest), new, table)
            elif self._line is not None:
                found[id_] = Edits(new, new, None)
        return found

    def _as_then(self, name: str, path: str, digest: str) -> Program:
        from ._program import Program

        units = self.hook.units
        source = units.store.source(digest)
        assert source is not None
        with open(source, "rb") as file:
            return Program(load(units, name, path, file.read(), again=True))

    @property
    def _line(self) -> int | None:
        """The line that the user has chosen."""
        return self.launch.options.get("at")

    def placed(self, modules: Modules, frames: list[Any]) -> list[Any]:
        """The frames, or the generators that they are those of, in the text of now; the new definitions are there."""
        if not modules.edits:
            return frames
        kept = self._chosen(modules, frames) if self._line is not None else frames
        kept = [modules.frame(frame) if type(frame) is FrameState and frame is not kept[-1] else frame for frame in kept]
        if self._line is None and type(kept[-1]) is FrameState:
            kept[-1] = modules.frame(kept[-1])
        homes = {unit.id: unit.module for unit in self.hook.units.by_id.values()}
        for id_, edits in modules.edits.items():
            edits.definitions.prepare(homes[id_] or modules.objects[0])
        for id_ in self._imported_first(modules.edits):
            edits = modules.edits[id_]
            home = homes[id_] or modules.objects[0]
            try:
                edits.definitions.finish(home)
            except HeresyError:
                raise
            except Exception as error:
                raise HeresyError(
                    "H307", f"{edits.path} has new definitions that cannot be run",
                    why=f"{type(error).__name__}: {error}", help="mend them, then run the same command again",
                ) from None  # fmt: skip
            if lines := edits.definitions.lines_left_out():
                say(f"new in {edits.path}, but passed already, so not run: line {', '.join(map(str, lines))}")
        return kept

    def _imported_first(self, edits: dict[str, Edits]) -> list[str]:
        """The modules that have changed, each after those that it imports: its new imports are to find what is new there."""
        units = self.hook.units.by_id
        named = {units[id_].name: id_ for id_ in edits}
        found: list[str] = []
        seen: set[str] = set()

        def visit(id_: str) -> None:
            if id_ in seen:
                return
            seen.add(id_)
            unit = units[id_]
            package = unit.name if unit.path.endswith("__init__.py") else unit.name.rpartition(".")[0]
            for name in edits[id_].new.imported(package):
                if name in named:
                    visit(named[name])
            found.append(id_)

        for id_ in edits:
            visit(id_)
        return found

    def _chosen(self, modules: Modules, frames: list[Any]) -> list[Any]:
        assert self._line is not None
        for index in reversed(range(len(frames))):
            frame = frames[index]
            edits = modules.edits.get(frame.unit) if type(frame) is FrameState else None
            found = edits.frame_at(frame, self._line) if edits is not None else None
            if found is not None:
                return [*frames[:index], found]
        raise HeresyError(
            "H307", f"cannot continue at line {self._line}: no function that was running has a statement there",
            help="choose the first line of a statement in one of the functions that the stop has named",
        )  # fmt: skip
