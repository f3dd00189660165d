"""``"%s: %r" % (a, b)``, which CPython compiles like the f-string ``f"{a!s}: {b!r}"``."""

from __future__ import annotations

import ast
import re
from typing import Any

_CONVERSION = re.compile(r"%(?:(%)|(-?)(\d*)(?:\.(\d*))?([sra]))")


def as_joined(e: ast.BinOp) -> ast.JoinedStr | None:
    """What it is compiled like; None if it is a plain operator.

    The nodes of the values are those of the tuple.
    """
    match e:
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod(), right=ast.Tuple(elts=items)):
            pass
        case _:
            return None
    if any(isinstance(item, ast.Starred) for item in items):
        return None
    parts: list[Any] = []
    literal = ""
    left = list(items)
    end = 0
    for found in re.finditer("%", text):
        if found.start() < end:
            continue
        conversion = _CONVERSION.match(text, found.start())
        if conversion is None or conversion[1] is None and not left:
            return None
        literal += text[end : found.start()]
        end = conversion.end()
        if conversion[1]:
            literal += "%"
            continue
        if literal:
            parts.append(ast.Constant(literal))
        literal = ""
        parts.append(_formatted(left.pop(0), conversion))
    literal += text[end:]
    if literal:
        parts.append(ast.Constant(literal))
    if left:
        return None
    joined = ast.JoinedStr(parts)
    for node in [joined, *parts, *(part.format_spec for part in parts if isinstance(part, ast.FormattedValue))]:
        for each in ast.walk(node) if isinstance(node, (ast.Constant, ast.JoinedStr)) and node is not joined else [node]:
            if each is not None:
                ast.copy_location(each, e)
    return joined


def _formatted(value: ast.expr, conversion: re.Match[str]) -> ast.FormattedValue:
    _, to_left, width, precision, kind = conversion.groups()
    spec = ("" if to_left or not int(width or 0) else ">") + (str(int(width)) if int(width or 0) else "")
    spec += f".{int(precision or 0)}" if precision is not None else ""
    return ast.FormattedValue(value, ord(kind), ast.JoinedStr([ast.Constant(spec)]) if spec else None)
