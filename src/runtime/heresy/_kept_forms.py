"""Resume forms that were compiled before: a program that is stopped leaves those of its frames in the cache.

To compile one, the module's text is read and its tree transformed, which takes most of the time of a short resume. A stop has
read the text anyway, and nobody waits for it once the checkpoint is there. What is kept is for the same text, build and
interpreter; where there is none, or the source has changed meanwhile, forms are compiled as ever.

What depends on more than the shape of a frame is left out: comprehensions in progress, generators, and sites whose result is
not the value itself.
"""

from __future__ import annotations

import _imp
import types

from ._constants import ASK, bind_constants
from ._form import Form
from ._frame_state import FrameState
from ._result import PlainResult
from ._units import Unit, is_cached, keep_cached, read_cached
from ._unwinding import ASKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._programs import Programs
    from ._resume_form import ResumeForm


def find(unit: Unit, state: FrameState) -> Form | None:
    """The form of a frame, not yet filled; None if it was not kept."""
    shape = _shape(unit, state)
    if shape is None:
        return None
    found = read_cached(unit.cached(shape, "frame"))
    if found is None:
        return None
    same, code, is_module, hoisted, arguments, starts_on = found
    run_code = unit.index.code(state.scope)
    if same != shape or run_code is None:
        return None
    form = Form(_empty(state), PlainResult())
    form.is_module, form.hoisted, form.arguments, form.starts_on = is_module, hoisted, arguments, starts_on
    table = {**form.table, ASK: ASKED}
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
    if shape is None or not form.is_plain or shape != _shape(unit, form.state):
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
    """Compiles and keeps what the continuation of these frames will ask for."""
    from ._comprehensions import split
    from ._resume_form import ResumeForm

    done: set[bytes] = set()
    for state in frames:
        unit = programs.units.by_id.get(state.unit)
        shape = _shape(unit, state) if unit is not None else None
        if unit is None or shape is None or shape in done:
            continue
        done.add(shape)
        if not is_cached(unit.cached(shape, "frame")):
            program = programs.program(unit)
            (here,) = split(program, state)
            keep(unit, state, ResumeForm(program, here))


#: Stands before the name of a code object of the run form.
_CODE = "heresy.code"


def _of_run_form(const: frozenset[Any], unit: Unit, run_code: types.CodeType) -> Any:
    """The constant of the run form that is meant: a code object, or a set display, which marshal would reorder."""
    for each in const:
        if type(each) is tuple and each[:1] == (_CODE,):
            return unit.index.code(each[1:])
    found = [own for own in run_code.co_consts if type(own) is frozenset and own == const]
    return found[0] if len(found) == 1 else None


def _shape(unit: Unit, state: FrameState) -> bytes | None:
    """All that a form depends on; None if it is none to be kept."""
    if state.comprehensions or state.generator or state.generated or state.closing:
        return None
    if any(kind == "left" and value[1:] for kind, value in state.blocks):
        return None  # what is still to be returned
    return repr((
        unit.name, unit.sha256, unit.library, state.scope, state.place, state.site, state.restart, bool(state.instance),
        list(state.variables), list(state.cells), [(kind, _way(kind, value)) for kind, value in state.blocks],
    )).encode("utf-8", "surrogatepass")  # fmt: skip


def _way(kind: str, value: Any) -> Any:
    return value[:1] if kind == "left" else None


def _empty(state: FrameState) -> FrameState:
    """The shape of a frame alone: its values live as long as it does."""
    return state._replace(
        variables=dict.fromkeys(state.variables), cells=dict.fromkeys(state.cells),
        blocks=[(kind, _way(kind, value)) for kind, value in state.blocks],
        instance=[None] * len(state.instance), operands=[None] * len(state.operands), waiting=[None] * len(state.waiting),
    )  # type: ignore[arg-type] # fmt: skip
