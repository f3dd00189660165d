//! Augmented assignments: the old value, read before a call and needed after it, gets a name.
//!
//! **Input**
//! ```python
//! self.counts[key] += weigh(item)
//! ```
//! **Output**
//! ```python
//! _h1 = (_h2 := self.counts)[key]; _h1 += weigh(item); _h2[key] = _h1
//! ```
//! **Guarantees** the target's parts are evaluated once, its old value is read before the call, it is stored after it; the
//! three statements share the one label in front.
//! **Left alone** a value without a call; a target that is a name which no call rebinds (it is read again).

use rustpython_ruff_python_ast as ast;

use ast::{AnyNodeRef, Expr, Stmt};
use rustpython_ruff_text_size::TextRange;

use super::{Lowering, elements, extent};
use crate::emit::{Part, Rank, SpillId};
use crate::tree::has_call;

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    let Stmt::AugAssign(node) = statement else { return };
    let is_kept_name = matches!(&*node.target, Expr::Name(name) if lowering.is_stable(&name.id));
    if is_kept_name || !has_call(&node.value) {
        return;
    }
    let target = extent(&node.target, statement.into(), lowering.tokens);
    let old = lowering.new_name_at(target.start(), Rank::Prefix);
    let parts = spill_parts(lowering, &node.target);

    lowering.edit(target.start(), Rank::Prefix, vec![Part::Spill(old), " = ".into()]);
    lowering.edit(target.end(), Rank::Suffix, vec!["; ".into(), Part::Spill(old)]);
    let mut store = vec!["; ".into()];
    store.extend(copy_with_names(target, &parts));
    store.extend([" = ".into(), Part::Spill(old)]);
    lowering.edit(node.range.end(), Rank::Suffix, store);
}

/// Names what a target is made of: in `self.counts[key()]`, both `self.counts` and `key()`.
fn spill_parts(lowering: &mut Lowering<'_>, target: &Expr) -> Vec<(TextRange, SpillId)> {
    let holder = AnyNodeRef::from(target);
    let parts = match target {
        Expr::Attribute(node) => vec![(&*node.value, holder)],
        Expr::Subscript(node) => {
            let index = match &*node.slice {
                index @ (Expr::Tuple(_) | Expr::Slice(_)) => elements(index),
                index => vec![(index, holder)],
            };
            std::iter::once((&*node.value, holder)).chain(index).collect()
        }
        _ => Vec::new(),
    };
    let mut named = Vec::new();
    for (part, holder) in parts {
        if !part.is_starred_expr() && !lowering.is_rereadable(part) {
            let range = extent(part, holder, lowering.tokens);
            named.push((range, lowering.spill(part, holder)));
        }
    }
    named
}

/// Before: the source's `f(x)[i]`, with a name for `f(x)`. After: `_h2[i]`.
fn copy_with_names(target: TextRange, named: &[(TextRange, SpillId)]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut copied = target.start();
    for &(range, id) in named {
        parts.extend([Part::Copy(TextRange::new(copied, range.start())), Part::Spill(id)]);
        copied = range.end();
    }
    parts.push(Part::Copy(TextRange::new(copied, target.end())));
    parts
}
