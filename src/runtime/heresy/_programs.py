"""The syntax of a program's modules, each read when it is first asked for; and the frames that were continued without it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any

    from ._form import Running
    from ._program import Program, Scope
    from ._units import Unit, Units


class Programs:
    """The units of a process that were read for a stop or a resume."""

    def __init__(self, units: Units) -> None:
        self.units = units
        #: The shapes of frames that are known to be continuable: see `_kept_forms`.
        self.prepared: set[bytes] = set()
        self._programs: dict[str, Program] = {}
        #: By the unit's id, the forms that were compiled in another process and run here.
        self._running: dict[str, list[Running]] = {}

    def program(self, unit: Unit) -> Program:
        """A unit, read if that has not been done yet."""
        program = self._programs.get(unit.id)
        if program is None:
            from ._program import Program

            program = self._programs[unit.id] = Program(unit)
            self._find_scopes(program)
        return program

    def runs(self, unit: Unit, form: Running) -> None:
        """Notes a form that `_kept_forms` has given."""
        self._running.setdefault(unit.id, []).append(form)
        if unit.id in self._programs:
            self._find_scopes(self._programs[unit.id])

    def _find_scopes(self, program: Program) -> None:
        for form in self._running.pop(program.unit.id, ()):
            from ._resume_form import ResumeForm

            ResumeForm(program, form.shape, form)

    def scope(self, code: types.CodeType) -> Scope | None:
        """The scope of a running code object, in run form or resume form, whatever unit it is of."""
        for unit in self.units.by_file.get(code.co_filename, ()):
            program = self._programs.get(unit.id)
            if program is None:
                runs = any(form.code is code for form in self._running.get(unit.id, ()))
                if not runs and unit.index.key(code) is None:
                    continue
                return self.program(unit).scope(code)
            found = program.scope(code)
            if found is not None:
                return found
        return None

    def scope_in_library(self, code: types.CodeType, namespace: dict[str, Any]) -> Scope | None:
        """The scope of a code object of a library module that is not instrumented, which it is found in from now on."""
        from ._adopted import learn

        unit = learn(self.units, namespace.get("__name__", ""))
        scope = self.program(unit).scope_of_original(code) if unit is not None else None
        if scope is not None and unit not in self.units.by_file.setdefault(code.co_filename, []):
            self.units.by_file[code.co_filename].append(unit)
        return scope
