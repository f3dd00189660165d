"""Placeholders: what stands in a continued program for an object that could not be saved.

A placeholder keeps the object's identity, so that all its names, the keys and the sets that held it still hold one and the
same; it may be passed on, compared by ``is``, put into containers, and shown by ``repr``. Whatever else is done with it raises
`heresy.UnsavedObjectError`, which says what it was, where, and what to do: an attribute is asked for or set, it is called,
iterated over, compared, tested for truth, entered by ``with``, awaited, given to ``isinstance`` or to C code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .._typing_names import Any, NoReturn
from .pickling import REDUCERS, Reduced, StatePickler

#: The special methods by which Python uses an object. Not among them: what would make a placeholder in a class's namespace
#: another thing than it was (``__get__``, ``__set_name__``); ``__hash__`` and ``__repr__``, which it has; and ``__call__``.
_USES = """
    getattribute setattr delattr dir str format bytes bool len length_hint getitem setitem delitem contains iter next reversed
    eq ne lt le gt ge enter exit await aiter anext aenter aexit int float complex index round trunc floor ceil
    neg pos abs invert sizeof copy deepcopy reduce reduce_ex getstate fspath buffer instancecheck subclasscheck
""".split()
_OPERATORS = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or".split()
_ALL = [*_USES, *(prefix + name for name in _OPERATORS for prefix in ("", "r", "i") if prefix + name != "idivmod")]


class Placeholder:
    """Stands for an object that could not be saved.

    Attributes:
        _text: what it was, where, and what to do. Like all attributes it cannot be asked for: see `text_of`.
        _kind: the name of its type.
    """

    __slots__ = ("_text", "_kind", "__weakref__")

    def __repr__(self) -> str:
        return f"<unsaved {_KIND(self)}>"

    __hash__ = object.__hash__


_TEXT: Callable[[Any], str] = Placeholder.__dict__["_text"].__get__
_KIND: Callable[[Any], str] = Placeholder.__dict__["_kind"].__get__


def _use(self: Any, *_: Any, **__: Any) -> NoReturn:
    from .._api import UnsavedObjectError

    raise UnsavedObjectError(f"it could not be saved: {_TEXT(self)}")


class CallablePlaceholder(Placeholder):
    """The same for what could be called; ``callable`` tells them apart."""

    __slots__ = ()
    __call__ = _use


class SequencePlaceholder(Placeholder):
    """The same for what ``match`` takes for a sequence."""

    __slots__ = ()


class MappingPlaceholder(Placeholder):
    """The same for what ``match`` takes for a mapping."""

    __slots__ = ()


for _name in _ALL:
    setattr(Placeholder, f"__{_name}__", _use)
Sequence.register(SequencePlaceholder)
Mapping.register(MappingPlaceholder)

#: What `type.__flags__` says of classes whose instances `match` takes for one or the other.
_IS_SEQUENCE, _IS_MAPPING = 1 << 5, 1 << 6
_CLASSES = (Placeholder, CallablePlaceholder, SequencePlaceholder, MappingPlaceholder)


def shape_of(obj: Any) -> int:
    """Which class a placeholder for an object is to be of."""
    if callable(obj):
        return 1
    flags = type(obj).__flags__
    return 2 if flags & _IS_SEQUENCE else 3 if flags & _IS_MAPPING else 0


def text_of(placeholder: Any) -> str:
    """What a placeholder says when it is used."""
    return _TEXT(placeholder)


#: The placeholders of the program that is being restored; those whose text is to come, by their number.
restored: list[Any] = []
_nameless: dict[int, Any] = {}


def make(shape: int, kind: str, text: str | int) -> Any:
    """A placeholder; its text may come later, by its number: see `name`."""
    placeholder: Any = object.__new__(_CLASSES[shape])
    _set(placeholder, "_kind", kind)
    _set(placeholder, "_text", f"a {kind} that could not be saved")
    if type(text) is int:
        _nameless[text] = placeholder
    else:
        _set(placeholder, "_text", text)
    restored.append(placeholder)
    return placeholder


def name(texts: list[str]) -> None:
    """Gives placeholders their texts, by their numbers."""
    for number, placeholder in _nameless.items():
        _set(placeholder, "_text", texts[number])
    _nameless.clear()


def _set(placeholder: Any, attribute: str, value: Any) -> None:
    Placeholder.__dict__[attribute].__set__(placeholder, value)


def _placeholder(pickler: StatePickler, placeholder: Any) -> Reduced:
    """One that is saved once more."""
    pickler.placeholders.append(_TEXT(placeholder))
    return make, (_CLASSES.index(type(placeholder)), _KIND(placeholder), _TEXT(placeholder))


REDUCERS.update(dict.fromkeys(_CLASSES, _placeholder))
