//! Managers: the context manager of a `with` gets a name, since its `__exit__` is needed at the end.
//!
//! **Input**
//! ```python
//! with open(path) as file, lock:
//! ```
//! **Output**
//! ```python
//! with (_h1 := open(path)) as file, lock:
//! ```
//! **Guarantees** the manager of every open `with` can be read from a name.
//! **Left alone** managers that are names already, if neither the `with` nor any call rebinds them; `async with`.

use rustpython_ruff_python_ast as ast;

use ast::{Expr, Stmt};

use super::Lowering;
use crate::binding::binds_name;

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    let Stmt::With(node) = statement else { return };
    if node.is_async {
        return;
    }
    for item in &node.items {
        let stays = |name: &str| lowering.is_stable(name) && !binds_name(std::slice::from_ref(statement), name);
        let is_kept_name = matches!(&item.context_expr, Expr::Name(name) if stays(&name.id));
        if !is_kept_name {
            lowering.spill(&item.context_expr, item.into());
        }
    }
}
