"""What the import hook does now and then: see `_hook`."""

from __future__ import annotations

from ._hook import Hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType


class AskedHook(Hook):
    """The hook, awake."""

    rest = None

    def imported_for_runtime(self, names: list[str]) -> None:
        """The runtime has imported modules for itself: the program may import them later."""
        self.adopt_imported(names, [*self.units.by_id.values()])

    def main_code(self, name: str, path: str) -> CodeType | None:
        """The run form of the module that ``-m`` names: the program, wherever it lives."""
        assert self.main is not None
        (_, main, launch), self.main = self.main, None
        unit = self.unit("__main__", path, library=False)
        if unit is None:
            return None
        launch.source, launch.sha256 = unit.path, unit.sha256
        unit.belongs_to(main)
        return self.add(unit).code

    def encoding(self, data: bytes) -> str:
        """The encoding of a marked form."""
        if b"coding" not in b"".join(data.splitlines(keepends=True)[:2]):
            return "utf-8-sig"
        with self.units.at_work():
            import io
            import tokenize

            return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
