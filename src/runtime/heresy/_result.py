"""What the frame that is continued in a hole gives (see `_holes`), where that is the value itself, or an ``__init__``'s."""

from __future__ import annotations

import _operator

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any


class _Returned:
    """``_Returned((result,))`` complains, as C code does and without a frame, if ``__init__`` has returned a value."""

    __init__ = _operator.itemgetter(0)  # type: ignore[assignment]


class PlainResult:
    """What becomes of a result.

    Attributes:
        instance: the object under construction, once.
        operands: what else the site needs.
        runs: the code of the frame that is continued in the hole.
        asks: where the iterator lies that is asked for an item there, and in a list what that gives if there is none.
        returned: checks what ``__init__`` gave.
        setattr, setitem, iadd, isub, …: the functions of C's.
    """

    returned = _Returned

    def __init__(self) -> None:
        self.instance: list[Any] = []
        self.operands: list[Any] = []
        self.runs: types.CodeType | None = None
        self.asks = 0
        self.default: list[Any] = []

    def fill(self, instance: list[Any], operands: list[Any]) -> None:
        """Puts in what the frame has kept for it."""
        self.instance[:] = instance
        self.operands = operands


PlainResult.setattr = setattr  # type: ignore[attr-defined]
for _name in (
    "setitem", "iadd", "isub", "imul", "imatmul", "itruediv", "ifloordiv", "imod", "ipow", "ilshift", "irshift", "iand", "ior",
    "ixor",
):  # fmt: skip
    setattr(PlainResult, _name, getattr(_operator, _name))
