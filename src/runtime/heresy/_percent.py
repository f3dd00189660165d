"""``"%s: %r" % (a, b)``, which CPython compiles like the f-string ``f"{a!s}: {b!r}"``."""

from __future__ import annotations

from . import _tree as ast
from ._typing_names import Any, NamedTuple


class _Conversion(NamedTuple):
    """What stands in the text for a value, or for a ``%``.

    Attributes:
        kind: ``s``, ``r`` or ``a``; or ``%``.
        end: where the text goes on.
    """

    kind: str
    to_left: bool
    width: str
    precision: str | None
    end: int


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
    while (start := text.find("%", end)) >= 0:
        conversion = _conversion(text, start)
        if conversion is None or conversion.kind != "%" and not left:
            return None
        literal += text[end:start]
        end = conversion.end
        if conversion.kind == "%":
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


def _conversion(text: str, start: int) -> _Conversion | None:
    """What stands at a ``%``; None if it is not one of those that are compiled so."""
    if text[start + 1 : start + 2] == "%":
        return _Conversion("%", False, "", None, start + 2)
    to_left = text[start + 1 : start + 2] == "-"
    end = start + 1 + to_left
    width = _digits(text, end)
    end += len(width)
    precision = None
    if text[end : end + 1] == ".":
        precision = _digits(text, end + 1)
        end += 1 + len(precision)
    kind = text[end : end + 1]
    return _Conversion(kind, to_left, width, precision, end + 1) if kind and kind in "sra" else None


def _digits(text: str, start: int) -> str:
    end = start
    while text[end : end + 1].isdecimal():
        end += 1
    return text[start:end]


def _formatted(value: ast.expr, conversion: _Conversion) -> ast.FormattedValue:
    kind, to_left, width, precision, _ = conversion
    spec = ("" if to_left or not int(width or 0) else ">") + (str(int(width)) if int(width or 0) else "")
    spec += f".{int(precision or 0)}" if precision is not None else ""
    return ast.FormattedValue(value, ord(kind), ast.JoinedStr([ast.Constant(spec)]) if spec else None)
