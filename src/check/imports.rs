//! What the names that a file imports stand for, so that `Thread()` and `threading.Thread()` are the same.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{Visitor, walk_stmt};
use ast::{Expr, Stmt};
use rustc_hash::FxHashMap;

use crate::scope::imported;

/// Dotted paths by the name that the file has for them, in whatever scope.
#[derive(Default)]
pub struct Imports(FxHashMap<String, String>);

impl Imports {
    pub fn of(module: &ast::ModModule) -> Imports {
        let mut imports = Imports::default();
        imports.visit_body(&module.body);
        imports
    }

    /// Before: `sub.Popen`, after `import subprocess as sub`. After: `subprocess.Popen`.
    pub fn path(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Name(node) => self.0.get(node.id.as_str()).cloned(),
            Expr::Attribute(node) => Some(format!("{}.{}", self.path(&node.value)?, node.attr)),
            _ => None,
        }
    }
}

impl<'a> Visitor<'a> for Imports {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(node) => {
                for alias in &node.names {
                    let (name, _) = imported(alias);
                    let path = if alias.asname.is_some() { alias.name.as_str() } else { name };
                    self.0.insert(name.to_owned(), path.to_owned());
                }
            }
            Stmt::ImportFrom(node) if node.level == 0 => {
                for alias in &node.names {
                    let path = format!("{}.{}", node.module.as_deref().unwrap_or_default(), alias.name);
                    self.0.insert(imported(alias).0.to_owned(), path);
                }
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}
