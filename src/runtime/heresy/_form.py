"""A frame that can go on: what a resume form needs while it runs, whoever has compiled it (see `_resume_form`).

Its code holds the objects of a `Form` as constants; they take the values of one frame, and are used up when it runs. Nothing
here knows the syntax of a program: a form that was compiled before (see `_kept_forms`) needs no more than this.
"""

from __future__ import annotations

import types
from _functools import partial

from ._frame_state import FrameState
from ._pending import Pending
from ._result import PlainResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Constants of the code, by which the objects are put in place of them.
PENDING = frozenset({"heresy.pending"})
STACK = frozenset({"heresy.stack"})
VALUES = frozenset({"heresy.values"})
OPERANDS = frozenset({"heresy.operands"})
WAITING = frozenset({"heresy.waiting"})
RESULT = frozenset({"heresy.result"})

#: The kinds of blocks that keep something on the value stack.
PUSHED = frozenset({"for", "async for", "with", "async with", "handler", "finally", "exit"})
#: The method that a manager is left by.
EXITS = {"with": "__exit__", "async with": "__aexit__"}

#: What a module's frame is given by the start, and keeps.
_SET_UP = (
    "__annotate__", "__conditional_annotations__", "__doc__", "__file__", "__cached__", "__loader__", "__package__",
    "__spec__",
)  # fmt: skip


class Form:
    """A saved frame, compiled.

    Attributes:
        state: the frame.
        code: the code to run.
        pending: where the callable of the next frame goes.
        result: what becomes of what that gives.
        stack: what the goto pushes, the next at the end.
        values: in a list, what its variables are set to; of a module, what puts its names back.
        operands: what a delegation goes on with.
        waiting: what of its statement was evaluated before, the next at the end.
        is_module: its scope is a module's.
        hoisted: the variables that are set.
        arguments: how many it is called with.
        starts_on: how `Pending.on` is before it runs.
    """

    code: types.CodeType

    def __init__(self, state: FrameState, result: PlainResult) -> None:
        self.state = state
        self.pending = Pending()
        self.result = result
        self.stack: list[Any] = []
        self.values: list[Any] = []
        self.operands: list[Any] = []
        self.waiting: list[Any] = []
        self.is_module = False
        self.hoisted: list[str] = []
        self.arguments = 0
        self.starts_on = False

    @property
    def table(self) -> dict[Any, Any]:
        """What the constants of its code stand for."""
        return {
            PENDING: self.pending, RESULT: self.result, STACK: self.stack, VALUES: self.values, OPERANDS: self.operands,
            WAITING: self.waiting,
        }  # fmt: skip

    def fill(self, state: FrameState) -> None:
        """Puts the values of a frame of this shape in."""
        self.state = state
        self.pending.on = self.starts_on
        self.operands[:] = state.operands
        self.result.fill(state.instance, state.operands)
        self.waiting[:] = reversed(state.waiting)
        self.stack[:] = reversed(self._pushed())
        if self.is_module:
            namespace = state.module.__dict__
            kept = {name: namespace[name] for name in _SET_UP if name in namespace}
            self.values[:] = [partial(namespace.update, kept)]
        else:
            # A cell is stored into its variable as it is: the goto sees to that.
            held = {**state.variables, **state.cells}
            self.values[:] = [tuple([held.get(name) for name in self.hoisted])]

    def _pushed(self) -> list[Any]:
        """The values that the goto pushes, in order."""
        return [on_stack(kind, value) for kind, value in self.state.blocks if kind in PUSHED]

    def enters(self, function: Callable[[], Any] | None) -> None:
        """Tells what runs the next frame; None if that is the frame of a generator that this one drives."""
        self.result.runs = function.__code__ if type(function) is types.FunctionType else None
        self.pending.callable = function

    def function(self, cells: dict[str, types.CellType] | None = None) -> types.FunctionType:
        """The frame as something to call: it runs on and returns or raises what the frame does.

        A call of a function takes no room on the stack of C, as one of anything else would.

        Args:
            cells: those of its free variables, if the frame has not been filled yet.
        """
        cells = self.state.cells if cells is None else cells
        closure = tuple([cells.get(name) or types.CellType() for name in self.code.co_freevars])
        function = types.FunctionType(self.code, self.state.module.__dict__, self.code.co_name, None, closure)
        first = self.code.co_argcount
        function.__kwdefaults__ = dict.fromkeys(self.code.co_varnames[first : first + self.code.co_kwonlyargcount])
        # What it is called with does not matter: the goto sets all variables.
        function.__defaults__ = (None,) * self.arguments
        return function


class Running:
    """What is known of a form that runs: its scope can be found out later, by its shape.

    Attributes:
        shape: the frame without its values, which live as long as they are used.
        code, pending, result: as in `Form`.
    """

    def __init__(self, form: Form) -> None:
        self.shape = form.state
        self.code = form.code
        self.pending = form.pending
        self.result = form.result


def on_stack(kind: str, value: Any) -> Any:
    """What a block keeps on the value stack."""
    if kind not in EXITS:
        return value
    from ._values import bound_special

    return bound_special(value, EXITS[kind])
