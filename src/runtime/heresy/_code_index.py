"""The code objects of a compiled module, by name.

A checkpoint holds no code. A function or a frame in it names its code, and the same name is found in the module when it
is compiled again, by another CPython too.
"""

from __future__ import annotations

import sys
import types

from ._errors import InternalError
from ._typing_names import Any, TypeAlias

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: A code object's name: its qualified name, and which one of that name in source order.
ScopeKey: TypeAlias = tuple[str, int]

_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})

#: From 3.14 annotations are evaluated on demand by an ``__annotate__`` function.
LAZY_ANNOTATIONS = sys.version_info >= (3, 14)

#: The flag of a function's code, which a class body's has not.
_OPTIMIZED = 0x0001
#: The flag by which `types.coroutine` marks a generator function, whose code it replaces by a copy.
MARK = 0x0100
_TOLD_APART_BY = ("co_filename", "co_qualname", "co_linetable", "co_names", "co_varnames", "co_freevars")


class CodeIndex:
    """The code objects of a compiled module, by name and by identity."""

    def __init__(self, module: types.CodeType) -> None:
        self._by_key: dict[ScopeKey, types.CodeType] = {}
        self._by_id: dict[int, ScopeKey] = {}
        named: dict[str, list[types.CodeType]] = {}
        everything = [*walk_code(module)]
        self._functions = {code.co_qualname for code in everything if code.co_flags & _OPTIMIZED}
        for code in everything:
            named.setdefault(self._name(code), []).append(code)
        for name, codes in named.items():
            for number, code in enumerate(sorted(codes, key=lambda c: c.co_firstlineno)):
                self._by_key[name, number] = code
                self._by_id[id(code)] = (name, number)

    def key(self, code: types.CodeType) -> ScopeKey | None:
        """The name of a code object, or of the one that it is a marked copy of."""
        found = self._by_id.get(id(code))
        if found is None and code.co_flags & MARK:
            return next((key for key, own in self._by_key.items() if is_marked_copy(code, own)), None)
        return found

    def named(self, code: types.CodeType) -> types.CodeType | None:
        """The code object here that has the name of another compilation's, at the same line."""
        for number in range(len(self._by_key)):
            found = self._by_key.get((self._name(code), number))
            if found is None or found.co_firstlineno == code.co_firstlineno:
                return marked(found, code.co_flags & MARK) if found is not None else None
        return None

    def _name(self, code: types.CodeType) -> str:
        """Its qualified name, as all versions could have it.

        Comprehensions have code objects of their own in 3.11 only, so names inside do not tell of them. What evaluates a
        function's annotations is named like what is in the function since 3.15, and before like what is beside it.
        """
        *around, last = code.co_qualname.split(".")
        if last == "__annotate__" and ".".join(around) in self._functions:
            around.pop()
        return ".".join([*(part for part in around if part not in _COMPREHENSIONS), last])

    def code(self, key: ScopeKey) -> types.CodeType | None:
        return self._by_key.get(tuple(key))  # type: ignore[arg-type]


def is_marked_copy(code: types.CodeType, original: types.CodeType) -> bool:
    """Whether a code object differs from ``original`` by its mark only."""
    return (
        code.co_firstlineno == original.co_firstlineno
        and code.co_flags == original.co_flags | MARK
        and all(getattr(code, name) == getattr(original, name) for name in _TOLD_APART_BY)
        # The mark changes what `yield from` accepts; from 3.15 on an instruction says so.
        and code.co_code == original.replace(co_flags=code.co_flags).co_code
        and len(code.co_consts) == len(original.co_consts)
        # By identity: resume forms of one scope differ in the objects that they hold.
        and all(mine is its for mine, its in zip(code.co_consts, original.co_consts))
    )


def marked(code: types.CodeType, mark: int) -> types.CodeType:
    """A code object with this mark, which may be none: all copies of one are the same."""
    if code.co_flags | mark == code.co_flags:
        return code
    if id(code) not in _marked:
        _marked[id(code)] = code, code.replace(co_flags=code.co_flags | mark)
    return _marked[id(code)][1]


_marked: dict[int, tuple[types.CodeType, types.CodeType]] = {}


def with_own_code(code: types.CodeType, run_code: types.CodeType) -> types.CodeType:
    """Another compilation of a scope, with the scope's own code objects inside: what is made of them can be found again.

    The instructions may differ: how ``super()`` is called depends on names elsewhere in the module; or the bodies of what it
    defines were left out.
    """
    return _with(code, _Own(run_code))


class _Own:
    """The code objects inside a scope's, by what tells them apart."""

    def __init__(self, run_code: types.CodeType) -> None:
        self.run_code = run_code
        self._by_name: dict[tuple[str, int], types.CodeType] = {}
        self._by_place: dict[tuple[Any, ...], types.CodeType] | None = None
        for inner in run_code.co_consts:
            if isinstance(inner, types.CodeType):
                self._by_name.setdefault((inner.co_name, inner.co_firstlineno), inner)

    def find(self, code: types.CodeType) -> types.CodeType | None:
        """The one that another compilation of the same text is."""
        # No two functions or classes with names begin at one line.
        found = None if code.co_name.startswith(("<", "__annotate__")) else self._by_name.get((code.co_name, code.co_firstlineno))
        if found is not None:
            return found
        if self._by_place is None:
            self._by_place = {}
            for inner in walk_code(self.run_code):
                self._by_place.setdefault(_stands_at(inner), inner)
        return self._by_place.get(_stands_at(code))

    def has_such(self, code: types.CodeType) -> bool:
        """Whether one of that name begins at its line. Else it is what the compiler saw to be never reached, and left out."""
        such = code.co_name, code.co_firstlineno
        return any((inner.co_name, inner.co_firstlineno) == such for inner in walk_code(self.run_code))


def _with(code: types.CodeType, own: _Own) -> types.CodeType:
    consts: list[Any] = []
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            found = own.find(const)
            if found is None and const.co_name not in _WRITTEN_ANEW and own.has_such(const):
                raise InternalError(f"{const.co_qualname} is not in {code.co_qualname} as it was")
            const = found or _with(const, own)
        consts.append(const)
    return code.replace(co_consts=tuple(consts))


#: What may be compiled in another way: comprehensions in progress; and of a module, what evaluates its annotations, from its
#: first statement on. It takes its place for a moment only.
_WRITTEN_ANEW = _COMPREHENSIONS | {"<genexpr>", "__annotate__"}


def _stands_at(code: types.CodeType) -> tuple[Any, ...]:
    """The name of a code object, its variables, and where its text starts and ends."""
    # Instructions that stand for no text are at its first column.
    places = [place for place in code.co_positions() if None not in place and place[:1] + place[2:3] != place[1::2]]
    starts = [(line, column) for line, _, column, _ in places]
    ends = [(line, column) for _, line, _, column in places]
    extent = min(starts, default=None), max(ends, default=None)  # type: ignore[type-var]
    return code.co_name, code.co_firstlineno, code.co_varnames, code.co_freevars, *extent


def captured(code: types.CodeType) -> set[str]:
    """The names that functions inside of ``code`` take from around them; what only comprehensions take does not count."""
    names: set[str] = set()
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            free = set(const.co_freevars)
            names |= free & captured(const) if const.co_name in _COMPREHENSIONS else free
    return names


def walk_code(code: types.CodeType) -> Iterator[types.CodeType]:
    """``code`` and all code objects inside it, in order of their constants."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from walk_code(const)
