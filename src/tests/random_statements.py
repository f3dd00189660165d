"""Random simple statements: assignments of every kind, deletions, assertions, raises, leaves, and work with generators."""

from __future__ import annotations

from collections.abc import Callable

from random_expressions import GLOBALS
from random_values import Values


class Statements(Values):
    """Writes them."""

    def statements(self, d: int, count: int) -> None:
        for _ in range(count):
            self.statement(d)

    def statement(self, d: int) -> None:
        self.room -= 1
        inside = self.f.outer is None and not self.f.is_class
        simple: list[tuple[float, Callable[[], None]]] = [
            (6, self._assign), (3, self._unpack), (6, self._augmented), (4, self._expression), (1, self._delete),
            (1, self._assertion), (1, self._raise), (1, self._leave), (1, self._say_handled), (2, self._keep_closure),
            (5 * bool(self.generators), self._drive), (4 * self._may_yield, self._yielded), (1, self._annotated),
        ]  # fmt: skip
        compound: list[tuple[float, Callable[[int], None]]] = [
            (4, self._if), (3, self._for), (2, self._while), (4, self._try), (1.5, self._try_star), (3, self._with),
            (2, self._match), (1.5 * inside, self._nested_function), (1 * inside, self._nested_class),
            (1.5, self._leave_finally),
        ]  # fmt: skip
        if d > 0 and self.room > 0 and self.chance(0.55):
            self.chosen(compound)(d - 1)
        else:
            self.chosen(simple)()

    def block(self, depth: int, most: int = 2) -> None:
        self.indent += 1
        self.statements(depth, self.random.randint(1, most) if self.room > 0 else 1)
        self.indent -= 1

    # --- assignments ------------------------------------------------------------------------------------------------

    def target(self) -> str:
        """Something an integer can be assigned to."""
        choices = [self._variable(), self._variable(), f"{self.items(1)}[{self.integer(1)} % 3]", f"gd[{self.text(1)}]"]
        if self.classes:
            choices += [f"{self.object(1)}.x", f"{self.object(1)}.p"]
        if "__getitem__" in self.specials:
            choices += [f"{self.object(1)}[{self.integer(1)}]"] * 2
        return self.pick(choices)

    def _assign(self) -> None:
        match self.random.randint(0, 7):
            case 0:
                self.write(f"{self.target()} = {self.target()} = {self.integer(2)}")
            case 1:
                self.write(f"{self.target()} = {self.target()} = {self.target()} = {self.integer(1)}")
            case 2:
                self.write(f"{self.pick(self.f.lists)} = {self.items(2)}")
            case 3:
                self.write(f"{self.pick(self.f.lists)}[{self.integer(1)} % 3:] = {self.items(2)}")
            case _:
                self.write(f"{self.target()} = {self.integer(3)}")

    def _unpack(self) -> None:
        a, b, c, xs = self.target(), self.target(), self.target(), self.pick(self.f.lists)
        values = f"{self.integer(2)}, {self.integer(2)}"
        match self.random.randint(0, 6):
            case 0:
                self.write(f"{a}, {b} = {values}")
            case 1:
                self.write(f"{a}, *{xs} = {self.items(2)} + [1, 2, 3]")
            case 2:
                self.write(
                    f"{a}, ({b}, [{c}, *{xs}]) = {self.integer(1)}, ({self.integer(1)}, {self.items(1)} + [1, 2, 3])"
                )
            case 3:
                self.write(f"[{a}, *{xs}, {b}] = {self.items(1)} + [{values}]")
            case 4:
                self.write(f"{a}, {b} = {c}, *{self.pick(['_', xs])} = *{self.items(1)}[:1], {self.integer(1)}")
            case 5:
                self.write(f"{a}, {b} = {self.generated(1)[:-1]} for _ in [0]) if 0 else ({values})")
            case _:
                self.write(f"*{xs}, {a} = ident([{values}, *{self.generated(1)}])")

    def _augmented(self) -> None:
        match self.random.randint(0, 6):
            case 0:
                self.write(f"{self.pick(self.f.lists)} += [{self.integer(2)}]")
            case 1:
                self.write(f"{self.items(1)}[{self.integer(1)} % 3] {self.pick(['+', '-', '|'])}= {self.integer(2)}")
            case 2 if self.classes:
                self.write(f"{self.object(1)}.{self.pick(['x', 'p'])} {self.pick(['+', '-', '^'])}= {self.integer(2)}")
            case 3 if "__iadd__" in self.specials:
                self.write(
                    f"{self.pick(['o1', '[o1, o2][0]', '[o2][-1]']) if not self.f.depth else '[o1, o2][1]'} += {self.integer(2)}"
                )
            case _:
                self.write(f"{self.target()} {self.pick(['+', '-', '^'])}= {self.integer(2)}")

    def _annotated(self) -> None:
        if self.classes and self.chance(0.5):
            self.write(f"{self.object(2)}.x: int = {self.integer(2)}")
        elif self.f.depth is None and not self.f.is_class and not self.indent:
            self.write(f"{self.fresh('n')}: {self.traced('int')} = {self.integer(2)}")
        else:
            self.write(f"{self.items(1)}[{self.integer(0)} % 3]: {self.traced('int')} = {self.integer(2)}")

    def _keep_closure(self) -> None:
        """A closure, or a lambda, that is called later on."""
        name = self.fresh("fn")
        if self.chance(0.5):
            default = self.integer(1)
            body = self.inside(lambda: self.integer(1))
            self.write(f"{name} = lambda q={default}, *qs, k={self.integer(1)}: {self.traced('q')} + {body} + k")
            self.write(f"{self.target()} = {name}({self.integer(1)}) - {name}(k={self.integer(1)})")
        else:
            self.write(f"{name}, {name}b = counter({self.integer(1)})")
            self.write(f"{self.target()} = {name}({self.integer(1)}) + {name}b() * {name}()")

    # --- others -----------------------------------------------------------------------------------------------------

    def _expression(self) -> None:
        match self.random.randint(0, 7):
            case 0 | 1:
                self.write(self.traced(self.text(2)))
            case 2:
                self.write(self.traced(self.items(2)))
            case 3:
                self.write(f"print({self.integer(2)}, *{self.items(1)}, {self.integer(2)}, sep={self.text(1)})")
            case 4:
                self.write(f"{self.pick(self.f.lists)}.append({self.integer(2)})")
            case 5 if not self.no_walrus and not self.f.is_class:
                self.write(f"({self._variable()} := {self.integer(2)})")
            case 6:
                self.write(self.traced(self.mapping(2)))
            case _:
                self.write(self.traced(self.integer(3)))

    def _delete(self) -> None:
        name = self.pick(self.f.lists)
        match self.random.randint(0, 3):
            case 0:
                self.write(f"gd[{self.text(1)}] = {self.integer(1)}")
                self.write("del gd[next(iter(gd))]")
            case 1 if self.classes:
                o = self.pick(["o1", "o2"])
                self.write(f"{o}.y = {self.integer(1)}")
                self.write(f"del {o}.y, ident({self.items(0)})[{self.integer(1)}:]")
                self.write(f"{name} += [{self.integer(1)}, 4, 5]")
            case 2 if "__delitem__" in self.specials:
                self.write(f"del {self.object(1)}[{self.integer(1)}], {self.items(1)}[:{self.integer(1)} % 2]")
            case _:
                self.write(f"{name} += [3, 4, 5]")
                self.write(f"del {name}[{self.integer(1)} % 3], {self.items(1)}[:{self.integer(1)} % 2]")

    def _assertion(self) -> None:
        self.write(f"assert {self.integer(2)} != {self.random.randint(0, 9)}, {self.text(1)}")

    def exception(self) -> str:
        worse = f"Worse({self.integer(1)})" if self.taste("worse") else f"OSError({self.integer(1)})"
        return self.pick([f"Trouble({self.integer(1)})", worse, f"KeyError({self.text(1)})"])

    def _raise(self) -> None:
        if not (self.f.depth or self.tries or self.chance(0.1)):
            return self._expression()
        cause = ""
        if self.f.handled and self.chance(0.7):
            name = self.f.handled[-1]
            if name is None or self.chance(0.4):
                return self._guarded("raise")
            cause = f" from {name}"
        elif self.chance(0.3):
            cause = self.pick([f" from Trouble({self.integer(1)})", " from None"])
        self._guarded(f"raise {self.exception()}{cause}")

    def _guarded(self, text: str) -> None:
        """A statement that leaves, most often behind a test: what follows is to be reached too."""
        if self.chance(0.85):
            self.write(f"if {self.integer(1)} % 3 {self.pick(['==', '!=', '>'])} 1:")
            self.write(f"    {text}")
        else:
            self.write(text)

    def leaves(self) -> list[str]:
        """The statements that could leave here, but for an exception."""
        if self.f.stays:
            return []
        found = ["break", "continue"] * (self.f.loops > 0)
        if self.f.depth and self.f.depth != "2":
            found.append("return" if self.f.is_generator and self.chance(0.5) else f"return {self.integer(2)}")
        return found

    def _leave(self) -> None:
        found = self.leaves()
        if self.f.in_finally or not found:
            self._expression()
        else:
            self._guarded(self.pick(found))

    def _say_handled(self) -> None:
        if self.f.depth and self.chance(0.2):
            # Names that heresy adds are variables too; and before 3.13 the order changes as soon as a tracer looks.
            return self.write(self.traced("sorted(n for n in locals() if n[:2] != '_h')"))
        own = [n for n in self.f.ints if n not in GLOBALS and not n.startswith("q")]
        if self.f.depth and own and self.chance(0.2):
            name = self.pick(own)
            self.write(f"del {name}")
            return self.write(f"{name} = {self._constant()}")
        self.write(self.traced("handled()"))

    # --- generators -------------------------------------------------------------------------------------------------

    def _yielded(self) -> None:
        """A statement of a generator that gives and takes values, or delegates."""
        v = self.target()
        match self.random.randint(0, 4):
            case 0:
                self.write(f"{v} = yield {self.integer(1)}")
                self.write(f"{self._variable()} = 4")
            case 1 if self.generators:
                self.write(f"{v} = (yield from {self.pick(self.generators)}({self.integer(1)}, {self.budget()})) or 5")
            case 2:
                self.write(f"{v} = (yield {self.integer(1)}) or (yield {self.integer(1)}) or 6")
            case 3:
                self.write("try:")
                self.write(f"    {v} = (yield {self.integer(1)}) or 7")
                self.write(f"except {self.pick(['Trouble', 'Exception', 'GeneratorExit'])} as error:")
                self.write(f"    {self.traced('repr(error)')}")
                self.write(f"    {self.pick(['raise', f'yield {self.integer(1)}', f'{self._variable()} = 1'])}")
                if self.chance(0.5):
                    self.write("finally:")
                    self.write(f"    {self.traced(self._variable())}")
            case _:
                self.write(f"yield from {self.pick([self.generated(1), self.items(1)])}")

    def _drive(self) -> None:
        """Makes, asks, feeds, throws into or closes one of the live generators."""
        name = f"{self.pick(self.generators)}({self.integer(1)}, {self.budget()})"
        one = self.pick(["live[-1]", "live[0]", f"live[{self.integer(1)} % len(live)]"])
        match self.random.randint(0, 11):
            case 0 | 1 | 2:
                self.write(f"live.append({name})")
            case 3:
                self.write(f"live.append({self.generated(1)})")
            case 4 | 5:
                self.write(f"if live: {self.traced(f'next({one}, ' + self.pick(['5', 'None']) + ')')}")
            case 6:
                self.write(f"if live: {self.traced(f'{self.integer(1)} - (next({one}, 8) or 2) * {self.integer(1)}')}")
            case 7:
                self._attempt(self.traced(f"{one}.send({self.pick(['None', self.integer(1)])})"))
            case 8:
                self._attempt(self.traced(f"{one}.throw(Trouble({self.integer(1)}))"))
            case 9:
                self.write("if live: live.pop().close()")
            case 10:
                self._attempt(f"for {self._variable()} in {one}: {self.traced('0')}")
            case _:
                self.write(self.traced(f"list({name})"))

    def _attempt(self, text: str) -> None:
        self.write("if live:")
        self.write("    try:")
        self.write(f"        {text}")
        self.write(f"    except {self.pick(['Exception', '(StopIteration, ValueError, TypeError)'])} as error:")
        self.write(f"        {self.traced('repr(error)')}")

    # --- what other parts write -------------------------------------------------------------------------------------

    def _if(self, d: int) -> None:
        raise NotImplementedError

    _for = _while = _try = _try_star = _with = _match = _nested_function = _nested_class = _leave_finally = _if
