//! Loops: what a `for` iterates over gets a name, so that the runtime can name its iterator.
//!
//! **Input**
//! ```python
//! for line in lines:
//! ```
//! **Output**
//! ```python
//! for line in (_h1 := lines):
//! ```
//! **Guarantees** one spill for each `for` statement; the runtime makes the name hold the iterator.
//! **Left alone** `async for`, and the `for` of comprehensions.

use rustpython_ruff_python_ast as ast;

use ast::Stmt;

use super::Lowering;

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    if let Stmt::For(node) = statement
        && !node.is_async
    {
        lowering.spill(&node.iter, statement.into());
    }
}
