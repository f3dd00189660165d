//! Rules about where something may stand that the parser crate does not have.

use rustpython_ruff_python_ast as ast;

use ast::token::TokenKind;
use ast::visitor::{Visitor, walk_expr};
use ast::{Expr, ExprContext, InterpolatedStringElement, PythonVersion, Stmt, StringFlags};
use rustpython_ruff_text_size::Ranged;

use super::{Checker, Complaint, patterns};
use crate::scope::{Kind, ScopeId};
use crate::tree::{fields, handler_parts};

pub(super) fn check_statement(checker: &Checker<'_>, statement: &Stmt) {
    match statement {
        // A loop inside an `except*` suite takes its own `break`.
        Stmt::Break(_) | Stmt::Continue(_) if checker.star_handler && checker.loops == 0 => {
            leaves_star_handler(checker, statement)
        }
        Stmt::Return(_) if checker.star_handler => leaves_star_handler(checker, statement),
        Stmt::Expr(node) if node.value.is_starred_expr() => {
            checker.complain(Complaint::new(node.range(), "a starred expression cannot be used here"));
        }
        Stmt::ImportFrom(node) => check_import(checker, node),
        Stmt::Match(node) => node.cases.iter().for_each(|case| patterns::check(checker, &case.pattern)),
        Stmt::Try(node) => {
            let before_last = node.handlers.split_last().map_or(&[][..], |(_, before)| before);
            for handler in before_last.iter().map(handler_parts).filter(|handler| handler.type_.is_none()) {
                checker.complain(Complaint::new(handler.range(), "a bare `except:` must be last"));
            }
        }
        Stmt::FunctionDef(node) => check_type_parameters(checker, node.type_params.as_deref()),
        Stmt::TypeAlias(node) => check_type_parameters(checker, node.type_params.as_deref()),
        Stmt::ClassDef(node) => {
            check_type_parameters(checker, node.type_params.as_deref());
            if let Some(arguments) = &node.arguments {
                check_keywords(checker, &arguments.keywords);
                for argument in &arguments.args {
                    if matches!(argument, Expr::Generator(generator) if !generator.parenthesized) {
                        checker.complain(Complaint::new(
                            argument.range(),
                            "a generator expression must be parenthesized here",
                        ));
                    }
                }
            }
        }
        _ => {}
    }
}

fn leaves_star_handler(checker: &Checker<'_>, statement: &Stmt) {
    let title = "`break`, `continue` and `return` cannot appear in an `except*` block";
    checker.complain(Complaint::new(statement.range(), title));
}

/// `from m import (*)` is no import of all.
fn check_import(checker: &Checker<'_>, node: &ast::StmtImportFrom) {
    for alias in node.names.iter().filter(|alias| alias.name.as_str() == "*") {
        if checker.token_before(alias.range().start()) == Some(TokenKind::Lpar) {
            checker.complain(Complaint::new(alias.range(), "`*` cannot be parenthesized"));
        }
    }
}

fn check_keywords(checker: &Checker<'_>, keywords: &[ast::Keyword]) {
    for name in keywords.iter().filter_map(|keyword| keyword.arg.as_ref()) {
        if name.as_str() == "__debug__" {
            checker.complain(Complaint::new(name.range(), "cannot assign to `__debug__`"));
        }
    }
}

fn check_type_parameters(checker: &Checker<'_>, type_params: Option<&ast::TypeParams>) {
    let mut has_default = false;
    for parameter in type_params.iter().flat_map(|type_params| type_params.iter()) {
        let name = parameter.name();
        if name.as_str() == "__classdict__" && checker.version >= PythonVersion::PY314 {
            let title = format!("reserved name `{name}` cannot be used for a type parameter");
            checker.complain(Complaint::new(name.range(), title));
        }
        if has_default && parameter.default().is_none() {
            let title = format!("type parameter `{name}` without a default follows one with a default");
            checker.complain(Complaint::new(name.range(), title));
        }
        has_default |= parameter.default().is_some();
    }
}

pub(super) fn check_expression(checker: &Checker<'_>, expression: &Expr) {
    match expression {
        Expr::Attribute(node) if node.attr.as_str() == "__debug__" && node.ctx != ExprContext::Load => {
            let verb = if node.ctx == ExprContext::Del { "delete" } else { "assign to" };
            checker.complain(Complaint::new(node.attr.range(), format!("cannot {verb} `__debug__`")));
        }
        Expr::Call(node) => check_keywords(checker, &node.arguments.keywords),
        Expr::Lambda(node) => {
            for parameter in node.parameters.iter().flat_map(|parameters| parameters.iter()) {
                if parameter.name().as_str() == "__debug__" {
                    checker.complain(Complaint::new(parameter.name().range(), "cannot assign to `__debug__`"));
                }
            }
        }
        Expr::Tuple(node) => check_elements(checker, &node.elts, node.ctx),
        Expr::List(node) => check_elements(checker, &node.elts, node.ctx),
        Expr::Set(node) => check_elements(checker, &node.elts, ExprContext::Load),
        Expr::FString(_) | Expr::TString(_) => {
            // Before 3.12, fields in a format spec had to be plain.
            let depth = if checker.version < PythonVersion::PY312 { 1 } else { 2 };
            fields(expression).into_iter().for_each(|field| check_field(checker, field, depth));
            check_line_breaks(checker, expression);
        }
        Expr::Named(node) => {
            if let Expr::Name(target) = &*node.target {
                check_walrus_target(checker, target);
            }
        }
        Expr::ListComp(node) => check_comprehension(checker, &node.generators, &[&node.elt]),
        Expr::SetComp(node) => check_comprehension(checker, &node.generators, &[&node.elt]),
        Expr::DictComp(node) => check_comprehension(checker, &node.generators, &[&node.key, &node.value]),
        Expr::Generator(node) => check_comprehension(checker, &node.generators, &[&node.elt]),
        _ => {}
    }
}

/// A `yield` among elements needs parentheses; a star among targets can have 255 before it.
fn check_elements(checker: &Checker<'_>, elements: &[Expr], context: ExprContext) {
    for (at, element) in elements.iter().enumerate() {
        let is_yield = matches!(element, Expr::Yield(_) | Expr::YieldFrom(_));
        if is_yield && at > 0 && checker.token_before(element.start()) == Some(TokenKind::Comma) {
            checker.complain(Complaint::new(element.range(), "a `yield` expression must be parenthesized here"));
        }
        if at > 255 && element.is_starred_expr() && context == ExprContext::Store {
            checker.complain(Complaint::new(element.range(), "too many expressions in star-unpacking assignment"));
        }
    }
}

/// Needs: format specs may nest `depth` levels of fields below this one.
fn check_field(checker: &Checker<'_>, field: &ast::InterpolatedElement, depth: usize) {
    if field.expression.is_starred_expr() {
        checker.complain(Complaint::new(field.expression.range(), "a starred expression cannot be used here"));
    }
    let Some(spec) = &field.format_spec else { return };
    for inner in spec.elements.iter().filter_map(InterpolatedStringElement::as_interpolation) {
        if depth == 0 {
            checker.complain(Complaint::new(inner.range, "f-string: expressions nested too deeply"));
        } else {
            check_field(checker, inner, depth - 1);
        }
    }
}

/// Before 3.12, a field could go over lines only if its string could.
fn check_line_breaks(checker: &Checker<'_>, expression: &Expr) {
    let Expr::FString(node) = expression else { return };
    if checker.version >= PythonVersion::PY312 {
        return;
    }
    let one_line = node.value.f_strings().filter(|string| !string.flags.is_triple_quoted());
    for field in one_line.flat_map(|string| string.elements.interpolations()) {
        if checker.source.text()[field.range].contains(['\n', '\r']) {
            let title = "an f-string field cannot go over several lines before Python 3.12";
            checker.complain(Complaint::new(field.range, title));
        }
    }
}

/// A walrus binds outside of its comprehensions, so it cannot rebind what they iterate with.
fn check_walrus_target(checker: &Checker<'_>, target: &ast::ExprName) {
    let mut at = checker.scope;
    while let Kind::Comprehension { .. } = checker.scopes.get(at).kind {
        let scope = checker.scopes.get(at);
        // Up to 3.12, private names were compared before they were mangled, to no effect.
        let is_private = target.id.starts_with("__") && !target.id.ends_with("__");
        let is_compared = !is_private || checker.version >= PythonVersion::PY313;
        if is_compared && scope.variable(&target.id).is_some_and(|variable| variable.is_local()) {
            let title = format!("assignment expression cannot rebind comprehension iteration variable `{}`", target.id);
            checker.complain(Complaint::new(target.range(), title));
        }
        at = scope.parent.unwrap_or(ScopeId::MODULE);
    }
}

/// No walrus in what a comprehension iterates over, and none at all in a comprehension of a class body.
fn check_comprehension(checker: &Checker<'_>, generators: &[ast::Comprehension], parts: &[&Expr]) {
    for generator in generators {
        if generator.target.is_starred_expr() {
            let title = "a starred assignment target must be in a list or tuple";
            checker.complain(Complaint::new(generator.target.range(), title));
        }
        let title = "assignment expression cannot be used in a comprehension iterable expression";
        WalrusFinder { checker, title, enters_lambdas: true }.visit_expr(&generator.iter);
    }
    if checker.is_in_class_body() {
        let conditions = generators.iter().flat_map(|generator| &generator.ifs);
        let title = "assignment expression within a comprehension cannot be used in a class body";
        for part in conditions.chain(parts.iter().copied()) {
            WalrusFinder { checker, title, enters_lambdas: false }.visit_expr(part);
        }
    }
}

struct WalrusFinder<'c, 'a> {
    checker: &'c Checker<'a>,
    title: &'static str,
    enters_lambdas: bool,
}

impl<'e> Visitor<'e> for WalrusFinder<'_, '_> {
    fn visit_expr(&mut self, expression: &'e Expr) {
        if let Expr::Named(node) = expression {
            self.checker.complain(Complaint::new(node.range(), self.title));
        }
        if self.enters_lambdas || !expression.is_lambda_expr() {
            walk_expr(self, expression);
        }
    }
}
