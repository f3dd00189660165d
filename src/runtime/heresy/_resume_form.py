"""The resume form: what a scope compiles to when a saved frame of it is continued.

The scope keeps its body. In front stands a *goto* that gives the frame its variables and the value stack of the
enclosing blocks, and jumps to a label; at the label, the half-done statement has a branch that does the rest::

    def scale(items):                          def scale(items):
        for item in items:                         items, item = VALUES.pop()
            out(f(item) + 1)         ->            goto .here(STACK.pop())            # the iterator
                                                   for item in items:
    (stopped inside f)                                 if PENDING.on:
                                                           label .here
                                                           WAITING.pop()(PENDING.take()() + 1)
                                                       else:
                                                           out(f(item) + 1)

``PENDING.take()()`` calls the resume form of the next frame: its caller's frame is this one, as it was, so tracebacks,
recursion and ``try`` blocks are right. The words in capitals are constants of the code object, so nothing of ours is
found in any namespace.

A frame that drives a generator does so again: in a call, by ``PENDING.take()()``; in the header of a ``for``, by a label
and a ``continue`` at the head of its body; in a ``yield from``, by ``yield from OPERANDS.pop()``. A suspended generator is
run up to the yield it was suspended at: ``x = yield f(y)`` becomes ``x = yield``.
"""

from __future__ import annotations

import functools
import operator
import types
from collections.abc import Callable

from . import _bytecode, _constants, _cpython, _goto, _run_form
from . import _tree as ast
from ._begun import begun
from ._blocks import SLOTS, WITHS, Block, enclosing, way_named
from ._bound_names import bound_names
from ._code_index import walk_code, with_own_code
from ._comprehensions import Level, owner_in
from ._continued import Continued, covered_by
from ._errors import InternalError
from ._expressions import Comprehension, as_function, keeps_slots, loops_of
from ._factory import FUNCTION, enclosed, parameters_alone
from ._form import PUSHED, VALUES, Form, Running, on_stack
from ._frame_state import FrameState
from ._generated import rebuilt
from ._holes import Result, hole, is_plain, restarted
from ._nodes import as_part, at, copied, duplicate, pending, place, pop, standing_for
from ._pads import with_pads
from ._program import COMPREHENSIONS, FUNCTIONS, Hole, Program, mangled, number_nodes
from ._residual import residual
from ._sites import (
    COMPREHEND,
    EXIT,
    FOR,
    RETURN,
    Site,
    entered_items,
    node_named,
    opened,
    site_named,
)  # fmt: skip
from ._stand_ins import DELEGATIONS, awaitable, delegation, lambda_as_function, next_item, put_back, without_preamble
from ._typing_names import Any
from ._unwinding import ASKED
from ._ways import Way

# No file has as many lines: instructions at these lines are ours.
GOTO_LINE = 900_000_001
LABEL_LINE = 900_000_002


class ResumeForm(Form):
    """A saved frame, compiled from the syntax of its program.

    What is compiled depends on the *shape* of the frame only: its place, and which variables and blocks it has. `fill`
    gives it the values, which are used up when it runs.

    Args:
        runs: a form of this very shape that is running: only its scope is to be made known.
        edited: the text is another than that which the frame was stopped in.

    Attributes:
        unbound: its code, with placeholders in the place of the objects that are its own.
    """

    def __init__(
        self, program: Program, state: FrameState, runs: Running | None = None, *, edited: bool = False
    ) -> None:
        super().__init__(state, Result(None))
        self.program = program
        self.edited = edited
        self.unbound: types.CodeType
        run_code = program.index.code(state.scope)
        scope = program.scope_named(state.scope)
        if run_code is None or scope is None:
            raise InternalError(f"the scope {state.scope[0]} is not in the program")
        self.run_code = run_code
        self.node = scope.node
        self.is_module = isinstance(self.node, ast.Module)
        self.statement: ast.stmt
        self.site: Site | None = None
        self.ways: dict[ast.stmt, Way] = {}
        #: For what is left by a ``return``, in a list, the value.
        self.returning: dict[ast.stmt, list[Any]] = {}
        self.blocks: list[Block] = []
        if isinstance(self.node, COMPREHENSIONS):
            self._find_part()
        else:
            self._find_statement()
        is_asked_again = self.site is None or not self.site.awaits
        self.inside = Continued(scope, self._levels(), LABEL_LINE, self.waiting, is_asked_again=is_asked_again)
        self.result = runs.result if runs is not None else Result(self.site)
        self.code = self._compile(runs)
        self.starts_on = self.pending.on

    def _find_part(self) -> None:
        """A comprehension with a frame of its own is in a part of it, or suspended."""
        self.owner = owner_in(self.program, self.node, self.state.place)
        if self.state.comprehensions and self.state.site is not None:
            self.site = site_named(self.owner, self.state.site)

    def _levels(self) -> list[Level]:
        found: list[Level] = []
        inner = self.site.node if self.site is not None else self.node
        for progress in reversed(self.state.comprehensions):
            node = node_named(self.owner, progress.name)
            found.append(Level(node, progress.part, inner))
            inner = node
        return found[::-1]

    def _find_statement(self) -> None:
        state = self.state
        statement = self.program.statement_at(self.node, state.place)
        if statement is None:
            raise InternalError(f"{state.scope[0]} has no label {state.place[0]}")
        self.statement = self.owner = statement
        self.site = site_named(statement, state.site) if state.site is not None else None
        self.blocks = self._blocks()
        for block, (kind, value) in zip(self.blocks, state.blocks, strict=True):
            if isinstance(block.node, ast.stmt) and kind in ("finally", "left", "exit"):
                self.ways[block.node] = way_named(block.node, value[0]) if kind == "left" else block.node
                if kind == "left" and value[1:]:
                    self.returning[block.node] = []
        if self.site is not None and self.site.is_end:
            way = self.ways[statement] if self.is_exit else None
            # Once the exit has been called, nothing is left to do for its exception.
            self.site, self.ways[statement] = self.site._replace(way=way), way

    def fill(self, state: FrameState) -> None:
        """Puts the values of a frame of this shape in."""
        super().fill(state)
        self.inside.fill(state.comprehensions, state.waiting)
        of_each = zip(self.inside.levels, state.comprehensions)
        self.scope.waiting = {level.node: progress.operands for level, progress in of_each}
        if self.inside.inlined and not self.inside.has_own:
            self.scope.waiting[self.statement] = state.waiting
        for block, (kind, value) in zip(self.blocks, state.blocks):
            if kind == "left" and value[1:]:
                self.returning[block.node][:] = value[1:]  # type: ignore[index]

    def enters(self, function: Callable[[], Any] | None) -> None:
        super().enters(function)
        state, kind = self.state, self.site.kind if self.site is not None else ""

        def asked(iterator: Any, *item: Any) -> Any:
            """It gives what the next frame does first, if that is not the frame of a generator."""
            return iterator if function is None else begun(function, iterator, *item)

        match kind:
            case "for":
                self.pending.callable = None
                # Asked by the loop's own header: first the half-done call, then the iterator as ever.
                if function is not None:
                    self.stack[0] = asked(self.stack[0], *state.operands[1:])
            case "send":
                assert self.site is not None
                self.pending.callable = None
                iterator = asked(state.operands[0])
                if self.site.is_beginning:
                    self.stack[1] = iterator
                else:
                    is_await = self.site.awaits or isinstance(self.site.node, ast.Await)
                    self.operands[0] = awaitable(iterator) if is_await else iterator
            case "next":
                iterator, *default = state.operands
                if function is not None and default:
                    iterator = map(operator.call, (function,))
                if function is None and type(iterator) is types.CoroutineType:
                    function = functools.partial(iterator.send, None)
                elif default or function is None:
                    function = functools.partial(next, iterator, *default)
                self.pending.callable = function
            case "consume":
                iterator, consumer, *item = state.operands
                self.pending.callable = functools.partial(consumer, asked(iterator, *item))
            case "collect":
                iterator, _, made, _, *item = state.operands
                more = made.extend if type(made) is list else made.update
                self.pending.callable = functools.partial(more, asked(iterator, *item))
            case "close":
                self.pending.callable = state.operands[0].close
            case _ if state.generated and function is not None:
                self.pending.callable = rebuilt(state.generated[0], function)

    def _blocks(self) -> list[Block]:
        """The blocks that the saved values belong to."""
        blocks = enclosing(self.program, self.statement)
        blocks += opened(self.site, self.statement)
        if self.site is not None and self.site.is_end:
            blocks.append(Block("exit", self.statement))
        return blocks

    @property
    def is_exit(self) -> bool:
        """Whether it is at the end of a ``with`` that is not left by an exception."""
        return self.site is not None and EXIT in (self.site.kind, self.site.awaits)

    @property
    def is_plain(self) -> bool:
        """Whether a `Form` with its code does the same."""
        return is_plain(self.site) and not (self.inside.levels or self.returning or isinstance(self.node, COMPREHENSIONS))

    def _pushed(self) -> list[Any]:
        return [on_stack(kind, value) for attribute, kind, value in self._pushes() if attribute != _goto.ONLY_NULL]

    def _pushes(self) -> list[tuple[str, str, Any]]:
        """What the goto pushes, in order: the attribute that it is written with (see `_goto`), the kind of block, the value."""
        held = {} if self.is_module else {**self.state.variables, **self.state.cells}
        pushed = [(_goto.OF_BLOCKS[kind], kind, value) for kind, value in self._of_blocks()]
        pushed += [(how, "", value) for how, value in self.inside.pushes(held, self.state.comprehensions)]
        if self.site is not None and self.site.is_beginning:
            # What is awaited, and what is passed on to it.
            pushed += [(_goto.DELEGATED, "", next(iter(self.state.operands), None)), ("", "", None)]
        return pushed

    def _of_blocks(self) -> list[tuple[str, Any]]:
        """The blocks that keep something on the stack, and what."""
        blocks = self.state.blocks
        if isinstance(self.node, COMPREHENSIONS) and blocks:
            # Suspended within all of its loops. The function loops where a comprehension only assigns.
            kept = iter(blocks)
            loops = loops_of(self.node)
            blocks = [next(kept) if keeps_slots(self.node, loop) else ("for", iter(())) for loop in loops]
        return [(kind, value) for kind, value in blocks if kind in PUSHED]

    # --- the tree ------------------------------------------------------------------------------------------------

    def _compile(self, runs: Running | None) -> types.CodeType:
        pushes = [attribute for attribute, *_ in self._pushes()]
        body = self._spliced()
        returning = {_returning(index): values for index, values in enumerate(self.returning.values())}
        goto = _goto.statement(pushes, GOTO_LINE)
        depth = sum(map(_goto.slots, pushes))
        if self.is_module:
            assert isinstance(body, ast.Module)
            body.body = [put_back(GOTO_LINE), goto, *without_preamble(body.body)]
            tree = body
        else:
            tree = self._factory(body, goto)
        if self.is_module:
            with self.program.bodies:
                numbers, twin, code = self._compiled(tree, depth, runs)
        else:
            numbers, twin, code = self._compiled(tree, depth, runs)
        if code is not None:
            self.unbound = code if self.program.unit.library else with_pads(code)
            table = {**self.table, **self.inside.table, **returning, **_constants.of_pads(ASKED)}
            code = _constants.bind_constants(self.unbound, table)
        else:
            assert runs is not None
            code, self.pending = runs.code, runs.pending
        scope = self.program.add(self.state.scope, code, twin, numbers)
        assert scope is not None
        scope.is_pending, scope.entered_at, scope.ways = self.pending.waits, self.entered_at, self.ways
        scope.result, scope.returning = self.result, self.returning
        self.scope = scope
        if self.site is not None and not isinstance(self.node, COMPREHENSIONS):
            scope.rest = self.entered_at, self.statement
            begun = sum(SLOTS[block.kind] for block in opened(self.site, self.statement))
            scope.rest_depth = sum(_goto.slots(_goto.OF_BLOCKS[kind]) for kind, _ in self._of_blocks()) - begun
        if any(covered_by(scope, level.node) != self.inside.covers[level.node] for level in self.inside.inlined):
            raise InternalError(f"the variables of {self.run_code.co_qualname} lie in another order")
        return code

    def _compiled(
        self, tree: ast.Module, depth: int, runs: Running | None
    ) -> tuple[dict[int, ast.AST], types.CodeType, types.CodeType | None]:
        """The nodes by their numbers, the code with numbers for columns, and the code, if there is none yet."""
        numbers, restore = number_nodes(tree)
        twin = self._finished(self._extract(tree), depth)
        restore()
        if runs is not None:
            return numbers, twin, None
        return numbers, twin, with_own_code(self._finished(self._extract(tree), depth), self.run_code)

    def _extract(self, tree: ast.Module) -> types.CodeType:
        code = _run_form.compile_tree(tree, self.program.filename, self.program.flags)
        if self.is_module:
            return code
        return next(c for c in walk_code(code) if c.co_name == FUNCTION)

    def _finished(self, code: types.CodeType, depth: int) -> types.CodeType:
        depths = _bytecode.stack_depths(code)
        labels = _cpython.offsets_of_line(code, LABEL_LINE)
        if self.site is not None and self.site.is_beginning:
            # Its code goes on where it waits, next to the label.
            waits = [at for at in _cpython.waits(code, self.site.kind) if depths.get(at) == depth]
            after = [at for at in waits if at > labels[-1]][:1]
            targets = after if not self.inside.levels else [at for at in waits if at < labels[-1]][-1:]
        else:
            # A label is an instruction that does nothing; an expression is jumped to at its first.
            after = 0 if self.inside.levels else 2
            targets = [offset + after for offset in labels if depths.get(offset) == depth]
        if not targets:
            raise InternalError(f"no label in {self.run_code.co_qualname} has {depth} values on the stack")
        self.entered_at = targets[0]
        code = _goto.patch(code, self.entered_at)
        return code.replace(co_name=self.run_code.co_name, co_qualname=self.run_code.co_qualname)

    def _spliced(self) -> ast.AST:
        """The scope with the half-done statement replaced; nodes off the way to it are shared with the program."""
        if isinstance(self.node, COMPREHENSIONS):
            return self._spliced_expression(self.node)
        node: ast.AST = self.statement
        replacement: list[ast.stmt] = self._half_done()
        while node is not self.node:
            parent = self.program.parents[node]
            if isinstance(parent, ast.stmt) and node in getattr(parent, "finalbody", []):
                rest = parent.finalbody[parent.finalbody.index(node) + 1 :]  # type: ignore[attr-defined]
                replacement = self._left(parent, [*replacement, *rest])
            elif isinstance(parent, ast.Lambda):
                replacement = [lambda_as_function(parent, FUNCTION, replacement)]
            else:
                fresh = copied(parent)
                for name, value in ast.iter_fields(parent):
                    if isinstance(value, list) and any(item is node for item in value):
                        index = next(i for i, item in enumerate(value) if item is node)
                        setattr(fresh, name, [*value[:index], *replacement, *value[index + 1 :]])
                replacement = [fresh]  # type: ignore[list-item]
            node = parent
        return replacement[0]

    def _spliced_expression(self, node: Comprehension) -> ast.stmt:
        test = pending("on", node)
        if self.site is None:
            label = at(ast.Pass(), node)
            place(label, LABEL_LINE)
            return as_function(node, self.run_code, FUNCTION, [label], test)
        _, _, continued = self.inside.inside(self._hole(self.site))
        return as_function(continued, self.run_code, FUNCTION, [], test)

    def _left(self, left: ast.stmt, rest: list[ast.stmt]) -> list[ast.stmt]:
        """The rest of a ``finally``, and then on as it was being left::

        if PENDING.on:  REST; break              if PENDING.on:
        else:           try: …          or           try:     PENDING.on
                                                     except:  REST; raise
                                                 else:        try: …
        """
        way = self.ways[left]
        if way is left:
            rest = [self._handling(left, [*rest, ast.copy_location(ast.Raise(), left)])]
        elif way is not None:
            rest = [*rest, self._by(left, way)]
        return [ast.copy_location(ast.If(pending("on", left), [*self._unbound(left), *rest], [left]), left)]

    def _by(self, left: ast.stmt, way: ast.stmt) -> ast.stmt:
        """The statement that something is being left by; what is returned was computed before."""
        if left not in self.returning:
            return way
        again = copied(way)
        # A site that nothing runs at: else a stop took it for the start of the statement, which would compute the value anew.
        value = pop(_returning(list(self.returning).index(left)))
        again.value = self._stands_for(Site(RETURN, way), value, way)
        return again

    def _unbound(self, where: ast.stmt) -> list[ast.stmt]:
        """What stands before a label where statements were left out that may have deleted variables.

        The compiler leaves out the test whether a variable is bound where it has seen that it is. This is never run, and
        shows it that the variables which are unbound in the saved frame may be.
        """
        held = {*self.state.variables, *self.state.cells}
        mine = {name: self._mangled(name) for name in sorted(bound_names(self.node))}
        names = [name for name, own in mine.items() if own in self.run_code.co_varnames and own not in held]
        if not names:
            return []
        guard = ast.If(pending("on", where), [ast.Delete([ast.Name(name, ast.Del()) for name in names])], [])
        place(guard, GOTO_LINE)
        return [guard]

    def _handling(self, where: ast.stmt, body: list[ast.stmt]) -> ast.stmt:
        """A handler to jump into, in which the exception is the current one."""
        test = ast.copy_location(ast.Expr(pending("on", where)), where)
        handler = ast.copy_location(ast.ExceptHandler(None, None, body), where)
        return ast.copy_location(ast.Try([test], [handler], [], []), where)

    def _half_done(self) -> list[ast.stmt]:
        statement, site = self.statement, self.site
        label: ast.stmt = ast.Pass()
        place(label, LABEL_LINE)
        # In another text, a variable that is bound on all ways to the label may not be in the frame.
        unbound = self._unbound(statement) if self.edited else []
        if site is None or site.is_beginning and not self.inside.levels:
            return [*unbound, label, statement]
        if site.kind == FOR and not self.inside.levels:
            return [*unbound, next_item(statement, label)]
        if site.is_end:
            return self._exiting(label, site)
        before, hole, _ = self.inside.inside(self._hole(site))
        if before is not None:
            # What is jumped to is in it; a loop that comes here again goes by.
            never = standing_for(self.inside.once(starts_on=False), before)
            label = as_part(before, ast.If(never, [as_part(before, ast.Expr(before))], []))
            site = Site(COMPREHEND, self.inside.levels[0].node)
        rest = residual(self.program, statement, site, hole).tree
        if isinstance(rest, list):
            branch = ast.If(pending("on", statement), [*self._unbound(statement), label, *rest], [statement])
            return [ast.copy_location(branch, statement)]
        self.pending.on = True
        return [*unbound, *self._compound(label, rest)]

    def _exiting(self, label: ast.stmt, site: Site) -> list[ast.stmt]:
        """The end of a ``with``, inside the managers that are still open, and then on as it was being left::

        if PENDING.on:                           if PENDING.on:
            with outer: HOLE; break      or          with outer:
        else: with …                                     try:     PENDING.on
                                                         except:  if not HOLE: raise
                                                 else: with …
        """
        statement = self.statement
        assert isinstance(statement, WITHS)
        hole = self._hole(site)
        unbound = self._unbound(statement)
        if self.is_exit:
            rest: list[ast.stmt] = [*unbound, label, as_part(hole, ast.Expr(hole))]
            if site.way is not None:
                rest.append(self._by(statement, site.way))
        else:
            again = ast.copy_location(ast.Raise(), statement)
            test = as_part(hole, ast.If(as_part(hole, ast.UnaryOp(ast.Not(), hole)), [again], []))
            rest = [*unbound, self._handling(statement, [label, test])]
        items = entered_items(site, statement)
        if items:
            outer = copied(statement)
            outer.items, outer.body = items, rest
            rest = [outer]
        return [ast.copy_location(ast.If(pending("on", statement), rest, [statement]), statement)]

    def _hole(self, site: Site) -> ast.expr:
        """What stands for the site's node: runs the next frame, and makes of its result what the interpreter would."""
        # At the end of a `with` older interpreters are at the whole statement.
        at_statement = site.is_end and not _cpython.WITH_EXITS_AT_ITEM
        node: Any = self.statement if at_statement else site.node
        if site.kind in DELEGATIONS:
            return self._stands_for(site, delegation(site), node)
        if self.state.restart:
            return self._stands_for(site, restarted(), node)
        take = ast.Call(pending("take", node), [], [])
        return self._stands_for(site, hole(site, take, self.state.instance), node)

    def _stands_for(self, site: Site, expression: ast.expr, where: ast.AST) -> ast.expr:
        """Marks all of an expression, so that a later stop knows the site, and takes no instruction for a start."""
        stands = ast.copy_location(Hole(), site.node)
        stands.site = site
        self.program.parents[stands] = site.node
        expression = duplicate(expression)
        for part in ast.walk(expression):
            part.heresy_model = stands  # type: ignore[attr-defined]
            if "lineno" in part._attributes and not hasattr(part, "lineno"):
                ast.copy_location(part, where)
        return expression

    def _compound(self, label: ast.stmt, rest: ast.stmt) -> list[ast.stmt]:
        """A compound statement whose header uses the rest of its expression the first time."""
        statement = self.statement
        match statement, rest:
            case ast.If() | ast.While(), ast.If() | ast.While():
                rest.test = self._first_time(rest.test, statement.test)
            case ast.For() | ast.AsyncFor(), ast.For() | ast.AsyncFor():
                rest.iter = self._first_time(rest.iter, statement.iter)
            case ast.Match(), ast.Match():
                rest.subject = self._first_time(rest.subject, statement.subject)
            case ast.With() | ast.AsyncWith(), ast.With() | ast.AsyncWith():
                done = len(entered_items(self.site, statement))
                item = rest.items[done]
                item.context_expr = self._first_time(item.context_expr, statement.items[done].context_expr)
                if done:
                    inner = copied(rest)
                    inner.items = rest.items[done:]
                    rest.items = rest.items[:done]
                    rest.body = [label, inner]
                    return [rest]
        return [label, rest]

    def _first_time(self, rest: ast.expr, whole: ast.expr) -> ast.expr:
        test: ast.expr = pending("on", whole)
        if self.inside.levels:
            test = standing_for(self.inside.once(), whole)
        elif self.state.restart or self.site is not None and self.site.kind in DELEGATIONS:
            test = at(ast.Call(pending("once", whole), [], []), whole)
        for part in ast.walk(test):
            # What is evaluated first: here the statement starts, when a loop comes here again.
            part.heresy_model = whole  # type: ignore[attr-defined]
        return as_part(whole, ast.IfExp(test, rest, whole))

    def _factory(self, body: ast.AST, goto: ast.stmt) -> ast.Module:
        """The function, which begins with the goto, and what is around it: see `_factory`."""
        function = body
        assert isinstance(function, FUNCTIONS)
        code, state = self.run_code, self.state
        covered = self.inside.covered()
        cells = [name for name in code.co_cellvars if name in state.cells]
        function.name, function.decorator_list, function.returns = FUNCTION, [], None
        if hasattr(function, "type_params"):
            function.type_params = []
        old = function.args
        parameters, function.args = parameters_alone(old, self._class_name())
        self.arguments = len([*old.posonlyargs, *old.args])
        hoisted = [name for name in dict.fromkeys([*state.variables, *cells]) if name not in covered]
        self.hoisted = hoisted
        prologue: list[ast.stmt] = []
        if hoisted:
            names = ast.Tuple([ast.Name(name, ast.Store()) for name in hoisted], ast.Store())
            prologue.append(ast.Assign([names], pop(VALUES)))
        gone = [name for name in parameters if name not in hoisted]
        if gone:
            prologue.append(ast.Delete([ast.Name(name, ast.Del()) for name in gone]))
        if state.closing:
            # It is closed again, and takes no notice.
            ignored = ast.ExceptHandler(None, None, [ast.Pass()])
            prologue.append(ast.Try([ast.Expr(ast.Yield(None))], [ignored], [], []))
        for statement in prologue:
            place(statement, GOTO_LINE)
        function.body = [*prologue, goto, *function.body]
        made = enclosed(function, sorted(code.co_freevars), self._class_name(), self.node.lineno)
        # A method of what a module has imported is called in another way than that of an object (from 3.12 on).
        return ast.Module([*self.program.imports, made], [])

    def _mangled(self, name: str) -> str:
        return mangled(name, self._class_name())

    def _class_name(self) -> str | None:
        return self.program.class_around(self.node)


def filled(form: ResumeForm, state: FrameState) -> ResumeForm:
    """A resume form with the values of a frame."""
    form.fill(state)
    return form


# --- pieces ---------------------------------------------------------------------------------------------------------


def _returning(index: int) -> frozenset[str]:
    """Stands in a tree for what is still to be returned."""
    return frozenset({"heresy.returning", str(index)})
