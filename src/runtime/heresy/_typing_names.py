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
    from collections import namedtuple

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
            fields = body.pop("__annotations__")
            defaults = [body.pop(field) for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body.pop("__module__"))
            for attribute, value in body.items():
                if attribute not in ("__firstlineno__", "__static_attributes__"):
                    setattr(made, attribute, value)
            return made

    NamedTuple = type.__new__(_Fields, "NamedTuple", (), {})
