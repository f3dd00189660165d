"""The run form: what a program compiles to when it simply runs.

Marks are gone, and positions are those of ``in.py``: the very bytes that the original compiles to.
"""

from __future__ import annotations

from . import _tree as ast
from ._constants import ready
from ._marked import Marked
from ._positions import DifferentProgram, align
from ._quiet import Quiet
from ._unwinding import ASKED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import types
    from typing import Any


def read(marked_text: str, source_text: str | bytes | None, filename: str) -> Marked:
    """Reads the marked form and prepares its tree: positions of the original.

    Args:
        marked_text: the text of ``out.py``.
        source_text: the text (or bytes) of ``in.py``. If it is None or another program, positions of ``out.py`` stay.
        filename: what tracebacks are to show.
    """
    marked = Marked(marked_text, filename)
    if source_text is not None:
        try:
            with Quiet():
                align(marked, ast.parse(source_text, filename))
        except (DifferentProgram, SyntaxError):
            marked = Marked(marked_text, filename)
    return marked


def compile_tree(tree: ast.Module, filename: str, flags: int = 0) -> types.CodeType:
    """Compiles a prepared tree; constants that `_constants.bind_constants` binds are still placeholders."""
    with Quiet():  # what there is to warn of was said of the original
        return compile(tree, filename, "exec", flags=flags, dont_inherit=True)


class Compiled:
    """A compiled module, as the cache keeps it.

    Attributes:
        code: its code; `ready` makes it fit to run.
        warned: the warnings about its syntax, as (message, line).
        displays: the constant set displays in the order of the text. A cached set would forget it.
    """

    def __init__(self, code: types.CodeType, warned: list[tuple[str, int]], displays: list[tuple[Any, ...]]) -> None:
        self.code = code
        self.warned = warned
        self.displays = displays

    def ready(self) -> types.CodeType:
        """The code with live objects in the place of its placeholders."""
        return ready(self.code, self.displays, ASKED)


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


def _compile_as_it_is(source: bytes, filename: str) -> None:
    """Compiles the original, for what there is to warn of."""
    text: Any = source
    if ast.is_long(source):
        with Quiet() as quiet:
            tree = ast.parse(source, filename)
        # A piece that is parsed again warns again.
        text = tree if not quiet.warned else source
    compile(text, filename, "exec", dont_inherit=True)


def compile_module(marked_text: str, source: bytes | None, filename: str, *, pads: bool = False) -> Compiled:
    """Compiles a module from its marked form.

    Args:
        pads: exceptions that nobody catches stop the program before they unwind it: see `_pads`.
    """
    with Quiet() as quiet:
        if source is not None:
            try:
                _compile_as_it_is(source, filename)
            except SyntaxError:
                pass
    with Quiet():
        marked = read(marked_text, source, filename)
        code = compile_tree(marked.tree, filename)
    if pads:
        from ._pads import padded

        code = padded(code)
    return Compiled(code, quiet.warned, _displays(marked.tree))
