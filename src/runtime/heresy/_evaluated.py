"""What of a statement is evaluated first: the node that its first instruction belongs to."""

from __future__ import annotations

from . import _tree as ast


def first_evaluated(whole: ast.AST) -> list[ast.AST]:
    """The chain of nodes from a statement or expression down to the one that is evaluated first.

    ``self.total = f(x) + 1`` gives Assign, BinOp, Call, Name f: the first instruction belongs to one of them.
    """
    chain: list[ast.AST] = []
    node: ast.AST | None = whole
    while node is not None:
        chain.append(node)
        match node:
            case (
                ast.Assign()
                | ast.Return()
                | ast.Expr()
                | ast.AnnAssign()
                | ast.Attribute()
                | ast.Starred()
                | ast.Subscript()
            ):
                node = node.value
            case ast.NamedExpr() | ast.Await() | ast.YieldFrom() | ast.Yield() | ast.FormattedValue():
                node = node.value
            case ast.AugAssign() | ast.For() | ast.AsyncFor():
                node = node.target if isinstance(node, ast.AugAssign) else node.iter
            case ast.IfExp(test=test, body=body, orelse=orelse) if (holds := _constant_truth(test)) is not None:
                node = body if holds else orelse
            case ast.If() | ast.While() | ast.Assert() | ast.IfExp():
                node = node.test
            case ast.With() | ast.AsyncWith():
                node = node.items[0].context_expr
            case ast.Match():
                node = node.subject
            case ast.Raise():
                node = node.exc
            case ast.Delete():
                node = node.targets[0]
            case ast.BinOp(op=ast.Mod(), left=ast.Constant(value=str()) as text, right=ast.Tuple()):
                # It may be compiled like an f-string.
                chain.append(text)
                node = node.right
            case ast.BinOp() | ast.Compare():
                node = node.left
            case ast.UnaryOp():
                node = node.operand
            case ast.BoolOp(op=op, values=values):
                # Constants that do not decide are left out.
                left_out = isinstance(op, ast.And)
                node = next((value for value in values if _constant_truth(value) is not left_out), values[-1])
            case ast.JoinedStr():
                node = node.values[0] if node.values else None
            case ast.Call():
                node = node.func
            case ast.Tuple() | ast.List() | ast.Set():
                node = node.elts[0] if node.elts else None
            case ast.Dict():
                # Constant keys may be loaded all at once, after the values.
                key = node.keys[0] if node.keys else None
                if isinstance(key, ast.Constant):
                    chain.append(key)
                    key = None
                node = key or (node.values[0] if node.values else None)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if node.decorator_list:
                node = node.decorator_list[0]
            case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args) | ast.Lambda(args=args):
                node = next((default for default in [*args.defaults, *args.kw_defaults] if default is not None), None)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                node = node.generators[0].iter
            case _:
                node = None
    return chain


def _constant_truth(test: ast.expr) -> bool | None:
    """What the compiler knows of a test; None: nothing."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="__debug__"):
            return __debug__
        case ast.UnaryOp(op=ast.Not(), operand=operand) if (holds := _constant_truth(operand)) is not None:
            return not holds
    return None
