"""Constants that no cached code object can hold, put in the place of their placeholders.

The cache keeps code marshalled: a set display would come back in another order. This file is on the way of every start and
imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

CodeType = type((lambda: None).__code__)

#: Stands for what the pads of a program ask (see `_pads`).
ASK = frozenset({"heresy: what a pad asks"})
#: Stands for the exception by which an asynchronous loop ends.
ENDED = frozenset({"heresy: how an asynchronous loop ends"})


def bind_constants(code: CodeType, table: Mapping[Any, Any]) -> CodeType:
    """Puts live objects in the place of placeholder constants, in ``code`` and the code objects inside it."""
    consts: list[Any] = []
    for const in code.co_consts:
        if isinstance(const, CodeType):
            consts.append(bind_constants(const, table))
        elif isinstance(const, frozenset) and const in table:
            consts.append(table[const])
        else:
            consts.append(const)
    if all(new is old for new, old in zip(consts, code.co_consts)):
        return code
    return code.replace(co_consts=tuple(consts))


def of_pads(ask: object) -> dict[Any, Any]:
    """What the placeholders in pads stand for, which ask ``ask``."""
    return {ASK: ask, ENDED: StopAsyncIteration}


def ready(code: CodeType, displays: list[tuple[Any, ...]], ask: object = None) -> CodeType:
    """The code with its constants as CPython itself would have made them.

    Args:
        displays: the constant set displays of the program in the order of the text.
        ask: what its pads ask, if it has any.
    """
    table: dict[Any, Any] = {frozenset(display): frozenset(display) for display in reversed(displays)}
    if ask is not None:
        table.update(of_pads(ask))
    return bind_constants(code, table) if table else code
