"""The stack of a program, as a checkpoint holds it."""

from __future__ import annotations

import types

from ._typing_names import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from ._code_index import ScopeKey
    from ._comprehensions import Progress
    from ._generated import Generated
    from ._marked import Place
    from ._sites import SiteName

#: A part of a text: first line and column, last line and column. Lines count from 1, columns are bytes from 0.
Span: TypeAlias = tuple[int, int, int, int]


class FrameState(NamedTuple):
    """A frame, as a checkpoint holds it: names, places and objects.

    Attributes:
        unit: the id of the unit whose scope it runs.
        module: the module object whose globals it uses.
        scope: which scope.
        place: the statement it stands at or in.
        site: what of that statement is in progress, None at its start.
        restart: it is a C function that is to be called again.
        line: the line in the source, for people.
        variables: the bound local variables (empty for a module: its globals are saved with it).
        cells: the cells of the variables that functions share.
        blocks: for each enclosing block that keeps slots, outermost first, its kind and the value behind it.
        instance: in a list, the object under construction, if the next frame is its ``__init__``.
        operands: objects that the site needs again once the next frame has returned.
        generator: in a list, the generator or coroutine whose frame it is.
        closing: that generator is being closed.
        generated: in a list, the frame of a generated ``__init__`` between this and the next.
        comprehensions: those that it is in, outermost first.
        waiting: what of its statement was evaluated before, in that order.
    """

    unit: str
    module: types.ModuleType
    scope: ScopeKey
    place: Place
    site: SiteName | None
    restart: bool
    line: int
    variables: dict[str, Any]
    cells: dict[str, types.CellType]
    blocks: list[tuple[str, Any]]
    instance: list[Any]
    operands: list[Any]
    generator: list[Any]
    closing: bool
    generated: list[Generated]
    comprehensions: list[Progress]
    waiting: list[Any]


def shape_of(state: FrameState) -> FrameState:
    """A frame without its values: what its resume form depends on, and where it is."""
    return state._replace(
        variables=dict.fromkeys(state.variables),
        cells=dict.fromkeys(state.cells),  # type: ignore[arg-type]
        blocks=[(kind, _way(value) if kind == "left" else None) for kind, value in state.blocks],
        comprehensions=[_progress(each) for each in state.comprehensions],
        instance=[None] * len(state.instance),
        operands=[],
        generator=[],
        waiting=[],
    )


def _way(left: list[Any]) -> list[Any]:
    """How something is left, without the value that is returned."""
    return [left[0], *[None] * len(left[1:])]


def _progress(reached: Progress) -> Progress:
    return reached._replace(
        made=[None] * len(reached.made),
        sources=[None] * len(reached.sources),
        variables=dict.fromkeys(reached.variables),
        cells=dict.fromkeys(reached.cells),  # type: ignore[arg-type]
        operands=[],
    )


class Stack(NamedTuple):
    """The frames of a program, outermost first, and what to tell people of them.

    Attributes:
        shown: for each its file, line, function and label.
        spans: for each, what of its text is in progress.
    """

    frames: list[FrameState]
    shown: list[tuple[str, int, str, str]]
    spans: list[Span | None]
