//! Checking: where a stop would have to wait, known before anybody runs the script.
//!
//! **Input** a source; **Output** diagnostics: what makes it no Python; else one for each place that uses a construct of the
//! table in `constructs`, less what comments ignore, and what is wrong with those comments.
//! **Guarantees** the table says only what can be seen in the text. What depends on values (a C function that calls back,
//! an object that cannot be saved) the runtime says when it meets it.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{Visitor, walk_expr, walk_stmt};
use ast::{Expr, Stmt};
use rustpython_ruff_text_size::{Ranged, TextRange};

use crate::diagnostic::{Code, Diagnostic};
use crate::scope::{Kind, ScopeId, Scopes};
use crate::source::Source;
use crate::{Options, accept};

mod calls;
mod constructs;
mod ignores;
mod imports;

use calls::Calls;
use constructs::{CONSTRUCTS, Construct, Node};
use imports::Imports;

/// All that is to be said of a script, in the order of the text.
pub fn check(source: &Source, options: &Options) -> Result<Vec<Diagnostic>, Diagnostic> {
    accept(source, options, |parsed, scopes| {
        let module = parsed.syntax();
        let file = File {
            scopes,
            calls: Calls::of(module, scopes),
            imports: Imports::of(module),
            evaluates_annotations: options.target_version < (3, 14) && !module.body.iter().any(defers_annotations),
        };
        let mut finder = Finder { file: &file, scope: ScopeId::MODULE, found: Vec::new() };
        finder.visit_body(&module.body);
        let mut found = finder.found;
        found.sort_by_key(|(_, range)| range.start());
        let diagnostics = found.iter().map(|(construct, range)| construct.diagnostic(source, *range));
        ignores::apply(source, parsed.tokens(), diagnostics.collect())
    })
}

/// The codes that `check` gives and a comment can ignore.
pub fn codes() -> impl Iterator<Item = Code> {
    CONSTRUCTS.iter().map(|construct| construct.code)
}

/// What is known of the whole file.
struct File<'a> {
    scopes: &'a Scopes<'a>,
    calls: Calls<'a>,
    imports: Imports,
    /// Annotations are evaluated where they stand, not when somebody asks for them.
    evaluates_annotations: bool,
}

/// `from __future__ import annotations`
fn defers_annotations(statement: &Stmt) -> bool {
    matches!(statement, Stmt::ImportFrom(node) if node.module.as_deref() == Some("__future__")
        && node.names.iter().any(|alias| alias.name.as_str() == "annotations"))
}

/// Goes through the whole tree, and asks every construct about every node.
struct Finder<'f, 'a> {
    file: &'f File<'a>,
    /// The scope that the node stands in: a module, function or class body, or a lambda.
    scope: ScopeId,
    found: Vec<(&'static Construct, TextRange)>,
}

impl Finder<'_, '_> {
    fn ask(&mut self, node: Node<'_>) {
        let kind = self.file.scopes.get(self.scope).kind;
        for construct in CONSTRUCTS {
            // What a class body runs is said once, of the class.
            if kind != Kind::Class || construct.in_class_bodies {
                let found = (construct.find)(self.file, node);
                self.found.extend(found.map(|range| (construct, range)));
            }
        }
    }

    fn inside<T>(&mut self, node: &T, visit: impl FnOnce(&mut Self)) {
        let scope = self.file.scopes.of_node(node).unwrap_or(self.scope);
        let outer = std::mem::replace(&mut self.scope, scope);
        visit(self);
        self.scope = outer;
    }
}

impl<'a> Visitor<'a> for Finder<'_, '_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.ask(Node::Statement(statement));
        match statement {
            Stmt::FunctionDef(node) => {
                let outside = node.decorator_list.iter().map(|decorator| &decorator.expression);
                outside.for_each(|expression| self.visit_expr(expression));
                self.visit_parameters(&node.parameters);
                self.inside(node, |this| this.visit_body(&node.body));
            }
            Stmt::ClassDef(node) => {
                node.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                node.arguments.iter().for_each(|arguments| self.visit_arguments(arguments));
                self.inside(node, |this| this.visit_body(&node.body));
            }
            // The parser's own walk visits the test of each `elif` twice.
            Stmt::If(node) => {
                self.visit_expr(&node.test);
                self.visit_body(&node.body);
                node.elif_else_clauses.iter().for_each(|clause| ast::visitor::walk_elif_else_clause(self, clause));
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        self.ask(Node::Expression(expression));
        match expression {
            Expr::Lambda(node) => self.inside(node, |this| walk_expr(this, expression)),
            _ => walk_expr(self, expression),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::codes;

    #[test]
    fn codes_are_of_their_kind() {
        assert!(codes().all(|code| code.number.starts_with("H1") || code.number.starts_with("H2")));
    }
}
