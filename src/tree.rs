//! How the syntax tree hangs together: which statements a statement holds, and whether an expression can call.
//!
//! Functions over borrowed trees, no state. The parser's own visitors go everywhere; these say where heresy goes.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{Visitor, walk_expr};
use ast::{Expr, InterpolatedStringElement, Stmt};

/// The suites that belong to a statement and run in its scope, in source order. The bodies of `def` and `class` do not.
pub fn suites(statement: &Stmt) -> Vec<&[Stmt]> {
    match statement {
        Stmt::For(node) => vec![&node.body, &node.orelse],
        Stmt::While(node) => vec![&node.body, &node.orelse],
        Stmt::If(node) => {
            let mut suites: Vec<&[Stmt]> = vec![&node.body];
            suites.extend(node.elif_else_clauses.iter().map(|clause| clause.body.as_slice()));
            suites
        }
        Stmt::With(node) => vec![&node.body],
        Stmt::Match(node) => node.cases.iter().map(|case| case.body.as_slice()).collect(),
        Stmt::Try(node) => {
            let mut suites: Vec<&[Stmt]> = vec![&node.body];
            suites.extend(node.handlers.iter().map(|handler| handler_parts(handler).body.as_slice()));
            suites.push(&node.orelse);
            suites.push(&node.finalbody);
            suites
        }
        _ => Vec::new(),
    }
}

/// The parser's tree has one kind of handler, in an enum of one.
pub fn handler_parts(handler: &ast::ExceptHandler) -> &ast::ExceptHandlerExceptHandler {
    let ast::ExceptHandler::ExceptHandler(parts) = handler;
    parts
}

/// Whether evaluating an expression calls, awaits or yields.
///
/// A lambda's body is evaluated by whoever calls it. A comprehension counts as a whole: its first iterable is evaluated in
/// the enclosing scope, and up to 3.11 the rest is a call, too. One with `async for` awaits.
pub fn has_call(expression: &Expr) -> bool {
    struct Finder(bool);
    impl<'a> Visitor<'a> for Finder {
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::Call(_) | Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) => self.0 = true,
                Expr::ListComp(node) if node.generators.iter().any(|generator| generator.is_async) => self.0 = true,
                Expr::SetComp(node) if node.generators.iter().any(|generator| generator.is_async) => self.0 = true,
                Expr::DictComp(node) if node.generators.iter().any(|generator| generator.is_async) => self.0 = true,
                Expr::Lambda(node) => {
                    // Defaults, unlike the body, are evaluated where the lambda stands.
                    for default in node.parameters.iter().flat_map(|parameters| parameters.iter_non_variadic_params()) {
                        default.default.iter().for_each(|default| self.visit_expr(default));
                    }
                }
                _ if self.0 => {}
                _ => walk_expr(self, expression),
            }
        }
    }
    let mut finder = Finder(false);
    finder.visit_expr(expression);
    finder.0
}

/// The replacement fields of an f-string or t-string, in the order they are evaluated, format specs not entered.
pub fn fields(expression: &Expr) -> Vec<&ast::InterpolatedElement> {
    match expression {
        Expr::FString(node) => node.value.elements().filter_map(InterpolatedStringElement::as_interpolation).collect(),
        Expr::TString(node) => node.value.elements().filter_map(InterpolatedStringElement::as_interpolation).collect(),
        _ => Vec::new(),
    }
}
