"""The run form: what a program compiles to when it simply runs.

Marks are gone, positions are those of ``in.py``, spills are cleared in time, and iterators are named at no cost. A
scope without spills compiles to the very bytes that the original compiles to.
"""

from __future__ import annotations

import ast
import types
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import _cpython
from ._clears import clear_spills
from ._marked import Marked
from ._positions import DifferentProgram, align

#: Stands in a tree for an object that no literal can spell; `bind_constants` puts the object there.
_ITER = frozenset({"heresy.iter"})
BUILTIN_CONSTANTS: Mapping[Any, Any] = {_ITER: iter}


def read(marked_text: str, source_text: str | bytes | None, filename: str) -> Marked:
    """Reads the marked form and prepares its tree: positions of the original, spills cleared.

    Args:
        marked_text: the text of ``out.py``.
        source_text: the text (or bytes) of ``in.py``. If it is None or another program, positions of ``out.py`` stay.
        filename: what tracebacks are to show.
    """
    marked = Marked(marked_text, filename)
    if source_text is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                align(marked, ast.parse(source_text, filename))
        except (DifferentProgram, SyntaxError):
            marked = Marked(marked_text, filename)
    clear_spills(marked)
    _loop_over_tuples(marked)
    if _cpython.FOR_KEEPS_INDEX:
        _call_iter(marked)
    return marked


def compile_tree(marked: Marked, tree: ast.Module, filename: str, flags: int = 0) -> types.CodeType:
    """Compiles a prepared tree; constants that `bind_constants` binds are still placeholders."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to warn of was said of the original
        code = compile(tree, filename, "exec", flags=flags, dont_inherit=True)
    return _cpython.name_iterators(code, marked.is_spill)


def bind_constants(code: types.CodeType, table: Mapping[Any, Any]) -> types.CodeType:
    """Puts live objects in the place of placeholder constants, in ``code`` and the code objects inside it."""
    consts: list[Any] = []
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            consts.append(bind_constants(const, table))
        elif isinstance(const, frozenset) and const in table:
            consts.append(table[const])
        else:
            consts.append(const)
    if all(new is old for new, old in zip(consts, code.co_consts)):
        return code
    return code.replace(co_consts=tuple(consts))


def _loop_over_tuples(marked: Marked) -> None:
    """``for x in (_h1 := [a, b])`` -> ``for x in (_h1 := (a, b))``, as CPython itself does where it sees no name."""
    for node in ast.walk(marked.tree):
        match node:
            case ast.For(iter=ast.NamedExpr(target=ast.Name(id=name), value=ast.List(elts=items) as display)) if (
                marked.is_spill(name)
            ):
                if not any(isinstance(item, ast.Starred) for item in items):
                    node.iter.value = ast.copy_location(ast.Tuple(items, ast.Load()), display)


def _call_iter(marked: Marked) -> None:
    """``for x in (_h1 := xs)`` -> ``for x in (_h1 := iter(xs))``, `iter` being the builtin itself."""
    for node in ast.walk(marked.tree):
        match node:
            case ast.For(iter=ast.NamedExpr(target=ast.Name(id=name), value=source)) if marked.is_spill(name):
                call = ast.Call(ast.copy_location(ast.Constant(_ITER), source), [source], [])
                node.iter.value = ast.copy_location(call, source)


class Compiled(NamedTuple):
    """A compiled program, as the cache keeps it.

    Attributes:
        code: its code; `ready` makes it fit to run.
        warned: the warnings about its syntax, as (message, line), which plain Python gives at every start.
        displays: the constant set displays of the program in the order of the text. A cached set would forget it.
    """

    code: types.CodeType
    warned: list[tuple[str, int]]
    displays: list[tuple[Any, ...]]


def ready(compiled: Compiled) -> types.CodeType:
    """The code with its constants as CPython itself would have made them."""
    table = dict(BUILTIN_CONSTANTS) if _cpython.FOR_KEEPS_INDEX else {}
    table.update((frozenset(display), frozenset(display)) for display in reversed(compiled.displays))
    return bind_constants(compiled.code, table) if table else compiled.code


def _displays(tree: ast.AST) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Set):
            try:
                found.append(tuple(ast.literal_eval(item) for item in node.elts))
            except ValueError:
                continue
    # Sets that are equal but for the types of their elements (`{1, 2}`, `{1.0, 2}`) could not be told apart.
    return [
        display
        for display in found
        if len(display) > 1 and not any(type(item) in (bool, float, complex) for item in display)
    ]


def compile_program(marked_text: str, source: bytes | None, filename: str) -> Compiled:
    """Compiles a program from its marked form."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if source is not None:
            try:
                compile(source, filename, "exec", dont_inherit=True)
            except SyntaxError:
                pass
    warned = [(str(w.message), w.lineno) for w in caught if issubclass(w.category, SyntaxWarning)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        marked = read(marked_text, source, filename)
        return Compiled(compile_tree(marked, marked.tree, filename), warned, _displays(marked.tree))
