"""What was made by exec(), eval(), compile() or type() at run time, with instructions that another Python does not know."""

import sys
import types


def in_own_globals():
    names = {}
    exec(
        '''
import math
held = [1]

def first(x: int, *, k=3) -> int:
    """What it does."""
    return second(x) + k + len(held)

def second(x):
    held.append(x)
    return math.floor(x)

def outer(n):
    def inner(m):
        return n * m + len(held)
    return inner
''',
        names,
    )
    first, second, inner = names["first"], names["second"], names["outer"](5)
    first.mark = first
    yield
    print(first(2.5), first.__doc__, first.__globals__ is names, names["second"] is second, inner(2), first.mark is first)
    print(list(names), first.__kwdefaults__, first.__annotations__, first.__code__.co_filename, names["held"])
    print("len" in names["__builtins__"], names["__builtins__"] is first.__builtins__ is print.__self__.__dict__)


def in_globals_of_program():
    exec("def from_text(a=2): return a + counted", globals())
    globals()["counted"] = 3
    made = globals()["from_text"]
    yield
    globals()["counted"] += 1
    print(made(), from_text is made, made.__globals__ is globals(), made.__module__ == __name__)  # noqa: F821


def in_globals_of_module():
    made = types.ModuleType("made")
    exec("n = 3\ndef f():\n    return n", made.__dict__)
    f = made.f
    yield
    made.n += 1
    print(f(), f is made.f, f.__globals__ is made.__dict__)


def in_globals_of_library():
    import textwrap

    exec("def twice(text): return indent(text, '  ') * 2", textwrap.__dict__)
    twice = textwrap.twice
    del textwrap.twice
    yield
    print(twice("a"), twice.__globals__ is textwrap.__dict__)


def with_other_builtins():
    count = eval("lambda: len([1])", {"__builtins__": {"len": lambda x: 99}})
    only = eval("lambda: print", {"__builtins__": {}})
    yield
    try:
        print(count())
        only()
    except NameError as error:
        print(error)


def code_of_text():
    value, statement = compile("a + 1", "<value>", "eval"), compile("b = [i for i in range(a)]", "<statement>", "exec")
    names, again = {"a": 4}, value
    yield
    print(value is again, value.co_filename, statement.co_names)
    exec(statement, names)
    print(eval(value, names), names["b"])


def code_of_library():
    import textwrap

    code = textwrap.dedent.__code__
    yield
    print(code == textwrap.dedent.__code__, code.co_name)


def code_of_program_elsewhere():
    def f():
        return named  # noqa: F821

    other = types.FunctionType(f.__code__, {"named": 5})
    yield
    print(other(), other.__globals__["named"], other.__code__ is f.__code__)


def marked_by_coroutine():
    names = {}
    exec("import types\n@types.coroutine\ndef f(): return (yield 1)", names)
    yield
    print(next(names["f"]()), names["f"].__code__.co_flags & 0x100)


def closures_that_hold_themselves():
    names = {}
    exec("def outer():\n    def f(n): return n and f(n - 1) + 1\n    return f", names)
    f = names["outer"]()
    del names["outer"]
    yield
    print(f(3), f.__closure__[0].cell_contents is f)


def classes_of_text():
    names = {}
    exec(
        '''
class Base:
    made = [1]
    def name(self): return "base"

class Own(Base, metaclass=type):
    __slots__ = ("x",)
    def name(self): return "own " + super().name()
''',
        names,
    )
    cls, own = names["Own"], names["Own"]()
    own.x = 1
    yield
    print(own.name(), own.x, type(own) is cls is names["Own"], cls.made, cls.__module__, cls.__mro__[1] is names["Base"])


def library_of(name):
    """A module that no text of the program's has: it makes classes while the program runs, as `attrs` does."""
    if name not in sys.modules:
        import importlib
        import os

        with open(f"{name}.py", "w") as file:
            file.write('''
def tuple_class(name, fields):
    names = {}
    for at, field in enumerate(fields):
        def get(self, at=at):
            return self[at]
        names[field] = property(get)
    return type(name, (tuple,), names)

def makes(offset):
    def adder(n):
        return n + offset
    return adder

make = makes
del makes

class Picky:
    def __new__(cls, text, *, option):
        self = object.__new__(cls)
        self.text, self.option = text, option
        return self

class PickyList(list):
    def __new__(cls, items):
        return list.__new__(cls)

def renamed(name):
    class Hidden:
        pass
    Hidden.__qualname__ = name
    return Hidden

Shown = renamed("Hidden")
''')
        sys.path.insert(0, os.getcwd())
        importlib.invalidate_caches()
    return __import__(name)


def classes_that_a_library_makes():
    library = library_of("made_by_case")
    Pair = library.tuple_class("Pair", ["a", "b"])
    pair, cls, shown = Pair((1, [2])), Pair, library.Shown()
    yield
    print(pair, pair.a, pair.b, type(pair) is cls, cls.__module__, cls.__bases__, cls((3, 4)).b)
    print(type(shown) is library.Shown)


def functions_that_a_library_keeps_under_no_name():
    adder = library_of("made_by_case").make(1)
    yield
    print(adder(2), adder.__globals__ is vars(library_of("made_by_case")))


def instances_that_want_arguments():
    library = library_of("made_by_case")
    picky, many = library.Picky("a", option=[1]), library.PickyList([1, 2])
    many.extend([1, many])
    yield
    print(type(picky) is library.Picky, picky.text, picky.option, many[0], many[1] is many, len(many))
