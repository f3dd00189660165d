"""The state of a generator or coroutine that is not running: suspended, not started, or finished.

Nothing of it is on the stack when a program is stopped; but unlike a running frame, a suspended one shows its value
stack. So the iterators of a generator expression and the exception behind a ``finally`` need no names here.
"""

from __future__ import annotations

import types

from . import _cpython, _frames
from . import _tree as ast
from ._awaitables import ASEND, driver
from ._begun import begun_for
from ._expressions import OUTERMOST, keeps_slots, loops_of
from ._frame_state import FrameState
from ._generators import delegate_of, frame_of
from ._handled import name_exceptions
from ._part import Part
from ._programs import Programs
from ._slots import finalizer_of
from ._typing_names import Any
from .state.sequence_iterators import at_index


def state_of(programs: Programs, generator: Any) -> FrameState:
    """The state of a suspended generator.

    Raises:
        NotContinuable: it cannot be continued from where it is suspended.
    """
    frame = frame_of(generator)
    assert frame is not None
    part = Part(programs, frame, suspended=True)
    held = _frames.suspended(generator, frame, _perhaps_unbound(part))
    if type(generator) is types.AsyncGeneratorType:
        part.closing = driver(generator) not in ("", ASEND)
    operation = part.scope.operation_at(part.offset)
    if isinstance(part.scope.node, ast.GeneratorExp) and operation is not None and operation.kind == "yield":
        return _expression_state(part, generator, held)
    part.suspended(_iterator(generator, delegate_of(generator), 0))
    part.surroundings()
    handled = held.stack[-1] if held.stack else None
    if handled is not None and type(generator) is types.AsyncGeneratorType and handled is finalizer_of(generator):
        handled = held.stack[-2] if held.stack[1:] else None  # it comes last
    name_exceptions([part], handled)
    return part.state({name: cell for name, cell in held.cells.items()})


def _perhaps_unbound(part: Part) -> set[str]:
    """Cell variables of comprehensions, whose cells exist while those run."""
    return set(part.frame.f_code.co_cellvars) - part.bound_names()


def _iterator(generator: Any, iterator: Any, nth: int) -> Any:
    """An iterator in the place of a list or string that a loop goes through without one."""
    if not _cpython.DELEGATION_KEEPS_INDEX or type(iterator) not in (list, tuple, str, bytes):
        return iterator
    frame = frame_of(generator)
    assert frame is not None
    return at_index(iter(iterator), _frames.hidden_index(generator, frame, iterator, nth))


def outermost_iterator(variables: dict[str, Any], held: _frames.Suspended) -> list[Any]:
    """In a list, the iterator that a generator expression was called with; empty for generator functions."""
    if OUTERMOST not in variables:
        return []
    # Where it is on the value stack already, it may be the list itself; some interpreters ask it for an iterator only now.
    outermost = variables.pop(OUTERMOST)
    outermost = held.stack[0] if held.stack else outermost
    return [iter(outermost) if type(outermost) in _ITERABLES else outermost]


_ITERABLES = (list, tuple, range, str, bytes, bytearray, dict, set, frozenset)


def _expression_state(part: Part, generator: Any, held: _frames.Suspended) -> FrameState:
    node = part.scope.node
    assert isinstance(node, ast.GeneratorExp)
    blocks: list[tuple[str, Any]] = []
    seen: list[Any] = []
    # The function that it is continued as loops everywhere.
    is_function = part.scope.is_function_of_comprehension
    loops = [loop for loop in loops_of(node) if is_function or keeps_slots(node, loop)]
    for loop, source in zip(loops, held.stack):
        if loop.is_async:
            blocks.append(("async for", source))
        elif keeps_slots(node, loop):
            source = begun_for(source)
            blocks.append(("for", _iterator(generator, source, sum(1 for other in seen if other is source))))
        seen.append(source)
    part.block_values = blocks
    return part.state(held.cells)
