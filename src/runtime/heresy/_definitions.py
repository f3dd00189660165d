"""What becomes of the functions and classes of a module whose source was changed: see `_edits`.

A function goes on with the new body, and with its old one if it is in the new text no more. New methods and constants are
given to the classes that there are.
"""

from __future__ import annotations

import abc
import ast
import enum
import types
from collections.abc import Iterator

from . import _run_form
from ._aligned import EDITED, FUNCTIONS, GONE, WHOLE, is_literal, role
from ._code_index import ScopeKey, with_own_code
from ._program import mangled
from ._typing_names import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._edits import Edits


class Definitions:
    """Those of one module.

    Attributes:
        left_out: what is new in the module, in a class, or around a frame, that the program has passed, and that is not run now.
    """

    def __init__(self, edits: Edits) -> None:
        self.edits = edits
        self.left_out: list[ast.AST] = []
        self._redefined: list[tuple[types.FunctionType, types.CodeType, Any]] = []
        #: Cells for the class of a method that has asked for none before, and the method's qualified name.
        self._classes: list[tuple[types.CellType, str]] = []

    def code_of_gone(self, key: ScopeKey) -> types.CodeType | None:
        """The old code of a function that is in the new text no more: what the program still holds of it stays what it is."""
        scope = self.edits.old.scope_named(key)
        if scope is None or not isinstance(scope.node, FUNCTIONS) or self.edits.table[self.edits.numbers[scope.node]][0] != GONE:
            return None
        return self.edits.old.index.code(key)

    def closure(self, key: ScopeKey, cells: tuple[types.CellType, ...] | None) -> tuple[types.CellType, ...] | None:
        """The cells of a function, as its new code wants them: by name.

        Raises:
            HeresyError: it uses a variable now of what it was made in, and has not been given that.
        """
        then, now = self.edits.old.index.code(key), self.edits.new.index.code(self.edits.key(key))
        assert then is not None and now is not None
        held = dict(zip(then.co_freevars, cells or ()))
        return tuple(held[name] if name in held else self.new_cell(now, name) for name in now.co_freevars) or None

    def new_cell(self, code: types.CodeType, name: str) -> types.CellType:
        """The cell of a variable from around that a function has not had.

        Raises:
            HeresyError: nobody can say which it is.
        """
        if not name.startswith(("__", ".")):
            raise self.edits.cannot_continue(
                f"{code.co_qualname} uses `{name}` from around it",
                why="it was made without, so it cannot be told which variable of that name it is to share",
                help="pass the value to it, make the variable a global one, or start over with `--fresh`; nothing is lost",
            )  # fmt: skip
        cell = types.CellType()
        if name == "__class__":
            self._classes.append((cell, code.co_qualname))
        return cell

    def made(self, function: types.FunctionType, key: ScopeKey) -> None:
        """Notes a function: if its parameters have changed, so do its defaults once it has them."""
        scope, code = self.edits.old.scope_named(key), self.edits.old.index.code(key)
        if scope is not None and code is not None and isinstance(scope.node, (*FUNCTIONS, ast.Lambda)):
            new = self.edits.node(scope.node)
            if ast.dump(scope.node.args) != ast.dump(new.args):  # type: ignore[attr-defined]
                self._redefined.append((function, code, new))

    def prepare(self, module: types.ModuleType) -> None:
        """Before anything that is new runs: tells methods their classes.

        Raises:
            HeresyError: a class would make objects of another kind than it has made, or is not to be found.
        """
        edited = [self.edits.statements[at] for at, sameness, _ in self.edits.table if at >= 0 and sameness != WHOLE]
        for statement in [*self.edits.fresh, *filter(_are_slots, edited)]:
            around = self.edits.new.parents.get(statement)
            is_in_class = isinstance(around, ast.ClassDef) and around not in self.edits.fresh
            cls = module.__dict__.get(around.name) if is_in_class else None  # type: ignore[union-attr]
            if isinstance(cls, type) and _makes_objects_other(cls, statement):
                raise self.edits.cannot_continue(
                    f"line {statement.lineno} makes objects of {cls.__qualname__} have other members",
                    why="the program has made the class, and maybe objects of it, without",
                    help="take it back, or start over with `--fresh`; nothing is lost",
                )  # fmt: skip
        for cell, method in self._classes:
            self._tell_class(module, cell, method)

    def _tell_class(self, module: types.ModuleType, cell: types.CellType, method: str) -> None:
        """Gives a method the class that it is of, which it asks for by ``super()`` now."""
        found: Any = module
        *names, _ = method.split(".")
        for name in names:
            found = getattr(found, "__dict__", {}).get(name)
        if not isinstance(found, type):
            raise self.edits.cannot_continue(
                f"{method} asks for its class by `super()`",
                why="it has not done so before, and the class has no name in the module that it could be found by",
                help="name the class, as in `super(Class, self)`, or start over with `--fresh`; nothing is lost",
            )  # fmt: skip
        cell.cell_contents = found

    def finish(self, module: types.ModuleType) -> None:
        """Once the state is there: gives functions the defaults of parameters that are new, and runs new definitions."""
        for function, code, node in self._redefined:
            self._set_defaults(function, code, node)
        self._rename(module)
        edited_imports = [
            self.edits.statements[at] for at, sameness, _ in self.edits.table
            if at >= 0 and sameness == EDITED and isinstance(self.edits.statements[at], (ast.Import, ast.ImportFrom))
        ]  # fmt: skip
        fresh, reached = set(self.edits.fresh), set(self.edits.statements[: self.edits.reached])
        passed = [statement for statement in self.edits.new.marked.tree.body if statement in reached]
        missing = [
            statement for statement in passed
            if statement in fresh and _only_defines(statement, module.__dict__) or statement in edited_imports
        ]  # fmt: skip
        self.left_out += [*fresh.intersection(passed).difference(missing), *self._new_decorators()]
        if missing:
            tree = ast.Module(missing, [])
            code = with_own_code(_run_form.compile_tree(tree, self.edits.path, self.edits.new.flags), self.edits.new.unit.code)
            exec(code, module.__dict__)
        for statement in self.edits.fresh:
            around = self.edits.new.parents.get(statement)
            if isinstance(around, ast.ClassDef) and around not in fresh:
                self._add_to_class(module, around, statement)

    def lines_left_out(self) -> list[int]:
        """The lines of what is new, but not run; what does nothing is not missed."""
        return sorted({node.lineno for node in self.left_out if not _does_nothing(node)})  # type: ignore[attr-defined]

    def _new_decorators(self) -> Iterator[ast.AST]:
        for statement, (at, *_) in zip(self.edits.numbers, self.edits.table):
            if isinstance(statement, (*FUNCTIONS, ast.ClassDef)) and at >= 0:
                then = [ast.dump(decorator) for decorator in statement.decorator_list]
                yield from (each for each in self.edits.statements[at].decorator_list if ast.dump(each) not in then)  # type: ignore[attr-defined]

    def _rename(self, module: types.ModuleType) -> None:
        """Gives the module's functions and classes that have other names now these names."""
        for then in self.edits.old.marked.tree.body:
            at = self.edits.table[self.edits.numbers[then]][0]
            now = self.edits.statements[at] if at >= 0 else None
            if isinstance(then, (*FUNCTIONS, ast.ClassDef)) and then.name != getattr(now, "name", then.name):
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
                raise self.edits.cannot_continue(
                    f"{function.__qualname__} has a new parameter {name}",
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
                value is not None and is_literal(value) and isinstance(cls, type) and name not in cls.__dict__
            ):
                type.__setattr__(cls, mangled(name, around.name), ast.literal_eval(value))
            case ast.FunctionDef(decorator_list=[] | [ast.Name(id="property" | "staticmethod" | "classmethod")]):
                self._add_method(module, cls, node)
            case ast.AsyncFunctionDef(decorator_list=[]):
                self._add_method(module, cls, node)
            case _:
                self.left_out.append(node)

    def _add_method(self, module: types.ModuleType, cls: Any, node: Any) -> None:
        scope = next((scope for scope in self.edits.new.scopes() if scope.node is node and not role(scope)), None)
        if not isinstance(cls, type) or scope is None or not set(scope.code.co_freevars) <= {"__class__"}:
            self.left_out.append(node)
            return
        cells = tuple(types.CellType(cls) for _ in scope.code.co_freevars)
        function = types.FunctionType(scope.code, module.__dict__, scope.code.co_name, None, cells)
        function.__module__ = module.__name__
        self._set_defaults(function, scope.code.replace(), node)
        name = mangled(function.__name__, cls.__name__)
        if name not in cls.__dict__:
            made: Any = function
            for decorator in node.decorator_list:
                made = {"property": property, "staticmethod": staticmethod, "classmethod": classmethod}[decorator.id](made)
            type.__setattr__(cls, name, made)
            _count_abstract(cls)


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


def _only_defines(statement: ast.stmt, bound: dict[str, Any]) -> bool:
    """Whether a statement only gives a name that is not bound yet to something, so that it can as well run later."""
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef(decorator_list=[], args=args) | ast.AsyncFunctionDef(decorator_list=[], args=args):
            defaults = [default for default in [*args.defaults, *args.kw_defaults] if default is not None]
            return statement.name not in bound and all(map(is_literal, defaults))
        case ast.ClassDef(decorator_list=[]):
            return statement.name not in bound
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name not in bound and is_literal(value)
    return False
