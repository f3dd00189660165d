"""A comprehension or generator expression that has a frame of its own, as the function that it is.

A generator expression that is suspended goes on at its ``yield``::

    (f(x) for x in xs if x)  ->  def function(.0):
                                     for x in .0:
                                         if PENDING.on:
                                             label .here; yield
                                         elif x:
                                             yield f(x)

One that was stopped within a part of it has an expression there that does the rest the first time (see `_continued`). A
list, set or dictionary goes on in what it has made so far::

    [f(x) for x in xs]       ->  def function(.0):
                                     for x in .0:
                                         .item = (REST if ONCE.take() else f(x))
                                         .made.append(.item)
                                         del .item
                                     return .made

What a generator expression unpacks (PEP 798) is gone through by a loop within all others, as its code does it::

    (*f(x) for x in xs)      ->  def function(.0):
                                     for x in .0:
                                         for .item in f(x):
                                             yield .item

The goto of the resume form puts the loops' iterators onto the value stack and jumps to the label, or into the expression.
"""

from __future__ import annotations

import types

from . import _cpython
from . import _tree as ast
from ._nodes import copied
from ._typing_names import Any, TypeAlias

#: CPython's own name for the parameter that takes the outermost iterator.
OUTERMOST = ".0"
#: What a list, set or dictionary has made so far, and its next item.
MADE = ".made"
_ITEM = ".item"

_ASYNC = 0x0080 | 0x0200

Comprehension: TypeAlias = "ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp"


def unpacks(node: Comprehension) -> bool:
    """Whether each of its elements is several."""
    return node.value is None if isinstance(node, ast.DictComp) else isinstance(node.elt, ast.Starred)


def loops_of(node: Comprehension) -> list[ast.comprehension]:
    """Its ``for``\\ s, with that which is not written."""
    if not (isinstance(node, ast.GeneratorExp) and unpacks(node)):
        return node.generators
    found: list[ast.comprehension] | None = getattr(node, "heresy_loops", None)
    if found is None:
        each: Any = node.elt
        target = ast.copy_location(ast.Name(_ITEM, ast.Store()), each)
        found = [*node.generators, ast.comprehension(target, each.value, [], is_async=0)]
        node.heresy_loops = found  # type: ignore[attr-defined]
    return found


def keeps_slots(node: Comprehension, generator: ast.comprehension) -> bool:
    """Whether a ``for`` keeps an iterator: ``for y in [f(x)]`` after the first only assigns."""
    display = generator.iter
    is_assignment = isinstance(display, (ast.List, ast.Tuple)) and len(display.elts) == 1
    is_loop = generator is node.generators[0] or generator.is_async or generator not in node.generators
    return is_loop or not is_assignment or isinstance(display.elts[0], ast.Starred)  # type: ignore[attr-defined]


def slots_of(generator: ast.comprehension) -> int:
    """How many slots a ``for`` keeps its iterator in, if it does."""
    return 1 if generator.is_async else _cpython.FOR_SLOTS


def as_function(
    node: Comprehension, code: types.CodeType, name: str, suspended: list[ast.stmt], test: ast.expr
) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The function that a comprehension runs.

    Args:
        code: its run form, which tells where the names live that it binds by ``:=``.
        suspended: what is done within all loops if ``test`` is true: nothing, or a label, for one that is suspended.
    """

    def at(new: Any) -> Any:
        new.heresy_model = getattr(node, "heresy_model", node)
        return ast.copy_location(new, node)

    suite = [at(statement) for statement in _taken(node)]
    loops = loops_of(node)
    for depth, generator in reversed(list(enumerate(loops))):
        for condition in reversed(generator.ifs):
            suite = [at(ast.If(condition, suite, []))]
        if suspended and depth == len(loops) - 1:
            suite = [at(ast.If(test, [*suspended, at(_yielding(node, None))], suite))]
        source = generator.iter if depth else ast.copy_location(ast.Name(OUTERMOST, ast.Load()), generator.iter)
        loop = ast.AsyncFor if generator.is_async else ast.For
        suite = [at(loop(generator.target, source, suite, []))]
    if not isinstance(node, ast.GeneratorExp):
        suite.append(at(ast.Return(at(ast.Name(MADE, ast.Load())))))
    parameter = ast.copy_location(ast.arg(OUTERMOST), node)
    kind: Any = ast.AsyncFunctionDef if code.co_flags & _ASYNC else ast.FunctionDef
    function = kind(name, ast.arguments([], [parameter], None, [], [], None, []), suite, [])
    function.body[:0] = [at(declaration) for declaration in _declarations(node, code)]
    ast.copy_location(function, node)
    return function


def _yielding(node: ast.GeneratorExp, value: ast.expr | None) -> ast.stmt:
    result = ast.copy_location(ast.Yield(value), node.elt if _cpython.YIELDS_AT_ELEMENT else node)
    result.heresy_model = getattr(node.elt, "heresy_model", node.elt)  # type: ignore[attr-defined]
    return ast.Expr(result)


def _taken(node: Comprehension) -> list[ast.stmt]:
    """What is done with an element. It is evaluated while nothing else is on the value stack."""

    def name(of: str, context: ast.expr_context) -> ast.expr:
        return ast.copy_location(ast.Name(of, context), node)

    def part(index: int) -> ast.expr:
        return ast.copy_location(ast.Subscript(name(_ITEM, ast.Load()), ast.Constant(index), ast.Load()), node)

    if isinstance(node, ast.GeneratorExp):
        return [_yielding(node, name(_ITEM, ast.Load()) if unpacks(node) else node.elt)]
    if isinstance(node, ast.DictComp):
        item: ast.expr = ast.copy_location(ast.Tuple([node.key, node.value], ast.Load()), node)
        taken: ast.stmt = ast.Assign([ast.Subscript(name(MADE, ast.Load()), part(0), ast.Store())], part(1))
    else:
        item = node.elt
        method = ast.Attribute(name(MADE, ast.Load()), "append" if isinstance(node, ast.ListComp) else "add", ast.Load())
        taken = ast.Expr(ast.Call(method, [name(_ITEM, ast.Load())], []))
    for inner in ast.walk(taken):
        if "lineno" in inner._attributes:
            ast.copy_location(inner, node)
    return [ast.Assign([name(_ITEM, ast.Store())], item), taken, ast.Delete([name(_ITEM, ast.Del())])]


def replaced(
    node: Comprehension, changes: dict[ast.expr, ast.expr], asked_by: int | None, test: ast.expr | None
) -> Any:
    """A comprehension with expressions that stand for others of its own.

    Args:
        asked_by: the number of a ``for`` that asks for the next item at once where ``test`` is false.
    """
    fresh = copied(node)
    loops = loops_of(node)
    fresh.generators = []
    for generator in loops:
        inner = copied(generator)
        inner.iter = changes.get(generator.iter, generator.iter)
        inner.ifs = [changes.get(condition, condition) for condition in generator.ifs]
        if test is not None and generator is loops[asked_by or 0]:
            inner.ifs.insert(0, test)
        fresh.generators.append(inner)
    for name in ("elt", "key", "value"):
        if hasattr(node, name):
            setattr(fresh, name, changes.get(getattr(node, name), getattr(node, name)))
    if loops is not node.generators:
        fresh.elt = ast.copy_location(ast.Name(_ITEM, ast.Load()), node.elt)  # type: ignore[union-attr]
    return fresh


def _declarations(node: Comprehension, code: types.CodeType) -> list[ast.stmt]:
    """``nonlocal`` and ``global`` for what the expression binds in the scope around it."""
    bound = {inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)}
    outer = sorted(bound & set(code.co_freevars))
    everywhere = sorted(
        name for name in bound if name not in outer and name not in (*code.co_varnames, *code.co_cellvars)
    )
    result: list[ast.stmt] = []
    if outer:
        result.append(ast.Nonlocal(outer))
    if everywhere:
        result.append(ast.Global(everywhere))
    return result
