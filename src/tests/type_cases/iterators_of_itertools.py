"""Iterators of `itertools` in mid-course."""

import itertools
import operator
import sys


def accumulates():
    a, b, c, d = (
        itertools.accumulate([1, 2, 3, 4]),
        itertools.accumulate([1, 2, 3, 4], operator.mul, initial=10),
        itertools.accumulate("abc"),
        itertools.accumulate([1, 2], initial=5),
    )
    next(a), next(a), next(b), next(b), next(d)
    yield
    print(list(a), list(b), list(c), list(d), type(a).__name__)


def accumulate_of_objects():
    log = []

    def add(x, y):
        log.append((x, y))
        return x + y

    start = []
    a = itertools.accumulate([[1], [2], [3]], add, initial=start)
    same = next(a) is start
    next(a)
    yield
    print(same, list(a), log)


def batches():
    if sys.version_info < (3, 12):
        return
    a = itertools.batched("abcdefg", 3)
    next(a)
    yield
    print(list(a))


def strict_batches():
    if sys.version_info < (3, 13):
        return
    a = itertools.batched("abcdefg", 3, strict=True)
    next(a)
    yield
    try:
        print(next(a), next(a))
    except ValueError as error:
        print(error)


def chains():
    def parts():
        for n in range(3):
            yield str(n) * 2

    a, b, done = itertools.chain("abc", [1, 2]), itertools.chain.from_iterable(parts()), itertools.chain()
    next(a), next(b), list(done)
    begun = itertools.chain("x", "yz")
    yield
    print(list(a), list(b), list(done), list(begun))


def chain_in_loop():
    for n, x in enumerate(itertools.chain([1, 2], (3,), {4: 5})):
        if n == 2:
            yield
        print(x)


def combinatorics():
    found = [
        itertools.combinations("abcd", 2),
        itertools.combinations_with_replacement("abc", 2),
        itertools.permutations("abcd", 2),
        itertools.permutations([1, 1, 2]),
        itertools.product("ab", [1, 2], repeat=2),
    ]
    for n, each in enumerate(found):
        for _ in range(n + 1):
            next(each)
    yield
    print([list(each) for each in found])


def combinatorics_at_ends():
    makers = [
        lambda: itertools.combinations("abc", 2), lambda: itertools.combinations_with_replacement("ab", 2),
        lambda: itertools.permutations("ab"), lambda: itertools.product("ab", "c"), lambda: itertools.combinations("a", 3),
        lambda: itertools.product("ab", ""), lambda: itertools.permutations("ab", 5), lambda: itertools.product(),
    ]  # fmt: skip
    fresh, done, one = [m() for m in makers], [m() for m in makers], [m() for m in makers]
    for each in done:
        list(each)
    for each in one:
        next(each, None)
    yield
    print([list(each) for each in fresh], [list(each) for each in done], [list(each) for each in one])


def compressions():
    a = itertools.compress("abcdef", [1, 0, 1, 0, 1, 1])
    next(a)
    yield
    print(list(a))


def counts():
    a, b, c, d = itertools.count(), itertools.count(5, 3), itertools.count(0.5, 0.25), itertools.count(10**30)
    e, f = itertools.count(sys.maxsize - 1), itertools.count(step=-2)
    for each in (a, b, c, d, e, f):
        next(each)
    yield
    print([[next(each), next(each), next(each)] for each in (a, b, c, d, e, f)], a, b, c, f)


def cycles():
    source = iter("abc")
    a, b, done = itertools.cycle(source), itertools.cycle([1, 2]), itertools.cycle("")
    next(a), [next(b) for _ in range(5)], list(done)
    yield
    print([next(a) for _ in range(5)], [next(b) for _ in range(3)], list(done))


def drops_and_takes():
    found = [
        itertools.dropwhile(lambda x: x < 3, [1, 2, 3, 1]),
        itertools.dropwhile(lambda x: x < 3, [1, 3, 1, 4]),
        itertools.takewhile(lambda x: x < 3, [1, 2, 3, 1]),
        itertools.takewhile(lambda x: x < 3, [1, 5, 1]),
        itertools.filterfalse(lambda x: x % 2, range(6)),
        itertools.filterfalse(None, [0, 1, 0]),
        itertools.starmap(pow, [(2, 3), (3, 2), (1, 1)]),
    ]
    next(found[1]), next(found[2]), list(found[3]), next(found[4]), next(found[5]), next(found[6])
    yield
    print([list(each) for each in found])


def groups():
    data = ["a1", "a2", "b1", "c1", "c2", "c3"]
    a = itertools.groupby(data, key=lambda s: s[0])
    key, group = next(a)
    next(group)
    fresh, other = itertools.groupby([1, 1, 2]), itertools.groupby([1, 1, 2])
    next(other)
    yield
    print(key, list(group), [(k, list(g)) for k, g in a], [(k, list(g)) for k, g in fresh], [(k, list(g)) for k, g in other])


def groups_left_behind():
    a = itertools.groupby([1, 1, 2, 2, 3])
    one = next(a)[1]
    two = next(a)[1]
    yield
    print(list(one), next(two), next(a)[0], list(two), list(a))


def groups_in_loop():
    for key, group in itertools.groupby("aabbbc"):
        if key == "b":
            for n, x in enumerate(group):
                if n == 1:
                    yield
                print(key, n, x)
        else:
            print(key, list(group))


def slices():
    source = iter(range(20))
    a, b, c = itertools.islice(source, 2, 12, 3), itertools.islice("abcdef", 1, None, 2), itertools.islice("abc", 0)
    next(a), next(b)
    done = itertools.islice("abc", 1)
    list(done)
    yield
    print(list(a), next(source), list(b), list(c), list(done))


def pairs():
    a, b = itertools.pairwise("abcd"), itertools.pairwise([1])
    next(a)
    yield
    print(list(a), list(b))


def repeats():
    item = []
    a, b, c = itertools.repeat(item), itertools.repeat("x", 4), itertools.repeat("y", 0)
    next(a), next(b)
    yield
    print(next(a) is item, list(b), list(c), b, operator.length_hint(itertools.repeat(1, 3)))


def tees():
    source = iter(range(6))
    a, b = itertools.tee(source)
    next(a), next(a), next(b)
    c = itertools.tee(b, 1)[0]
    yield
    print(next(a), next(source), list(b), list(a), list(c))


def long_tees():
    a, b = itertools.tee(range(200))
    for _ in range(130):
        next(a)
    for _ in range(3):
        next(b)
    yield
    print(sum(a), sum(b))


def longest_zips():
    short, long = iter("ab"), iter("wxyz")
    a = itertools.zip_longest(short, long, [1, 2, 3], fillvalue="-")
    next(a), next(a), next(a)
    b = itertools.zip_longest("ab", "c")
    done = itertools.zip_longest()
    yield
    print(list(a), list(b), list(done))


def nested_iterators():
    it = itertools.islice(
        itertools.chain.from_iterable(map(lambda n: itertools.repeat(n, n), itertools.count(1))), 2, 9
    )
    next(it)
    yield
    print(list(it))


def own_iterator_inside():
    class Own:
        def __init__(self):
            self.n, self.asked = 0, 0

        def __iter__(self):
            self.asked += 1
            return self

        def __next__(self):
            self.n += 1
            if self.n > 6:
                raise StopIteration
            return self.n

    own = Own()
    a, b = itertools.chain(own, own), itertools.zip_longest(own, "ab")
    next(a), next(b)
    yield
    print(own.asked, next(a), next(b), own.asked, list(b), own.n)


def cyclic_iterator():
    class Holder:
        pass

    h = Holder()
    h.it = itertools.starmap(lambda x: (h, x), [(1,), (2,)])
    next(h.it)
    yield
    held, x = next(h.it)
    print(held is h, x)


