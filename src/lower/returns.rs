//! Returns: a value on its way out of a `try … finally` or a `with` gets a name, since it waits while these end.
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
//! **Left alone** constants; a `finally` without a point; in a `with` alone, what can be read again.

use rustpython_ruff_python_ast as ast;

use ast::Stmt;

use super::Lowering;

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    if let Stmt::Return(node) = statement
        && let Some(value) = node.value.as_deref()
        && !value.is_literal_expr()
    {
        if lowering.pending_finally > 0 {
            lowering.spill(value, statement.into());
        } else if lowering.pending_exits > 0 {
            lowering.spill_unless_rereadable(value, statement.into());
        }
    }
}
