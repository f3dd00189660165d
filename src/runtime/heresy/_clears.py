"""Clearing spills: nothing lives longer in the run form than it does in the original.

A spill is a second reference to a value that plain Python holds on its value stack only. As soon as Python would have
dropped the value, the run form drops the name::

    (_h1 := f(x)) + g(y)                  (_h1 := f(x)) + g(y); _h1 = None
    for x in (_h1 := xs): …          ->   for x in (_h1 := xs): …          (before each `break`: _h1 = None)
                                          else: _h1 = None; …
    with (_h1 := open(p)) as f: …         with (_h1 := open(p)) as f: …; _h1 = None

A ``break`` or ``continue`` that ends several managers drops the innermost before it goes; the others are still needed by a
stop in the ``__exit__`` of that one, and are dropped after the loop or in its next round.

In a function a cleared spill is None, which is as quick as can be; among a module's globals it is deleted, so that no
name of ours is left there. The inserted statements stand at positions that have just been run, so that no debugger
sees a line twice.
"""

from __future__ import annotations

from . import _cpython
from . import _tree as ast
from ._marked import Marked, augmented_spill

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def clear_spills(marked: Marked) -> None:
    """Inserts the clearing statements into ``marked.tree``."""
    _Clearer(marked, in_function=False).suite(marked.tree.body, _Loop())
    for node in ast.walk(marked.tree):
        if isinstance(node, _FUNCTIONS):
            _Clearer(marked, in_function=True).suite(node.body, _Loop())


def spills_in(marked: Marked, node: ast.AST | None) -> list[str]:
    """The spills that evaluating ``node`` itself sets, inner scopes left out."""
    found: list[str] = []
    work: list[ast.AST] = [node] if node is not None else []
    while work:
        current = work.pop()
        if isinstance(current, ast.NamedExpr) and marked.is_spill(current.target.id):
            found.append(current.target.id)
        if not isinstance(current, _SCOPES):
            work.extend(ast.iter_child_nodes(current))
    return sorted(found)


class _Loop:
    """The innermost loop around a suite, and the managers of ``with`` statements between the two.

    Attributes:
        iterator: the spill of its iterator.
        innermost: those of the innermost manager, which is ended first.
        outer: those of the managers that are ended later.
        after_break: of these, what a ``break`` has left behind: to be dropped after the loop.
        after_continue: the same of a ``continue``: to be dropped in the next round.
    """

    def __init__(self, iterator: list[str] | None = None) -> None:
        self.iterator = iterator or []
        self.innermost: list[str] = []
        self.outer: list[str] = []
        self.after_break: set[str] = set()
        self.after_continue: set[str] = set()

    def within(self, innermost: list[str], outer: list[str]) -> _Loop:
        """The same loop, as it is seen inside of another manager."""
        inside = _Loop(self.iterator)
        inside.innermost, inside.outer = innermost, [*self.outer, *self.innermost, *outer]
        inside.after_break, inside.after_continue = self.after_break, self.after_continue
        return inside


class _Clearer:
    """Walks the suites of one scope."""

    def __init__(self, marked: Marked, in_function: bool) -> None:
        self.marked = marked
        self.in_function = in_function

    def suite(self, suite: list[ast.stmt], loop: _Loop) -> None:
        result: list[ast.stmt] = []
        index = 0
        while index < len(suite):
            if augmented_spill(self.marked, suite, index):
                group = suite[index : index + 3]
                names = [n for s in group for n in spills_in(self.marked, s)]
                names.append(group[0].targets[0].id)  # type: ignore[attr-defined]
                result += group + self._clear(names, group[0])
                index += 3
                continue
            self._statement(suite[index], result, loop)
            index += 1
        suite[:] = result

    def _statement(self, s: ast.stmt, result: list[ast.stmt], loop: _Loop) -> None:
        spills = lambda node: spills_in(self.marked, node)  # noqa: E731
        match s:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                # Their own suites are scopes of their own; of headers, only decorators are spilled.
                names = [name for decorator in s.decorator_list for name in spills(decorator)]
                result += [s, *self._clear(names, s.decorator_list[0] if names else s)]
            case ast.If(test=test):
                self.suite(s.body, loop)
                self.suite(s.orelse, loop)
                names = spills(test)
                if names:
                    s.body[:0] = self._clear(names, test)
                    s.orelse[:0] = self._clear(names, test)
                result.append(s)
            case ast.While(test=test):
                names = spills(test)
                inside = _Loop()
                self.suite(s.body, inside)
                self.suite(s.orelse, loop)
                s.body[:0] = self._clear(names, test) + self._clear(inside.after_continue, None)
                s.orelse[:0] = self._clear(names, test)
                result += [s, *self._clear(inside.after_break | inside.after_continue, None)]
            case ast.For(iter=source):
                names = spills(source)
                iterator = [source.target.id] if isinstance(source, ast.NamedExpr) and source.target.id in names else []
                rest = [name for name in names if name not in iterator]
                inside = _Loop(iterator)
                self.suite(s.body, inside)
                self.suite(s.orelse, loop)
                s.body[:0] = self._clear(rest, source) + self._clear(inside.after_continue, None)
                s.orelse[:0] = self._clear(iterator, source)
                result += [s, *self._clear(inside.after_break | inside.after_continue, None)]
            case ast.AsyncFor():
                self.suite(s.body, _Loop())
                self.suite(s.orelse, loop)
                result.append(s)
            case ast.With() | ast.AsyncWith():
                names = [name for item in s.items for name in spills(item)]
                last = spills(s.items[-1])
                for item in s.items:
                    self._drop_operands(item)
                self.suite(s.body, loop.within(last, [name for name in names if name not in last]))
                result += [s, *self._clear(names, s.items[0].context_expr if _cpython.WITH_EXITS_AT_ITEM else s)]
            case ast.Try() | ast.TryStar():
                names = [name for inner in s.body for name in spills(inner)]
                # What is left by way of a `finally` is needed in it.
                protected = loop.within([], []) if s.finalbody else loop
                self.suite(s.body, protected)
                for handler in s.handlers:
                    self.suite(handler.body, protected)
                    handler.body[:0] = self._clear(names, handler)
                self.suite(s.orelse, protected)
                self.suite(s.finalbody, loop)
                result.append(s)
            case ast.Match():
                names = spills(s.subject)
                for case in s.cases:
                    self.suite(case.body, loop)
                    case.body[:0] = self._clear(names + spills(case.guard), s)
                result.append(s)
                result += self._clear(names, s)
            case ast.Break():
                loop.after_break.update(loop.outer)
                result += [*self._clear(loop.iterator + loop.innermost, s), s]
            case ast.Continue():
                loop.after_continue.update(loop.outer)
                result += [*self._clear(loop.innermost, s), s]
            case ast.Return() | ast.Raise():
                result.append(s)
            case _:
                result += [s, *self._clear(spills(s), s)]

    def _drop_operands(self, item: ast.withitem) -> None:
        """``with (_h2 := f((_h1 := g()), h()))`` -> ``with (_h2 := (f((_h1 := g()), h()), (_h1 := None))[0])``

        The body is still to come, and ``__enter__`` before it: what only made the manager must not live through them. It is
        rare that there is any such spill, so its price (a tuple) does not matter.
        """
        manager = item.context_expr
        value = (
            manager.value if isinstance(manager, ast.NamedExpr) and self.marked.is_spill(manager.target.id) else manager
        )
        names = sorted(set(spills_in(self.marked, value)))
        if not names:
            return
        drops = [ast.NamedExpr(ast.Name(name, ast.Store()), ast.Constant(None)) for name in names]
        first = ast.Subscript(ast.Tuple([value, *drops], ast.Load()), ast.Constant(0), ast.Load())
        for node in (
            first,
            first.value,
            first.slice,
            *drops,
            *(part for drop in drops for part in (drop.target, drop.value)),
        ):
            ast.copy_location(node, value)
        if value is manager:
            item.context_expr = first
        else:
            manager.value = first

    def _clear(self, names: Iterable[str], where: ast.AST | None) -> list[ast.stmt]:
        """``_h1 = None`` for each name, on the line where ``where`` starts, or else on that of what was run before."""
        result: list[ast.stmt] = []
        for name in sorted(set(names)):
            result.append(ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None)))
            if not self.in_function:
                result.append(ast.Delete([ast.Name(name, ast.Del())]))
        for statement in result:
            for child in ast.walk(statement):
                if "lineno" in child._attributes:
                    # For the compiler, -1 is no place of its own.
                    line, column = (where.lineno, where.col_offset) if where is not None else (-1, -1)  # type: ignore[attr-defined]
                    child.lineno = child.end_lineno = line  # type: ignore[attr-defined]
                    child.col_offset = child.end_col_offset = column  # type: ignore[attr-defined]
        return result
