"""The runtime's own objects. A program comes by them through `gc` alone, and has no use for them."""

from __future__ import annotations

from .. import _answer, _handling, _signals, _stop, _units, _units_asked
from .._errors import HeresyError
from .._typing_names import Any
from .pickling import Reduced, StatePickler, reducer


@reducer(
    _stop.Stopper, _answer.Answering, _signals.Handlers, _handling.Handling, _units.Units, _units_asked.AskedUnits,
    _units.Unit, _units_asked.AskedUnit,
)  # fmt: skip
def _own(pickler: StatePickler, own: Any) -> Reduced:
    raise HeresyError(
        "H311", "cannot stop here: the program holds objects of heresy's own, which are not the same in another process",
        why="`gc.get_objects()` gives them", help="stop the program when it does not hold them",
    )  # fmt: skip
