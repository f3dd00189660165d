"""Classes and their instances."""

import abc
import collections
import dataclasses
import enum
import typing


def simple_class():
    class C:
        """Doc."""

        x = [1]

        def __init__(self):
            self.y = C.x

    c = C()
    c.me = c
    yield
    print(c.y is C.x, c.me is c, C.__doc__, C.__qualname__, type(c) is C, C().y)


def module_class():
    global Held

    class Held:
        n = 0

        def up(self):
            Held.n += 1
            return Held.n

    held = Held()
    held.up()
    yield
    print(held.up(), type(held) is Held, globals()["Held"] is Held)


def inheritance():
    class A:
        def m(self):
            return "A"

    class B(A):
        def m(self):
            return "B" + super().m()

    class C(A):
        def m(self):
            return "C" + super().m()

    class D(B, C):
        pass

    d = D()
    yield
    print(d.m(), [c.__name__ for c in D.__mro__], A.__subclasses__() == [B, C])


def metaclasses():
    class Meta(type):
        made = []

        def __new__(meta, name, bases, space, **k):
            cls = super().__new__(meta, name, bases, space)
            meta.made.append((name, k))
            return cls

        def __init__(cls, name, bases, space, **k):
            super().__init__(name, bases, space)

        def __call__(cls, *a):
            return super().__call__(*a)

        def hello(cls):
            return "hello " + cls.__name__

    class C(metaclass=Meta, flag=1):
        pass

    c = C()
    yield
    print(Meta.made, C.hello(), type(C) is Meta, type(c) is C, isinstance(C(), C))


def slots():
    class S:
        __slots__ = ("a", "b", "__weakref__")

    class T(S):
        __slots__ = ("c",)

    t = T()
    t.a, t.c = [1], t
    yield
    print(t.a, t.c is t, hasattr(t, "b"), hasattr(t, "__dict__"))
    t.b = 5
    print(t.b)


def init_subclass_and_set_name():
    log = []

    class D:
        def __set_name__(self, owner, name):
            log.append((owner.__name__, name))

        def __get__(self, obj, owner):
            return 42

    class A:
        def __init_subclass__(cls, **k):
            log.append((cls.__name__, k))

    class B(A, k=1):
        d = D()

    yield
    print(log, B().d)

    class C(A, k=2):
        pass

    print(log[-1])


def generics():
    T = typing.TypeVar("T")
    K = typing.TypeVar("K", bound=int)
    P = typing.ParamSpec("P")
    Ts = typing.TypeVarTuple("Ts")

    class Box(typing.Generic[T]):
        def __init__(self, x: T):
            self.x = x

    alias, b = Box[int], Box[int](5)
    yield
    print(b.x, alias.__origin__ is Box, alias.__args__, Box.__parameters__[0] is T, K.__bound__, P.__name__, Ts.__name__)
    print(b.__orig_class__ == alias, alias(6).x)


def typing_aliases():
    found = (
        typing.Optional[int], typing.Union[int, str], typing.Callable[[int], str], typing.Literal["a", 1], list[int],
        typing.Any, typing.ClassVar[int], int | str, tuple[int, ...], typing.Annotated[int, "x"], dict[str, list[int]],
    )  # fmt: skip
    yield
    print(found[0] == typing.Optional[int], found[1] == typing.Union[int, str], found[2].__args__, found[3].__args__)
    print(found[4], found[5] is typing.Any, found[7] == int | str, found[9].__metadata__, found[10], type(found[4]))


def new_types():
    UserId = typing.NewType("UserId", int)
    yield
    print(UserId(5), UserId.__name__, UserId.__supertype__)


def abstract_classes():
    class A(abc.ABC):
        @abc.abstractmethod
        def m(self): ...

        @property
        @abc.abstractmethod
        def p(self): ...

    class B(A):
        m = p = 1

    A.register(list)
    yield
    print(isinstance([], A), isinstance(B(), A), sorted(A.__abstractmethods__))
    try:
        A()
    except TypeError as error:
        print("abstract" in str(error))


def protocols():
    @typing.runtime_checkable
    class Quacks(typing.Protocol):
        def quack(self) -> str: ...

    class Duck:
        def quack(self):
            return "quack"

    d = Duck()
    yield
    print(isinstance(d, Quacks), isinstance(1, Quacks), issubclass(Duck, Quacks))


def data_classes():
    @dataclasses.dataclass(order=True)
    class P:
        x: int
        y: list = dataclasses.field(default_factory=list, compare=False)
        z: int = 3

    p = P(1)
    p.y.append(p.x)
    yield
    print(p, P(2) > p, dataclasses.asdict(p), P(5).y, [f.name for f in dataclasses.fields(p)], dataclasses.replace(p, x=9))


def frozen_data_classes():
    @dataclasses.dataclass(frozen=True, slots=True)
    class P:
        x: int
        y: tuple = ()

    p = P(1)
    d = {p: "here"}
    yield
    print(d[P(1)], p == P(1), hash(p) == hash(P(1)), hasattr(p, "__dict__"))
    try:
        p.x = 2
    except dataclasses.FrozenInstanceError as error:
        print(error)


def keyword_data_classes():
    @dataclasses.dataclass(kw_only=True)
    class A:
        n: int = 1
        total: dataclasses.InitVar[int] = 2

        def __post_init__(self, total):
            self.sum = self.n + total

    @dataclasses.dataclass
    class B(A):
        m: str = "m"

    b = B(n=2)
    yield
    print(b, b.sum, B(n=3, total=4).sum, B.__match_args__)


def enums():
    class Colour(enum.Enum):
        RED = 1
        GREEN = "g"
        ALSO = 1

        @property
        def low(self):
            return self.name.lower()

    held = Colour.RED
    yield
    print(held is Colour.RED, Colour(1) is held, Colour["ALSO"] is held, list(Colour), held.low, Colour.GREEN.value)


def int_and_str_enums():
    class N(enum.IntEnum):
        A = 1
        B = enum.auto()

    class S(enum.StrEnum):
        X = enum.auto()

    n, s = N.B, S.X
    yield
    print(n + 1, n is N.B, s == "x", s is S.X, f"{s} {n:d}", repr(n))


def flags():
    class P(enum.Flag):
        R = 4
        W = 2
        X = 1
        RW = R | W

    both, none = P.R | P.X, P(0)
    yield
    print(both, P.X in both, both & P.R is P.R, none, ~P.R, P.RW is P.R | P.W, both is P.R | P.X)


def enums_of_objects():
    class Planet(enum.Enum):
        EARTH = (5.9, 6.3)
        MARS = (0.6, 3.3)

        def __init__(self, mass, radius):
            self.mass, self.radius = mass, radius

    m = Planet.MARS
    yield
    print(m.mass, m is Planet.MARS, Planet((5.9, 6.3)))


def unique_enum_members():
    class T(enum.Enum):
        A = object()
        B = [1]

    a = T.A.value
    yield
    print(T.A.value is a, T.B.value, T([1]) is T.B)


def library_enums():
    import http
    import signal
    import uuid

    found = http.HTTPStatus.NOT_FOUND, signal.SIGTERM, uuid.SafeUUID.safe
    yield
    print(found[0] is http.HTTPStatus.NOT_FOUND, found[1] is signal.SIGTERM, found[2] is uuid.SafeUUID.safe)


def named_tuples():
    class P(typing.NamedTuple):
        x: int
        y: int = 2

        def sum(self):
            return self.x + self.y

    Q = collections.namedtuple("Q", "a b", defaults=[5])
    p, q = P(1), Q(1)
    yield
    print(p, p.sum(), q, Q(7), p._replace(x=3), P._fields, q._asdict(), type(p) is P)


def typed_dicts():
    class D(typing.TypedDict, total=False):
        x: int

    d: D = {"x": 1}
    yield
    print(d, D.__total__, list(D.__annotations__), D(x=2))


def subclasses_of_builtins():
    class L(list):
        pass

    class D(dict):
        def __missing__(self, key):
            return key * 2

    class I(int):  # noqa: E742
        pass

    class S(str):
        pass

    class T(tuple):
        pass

    class F(frozenset):
        pass

    found = L([1]), D(a=1), I(5), S("s"), T((1,)), F([1])
    found[0].me = found[0]
    found[2].note = "n"
    yield
    print(found, [type(f).__name__ for f in found], found[0].me is found[0], found[1]["x"], found[2].note)


def simple_namespaces():
    import types

    n = types.SimpleNamespace(a=1)
    n.me = n
    yield
    print(n.a, n.me is n)


def reduce_methods_are_not_called():
    class C:
        def __reduce__(self):
            raise AssertionError

        def __getstate__(self):
            raise AssertionError

        def __setstate__(self, state):
            raise AssertionError

    c = C()
    c.x = 1
    yield
    print(c.x)


def descriptors():
    class Positive:
        def __set_name__(self, owner, name):
            self.name = "_" + name

        def __get__(self, obj, owner):
            return self if obj is None else getattr(obj, self.name)

        def __set__(self, obj, value):
            setattr(obj, self.name, abs(value))

    class C:
        x = Positive()

    c = C()
    c.x = -1
    yield
    c.x *= -5
    print(c.x, C.x.name)


def new_style_generics():
    import sys

    if sys.version_info < (3, 12):
        return
    space = {}
    exec("class Box[T]:\n    def get(self) -> T: return 1\ntype Pair[A] = tuple[A, A]\n", space)
    params = space["Pair"].__type_params__
    del space
    yield
    print(params, params[0].__name__)


def exceptions():
    class Mine(ValueError):
        def __init__(self, a, *, b):
            super().__init__(a)
            self.b = b

    try:
        try:
            raise KeyError("k")
        except KeyError as cause:
            raise Mine(1, b=2) from cause
    except Mine as error:
        held = error
        held.add_note("note")
    group = ExceptionGroup("g", [held, OSError(2, "no", "file")])
    yield
    print(repr(held), held.b, repr(held.__cause__), held.__notes__, group.exceptions[0] is held, group.exceptions[1])
    print(group.exceptions[1].filename, held.__traceback__.tb_frame.f_code.co_name)


def standard_exceptions():
    import json
    import subprocess

    found = [
        UnicodeDecodeError("utf-8", b"x", 0, 1, "why"), SystemExit(3), StopIteration(5), KeyError("k"), OSError(13, "x"),
        json.JSONDecodeError("m", "doc", 1), subprocess.CalledProcessError(1, "cmd", b"out"), ImportError("m", name="n"),
    ]  # fmt: skip
    yield
    for error in found:
        print(repr(error), str(error))
    print(found[0].reason, found[1].code, found[2].value, type(found[4]), found[5].pos, found[6].output, found[7].name)


def derived_from_types_of_c():
    import array
    import datetime
    import decimal
    import random

    class Lists(collections.defaultdict):
        pass

    class Memo(collections.OrderedDict):
        def __init__(self, size=2):
            super().__init__()
            self.size = size
            print("a new memo")

        def __setitem__(self, key, value):
            print("set", key)
            super().__setitem__(key, value)

    class History(collections.deque):
        def __init__(self, size):
            super().__init__(maxlen=size)

        def append(self, value):
            print("appended")
            super().append(value)

    class Day(datetime.date):
        pass

    class Moment(datetime.datetime):
        def __new__(cls, parts):
            return super().__new__(cls, *parts)

    class Span(datetime.timedelta):
        pass

    class Zone(datetime.tzinfo):
        def __init__(self, hours):
            self.hours = hours

        def utcoffset(self, moment):
            return datetime.timedelta(hours=self.hours)

    class Amount(decimal.Decimal):
        def __new__(cls, value, unit):
            made = super().__new__(cls, value)
            made.unit = unit
            return made

    class Dice(random.Random):
        def __init__(self, name, seed):
            self.name = name
            super().__init__(seed)

        def seed(self, *values):
            print("seeded")
            super().seed(*values)

    class Bytes(bytearray):
        def __init__(self, name, value):
            super().__init__(value)
            self.name = name

    class Numbers(array.array):
        pass

    class Count(collections.Counter):
        def __init__(self, n):
            super().__init__()
            self.n = n

    class Tagged(property):
        def __init__(self, function, tag):
            super().__init__(function)
            self.tag = tag

    class Holder:
        five = Tagged(lambda self: 5, "t")

    lists, memo, history, own = Lists(list), Memo(5), History(3), History(2)
    lists["a"].append(1)
    memo["x"], memo["y"] = 1, 2
    del memo["x"]
    history.extend([1, 2])
    own.append(own)
    day, moment, span, zone = Day(2024, 1, 2), Moment((2024, 1, 2, 3)), Span(3), Zone(4)
    day.note = moment.note = span.note = zone.note = "noted"
    amount, dice, data, numbers, count = Amount("1.5", "kg"), Dice("d", 4), Bytes("b", b"abc"), Numbers("i", [1, 2]), Count(3)
    dice.random()
    numbers.note = "n"
    count["q"] += 1
    yield
    print(lists.default_factory, dict(lists), lists["z"])
    print(memo.size, dict(memo), list(memo))
    print(history, history.maxlen, own[0] is own)
    print(day, day.note, moment, moment.note, span, span.note, zone.utcoffset(None), zone.note)
    print(amount, amount.unit, dice.name, dice.random(), data, data.name, numbers, numbers.note, count, count.n)
    print(Holder().five, Holder.__dict__["five"].tag)
