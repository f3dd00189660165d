"""What is left of a half-done statement.

A frame that was inside a call continues *inside that statement*. :func:`residual` gives the statement that does the rest:
the call in progress becomes the *hole*, operands computed before it are taken one after the other from where they were kept,
tests that were passed are dropped, and what comes after stays as it is::

    total += price(item) * discount(item, rate)      (inside discount)   total = iadd(TAKE, TAKE * HOLE)
    if ready() and limit() < measure(x) < top():     (inside measure)    if TAKE < HOLE < top():

The same walk says what lies on the value stack at that moment, in order (see `_operands`). The rest has the same on its
stack, in the same order, wherever Python has words for that: so it can be stopped in like the statement itself.
"""

from __future__ import annotations

import builtins
import functools
import operator
from collections.abc import Callable

from . import _cpython
from . import _tree as ast
from ._errors import NotContinuable
from ._form import RESULT, WAITING
from ._nodes import pop, standing_for
from ._operands import COPY, FUNCTION, UNPACKED, VALUE, Wanted
from ._operators import IN_PLACE
from ._program import COMPREHENSIONS, FUNCTIONS, Program, is_first_iterable, mangled
from ._rest import RestOfExpressions, made_at
from ._sites import DECORATE, DELETE, OPERATE, READ, WRITE, Site
from ._typing_names import Any, NamedTuple


class Rest(NamedTuple):
    """The rest of a statement.

    Attributes:
        tree: for a simple statement the list that does the rest once; for a compound statement the statement itself with
            the rest of its header (same suites), of which the header's expression is to be used once.
        wanted: what lies on the value stack above what surrounds the statement.
    """

    tree: Any
    wanted: list[Wanted]


def residual(program: Program, statement: ast.stmt, site: Site, hole: ast.expr) -> Rest:
    """What finishes ``statement`` after what it is doing at ``site``, for whose node ``hole`` stands.

    Raises:
        NotContinuable: the rest cannot be done exactly.
    """
    path: list[ast.AST] = [site.node]
    while path[-1] is not statement:
        parent = program.parents.get(path[-1])
        if parent is None:
            raise NotContinuable("the call is not part of the statement")
        below = path[-2] if len(path) > 1 else None
        if isinstance(parent, COMPREHENSIONS) and not is_first_iterable(parent, path[-1], below):
            raise NotContinuable(f"inside a {type(parent).__name__}")
        path.append(parent)
    rest = Residual(path, hole, program.class_around(statement))
    if (
        isinstance(statement, ast.AnnAssign)
        and site.kind == WRITE
        and not isinstance(program.scope_of(statement), FUNCTIONS)
    ):
        raise NotContinuable("an annotation is still to be evaluated")
    if site.kind == DECORATE:
        tree: Any = rest.decorated(statement)
    elif site.kind in (WRITE, DELETE):
        tree = rest.after_target(statement)
    elif site.kind == OPERATE and isinstance(statement, ast.AugAssign) and site.node is statement:
        tree = rest.augmented(statement, lambda: hole)
    elif site.kind == READ and isinstance(statement, ast.AugAssign) and site.node is statement.target:
        tree = rest.augmented(statement, lambda: rest.operated(statement))
    else:
        tree = rest.statement(statement)
    return Rest(tree, rest.wanted)


def of_part(part: list[ast.expr], inner: ast.AST, hole: ast.expr) -> Rest:
    """The rest of expressions that are evaluated in order, for whose node ``inner`` the hole stands: one for each."""
    rest = Residual(_path(part, inner), hole)
    return Rest(rest.each(part), rest.wanted)


def _path(part: list[ast.expr], inner: ast.AST) -> list[ast.AST]:
    """The nodes from ``inner`` up to the expression of the part that it is in."""
    for expression in part:
        found = _down(expression, inner)
        if found:
            return found
    raise NotContinuable("the call is not part of the comprehension")


def _down(node: ast.AST, wanted: ast.AST) -> list[ast.AST]:
    if node is wanted:
        return [node]
    for child in ast.iter_child_nodes(node):
        found = _down(child, wanted)
        if found:
            return [*found, node]
    return []


class Residual(RestOfExpressions):
    """The same walk, from a statement down.

    Args:
        class_name: the class around it, which mangles names.
    """

    def __init__(self, path: list[ast.AST], hole: ast.expr, class_name: str | None = None) -> None:
        super().__init__(path, hole)
        self._class_name = class_name

    # --- statements -------------------------------------------------------------------------------------------------

    def statement(self, s: ast.stmt) -> list[ast.stmt] | ast.stmt:
        match s:
            case ast.Assign():
                return self._assign(s)
            case ast.Expr() | ast.Return() | ast.AnnAssign() if s.value in self.path:
                return [self.copied(s, value=self.rest(s.value))]
            case ast.AugAssign() if s.value in self.path:
                old = functools.partial(self.take, VALUE, s.target)
                return self.augmented(s, lambda: self._operated(s, old, lambda: self.rest(s.value)))
            case ast.AugAssign():
                return [self.copied(s, target=self.rest(s.target))]
            case ast.AnnAssign() if s.target in self.path and s.value is not None:
                return [self.copied(s, value=self.again(s.value), target=self.rest(s.target))]
            case ast.Raise() if s.exc in self.path:
                return [self.copied(s, exc=self.rest(s.exc))]
            case ast.Raise() if s.exc is not None and s.cause is not None:
                return [self.copied(s, exc=self.again(s.exc), cause=self.rest(s.cause))]
            case ast.Assert() if s.test in self.path:
                return [self.copied(s, test=self.rest(s.test))]
            case ast.Assert() if s.msg is not None:
                self.besides(AssertionError)
                return [self.copied(s, test=_failed(s.test), msg=self.rest(s.msg))]
            case ast.Delete():
                return [self.copied(s, targets=self._to_delete(s.targets))]
            case ast.If() | ast.While() if s.test in self.path:
                return self.copied(s, test=self.rest(s.test))
            case ast.For() | ast.AsyncFor() if s.iter in self.path:
                return self.copied(s, iter=self.rest(s.iter))
            case ast.With() | ast.AsyncWith():
                index = self.index(s.items)
                if s.items[index].context_expr in self.path:
                    item = self.copied(s.items[index], context_expr=self.rest(s.items[index].context_expr))
                    return self.copied(s, items=[*s.items[:index], item, *s.items[index + 1 :]])
            case ast.Match() if s.subject in self.path:
                return self.copied(s, subject=self.rest(s.subject))
            case ast.FunctionDef() | ast.AsyncFunctionDef() if s.args in self.path:
                return [self.copied(s, decorator_list=self._all(s.decorator_list), args=self.defaults(s.args))]
            case ast.ClassDef() if any(part in self.path for part in [*s.bases, *s.keywords]):
                return [self._class(s)]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if any(
                decorator in self.path for decorator in s.decorator_list
            ):
                return [self.copied(s, decorator_list=self.each(s.decorator_list))]
        raise NotContinuable(f"inside this part of a {type(s).__name__}")

    def _all(self, items: list[ast.expr]) -> list[ast.AST]:
        return [self.again(item) for item in items]

    def _class(self, s: ast.ClassDef) -> ast.AST:
        if any(isinstance(base, ast.Starred) for base in s.bases) or any(k.arg is None for k in s.keywords):
            raise NotContinuable("the bases of a class are unpacked")
        decorators = self._all(s.decorator_list)
        self.besides(builtins.__build_class__)
        self.wanted.append(Wanted(FUNCTION))
        self.constant_besides(s.name)
        rest = self.each([*s.bases, *s.keywords])
        return self.copied(s, decorator_list=decorators, bases=rest[: len(s.bases)], keywords=rest[len(s.bases) :])

    def decorated(self, s: ast.stmt) -> list[ast.stmt]:
        """A definition once a decorator has given something: the decorators before it, and the name."""
        assert isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        before = s.decorator_list[: self.index(s.decorator_list)]
        value: ast.expr = self.hole
        for decorator, again in reversed([(decorator, self.again(decorator)) for decorator in before]):
            value = ast.copy_location(ast.Call(again, [value], []), decorator)  # type: ignore[arg-type]
        name = ast.copy_location(ast.Name(s.name, ast.Store()), s)
        return [ast.copy_location(ast.Assign([name], value), s)]

    def _assign(self, s: ast.Assign) -> list[ast.stmt]:
        if s.value in self.path:
            return [self.copied(s, value=self.rest(s.value))]
        index = self.index(s.targets)
        target, after = s.targets[index], s.targets[index + 1 :]
        if isinstance(target, (ast.Tuple, ast.List)):
            levels: list[int] = []
            where = len(self.wanted)
            rest = self._unpacked_target(target, levels)
            self.wanted.insert(where, Wanted(UNPACKED, levels))
            if after:
                raise NotContinuable("the value for other targets lies below what was unpacked")
            return [self.copied(s, targets=[rest], value=standing_for(pop(WAITING), s.value))]
        value = self.again(s.value)
        if after:
            self.wanted.append(Wanted(COPY))
        return [self.copied(s, targets=[self.rest(target), *after], value=value)]

    def _unpacked_target(self, target: ast.Tuple | ast.List, levels: list[int]) -> ast.expr:
        """What is left of targets that a value was unpacked for, from the one that is in progress on."""
        index = self.index(target.elts)
        item = _unstarred(target.elts[index])
        after = [_unstarred(other) for other in target.elts[index + 1 :]]
        is_nested = isinstance(item, (ast.Tuple, ast.List))
        levels.append(len(after) + (not is_nested))
        rest = self._unpacked_target(item, levels) if is_nested else self.rest(item)  # type: ignore[arg-type]
        return self.copied(target, elts=[rest, *after])

    def after_target(self, s: ast.stmt) -> list[ast.stmt]:
        """What is left once a target has been stored to or deleted."""
        done = ast.copy_location(ast.Expr(self.hole), s)
        if isinstance(s, (ast.AugAssign, ast.AnnAssign)) and self.node is s.target:
            return [done]
        if not isinstance(s, (ast.Assign, ast.Delete)) or isinstance(s, ast.Assign) and s.value in self.path:
            raise NotContinuable(f"inside this part of a {type(s).__name__}")
        if isinstance(s, ast.Delete):
            left = self._to_delete(s.targets, is_done=True)
            return [done, self.copied(s, targets=left)] if left else [done]
        index = self.index(s.targets)
        after = s.targets[index + 1 :]
        target = s.targets[index]
        if target is not self.node:
            levels: list[int] = []
            left = self._targets_after(target, levels)
            if after:
                raise NotContinuable("the value for other targets lies below what was unpacked")
            if left is None:
                return [done]
            self.wanted.append(Wanted(UNPACKED, levels))
            taken = standing_for(pop(WAITING), s.value)
            return [done, self.copied(s, targets=[left], value=taken)]
        if not after:
            return [done]
        # (TAKE, HOLE)[0]: the value waits on the stack as it did.
        both = made_at(ast.Tuple([self.again(s.value), self.hole], ast.Load()), s.value)
        value = made_at(ast.Subscript(both, made_at(ast.Constant(0), s.value), ast.Load()), s.value)
        return [self.copied(s, targets=after, value=value)]

    def _to_delete(self, targets: list[ast.expr], is_done: bool = False) -> list[ast.expr]:
        """What is left to be deleted, from the target in progress on; or from the next, if that is done."""
        index = self.index(targets)
        target, after = targets[index], targets[index + 1 :]
        if isinstance(target, (ast.Tuple, ast.List)):
            inner = self._to_delete(target.elts, is_done)
            return [self.copied(target, elts=inner), *after] if inner else after
        return after if is_done else [self.rest(target), *after]

    def _targets_after(self, target: ast.expr, levels: list[int]) -> ast.expr | None:
        """The targets after the one that was stored to, nested as they are; None if there are none."""
        if target is self.node:
            return None
        if not isinstance(target, (ast.Tuple, ast.List)):
            raise NotContinuable("a target in a target")
        index = self.index(target.elts)
        after = [_unstarred(other) for other in target.elts[index + 1 :]]
        levels.append(len(after))
        depth = len(levels)
        inner = self._targets_after(_unstarred(target.elts[index]), levels)
        if inner is None:
            del levels[depth:]
            return self.copied(target, elts=after) if after else None
        return self.copied(target, elts=[inner, *after])

    # --- augmented assignment ---------------------------------------------------------------------------------------

    def augmented(self, s: ast.AugAssign, value: Callable[[], ast.expr]) -> list[ast.stmt]:
        """``T += V``, where ``value`` gives what is to be stored; the parts of T wait below it."""
        match s.target:
            case ast.Name():
                return [ast.copy_location(ast.Assign([s.target], value()), s)]
            case ast.Attribute(value=owner, attr=name):
                name = mangled(name, self._class_name)
                self.besides(setattr)
                parts = [self.again(owner), standing_for(ast.Constant(name), s)]
                self.constant_besides(name)
                stored = _call_of("setattr", s, [*parts, value()])
            case ast.Subscript(value=owner, slice=index) if not isinstance(index, ast.Slice):
                self.besides(operator.setitem)
                stored = _call_of("setitem", s, [self.again(owner), self.again(index), value()])
            case _:
                raise NotContinuable("a slice in an augmented assignment")
        return [ast.copy_location(ast.Expr(stored), s)]

    def operated(self, s: ast.AugAssign) -> ast.expr:
        """``T + V``, to be stored in T, where the old value of T has just been read."""
        return self._operated(s, lambda: self.hole, lambda: s.value)

    def _operated(self, s: ast.AugAssign, old: Callable[[], ast.AST], value: Callable[[], ast.AST]) -> ast.expr:
        function = IN_PLACE[type(s.op)]
        self.besides(function)
        return _call_of(function.__name__, s, [old(), value()])


def _unstarred(target: ast.expr) -> ast.expr:
    """A target; what a star takes lies on the stack as a list."""
    return target.value if isinstance(target, ast.Starred) else target


def _call_of(name: str, where: ast.AST, arguments: list[Any]) -> ast.expr:
    """A call of a function of C's, by way of the frame's result: see `_holes`.

    What loads the function counts as part of the statement, which else seemed to start after it.
    """
    function = standing_for(ast.Attribute(standing_for(ast.Constant(RESULT), where), name, ast.Load()), where)
    return ast.copy_location(ast.Call(function, arguments, []), where)


def _failed(test: ast.expr) -> ast.expr:
    """A false test in the place of one, so that the assertion's error comes from where it would."""
    work = [test] if _cpython.ASSERTS_AT_COMPARISON else []
    while work:
        match part := work.pop():
            case ast.Compare():
                zero, one = ast.copy_location(ast.Constant(0), part), ast.copy_location(ast.Constant(1), part)
                return ast.copy_location(ast.Compare(zero, [ast.Eq()], [one]), part)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                work.append(operand)
            case ast.BoolOp(values=values):
                work.extend(values)
            case ast.IfExp(test=first, body=body, orelse=orelse):
                work.extend([first, body, orelse])
    return ast.copy_location(ast.Constant(False), test)
