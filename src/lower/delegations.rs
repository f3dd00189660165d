//! Delegations: what a `yield from` or `await` passes everything on to gets a name.
//!
//! While a generator runs that another delegates to, the other waits for it; the runtime stops there only if it sees that
//! this is the generator whose frame comes next.
//!
//! **Input**
//! ```python
//! count += yield from child.walk(depth + 1)
//! result = await fetch(url)
//! ```
//! **Output**
//! ```python
//! count += yield from (_h1 := child.walk(depth + 1))
//! result = await (_h2 := fetch(url))
//! ```
//! **Guarantees** the runtime makes the name of a `yield from` hold the iterator, not what it was made from.
//! **Left alone** constants, displays and comprehensions, whose iterators are not continued in; `await x`.

use rustpython_ruff_python_ast as ast;

use ast::Expr;

use super::Lowering;

pub fn expression(lowering: &mut Lowering<'_>, expression: &Expr) {
    match expression {
        Expr::YieldFrom(node) if !is_plain_data(&node.value) => {
            lowering.spill(&node.value, expression.into());
        }
        Expr::Await(node) if !node.value.is_name_expr() => {
            lowering.spill(&node.value, expression.into());
        }
        _ => {}
    }
}

fn is_plain_data(value: &Expr) -> bool {
    value.is_literal_expr()
        || matches!(
            value,
            Expr::List(_)
                | Expr::Tuple(_)
                | Expr::Set(_)
                | Expr::Dict(_)
                | Expr::ListComp(_)
                | Expr::SetComp(_)
                | Expr::DictComp(_)
        )
}
