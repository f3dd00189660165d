"""Random definitions: functions, generators, functions that make functions, classes with special methods, decorators."""

from __future__ import annotations

from random_blocks import Blocks
from random_expressions import GLOBALS, Function

#: Special methods: their parameters, and what they give.
_SPECIAL = {
    "__getitem__": ("i", "{} + self.x"), "__add__": ("v", "{} + self.x"), "__radd__": ("v", "v - {}"),
    "__lt__": ("v", "{} < 3"), "__contains__": ("v", "{} == self.x"), "__len__": ("", "abs({}) % 9"),
    "__neg__": ("", "-{}"), "__bool__": ("", "{} % 2 == 0"), "__iter__": ("", ""), "__getattr__": ("name", "{} + len(name)"),
    "__eq__": ("v", "v == {}"), "__int__": ("", "int({})"), "__format__": ("spec", "str({}) + spec"),
    "__matmul__": ("v", "{} * 2 % 97"), "__iadd__": ("v", ""), "__enter__": ("", "self"),
}  # fmt: skip


class Definitions(Blocks):
    """Writes them."""

    def decorators(self) -> None:
        for _ in range(self.pick([0, 0, 0, 0, 1, 2])):
            self.write(
                self.pick(["@ident", f"@deco({self.integer(1)})", f"@deco({self.integer(1)}, *{self.items(1)})"])
            )

    def parameters(self) -> str:
        """What comes after ``a``: ``b``, the recursion budget, and others, some with defaults that call."""
        c = f"c={self.traced(self.integer(0)) if self.chance(0.4) else '0'}"
        rest = ["", "", ", *rest", f", *, k={self.integer(1)}", ", *rest, k=6, **more"]
        return f"b=1, {c}{self.pick(rest)}"

    def _nested_function(self, d: int) -> None:
        outer = self.f
        name = self.fresh("inner")
        self.decorators()
        self.write(f"def {name}(y={self.integer(1)}, *more, k={self.integer(1)}):")
        self.indent += 1
        word = "nonlocal" if outer.depth else "global"
        own = [n for n in outer.ints if n in GLOBALS or outer.depth and not n.startswith(("g", "q"))]
        if outer.depth:
            own = [n for n in own if n not in GLOBALS]
        names = self.random.sample(own, min(len(own), self.random.randint(0, 2)))
        first = self.pick(outer.ints)
        # Other variables of the outer function are only read: they are no targets here.
        self.f = Function(["y", *names], ["zs"], outer.depth or "2", outer)
        if names:
            self.write(f"{word} {', '.join(names)}")
        self.write(f"zs = [{first}, 2, k]")
        self.statements(d, self.random.randint(1, 2))
        self.write(f"return {self.integer(2)}")
        self.indent -= 1
        self.f = outer
        outer.local_functions.append(name)
        self.write(f"{self._variable()} = {name}({self.integer(1)})")
        # A function that is defined in a branch may be missing later: used here only.
        if self.indent > (1 if outer.depth else 0):
            self.statements(0, 1)
            outer.local_functions.remove(name)

    def _nested_class(self, d: int) -> None:
        """A class whose body does things, with state of its own."""
        outer = self.f
        name = self.fresh("Local")
        if self.chance(0.4):
            self.write(self.pick([f"@tag(z={self.integer(1)})", "@ident", "@tag"]))
        base = self.pick(["", "(ident(object))", f"({self.pick(self.classes)})" if self.classes else ""])
        self.write(f"class {name}{base}:")
        self.indent += 1
        self.no_walrus += 1
        self.write(f"c1 = {self.integer(2)}")
        self.write(f"cs = {self.items(1)} + [1, 2, 3]")
        self.no_walrus -= 1
        self.class_body(d)
        self.write(f"def get(self, y={self.pick(['c1', self.traced('c1')])}):")
        self.write(f"    {name}.c1 += {self.traced('y')}")
        self.write(f"    return self.c1 + {self.traced('len(self.cs)')}")
        self.indent -= 1
        self.f = outer
        made = f"{name}({self.integer(0)})" if base not in ("", "(ident(object))") else f"{name}()"
        self.write(f"{self._variable()} = {made}.get() - {made}.get({self.integer(1)}) + {name}.c1")

    def class_body(self, d: int) -> None:
        """Statements in a class's body, whose variables are ``c1`` and ``cs``."""
        outer = self.f
        self.f = Function(["c1"], ["cs"], None)
        self.f.is_class = True
        self.no_walrus += 1
        self.statements(min(d, 1), self.random.randint(1, 2))
        self.no_walrus -= 1
        self.f = outer

    def function(self, name: str, *, generator: bool = False, method: bool = False, factory: bool = False) -> None:
        """A function ``name(a, b, c)`` with the recursion budget ``b``."""
        outer = self.f
        # What is evaluated in a class's body may assign to nothing.
        self.no_walrus += method
        if not name.startswith("__"):
            self.decorators()
        self.write(f"def {name}({'self, ' if method else ''}a, {self.parameters()}):")
        self.no_walrus -= method
        self.indent += 1
        self.f = Function(["a", "c", "v"], ["xs"], "b")
        self.f.is_generator = generator
        self.f.instance = method
        shared = self.random.sample(GLOBALS, self.random.randint(0, 2))
        if shared:
            self.write(f"global {', '.join(shared)}")
            self.f.ints += shared
        leaf = self.traced("a")
        self.write("if b <= 0:")
        leaf = f"lambda q: q + {leaf}" if factory else leaf
        self.write(self.pick(["    return", f"    return {leaf}"]) if generator else f"    return {leaf}")
        self.write(self.pick(["v = a", "v: int = a", "v, *_ = a, c"]))
        self.write("xs = [a, c, 3]")
        if factory:
            # Its own statements must not return integers.
            self.f.stays = True
        self.statements(2, self.random.randint(1, 2))
        if generator:
            self.write(f"yield {self.integer(2)}")
            self.statements(1, 1)
            self.write(f"yield {self.integer(1)}")
            if self.chance(0.5):
                self.write(f"return {self.integer(1)}")
        elif factory:
            self.write(f"def made(y={self.integer(1)}):")
            self.write("    nonlocal v, xs")
            self.write(f"    v = {self.traced('v + y')} % 97")
            self.write(f"    xs = [*xs, {self.traced('a')}, v][-3:]")
            self.write(f"    return {self.pick(['v + xs[0]', 'xs[y % 3]', 'sum(xs) + v'])}")
            self.write("return made")
        else:
            self.write(f"return {self.integer(2)}")
        self.indent -= 1
        self.f = outer
        self.write("")

    def cls(self, name: str, base: str) -> None:
        """A class with methods ``m`` and ``n``, a property ``p``, a static and a class method, and special methods."""
        if self.chance(0.3):
            self.write(self.pick([f"@tag(z={self.integer(1)})", "@ident"]))
        self.write(f"class {name}({base}):" if base else f"class {name}:")
        self.indent += 1
        if self.chance(0.3):
            self.write(f"c1 = {self.traced(self.integer(0))}")
            self.write("cs = [c1, 2, 3]")
            self.class_body(1)
        if base:
            self._derived()
        else:
            self._base()
        self.indent -= 1
        self.write("")

    def _base(self) -> None:
        k = self.number
        self.number += 6
        self.write("def __init__(self, x, b=1):")
        self.write(f"    self.x = t({k + 1}, x)")
        for text in (
            "def m(self, a, b=1):", f"    return t({k + 2}, a + self.x) % 97",
            "def n(self, a, b=1):", f"    return t({k + 3}, a - self.x) % 97",
            "@property", "def p(self):", f"    return t({k + 4}, self.x)",
            "@p.setter", "def p(self, value):", f"    self.x = t({k + 4}, value)",
            "@staticmethod", "def s(a, b=1):", f"    return t({k + 5}, a) + 1",
            "@classmethod", "def k(cls, a, b=1):", f"    return t({k + 6}, a) + len(cls.__name__)",
        ):  # fmt: skip
            self.write(text)
        if self.chance(0.5):
            self.function("__call__", method=True)
        else:
            self.write("def __call__(self, a=1, b=1):")
            self.write(f"    return {self.traced('a')}")
        for special in self.random.sample(sorted(_SPECIAL), self.random.randint(2, 5)):
            self._special_method(special)

    def _special_method(self, name: str) -> None:
        self.specials.add(name)
        parameter, value = _SPECIAL[name]
        self.write(f"def {name}(self{parameter and ', ' + parameter}):")
        self.indent += 1
        if name == "__getattr__":
            # What copies, prints or compares an object asks it for names of its own.
            self.write("if name not in ('far', 'away'):")
            self.write("    raise AttributeError(name)")
        traced = self.traced(parameter if parameter in ("i", "v") else "self.x")
        # What else they do may not use objects, for that could come here again.
        outer, classes, specials = self.f, self.classes, self.specials
        self.f = Function(["v"], ["xs"], "2", outer)
        self.classes, self.specials = [], set()
        functions, self.functions, generators, self.generators = self.functions, [], self.generators, []
        if self.chance(0.5) or name == "__iter__":
            self.write(f"v, xs = {traced}, [1, 2, 3]")
            traced = "v"
            self.statements(1, 1)
        if name == "__iter__":
            self.write(f"yield {self.integer(1)}")
            self.write(f"yield from {self.generated(1)}")
        elif name == "__iadd__":
            self.write(f"self.x += {traced}")
            self.write("return self")
        else:
            if name == "__enter__":
                self.write(traced)
            self.write(f"return {value.format(traced)}")
        self.f, self.classes, self.specials, self.functions, self.generators = (
            outer,
            classes,
            specials,
            functions,
            generators,
        )
        self.indent -= 1
        match name:
            case "__getitem__":
                self.write("def __setitem__(self, i, v):")
                self.write(f"    self.x = {self.traced('(i + v) % 97')}")
                self.write("def __delitem__(self, i):")
                self.write(f"    {self.traced('i')}")
                self.specials.add("__delitem__")
            case "__enter__":
                self.write("def __exit__(self, kind, value, traceback):")
                self.write(f"    return {self.traced('repr(value)')} == '' or self.x % 2")
            case "__eq__":
                self.write("__hash__ = None")

    def _derived(self) -> None:
        self.write("def __init__(self, x, b=1):")
        self.indent += 1
        self.f, outer = Function(["x", "v"], ["xs"], "b"), self.f
        self.f.instance = True
        self.write(f"v = {self.traced('x')}")
        self.write("xs = [x, 1, 2]")
        self.write(f"super().__init__({self.pick(['x', 'v'])}, b)")
        self.write("if b > 0:")
        self.indent += 1
        self.f.stays = True
        self.statements(1, 2)
        self.indent -= 2
        self.f = outer
        for method in self.random.sample(["m", "n", "__call__"], self.random.randint(1, 2)):
            self.function(method, method=True)
