"""What is left of a half-done statement.

A frame that was inside a call continues *inside that statement*. :func:`residual` gives the statement that does the rest:
the call in progress becomes the *hole*, operands computed before it become reads of their spills, tests that were
passed are dropped, and what comes after stays as it is::

    total += (_h2 := price(item)) * discount(item, rate)      (inside discount)   total += _h2 * HOLE
    if ready() and (_h1 := limit()) < measure(x) < top():     (inside measure)    if _h1 < HOLE < top():

The very same walk decides, when a program is to be stopped, whether it can be continued: an operand that was computed
already, has no spill, and cannot be computed again without running code raises `NotContinuable`.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable

from . import _cpython
from ._errors import NotContinuable
from ._holes import RESULT
from ._operators import in_place_name
from ._program import COMPREHENSIONS, FUNCTIONS, Program, is_first_iterable
from ._sites import DECORATE, DELETE, OPERATE, READ, WRITE, Site
from ._values import Values, is_immutable


def residual(
    program: Program, statement: ast.stmt, site: Site, hole: ast.expr, values: Values | None
) -> list[ast.stmt] | ast.stmt:
    """The statements that finish ``statement`` after what it is doing at ``site``.

    Args:
        hole: what stands for the site's node.
        values: the paused frame, to check what can be computed again; None when that was checked before.

    Returns:
        for a simple statement the list that does the rest once; for a compound statement the statement itself with
        the rest of its header (same suites), of which the header's expression is to be used once.

    Raises:
        NotContinuable: the rest cannot be done exactly.
    """
    path: list[ast.AST] = [site.node]
    while path[-1] is not statement:
        parent = program.parents.get(path[-1])
        if parent is None:
            raise NotContinuable("the call is not part of the statement")
        below = path[-2] if len(path) > 1 else None
        if isinstance(parent, (*COMPREHENSIONS, ast.Lambda)) and not is_first_iterable(parent, path[-1], below):
            raise NotContinuable(f"inside a {type(parent).__name__}")
        path.append(parent)
    rest = Residual(path, hole, values)
    if (
        isinstance(statement, ast.AnnAssign)
        and site.kind == WRITE
        and not isinstance(program.scope_of(statement), FUNCTIONS)
    ):
        raise NotContinuable("an annotation is still to be evaluated")
    if site.kind == DECORATE:
        return rest.decorated(statement)
    if site.kind in (WRITE, DELETE):
        return rest.after_target(statement)
    if site.kind == OPERATE and isinstance(statement, ast.AugAssign) and site.node is statement:
        return rest.store(statement, hole)
    if site.kind == READ and isinstance(statement, ast.AugAssign) and site.node is statement.target:
        return rest.operate(statement)
    return rest.statement(statement)


def restarted(call: ast.Call, values: Values | None) -> ast.expr:
    """A C call made again with the same arguments: what stands for a wait that was abandoned.

    Raises:
        NotContinuable: an argument has no name and cannot be computed again.
    """
    return Residual([call], call, values).restarted(call)


def returned(statement: ast.Return, values: Values | None) -> ast.Return:
    """A ``return`` done again, whose value was computed before.

    Raises:
        NotContinuable: the value has no name and cannot be computed again.
    """
    if statement.value is None:
        return statement
    again = Residual([statement], statement.value, values)
    return again._with(statement, value=again.again(statement.value))  # type: ignore[return-value]


class Residual:
    def __init__(self, path: list[ast.AST], hole: ast.expr, values: Values | None) -> None:
        self.path = set(path)
        self.call = path[0]
        self.hole = hole
        self.values = values

    def statement(self, s: ast.stmt) -> list[ast.stmt] | ast.stmt:
        match s:
            case ast.Assign():
                return self._assign(s)
            case ast.Expr() | ast.Return() | ast.AnnAssign() if s.value in self.path:
                return [self._with(s, value=self.rest(s.value))]
            case ast.AugAssign() if s.value in self.path:
                if not isinstance(s.target, ast.Name):
                    raise NotContinuable("the old value of an augmented target has no name")
                return [self._with(s, value=self.rest(s.value))]
            case ast.AugAssign():
                return [self._with(s, target=self.rest(s.target))]
            case ast.AnnAssign() if s.target in self.path and s.value is not None:
                return [self._with(s, value=self.again(s.value), target=self.rest(s.target))]
            case ast.Raise() if s.exc in self.path:
                return [self._with(s, exc=self.rest(s.exc))]
            case ast.Raise() if s.exc is not None and s.cause is not None:
                return [self._with(s, exc=self.again(s.exc), cause=self.rest(s.cause))]
            case ast.Assert() if s.test in self.path:
                return [self._with(s, test=self.rest(s.test))]
            case ast.Assert() if s.msg is not None:
                return [self._with(s, test=_failed(s.test), msg=self.rest(s.msg))]
            case ast.Delete():
                index = self._index(s.targets)
                return [self._with(s, targets=[self.rest(s.targets[index]), *s.targets[index + 1 :]])]
            case ast.If() | ast.While() if s.test in self.path:
                return self._with(s, test=self.rest(s.test))
            case ast.For() if s.iter in self.path:
                return self._with(s, iter=self.rest(s.iter))
            case ast.With():
                index = self._index(s.items)
                if s.items[index].context_expr in self.path:
                    item = self._with(s.items[index], context_expr=self.rest(s.items[index].context_expr))
                    return self._with(s, items=[*s.items[:index], item, *s.items[index + 1 :]])
            case ast.Match() if s.subject in self.path:
                return self._with(s, subject=self.rest(s.subject))
            case ast.FunctionDef() | ast.AsyncFunctionDef() if s.args in self.path:
                return [self._with(s, decorator_list=self._all_again(s.decorator_list), args=self._defaults(s.args))]
            case ast.ClassDef() if any(base in self.path for base in s.bases):
                return [self._with(s, decorator_list=self._all_again(s.decorator_list), bases=self._sequence(s.bases))]
            case ast.ClassDef() if any(keyword in self.path for keyword in s.keywords):
                again = {"decorator_list": self._all_again(s.decorator_list), "bases": self._all_again(s.bases)}
                return [self._with(s, **again, keywords=self._sequence(s.keywords))]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if any(
                decorator in self.path for decorator in s.decorator_list
            ):
                return [self._with(s, decorator_list=self._sequence(s.decorator_list))]
        raise NotContinuable(f"inside this part of a {type(s).__name__}")

    def _all_again(self, items: list[ast.expr]) -> list[ast.AST]:
        return [self.again(item) for item in items]

    def _defaults(self, arguments: ast.arguments) -> ast.AST:
        """The rest of the default values: first those of positional parameters."""
        if any(default in self.path for default in arguments.defaults):
            return self._with(arguments, defaults=self._sequence(arguments.defaults))
        if not any(default in self.path for default in arguments.kw_defaults):
            raise NotContinuable("inside an annotation")
        defaults = self._all_again(arguments.defaults)
        keywords = self._sequence(default for default in arguments.kw_defaults if default is not None)
        rest = iter(keywords)
        again = [None if default is None else next(rest) for default in arguments.kw_defaults]
        return self._with(arguments, defaults=defaults, kw_defaults=again)

    def decorated(self, s: ast.stmt) -> list[ast.stmt]:
        """A definition once a decorator has given something: the decorators before it, and the name."""
        assert isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        value: ast.expr = self.hole
        for decorator in reversed(s.decorator_list[: self._index(s.decorator_list)]):
            value = ast.copy_location(ast.Call(self.again(decorator), [value], []), decorator)
        name = ast.copy_location(ast.Name(s.name, ast.Store()), s)
        return [ast.copy_location(ast.Assign([name], value), s)]

    def _assign(self, s: ast.Assign) -> list[ast.stmt]:
        if s.value in self.path:
            return [self._with(s, value=self.rest(s.value))]
        index = self._index(s.targets)
        value = self.again(s.value)
        first = self._with(s, targets=[self.rest(s.targets[index])], value=value)
        if index + 1 == len(s.targets):
            return [first]
        return [first, self._with(s, targets=s.targets[index + 1 :], value=value)]

    def after_target(self, s: ast.stmt) -> list[ast.stmt]:
        """What is left once a target has been stored to or deleted."""
        done = ast.copy_location(ast.Expr(self.hole), s)
        if isinstance(s, ast.AugAssign) and self.call is s.target:
            return [done]
        if isinstance(s, ast.AnnAssign) and self.call is s.target:
            return [done]
        if not isinstance(s, (ast.Assign, ast.Delete)) or isinstance(s, ast.Assign) and s.value in self.path:
            raise NotContinuable(f"inside this part of a {type(s).__name__}")
        index = self._index(s.targets)
        target: ast.AST = s.targets[index]
        while target is not self.call:
            if not isinstance(target, (ast.Tuple, ast.List)) or target.elts[-1] not in self.path:
                raise NotContinuable("the other values for a target have no name")
            target = target.elts[-1]
        if index + 1 == len(s.targets):
            return [done]
        if isinstance(s, ast.Assign):
            return [done, self._with(s, targets=s.targets[index + 1 :], value=self.again(s.value))]
        return [done, self._with(s, targets=s.targets[index + 1 :])]

    def store(self, s: ast.AugAssign, value: ast.expr) -> list[ast.stmt]:
        """``T += V`` once the operator has given ``value``."""
        return [ast.copy_location(ast.Assign([self._target_again(s.target)], value), s)]

    def operate(self, s: ast.AugAssign) -> list[ast.stmt]:
        """``T += V`` once the old value of ``T`` has been read."""
        function = ast.Attribute(ast.copy_location(ast.Constant(RESULT), s), in_place_name(s.op), ast.Load())
        return self.store(s, ast.copy_location(ast.Call(ast.copy_location(function, s), [self.hole, s.value], []), s))

    def _target_again(self, target: ast.expr) -> ast.expr:
        """A target whose parts were evaluated before."""
        match target:
            case ast.Attribute():
                return self._with(target, value=self.again(target.value))
            case ast.Subscript():
                return self._with(target, value=self.again(target.value), slice=self.again(target.slice))
        return target

    # --- expressions --------------------------------------------------------------------------------------------

    def rest(self, e: ast.AST | None) -> ast.AST:
        """What is left of an expression that contains the call."""
        if e is self.call:
            return self.hole
        match e:
            case ast.Call():
                return self._call(e)
            case ast.BinOp():
                return self._ordered(e, "left", "right")
            case ast.Compare():
                return self._compare(e)
            case ast.BoolOp(values=values):
                index = self._index(values)
                left = [self.rest(values[index]), *values[index + 1 :]]
                return left[0] if len(left) == 1 else self._with(e, values=left)
            case ast.IfExp():
                if e.test in self.path:
                    return self._with(e, test=self.rest(e.test))
                return self.rest(e.body if e.body in self.path else e.orelse)
            case ast.Subscript():
                return self._ordered(e, "value", "slice")
            case ast.Slice():
                return self._ordered(e, "lower", "upper", "step")
            case ast.Attribute() | ast.Starred() | ast.Await() | ast.Yield() | ast.YieldFrom():
                return self._with(e, value=self.rest(e.value))
            case ast.NamedExpr():
                return self._with(e, value=self.rest(e.value))
            case ast.UnaryOp():
                return self._with(e, operand=self.rest(e.operand))
            case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set():
                return self._with(e, elts=self._sequence(e.elts))
            case ast.Dict():
                return self._dict(e)
            case ast.JoinedStr():
                index = self._index(e.values)
                before = [self._formatted_again(value) for value in e.values[:index]]
                return self._with(e, values=[*before, self.rest(e.values[index]), *e.values[index + 1 :]])
            case ast.FormattedValue():
                if e.value in self.path:
                    return self._with(e, value=self.rest(e.value))
                return self._with(e, value=self.again(e.value), format_spec=self.rest(e.format_spec))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                first = e.generators[0]
                return self._with(e, generators=[self._with(first, iter=self.rest(first.iter)), *e.generators[1:]])
            case ast.keyword():
                return self._with(e, value=self.rest(e.value))
        raise NotContinuable(f"inside a {type(e).__name__}")

    def _call(self, e: ast.Call) -> ast.expr:
        if e.func in self.path:
            return self._with(e, func=self.rest(e.func))
        func = self._callee_again(e.func)
        if any(arg in self.path for arg in e.args):
            return self._with(e, func=func, args=self._sequence(e.args))
        args = [self.again(arg) for arg in e.args]
        return self._with(e, func=func, args=args, keywords=self._sequence(e.keywords))

    def restarted(self, e: ast.Call) -> ast.expr:
        args = [self.again(arg) for arg in e.args]
        return self._with(e, func=self._callee_again(e.func), args=args, keywords=[self.again(k) for k in e.keywords])

    def _compare(self, e: ast.Compare) -> ast.expr:
        if e.left in self.path:
            return self._with(e, left=self.rest(e.left))
        index = self._index(e.comparators)
        waiting = e.left if index == 0 else e.comparators[index - 1]
        comparators = [self.rest(e.comparators[index]), *e.comparators[index + 1 :]]
        return self._with(e, left=self.again(waiting), ops=e.ops[index:], comparators=comparators)

    def _dict(self, e: ast.Dict) -> ast.expr:
        keys: list[ast.AST | None] = []
        values: list[ast.AST] = []
        done = True
        for key, value in zip(e.keys, e.values):
            if not done:
                keys.append(key)
                values.append(value)
            elif key in self.path:
                keys.append(self.rest(key))
                values.append(value)
                done = False
            elif value in self.path:
                keys.append(self.again(key) if key is not None else None)
                values.append(self.rest(value))
                done = False
            elif key is None:
                raise NotContinuable("after ** in a dict display")
            else:
                keys.append(self.again(key))
                values.append(self.again(value))
        return self._with(e, keys=keys, values=values)

    def _ordered(self, e: ast.expr, *fields: str) -> ast.expr:
        """The rest of a node whose ``fields`` are evaluated in this order."""
        changes: dict[str, object] = {}
        for name in fields:
            part = getattr(e, name)
            if part in self.path:
                changes[name] = self.rest(part)
                return self._with(e, **changes)
            if part is not None:
                changes[name] = self.again(part)
        raise NotContinuable(f"inside a {type(e).__name__}")

    def _sequence(self, items: Iterable[ast.AST]) -> list[ast.AST]:
        result: list[ast.AST] = []
        done = True
        for item in items:
            if not done:
                result.append(item)
            elif item in self.path:
                result.append(self.rest(item))
                done = False
            else:
                result.append(self.again(item))
        return result

    # --- what was computed before the call ------------------------------------------------------------------------

    def again(self, e: ast.AST) -> ast.AST:
        """An expression that gives the value that ``e`` had, running no code."""
        match e:
            case ast.Constant() | ast.Name() | ast.Lambda():
                return e
            case ast.NamedExpr(target=ast.Name(id=name)):
                return ast.copy_location(ast.Name(name, ast.Load()), e)
            case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set():
                return self._with(e, elts=[self.again(item) for item in e.elts])
            case ast.Dict() if None not in e.keys:
                keys = [self.again(key) for key in e.keys if key is not None]
                return self._with(e, keys=keys, values=[self.again(value) for value in e.values])
            case ast.Slice():
                parts = {f: self.again(part) for f in ("lower", "upper", "step") if (part := getattr(e, f)) is not None}
                return self._with(e, **parts)
            case ast.keyword(arg=str()):
                return self._with(e, value=self.again(e.value))
            case ast.Starred():
                self._need_immutable(e.value)
                return self._with(e, value=self.again(e.value))
            case ast.UnaryOp() | ast.BinOp() | ast.Compare():
                if self.values is not None:
                    self.values.of(e)
                return self._pure(e)
        raise NotContinuable(f"the value of a {type(e).__name__} has no name")

    def _pure(self, e: ast.AST) -> ast.AST:
        """An arithmetic expression with its spills read."""
        match e:
            case ast.UnaryOp():
                return self._with(e, operand=self._pure(e.operand))
            case ast.BinOp():
                return self._with(e, left=self._pure(e.left), right=self._pure(e.right))
            case ast.Compare():
                return self._with(e, left=self._pure(e.left), comparators=[self._pure(c) for c in e.comparators])
        return self.again(e)

    def _callee_again(self, func: ast.expr) -> ast.AST:
        match func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[], keywords=[])):
                if self.values is not None:
                    self.values.method(func)
                return func
            case ast.Attribute(value=base):
                if self.values is not None:
                    self.values.method(func)
                return self._with(func, value=self.again(base))
        return self.again(func)

    def _formatted_again(self, part: ast.expr) -> ast.AST:
        """A field of an f-string that was formatted before: formatting it again must give the same."""
        if not isinstance(part, ast.FormattedValue):
            return part
        self._need_immutable(part.value)
        spec = part.format_spec
        if isinstance(spec, ast.JoinedStr):
            spec = self._with(spec, values=[self._formatted_again(value) for value in spec.values])
        return self._with(part, value=self.again(part.value), format_spec=spec)

    def _need_immutable(self, e: ast.expr) -> None:
        if self.values is not None and not is_immutable(self.values.of(e)):
            raise NotContinuable("a value that was read may have changed since")

    # --- nodes --------------------------------------------------------------------------------------------------

    def _index(self, items: Iterable[ast.AST]) -> int:
        for index, item in enumerate(items):
            if item in self.path:
                return index
        raise NotContinuable("the call stands in a part that is evaluated at another time")

    def _with(self, node: ast.AST, **changes: object) -> ast.AST:
        """A copy of ``node`` with some fields changed, which stands for ``node``."""
        new = copy.copy(node)
        new.heresy_model = getattr(node, "heresy_model", node)  # type: ignore[attr-defined]
        for name, value in changes.items():
            setattr(new, name, value)
        return new


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
