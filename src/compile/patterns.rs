//! Patterns that parse but can never be: unreachable alternatives, two stars, keys twice, `_` as a name.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{Visitor, walk_pattern};
use ast::{Expr, IrrefutablePatternKind, Number, Operator, Pattern, UnaryOp};
use rustpython_ruff_text_size::Ranged;

use super::{Checker, Complaint};

pub(super) fn check(checker: &Checker<'_>, pattern: &Pattern) {
    Rules(checker).visit_pattern(pattern);
}

struct Rules<'c, 'a>(&'c Checker<'a>);

impl Rules<'_, '_> {
    fn complain(&self, node: &impl Ranged, title: impl Into<String>) {
        self.0.complain(Complaint::new(node.range(), title));
    }

    fn check_name(&self, name: Option<&ast::Identifier>) {
        if let Some(name) = name.filter(|name| name.as_str() == "_") {
            self.complain(name, "cannot use `_` as a target");
        }
    }

    /// All alternatives but the last must be able to fail.
    fn check_alternatives(&self, alternatives: &[Pattern]) {
        let Some((_, before_last)) = alternatives.split_last() else { return };
        for irrefutable in before_last.iter().filter_map(Pattern::irrefutable_pattern) {
            let what = match irrefutable.kind {
                IrrefutablePatternKind::Name(name) => format!("name capture `{name}`"),
                IrrefutablePatternKind::Wildcard => "wildcard".to_owned(),
            };
            self.complain(&irrefutable.range, format!("{what} makes remaining patterns unreachable"));
        }
    }

    fn check_keys(&self, keys: &[Expr]) {
        let numbers: Vec<Option<(f64, f64)>> = keys.iter().map(number).collect();
        for (at, key) in keys.iter().enumerate() {
            if numbers[at].is_some() && numbers[..at].contains(&numbers[at]) {
                self.complain(key, "mapping pattern checks duplicate key");
            }
        }
    }
}

impl<'p> Visitor<'p> for Rules<'_, '_> {
    fn visit_pattern(&mut self, pattern: &'p Pattern) {
        match pattern {
            Pattern::MatchValue(node) if !is_value(&node.value) => {
                self.complain(&*node.value, "patterns may only match literals and attribute lookups");
            }
            Pattern::MatchSequence(node) => {
                let mut stars = node.patterns.iter().filter(|pattern| pattern.is_match_star());
                if let Some(second) = stars.nth(1) {
                    self.complain(second, "multiple starred names in sequence pattern");
                }
            }
            Pattern::MatchMapping(node) => {
                self.check_name(node.rest.as_ref());
                self.check_keys(&node.keys);
            }
            Pattern::MatchClass(node) => {
                for keyword in node.arguments.keywords.iter().filter(|keyword| keyword.attr.as_str() == "__debug__") {
                    self.complain(&keyword.attr, "cannot assign to `__debug__`");
                }
            }
            Pattern::MatchAs(node) => self.check_name(node.name.as_ref()),
            Pattern::MatchOr(node) => self.check_alternatives(&node.patterns),
            _ => {}
        }
        walk_pattern(self, pattern);
    }
}

/// A literal, a complex number, or a dotted name.
fn is_value(value: &Expr) -> bool {
    match value {
        Expr::StringLiteral(_) | Expr::BytesLiteral(_) => true,
        Expr::Attribute(node) => node.value.is_name_expr() || (node.value.is_attribute_expr() && is_value(&node.value)),
        _ => number(value).is_some() || is_large_number(value),
    }
}

/// A number as Python compares it, real and imaginary; `None` for other expressions, and for numbers beyond exact reach.
fn number(value: &Expr) -> Option<(f64, f64)> {
    match value {
        Expr::BooleanLiteral(node) => Some((f64::from(u8::from(node.value)), 0.0)),
        Expr::NumberLiteral(node) => match &node.value {
            Number::Int(int) => int.as_u32().map(|int| (f64::from(int), 0.0)),
            Number::Float(float) => Some((*float, 0.0)),
            Number::Complex { real, imag } => Some((*real, *imag)),
        },
        Expr::UnaryOp(node) if node.op == UnaryOp::USub && node.operand.is_number_literal_expr() => {
            number(&node.operand).map(|(real, imaginary)| (-real, -imaginary))
        }
        Expr::BinOp(node) => {
            let ((real, _), (_, imaginary)) = (number(&node.left)?, number(&node.right)?);
            match node.op {
                Operator::Add => Some((real, imaginary)),
                Operator::Sub => Some((real, -imaginary)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_large_number(value: &Expr) -> bool {
    match value {
        Expr::NumberLiteral(_) => true,
        Expr::UnaryOp(node) => node.op == UnaryOp::USub && node.operand.is_number_literal_expr(),
        Expr::BinOp(node) => {
            matches!(node.op, Operator::Add | Operator::Sub)
                && is_large_number(&node.left)
                && is_large_number(&node.right)
        }
        _ => false,
    }
}
