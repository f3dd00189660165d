"""What stands around the function of a resume form: a factory, which owns its free variables.

A class in between gives private names their prefix::

    def factory():
        shared = None
        class Table:
            def function(self, key): …
"""

from __future__ import annotations

from . import _tree as ast
from ._nodes import place
from ._program import mangled

# No program can spell these names, so they hide none of its own.
_FACTORY = ".factory"
FUNCTION = ".function"


def enclosed(function: ast.stmt, owned: list[str], class_name: str | None, line: int) -> ast.stmt:
    """The factory of a function.

    Args:
        owned: its free variables.
        class_name: of the class that it is a method of.
        line: where all around the function stands.
    """
    has_type_parameters = hasattr(function, "type_params")
    suite: list[ast.stmt] = [ast.Assign([ast.Name(name, ast.Store())], ast.Constant(None)) for name in owned]
    inner = function
    if class_name is not None:
        # The class is there to mangle names; the name itself must mean what it means to the function.
        if class_name not in owned:
            suite.insert(0, ast.Global([class_name]))
        inner = ast.ClassDef(class_name, [], [], [function], [])
    empty = ast.arguments([], [], None, [], [], None, [])
    factory = ast.FunctionDef(_FACTORY, empty, [*suite, inner], [])
    for node in suite:
        place(node, line)
    for definition in [factory] if inner is function else [inner, factory]:
        place(definition, line, deep=False)
        if has_type_parameters:
            definition.type_params = []  # type: ignore[attr-defined]
    return factory


def parameters_alone(old: ast.arguments, class_name: str | None) -> tuple[list[str], ast.arguments]:
    """Parameters without defaults and annotations, and their names."""
    names: list[str] = []

    def parameter(arg: ast.arg) -> ast.arg:
        name = mangled(arg.arg, class_name)
        names.append(name)
        return ast.copy_location(ast.arg(name), arg)

    fresh = ast.arguments(
        [parameter(a) for a in old.posonlyargs],
        [parameter(a) for a in old.args],
        parameter(old.vararg) if old.vararg else None,
        [parameter(a) for a in old.kwonlyargs],
        [],
        parameter(old.kwarg) if old.kwarg else None,
        [],
    )
    fresh.kw_defaults = [None] * len(fresh.kwonlyargs)
    return names, fresh
