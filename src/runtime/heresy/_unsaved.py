"""What of a program cannot be saved: where it is, and what becomes of the stop.

* A placeholder takes its place, which raises `heresy.UnsavedObjectError` when it is used (see `state.placeholders`), and the
  stop and the start of the continued program name it. This is the default.
* Where its use is certain, the stop is refused: the iterator of a running loop, the manager of a ``with`` that is open, an
  operand of a statement in progress, an object whose ``__init__`` is running. The continued program could only fail there.
* ``--on-unsaved refuse`` refuses in all cases.
* What a function of a library holds for a moment will soon be gone: the stop waits.
"""

from __future__ import annotations

from ._errors import HeresyError, NotContinuable
from ._frame_state import FrameState, Stack
from ._typing_names import Any
from .state import generators
from .state.paths import Root, Way, find
from .state.pickling import Modules
from .state.unsaved import Lost, Unsaved, kind_of

#: What is known better of objects of these types than what their failure says: why, and what to do.
_KNOWN = {
    **dict.fromkeys(
        ("socket.socket", "ssl.SSLSocket", "http.client.HTTPResponse"),
        ("its connection ends with the process", "connect again in a heresy.on_restore function"),
    ),
    **dict.fromkeys(
        ("dbm.gnu", "_gdbm.gdbm", "_dbm.dbm"),
        ("the library keeps to itself what it has open", "connect again in a heresy.on_restore function"),
    ),
    **dict.fromkeys(
        ("select.epoll", "select.poll", "select.kqueue", "mmap.mmap"),
        ("it belongs to the process", "make another in a heresy.on_restore function"),
    ),
}  # fmt: skip
_ADVICE = "say how to save one with heresy.register, or make another in a heresy.on_restore function"


class Sparing:
    """Saves a program without what cannot be saved.

    Attributes:
        items: for each object for which a placeholder stands, where it is and what to do.
    """

    def __init__(self, modules: Modules, stack: Stack, around: dict[str, Any], *, refuse: bool) -> None:
        self.modules = modules
        self.stack = stack
        self.around = around
        self.refuse = refuse
        self.unsaved = Unsaved()
        self.unsaved.describe = self._describe
        self.items: list[str] = []

    def _describe(self) -> list[str]:
        """The texts of the placeholders, by their numbers.

        Raises:
            HeresyError: the stop is refused.
            NotContinuable: it is to wait.
        """
        lost = list(self.unsaved.lost.values())
        ways = find(set(self.unsaved.lost), self._roots(), self.unsaved.made)
        texts = [self._text(each, ways.get(id(each.obj))) for each in lost]
        # What another is made from, for which a placeholder stands, needs none itself.
        self.items = [texts[number] for number in sorted(self.unsaved.placed)]
        self._wait_for_library(ways)
        used = self._certain()
        certain = [used[id(each.obj)] for each in lost if id(each.obj) in used]
        if certain or self.refuse:
            raise HeresyError(
                "H311", f"cannot stop here: {_counted(self.items)} cannot be saved", items=shown(self.items),
                why=f"the program would go on with {certain[0]} at once" if certain else None,
                help="stop the program when it does not hold " + ("one" if len(self.items) == 1 else "them"),
            )  # fmt: skip
        return texts

    def _text(self, lost: Lost, way: Way | None) -> str:
        kind = kind_of(lost.obj)
        cause = lost
        while cause.cause is not None:
            cause = self.unsaved.lost[id(cause.cause)]
        made_of = "" if cause is lost else f" made from a {kind_of(cause.obj)}"
        why, advice = _KNOWN.get(kind_of(cause.obj), (cause.why, _ADVICE))
        place = f"{way.root.where}{way.path}" if way is not None else "an object"
        return f"{place}: {kind}{made_of} — {why}; {advice}"

    def _wait_for_library(self, ways: dict[int, Way]) -> None:
        """What a library's function holds while it runs is not the program's to avoid: there will be a better moment.

        A function of a library's that has called the program may run for long. So for that it is waited only where a
        placeholder will not do.
        """
        at_top = True
        for frame, shown in reversed(list(zip(self.stack.frames, self.stack.shown))):
            if not self.modules.units.by_id[frame.unit].library:
                at_top = False
                continue
            held = [value for _, value in frame.blocks] + _nameless(frame)
            held += _named(frame).values() if at_top or self.refuse else ()
            roots = {id(way.root.value) for way in ways.values()}
            if any(id(value) in roots for value in held):
                raise NotContinuable(f"{shown[2]}() holds what cannot be saved")

    def _certain(self) -> dict[int, str]:
        """What the program will use as soon as it is continued, by its identity."""
        found: dict[int, str] = {}
        work: list[Any] = []

        def add(blocks: list[tuple[str, Any]], *others: list[Any]) -> None:
            named = [(value, _OF_BLOCKS.get(kind, "it")) for kind, value in blocks]
            for value, name in [*named, *((value, "it") for values in others for value in values)]:
                if id(value) not in found:
                    found[id(value)] = name
                    work.append(value)

        for frame in self.stack.frames:
            add(frame.blocks, frame.waiting, frame.operands, frame.instance, frame.generator)
            for progress in frame.comprehensions:
                add([], progress.sources, progress.operands)
        while work:
            # A generator that is gone on with goes on with what it holds so itself.
            _, reduced = self.unsaved.made.get(id(work.pop()), _NOTHING)
            if reduced[0] is generators.make_generator:
                held = reduced[2][0]
                add(held["blocks"], held["waiting"], held["operands"], held["instance"])
        return found

    def _roots(self) -> list[Root]:
        """The variables of the program: those of the innermost frame first, then globals, and what is around it."""
        roots: list[Root] = []
        modules = {}
        for frame, (file, line, function, _) in reversed(list(zip(self.stack.frames, self.stack.shown))):
            where = f"{file}:{line}: " if function == "<module>" else f"{file}:{line} {function}(): "
            if function == "<module>":
                modules[id(frame.module)] = where
            roots += [Root(where, name, value) for name, value in _named(frame).items()]
            roots += [Root(where, _OF_BLOCKS.get(kind, "a value of the statement"), value) for kind, value in frame.blocks]
            roots += [Root(where, "a value of the statement", value) for value in _nameless(frame)]
        for module in self.modules.objects:
            where = modules.get(id(module), f"module {module.__name__}: ")
            roots += [Root(where, name, value) for name, value in self.modules.namespace(module).items()]
        for part, held in self.around.items():
            named = held.items() if part in ("streams", "hooks") else ()
            roots += [*(Root("", f"sys.{name}", value) for name, value in named), Root("", part, held)]
        return roots


#: What is known of an object that nothing was pickled of.
_NOTHING: Any = (None, (None,))
_OF_BLOCKS = {"for": "the iterator of the loop", "with": "the manager of the with statement"}


def _named(frame: FrameState) -> dict[str, Any]:
    found = {**frame.variables, **frame.cells}
    for progress in frame.comprehensions:
        found.update({**progress.variables, **progress.cells})
    return found


def _nameless(frame: FrameState) -> list[Any]:
    values = [*frame.waiting, *frame.operands, *frame.instance, *frame.generator]
    for progress in frame.comprehensions:
        values += [*progress.made, *progress.sources, *progress.operands]
    return values


def _counted(items: list[str]) -> str:
    return "an object" if len(items) == 1 else f"{len(items)} objects"


def shown(items: list[str]) -> list[str]:
    """So many of them as a diagnostic can name."""
    rest = len(items) - _MOST
    return items if rest <= 0 else [*items[:_MOST], f"and {rest} more"]


#: So many objects are named.
_MOST = 30


def warning(items: list[str], *, continued: bool = False) -> str:
    """The diagnostic that names what placeholders stand for."""
    how = "continued" if continued else "saved"
    return HeresyError(
        "H317", f"{how} without {_counted(items)}; the program gets heresy.UnsavedObjectError where it uses one",
        items=shown(items),
        help=None if continued else "`--on-unsaved refuse` does not stop a program that holds such objects",
    ).diagnostic("warning")  # fmt: skip
