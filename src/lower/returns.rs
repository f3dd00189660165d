//! Returns: a value on its way out of a `try … finally` gets a name, since it waits while the `finally` runs.
//!
//! **Input**
//! ```python
//! try:
//!     return total
//! finally:
//!     close()
//! ```
//! **Output**
//! ```python
//! try:
//!     return (_h1 := total)
//! finally:
//!     close()
//! ```
//! **Guarantees** what a pending `return` will give can be read from a name, whatever the `finally` binds.
//! **Left alone** constants; a `finally` without a point.

use rustpython_ruff_python_ast as ast;

use ast::Stmt;

use super::Lowering;

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    if let Stmt::Return(node) = statement
        && let Some(value) = node.value.as_deref()
        && lowering.pending_finally > 0
        && !value.is_literal_expr()
    {
        lowering.spill(value, statement.into());
    }
}
