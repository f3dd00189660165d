"""A suspended generator expression, as the function that it is: what its resume form is compiled from.

    (f(x) for x in xs if x)  ->  def function(.0):
                                     for x in .0:
                                         if PENDING.on:
                                             label .here; yield
                                         elif x:
                                             yield f(x)

The goto of the resume form puts the loops' iterators onto the value stack and jumps to the label.
"""

from __future__ import annotations

import ast
import types

from ._errors import NotContinuable

#: CPython's own name for the parameter that takes the outermost iterator.
OUTERMOST = ".0"


def check(node: ast.GeneratorExp) -> None:
    """Refuses generator expressions that are not made of plain loops.

    Raises:
        NotContinuable: it awaits.
    """
    if any(generator.is_async for generator in node.generators):
        raise NotContinuable("an asynchronous generator expression")


def as_function(
    node: ast.GeneratorExp, code: types.CodeType, name: str, test: ast.expr, label: ast.stmt
) -> ast.FunctionDef:
    """The function that a generator expression runs; with ``test`` true it goes to ``label``, and is suspended.

    Args:
        code: its run form, which tells where the names live that it binds by ``:=``.
    """

    def at(new: ast.stmt) -> ast.stmt:
        new.heresy_model = node  # type: ignore[attr-defined]
        return ast.copy_location(new, node)

    def yielding(value: ast.expr | None) -> ast.stmt:
        # The yield itself stands where the element does.
        result = ast.copy_location(ast.Yield(value), node.elt)
        result.heresy_model = node.elt  # type: ignore[attr-defined]
        return at(ast.Expr(result))

    suite: list[ast.stmt] = [yielding(node.elt)]
    for depth, generator in reversed(list(enumerate(node.generators))):
        for condition in reversed(generator.ifs):
            suite = [at(ast.If(condition, suite, []))]
        if depth == len(node.generators) - 1:
            suite = [at(ast.If(test, [label, yielding(None)], suite))]
        source = generator.iter if depth else ast.copy_location(ast.Name(OUTERMOST, ast.Load()), generator.iter)
        suite = [at(ast.For(generator.target, source, suite, []))]
    parameter = ast.copy_location(ast.arg(OUTERMOST), node)
    function = ast.FunctionDef(name, ast.arguments([], [parameter], None, [], [], None, []), suite, [])
    function.body[:0] = [at(declaration) for declaration in _declarations(node, code)]
    ast.copy_location(function, node)
    return function


def _declarations(node: ast.GeneratorExp, code: types.CodeType) -> list[ast.stmt]:
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
