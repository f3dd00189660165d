"""The rest of an expression in which something is in progress: see `_residual`.

How many operands lie on the value stack, and how many were collected in a list or a dictionary already, is the compiler's
choice; this module makes the same one.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import _cpython
from . import _tree as ast
from ._errors import NotContinuable
from ._form import WAITING
from ._nodes import copied, pop, standing_for
from ._operands import ANEW, CONSTANT, CONSUMER, FUNCTION, INTERPOLATION, METHOD, TEXT, TUPLE, VALUE, Wanted
from ._percent import as_joined
from ._typing_names import Any

#: With more operands than that CPython collects them in a list or a dictionary as they come.
_MOST = 30


class RestOfExpressions:
    """One walk down the path to a half-done node.

    Args:
        path: the nodes from that one up to the whole.
        hole: what stands for it.

    Attributes:
        wanted: what was evaluated before, in order.
    """

    def __init__(self, path: list[ast.AST], hole: ast.expr) -> None:
        self.path = set(path)
        self.node = path[0]
        self.hole = hole
        self.wanted: list[Wanted] = []

    def rest(self, e: ast.AST | None) -> Any:
        """What is left of an expression that contains the node."""
        if e is self.node:
            return self.hole
        match e:
            case ast.Call():
                return self._call(e)
            case ast.BinOp():
                joined = as_joined(e) if e.right in self.path else None
                return self._ordered(e, "left", "right") if joined is None else self._joined(joined, e)
            case ast.Compare():
                return self._compare(e)
            case ast.BoolOp(values=values):
                index = self.index(values)
                left = [self.rest(values[index]), *values[index + 1 :]]
                return left[0] if len(left) == 1 else self.copied(e, values=left)
            case ast.IfExp():
                if e.test in self.path:
                    return self.copied(e, test=self.rest(e.test))
                return self.rest(e.body if e.body in self.path else e.orelse)
            case ast.Subscript():
                return self._ordered(e, "value", "slice")
            case ast.Slice():
                return self._slice(e)
            case ast.Attribute() | ast.Starred() | ast.Await() | ast.Yield() | ast.YieldFrom() | ast.NamedExpr():
                return self.copied(e, value=self.rest(e.value))
            case ast.UnaryOp():
                return self.copied(e, operand=self.rest(e.operand))
            case ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) | ast.Set():
                return self.copied(e, elts=self._display(e))
            case ast.Dict():
                return self._dict(e)
            case ast.JoinedStr():
                return self._joined(e, e)
            case ast.FormattedValue():
                if e.value in self.path:
                    return self.copied(e, value=self.rest(e.value))
                if e.conversion != -1:
                    raise NotContinuable("a value is converted before or after the rest of its format")
                return self.copied(e, value=self.again(e.value), format_spec=self.rest(e.format_spec))
            case ast.TemplateStr():
                return self._template(e)
            case ast.Interpolation():
                if e.value in self.path:
                    return self.copied(e, value=self.rest(e.value))
                value = self.again(e.value)
                self.constant_besides(e.str)
                return self.copied(e, value=value, format_spec=self.rest(e.format_spec))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                if isinstance(e, ast.GeneratorExp) or not _cpython.INLINES_COMPREHENSIONS:
                    # Its function waits while what it goes through is evaluated.
                    self.wanted.append(Wanted(FUNCTION))
                first = e.generators[0]
                return self.copied(e, generators=[self.copied(first, iter=self.rest(first.iter)), *e.generators[1:]])
            case ast.Lambda():
                return self.copied(e, args=self.defaults(e.args))
            case ast.keyword():
                return self.copied(e, value=self.rest(e.value))
        raise NotContinuable(f"inside a {type(e).__name__}")

    def defaults(self, arguments: ast.arguments) -> ast.AST:
        """The rest of the default values: first those of positional parameters."""
        if any(default in self.path for default in arguments.defaults):
            return self.copied(arguments, defaults=self.each(arguments.defaults))
        if not any(default in self.path for default in arguments.kw_defaults):
            raise NotContinuable("inside an annotation")
        defaults: list[ast.AST] = list(arguments.defaults)
        if any(not isinstance(default, ast.Constant) for default in defaults):
            self.wanted.append(Wanted(TUPLE, len(defaults)))
            defaults = [standing_for(pop(WAITING), default) for default in defaults]
        elif defaults:
            self.constant_besides(tuple(default.value for default in defaults))  # type: ignore[attr-defined]
        again: list[ast.AST | None] = []
        done = False
        for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
            if done or default is None:
                again.append(default)
                continue
            self.constant_besides(parameter.arg)
            done = default in self.path
            again.append(self.rest(default) if done else self.again(default))
        return self.copied(arguments, defaults=defaults, kw_defaults=again)

    def _call(self, e: ast.Call) -> ast.expr:
        if e.func in self.path:
            return self.copied(e, func=self.rest(e.func))
        func = self._callable(e)
        unpacks = any(isinstance(arg, ast.Starred) for arg in e.args) or any(k.arg is None for k in e.keywords)
        unpacks = unpacks or len(e.args) + 2 * len(e.keywords) > _MOST
        if any(arg in self.path for arg in e.args):
            if unpacks and len(e.args) > 1:
                return self.copied(e, func=func, args=self._collected(e.args))
            return self.copied(e, func=func, args=self.each(e.args))
        if not unpacks:
            args = [self.again(arg) for arg in e.args]
            return self.copied(e, func=func, args=args, keywords=self.each(e.keywords))
        args = [made_at(ast.Starred(self.take(VALUE, e), ast.Load()), e)]
        return self.copied(e, func=func, args=args, keywords=self._keywords(e))

    def _callable(self, e: ast.Call) -> ast.expr:
        match e:
            case ast.Call(func=ast.Attribute(attr=name)):
                return self.take(METHOD, e.func, name)
            case ast.Call(func=ast.Name(id=name), args=[ast.GeneratorExp()], keywords=[]) if name in _cpython.CONSUMERS:
                return self.take(CONSUMER, e.func, name)
        return self.take(VALUE, e.func)

    def _keywords(self, e: ast.Call) -> list[ast.AST]:
        """The rest of the keywords of a call that unpacks: groups of them are merged into a dictionary."""
        done: list[ast.keyword] = []
        is_merged = False
        for index, keyword in enumerate(e.keywords):
            if keyword.arg is None:
                is_merged = is_merged or bool(done) or keyword in self.path
                done = []
            if keyword in self.path:
                merged = [made_at(ast.keyword(None, self.take(VALUE, e)), e)] if is_merged else []
                after = e.keywords[index + 1 :]
                group = len(done) + next((n for n, k in enumerate([keyword, *after]) if k.arg is None), 1 + len(after))
                if 2 * group > _MOST:
                    raise NotContinuable("many keywords of a call that unpacks")
                again: list[ast.AST] = []
                for other in done:
                    self.constant_besides(other.arg)
                    again.append(self.copied(other, value=self.again(other.value)))
                self.constant_besides(keyword.arg)
                return [*merged, *again, self.rest(keyword), *after]
            if keyword.arg is None:
                is_merged = True
            else:
                done.append(keyword)
        raise NotContinuable("the call stands in a part that is evaluated at another time")

    def _compare(self, e: ast.Compare) -> ast.expr:
        if e.left in self.path:
            return self.copied(e, left=self.rest(e.left))
        index = self.index(e.comparators)
        waiting = e.left if index == 0 else e.comparators[index - 1]
        left = self.again(waiting)
        comparators = [self.rest(e.comparators[index]), *e.comparators[index + 1 :]]
        return self.copied(e, left=left, ops=e.ops[index:], comparators=comparators)

    def _slice(self, e: ast.Slice) -> ast.AST:
        changes: dict[str, object] = {}
        for name in ("lower", "upper", "step"):
            part = getattr(e, name)
            if part in self.path:
                return self.copied(e, **changes, **{name: self.rest(part)})
            if part is None:
                self.constant_besides(None)
            else:
                changes[name] = self.again(part)
        raise NotContinuable("inside a slice")

    def _display(self, e: ast.Tuple | ast.List | ast.Set) -> list[ast.AST]:
        is_collected = len(e.elts) > _MOST or any(isinstance(item, ast.Starred) for item in e.elts)
        if is_collected and isinstance(e, ast.Set):
            raise NotContinuable("a set is being made")
        return self._collected(e.elts) if is_collected else self.each(e.elts)

    def _collected(self, items: list[ast.expr]) -> list[ast.AST]:
        """The rest of items of which some are unpacked, or which are many: from the first such on they are in a list."""
        index = self.index(items)
        if len(items) > _MOST or any(isinstance(item, ast.Starred) for item in items[: index + 1]):
            so_far = made_at(ast.Starred(self.take(VALUE, items[0]), ast.Load()), items[0])
            return [so_far, self.rest(items[index]), *items[index + 1 :]]
        return self.each(items)

    def _dict(self, e: ast.Dict) -> ast.expr:
        """The rest of a dictionary: groups of its items, between those that are unpacked, are merged into it."""
        index = next((n for n, pair in enumerate(zip(e.keys, e.values)) if not self.path.isdisjoint(pair)), None)
        if index is None:
            raise NotContinuable("the call stands in a part that is evaluated at another time")
        keys: list[ast.AST | None] = []
        values: list[ast.AST] = []
        start, is_merged = _group(e, index)
        if is_merged:
            keys.append(None)
            values.append(self.take(VALUE, e))
        for key, value in zip(e.keys[start:index], e.values[start:index]):
            assert key is not None
            keys.append(self.again(key))
            values.append(self.again(value))
        key, value = e.keys[index], e.values[index]
        if key is not None and key in self.path:
            keys.append(self.rest(key))
            values.append(value)
        else:
            keys.append(self.again(key) if key is not None else None)
            values.append(self.rest(value))
        keys += e.keys[index + 1 :]
        values += e.values[index + 1 :]
        return self.copied(e, keys=keys, values=values)

    def _joined(self, e: ast.JoinedStr, whole: ast.expr) -> ast.expr:
        if len(e.values) > _MOST:
            raise NotContinuable("a string of many parts")
        if whole is not e:
            self.path.update(part for part in e.values if getattr(part, "value", None) in self.path)
        index = self.index(e.values)
        before: list[ast.AST] = []
        for part in e.values[:index]:
            if isinstance(part, ast.FormattedValue):
                formatted = made_at(ast.FormattedValue(self.take(VALUE, part), -1, None), part)
                before.append(formatted)
            else:
                self.wanted.append(Wanted(TEXT, part.value))  # type: ignore[attr-defined]
                before.append(part)
        joined = self.copied(e, values=[*before, self.rest(e.values[index]), *e.values[index + 1 :]])
        joined.heresy_model = getattr(whole, "heresy_model", whole)
        return joined

    def _template(self, e: Any) -> ast.expr:
        # All of its texts are loaded first.
        texts = [""]
        for part in e.values:
            if isinstance(part, ast.Interpolation):
                texts.append("")
            else:
                texts[-1] += part.value
        self.constant_besides(tuple(texts))
        index = self.index(e.values)
        before = [self._field(part) if isinstance(part, ast.Interpolation) else part for part in e.values[:index]]
        return self.copied(e, values=[*before, self.rest(e.values[index]), *e.values[index + 1 :]])  # type: ignore[no-any-return]

    def _field(self, e: Any) -> ast.expr:
        """A field that was evaluated: the same once more, of its value and its format."""
        spec = e.format_spec
        self.wanted.append(Wanted(INTERPOLATION, 1 if spec is None else 2))
        value = standing_for(pop(WAITING), e.value)
        if spec is not None:
            formatted = made_at(ast.FormattedValue(standing_for(pop(WAITING), spec), -1, None), spec)
            spec = self.copied(spec, values=[formatted])
        return self.copied(e, value=value, format_spec=spec)  # type: ignore[no-any-return]

    def _ordered(self, e: ast.expr, *fields: str) -> ast.expr:
        """The rest of a node whose ``fields`` are evaluated in this order."""
        changes: dict[str, object] = {}
        for name in fields:
            part = getattr(e, name)
            if part in self.path:
                changes[name] = self.rest(part)
                return self.copied(e, **changes)
            if part is not None:
                changes[name] = self.again(part)
        raise NotContinuable(f"inside a {type(e).__name__}")

    def each(self, items: Iterable[ast.AST]) -> list[Any]:
        """The rest of items that are evaluated in order."""
        result: list[ast.AST] = []
        done = False
        for item in items:
            if done:
                result.append(item)
            elif item in self.path:
                result.append(self.rest(item))
                done = True
            else:
                result.append(self.again(item))
        return result

    # --- what was computed before -----------------------------------------------------------------------------------

    def again(self, e: ast.AST) -> Any:
        """What gives the value that ``e`` had."""
        match e:
            case ast.Constant(value=value):
                self.wanted.append(Wanted(CONSTANT, value))
                return e
            case ast.Starred():
                raise NotContinuable("what was unpacked has no name")
            case ast.keyword(arg=str()):
                return self.copied(e, value=self.again(e.value))
            case ast.keyword():
                raise NotContinuable("after ** in a call")
        return self.take(VALUE, e)

    def take(self, kind: str, node: ast.AST, what: Any = None) -> Any:
        self.wanted.append(Wanted(kind, what))
        return standing_for(pop(WAITING), node)

    def besides(self, *objects: Any) -> None:
        self.wanted.append(Wanted(ANEW, objects))

    def constant_besides(self, value: Any) -> None:
        """A constant that the interpreter loads besides."""
        self.wanted.append(Wanted(CONSTANT, value))

    # --- nodes ------------------------------------------------------------------------------------------------------

    def index(self, items: Iterable[ast.AST]) -> int:
        for index, item in enumerate(items):
            if item in self.path:
                return index
        raise NotContinuable("the call stands in a part that is evaluated at another time")

    def copied(self, node: ast.AST, **changes: object) -> Any:
        """A copy of ``node`` with some fields changed, which stands for ``node``."""
        new = copied(node)
        for name, value in changes.items():
            setattr(new, name, value)
        return new


def _group(e: ast.Dict, index: int) -> tuple[int, bool]:
    """Where the group of items starts that one is in, and whether others were merged before it."""
    start = elements = 0
    is_merged = False
    end = len(e.keys)
    for at, key in enumerate(e.keys):
        if key is None:
            if index < at:
                end = at
                break
            is_merged = is_merged or at > 0 or at == index
            start, elements = at + 1, 0
            if at == index:
                return at, True
            is_merged = True
        elif 2 * elements > _MOST:
            if index <= at:
                end = at + 1
                break
            start, elements, is_merged = at + 1, 0, True
        else:
            elements += 1
    if 2 * (end - start) > _MOST:
        raise NotContinuable("a dictionary of many items")
    return start, is_merged


def made_at(node: Any, where: ast.AST) -> Any:
    """Makes a new node, but not those in it, stand for another."""
    ast.copy_location(node, where)
    node.heresy_model = getattr(where, "heresy_model", where)
    return node
