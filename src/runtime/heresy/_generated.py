"""The ``__init__`` that ``@dataclass`` has written, between a frame of the program's and its ``__post_init__``.

Its code has no file and no syntax tree, but it is known: ``__post_init__`` is the last that it calls. So it is not saved
as a frame; once ``__post_init__`` has returned, it returns. When a program is continued, a function with its name, line and
variables takes its place on the stack, so that tracebacks and debuggers see it.
"""

from __future__ import annotations

import functools
import itertools
import types
from collections.abc import Callable

from . import _constants, _cpython
from . import _tree as ast
from ._kinds import is_a
from ._typing_names import Any, NamedTuple

_FILE = "<string>"
_INNER = frozenset({"heresy.inner"})
#: For each code object that stands in for a generated one: itself, and the generated one.
_stand_ins: dict[int, tuple[types.CodeType, types.CodeType]] = {}


class Generated(NamedTuple):
    """A generated ``__init__`` that is calling ``__post_init__``.

    Attributes:
        cls: the class that it belongs to.
        line: where it is, in the text that it was compiled from.
        variables: its variables.
    """

    cls: type
    line: int
    variables: dict[str, Any]


def original(code: types.CodeType) -> types.CodeType:
    """The code that a code object stands for: the generated one, or itself."""
    found = _stand_ins.get(id(code))
    return found[1] if found is not None else code


def generated(frame: types.FrameType) -> Generated | None:
    """What a frame is, if it is one of a generated ``__init__`` that does nothing more than to return."""
    code = frame.f_code
    if code.co_filename != _FILE or code.co_name != "__init__" or not code.co_argcount:
        return None
    instance = frame.f_locals.get(code.co_varnames[0])
    for cls in type.__dict__["__mro__"].__get__(type(instance)):
        function = cls.__dict__.get("__init__")
        if is_a(function, types.FunctionType) and function.__code__ is original(code):
            ends = "__dataclass_fields__" in cls.__dict__ and _cpython.only_returns_after(code, frame.f_lasti)
            # What a frame itself says of its line is that of the last event it was traced for.
            line = next(itertools.islice(code.co_positions(), frame.f_lasti // 2, None))[0]
            return Generated(cls, line or code.co_firstlineno, dict(frame.f_locals)) if ends else None
    return None


def rebuilt(what: Generated, inner: Callable[[], Any]) -> Callable[[], Any]:
    """The frame as something to call: it runs ``inner`` and returns."""
    function = what.cls.__dict__["__init__"]
    code = function.__code__
    names = [name for name in code.co_varnames if name in what.variables]
    call = ast.Call(ast.Call(ast.Attribute(ast.Constant(_INNER), "pop", ast.Load()), [], []), [], [])
    arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    definition = ast.FunctionDef("__init__", arguments, [ast.Expr(call)], [])
    if "type_params" in definition._fields:
        definition.type_params = []
    for node in ast.walk(definition):
        if "lineno" in node._attributes:
            line = code.co_firstlineno if node is definition else what.line
            node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
            node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    compiled = compile(ast.Module([definition], []), _FILE, "exec", dont_inherit=True)
    mine = next(const for const in compiled.co_consts if is_a(const, types.CodeType))
    mine = mine.replace(co_qualname=code.co_qualname)
    mine = _constants.bind_constants(mine, {_INNER: [inner]})
    _stand_ins[id(mine)] = mine, code
    return functools.partial(types.FunctionType(mine, function.__globals__), *(what.variables[name] for name in names))
