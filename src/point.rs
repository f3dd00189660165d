//! Points: the statements before which a scope can be continued.
//!
//! A point is a statement that can block, call, raise or be stopped at. One that only moves values between names is none:
//! the next statement serves as well, and a label there would be noise in the diff. But the first statement of every loop
//! body is a point, whatever it does, since a hot loop must be stoppable.

use rustpython_ruff_python_ast as ast;

use ast::{Expr, Operator, Stmt};

use crate::tree::{has_call, suites};

/// Whether a statement gets a label. `is_first_in_loop`: it opens the body of a `for` or `while`.
pub fn is_point(statement: &Stmt, is_first_in_loop: bool) -> bool {
    is_first_in_loop
        || match statement {
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) => false,
            Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::TypeAlias(_) => false,
            Stmt::ImportFrom(node) => node.module.as_deref() != Some("__future__"),
            Stmt::Expr(node) => !is_trivial(&node.value),
            Stmt::Return(node) => !node.value.as_deref().is_none_or(is_trivial),
            Stmt::Assign(node) => !(is_trivial(&node.value) && node.targets.iter().all(is_name_target)),
            Stmt::AugAssign(node) => !(is_trivial(&node.value) && is_name_target(&node.target)),
            Stmt::AnnAssign(node) => {
                let moves_names = node.value.as_deref().is_none_or(is_trivial) && is_name_target(&node.target);
                !moves_names || has_call(&node.annotation)
            }
            Stmt::Delete(node) => !node.targets.iter().all(is_name_target),
            Stmt::Assert(node) => !is_trivial(&node.test) || node.msg.as_deref().is_some_and(has_call),
            Stmt::FunctionDef(node) => !is_plain_function(node),
            Stmt::ClassDef(node) => !is_plain_class(node),
            _ => true,
        }
}

/// Whether a suite holds a label, at any depth. `is_loop_body`: its first statement has one anyway.
pub fn has_point(suite: &[Stmt], is_loop_body: bool) -> bool {
    suite
        .iter()
        .enumerate()
        .any(|(at, statement)| is_point(statement, is_loop_body && at == 0) || has_inner_point(statement))
}

fn has_inner_point(statement: &Stmt) -> bool {
    suites(statement).into_iter().any(|suite| has_point(suite, false))
}

/// Only names, constants and operators on them: nothing that heresy could stop in.
fn is_trivial(expression: &Expr) -> bool {
    match expression {
        Expr::Name(_) => true,
        _ if expression.is_literal_expr() => true,
        Expr::UnaryOp(node) => is_trivial(&node.operand),
        // Formatting a string constant calls `__str__` of its operands, but no function that can be continued in.
        Expr::BinOp(node) if node.op == Operator::Mod && node.left.is_string_literal_expr() => is_trivial(&node.right),
        Expr::BinOp(node) => is_trivial(&node.left) && is_trivial(&node.right),
        Expr::BoolOp(node) => node.values.iter().all(is_trivial),
        Expr::Compare(node) => is_trivial(&node.left) && node.comparators.iter().all(is_trivial),
        Expr::If(node) => is_trivial(&node.test) && is_trivial(&node.body) && is_trivial(&node.orelse),
        Expr::Tuple(node) => node.elts.iter().all(is_trivial),
        Expr::List(node) => node.elts.iter().all(is_trivial),
        Expr::Set(node) => node.elts.iter().all(is_trivial),
        Expr::Dict(node) => {
            node.items.iter().all(|item| item.key.as_ref().is_some_and(is_trivial) && is_trivial(&item.value))
        }
        _ => false,
    }
}

/// A name, or a tuple or list of names: binding it runs no code.
fn is_name_target(target: &Expr) -> bool {
    match target {
        Expr::Name(_) => true,
        Expr::Tuple(node) => node.elts.iter().all(is_name_target),
        Expr::List(node) => node.elts.iter().all(is_name_target),
        _ => false,
    }
}

/// A `def` that evaluates nothing but trivial defaults.
fn is_plain_function(node: &ast::StmtFunctionDef) -> bool {
    let mut defaults = node.parameters.iter_non_variadic_params().filter_map(|parameter| parameter.default.as_deref());
    let mut annotations = node.parameters.iter().filter_map(|parameter| parameter.as_parameter().annotation());
    node.decorator_list.is_empty()
        && defaults.all(is_trivial)
        && !annotations.any(has_call)
        && !node.returns.as_deref().is_some_and(has_call)
}

/// A `class` whose bases are names, or attributes of names.
fn is_plain_class(node: &ast::StmtClassDef) -> bool {
    fn is_dotted_name(base: &Expr) -> bool {
        match base {
            Expr::Name(_) => true,
            Expr::Attribute(node) => is_dotted_name(&node.value),
            _ => false,
        }
    }
    let keyword_is_plain = |keyword: &ast::Keyword| {
        keyword.arg.is_some() && (is_dotted_name(&keyword.value) || is_trivial(&keyword.value))
    };
    node.decorator_list.is_empty()
        && node.arguments.as_deref().is_none_or(|arguments| {
            arguments.args.iter().all(is_dotted_name) && arguments.keywords.iter().all(keyword_is_plain)
        })
}
