"""What the instruction that a frame is at has taken from the value stack: a call its callee and arguments, an operator its
operands.

They lie there still; but whether they are alive, what is running must tell first. A function that is called directly has become
a frame of its own, and what it was called by may be gone; and when an instruction drops what it has used, a finalizer may run.
So addresses are compared with those of objects that are known to live, and a value is taken only once it is known from them
what runs.
"""

from __future__ import annotations

import functools
import gc
import types

from . import _tree as ast
from ._errors import NotContinuable
from ._program import Hole, Scope
from ._slots import MISSING, Slots
from ._typing_names import Any, NamedTuple


class Arguments(NamedTuple):
    """A call in progress, which C code runs."""

    function: Any
    args: list[Any]
    keywords: dict[str, Any]


class Taken:
    """What an instruction has taken from the stack.

    Attributes:
        hole: what a resume form has in its place, if that is what the frame is at.
        continued: for a resume form, the code of the frame that goes on in it.
    """

    def __init__(self, slots: Slots, scope: Scope, offset: int) -> None:
        node = scope.node_at(offset)
        self.hole = scope.result if isinstance(node, Hole) else None
        self.continued = scope.result.runs if scope.result is not None else None
        self._slots = slots
        operation = scope.operation_at(offset)
        assert operation is not None
        self.end = scope.depths[operation.offset]
        self.start = self.end - operation.takes

    def values(self) -> list[Any]:
        """The values, MISSING for NULL, all of which must be alive."""
        return self._slots.values(self.start, self.end)

    @functools.cached_property
    def addresses(self) -> list[int]:
        """Where the objects lie, or have lain."""
        return [self._slots.address(index) for index in range(self.start, self.end)]

    def is_call_of(self, what: object) -> bool:
        """Whether a call's callee is, or was, this object, which must be alive."""
        return id(what) in self.addresses[:2]

    def called_of(self, known: dict[int, Any]) -> Any:
        """Which of some objects, by their identity, a call's callee is or was; None if it is none of them."""
        first, second = self.addresses[:2]
        return known[first] if first in known else known.get(second)

    def is_waiting_in(self, function: object) -> bool:
        """Whether a call of this function, one of C's, has not returned: then its value would lie in the place of the first."""
        return self.is_call_of(function) and self.addresses[0] in (0, id(function))

    def is_waiting_in_c(self) -> bool:
        """The same of any function of C's."""
        found = self.called_of({id(each): each for each in gc.get_objects() if type(each) in _OF_C})
        return found is not None and self.is_waiting_in(found)

    def asked(self) -> int:
        """Where the iterator lies that a ``for``, ``yield from`` or ``await`` asks."""
        return self._slots.address(self.start)

    def arguments(self, call: ast.Call) -> Arguments:
        """What a call was made with that C code runs."""
        values = self.values()
        if any(isinstance(arg, ast.Starred) for arg in call.args) or any(k.arg is None for k in call.keywords):
            return _unpacked(values)
        first, second, *rest = values
        if first is MISSING or second is MISSING:
            function = second if first is MISSING else first
        elif type(first) in _FUNCTIONS:
            function = first.__get__(second, type(second))
        else:
            # The callee of newer interpreters comes first, and then what it is bound to.
            raise NotContinuable("what is called is not known")
        count = len(call.args)
        if len(rest) == count + len(call.keywords) + 1 and type(rest[-1]) is tuple:
            rest.pop()  # the names of the keywords
        if len(rest) != count + len(call.keywords):
            raise NotContinuable("what a call was made with is not known")
        return Arguments(function, rest[:count], {k.arg: v for k, v in zip(call.keywords, rest[count:]) if k.arg})


class Dropped(Taken):
    """The same once an exception has come out of it: nothing is left of that."""

    def values(self) -> list[Any]:
        raise NotContinuable("what a call was made with is gone")

    @property
    def addresses(self) -> list[int]:  # type: ignore[override]
        raise NotContinuable("what a call was made with is gone")

    def is_call_of(self, what: object) -> bool:
        return False

    def called_of(self, known: dict[int, Any]) -> Any:
        return None

    def asked(self) -> int:
        raise NotContinuable("what was asked for an item is gone")


#: The types of functions of C's, which the collector knows.
_OF_C = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)
_FUNCTIONS = (types.FunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)


def _unpacked(values: list[Any]) -> Arguments:
    found = [value for value in values if value is not MISSING]
    if len(found) == 2:
        found.append({})
    if len(found) != 3 or type(found[1]) is not tuple or type(found[2]) is not dict:
        raise NotContinuable("what a call was made with is not known")
    return Arguments(found[0], list(found[1]), dict(found[2]))
