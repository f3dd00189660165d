"""Taking a paused program apart: is this a safe point, and what are its frames?

A *safe point* is a moment at which every frame on the stack can be continued exactly:

* the innermost frame stands at the start of a statement that has a place (or waits in a C call that can be restarted);
* every other frame is at a *site* (see `_sites`) that runs a function, nothing that is needed afterwards is without a name,
  and that function, looked up again without running any code, is the very one whose frame comes next. So there is no C
  function in between (``sorted(xs, key=slow)``), whose half-done work nobody could continue;
* or the site asks a generator to go on, and it is that generator's frame which comes next. It is continued by asking again;
* the value stack is as deep as the statement's surroundings (``for``, ``with``, handlers) say, not deeper; but what lies on
  it in a comprehension is known, operand by operand (see `_comprehensions`).

What does not hold raises :class:`NotContinuable`, and the stop waits.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator

from . import _tree as ast
from ._collecting import Watch
from ._comprehensions import merged
from ._errors import NoStart, NotContinuable
from ._frame_state import Stack
from ._generators import is_generator
from ._handled import name_exceptions
from ._part import Part, is_foreign
from ._programs import Programs


class Unsafe(NotContinuable):
    """This is no safe point.

    Attributes:
        barrier: the frame that must move on before there can be one; None: the innermost.
        watch: finds what is not known yet.
        index: which frame it is about.
        is_lasting: it never will be one, whatever the program does.
    """

    def __init__(
        self, reason: str, barrier: types.FrameType | None = None, watch: Watch | None = None, index: int = -1,
        is_lasting: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(reason)
        self.barrier = barrier
        self.watch = watch
        self.index = index
        self.is_lasting = is_lasting


def examine(
    programs: Programs,
    innermost: types.FrameType,
    *,
    waiting: bool = False,
    abandon: bool = False,
    called: types.FrameType | None = None,
) -> list[Part]:
    """The frames from the program's bottom up to ``innermost``, each of which can be continued: `freeze` takes them apart.

    Args:
        programs: the instrumented modules.
        waiting: the innermost frame is inside a C call that may be restartable; else it is at a line event.
        abandon: whatever C call it is in, it is to be made again.
        called: the innermost frame is inside a call that this frame of the runtime's runs, which gives a value later on.

    Raises:
        Unsafe: they cannot all be continued from here.
    """
    handled = sys.exception()
    frames: list[types.FrameType] = []
    frame: types.FrameType | None = innermost
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    frames.reverse()
    # At its end the interpreter calls `atexit` functions and `__del__` with no module below them.
    bottom = next((index for index, frame in enumerate(frames) if _is_main(programs, frame)), None)
    if bottom is None:
        raise Unsafe("the program's module is not running")

    def begin(part: Part) -> None:
        if waiting:
            part.inside_wait(abandon=abandon)
        elif called is not None:
            part.inside_call_of(called)
        else:
            part.at_start()

    return _examined(programs, [(frame, frame.f_lasti, None) for frame in frames[bottom:]], begin, handled)


def examine_failed(
    programs: Programs, at: list[tuple[types.FrameType, int, int | None]], running: int, handled: BaseException | None
) -> list[Part]:
    """The same for frames that an exception comes through, which the innermost of them is to be continued without.

    Args:
        at: the frames, outermost first; for each the byte offset that it is at, and how deep its value stack is if not as
            deep as it is there.
        running: the number of the first whose call has been left.
        handled: what the innermost handles.

    Raises:
        Unsafe: they cannot all be continued from here.
    """
    if not at or not _is_main(programs, at[0][0]):
        raise Unsafe("the program's module is not running")
    return _examined(programs, at, Part.at_failure, handled, running)


def _examined(
    programs: Programs, at: list[tuple[types.FrameType, int, int | None]], begin: Callable[[Part], None],
    handled: BaseException | None, running: int | None = None,
) -> list[Part]:  # fmt: skip
    frames = [frame for frame, *_ in at]
    parts: list[Part] = []
    for index, (frame, offset, depth) in enumerate(at):
        if parts and parts[-1].generated and parts[-1].generated_frame is frame:
            continue
        following = frames[index + 1] if index + 1 < len(frames) else None
        try:
            is_left = running is not None and index + 1 >= running
            part = Part(programs, frame, offset=offset, depth=depth, is_left=is_left)
            if parts and is_generator(frame.f_code):
                part.runs(parts[-1])
            if following is not None:
                part.inside(following)
                part.through(frames[index + 1 : index + 3])
            else:
                begin(part)
            part.surroundings()
        except NotContinuable as error:
            # Who must move on: the caller of a frame that cannot be continued, or the frame whose call is obscure.
            barrier = frames[max(0, index - 1)] if is_foreign(programs, frame) else frame
            watch, is_lasting = getattr(error, "watch", None), isinstance(error, NoStart)
            raise Unsafe(str(error), barrier, watch, index, is_lasting) from None
        parts.append(part)
    try:
        name_exceptions(parts, handled)
    except NotContinuable as error:
        raise Unsafe(str(error)) from None
    return parts


def freeze(parts: list[Part]) -> Stack:
    """The state of examined frames; nothing of the program may run in between."""
    return Stack(
        merged([part.state(part.cells()) for part in parts]),
        [(p.program.filename, p.line, p.frame.f_code.co_qualname, p.place[0]) for p in parts if not p.is_merged],
        [p.span for p in parts if not p.is_merged],
    )


def frames_below(frame: types.FrameType, main: types.ModuleType) -> Iterator[types.FrameType]:
    """The frames below another, down to that of the program's module."""
    current: types.FrameType | None = frame
    while current is not None and not (current.f_globals is main.__dict__ and current.f_code.co_name == "<module>"):
        current = current.f_back
        if current is not None:
            yield current


def _is_main(programs: Programs, frame: types.FrameType) -> bool:
    """Whether a frame is the program's outermost: that of its main module."""
    main = programs.units.by_id.get("__main__")
    if main is None or frame.f_code.co_filename != main.path or frame.f_code.co_name != "<module>":
        return False
    scope = programs.scope(frame.f_code)
    return scope is not None and scope.program.unit is main and isinstance(scope.node, ast.Module)
