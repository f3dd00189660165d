"""A program whose source was changed while it was stopped: where its frames, functions and classes are in the new text.

``heresy run`` has aligned the two texts, statement by statement; here what a checkpoint names by the old one is found in
the new. A frame goes on at the counterpart of its statement, if what is around that on the value stack is the same (the
loops, ``with`` and ``try``), and if it was half done, only if its text is the same. A function goes on with the new body.
What had run already does not run again; but what is new at the top of a module and only defines something, does.

What has no counterpart, or one of several, is refused: nothing is guessed.
"""

from __future__ import annotations

import abc
import ast
import enum
import types
from collections.abc import Iterator

from . import _run_form
from ._blocks import Block, enclosing
from ._code_index import ScopeKey, with_own_code
from ._errors import HeresyError, NotContinuable
from ._frame_state import FrameState
from ._marked import place_of, suites
from ._program import COMPREHENSIONS, Program, Scope, mangled
from ._sites import CATCH, EXIT, FOR, node_name, node_named
from ._typing_names import Any

#: How much of a statement is as it was: `Sameness` of the aligner.
EDITED, HEADER, WHOLE = range(3)
_GONE, _AMBIGUOUS = -1, -2
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WRAPPERS = (ast.If, ast.While, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def numbered(tree: ast.Module) -> list[ast.stmt]:
    """The statements of a module in the order of the text; ``elif`` is a part of its ``if``."""
    return [*_numbered(tree.body)]


def _numbered(suite: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in suite:
        yield statement
        while True:
            yield from _numbered(getattr(statement, "body", []))
            for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
                yield from _numbered(part.body)
            below = _elif_of(statement)
            if below is None:
                break
            statement = below
        yield from _numbered(getattr(statement, "orelse", []))
        yield from _numbered(getattr(statement, "finalbody", []))


def _elif_of(statement: ast.AST) -> ast.If | None:
    if isinstance(statement, ast.If) and len(statement.orelse) == 1 and isinstance(statement.orelse[0], ast.If):
        below = statement.orelse[0]
        return below if below.col_offset == statement.col_offset else None
    return None


class Edits:
    """One module, as it was when the program was stopped and as it is now.

    Args:
        table: for each statement of the old text: the number of its counterpart (-1 gone, -2 ambiguous), how much of it is
            as it was, and the number of the statement at which what was about to begin it goes on (-1, -2). None: both
            texts are the same.
    """

    def __init__(self, old: Program, new: Program, table: list[list[int]] | None) -> None:
        self.old = old
        self.new = new
        self.path = new.filename
        self._numbers = {statement: number for number, statement in enumerate(numbered(old.marked.tree))}
        self._statements = numbered(new.marked.tree)
        self._table = table if table is not None else [[number, WHOLE, number] for number in self._numbers.values()]
        self._keys = {(scope.node, _role(scope)): scope.key for scope in new.scopes()}
        self._redefined: list[tuple[types.FunctionType, types.CodeType, Any]] = []
        #: The number of the new statement that each module's own frame goes on at.
        self._reached = len(self._statements)
        counterparts = {row[0] for row in self._table}
        #: The statements that are new.
        self._fresh = [statement for number, statement in enumerate(self._statements) if number not in counterparts]
        #: New statements of the module, or of a class, that the program has passed, and that are not run now.
        self.left_out: list[ast.AST] = []

    # --- statements, expressions, scopes -----------------------------------------------------------------------------

    def statement(self, old: ast.stmt, same: int = EDITED) -> ast.stmt:
        """The counterpart of a statement.

        Raises:
            HeresyError: there is none, several could be, or less of it is the same than is needed.
        """
        root, steps = old, 0
        while root not in self._numbers:  # an `elif`
            root, steps, same = self.old.parents[root], steps + 1, max(same, HEADER)  # type: ignore[assignment]
        at, sameness, _ = self._table[self._numbers[root]]
        if at < 0:
            raise self._refused(old, "there are several that could be it" if at == _AMBIGUOUS else "it is gone")
        if sameness < same:
            raise self._refused(old, "it has changed" if same == HEADER else "it, or what is inside of it, has changed")
        found: ast.stmt = self._statements[at]
        for _ in range(steps):
            found = _elif_of(found)  # type: ignore[assignment]
        return found

    def _start(self, old: ast.stmt) -> ast.stmt:
        if old not in self._numbers:
            return self.statement(old)
        at = self._table[self._numbers[old]][2]
        if at < 0:
            raise self._refused(old, "there are several that could be it" if at == _AMBIGUOUS else "it is gone")
        return self._with_what_is_new_around(self._statements[at])

    def _with_what_is_new_around(self, start: ast.stmt) -> ast.stmt:
        """Where a statement was put into a new ``if``, ``with``, ``match`` or loop, behind nothing but new statements, it begins
        there now: whether that suite runs at all is still to be asked. So do new statements right before that."""
        numbered, new = set(self._statements), set(self._fresh)
        found = at = start
        while True:
            suite = next(suite for suite in suites(self.new.parents[at]) if at in suite)
            first = suite.index(at)
            while first and suite[first - 1] in new:
                first -= 1
            around = self.new.parents[at]
            if isinstance(around, (ast.ExceptHandler, ast.match_case)):
                around = self.new.parents[around]
            is_part = isinstance(around, _WRAPPERS) and (around in new or around not in numbered)  # an `elif` has no number
            if first or not is_part:
                # In the suite where it was before, the aligner has told what is new before it.
                return suite[first] if found is at is not start else found
            assert isinstance(around, ast.stmt)
            found, at = around if around in numbered else found, around

    def _node(self, old: ast.AST) -> ast.AST:
        """The counterpart of a statement, or of an expression, which is in a counterpart with as many of its kind."""
        if isinstance(old, ast.Module):
            return self.new.marked.tree
        if isinstance(old, ast.stmt):
            return self.statement(old)
        owner = self.old.statement_of(old)
        assert owner is not None
        found = self.statement(owner)
        count = _count(owner, type(old))
        if count != _count(found, type(old)):
            raise self._refused(owner, f"it has {count} of `{_shown(old)}` no more")
        return node_named(found, node_name(owner, old))

    def key(self, key: ScopeKey) -> ScopeKey:
        """The name that a scope has now.

        Raises:
            HeresyError: it is gone, or it cannot be told which it is.
        """
        scope = self.old.scope_named(key)
        if scope is None:
            return key
        found = self._keys.get((self._node(scope.node), _role(scope)))
        if found is None:
            raise HeresyError("H307", f"{self.path} has changed too much to continue: {key[0]} is gone")
        return found

    def code_of_gone(self, key: ScopeKey) -> types.CodeType | None:
        """The old code of a function that is in the new text no more: what the program still holds of it stays what it is."""
        scope = self.old.scope_named(key)
        if scope is None or not isinstance(scope.node, _FUNCTIONS) or self._table[self._numbers[scope.node]][0] != _GONE:
            return None
        return self.old.index.code(key)

    def _refused(self, old: ast.stmt, why: str) -> HeresyError:
        line = ast.get_source_segment("".join(self._old_lines()), old) or ""
        return HeresyError(
            "H307", f"{self.path} has changed too much to continue: line {old.lineno} of then cannot be found in it",
            why=f"`{line.splitlines()[0] if line else _shown(old)}`: {why}",
            help="change less of what the program is in the middle of, choose where to go on with `--at LINE`, or start over "
            "with `--fresh`; nothing is lost",
        )  # fmt: skip

    def _old_lines(self) -> list[str]:
        _, source = self.old.unit.texts()
        return (source or b"").decode(errors="replace").splitlines(keepends=True)

    # --- frames ------------------------------------------------------------------------------------------------------

    def frame(self, state: FrameState) -> FrameState:
        """A frame, in the new text.

        Raises:
            HeresyError: it has no place there.
        """
        scope = self.old.scope_named(state.scope)
        if scope is None:
            return state
        key = self.key(state.scope)
        if isinstance(scope.node, (*COMPREHENSIONS, ast.Lambda)):
            owner = self.old.statement_of(scope.node)
            assert owner is not None
            self.statement(owner, HEADER)
            return self._with_names(state, key)
        old = self.old.statement_at(scope.node, state.place)
        assert old is not None
        if state.site is None and not state.comprehensions:
            new = self._start(old)
        else:
            new = self.statement(old, WHOLE if state.site and state.site[0] in (EXIT, CATCH) else HEADER)
        self._compare_blocks(old, enclosing(self.old, old), self._enclosing(old, new), state)
        return self._placed(state, key, new)

    def frame_at(self, state: FrameState, line: int) -> FrameState | None:
        """The same frame at the start of the statement in a line of the new text; None if that is not in its scope.

        Raises:
            HeresyError: what is around it there is not what the frame is in.
        """
        scope = self.new.scope_named(self.key(state.scope))
        found = [statement for statement in self._statements if statement.lineno == line]
        if scope is None or not found or self.new.scope_of(found[0]) is not scope.node:
            return None
        was = self.old.scope_named(state.scope)
        old = self.old.statement_at(was.node, state.place) if was is not None else None
        assert old is not None
        if state.restart and state.site and state.site[0] == FOR and self._is_still(old, found[0]):
            return self.frame(state)  # the loop goes on with its next item
        around, now = enclosing(self.old, old), self._enclosing(old, found[0])
        while len(around) > len(now) and around[-1].kind == "handler" and self._is_handled_by(around[-1].node, found[0]):
            del around[-1]  # what has failed is tried once more
        kept = state.blocks[: len(around)]
        self._compare_blocks(old, around, now, state._replace(blocks=kept))
        state = state._replace(
            site=None, restart=False, blocks=kept, instance=[], operands=[], closing=False, generated=[],
            comprehensions=[], waiting=[],
        )  # fmt: skip
        return self._placed(state, scope.key, found[0])

    def _is_still(self, old: ast.stmt, new: ast.stmt) -> bool:
        """Whether a compound statement of before is another one of now, with the same header."""
        try:
            return self.statement(old, HEADER) is new
        except HeresyError:
            return False

    def _placed(self, state: FrameState, key: ScopeKey, new: ast.stmt) -> FrameState:
        place = place_of(new)
        assert place is not None
        if isinstance(self.new.scope_of(new), ast.Module):
            root: ast.AST = new
            while root not in self._statements:  # an `elif`
                root = self.new.parents[root]
            self._reached = self._statements.index(root)
        return self._with_names(state, key)._replace(place=place, line=new.lineno)

    def _enclosing(self, old: ast.stmt, new: ast.stmt) -> list[Block]:
        try:
            return enclosing(self.new, new)
        except NotContinuable as reason:
            raise self._refused(old, f"it is {reason} now") from None

    def _is_handled_by(self, handler: ast.AST, new: ast.stmt) -> bool:
        """Whether a statement of now is the ``try`` of a handler of before, or stands in what that tries."""
        tried = self.old.parents[handler]
        assert isinstance(tried, ast.stmt)
        found, child = self.statement(tried, EDITED), new
        while child is not None and child is not found and self.new.parents.get(child) is not found:
            child = self.new.parents.get(child)  # type: ignore[assignment]
        return child is found or child in getattr(found, "body", [])

    def _compare_blocks(self, old: ast.stmt, was: list[Block], now: list[Block], state: FrameState) -> None:
        if [block.kind for block in was] != [block.kind for block in now]:
            raise self._refused(old, "the loops, `with` or `try` around it have changed")
        for then, (kind, _), new in zip(was, state.blocks, now):
            statement = then.node if isinstance(then.node, ast.stmt) else self.old.parents[then.node]
            assert isinstance(statement, ast.stmt)
            same = WHOLE if kind == "left" else EDITED if isinstance(statement, (ast.Try, ast.TryStar)) else HEADER
            around = new.node if isinstance(new.node, ast.stmt) else self.new.parents[new.node]
            if self.statement(statement, same) is not around:
                raise self._refused(old, f"the `{_shown(statement)}` around it is another one")

    def _with_names(self, state: FrameState, key: ScopeKey) -> FrameState:
        """A frame of a scope with the variables that this has now: what is shared by functions is in a cell."""
        code = self.new.index.code(key)
        assert code is not None
        then, state = self.old.index.code(state.scope), state._replace(scope=key)
        if code.co_name == "<module>":
            return state
        scope = self.new.scope_named(key)
        held = {**state.variables, **{name: _content(cell) for name, cell in state.cells.items()}}
        if scope is not None and then is not None:
            held = {**_new_parameters(scope.node, then), **held}
        shared = {*code.co_cellvars, *code.co_freevars}
        cells = {name: cell for name, cell in state.cells.items() if name in shared}
        for name in code.co_cellvars:
            if name not in cells and name in held:
                cells[name] = types.CellType(held[name])
            elif name not in cells:
                cells[name] = types.CellType()
        plain = {
            name: value for name, value in held.items()
            if name in code.co_varnames and name not in cells and value is not _EMPTY
        }  # fmt: skip
        return state._replace(variables=plain, cells=cells)

    # --- functions and classes -----------------------------------------------------------------------------------------

    def closure(self, key: ScopeKey, cells: tuple[types.CellType, ...] | None) -> tuple[types.CellType, ...] | None:
        """The cells of a function, as its new code wants them: by name."""
        then, now = self.old.index.code(key), self.new.index.code(self.key(key))
        assert then is not None and now is not None
        held = dict(zip(then.co_freevars, cells or ()))
        return tuple(held.get(name) or types.CellType() for name in now.co_freevars) or None

    def made(self, function: types.FunctionType, key: ScopeKey) -> None:
        """Notes a function: if its parameters have changed, so do its defaults once it has them."""
        scope, code = self.old.scope_named(key), self.old.index.code(key)
        if scope is not None and code is not None and isinstance(scope.node, (*_FUNCTIONS, ast.Lambda)):
            new = self._node(scope.node)
            if ast.dump(scope.node.args) != ast.dump(new.args):  # type: ignore[attr-defined]
                self._redefined.append((function, code, new))

    def refuse_other_objects(self, module: types.ModuleType) -> None:
        """Before anything that is new runs.

        Raises:
            HeresyError: a class would make objects of another kind than it has made.
        """
        edited = [self._statements[at] for at, sameness, _ in self._table if at >= 0 and sameness != WHOLE]
        for statement in [*self._fresh, *filter(_are_slots, edited)]:
            around = self.new.parents.get(statement)
            cls = module.__dict__.get(around.name) if isinstance(around, ast.ClassDef) and around not in self._fresh else None
            if isinstance(cls, type) and _makes_objects_other(cls, statement):
                raise HeresyError(
                    "H307", f"{self.path} has changed too much to continue: line {statement.lineno} makes objects of "
                    f"{cls.__qualname__} have other members",
                    why="the program has made the class, and maybe objects of it, without",
                    help="take it back, or start over with `--fresh`; nothing is lost",
                )  # fmt: skip

    def finish(self, module: types.ModuleType) -> None:
        """Once the state is there: gives functions the defaults of parameters that are new, and runs new definitions."""
        for function, code, node in self._redefined:
            self._set_defaults(function, code, node)
        self._rename(module)
        edited_imports = [
            self._statements[at] for at, sameness, _ in self._table
            if at >= 0 and sameness == EDITED and isinstance(self._statements[at], (ast.Import, ast.ImportFrom))
        ]  # fmt: skip
        fresh, reached = set(self._fresh), set(self._statements[: self._reached])
        passed = [statement for statement in self.new.marked.tree.body if statement in reached]
        missing = [
            statement for statement in passed
            if statement in fresh and _only_defines(statement, module.__dict__) or statement in edited_imports
        ]  # fmt: skip
        self.left_out = [*fresh.intersection(passed).difference(missing), *self._new_decorators()]
        if missing:
            tree = ast.Module(missing, [])
            code = with_own_code(_run_form.compile_tree(tree, self.path, self.new.flags), self.new.unit.code)
            exec(code, module.__dict__)
        for statement in self._fresh:
            around = self.new.parents.get(statement)
            if isinstance(around, ast.ClassDef) and around not in fresh:
                self._add_to_class(module, around, statement)

    def lines_left_out(self) -> list[int]:
        """The lines of what is new, but not run; what does nothing is not missed."""
        return sorted({node.lineno for node in self.left_out if not _does_nothing(node)})  # type: ignore[attr-defined]

    def _new_decorators(self) -> Iterator[ast.AST]:
        for statement, (at, *_) in zip(self._numbers, self._table):
            if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)) and at >= 0:
                then = [ast.dump(decorator) for decorator in statement.decorator_list]
                yield from (each for each in self._statements[at].decorator_list if ast.dump(each) not in then)  # type: ignore[attr-defined]

    def _rename(self, module: types.ModuleType) -> None:
        """Gives the module's functions and classes that have other names now these names."""
        for then in self.old.marked.tree.body:
            at = self._table[self._numbers[then]][0]
            now = self._statements[at] if at >= 0 else None
            if isinstance(then, (*_FUNCTIONS, ast.ClassDef)) and then.name != getattr(now, "name", then.name):
                if then.name in module.__dict__ and now.name not in module.__dict__:  # type: ignore[union-attr]
                    module.__dict__[now.name] = module.__dict__[then.name]  # type: ignore[union-attr]

    def _set_defaults(self, function: types.FunctionType, then: types.CodeType, node: Any) -> None:
        positional = then.co_varnames[: then.co_argcount]
        defaults = function.__defaults__ or ()
        had = {**dict(zip(positional[len(positional) - len(defaults) :], defaults)), **(function.__kwdefaults__ or {})}

        def value(name: str, default: ast.expr) -> Any:
            if name in had:
                return had[name]
            try:
                return ast.literal_eval(default)
            except ValueError:
                raise HeresyError(
                    "H307", f"{self.path} has changed too much to continue: {function.__qualname__} has a new parameter {name}",
                    why="its default is not a constant, and the program is past the place where it would be evaluated",
                    help="make it a constant, or start over with `--fresh`; nothing is lost",
                ) from None  # fmt: skip

        arguments = [*node.args.posonlyargs, *node.args.args]
        last = arguments[len(arguments) - len(node.args.defaults) :]
        function.__defaults__ = tuple(value(a.arg, d) for a, d in zip(last, node.args.defaults)) or None
        named = {a.arg: value(a.arg, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults) if d is not None}
        function.__kwdefaults__ = named or None

    def _add_to_class(self, module: types.ModuleType, around: ast.ClassDef, node: ast.stmt) -> None:
        """Gives a class of the module's a method or a constant that is new in its body."""
        cls = module.__dict__.get(around.name)
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value) if (
                value is not None and _is_literal(value) and isinstance(cls, type) and name not in cls.__dict__
            ):
                type.__setattr__(cls, mangled(name, around.name), ast.literal_eval(value))
            case ast.FunctionDef(decorator_list=[] | [ast.Name(id="property" | "staticmethod" | "classmethod")]):
                self._add_method(module, cls, node)
            case ast.AsyncFunctionDef(decorator_list=[]):
                self._add_method(module, cls, node)
            case _:
                self.left_out.append(node)

    def _add_method(self, module: types.ModuleType, cls: Any, node: Any) -> None:
        scope = next((scope for scope in self.new.scopes() if scope.node is node and not _role(scope)), None)
        if not isinstance(cls, type) or scope is None or not set(scope.code.co_freevars) <= {"__class__"}:
            self.left_out.append(node)
            return
        cells = tuple(types.CellType(cls) for _ in scope.code.co_freevars)
        function = types.FunctionType(scope.code, module.__dict__, scope.code.co_name, None, cells)
        function.__module__ = module.__name__
        self._set_defaults(function, scope.code.replace(), node)
        if function.__name__ not in cls.__dict__:
            made: Any = function
            for decorator in node.decorator_list:
                made = {"property": property, "staticmethod": staticmethod, "classmethod": classmethod}[decorator.id](made)
            type.__setattr__(cls, function.__name__, made)
            _count_abstract(cls)


def _new_parameters(node: ast.AST, then: types.CodeType) -> dict[str, Any]:
    """The parameters that a function has now and had not when it was called, with their defaults: constants."""
    if not isinstance(node, (*_FUNCTIONS, ast.Lambda)):
        return {}
    args: ast.arguments = node.args  # type: ignore[assignment]
    positional = [*args.posonlyargs, *args.args]
    pairs = [*zip(positional[len(positional) - len(args.defaults) :], args.defaults), *zip(args.kwonlyargs, args.kw_defaults)]
    return {
        each.arg: ast.literal_eval(default) for each, default in pairs
        if default is not None and each.arg not in then.co_varnames and _is_literal(default)
    }  # fmt: skip


_EMPTY: Any = object()


def _makes_objects_other(cls: type, node: ast.stmt) -> bool:
    """Whether what is new in the body of a class is something that its objects are made by."""
    match node:
        case ast.Assign() | ast.AnnAssign() if node.value is not None and isinstance(cls, enum.EnumType):
            return True
        case ast.Assign():
            return _are_slots(node)
        case ast.AnnAssign():
            return "__dataclass_fields__" in cls.__dict__ or issubclass(cls, tuple) and "_fields" in cls.__dict__
    return False


def _does_nothing(node: ast.AST) -> bool:
    return isinstance(node, ast.Pass) or isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _are_slots(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(each, ast.Name) and each.id == "__slots__" for each in node.targets)


def _count_abstract(cls: type) -> None:
    """Notes which methods of a class, and of those derived from it, are still abstract."""
    abc.update_abstractmethods(cls)
    for each in type.__subclasses__(cls):
        _count_abstract(each)


def _content(cell: types.CellType | None) -> Any:
    if cell is None:
        return None  # of a frame's shape
    try:
        return cell.cell_contents
    except ValueError:
        return _EMPTY


def _role(scope: Scope) -> str:
    """What a scope is for its node: nothing for the body itself, else its name (``__annotate__``)."""
    name = scope.code.co_name
    if name.startswith("<generic parameters"):
        return "<generic parameters>"
    is_own = not isinstance(scope.node, (*_FUNCTIONS, ast.ClassDef)) or name == scope.node.name
    return "" if is_own else name


def _count(owner: ast.AST, type_: type[ast.AST]) -> int:
    count = 0
    while True:
        try:
            node_named(owner, (type_.__name__, count))
        except IndexError:
            return count
        count += 1


def _shown(node: ast.AST) -> str:
    return type(node).__name__.lower()


def _only_defines(statement: ast.stmt, bound: dict[str, Any]) -> bool:
    """Whether a statement only gives a name that is not bound yet to something, so that it can as well run later."""
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef(decorator_list=[], args=args) | ast.AsyncFunctionDef(decorator_list=[], args=args):
            defaults = [default for default in [*args.defaults, *args.kw_defaults] if default is not None]
            return statement.name not in bound and all(map(_is_literal, defaults))
        case ast.ClassDef(decorator_list=[]):
            return statement.name not in bound
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name not in bound and _is_literal(value)
    return False


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True
