//! `from __future__ import …`: at the top of the file, and of a feature that there is.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{Visitor, walk_stmt};
use ast::{PythonVersion, Stmt};
use rustpython_ruff_text_size::Ranged;

use super::Complaint;

const FEATURES: &[&str] = &[
    "nested_scopes",
    "generators",
    "division",
    "absolute_import",
    "with_statement",
    "print_function",
    "unicode_literals",
    "barry_as_FLUFL",
    "generator_stop",
    "annotations",
];

pub fn check(module: &ast::ModModule, version: PythonVersion, complaints: &mut Vec<Complaint>) {
    let is_allowed = |at: usize, statement: &Stmt| {
        let is_docstring = at == 0 && matches!(statement, Stmt::Expr(node) if node.value.is_string_literal_expr());
        is_docstring || future_import(statement, version).is_some()
    };
    let prologue = module.body.iter().enumerate().take_while(|(at, statement)| is_allowed(*at, statement)).count();
    let (prologue, rest) = module.body.split_at(prologue);
    prologue
        .iter()
        .filter_map(|statement| future_import(statement, version))
        .for_each(|node| check_features(node, complaints));
    Late { version, complaints }.visit_body(rest);
}

/// The import, if it is one of features. Up to 3.12, `from .__future__ import …` was taken for one.
fn future_import(statement: &Stmt, version: PythonVersion) -> Option<&ast::StmtImportFrom> {
    match statement {
        Stmt::ImportFrom(node) if node.module.as_deref() == Some("__future__") => {
            (node.level == 0 || version < PythonVersion::PY313).then_some(node)
        }
        _ => None,
    }
}

fn check_features(node: &ast::StmtImportFrom, complaints: &mut Vec<Complaint>) {
    for name in node.names.iter().map(|alias| &alias.name).filter(|name| !FEATURES.contains(&name.as_str())) {
        complaints.push(Complaint::new(name.range(), format!("future feature `{name}` is not defined")));
    }
}

/// Finds imports of features below the top of the file.
struct Late<'c> {
    version: PythonVersion,
    complaints: &'c mut Vec<Complaint>,
}

impl<'a> Visitor<'a> for Late<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match future_import(statement, self.version) {
            Some(node) => {
                let title = "`from __future__` imports must be at the beginning of the file";
                self.complaints.push(Complaint::new(node.range(), title));
            }
            None => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, _: &'a ast::Expr) {}
}
