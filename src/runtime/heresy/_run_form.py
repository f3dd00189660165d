"""The run form: what a program compiles to when it simply runs.

Marks are gone, positions are those of ``in.py``, spills are cleared in time, and iterators are named at no cost. A
scope without spills compiles to the very bytes that the original compiles to.
"""

from __future__ import annotations

import warnings

from . import _cpython
from . import _tree as ast
from ._clears import clear_spills
from ._constants import ITER, ready
from ._marked import Marked
from ._positions import DifferentProgram, align
from ._unwinding import drop_iterators

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any


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
    """Compiles a prepared tree; constants that `_constants.bind_constants` binds are still placeholders."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what there is to warn of was said of the original
        code = compile(tree, filename, "exec", flags=flags, dont_inherit=True)
    return _cpython.name_iterators(code, marked.is_spill, drop_iterators)


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
                call = ast.Call(ast.copy_location(ast.Constant(ITER), source), [source], [])
                node.iter.value = ast.copy_location(call, source)


class Compiled:
    """A compiled module, as the cache keeps it.

    Attributes:
        code: its code; `ready` makes it fit to run.
        warned: the warnings about its syntax, as (message, line).
        displays: the constant set displays in the order of the text. A cached set would forget it.
        uses_iter: whether the code has the placeholder of `iter`.
    """

    def __init__(
        self, code: types.CodeType, warned: list[tuple[str, int]], displays: list[tuple[Any, ...]], uses_iter: bool
    ) -> None:
        self.code = code
        self.warned = warned
        self.displays = displays
        self.uses_iter = uses_iter

    def ready(self) -> types.CodeType:
        """The code with live objects in the place of its placeholders."""
        return ready(self.code, self.displays, self.uses_iter)


def _displays(tree: ast.AST) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Set):
            try:
                found.append(tuple(ast.literal(item) for item in node.elts))
            except ValueError:
                continue
    # Sets that are equal but for the types of their elements (`{1, 2}`, `{1.0, 2}`) could not be told apart.
    return [
        display
        for display in found
        if len(display) > 1 and not any(type(item) in (bool, float, complex) for item in display)
    ]


def compile_module(marked_text: str, source: bytes | None, filename: str) -> Compiled:
    """Compiles a module from its marked form."""
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
        code = compile_tree(marked, marked.tree, filename)
    return Compiled(code, warned, _displays(marked.tree), _cpython.FOR_KEEPS_INDEX)
