"""Holes: what stands in a resume form for the site at which a frame waits.

A hole runs the next frame and makes of its result what the interpreter would make of it::

    total(xs)          HOLE                       an explicit call, an attribute, an operator: the result itself
    Point(1, 2)        (…, instance)[1]           the instance, once its `__init__` has returned
    a + b              RESULT.settled(HOLE)()     the result, or what is tried next if it is NotImplemented
    with lock:         RESULT.stands_in(HOLE)     an object whose special method gives the result, so that the interpreter's
                                                  own C code does with it what it always does, checks included

No frame of ours stands between the frame that is continued and the next, and none raises an error: tracebacks are right.
"""

from __future__ import annotations

import collections
import functools
import operator
import types
from collections.abc import Callable

from . import _operators
from . import _tree as ast
from ._awaitables import is_awaitable
from ._form import RESULT
from ._result import PlainResult
from ._sites import (
    CALL,
    CLOSE,
    COLLECT,
    COMPARE,
    CONSUME,
    DECORATE,
    DELEGATE,
    DELETE,
    FOR,
    NEXT,
    OPERATE,
    READ,
    SEND,
    WRITE,
    YIELD,
    Site,
)
from ._typing_names import Any
from ._values import bound_special, static_attribute


class Result(PlainResult):
    """What becomes of a result at any site. Its methods give back something that is called or used at once."""

    def __init__(self, site: Site | None) -> None:
        super().__init__()
        self._site = site
        self._step = 0
        self._left = 0
        self._is_settled = False
        #: In a list, what a `filter` has asked its function about.
        self.item: list[Any] = []

    def fill(self, instance: list[Any], operands: list[Any]) -> None:
        """Puts in what the frame has kept for it."""
        self.instance[:] = instance
        if self._site is not None and self._site.kind in (NEXT, CLOSE, CONSUME, COLLECT):
            end = _BEFORE_ITEM.get(self._site.kind)
            self.asks, self.default = id(operands[0]), operands[1:end]
            self.item = operands[end:] if end is not None else []
            if type(operands[0]) in (types.GeneratorType, types.CoroutineType) or is_awaitable(operands[0]):
                operands = []  # it is not to live longer than it takes to ask it
        if self._site is not None and self._site.kind in (FOR, SEND, YIELD, DELEGATE):
            operands = []  # they lie on the value stack
        self.operands = operands
        self._left = _MOST_STEPS
        self._step = operands[2] if self._site is not None and _has_steps(self._site) else 0
        self._is_settled = False

    @property
    def driven(self) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
        """The iterator that was asked before the frame was filled, what asks it, and what a `filter` has asked about."""
        return self.operands[0], tuple(self.default), tuple(self.item)

    def stands_in(self, result: Any) -> Any:
        """An object whose special method gives ``result``."""
        name, *others = self.operands
        self.operands = []
        # What is found on the class must not be bound once more: a builtin's method and a bound method are not.
        namespace: dict[str, Any] = {name: [result].pop}
        if name in ("__contains__", "__format__"):
            namespace[name] = collections.defaultdict([result].pop).__getitem__
        if name == "__enter__":
            namespace["__exit__"] = bound_special(others[0], "__exit__")
        return type("stands_in", (), namespace)()

    def settled(self, result: Any) -> Callable[[], Any]:
        """Gives the value of an operator, or tries what comes after a method that has declined."""
        left, right, _ = self.operands
        self._left -= 1
        if not self._left:
            self.operands = []
        op, in_place = operator_of(self._site)  # type: ignore[arg-type]
        steps = _operators.steps(op, in_place, left, right)
        if not self._is_settled and result is NotImplemented:
            self._step += 1
            if self._step < len(steps):
                step = steps[self._step]
                return functools.partial(step.function, step.owner, step.other)
            self._is_settled = True
            return _operators.after_all(op, in_place, left, right)
        if not self._is_settled:
            self._is_settled = True
            if steps[self._step].is_negated:
                return functools.partial(operator.not_, result)
        return [result].pop

    def made(self, instance: Any) -> bool:
        """Keeps what ``__new__`` has made; tells whether its ``__init__`` is to be called."""
        self.instance.append(instance)
        bases = type.__dict__["__mro__"].__get__(type(instance))
        return self.operands[0] in bases and static_attribute(type(instance), "__init__") is not object.__init__

    def whole(self) -> Callable[[], Any]:
        """Gives what was to be made of all items, which are there now."""
        function, made, keywords = self.default
        self.default = []
        is_made = function in (list, set, dict) and not keywords
        return [made].pop if is_made else functools.partial(function, made, **keywords)

    def initializer(self) -> Callable[..., Any]:
        return bound_special(self.instance[-1], "__init__")


#: So many operands come before what a `filter` has asked its function about.
_BEFORE_ITEM = {CONSUME: 2, COLLECT: 4}


def is_plain(site: Site | None) -> bool:
    """Whether a `PlainResult` will do at a site."""
    return site is None or site.kind in (CALL, DECORATE, READ, WRITE, DELETE) and not site.awaits


def _has_steps(site: Site) -> bool:
    return site.kind == COMPARE or site.kind == OPERATE and not isinstance(site.node, ast.UnaryOp)


def operator_of(site: Site) -> tuple[ast.AST, bool]:
    """The operator at a site, and whether it works in place."""
    if isinstance(site.node, ast.Compare):
        return site.node.ops[0], False
    return site.node.op, isinstance(site.node, ast.AugAssign)


#: A method in place, the left operand's and the right one's.
_MOST_STEPS = 3


def hole(site: Site, take: ast.expr, instance: list[Any]) -> ast.expr:
    """What stands for a site's node.

    Args:
        take: gives the callable of the next frame.
        instance: the object under construction, if the next frame is its ``__init__``.
    """
    result: ast.expr = ast.Call(take, [], [])
    if instance:
        # (RESULT.returned((HOLE,)), RESULT.instance.pop())[1]
        return _last(_returned(result), ast.Call(ast.Attribute(_of_result("instance"), "pop", ast.Load()), [], []))
    match site.kind:
        case "enter" | "iterate" | "test":
            return _call("stands_in", result)
        case "contain":
            assert isinstance(site.node, ast.Compare)
            return ast.Compare(ast.Constant(None), site.node.ops, [_call("stands_in", result)])
        case "format":
            # What gives the format has been evaluated, but for the sake of a conversion.
            spec = site.node.format_spec if site.node.conversion != -1 else None
            return ast.FormattedValue(_call("stands_in", result), site.node.conversion, spec)
        case "collect":
            # (HOLE, RESULT.whole(…))[1]
            return _last(result, ast.Call(_call("whole"), [], []))
        case "new":
            # (RESULT.made(HOLE) and RESULT.returned((RESULT.initializer()(…),)), RESULT.instance.pop())[1]
            begun = _called_with(_call("initializer"))
            done = ast.BoolOp(ast.And(), [_call("made", result), _returned(begun)])
            return _last(done, ast.Call(ast.Attribute(_of_result("instance"), "pop", ast.Load()), [], []))
    if _has_steps(site):
        # One method may decline in favour of the next; what is settled already stays so.
        for _ in range(_MOST_STEPS):
            result = ast.Call(_call("settled", result), [], [])
    return result


def restarted() -> ast.expr:
    """A call that is made again."""
    return _called_with(_operand(0))


def _called_with(function: ast.expr) -> ast.expr:
    """A call with the arguments that the frame has kept."""
    return ast.Call(function, [ast.Starred(_operand(1), ast.Load())], [ast.keyword(None, _operand(2))])


def _operand(index: int) -> ast.expr:
    return ast.Subscript(_of_result("operands"), ast.Constant(index), ast.Load())


def _of_result(name: str) -> ast.expr:
    return ast.Attribute(ast.Constant(RESULT), name, ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_of_result(name), list(arguments), [])


def _returned(result: ast.expr) -> ast.expr:
    return _call("returned", ast.Tuple([result], ast.Load()))


def _last(*parts: ast.expr) -> ast.expr:
    """Evaluates all, and gives the value of the last."""
    return ast.Subscript(ast.Tuple(list(parts), ast.Load()), ast.Constant(len(parts) - 1), ast.Load())
