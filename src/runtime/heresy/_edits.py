"""A program whose source was changed while it was stopped: where its frames, functions and classes are in the new text.

``heresy run`` has aligned the two texts, statement by statement; here what a checkpoint names by the old one is found in
the new. A frame goes on at the counterpart of its statement, if what is around that on the value stack is the same (the
loops, ``with`` and ``try``), and if it was half done, only if its text is the same. A function goes on with the new body.
What had run already does not run again; but what is new at the top of a module and only defines something, does.

What has no counterpart, or one of several, is refused: nothing is guessed.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator

from ._aligned import (
    AMBIGUOUS,
    EDITED,
    FUNCTIONS,
    HEADER,
    WHOLE,
    Asked,
    asked_around,
    elif_of,
    is_literal,
    numbered,
    role,
)
from ._blocks import Block, enclosing
from ._bytecode import stored_globals
from ._code_index import ScopeKey
from ._definitions import Definitions
from ._errors import HeresyError, NotContinuable
from ._frame_state import FrameState
from ._marked import place_of, suites
from ._program import COMPREHENSIONS, Program
from ._sites import CATCH, EXIT, FOR, nodes_like
from ._typing_names import Any

_WRAPPERS = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


class Edits:
    """One module, as it was when the program was stopped and as it is now.

    Args:
        table: for each statement of the old text: the number of its counterpart (-1 gone, -2 ambiguous), how much of it is
            as it was, and the number of the statement at which what was about to begin it goes on (-1, -2). None: both
            texts are the same.
    """

    def __init__(self, old: Program, new: Program, table: list[list[int]] | None) -> None:
        self.old = old
        self.new = new
        self.path = new.filename
        self.numbers = {statement: number for number, statement in enumerate(numbered(old.marked.tree))}
        self.statements = numbered(new.marked.tree)
        self.table = table if table is not None else [[number, WHOLE, number] for number in self.numbers.values()]
        self._keys = {(scope.node, role(scope)): scope.key for scope in new.scopes()}
        #: The number of the new statement that each module's own frame goes on at.
        self.reached = len(self.statements)
        counterparts = {row[0] for row in self.table}
        #: The statements that those of now were.
        self._before = {self.statements[row[0]]: then for then, row in zip(self.numbers, self.table) if row[0] >= 0}
        #: The statements that are new.
        self.fresh = [statement for number, statement in enumerate(self.statements) if number not in counterparts]
        self.definitions = Definitions(self)

    # --- statements, expressions, scopes -----------------------------------------------------------------------------

    def statement(self, old: ast.stmt, same: int = EDITED) -> ast.stmt:
        """The counterpart of a statement.

        Raises:
            HeresyError: there is none, several could be, or less of it is the same than is needed.
        """
        root, steps = old, 0
        while root not in self.numbers:  # an `elif`
            root, steps, same = self.old.parents[root], steps + 1, max(same, HEADER)  # type: ignore[assignment]
        at, sameness, _ = self.table[self.numbers[root]]
        if at < 0:
            raise self.refused(old, "there are several that could be it" if at == AMBIGUOUS else "it is gone")
        if sameness < same:
            raise self.refused(old, "it has changed" if same == HEADER else "it, or what is inside of it, has changed")
        found: ast.stmt = self.statements[at]
        for _ in range(steps):
            found = elif_of(found)  # type: ignore[assignment]
        return found

    def _start(self, old: ast.stmt) -> ast.stmt:
        if old not in self.numbers:
            return self.statement(old)
        at = self.table[self.numbers[old]][2]
        if at < 0:
            raise self.refused(old, "there are several that could be it" if at == AMBIGUOUS else "it is gone")
        return self._with_what_is_new_around(self.statements[at], old)

    def _with_what_is_new_around(self, start: ast.stmt, old: ast.stmt) -> ast.stmt:
        """Where a statement was put into a new ``if``, ``with``, ``match`` or loop, behind nothing but new statements, it begins
        there now: whether that suite runs at all is still to be asked. So do new statements right before that. And so it is
        if the test of an ``if`` is a new one."""
        numbered, new = set(self.statements), set(self.fresh)
        asked = {now.root: then for then, now in self._asked_otherwise(old, start)}
        found = at = start
        while True:
            suite = next(suite for suite in suites(self.new.parents[at]) if at in suite)
            first = suite.index(at)
            while first and suite[first - 1] in new:
                first -= 1
            around = self.new.parents[at]
            if isinstance(around, (ast.ExceptHandler, ast.match_case)):
                around = self.new.parents[around]
            is_part = isinstance(around, _WRAPPERS) and (around in new or around not in numbered)  # an `elif` has no number
            if first or not is_part and (around not in asked or asked[around].has_effects):
                # In the suite where it was before, the aligner has told what is new before it.
                return suite[first] if found is at is not start else found
            assert isinstance(around, ast.stmt)
            found, at = around if around in numbered else found, around

    def _asked_otherwise(self, old: ast.stmt, new: ast.stmt) -> Iterator[tuple[Asked, Asked]]:
        """What each ``if`` around a statement has asked before it, and what it asks now, where that is something else."""
        then = asked_around(self.old, old)
        for root, now in asked_around(self.new, new).items():
            before = then.get(self._before.get(root))
            if before is not None and before.answers != now.answers:
                yield before, now

    def node(self, old: ast.AST) -> ast.AST:
        """The counterpart of a statement, or of an expression, which is in a counterpart with as many of its kind."""
        if isinstance(old, ast.Module):
            return self.new.marked.tree
        if isinstance(old, ast.stmt):
            return self.statement(old)
        owner = self.old.statement_of(old)
        assert owner is not None
        found = self.statement(owner)
        then, now = nodes_like(owner, type(old)), nodes_like(found, type(old))
        # One that is as it was is itself, wherever it stands; the others are told by their order.
        old_texts, new_texts = [*map(ast.dump, then)], [*map(ast.dump, now)]
        known = {text for text in old_texts if old_texts.count(text) == new_texts.count(text) == 1}
        text = ast.dump(old)
        if text in known:
            return now[new_texts.index(text)]
        then = [node for node, text in zip(then, old_texts) if text not in known]
        now = [node for node, text in zip(now, new_texts) if text not in known]
        if len(then) != len(now):
            raise self.refused(owner, f"it has {len(old_texts)} of `{_shown(old)}` no more")
        return now[then.index(old)]

    def key(self, key: ScopeKey) -> ScopeKey:
        """The name that a scope has now.

        Raises:
            HeresyError: it is gone, or it cannot be told which it is.
        """
        scope = self.old.scope_named(key)
        if scope is None:
            return key
        found = self._keys.get((self.node(scope.node), role(scope)))
        if found is None:
            raise self.cannot_continue(f"{key[0]} is gone")
        return found

    def cannot_continue(self, what: str, *, why: str | None = None, help: str | None = None) -> HeresyError:
        return HeresyError("H307", f"{self.path} has changed too much to continue: {what}", why=why, help=help)

    def refused(self, old: ast.stmt, why: str) -> HeresyError:
        line = ast.get_source_segment("".join(self._old_lines()), old) or ""
        return self.cannot_continue(
            f"line {old.lineno} of then cannot be found in it",
            why=f"`{line.splitlines()[0] if line else _shown(old)}`: {why}",
            help="change less of what the program is in the middle of, choose where to go on with `--at LINE`, or start over "
            "with `--fresh`; nothing is lost",
        )  # fmt: skip

    def _old_lines(self) -> list[str]:
        _, source = self.old.unit.texts()
        return (source or b"").decode(errors="replace").splitlines(keepends=True)

    # --- frames ------------------------------------------------------------------------------------------------------

    def frame(self, state: FrameState) -> FrameState:
        """A frame, in the new text.

        Raises:
            HeresyError: it has no place there.
        """
        scope = self.old.scope_named(state.scope)
        if scope is None:
            return state
        key = self.key(state.scope)
        if isinstance(scope.node, (*COMPREHENSIONS, ast.Lambda)):
            owner = self.old.statement_of(scope.node)
            assert owner is not None
            self.statement(owner, HEADER)
            return self._with_names(state, key)
        old = self.old.statement_at(scope.node, state.place)
        assert old is not None
        if state.site is None and not state.comprehensions:
            new = self._start(old)
        else:
            new = self.statement(old, WHOLE if state.site and state.site[0] in (EXIT, CATCH) else HEADER)
        self._compare_blocks(old, enclosing(self.old, old), self._enclosing(old, new), state)
        self.definitions.left_out += [now.tests[-1] for _, now in self._asked_otherwise(old, new)]
        return self._placed(state, key, new)

    def frame_at(self, state: FrameState, line: int) -> FrameState | None:
        """The same frame at the start of the statement in a line of the new text; None if that is not in its scope.

        Raises:
            HeresyError: what is around it there is not what the frame is in.
        """
        scope = self.new.scope_named(self.key(state.scope))
        found = [statement for statement in self.statements if statement.lineno == line]
        if scope is None or not found or self.new.scope_of(found[0]) is not scope.node:
            return None
        was = self.old.scope_named(state.scope)
        old = self.old.statement_at(was.node, state.place) if was is not None else None
        assert old is not None
        if state.restart and state.site and state.site[0] == FOR and self._is_still(old, found[0]):
            return self.frame(state)  # the loop goes on with its next item
        around, now = enclosing(self.old, old), self._enclosing(old, found[0])
        while len(around) > len(now) and around[-1].kind == "handler" and self._is_handled_by(around[-1].node, found[0]):
            del around[-1]  # what has failed is tried once more
        kept = state.blocks[: len(around)]
        self._compare_blocks(old, around, now, state._replace(blocks=kept))
        state = state._replace(
            site=None, restart=False, blocks=kept, instance=[], operands=[], closing=False, generated=[],
            comprehensions=[], waiting=[],
        )  # fmt: skip
        return self._placed(state, scope.key, found[0])

    def _is_still(self, old: ast.stmt, new: ast.stmt) -> bool:
        """Whether a compound statement of before is another one of now, with the same header."""
        try:
            return self.statement(old, HEADER) is new
        except HeresyError:
            return False

    def _placed(self, state: FrameState, key: ScopeKey, new: ast.stmt) -> FrameState:
        place = place_of(new)
        assert place is not None
        if isinstance(self.new.scope_of(new), ast.Module):
            root: ast.AST = new
            while root not in self.statements:  # an `elif`
                root = self.new.parents[root]
            self.reached = self.statements.index(root)
        return self._with_names(state, key)._replace(place=place, line=new.lineno)

    def _enclosing(self, old: ast.stmt, new: ast.stmt) -> list[Block]:
        try:
            return enclosing(self.new, new)
        except NotContinuable as reason:
            raise self.refused(old, f"it is {reason} now") from None

    def _is_handled_by(self, handler: ast.AST, new: ast.stmt) -> bool:
        """Whether a statement of now is the ``try`` of a handler of before, or stands in what that tries."""
        tried = self.old.parents[handler]
        assert isinstance(tried, ast.stmt)
        found, child = self.statement(tried, EDITED), new
        while child is not None and child is not found and self.new.parents.get(child) is not found:
            child = self.new.parents.get(child)  # type: ignore[assignment]
        return child is found or child in getattr(found, "body", [])

    def _compare_blocks(self, old: ast.stmt, was: list[Block], now: list[Block], state: FrameState) -> None:
        if [block.kind for block in was] != [block.kind for block in now]:
            raise self.refused(old, "the loops, `with` or `try` around it have changed")
        for then, (kind, _), new in zip(was, state.blocks, now):
            statement = then.node if isinstance(then.node, ast.stmt) else self.old.parents[then.node]
            assert isinstance(statement, ast.stmt)
            same = WHOLE if kind == "left" else EDITED if isinstance(statement, (ast.Try, ast.TryStar)) else HEADER
            around = new.node if isinstance(new.node, ast.stmt) else self.new.parents[new.node]
            if self.statement(statement, same) is not around:
                raise self.refused(old, f"the `{_shown(statement)}` around it is another one")

    def _with_names(self, state: FrameState, key: ScopeKey) -> FrameState:
        """A frame of a scope with the variables that this has now: what is shared by functions is in a cell."""
        code = self.new.index.code(key)
        assert code is not None
        then, state = self.old.index.code(state.scope), state._replace(scope=key)
        if code.co_name == "<module>":
            return state
        scope = self.new.scope_named(key)
        held = {**state.variables, **{name: _content(cell) for name, cell in state.cells.items()}}
        if scope is not None and then is not None:
            held = {**_new_parameters(scope.node, then), **held}
        for name in stored_globals(code).intersection(held):
            if held[name] is not _EMPTY:
                raise self.cannot_continue(
                    f"`{name}` of {code.co_qualname} is a global variable now",
                    why="it was its own when the function was stopped, and has a value",
                    help="take `global` back, or start over with `--fresh`; nothing is lost",
                )  # fmt: skip
        shared = {*code.co_cellvars, *code.co_freevars}
        cells = {name: cell for name, cell in state.cells.items() if name in shared}
        for name in code.co_freevars:
            if name not in cells:
                cells[name] = self.definitions.new_cell(code, name)
        for name in code.co_cellvars:
            if name not in cells and name in held:
                cells[name] = types.CellType(held[name])
            elif name not in cells:
                cells[name] = types.CellType()
        plain = {
            name: value for name, value in held.items()
            if name in code.co_varnames and name not in cells and value is not _EMPTY
        }  # fmt: skip
        return state._replace(variables=plain, cells=cells)


def _new_parameters(node: ast.AST, then: types.CodeType) -> dict[str, Any]:
    """The parameters that a function has now and had not when it was called, with their defaults: constants."""
    if not isinstance(node, (*FUNCTIONS, ast.Lambda)):
        return {}
    args: ast.arguments = node.args  # type: ignore[assignment]
    positional = [*args.posonlyargs, *args.args]
    pairs = [*zip(positional[len(positional) - len(args.defaults) :], args.defaults), *zip(args.kwonlyargs, args.kw_defaults)]
    return {
        each.arg: ast.literal_eval(default) for each, default in pairs
        if default is not None and each.arg not in then.co_varnames and is_literal(default)
    }  # fmt: skip


_EMPTY: Any = object()


def _content(cell: types.CellType | None) -> Any:
    if cell is None:
        return None  # of a frame's shape
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _shown(node: ast.AST) -> str:
    return type(node).__name__.lower()
