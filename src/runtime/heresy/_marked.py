"""The marked form: what ``heresy transpile`` writes, read back.

Input is the text of ``out.py``. :func:`read` parses it, drops the marks and remembers on each statement the *place*
that the marks gave it; what is left is the program's own syntax tree::

    label .L2                      For(…)         place ("L2", 0)
    for item in items:      ->
        total = 0                  Assign(…)      place ("L3", 1): one after label L3

The contract between the transpiler and this module is only what is written here:

* ``import heresy; heresy.enter(__name__, __file__, "in.py", tag="_")`` is the header; ``tag`` is appended to the words
  ``label`` and ``goto`` when the program uses them itself;
* ``label .L7`` gives the next statement of the same suite a place; statements after it count on: ``("L7", 1)``, and an
  ``elif`` has the place of its ``if``, one further down: ``("L7.elif", 1)``;
* other statements have the place ``("", 5)``: the fifth of their scope;
* ``goto .entry(a, b)`` is the first statement of a scope and lists its hoisted names.
"""

from __future__ import annotations

from . import _tree as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

#: A label and how many statements after it, in the same suite.
Place: TypeAlias = "tuple[str, int]"


class MarkedFormError(Exception):
    """The text is not what ``heresy transpile`` writes."""


class Marked:
    """A program in marked form, its marks dropped.

    Attributes:
        tree: the syntax tree without marks. Statements that have a place carry it as ``heresy_place``.
        source_name: the file name that the header gives (``in.py``), or None without a header.
    """

    def __init__(self, text: str, filename: str = "<marked>") -> None:
        self.tree: ast.Module = ast.parse(text, filename)
        self.source_name: str | None = None
        self.tag = ""
        self._read_header()
        self._drop_marks(self.tree.body)
        for node in ast.walk(self.tree):
            for suite in suites(node):
                self._drop_marks(suite)
            if isinstance(node, ast.If):
                _place_elif(node)
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
                _place_others(node)

    def _read_header(self) -> None:
        body = self.tree.body
        for index, statement in enumerate(body[:-1]):
            call = body[index + 1]
            if not (isinstance(statement, ast.Import) and [a.name for a in statement.names] == ["heresy"]):
                continue
            if _is_enter(call):
                if len(call.value.args) > 2:
                    self.source_name = ast.literal(call.value.args[2])
                for keyword in call.value.keywords:
                    if keyword.arg == "tag":
                        self.tag = ast.literal(keyword.value)
                del body[index : index + 2]
                return

    def _drop_marks(self, suite: list[ast.stmt]) -> None:
        kept: list[ast.stmt] = []
        label, count = "", 0
        for statement in suite:
            name = self._label(statement)
            if name is not None:
                label, count = name, 0
            elif not self._is_goto(statement):
                if label:
                    statement.heresy_place = (label, count)  # type: ignore[attr-defined]
                    count += 1
                kept.append(statement)
        suite[:] = kept

    def _label(self, statement: ast.stmt) -> str | None:
        match statement:
            case ast.Expr(value=ast.Attribute(value=ast.Name(id=base), attr=name)) if base == "label" + self.tag:
                return name
        return None

    def _is_goto(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=base)))) if base == "goto" + self.tag:
                return True
        return False


def _place_elif(statement: ast.If) -> None:
    """An ``elif`` cannot have a label before it: it has the place of its ``if``, one further down."""
    place, below = place_of(statement), statement.orelse
    if place is not None and len(below) == 1 and isinstance(below[0], ast.If):
        if below[0].col_offset == statement.col_offset:
            below[0].heresy_place = (f"{place[0]}.elif", place[1])  # type: ignore[attr-defined]


def _place_others(scope: ast.AST) -> None:
    """Statements without a label: no stop is made at their start, but they may run a function that can be stopped in."""
    count = 0
    work: list[ast.AST] = [scope]
    for node in work:  # which grows meanwhile
        if isinstance(node, ast.stmt):
            count += 1
            if place_of(node) is None:
                node.heresy_place = ("", count)  # type: ignore[attr-defined]
        if node is scope or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            parts = [node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())]
            work += [statement for part in parts for suite in suites(part) for statement in suite]


def _is_enter(statement: ast.stmt) -> bool:
    """``heresy.enter(…)``"""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="heresy"), attr="enter"))):
            return True
    return False


def suites(node: ast.AST) -> list[list[ast.stmt]]:
    """The statement lists that ``node`` holds itself."""
    found = []
    for field in ("body", "orelse", "finalbody"):
        suite = getattr(node, field, None)
        if isinstance(suite, list):
            found.append(suite)
    return found


def place_of(statement: ast.AST) -> Place | None:
    """The place of a statement, None where the program cannot be continued."""
    return getattr(statement, "heresy_place", None)


def is_labelled(statement: ast.AST) -> bool:
    """Whether a label is before a statement, or before one above it in its suite."""
    place = place_of(statement)
    return place is not None and place[0] != ""
