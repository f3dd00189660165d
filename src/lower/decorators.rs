//! Decorators: what a `def` or `class` is decorated with gets a name, since it waits until the definition is made.
//!
//! **Input**
//! ```python
//! @registered("slow")
//! @traced
//! def run(): ...
//! ```
//! **Output**
//! ```python
//! @(_h1 := registered("slow"))
//! @traced
//! def run(): ...
//! ```
//! **Guarantees** while a decorator is applied, it and those still to be applied can be read from names.
//! **Left alone** a last decorator that is a name or an attribute, which nothing has run since; class bodies.

use rustpython_ruff_python_ast as ast;

use ast::Stmt;

use super::Lowering;
use crate::tree::{decorator_parts, has_call};

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    let (decorators, runs_before) = match statement {
        Stmt::FunctionDef(node) => {
            let mut defaults = node.parameters.iter_non_variadic_params().filter_map(|parameter| parameter.default());
            (&node.decorator_list, defaults.any(has_call))
        }
        Stmt::ClassDef(node) => (&node.decorator_list, true),
        _ => return,
    };
    for (at, decorator) in decorators.iter().enumerate() {
        let (value, holder) = decorator_parts(decorator);
        let is_last = at + 1 == decorators.len();
        if has_call(value) {
            lowering.spill(value, holder);
        } else if !is_last || runs_before {
            lowering.spill_unless_rereadable(value, holder);
        }
    }
}
