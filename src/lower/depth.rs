//! Depth: as many spills in one another as Python's tokenizer has room for.
//!
//! `(_h1 := …)` is a bracket, and CPython allows 200 inside each other. A chain of hundreds of calls would need more; its
//! innermost values then go without a name, and a stop waits until they have passed.
//!
//! **Input** spills; **Output** those among them that fit, with the source's own brackets counted, and where the others were.

use rustpython_ruff_python_ast as ast;

use ast::token::{Token, TokenKind, Tokens};
use rustpython_ruff_text_size::{Ranged, TextRange, TextSize};

use super::Spill;
use crate::nesting::MAX_BRACKETS;

/// Drops the spills that would nest too deeply; of a chain, those written first.
pub(super) fn within_limit(mut spills: Vec<Spill>, tokens: &Tokens) -> (Vec<Spill>, Vec<TextRange>) {
    spills.sort_by_key(|spill| (spill.range.start(), std::cmp::Reverse(spill.range.end())));
    let mut kept = Vec::with_capacity(spills.len());
    let mut dropped = Vec::new();
    let mut spills = spills.into_iter().peekable();
    for logical_line in tokens.split_inclusive(|token| token.kind() == TokenKind::Newline) {
        let Some(last) = logical_line.last() else { continue };
        if spills.peek().is_none_or(|spill| spill.range.start() >= last.end()) {
            continue;
        }
        let budget = MAX_BRACKETS.saturating_sub(greatest_depth(logical_line));
        // The ends of the kept spills that are open, and how many brackets each adds.
        let mut open: Vec<(TextSize, usize)> = Vec::new();
        let mut added = 0;
        while let Some(spill) = spills.next_if(|spill| spill.range.start() < last.end()) {
            while let Some((_, closed)) = open.pop_if(|(end, _)| *end <= spill.range.start()) {
                added -= closed;
            }
            let brackets = if spill.is_bare { 2 } else { 1 };
            if added + brackets <= budget {
                added += brackets;
                open.push((spill.range.end(), brackets));
                kept.push(spill);
            } else {
                dropped.push(spill.range);
            }
        }
    }
    (kept, dropped)
}

/// How deep the brackets of a logical line go.
fn greatest_depth(logical_line: &[Token]) -> usize {
    let mut depth: usize = 0;
    let depths = logical_line.iter().map(|token| {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    depths.max().unwrap_or_default()
}
