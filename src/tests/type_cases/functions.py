"""Functions, and what is made of them."""

import functools


def plain_function():
    def f(a, /, b=[1], *c, d: int = 2, **e) -> str:
        """Doc."""
        return a, b, c, d, e

    f.note = g = f
    yield
    print(f(0), f(1, 2, 3, d=4, x=5), f.note is g is f, f.__doc__, f.__annotations__, f.__defaults__, f.__kwdefaults__)


def lambdas():
    f, g = lambda x: x + 1, lambda *a, k=3: (a, k)
    yield
    print(f(1), g(1, 2), f.__name__, f.__qualname__)


def shared_cells():
    n = 0

    def up():
        nonlocal n
        n += 1
        return n

    def read():
        return n

    up()
    yield
    print(up(), read(), up.__closure__[0] is read.__closure__[0], n)


def empty_cell():
    def f():
        return later

    yield
    later = 5
    print(f())


def without_cells():
    def alone():
        return 1

    yield
    print(alone(), alone.__closure__)


def recursive_closure():
    def fact(n):
        return 1 if n < 2 else n * fact(n - 1)

    yield
    print(fact(5), fact.__closure__[0].cell_contents is fact)


def bound_methods():
    class C:
        def m(self):
            return self

        @classmethod
        def c(cls):
            return cls

        @staticmethod
        def s():
            return "s"

    c = C()
    m, k, s, a = c.m, C.c, C.s, [].append
    yield
    print(m() is c, k() is C, s(), m.__self__ is c, C.__dict__["c"].__func__ is k.__func__, a.__name__)
    a(1)
    print(a.__self__)


def methods_of_builtins():
    d = {}
    found = [d.get, "a".join, str.upper, dict.fromkeys, int.from_bytes, len, (3).__add__, object.__repr__, [].__len__]
    yield
    d[1] = 2
    print(found[0](1), found[1]("xy"), found[2]("q"), found[3]("a"), found[4](b"\x01", "big"), found[5] is len)
    print(found[6](4), found[7](1)[:12], found[8](), found[0].__self__ is d)


def partials():
    def f(*a, **k):
        return a, k

    p = functools.partial(f, 1, x=2)
    p.note = p
    q = functools.partial(p, 3, x=4)
    yield
    print(p(9), q(5, y=6), p.note is p, q.func is f, q.args, q.keywords)


def partial_methods():
    class C:
        def m(self, a, b):
            return a, b

        half = functools.partialmethod(m, 1)

    c = C()
    yield
    print(c.half(2), type(C.__dict__["half"]).__name__)


def caches():
    calls = []

    @functools.lru_cache(maxsize=2)
    def f(x):
        calls.append(x)
        return x * 2

    @functools.cache
    def g(*a, **k):
        calls.append(a)
        return [a, k]

    f(1), f(2), f(1), f(3)
    held = g(1, k=2)
    yield
    print(f(1), f(2), calls, f.cache_info(), g(1, k=2) is held, g.cache_info(), f.__wrapped__(7))


def cached_properties():
    class C:
        @functools.cached_property
        def p(self):
            return []

    c, d = C(), C()
    held = c.p
    yield
    print(c.p is held, d.p == [], d.p is d.p, C.p.attrname)


def properties():
    class C:
        @property
        def p(self):
            "Doc."
            return self._p

        @p.setter
        def p(self, value):
            self._p = value * 2

    c = C()
    c.p = 1
    yield
    c.p += 1
    print(c.p, C.p.__doc__, C.p.fset is not None)


def decorated():
    def twice(f):
        @functools.wraps(f)
        def wrapper(*a):
            return f(*a) * 2

        return wrapper

    @twice
    def f(x):
        "Doc."
        return x + 1

    yield
    print(f(1), f.__name__, f.__doc__, f.__wrapped__(1))


def operator_objects():
    import operator

    found = operator.itemgetter(1, 2), operator.attrgetter("a.b"), operator.methodcaller("upper")
    yield
    print(found[0]("abc"), found[2]("q"), found)


def total_ordering_and_key():
    @functools.total_ordering
    class C:
        def __init__(self, n):
            self.n = n

        def __eq__(self, other):
            return self.n == other.n

        def __lt__(self, other):
            return self.n < other.n

    c = C(1)
    key = functools.cmp_to_key(lambda a, b: b - a)
    one = key(1)
    yield
    print(c <= C(2), c > C(0), sorted([1, 3, 2], key=key), one < key(0))


def coroutine_function():
    async def f():
        return 5

    yield
    try:
        f().send(None)
    except StopIteration as stop:
        print(stop.value)


def code_object():
    def f(x):
        return x + 1

    code = f.__code__
    yield
    print(code is f.__code__, code.co_name, eval(code.replace(), {"x": 1}) if not code.co_argcount else code.co_argcount)


def super_proxies():
    class A:
        def m(self):
            return "A"

    class B(A):
        def m(self):
            return "B" + super().m()

        def proxy(self):
            return super()

    b = B()
    proxy = b.proxy()
    yield
    print(b.m(), proxy.m(), proxy.__self__ is b)


def generators():
    def count(n):
        for i in range(n):
            got = yield i
            if got:
                yield "got", got

    fresh, begun, done, expression = count(3), count(3), count(0), (c * 2 for c in "abc")
    next(begun), list(done), next(expression)
    yield
    print(list(fresh), begun.send("x"), list(begun), list(done), list(expression), begun.__name__)


def generator_chain():
    def inner():
        yield 1
        yield 2
        return 3

    def outer():
        got = yield from inner()
        yield got

    it = outer()
    next(it)
    same = it
    yield
    print(list(it), same is it)
