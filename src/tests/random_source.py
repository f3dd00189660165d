"""Random programs: deterministic, ending, and full of effects in every place where Python evaluates something.

`program(seed)` gives the text of one. A step that is lost, doubled, or done with another value shows in its output: every
effect is a call of ``t``, see `random_prelude`.

Expressions are typed just enough for a program to get somewhere (`integer`, `items`, …); exceptions that happen nevertheless
are part of the test. The parts of the writer, each on top of the one before: `random_expressions`, `random_values`,
`random_statements`, `random_blocks`, `random_definitions`.
"""

from __future__ import annotations

import random_prelude
from random_definitions import Definitions


class Writer(Definitions):
    """Writes one program."""

    def program(self) -> str:
        table = self.chance(0.7)
        for text in ("g0, g1, g2 = 1, 2, 3", "gl = [4, 5, 6]", f"gd = {'Table' if table else ''}({{'a': 7, 'b': 8}})"):
            self.write(text)
        self.write("")
        for _ in range(self.random.randint(1, 2)):
            name = self.fresh("f")
            generator = self.chance(0.4)
            self.function(name, generator=generator)
            (self.generators if generator else self.functions).append(name)
        if self.chance(0.2):
            name = self.fresh("make")
            self.function(name, factory=True)
            self.factories.append(name)
        if self.chance(0.45):
            self.cls("Base", "")
            self.classes.append("Base")
            self.write("o1 = o2 = Base(5)")
            if self.chance(0.5):
                self.cls("Derived", "Base")
                self.classes.append("Derived")
                self.write("o2 = Derived(6)")
            if self.chance(0.5):
                name = self.fresh("f")
                self.function(name)
                self.functions.append(name)
        self.room = max(self.room, 5)
        for _ in range(self.random.randint(2, 4)):
            self._top(3)
        self.write("print(g0, g1, g2, gl, gd)")
        if self.classes:
            self.write("print(vars(o1), vars(o2))")
        body = "\n".join(self.lines) + "\n"
        tracer = self.pick(list(random_prelude.TRACERS))
        return random_prelude.prelude(body, tracer) + body

    def _top(self, d: int) -> None:
        """A statement of the module's; most often one that lets what follows be reached."""
        if self.chance(0.4):
            return self.statement(d)
        self.write("try:")
        self.tries += 1
        self.block(d - 1)
        self.tries -= 1
        self.write(f"except {self.pick(['Exception', 'Exception', 'ident(Exception)'])} as error:")
        self.write(f"    {self.traced('repr(error)')}")


def program(seed: int) -> str:
    """The random program of this seed."""
    return Writer(seed).program()
