"""Random compound statements: branches, loops, handlers, managers, patterns."""

from __future__ import annotations

from random_statements import Statements


class Blocks(Statements):
    """Writes them."""

    def _if(self, d: int) -> None:
        self.write(f"if {self.integer(2)}:")
        self.block(d)
        if self.chance(0.3):
            self.write(f"elif {self.integer(2)}:")
            self.block(d)
        if self.chance(0.4):
            self.write("else:")
            self.block(d)

    # --- loops ------------------------------------------------------------------------------------------------------

    def _loop(self, d: int) -> None:
        kept = self.f.in_finally, self.f.stays
        self.f.in_finally = self.f.stays = False
        # From inside of a handler of `except*`, a loop of its own may be left, the function may not.
        depth, self.f.depth = self.f.depth, "2" if kept[1] else self.f.depth
        self.f.loops += 1
        self.block(d)
        self.f.loops -= 1
        self.f.depth = depth
        self.f.in_finally, self.f.stays = kept
        if self.chance(0.25):
            self.write("else:")
            self.block(d)

    def _for(self, d: int) -> None:
        v, w = self._variable(), self._variable()
        match self.random.randint(0, 11):
            case 0:
                self.write(f"for {v}, {w} in enumerate({self.items(1)}):")
            case 1:
                self.write(f"for {v}, {w} in zip({self.items(1)}, {self.items(1)}):")
            case 2:
                self.write(f"for {v} in reversed({self.items(1)}):")
            case 3:
                items = f"{self.mapping(2)}.items()"
                self.write(f"for {self.fresh('key')}, {v} in {self.pick([f'sorted({items})', f'list({items})'])}:")
            case 4 if self.generators:
                self.write(f"for {v} in {self.pick(self.generators)}({self.integer(1)}, {self.budget()}):")
            case 5:
                self.write(f"for {v}, {self.target()} in zip([1, 2], range({self.integer(1)} % 4)):")
            case 6:
                self.write(f"for {v} in sorted({{{self.integer(1)}, {self.integer(1)}}}):")
            case 7:
                self.write(
                    f"for {v} in {self.pick(['map', 'filter'])}({self.pick(['ident', 'lambda q: q + 1'])}, {self.items(1)}):"
                )
            case 8:
                self.write(f"for {v} in {self.generated(1) if self.chance(0.7) else self.items(2)}:")
            case 9 if "__iter__" in self.specials:
                self.write(f"for {v} in {self.object(1)}:")
            case 10:
                self.write(
                    f"for {v}, ({w}, *{self.pick(self.f.lists)}) in [(1, {self.items(1)}), ({self.integer(1)}, [2, 3, 4])]:"
                )
            case _:
                self.write(f"for {self.pick([v, v, self.target()])} in range({self.integer(1)} % 4):")
        self.write(f"    {self.traced(v)}")
        self._loop(d)

    def _while(self, d: int) -> None:
        name = self.fresh("i")
        self.write(f"{name} = {self.random.randint(1, 3)}")
        if self.chance(0.3) and not self.f.is_class:
            self.write(f"while ({name} := {self.traced(f'{name} - 1')}) >= 0:")
        else:
            self.write(f"while {self.traced(name)} > 0 and {self.integer(1)} != 5:")
            self.write(f"    {name} -= 1")
        self._loop(d)

    # --- exceptions -------------------------------------------------------------------------------------------------

    def _tried(self, d: int) -> None:
        self.write("try:")
        self.tries += 1
        self.block(d)
        if self.chance(0.3):
            self.write(
                f"    {self.pick(['raise ' + self.exception(), f'{self.integer(1)} // ({self.integer(1)} % 2)'])}"
            )
        self.tries -= 1

    def _try(self, d: int) -> None:
        self._tried(d)
        handlers = self.random.randint(0, 2)
        for last in [False] * max(0, handlers - 1) + [True] * (handlers > 0):
            name = self.fresh("e") if self.chance(0.5) else None
            if name is None and last and self.chance(0.4):
                self.write("except:")
            else:
                kind = self.pick(
                    ["Trouble", "(KeyError, OSError)", "LookupError", "Exception", "Exception", "ident(Exception)"]
                )
                self.write(f"except {kind}{f' as {name}' if name else ''}:")
            if name:
                self.write(f"    {self.traced(f'repr({name})')}")
            self.f.handled.append(name)
            self.block(d)
            self.f.handled.pop()
        if handlers and self.chance(0.3):
            self.write("else:")
            self.block(d)
        if not handlers or self.chance(0.35):
            self.write("finally:")
            in_finally, self.f.in_finally = self.f.in_finally, True
            self.block(d)
            self.f.in_finally = in_finally

    def _leave_finally(self, d: int) -> None:
        """A ``try`` inside a ``try``, with ways out through what comes finally, or from there."""
        if not self.f.loops and self.chance(0.6):
            self.write(f"for {self._variable()} in [1, {self.integer(1)}, 3]:")
            self.indent += 1
            in_finally, self.f.in_finally = self.f.in_finally, False
            self.f.loops += 1
            self._leave_finally(d)
            self.f.loops -= 1
            self.f.in_finally = in_finally
            self.indent -= 1
            return
        leaves = self.leaves()
        self.write("try:")
        self.indent += 1
        self._tried(d)
        if leaves:
            self.indent += 1
            self._guarded(self.pick(leaves))
            self.indent -= 1
        self.write("finally:")
        self.write(f"    {self.traced(self._variable())}")
        # Newer versions warn of what leaves from here, which must be said as often as plainly.
        if leaves and self.chance(0.4):
            self.write(f"    if {self.integer(1)} % 3 == 1:")
            self.write(f"        {self.pick(leaves)}")
        self.indent -= 1
        self.write(self.pick(["finally:", "except Exception:", "except Exception:"]))
        in_finally, self.f.in_finally = self.f.in_finally, True
        self.block(d)
        self.f.in_finally = in_finally

    def _group(self) -> str:
        parts = [self.exception() for _ in range(self.random.randint(1, 3))]
        if self.chance(0.3):
            parts.append(f"ExceptionGroup('in', [{self.exception()}, OSError({self.integer(1)})])")
        return f"ExceptionGroup({self.text(1)}, [{', '.join(parts)}])"

    def _try_star(self, d: int) -> None:
        self.write("try:")
        self.tries += 1
        self.block(d)
        self.write(f"    raise {self._group() if self.chance(0.8) else self.exception()}")
        self.tries -= 1
        stays, self.f.stays = self.f.stays, True
        kinds = ["Trouble", "LookupError", "(KeyError, OSError)", "Exception", "OSError", "ident(Trouble)"]
        for kind in self.random.sample(kinds, self.random.randint(1, 3)):
            name = self.fresh("e") if self.chance(0.6) else None
            self.write(f"except* {kind}{f' as {name}' if name else ''}:")
            if name:
                self.write(f"    {self.traced(f'(repr({name}), len({name}.exceptions))')}")
            self.f.handled.append(name)
            self.block(d)
            self.f.handled.pop()
        self.f.stays = stays
        if self.chance(0.3):
            self.write("else:")
            self.block(d)
        if self.chance(0.3):
            self.write("finally:")
            in_finally, self.f.in_finally = self.f.in_finally, True
            self.block(d)
            self.f.in_finally = in_finally

    # --- managers and patterns --------------------------------------------------------------------------------------

    def _with(self, d: int) -> None:
        items = []
        for _ in range(self.random.choice([1, 1, 2, 3])):
            manager = f"Manager({self.integer(1)}, {self.pick(['False', 'True', 'True', self.integer(1)])})"
            choice = self.random.randint(0, 9)
            if choice < 2:
                manager = f"ident({manager})"
            elif choice < 4:
                manager = "gm"
            elif choice < 6 and "__enter__" in self.specials:
                manager = self.object(1)
            to = self.pick([self.fresh("m"), self.fresh("m"), "gm.other"])
            items.append(manager + (f" as {to}" if self.chance(0.4) else ""))
        text = ", ".join(items)
        self.write(f"with ({text}):" if self.chance(0.2) and len(items) > 1 else f"with {text}:")
        self.tries += 1
        self.block(d)
        if self.chance(0.25) and not self.f.stays:
            self._guarded_inside()
        self.tries -= 1

    def _guarded_inside(self) -> None:
        self.indent += 1
        self._guarded(self.pick([f"raise {self.exception()}", *(self.leaves() if not self.f.in_finally else [])]))
        self.indent -= 1

    def _match(self, d: int) -> None:
        v, w = self._variable(), self._variable()
        if v == w:
            w = self.fresh("w")
        guard = f" if {self.integer(1)} % 2" if self.chance(0.5) else ""
        match self.random.randint(0, 4):
            case 0:
                subject = f"[{self.integer(1)}, *{self.items(1)}]"
                patterns = [
                    f"[{v}, {w}, *_]{guard}",
                    f"[{self._constant()} | {self._constant()}, *rest] if ident(rest)",
                ]
            case 1:
                subject = self.mapping(2)
                patterns = [
                    f"{{'k': {v}, **rest}}{guard}",
                    f"{{'l': {v}, 'a': {w}}}",
                    f"{{'a': {self._constant()} | 7 as {v}}}",
                ]
            case 2 if self.classes:
                subject = self.object(2)
                cls = self.pick(self.classes)
                patterns = [
                    f"{cls}(x={v}, p={w}){guard}",
                    f"{cls}(x={self._constant()})",
                    f"object(p={v}) if {self.integer(1)}",
                ]
            case 3:
                subject = f"{self.integer(1)}, {self.text(1)}"
                patterns = [
                    f"({self._constant()}, str() as text){guard}",
                    f"int({v}), text if len(text) > {self.integer(1)} % 3",
                ]
            case _:
                subject = self.integer(2)
                patterns = [
                    f"{self._constant()} | {self._constant()}{guard}",
                    f"{v} if {self.integer(1)}",
                    f"int({v}){guard}",
                ]
        self.write(f"match {subject}:")
        self.indent += 1
        for pattern in self.random.sample(patterns, self.random.randint(1, len(patterns))):
            self.write(f"case {pattern}:")
            self.block(d)
        if self.chance(0.5):
            self.write("case _:")
            self.block(d)
        self.indent -= 1
