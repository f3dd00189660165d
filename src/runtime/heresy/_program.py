"""An instrumented module, as the runtime knows it when a program is stopped or continued.

While a program runs, only its code objects exist. When it is stopped, a :class:`Program` reads the marked form again
and finds out, for each instruction, which node of the syntax tree it belongs to. No table is kept for that: the same
tree is compiled once more with a *number for each node in the place of its columns*. Columns do not influence what
CPython generates, so the bytes are the same, and ``co_positions()`` of the twin gives the node of each instruction,
on every version and for every construct.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator

from . import _bytecode, _cpython, _run_form
from . import _tree as ast
from ._code_index import MARK, CodeIndex, ScopeKey, is_marked_copy, walk_code
from ._errors import HeresyError, InternalError, NotContinuable
from ._evaluated import first_evaluated
from ._marked import Marked, place_of, suites
from ._quiet import Quiet
from ._texts import CannotInstrument
from ._typing_names import Any
from ._uncollected import Uncollected
from ._units import Unit

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
#: What has a frame with variables of its own, and can be called.
BODIES = (*FUNCTIONS, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (ast.Module, *FUNCTIONS, ast.Lambda, ast.ClassDef, *COMPREHENSIONS)

_ANONYMOUS: dict[str, tuple[type[ast.AST], ...]] = {
    "<lambda>": (ast.Lambda,),
    "<listcomp>": (ast.ListComp,),
    "<setcomp>": (ast.SetComp,),
    "<dictcomp>": (ast.DictComp,),
    "<genexpr>": (ast.GeneratorExp,),
}
#: The place of what a ``lambda`` returns.
LAMBDA = ("lambda", 0)
#: Node numbers start above the length of any attribute name, which CPython subtracts from a column.
_FIRST_NUMBER = 10_000


class Hole(ast.expr):
    """Stands in a resume form for what the frame waited for.

    Attributes:
        site: what that was.
    """

    site: Any


class Scope:
    """One scope of a program: its node, and what each instruction of one compilation of it belongs to."""

    def __init__(
        self, program: Program, key: ScopeKey, node: ast.AST, code: types.CodeType, nodes: list[ast.AST | None]
    ):
        self.program = program
        self.key = key
        self.node = node
        self.code = code
        #: The node of each code unit (half a byte offset).
        self.nodes = nodes
        #: For a resume form: tells whether inner frames are still to be restored, so that it cannot be stopped in.
        self.is_pending: Callable[[], bool] = lambda: False
        #: For a resume form: the byte offset that its goto jumps to. What is reached there by the jump may be the rest
        #: of a statement, so it is not taken for a start.
        self.entered_at: int | None = None
        #: There was an event for that already.
        self.entered_again = False
        #: The same, and the statement that is finished there: its rest has no other start.
        self.rest: tuple[int, ast.stmt] | None = None
        #: For a resume form: what waits beside the comprehensions that it is in, for each of them and for the statement, while
        #: they are refilled.
        self.waiting: dict[ast.AST, list[Any]] = {}
        self._starts: dict[tuple[ast.stmt, int], int | None] = {}
        #: How deep the value stack is where that statement would have started.
        self.rest_depth = 0
        #: For a resume form: the result of its hole (see `_holes`), and what is still to be returned through a ``finally``.
        self.result: Any = None
        self.returning: dict[ast.stmt, list[Any]] = {}
        #: For a resume form: how the ``finally`` and ``with`` statements that it continues in are being left.
        self.ways: dict[ast.stmt, ast.stmt | None] = {}

    @functools.cached_property
    def depths(self) -> dict[int, int]:
        """The depth of the value stack before each instruction, by byte offset."""
        return _bytecode.stack_depths(self.code)

    @functools.cached_property
    def _operations(self) -> dict[int, _cpython.Operation]:
        return _cpython.operations(self.code)

    @functools.cached_property
    def _leading(self) -> dict[int, tuple[int, ...]]:
        return _bytecode.leading_offsets(self.code)

    @functools.cached_property
    def _protected(self) -> dict[int, list[tuple[int, int]]]:
        return _bytecode.protected_offsets(self.code)

    @functools.cached_property
    def _jumps_back(self) -> dict[int, int]:
        return _bytecode.jumps_back(self.code)

    def comes_to(self, offset: int) -> int:
        """Where a frame at ``offset`` comes to next: for a jump back, which does nothing else, that is where it leads."""
        offset = self._jumps_back.get(offset, offset)
        while self.code.co_code[offset] == _bytecode.EXTENDED_ARG and self.operation_at(offset + 2) is not None:
            offset += 2
        return offset

    def leading(self, offset: int) -> tuple[int, ...]:
        """The instructions that may run just before the one at ``offset``, -1 for none, handlers left out."""
        return self._leading.get(offset, ())

    def protected_by(self, offset: int) -> list[int]:
        """If a handler starts at ``offset``: for each range that it protects, its first instruction of a node.

        The goto of a resume form leaves instructions behind that never run: they are left out.
        """
        return [
            next((at for at in range(start, end, 2) if self.nodes[at // 2] is not None and at in self.depths), start)
            for start, end in self._protected.get(offset, ())
        ]

    def is_handler(self, offset: int) -> bool:
        return offset in self._protected

    def statement_starting_at(self, offset: int) -> ast.stmt | None:
        """The statement whose first instruction stands at a byte offset, if it has a place."""
        node = self.nodes[offset // 2]
        operation = self.operation_at(offset)
        if node is None or offset not in self.depths:
            return None
        if operation is not None and (operation.kind == "for" or operation.awaits):
            # Each round of a `for` comes to the header again; what awaits, to where it asks.
            return None
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return None  # this is its end: it begins with what its first item is made of
        statement = self.program.statement_of(node)
        if statement is None or place_of(statement) is None or node not in first_evaluated(statement):
            return None
        header = self.program.header
        for before in self.leading(offset):
            if before >= offset and isinstance(statement, ast.While):
                return statement  # its body has no instruction
            from_ = header(self.nodes[before // 2]) if before >= 0 else None
            if from_ is not statement and not self._is_left_through(from_, statement):
                return statement
        return None

    def _is_left_through(self, from_: ast.stmt | None, jump: ast.stmt) -> bool:
        """Whether a jump out of a ``try`` is made at last: one comes to it from the ``finally``, which must not run again."""
        if not isinstance(jump, (ast.Return, ast.Break, ast.Continue)):
            return False
        parents = self.program.parents
        child: ast.AST | None = from_
        while child is not None and not isinstance(child, SCOPES):
            parent = parents.get(child)
            if isinstance(parent, (ast.Try, ast.TryStar)) and child in parent.finalbody:
                around: ast.AST | None = jump
                while around is not None and around is not child and parents.get(around) is not parent:
                    around = parents.get(around)
                if around is not None and around not in parent.finalbody:
                    return True
            child = parent
        return False

    def start_of(self, statement: ast.stmt, offset: int) -> int | None:
        """Where the copy of ``statement`` that the instruction at ``offset`` belongs to starts.

        CPython compiles the body of a ``finally`` and the test of a ``while`` more than once.
        """
        if (statement, offset) not in self._starts:
            self._starts[statement, offset] = self._start_of(statement, offset)
        return self._starts[statement, offset]

    def _start_of(self, statement: ast.stmt, offset: int) -> int | None:
        found: ast.stmt | None = statement
        while found is not None:
            for start in range(offset, -1, -2):
                if self.statement_starting_at(start) is found or self.rest == (start, found):
                    return start
            # Its first instruction may be one with the last of the statement before it on the same line.
            found = self.program.before(found)
        return next((start for start in range(offset, -1, -2) if self._is_behind_header(statement, start)), None)

    def _is_behind_header(self, statement: ast.stmt, offset: int) -> bool:
        """Whether the first instruction of a statement is one with the last of a header on its line: ``for x in xs: f(a, b)``."""
        node = self.nodes[offset // 2]
        if node is None or offset not in self.depths or self.program.statement_of(node) is not statement:
            return False
        before = [self.nodes[each // 2] for each in self.leading(offset) if each >= 0]
        return self.loads_two_before(offset) and all(self.program.header(each) is not statement for each in before)

    def depth_at_start(self, offset: int) -> int:
        """How deep the value stack is where a statement starts, at a byte offset that `start_of` gave."""
        if self.rest is not None and offset == self.rest[0]:
            return self.rest_depth
        # Its first variable may have been loaded together with what comes before.
        return self.depths[offset] - self.loads_two_before(offset)

    def depth_of_instruction(self, offset: int) -> int | None:
        """How deep the value stack is before what a frame that stands at a byte offset is doing."""
        operation = self.operation_at(offset)
        return self.depths.get(operation.offset) if operation is not None else None

    def below(self, offset: int) -> int:
        """How deep the value stack is below what the instruction at a byte offset works on."""
        operation = self.operation_at(offset)
        if operation is None:
            raise NotContinuable("in the midst of a statement")
        node = self.node_at(offset)
        if not isinstance(node, Hole):
            return self.depths[operation.offset] - operation.takes
        # All of a hole stands for one node.
        first = operation.offset
        for at in range(operation.offset, -1, -2):
            if self.nodes[at // 2] is not node:
                break
            if at in self.depths:
                first = at
        return self.depths[first]

    def node_at(self, offset: int) -> ast.AST | None:
        """The node that the instruction at ``offset`` belongs to."""
        return self.nodes[offset // 2] if offset >= 0 else None

    def operation_at(self, offset: int) -> _cpython.Operation | None:
        """What a frame standing at ``offset`` is doing, if that can run a function."""
        return self._operations.get(offset)

    @property
    def is_function_of_comprehension(self) -> bool:
        """Whether it is a comprehension's that is continued as a function: see `_expressions`."""
        return isinstance(self.node, COMPREHENSIONS) and self.program.index.code(self.key) is not self.code

    def is_jump(self, offset: int) -> bool:
        return _cpython.is_jump(self.code, offset)

    def is_load(self, offset: int) -> bool:
        return _cpython.is_load(self.code, offset)

    def loads_two_before(self, offset: int) -> bool:
        """Whether the instruction before ``offset`` has loaded what the one at ``offset`` works on, besides its own."""
        return any(_cpython.loads_besides(self.code, before) for before in self.leading(offset) if before >= 0)

    def is_entering(self, offset: int) -> bool:
        """Whether an instruction of a ``with`` is one that enters a manager, or waits for that."""
        operation = self.operation_at(offset)
        if operation is None:
            return False
        if operation.kind == "call":
            return not operation.arg and _cpython.WITH_ENTERS_BY_CALL
        return operation.kind == "enter" or operation.awaits == "enter"


class Program:
    """A module in marked form, read for a stop or a resume.

    Attributes:
        unit: the module.
        marked: its tree; positions are those of the original.
        flags: the ``__future__`` flags it is compiled with.
        imports: its own import statements, wherever they stand.
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.filename = unit.path
        self.index: CodeIndex = unit.index
        self.flags = unit.code.co_flags & _FUTURE_FLAGS
        try:
            texts = unit.texts()
        except (OSError, CannotInstrument) as error:
            why = getattr(error, "strerror", None) or error
            raise HeresyError("H324", f"cannot read the text of {unit.path}: {why}") from None
        with Quiet(), Uncollected():
            self.marked: Marked = _run_form.read(*texts, unit.path)
            self.parents: dict[ast.AST, ast.AST] = {
                child: node for node in ast.walk(self.marked.tree) for child in ast.iter_child_nodes(node)
            }
            self.imports = list(_imports_of(self.marked.tree))
            self._returns = self._name_lambdas()
            self._scopes: dict[int, Scope] = {}
            self._own_frames: dict[ast.AST, Scope] = {}
            self._originals: list[types.CodeType] = []
            self._add_run_form()

    def imported(self, package: str) -> Iterator[str]:
        """The names of the modules that its own import statements name, and of what could be one.

        Args:
            package: what a relative import starts from.
        """
        for node in self.imports:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                around = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*around, *([node.module] if node.module else [])])
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)

    @functools.cached_property
    def bodies(self) -> Bodies:
        """The bodies of what the module itself defines."""
        return Bodies(self.marked.tree)

    def scope(self, code: types.CodeType) -> Scope | None:
        """The scope of a running code object, run form or resume form, or a marked copy of one."""
        found = self._scopes.get(id(code))
        if found is None and code.co_flags & MARK:
            return next((scope for scope in self._scopes.values() if is_marked_copy(code, scope.code)), None)
        return found

    def scopes(self) -> list[Scope]:
        """All scopes that are known."""
        return [*self._scopes.values()]

    def scope_of_original(self, code: types.CodeType) -> Scope | None:
        """The scope of a code object of a library that runs as it is; the run form must be no other."""
        run_form = self.index.named(code)
        scope = self._scopes.get(id(run_form)) if run_form == code else None
        if scope is not None:
            self._originals.append(code)  # it must stay alive for its identity
            self._scopes[id(code)] = scope
        return scope

    def scope_named(self, key: ScopeKey) -> Scope | None:
        code = self.index.code(key)
        return self._scopes.get(id(code)) if code is not None else None

    def scope_of_comprehension(self, node: ast.AST) -> Scope | None:
        """The scope of a comprehension, if the interpreter gives it a frame of its own."""
        return self._own_frames.get(node)

    def add(
        self, key: ScopeKey, code: types.CodeType, twin: types.CodeType, numbers: dict[int, ast.AST]
    ) -> Scope | None:
        """Makes another compilation of a scope known; ``twin`` is the same code with node numbers as columns."""
        # Constants may have other indices: equal code objects are one constant, and with numbers fewer are equal.
        if _bytecode.own_part(code)[0][::2] != twin.co_code[::2]:
            raise InternalError(f"the twin of {code.co_qualname} differs from it")
        nodes = [numbers.get(column) if column is not None else None for column in _bytecode.unit_columns(twin)]
        nodes += [None] * (len(code.co_code) // 2 - len(nodes))  # its pads
        node = self._scope_node(code, nodes)
        if node is None:
            return None
        self._give_items(code, nodes)
        scope = self._scopes[id(code)] = Scope(self, key, node, code, nodes)
        return scope

    def forget(self, code: types.CodeType) -> None:
        """Forgets a compilation that is not to run."""
        del self._scopes[id(code)]

    def _give_items(self, code: types.CodeType, nodes: list[ast.AST | None]) -> None:
        """Gives what a ``with`` does with a manager to the item: since 3.13 it has the position of the manager's expression."""
        entered: set[ast.AST] = set()
        for instruction in _bytecode.instructions(code):
            node = nodes[instruction.offset // 2]
            item = self.parents.get(node) if node is not None else None
            if not isinstance(item, ast.withitem) or node is not item.context_expr:
                # In another copy of the statement, the expression is evaluated first again.
                while entered and item is not None:
                    entered.discard(item)
                    item = self.parents.get(item)
                continue
            if _cpython.begins_with(code, instruction):
                entered.add(node)
            elif _cpython.loads_value(code, instruction):
                entered.discard(node)
            if node in entered:
                units = range(instruction.offset // 2, instruction.next // 2)
                nodes[units.start : units.stop] = [item] * len(units)

    def _name_lambdas(self) -> dict[ast.AST, ast.stmt]:
        """Gives each ``lambda`` the statement that it has no words for: ``return BODY``."""
        returns: dict[ast.AST, ast.stmt] = {}
        for node in list(self.parents):
            if isinstance(node, ast.Lambda):
                statement = returns[node] = ast.copy_location(ast.Return(node.body), node.body)
                statement.heresy_place = LAMBDA  # type: ignore[attr-defined]
                self.parents[node.body], self.parents[statement] = statement, node
        return returns

    def _add_run_form(self) -> None:
        numbers, restore = number_nodes(self.marked.tree)
        twin = _run_form.compile_tree(self.marked.tree, self.filename, self.flags)
        restore()
        for code, its_twin in zip(walk_code(self.unit.code), walk_code(twin), strict=True):
            key = self.index.key(code)
            scope = self.add(key, code, its_twin, numbers) if key is not None else None
            if scope is not None and isinstance(scope.node, COMPREHENSIONS):
                self._own_frames[scope.node] = scope

    def _scope_node(self, code: types.CodeType, nodes: list[ast.AST | None]) -> ast.AST | None:
        if code.co_name == "<module>":
            return self.marked.tree
        # What makes a function or a class stands in the scope around it.
        making = [self.parents.get(node) if isinstance(node, (*BODIES, ast.ClassDef)) else node for node in nodes]
        kinds = _ANONYMOUS.get(code.co_name)
        if kinds is not None:
            # What it goes through, or makes, may be one of its kind: that is inside of it.
            found = {self._around(node, kinds) for node in dict.fromkeys(making)} - {None}
            return next((each for each in found if found.isdisjoint(self._ancestors(each))), None)
        for each in [*making, *nodes]:
            for node in [each, *self._ancestors(each)]:
                if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name == code.co_name:
                    return node
        return None

    def _around(self, node: ast.AST | None, kinds: tuple[type[ast.AST], ...]) -> ast.AST | None:
        return next((each for each in [node, *self._ancestors(node)] if isinstance(each, kinds)), None)

    def _ancestors(self, node: ast.AST | None) -> Iterator[ast.AST]:
        while node is not None and (node := self.parents.get(node)) is not None:
            yield node

    # --- where a node stands ------------------------------------------------------------------------------------

    def statement_of(self, node: ast.AST | None) -> ast.stmt | None:
        """The innermost statement that ``node`` is part of."""
        while node is not None and not isinstance(node, ast.stmt):
            node = self.parents.get(node)
        return node

    #: The statement whose own part (for a compound statement: its header) a node belongs to.
    header = statement_of

    def scope_of(self, node: ast.AST) -> ast.AST:
        """The node of the scope that a statement stands in."""
        current = self.parents.get(node)
        while current is not None and not isinstance(current, SCOPES):
            current = self.parents.get(current)
        return current if current is not None else self.marked.tree

    def class_around(self, node: ast.AST) -> str | None:
        """The name of the class that gives private names in a node their prefix."""
        around = self.parents.get(node)
        while around is not None and not isinstance(around, ast.ClassDef):
            around = self.parents.get(around)
        return around.name if around is not None else None

    def before(self, statement: ast.stmt) -> ast.stmt | None:
        """The statement before ``statement`` on the same line of the same suite."""
        for suite in suites(self.parents[statement]):
            for before, after in zip(suite, suite[1:]):
                if after is statement and before.end_lineno == statement.lineno:
                    return before
        return None

    def statement_at(self, scope: ast.AST, place: tuple[str, int]) -> ast.stmt | None:
        """The statement of a scope that has this place."""
        if isinstance(scope, ast.Lambda):
            return self._returns[scope]
        work: list[ast.AST] = [scope]
        while work:
            node = work.pop()
            for suite in [
                *suites(node),
                *[h.body for h in getattr(node, "handlers", [])],
                *[c.body for c in getattr(node, "cases", [])],
            ]:
                for statement in suite:
                    if place_of(statement) == tuple(place):
                        return statement
                    if not isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
                        work.append(statement)
        return None


_FUTURE_FLAGS = 0
for _name in __import__("__future__").all_feature_names:
    _FUTURE_FLAGS |= getattr(__import__("__future__"), _name).compiler_flag
_FUTURE_FLAGS &= ~0x0010  # nested scopes: CO_NESTED shares the bit and is no flag for compile()


def _imports_of(module: ast.Module) -> Iterator[ast.stmt]:
    """The import statements in the scope of the module itself."""
    work: list[ast.AST] = [module]
    while work:
        node = work.pop()
        if isinstance(node, ast.Import) or isinstance(node, ast.ImportFrom) and node.module != "__future__":
            yield node
        if node is module or not isinstance(node, (*SCOPES, ast.expr)):
            work.extend(ast.iter_child_nodes(node))


def number_nodes(tree: ast.AST) -> tuple[dict[int, ast.AST], Callable[[], None]]:
    """Puts a number into the columns of each node below ``tree``, children before parents.

    A node that stands for another has its number.

    Returns:
        the node of each number, and a function that puts the true columns back.
    """
    numbers: dict[int, ast.AST] = {}
    given: dict[ast.AST, int] = {}
    saved: list[tuple[ast.AST, int, int]] = []
    work: list[tuple[ast.AST, bool]] = [(tree, False)]
    while work:
        node, done = work.pop()
        if not done:
            work.append((node, True))
            work.extend((child, False) for child in ast.iter_child_nodes(node))
        elif "col_offset" in node._attributes:
            model = getattr(node, "heresy_model", node)
            number = given.setdefault(model, _FIRST_NUMBER + len(numbers))
            numbers[number] = model
            saved.append((node, node.col_offset, node.end_col_offset))  # type: ignore[attr-defined]
            node.col_offset = node.end_col_offset = number  # type: ignore[attr-defined]

    def restore() -> None:
        # In reverse: a node that stands in two places was saved twice, the truth first.
        for node, start, end in reversed(saved):
            node.col_offset, node.end_col_offset = start, end  # type: ignore[attr-defined]

    return numbers, restore


class Bodies:
    """``with Bodies(module):`` the functions and classes of a module have none.

    They are code objects of their own: what the module itself compiles to does not depend on them.
    """

    def __init__(self, module: ast.Module) -> None:
        self._left_out: list[tuple[Any, list[ast.stmt]]] = []
        work: list[ast.AST] = [module]
        while work:
            node = work.pop()
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                # What type parameters belong to is in a scope of theirs.
                if not getattr(node, "type_params", None):
                    self._left_out.append((node, node.body))
            elif node is module or not isinstance(node, (*SCOPES, ast.expr)):
                work.extend(ast.iter_child_nodes(node))

    def __enter__(self) -> None:
        for definition, body in self._left_out:
            definition.body = [ast.copy_location(ast.Pass(), body[0])]

    def __exit__(self, *_: object) -> None:
        for definition, body in self._left_out:
            definition.body = body


def mangled(name: str, class_name: str | None) -> str:
    """``__x`` in ``class C`` is ``_C__x``."""
    if class_name is None or not name.startswith("__") or name.endswith("__") or not class_name.strip("_"):
        return name
    return f"_{class_name.lstrip('_')}{name}"


def is_first_iterable(node: ast.AST, child: ast.AST, grandchild: ast.AST | None) -> bool:
    """Whether one enters a comprehension by what the scope around it evaluates: node, its child, and the child's."""
    first = getattr(node, "generators", [None])[0]
    return first is not None and child is first and grandchild is first.iter
