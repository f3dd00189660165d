"""Programs that are a little smaller than a given one: what a failing random program is made smaller with."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator


def smaller(source: str) -> Iterator[str]:
    """Programs that are a little smaller, the boldest first."""
    count = sum(1 for _ in ast.walk(ast.parse(source)))
    seen = {source}
    for change in (_without_half, _without_statement, _unwrapped, _simpler_expression):
        for index in range(count):
            tree = ast.parse(source)
            node = next(n for i, n in enumerate(ast.walk(tree)) if i == index)
            for tree_changed in change(tree, node):
                try:
                    text = ast.unparse(ast.fix_missing_locations(tree_changed)) + "\n"
                except (ValueError, AttributeError):
                    continue
                if text not in seen and len(text) < len(source) + 20:
                    seen.add(text)
                    yield text


def _suites(node: ast.AST) -> list[list[ast.stmt]]:
    return [
        s for f in ("body", "orelse", "finalbody", "handlers") if isinstance(s := getattr(node, f, None), list) and s
    ]


def _without_half(tree: ast.AST, node: ast.AST) -> Iterator[ast.AST]:
    for suite in _suites(node):
        size = len(suite) // 2
        while size > 1:
            for start in range(0, len(suite), size):
                kept = suite[:]
                del suite[start : start + size]
                if suite:
                    yield tree
                suite[:] = kept
            size //= 2


def _without_statement(tree: ast.AST, node: ast.AST) -> Iterator[ast.AST]:
    for suite in _suites(node):
        for index in reversed(range(len(suite))):
            kept = suite[:]
            suite[index : index + 1] = (
                [] if len(suite) > 1 or suite is not getattr(node, "body", None) else [ast.Pass()]
            )
            yield tree
            suite[:] = kept
    for field in ("items", "decorator_list", "defaults", "keywords", "elts", "targets", "args"):
        parts = getattr(node, field, None)
        if isinstance(parts, list) and parts:
            for index in range(len(parts)):
                kept = parts[:]
                del parts[index]
                yield tree
                parts[:] = kept


def _unwrapped(tree: ast.AST, node: ast.AST) -> Iterator[ast.AST]:
    """A compound statement replaced by one of its suites."""
    for suite in _suites(node):
        for index, statement in enumerate(suite):
            if isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.Try)):
                for inner in _suites(statement):
                    if isinstance(inner[0], ast.stmt):
                        kept = suite[:]
                        suite[index : index + 1] = inner
                        yield tree
                        suite[:] = kept


def _simpler_expression(tree: ast.AST, node: ast.AST) -> Iterator[ast.AST]:
    """An expression replaced by a part of it, or by a number."""
    for name, value in ast.iter_fields(node):
        for index, part in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(part, ast.expr) or isinstance(getattr(part, "ctx", None), (ast.Store, ast.Del)):
                continue
            if isinstance(part, ast.Constant):
                continue
            parts = [child for child in ast.iter_child_nodes(part) if isinstance(child, ast.expr)]
            for simpler in [ast.Constant(1), *parts]:
                other = copy.deepcopy(simpler)
                if isinstance(value, list):
                    value[index] = other
                    yield tree
                    value[index] = part
                else:
                    setattr(node, name, other)
                    yield tree
                    setattr(node, name, part)
