//! Operands: a value that waits on the value stack while a later operand calls gets a name.
//!
//! **Input**
//! ```python
//! total = price(a) * rate(b) + 1
//! ```
//! **Output**
//! ```python
//! total = (_h1 := price(a)) * rate(b) + 1
//! ```
//! **Needs** operands in the order in which Python evaluates them.
//! **Guarantees** whatever waits while a call runs is a name, or can be read again with the same result.
//! **Left alone** what can be read again: constants, names that no call rebinds, methods looked up on such names;
//! the parts of `and`, `or`, and conditional expressions, since nothing waits between them; `*E` and `**E`, of which only
//! what was made of them waits (the stop waits for such a call to end); values with `=` in f-strings, and those of
//! t-strings, whose text the program sees.

use rustpython_ruff_python_ast as ast;

use ast::{AnyNodeRef, Expr, ExprContext, InterpolatedStringElement, Stmt};

use super::{Lowering, elements, fields};
use crate::tree::has_call;

/// Something evaluated in turn. `None` in place of a holder: it cannot be given a name.
struct Operand<'a> {
    value: &'a Expr,
    holder: Option<AnyNodeRef<'a>>,
}

impl<'a> Operand<'a> {
    fn new(value: &'a Expr, holder: impl Into<AnyNodeRef<'a>>) -> Operand<'a> {
        Operand { value, holder: (!value.is_starred_expr()).then(|| holder.into()) }
    }

    fn nameless(value: &'a Expr) -> Operand<'a> {
        Operand { value, holder: None }
    }
}

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    let holder = AnyNodeRef::from(statement);
    let in_turn = match statement {
        Stmt::Assign(node) => {
            let targets = node.targets.iter().map(Operand::nameless);
            [Operand::new(&node.value, holder)].into_iter().chain(targets).collect()
        }
        Stmt::AnnAssign(node) => {
            let value = node.value.as_deref().map(|value| Operand::new(value, holder));
            value.into_iter().chain([Operand::nameless(&node.target)]).collect()
        }
        Stmt::Raise(node) => {
            let parts = [&node.exc, &node.cause].into_iter().filter_map(|part| part.as_deref());
            parts.map(|part| Operand::new(part, holder)).collect()
        }
        _ => Vec::new(),
    };
    spill_waiting(lowering, &in_turn);
}

pub fn expression(lowering: &mut Lowering<'_>, expression: &Expr) {
    // In `a < b < c` only `b` waits while `c` is evaluated: `a < b` is decided by then.
    if let Expr::Compare(node) = expression {
        let operands: Vec<&Expr> = std::iter::once(&*node.left).chain(&*node.comparators).collect();
        for pair in operands.windows(2) {
            if has_call(pair[1]) {
                lowering.spill_unless_rereadable(pair[0], expression.into());
            }
        }
        return;
    }
    let in_turn = operands(lowering, expression);
    spill_waiting(lowering, &in_turn);
}

/// Spills each operand that is followed by one that calls.
fn spill_waiting(lowering: &mut Lowering<'_>, in_turn: &[Operand<'_>]) {
    // The first operand has nothing before it, so its calls are no concern; in a long sum it is nearly the whole of it.
    let Some((_, later)) = in_turn.split_first() else { return };
    let Some(last_call) = later.iter().rposition(|operand| has_call(operand.value)) else { return };
    for operand in &in_turn[..=last_call] {
        if let Some(holder) = operand.holder {
            lowering.spill_unless_rereadable(operand.value, holder);
        }
    }
}

/// The operands of an expression whose values wait for each other, in the order in which Python evaluates them.
fn operands<'a>(lowering: &Lowering<'_>, expression: &'a Expr) -> Vec<Operand<'a>> {
    let of = |value: &'a Expr| Operand::new(value, expression);
    match expression {
        Expr::BinOp(node) => vec![of(&node.left), of(&node.right)],
        Expr::Call(node) => {
            let mut operands = vec![callee(lowering, node, expression)];
            operands.extend(node.arguments.args.iter().map(|argument| Operand::new(argument, &node.arguments)));
            operands.extend(node.arguments.keywords.iter().map(|keyword| match keyword.arg {
                Some(_) => Operand::new(&keyword.value, keyword),
                None => Operand::nameless(&keyword.value),
            }));
            operands
        }
        Expr::Subscript(node) => {
            let mut operands = vec![of(&node.value)];
            match &*node.slice {
                index @ (Expr::Tuple(_) | Expr::Slice(_)) => {
                    operands.extend(elements(index).into_iter().map(|(part, holder)| Operand::new(part, holder)));
                }
                index => operands.push(of(index)),
            }
            operands
        }
        // Targets are stored to, or deleted, one after the other.
        Expr::Tuple(ast::ExprTuple { ctx, .. }) | Expr::List(ast::ExprList { ctx, .. })
            if *ctx != ExprContext::Load =>
        {
            Vec::new()
        }
        Expr::Slice(_) | Expr::Tuple(_) => {
            elements(expression).into_iter().map(|(part, holder)| Operand::new(part, holder)).collect()
        }
        Expr::List(node) => node.elts.iter().map(of).collect(),
        Expr::Set(node) => node.elts.iter().map(of).collect(),
        Expr::Dict(node) => node
            .items
            .iter()
            .flat_map(|item| match &item.key {
                Some(key) => vec![of(key), of(&item.value)],
                None => vec![Operand::nameless(&item.value)],
            })
            .collect(),
        Expr::FString(_) | Expr::TString(_) => {
            let mut operands = Vec::new();
            for field in fields(expression) {
                let keeps_its_text = field.debug_text.is_some() || expression.is_t_string_expr();
                operands.push(match keeps_its_text {
                    false => Operand::new(&field.expression, expression),
                    true => Operand::nameless(&field.expression),
                });
                collect_format_fields(field, &mut operands);
            }
            operands
        }
        _ => Vec::new(),
    }
}

/// `obj.method` is looked up again on `obj`, so it is `obj` that must be kept; any other callee is kept itself.
fn callee<'a>(lowering: &Lowering<'_>, call: &'a ast::ExprCall, expression: &'a Expr) -> Operand<'a> {
    match &*call.func {
        Expr::Attribute(method) if lowering.is_super_call(&method.value) => Operand::nameless(&method.value),
        Expr::Attribute(method) => Operand::new(&method.value, &*call.func),
        func => Operand::new(func, expression),
    }
}

/// The values inside a format spec: `width` in `f"{x:{width}}"`. They run after the field's value, and cannot be named.
fn collect_format_fields<'a>(field: &'a ast::InterpolatedElement, operands: &mut Vec<Operand<'a>>) {
    let Some(spec) = &field.format_spec else { return };
    for inner in spec.elements.iter().filter_map(InterpolatedStringElement::as_interpolation) {
        operands.push(Operand::nameless(&inner.expression));
        collect_format_fields(inner, operands);
    }
}
