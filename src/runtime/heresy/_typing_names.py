"""What the runtime needs of `typing`, without `typing`: to import it takes longer than to restore a small program.

For a type checker all of it is the library's.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as Any
    from typing import NamedTuple as NamedTuple
    from typing import NoReturn as NoReturn
    from typing import Protocol as Protocol
    from typing import TypeAlias as TypeAlias
else:
    from _collections import _tuplegetter

    class Any:
        """Anything, in an annotation."""

    class NoReturn:
        """Nothing, in an annotation."""

    class Protocol:
        """What a class of the runtime's is to have."""

    class TypeAlias:
        """A name for a type."""

    class _Fields(type):
        """Makes a named tuple of a class body, as `typing.NamedTuple` does."""

        def __new__(meta, name, bases, body):
            fields = tuple(body.pop("__annotations__", ()))
            if not fields and "__annotate_func__" in body:
                fields = tuple(body.pop("__annotate_func__")(1))
            defaults = {field: body.pop(field) for field in fields if field in body}
            own = {"__slots__": (), "__new__": _new(fields, defaults), "__getnewargs__": _items, "__match_args__": fields}
            own |= {"_fields": fields, "_replace": _replaced}
            own |= {field: _tuplegetter(index, None) for index, field in enumerate(fields)}
            return type(name, (tuple,), {**own, **body})

    def _new(fields, defaults):
        count, make = len(fields), tuple.__new__

        def new(cls, /, *values, **named):
            if named or len(values) != count:
                named = {**defaults, **dict(zip(fields, values)), **named}
                if len(values) > count or named.keys() != {*fields}:
                    raise TypeError(f"{cls.__name__} has the fields {', '.join(fields)}")
                values = [named[field] for field in fields]
            return make(cls, values)

        return new

    def _items(self):
        return tuple(self)

    def _replaced(self, /, **changes):
        """The same but for some fields."""
        return type(self)(**{**dict(zip(self._fields, self)), **changes})

    NamedTuple = type.__new__(_Fields, "NamedTuple", (), {})
