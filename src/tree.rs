//! How the syntax tree hangs together: which statements a statement holds, what it evaluates itself, and what of that can call.
//!
//! Functions over borrowed trees, no state. The parser's own visitors go everywhere; these say where heresy goes.

use rustpython_ruff_python_ast as ast;

use ast::token::{Tokens, parenthesized_range};
use ast::visitor::{Visitor, walk_expr};
use ast::{AnyNodeRef, Expr, ExprRef, InterpolatedStringElement, Stmt};
use rustpython_ruff_text_size::{Ranged, TextRange};

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

/// An expression that a statement evaluates in its own scope, and the node that holds it (which tells whose parentheses are whose).
pub type Held<'a> = (&'a Expr, AnyNodeRef<'a>);

/// What a statement evaluates itself, where a value may be given a name: no defaults, annotations, class headers or loop
/// targets (they hold values that no walrus can name), no patterns, and nothing of its suites.
pub fn expressions(statement: &Stmt) -> Vec<Held<'_>> {
    let holder = AnyNodeRef::from(statement);
    let mut held: Vec<Held<'_>> = Vec::new();
    match statement {
        Stmt::FunctionDef(node) => held.extend(node.decorator_list.iter().map(decorator_parts)),
        Stmt::ClassDef(node) => held.extend(node.decorator_list.iter().map(decorator_parts)),
        Stmt::Expr(node) => held.push((&node.value, holder)),
        Stmt::Assign(node) => {
            held.push((&node.value, holder));
            held.extend(node.targets.iter().map(|target| (target, holder)));
        }
        Stmt::AugAssign(node) => held.extend([(&*node.target, holder), (&*node.value, holder)]),
        Stmt::AnnAssign(node) => {
            held.extend(node.value.as_deref().map(|value| (value, holder)));
            held.push((&node.target, holder));
        }
        Stmt::Return(node) => held.extend(node.value.as_deref().map(|value| (value, holder))),
        Stmt::Delete(node) => held.extend(node.targets.iter().map(|target| (target, holder))),
        Stmt::For(node) => held.push((&node.iter, holder)),
        Stmt::While(node) => held.push((&node.test, holder)),
        Stmt::If(node) => {
            held.push((&node.test, holder));
            for clause in &node.elif_else_clauses {
                held.extend(clause.test.as_ref().map(|test| (test, AnyNodeRef::from(clause))));
            }
        }
        Stmt::With(node) => held.extend(node.items.iter().map(|item| (&item.context_expr, AnyNodeRef::from(item)))),
        Stmt::Match(node) => {
            held.push((&node.subject, holder));
            for case in &node.cases {
                held.extend(case.guard.as_deref().map(|guard| (guard, AnyNodeRef::from(case))));
            }
        }
        Stmt::Raise(node) => {
            held.extend(node.exc.as_deref().map(|exc| (exc, holder)));
            held.extend(node.cause.as_deref().map(|cause| (cause, holder)));
        }
        Stmt::Assert(node) => {
            held.push((&node.test, holder));
            held.extend(node.msg.as_deref().map(|msg| (msg, holder)));
        }
        _ => {}
    }
    held
}

/// A decorator's expression, and the `@` that holds it.
pub fn decorator_parts(decorator: &ast::Decorator) -> Held<'_> {
    (&decorator.expression, decorator.into())
}

/// Whether evaluating an expression calls, awaits or yields: a moment at which the values before it wait.
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

/// Where an expression stands, its own parentheses included: in `f((x))`, the range of `(x)`.
pub fn extent(expression: &Expr, holder: AnyNodeRef<'_>, tokens: &Tokens) -> TextRange {
    parenthesized_range(ExprRef::from(expression), holder, tokens).unwrap_or_else(|| expression.range())
}

/// The replacement fields of an f-string or t-string, in the order they are evaluated, format specs not entered.
pub fn fields(expression: &Expr) -> Vec<&ast::InterpolatedElement> {
    match expression {
        Expr::FString(node) => node.value.elements().filter_map(InterpolatedStringElement::as_interpolation).collect(),
        Expr::TString(node) => node.value.elements().filter_map(InterpolatedStringElement::as_interpolation).collect(),
        _ => Vec::new(),
    }
}

/// The values that a tuple or slice is made of. A slice among a tuple's elements (`m[a:b, c]`) is no value of its own.
pub fn elements(expression: &Expr) -> Vec<Held<'_>> {
    let holder = AnyNodeRef::from(expression);
    match expression {
        Expr::Tuple(node) => node
            .elts
            .iter()
            .flat_map(|element| match element {
                Expr::Slice(_) => elements(element),
                _ => vec![(element, holder)],
            })
            .collect(),
        Expr::Slice(node) => [&node.lower, &node.upper, &node.step]
            .into_iter()
            .filter_map(|part| part.as_deref())
            .map(|part| (part, holder))
            .collect(),
        _ => Vec::new(),
    }
}
