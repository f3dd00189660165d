"""What random programs are made of: how many of them have each construct that they are to test.

    python random_constructs.py [--programs 1000]

Prints a count for each; one that hardly any program has is a failure: what is not written is not tested.
"""

from __future__ import annotations

import argparse
import ast
import collections
import re
import sys
import warnings
from collections.abc import Callable, Iterator

import random_source

_LOOPS = (ast.For, ast.While)
_FUNCTIONS = (ast.FunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _calls(*nodes: ast.AST | None) -> bool:
    """Whether one of the nodes holds a call."""
    return any(isinstance(inner, ast.Call) for node in nodes if node is not None for inner in ast.walk(node))


def _inside(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """What stands in these statements, but for other functions and classes."""
    for node in nodes:
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from _inside(
                [child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.stmt, ast.expr))]
            )
            for handler in getattr(node, "handlers", []):
                yield from _inside(handler.body)


def _targets(node: ast.AST) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else []


def _consumers(*names: str) -> Callable[[ast.AST], bool]:
    return lambda node: (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in names
        and any(isinstance(argument, ast.GeneratorExp) for argument in node.args)
    )


def _method(name: str) -> Callable[[ast.AST], bool]:
    return lambda node: isinstance(node, ast.FunctionDef) and node.name == name


#: By their names: whether a node is one.
_CONSTRUCTS: dict[str, Callable[[ast.AST], bool]] = {
    "class body with calls": lambda n: isinstance(n, ast.ClassDef) and any(
        _calls(s) for s in n.body if not isinstance(s, ast.FunctionDef)),
    "class-level state, changed": lambda n: isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Attribute)
        and n.target.attr == "c1",
    "class decorator with arguments": lambda n: isinstance(n, ast.ClassDef) and _calls(*n.decorator_list),
    "function decorator with arguments": lambda n: isinstance(n, ast.FunctionDef) and _calls(*n.decorator_list),
    "default value that calls": lambda n: isinstance(n, _FUNCTIONS) and _calls(*n.args.defaults, *n.args.kw_defaults),
    "try, except": lambda n: isinstance(n, ast.Try) and bool(n.handlers),
    "try, finally": lambda n: isinstance(n, ast.Try) and bool(n.finalbody),
    "try in try, both with finally": lambda n: isinstance(n, ast.Try) and bool(n.finalbody) and any(
        isinstance(s, ast.Try) and s.finalbody for s in n.body),
    "return through finally": lambda n: isinstance(n, ast.Try) and bool(n.finalbody) and any(
        isinstance(s, ast.Return) for s in _inside(n.body)),
    "break or continue through finally": lambda n: isinstance(n, ast.Try) and bool(n.finalbody) and any(
        isinstance(s, (ast.Break, ast.Continue)) for s in _inside(n.body)),
    "return, break or continue from finally": lambda n: isinstance(n, ast.Try) and any(
        isinstance(s, (ast.Return, ast.Break, ast.Continue)) for s in _inside(n.finalbody)),
    "except*": lambda n: isinstance(n, ast.TryStar),
    "exception group in a group": lambda n: isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        and n.func.id == "ExceptionGroup" and any(
            isinstance(i, ast.Call) and isinstance(i.func, ast.Name) and i.func.id == "ExceptionGroup"
            for a in n.args for i in ast.walk(a)),
    "raise from": lambda n: isinstance(n, ast.Raise) and n.cause is not None,
    "raise alone": lambda n: isinstance(n, ast.Raise) and n.exc is None,
    "with": lambda n: isinstance(n, ast.With),
    "with, several items": lambda n: isinstance(n, ast.With) and len(n.items) > 1,
    "manager that swallows": lambda n: isinstance(n, ast.With) and "True" in ast.unparse(n).partition(":\n")[0],
    "match": lambda n: isinstance(n, ast.Match),
    "match with a guard that calls": lambda n: isinstance(n, ast.match_case) and _calls(n.guard),
    "match of a class": lambda n: isinstance(n, ast.MatchClass),
    "match of a mapping": lambda n: isinstance(n, ast.MatchMapping),
    "match of a sequence": lambda n: isinstance(n, ast.MatchSequence),
    "f-string": lambda n: isinstance(n, ast.JoinedStr),
    "f-string in an f-string": lambda n: isinstance(n, ast.FormattedValue) and any(
        isinstance(i, ast.JoinedStr) for i in ast.walk(n.value)),
    "f-string with a format that calls": lambda n: isinstance(n, ast.FormattedValue) and _calls(n.format_spec),
    "f-string with a conversion": lambda n: isinstance(n, ast.FormattedValue) and n.conversion != -1 and _calls(n.value),
    "star in a call, a call beside it": lambda n: isinstance(n, ast.Call) and _calls(*n.args) and any(
        isinstance(a, ast.Starred) for a in n.args),
    "two stars in a call, a call beside them": lambda n: isinstance(n, ast.Call) and any(
        k.arg is None for k in n.keywords) and _calls(*n.args, *(k.value for k in n.keywords)),
    "star in a display, a call beside it": lambda n: isinstance(n, (ast.List, ast.Tuple))
        and isinstance(n.ctx, ast.Load) and any(isinstance(e, ast.Starred) for e in n.elts) and _calls(*n.elts),
    "two stars in a display, a call beside them": lambda n: isinstance(n, ast.Dict) and None in n.keys
        and _calls(*n.values),
    "augmented attribute, a call in the target": lambda n: isinstance(n, ast.AugAssign)
        and isinstance(n.target, ast.Attribute) and _calls(n.target),
    "augmented subscript, a call in the target": lambda n: isinstance(n, ast.AugAssign)
        and isinstance(n.target, ast.Subscript) and _calls(n.target),
    "chained assignment": lambda n: len(_targets(n)) > 1,
    "chained assignment, a call in a target": lambda n: len(_targets(n)) > 1 and _calls(*_targets(n)),
    "chained comparison": lambda n: isinstance(n, ast.Compare) and len(n.ops) > 1 and _calls(*n.comparators),
    "unpacking, a call in a target": lambda n: any(
        isinstance(t, (ast.Tuple, ast.List)) and _calls(t) for t in _targets(n)),
    "unpacking, nested": lambda n: any(isinstance(e, (ast.Tuple, ast.List)) for t in _targets(n)
                                       for e in getattr(t, "elts", [])),
    "walrus": lambda n: isinstance(n, ast.NamedExpr) and _calls(n.value),
    "walrus in a comprehension": lambda n: isinstance(n, ast.comprehension) and any(
        isinstance(i, ast.NamedExpr) for c in n.ifs for i in ast.walk(c)),
    "lambda that calls": lambda n: isinstance(n, ast.Lambda) and _calls(n.body),
    "nonlocal": lambda n: isinstance(n, ast.Nonlocal),
    "global": lambda n: isinstance(n, ast.Global),
    "function that makes functions": lambda n: isinstance(n, ast.FunctionDef) and n.name.startswith("make"),
    "yield": lambda n: isinstance(n, ast.Yield),
    "yield whose value is used": lambda n: isinstance(n, (ast.Assign, ast.BoolOp)) and any(
        isinstance(i, ast.Yield) for i in ast.walk(n)),
    "yield from whose value is used": lambda n: isinstance(n, (ast.Assign, ast.BoolOp)) and any(
        isinstance(i, ast.YieldFrom) for i in ast.walk(n)),
    "yield in try": lambda n: isinstance(n, ast.Try) and any(
        isinstance(i, (ast.Yield, ast.YieldFrom)) for i in _inside(n.body)),
    "generator that returns a value": lambda n: isinstance(n, ast.FunctionDef) and any(
        isinstance(i, (ast.Yield, ast.YieldFrom)) for i in _inside(n.body)) and any(
        isinstance(i, ast.Return) and i.value is not None for i in _inside(n.body)),
    "generator.send": lambda n: isinstance(n, ast.Attribute) and n.attr == "send",
    "generator.throw": lambda n: isinstance(n, ast.Attribute) and n.attr == "throw",
    "generator.close": lambda n: isinstance(n, ast.Attribute) and n.attr == "close",
    "sum, any, all, max of a generator": _consumers("sum", "any", "all", "max", "min"),
    "list, tuple, sorted, set, dict of a generator": _consumers("list", "tuple", "sorted", "set", "dict"),
    "next of a generator expression": _consumers("next"),
    "a key function": lambda n: isinstance(n, ast.keyword) and n.arg == "key",
    "generator expression over another": lambda n: isinstance(n, ast.GeneratorExp)
        and isinstance(n.generators[0].iter, ast.GeneratorExp),
    "comprehension that calls": lambda n: isinstance(n, _COMPREHENSIONS) and _calls(getattr(n, "elt", None)),
    "property": lambda n: isinstance(n, ast.Attribute) and n.attr == "p" and isinstance(n.ctx, ast.Load),
    "property that is set": lambda n: isinstance(n, ast.Attribute) and n.attr == "p" and isinstance(n.ctx, ast.Store),
    "super": lambda n: isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "super",
    **{name: _method(name) for name in (
        "__getitem__", "__setitem__", "__delitem__", "__add__", "__radd__", "__iadd__", "__neg__", "__lt__", "__eq__",
        "__contains__", "__len__", "__bool__", "__iter__", "__enter__", "__getattr__", "__call__", "__format__",
        "__matmul__", "__int__", "__missing__")},
    "del of a name": lambda n: isinstance(n, ast.Delete) and any(isinstance(t, ast.Name) for t in n.targets),
    "del of a subscript": lambda n: isinstance(n, ast.Delete) and any(isinstance(t, ast.Subscript) for t in n.targets),
    "del of an attribute": lambda n: isinstance(n, ast.Delete) and any(isinstance(t, ast.Attribute) for t in n.targets),
    "assert": lambda n: isinstance(n, ast.Assert),
    "loop with else": lambda n: isinstance(n, _LOOPS) and bool(n.orelse),
    "loop over what calls": lambda n: isinstance(n, ast.For) and _calls(n.iter),
    "loop with a target that calls": lambda n: isinstance(n, ast.For) and _calls(n.target),
    "while whose test calls": lambda n: isinstance(n, ast.While) and _calls(n.test),
    "annotation that calls": lambda n: isinstance(n, ast.AnnAssign) and _calls(n.annotation),
    "conditional expression": lambda n: isinstance(n, ast.IfExp) and _calls(n),
    "and, or": lambda n: isinstance(n, ast.BoolOp) and _calls(n),
    "slice that calls": lambda n: isinstance(n, ast.Slice) and _calls(n),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000, help="how many programs to look at")
    options = parser.parse_args()
    # What the language warns of is written on purpose.
    warnings.simplefilter("ignore", SyntaxWarning)
    found: collections.Counter[str] = collections.Counter()
    lines = 0
    for seed in range(1, options.programs + 1):
        source = random_source.program(seed)
        lines += source.count("\n")
        # What all begin with shows nothing of what is written.
        own = re.search(r"^g0, g1, g2 = ", source, re.M)
        tree = ast.parse(source)
        first = source.count("\n", 0, own.start() if own else 0) + 1
        tree.body = [node for node in tree.body if node.lineno >= first or getattr(node, "name", "") == "Table"]
        nodes = list(ast.walk(tree))
        found.update(name for name, is_one in _CONSTRUCTS.items() if any(map(is_one, nodes)))
    rare = [name for name in _CONSTRUCTS if found[name] < options.programs / 100]
    for name in sorted(_CONSTRUCTS, key=lambda name: -found[name]):
        print(f"{found[name]:6} {name}")
    print(f"{options.programs} programs, of {lines / options.programs:.0f} lines")
    for name in rare:
        print(f"FAILED: hardly any program has this: {name}")
    return 1 if rare else 0


if __name__ == "__main__":
    sys.exit(main())
