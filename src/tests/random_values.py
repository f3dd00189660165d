"""Random expressions that are no integers: lists, dicts, strings, objects, and what comprehensions make."""

from __future__ import annotations

from random_expressions import GLOBALS, Expressions


class Values(Expressions):
    """Writes them."""

    def items(self, d: int) -> str:
        """An expression whose value is a list of integers, most often three or more."""
        if d <= 0:
            return self.pick(self.f.lists)
        d -= 1
        match self.random.randint(0, 14):
            case 0 | 1 | 2:
                return self.pick(self.f.lists)
            case 3 | 4:
                return f"[{self.integer(d)}, {self.integer(d)}, {self.integer(d)}]"
            case 5:
                return f"ident({self.items(d)})"
            case 6:
                return f"({self.items(d)} + {self.items(d)})"
            case 7:
                return f"({self.items(d)} + [0, 0, 0])[{self.integer(d)} % 2:{self.integer(d)} % 3 + 4]"
            case 8:
                return self.comprehension(d)
            case 9:
                return f"[*{self.items(d)}, {self.integer(d)}, 1, 2]"
            case 10:
                return f"[{self.integer(d)}, *{self.generated(d)}, {self.integer(d)}, *{self.items(d)}]"
            case 11:
                key = self.inside(lambda: self.integer(0))
                return f"sorted({self.items(d)}, key={self.pick(['ident', f'lambda q: t(13, q) ^ {key}'])})"
            case 12:
                return f"{self.pick(['list', 'sorted'])}({self.generated(d)[1:-1]})"
            case 13:
                return f"(q := {self.items(d)})" if not self.no_walrus and self.f.depth else self.items(d)
            case _:
                return f"list(({self.integer(d)}, *{self.items(d)}, {self.integer(d)}))"

    def comprehension(self, d: int) -> str:
        """A list of integers that a comprehension has made."""
        match self.random.randint(0, 8):
            case 0:
                key, rest = self._comprehended(d, 2)
                return f"list({{{key} {rest}}}.values())"
            case 1:
                element, rest = self._comprehended(d, 1)
                return f"sorted({{{element} {rest}}})"
            case 2 if not self.no_walrus and not self.f.is_class:
                name = self.fresh("w")
                source = self.items(0)
                return f"[{name} + {self.inside(lambda: self.integer(d))} for q in {source} if ({name} := {self.traced('q')})]"
        element, rest = self._comprehended(d, 1)
        return f"[{element} {rest}]"

    def generated(self, d: int) -> str:
        """A generator expression that gives integers, in parentheses."""
        element, rest = self._comprehended(d, 1)
        return f"({element} {rest})"

    def _comprehended(self, d: int, count: int) -> tuple[str, str]:
        """What a comprehension makes of each round (with ``count`` 2, a key and a value), and its ``for`` parts."""
        f = self.f
        kept = f.ints, f.lists
        self.no_walrus += 1
        loops: list[str] = []
        names: list[str] = []
        for depth in range(self.pick([1, 1, 1, 2])):
            sources = [f"[1, {self.integer(0)}, 3]", f"[{self.integer(d)}]", self.pick(f.lists)]
            source = self.pick(sources if not depth else [*sources[:2], f"range({self.integer(d - 1)} % 3)"])
            if d > 0 and self.chance(0.2):
                # One within another, each asked by the one around it.
                inner = self.pick([self.generated, self.comprehension]) if not f.is_class else self.items
                source = self.pick([inner(d - 1), f"map(ident, {inner(d - 1)})"])
            # Its own name, or one that hides another.
            name = self.fresh("q") if self.chance(0.7) or names else self.pick(f.ints)
            names.append(name)
            # A class body's names can be seen in the first source only.
            f.ints, f.lists = ([*GLOBALS, *names], ["gl"]) if f.is_class else ([*f.ints, name], f.lists)
            loops.append(f"for {name} in {source}")
            if self.chance(0.25):
                loops.append(f"if {self.integer(d)} % 3")
        element = ": ".join(self.integer(d) for _ in range(count))
        f.ints, f.lists = kept
        self.no_walrus -= 1
        return element, " ".join(loops)

    def mapping(self, d: int) -> str:
        """An expression whose value is a dict from strings to integers."""
        if d <= 0 or self.chance(0.4):
            return "gd"
        d -= 1
        if self.chance(0.2):
            element, rest = self._comprehended(d, 1)
            pairs = f"dict(('k', {element}) {rest})"
            return self.pick(
                [pairs, f"dict(k={self.integer(d)}, **{self.mapping(d)})", f"(gd | {{'k': {self.integer(d)}}})"]
            )
        inner = f", **{self.mapping(d)}" if self.chance(0.4) else ""
        before = f"**{self.mapping(d)}, " if self.chance(0.2) else ""
        return f"{{{before}ident('k'): {self.integer(d)}, 'l': {self.integer(d)}{inner}}}"

    def text(self, d: int) -> str:
        """An expression whose value is a string. An f-string may hold one more, in other quotes."""
        if self.in_fstring > 1 or d <= 0:
            return self.pick(["'a'", "'bc'", f"str({self.integer(d - 1)})"])
        if self.chance(0.1):
            return self.pick([f"'%s-%s' % ({self.integer(d - 1)}, {self.integer(d - 1)})",
                              f"'{{}}{{k}}'.format({self.integer(d - 1)}, k={self.integer(d - 1)})"])  # fmt: skip
        quotes = '"' if self.in_fstring or self.chance(0.5) else '"""'
        # Inside the short form, what is written holds no string in double quotes.
        self.in_fstring += 2 if quotes == '"' else 1
        fields = "-".join(self._field(d - 1) for _ in range(self.random.randint(1, 3)))
        self.in_fstring -= 2 if quotes == '"' else 1
        return f"f{quotes}{fields}{quotes}"

    def _field(self, d: int) -> str:
        inner = self.text(d) if self.chance(0.2) and d > 0 else f"{self.integer(d)}"
        if inner.startswith("{") or inner.endswith("}"):
            inner = f"({inner})"
        end = self.pick(
            ["", "", "!r", "!s", ":>6", ":>{" + self.integer(0) + " % 5 + 1}", "!r:<{" + self.traced("7") + "}",
             ":{'>'}{" + self.traced("8") + "}"]
        )  # fmt: skip
        if self.chance(0.1):
            end = "=" + end
        # What is in parentheses may hold a colon or `:=`, a lambda, or a comparison.
        return f"{{({inner}){end}}}"

    def object(self, d: int) -> str:
        """An expression whose value is an instance of one of the program's classes."""
        choices = ["o1", "o2"]
        if self.f.instance:
            choices += ["self"] * 4
        if d > 0 and self.chance(0.3):
            choices = [
                f"ident({self.object(d - 1)})",
                f"{self.pick(self.classes)}({self.integer(d - 1)}, {self.budget()})",
            ]
        if d > 0 and self.chance(0.1):
            choices = [
                f"[o1, o2][{self.integer(d - 1)} % 2]",
                f"({self.object(d - 1)} if {self.integer(d - 1)} else o1)",
            ]
        return self.pick(choices)
