"""Random programs: deterministic, ending, and full of effects in every place where Python evaluates something.

`program(seed)` gives the text of one. Its every effect is a call of ``t(number, value)``, which prints the number and the
value and gives the value back, so that a step that is lost, doubled, or done with another value shows in the output. ``t``
also counts: a program that runs long is ended by it.

Expressions are typed just enough for a program to get somewhere (`Writer.integer`, `Writer.items`, …); exceptions that
happen nevertheless are part of the test.
"""

from __future__ import annotations

from collections.abc import Callable

from random_expressions import GLOBALS, Expressions, Function

_PRELUDE = """\
import atexit
import sys

steps = 0


def t(number, value=0):
    global steps
    steps += 1
    if steps > 100:
        sys.exit("enough")
    print(number, value)
    return value


def total(*args, **kwargs):
    return t(1, (sum(args) + sum(kwargs.values())) % 97)


def ident(value):
    t(2)
    return value


def handled():
    return repr(sys.exception())


# Live generators; what is left of them at the end is closed while `t` is still there.
live = []


@atexit.register
def close_all():
    while live:
        try:
            live.pop().close()
        except BaseException as error:
            print(repr(error))


class Trouble(Exception):
    pass


class Worse(Trouble):
    def __init__(self, code):
        super().__init__("worse", code)
        self.code = t(3, code)


class Manager:
    def __init__(self, name, swallows):
        self.name = t(4, name)
        self.swallows = swallows

    def __enter__(self):
        t(5, self.name)
        return self

    def __exit__(self, kind, value, traceback):
        t(6, (self.name, repr(value)))
        return self.swallows
"""


class Writer(Expressions):
    """Writes one program."""

    # --- statements -------------------------------------------------------------------------------------------------

    def statements(self, d: int, count: int) -> None:
        for _ in range(count):
            self.statement(d)

    def statement(self, d: int) -> None:
        simple: list[tuple[float, Callable[[], None]]] = [
            (8, self._assign), (6, self._augmented), (4, self._expression), (1, self._delete), (1, self._assertion),
            (0.8, self._raise), (0.7, self._leave), (1, self._say_handled), (3 if self.generators else 0, self._drive),
        ]  # fmt: skip
        compound: list[tuple[float, Callable[[int], None]]] = [
            (4, self._if), (3, self._for), (2, self._while), (4, self._try), (3, self._with), (1, self._match),
            (1.5 if self.f.outer is None else 0, self._nested_function),
        ]  # fmt: skip
        if d > 0 and self.chance(0.5):
            self.random.choices([c for _, c in compound], [w for w, _ in compound])[0](d - 1)
        else:
            self.random.choices([c for _, c in simple], [w for w, _ in simple])[0]()

    def target(self) -> str:
        """Something an integer can be assigned to."""
        choices = [self._variable(), self._variable(), f"{self.items(1)}[{self.integer(1)} % 3]", f"gd[{self.text(1)}]"]
        if self.classes:
            choices += [f"{self.object(1)}.x", f"{self.object(1)}.p"]
        return self.pick(choices)

    def _assign(self) -> None:
        match self.random.randint(0, 8):
            case 0:
                self.write(f"{self.target()}, {self.target()} = {self.integer(2)}, {self.integer(2)}")
            case 1:
                self.write(f"{self.target()} = {self.target()} = {self.integer(2)}")
            case 2:
                self.write(f"{self.target()}, *{self.pick(self.f.lists)} = {self.items(2)} + [1, 2, 3]")
            case 3:
                self.write(f"{self.pick(self.f.lists)} = {self.items(2)}")
            case 4:
                self.write(f"{self.pick(self.f.lists)}[{self.integer(1)} % 3:] = {self.items(2)}")
            case 5 if self.classes:
                self.write(f"{self.object(2)}.x: int = {self.integer(2)}")
            case _:
                self.write(f"{self.target()} = {self.integer(3)}")

    def _augmented(self) -> None:
        if self.chance(0.15):
            self.write(f"{self.pick(self.f.lists)} += [{self.integer(2)}]")
        else:
            self.write(f"{self.target()} {self.pick(['+', '-', '^'])}= {self.integer(2)}")

    def _expression(self) -> None:
        self.number += 1
        match self.random.randint(0, 4):
            case 0:
                self.write(f"t({self.number}, {self.text(2)})")
            case 1:
                self.write(f"t({self.number}, {self.items(2)})")
            case 2:
                self.write(f"print({self.integer(2)}, {self.integer(2)}, sep={self.text(1)})")
            case 3:
                self.write(f"{self.pick(self.f.lists)}.append({self.integer(2)})")
            case _:
                self.write(f"t({self.number}, {self.integer(3)})")

    def _delete(self) -> None:
        name = self.pick(self.f.lists)
        self.write(f"del {name}[{self.integer(1)} % 3], {self.items(1)}[:{self.integer(1)} % 2]")
        self.write(f"{name} += [4, 5]")

    def _assertion(self) -> None:
        self.write(f"assert {self.integer(2)} != {self.random.randint(0, 9)}, {self.text(1)}")

    def _raise(self) -> None:
        if not (self.f.depth or self.tries or self.chance(0.1)):
            return self._expression()
        kind = self.pick([f"Trouble({self.integer(1)})", f"Worse({self.integer(1)})", f"KeyError({self.text(1)})"])
        cause = ""
        if self.f.handled and self.chance(0.7):
            name = self.f.handled[-1]
            if name is None or self.chance(0.4):
                return self._guarded("raise")
            cause = f" from {name}"
        elif self.chance(0.2):
            cause = f" from Trouble({self.integer(1)})"
        self._guarded(f"raise {kind}{cause}")

    def _guarded(self, text: str) -> None:
        """A statement that leaves, most often behind a test: what follows is to be reached too."""
        if self.chance(0.85):
            self.write(f"if {self.integer(1)} % 3 {self.pick(['==', '!=', '>'])} 1:")
            self.write(f"    {text}")
        else:
            self.write(text)

    def _leave(self) -> None:
        if self.f.in_finally:
            self._expression()
        elif self.f.loops and self.chance(0.7):
            self._guarded(self.pick(["break", "continue"]))
        elif self.f.depth:
            self._guarded(f"return {self.integer(2)}")
        else:
            self._expression()

    def _say_handled(self) -> None:
        self.number += 1
        if self.f.depth and self.chance(0.2):
            # Spills are variables too; and before 3.13 the order changes as soon as a tracer looks.
            return self.write(f"t({self.number}, sorted(n for n in locals() if n[:2] != '_h'))")
        if self.f.depth and self.chance(0.2):
            self.write(
                f"del {(name := self.pick([n for n in self.f.ints if n not in GLOBALS and not n.startswith('q')]))}"
            )
            return self._guarded(f"{name} = {self._constant()}")
        self.write(f"t({self.number}, handled())")

    def _drive(self) -> None:
        """Makes, asks, feeds, throws into or closes one of the live generators."""
        self.number += 1
        name = f"{self.pick(self.generators)}({self.integer(1)}, {self.budget()})"
        one = self.pick(["live[-1]", "live[0]", f"live[{self.integer(1)} % len(live)]"])
        number = self.number
        match self.random.randint(0, 11):
            case 0 | 1 | 2:
                self.write(f"live.append({name})")
            case 3:
                self.write(f"live.append(({self._element('q')} for q in {self.items(1)}))")
            case 4 | 5:
                self.write(f"if live: t({number}, next({one}, {self.pick(['5', 'None'])}))")
            case 6:
                self.write(f"if live: t({number}, {self.integer(1)} - next({one}, 8) * {self.integer(1)})")
            case 7:
                self._attempt(f"t({number}, {one}.send({self.pick(['None', self.integer(1)])}))")
            case 8:
                self._attempt(f"t({number}, {one}.throw(Trouble({self.integer(1)})))")
            case 9:
                self.write("if live: live.pop().close()")
            case 10:
                self._attempt(f"for {self._variable()} in {one}: t({number})")
            case _:
                self.write(f"t({number}, list({name}))")

    def _attempt(self, text: str) -> None:
        self.number += 1
        self.write("if live:")
        self.write("    try:")
        self.write(f"        {text}")
        self.write(f"    except {self.pick(['Exception', '(StopIteration, ValueError, TypeError)'])} as error:")
        self.write(f"        t({self.number}, repr(error))")

    def _element(self, name: str) -> str:
        self.no_walrus += 1
        self.f.ints.append(name)
        element = self.integer(1)
        self.f.ints.remove(name)
        self.no_walrus -= 1
        return element

    def _if(self, d: int) -> None:
        self.write(f"if {self.integer(2)}:")
        self.block(d)
        if self.chance(0.3):
            self.write(f"elif {self.integer(2)}:")
            self.block(d)
        if self.chance(0.4):
            self.write("else:")
            self.block(d)

    def _loop(self, d: int) -> None:
        in_finally, self.f.in_finally = self.f.in_finally, False
        self.f.loops += 1
        self.block(d)
        self.f.loops -= 1
        self.f.in_finally = in_finally
        if self.chance(0.25):
            self.write("else:")
            self.block(d, 2)

    def _for(self, d: int) -> None:
        self.number += 1
        v, w = self._variable(), self._variable()
        match self.random.randint(0, 9):
            case 0:
                self.write(f"for {v}, {w} in enumerate({self.items(1)}):")
            case 1:
                self.write(f"for {v}, {w} in zip({self.items(1)}, {self.items(1)}):")
            case 2:
                self.write(f"for {v} in reversed({self.items(1)}):")
            case 3:
                items = f"{self.mapping(2)}.items()"
                self.write(f"for {self.fresh('key')}, {v} in {self.pick([items, f'list({items})'])}:")
            case 4 if self.generators:
                self.write(f"for {v} in {self.pick(self.generators)}({self.integer(1)}, {self.budget()}):")
            case 5:
                self.write(f"for {v}, {self.target()} in zip([1, 2], range({self.integer(1)} % 4)):")
            case 6:
                self.write(f"for {v} in sorted({{{self.integer(1)}, {self.integer(1)}}}):")
            case 7:
                self.write(f"for {v} in map(ident, {self.items(1)}):")
            case 8:
                self.write(f"for {v} in {self.generated(1) if self.chance(0.7) else self.items(2)}:")
            case _:
                self.write(f"for {v} in range({self.integer(1)} % 4):")
        self.write(f"    t({self.number}, {v})")
        self._loop(d)

    def _while(self, d: int) -> None:
        name = self.fresh("i")
        self.number += 1
        self.write(f"{name} = {self.random.randint(1, 3)}")
        self.write(f"while t({self.number}, {name}) and {self.integer(1)} != 5:")
        self.write(f"    {name} -= 1")
        self._loop(d)

    def _try(self, d: int) -> None:
        self.write("try:")
        self.tries += 1
        self.block(d)
        self.tries -= 1
        handlers = self.random.randint(0, 2)
        for last in [False] * max(0, handlers - 1) + [True] * (handlers > 0):
            name = self.fresh("e") if self.chance(0.5) else None
            if name is None and last and self.chance(0.4):
                self.write("except:")
            else:
                kind = self.pick(
                    ["Trouble", "Worse", "(KeyError, IndexError)", "Exception", "Exception", "ident(Exception)"]
                )
                self.write(f"except {kind}{f' as {name}' if name else ''}:")
            if name:
                self.number += 1
                self.write(f"    t({self.number}, repr({name}))")
            self.f.handled.append(name)
            self.block(d)
            self.f.handled.pop()
        if handlers and self.chance(0.3):
            self.write("else:")
            self.block(d, 2)
        if not handlers or self.chance(0.35):
            self.write("finally:")
            in_finally, self.f.in_finally = self.f.in_finally, True
            self.block(d, 2)
            self.f.in_finally = in_finally

    def _with(self, d: int) -> None:
        items = []
        for _ in range(self.random.choice([1, 1, 2, 3])):
            self.number += 1
            manager = f"Manager({self.integer(1)}, {self.pick(['False', 'False', 'True', self.integer(1)])})"
            if self.chance(0.2):
                manager = f"ident({manager})"
            if self.chance(0.2):
                manager = "gm"
            items.append(manager + (f" as {self.fresh('m')}" if self.chance(0.4) else ""))
        self.write(f"with {', '.join(items)}:")
        self.block(d)

    def _match(self, d: int) -> None:
        self.write(f"match {self.integer(2)}:")
        self.indent += 1
        self.write(f"case {self._constant()} | {self._constant()}:")
        self.block(d)
        self.write(f"case {self._variable()} if {self.integer(1)}:")
        self.block(d)
        if self.chance(0.5):
            self.write("case _:")
            self.block(d)
        self.indent -= 1

    # --- definitions ------------------------------------------------------------------------------------------------

    def _nested_function(self, d: int) -> None:
        outer = self.f
        name = self.fresh("inner")
        if self.chance(0.3):
            self.write("@ident")
        self.write(f"def {name}(y={self.integer(1)}):")
        self.indent += 1
        self.f = Function(["y", *outer.ints], list(outer.lists), outer.depth or "2", outer)
        self.f.instance = False
        word = "nonlocal" if outer.depth else "global"
        own = (
            [n for n in outer.ints if not n.startswith(("g", "q"))]
            if outer.depth
            else [n for n in outer.ints if n.startswith("g")]
        )
        names = self.random.sample(own, min(len(own), self.random.randint(0, 2)))
        if names:
            self.write(f"{word} {', '.join(names)}")
        # Other variables of the outer function are only read: they are no targets here.
        self.f.ints = ["y", *names]
        self.f.lists = ["zs"]
        self.write(f"zs = [{self.pick(outer.ints)}, 2, 3]")
        self.statements(d, self.random.randint(1, 3))
        self.write(f"return {self.integer(2)}")
        self.indent -= 1
        self.f = outer
        outer.local_functions.append(name)
        self.write(f"{self._variable()} = {name}({self.integer(1)})")
        # A function that is defined in a branch may be missing later: used here only.
        if self.indent > (1 if outer.depth else 0):
            self.statements(0, 1)
            outer.local_functions.remove(name)

    def function(self, name: str, *, generator: bool = False, method: bool = False) -> None:
        """A function ``name(a, b, c)`` with the recursion budget ``b``."""
        outer = self.f
        first = "self, " if method else ""
        self.write(
            f"def {name}({first}a, b=1, c=0{self.pick(['', '', ', *rest', ', *, k=5', ', *rest, k=6, **more'])}):"
        )
        self.indent += 1
        self.f = Function(["a", "c", "v"], ["xs"], "b")
        self.f.is_generator = generator
        self.f.instance = method
        shared = self.random.sample(GLOBALS, self.random.randint(0, 2))
        if shared:
            self.write(f"global {', '.join(shared)}")
            self.f.ints += shared
        self.number += 1
        if generator:
            self.write("if b <= 0:")
            self.write("    return")
        else:
            self.write("if b <= 0:")
            self.write(f"    return t({self.number}, a)")
        self.write(self.pick(["v = a", "v: int = a", "v, *_ = a, c"]))
        self.write("xs = [a, c, 3]")
        self.statements(2, self.random.randint(1, 3))
        if generator:
            self.write(f"yield {self.integer(2)}")
            self.statements(1, 1)
            self.write(f"yield {self.integer(1)}")
        else:
            self.write(f"return {self.integer(2)}")
        self.indent -= 1
        self.f = outer
        self.write("")

    def cls(self, name: str, base: str) -> None:
        """A class with methods ``m`` and ``n``, a property ``p``, a static and a class method, and ``__call__``."""
        self.write(f"class {name}({base}):" if base else f"class {name}:")
        self.indent += 1
        self.number += 4
        if not base:
            self.write("def __init__(self, x, b=1):")
            self.write(f"    self.x = t({self.number}, x)")
            for text in (
                "def m(self, a, b=1):", f"    return t({self.number - 1}, a + self.x) % 97",
                "def n(self, a, b=1):", f"    return t({self.number - 2}, a - self.x) % 97",
                "@property", "def p(self):", f"    return t({self.number - 3}, self.x)",
                "@p.setter", "def p(self, value):", f"    self.x = t({self.number - 3}, value)",
                "@staticmethod", "def s(a, b=1):", f"    return t({self.number}, a) + 1",
                "@classmethod", "def k(cls, a, b=1):", f"    return t({self.number}, a) + len(cls.__name__)",
            ):  # fmt: skip
                self.write(text)
            self.function("__call__", method=True)
        else:
            self.write("def __init__(self, x, b=1):")
            self.indent += 1
            self.f, outer = Function(["x", "v"], ["xs"], "b"), self.f
            self.f.instance = True
            self.write(f"v = t({self.number}, x)")
            self.write("xs = [x, 1, 2]")
            self.write(f"super().__init__({self.pick(['x', 'v'])}, b)")
            self.write("if b > 0:")
            self.indent += 1
            in_finally, self.f.in_finally = self.f.in_finally, True
            self.statements(1, 2)
            self.f.in_finally = in_finally
            self.indent -= 2
            self.f = outer
            for method in self.random.sample(["m", "n", "__call__"], 2):
                self.function(method, method=True)
        self.indent -= 1
        self.write("")

    def program(self) -> str:
        self.lines = _PRELUDE.splitlines()
        for text in ("g0, g1, g2 = 1, 2, 3", "gl = [4, 5, 6]", "gd = {'a': 7, 'b': 8}", "gm = Manager('gm', False)"):
            self.write(text)
        self.write("")
        for _ in range(self.random.randint(1, 3)):
            name = self.fresh("f")
            generator = self.chance(0.4)
            self.function(name, generator=generator)
            (self.generators if generator else self.functions).append(name)
        if self.chance(0.6):
            self.cls("Base", "")
            self.classes.append("Base")
            self.write("o1 = o2 = Base(5)")
            if self.chance(0.7):
                self.cls("Derived", "Base")
                self.classes.append("Derived")
                self.write("o2 = Derived(6)")
            name = self.fresh("f")
            self.function(name)
            self.functions.append(name)
        self.statements(3, self.random.randint(2, 6))
        self.write("print(g0, g1, g2, gl, gd, steps)")
        if self.classes:
            self.write("print(vars(o1), vars(o2))")
        return "\n".join(self.lines) + "\n"


def program(seed: int) -> str:
    """The random program of this seed."""
    return Writer(seed).program()
