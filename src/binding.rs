//! Whether a suite binds or deletes a name, in any of the ways Python has.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_pattern, walk_stmt};
use ast::{Expr, ExprContext, Pattern, Stmt};

use crate::scope::imported;
use crate::tree::handler_parts;

/// Whether any statement of the suite, at any depth but not inside functions and classes, binds or deletes `name`.
pub fn binds_name(suite: &[Stmt], name: &str) -> bool {
    let mut finder = Finder { name, found: false };
    finder.visit_body(suite);
    finder.found
}

struct Finder<'n> {
    name: &'n str,
    found: bool,
}

impl Finder<'_> {
    fn note(&mut self, bound: Option<&str>) {
        self.found |= bound == Some(self.name);
    }
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(node) => self.note(Some(node.name.as_str())),
            Stmt::ClassDef(node) => self.note(Some(node.name.as_str())),
            Stmt::Import(node) => node.names.iter().for_each(|alias| self.note(Some(imported(alias).0))),
            Stmt::ImportFrom(node) => node.names.iter().for_each(|alias| {
                // A star may bind anything.
                self.found |= alias.name.as_str() == "*";
                self.note(Some(imported(alias).0));
            }),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(node) if node.ctx != ExprContext::Load => self.note(Some(&node.id)),
            // Nothing is bound here by what a lambda binds; a comprehension's own targets count, to be on the safe side.
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        self.note(handler_parts(handler).name.as_ref().map(ast::Identifier::as_str));
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.note(match pattern {
            Pattern::MatchAs(node) => node.name.as_ref().map(ast::Identifier::as_str),
            Pattern::MatchStar(node) => node.name.as_ref().map(ast::Identifier::as_str),
            Pattern::MatchMapping(node) => node.rest.as_ref().map(ast::Identifier::as_str),
            _ => None,
        });
        walk_pattern(self, pattern);
    }
}
