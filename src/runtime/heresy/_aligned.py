"""Two texts of a module, aligned statement by statement: what both sides of that agree on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ._program import SCOPES, Program, Scope
from ._typing_names import NamedTuple

#: How much of a statement is as it was: `Sameness` of the aligner.
EDITED, HEADER, WHOLE = range(3)
GONE, AMBIGUOUS = -1, -2
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_EFFECTS = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


def numbered(tree: ast.Module) -> list[ast.stmt]:
    """The statements of a module in the order of the text; ``elif`` is a part of its ``if``."""
    return [*_numbered(tree.body)]


def _numbered(suite: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in suite:
        yield statement
        while True:
            yield from _numbered(getattr(statement, "body", []))
            for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
                yield from _numbered(part.body)
            below = elif_of(statement)
            if below is None:
                break
            statement = below
        yield from _numbered(getattr(statement, "orelse", []))
        yield from _numbered(getattr(statement, "finalbody", []))


def elif_of(statement: ast.AST) -> ast.If | None:
    if isinstance(statement, ast.If) and len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If):
        below = statement.orelse[0]
        return below if below.col_offset == statement.col_offset else None
    return None


class Asked(NamedTuple):
    """What an ``if`` has asked before it came to a statement inside of it.

    Attributes:
        root: the ``if`` itself.
        tests: its own test and those of its ``elif``, up to the branch of the statement.
        answers: their texts, and what they said.
    """

    root: ast.If
    tests: list[ast.expr]
    answers: list[tuple[str, bool]]

    @property
    def has_effects(self) -> bool:
        """Whether to ask that again may do something a second time."""
        return any(isinstance(node, _EFFECTS) for test in self.tests for node in ast.walk(test))


def asked_around(program: Program, statement: ast.stmt) -> dict[ast.AST | None, Asked]:
    """For each ``if`` that a statement is inside of, in its scope, what it has asked."""
    found: dict[ast.AST | None, Asked] = {}
    child: ast.AST = statement
    tests: list[ast.expr] = []
    answers: list[tuple[str, bool]] = []
    while not isinstance(child, SCOPES):
        parent = program.parents[child]
        if isinstance(parent, ast.If):
            tests.insert(0, parent.test)
            answers.insert(0, (ast.dump(parent.test), child in parent.body))
            if elif_of(program.parents[parent]) is not parent:
                found[parent] = Asked(parent, tests, answers)
                tests, answers = [], []
        child = parent
    return found


def role(scope: Scope) -> str:
    """What a scope is for its node: nothing for the body itself, else its name (``__annotate__``)."""
    name = scope.code.co_name
    if name.startswith("<generic parameters"):
        return "<generic parameters>"
    is_own = not isinstance(scope.node, (*FUNCTIONS, ast.ClassDef)) or name == scope.node.name
    return "" if is_own else name


def is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True
