"""Resume forms that are compiled beforehand: a stop compiles those of the frames that it saves, and leaves them in the cache.

So no checkpoint is written that could not be continued from: where a form cannot be compiled, the stop waits. And to compile
one, the module's text is read and its tree transformed, which takes most of the time of a short resume, and which a stop has
done already. What is kept is for the same text, build and interpreter; where there is none, or the source has changed
meanwhile, forms are compiled as ever.

What depends on more than the shape of a frame is left out: comprehensions in progress, generators, and sites whose result is
not the value itself.
"""

from __future__ import annotations

import _imp
import os
import types

from ._constants import bind_constants, of_pads
from ._errors import NotContinuable
from ._form import Form
from ._frame_state import FrameState, shape_of
from ._result import PlainResult
from ._texts import keep_cached
from ._units import Unit, is_cached, read_cached
from ._unwinding import ASKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._programs import Programs
    from ._resume_form import ResumeForm


def find(unit: Unit, state: FrameState) -> Form | None:
    """The form of a frame, not yet filled; None if it was not kept."""
    if not _is_kept(state):
        return None
    shape = _shape(unit, state)
    found = read_cached(unit.cached(shape, "frame"))
    if found is None:
        return None
    same, code, is_module, hoisted, arguments, starts_on = found
    run_code = unit.index.code(state.scope)
    if same != shape or run_code is None:
        return None
    form = Form(shape_of(state), PlainResult())
    form.is_module, form.hoisted, form.arguments, form.starts_on = is_module, hoisted, arguments, starts_on
    table = {**form.table, **of_pads(ASKED)}
    for const in code.co_consts:
        if type(const) is frozenset and const not in table:
            own = _of_run_form(const, unit, run_code)
            if own is None:
                return None
            table[const] = own
    form.code = bind_constants(code, table)
    _imp._fix_co_filename(form.code, unit.path)
    return form


def keep(unit: Unit, state: FrameState, form: ResumeForm) -> None:
    """Keeps the form of a frame, if it can be."""
    shape = _shape(unit, state)
    # Where the frame is another here than in the checkpoint, the form is that of the other.
    if not _is_kept(state) or not form.is_plain or shape != _shape(unit, form.state):
        return
    consts: list[Any] = []
    for const in form.unbound.co_consts:
        if type(const) is types.CodeType:
            key = unit.index.key(const)
            if key is None:
                return
            const = frozenset({(_CODE, *key)})
        consts.append(const)
    code = form.unbound.replace(co_consts=tuple(consts))
    words = (shape, code, form.is_module, form.hoisted, form.arguments, form.starts_on)
    keep_cached(unit.cached(shape, "frame"), words)


def prepare(programs: Programs, frames: Iterable[FrameState]) -> None:
    """Compiles what the continuation of these frames will ask for, and keeps what can be kept.

    Raises:
        NotContinuable: that of one cannot be compiled, so that the checkpoint would be of no use.
    """
    for state in frames:
        unit = programs.units.by_id.get(state.unit)
        if unit is None:
            continue
        shape = _shape(unit, state)
        if shape in programs.prepared or _is_kept(state) and is_cached(unit.cached(shape, "frame")):
            continue
        from ._comprehensions import split
        from ._resume_form import ResumeForm

        program = programs.program(unit)
        without_values = shape_of(state)._replace(module=None)  # type: ignore[arg-type]
        try:
            forms = [ResumeForm(program, each) for each in split(program, without_values)]
        except Exception as error:
            if os.environ.get("HERESY_DEBUG"):
                raise
            raise NotContinuable(f"{state.scope[0]} could not be continued ({error})") from None
        programs.prepared.add(shape)
        if _is_kept(state):
            keep(unit, state, forms[0])
        for form in forms:
            program.forget(form.code)


#: Stands before the name of a code object of the run form.
_CODE = "heresy.code"


def _of_run_form(const: frozenset[Any], unit: Unit, run_code: types.CodeType) -> Any:
    """The constant of the run form that is meant: a code object, or a set display, which marshal would reorder."""
    for each in const:
        if type(each) is tuple and each[:1] == (_CODE,):
            return unit.index.code(each[1:])
    found = [own for own in run_code.co_consts if type(own) is frozenset and own == const]
    return found[0] if len(found) == 1 else None


def _is_kept(state: FrameState) -> bool:
    """Whether the form of a frame is one to be kept."""
    if state.comprehensions or state.generator or state.generated or state.closing:
        return False
    return not any(kind == "left" and value[1:] for kind, value in state.blocks)  # what is still to be returned


def _shape(unit: Unit, state: FrameState) -> bytes:
    """All that a form depends on."""
    shape = shape_of(state)._replace(unit="", module=None, line=0, generated=[])  # type: ignore[arg-type]
    return repr((unit.name, unit.sha256, unit.library, *shape)).encode("utf-8", "surrogatepass")
