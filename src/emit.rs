//! Edits over the original text: insertions only, put in place in one pass.
//!
//! **Input** the source and a list of [`Edit`]s in any order; **Output** [`Insertion`]s in text order, ready to apply.
//! **Guarantees** no byte of the source is changed, moved or dropped: deleting the insertions gives the input back.
//! The result depends on nothing but the edits, so emitting is deterministic.

use std::borrow::Cow;
use std::cmp::Reverse;

use rustpython_ruff_python_ast as ast;

use ast::Stmt;
use ast::token::{TokenKind, Tokens};
use rustc_hash::{FxBuildHasher, FxHashMap};
use rustpython_ruff_text_size::{Ranged, TextRange, TextSize};

use crate::scope::ScopeId;
use crate::source::Source;
use crate::tag::Tag;

/// What an insertion is for; the diff can leave out marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Header,
    Goto,
    Label,
    /// A value gets a name, or a statement is taken apart to give it one.
    Spill,
}

/// A text put in front of the character at an offset of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    pub at: usize,
    pub text: String,
    pub purpose: Purpose,
}

/// The order of edits at one offset: what ends there comes before what begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// `)`
    Close,
    /// `; _h1`, ` as _h1`
    Suffix,
    Header,
    Goto,
    /// `_h1 = e`, the first statement of a handler
    HandlerName,
    Label,
    /// `_h1 = `, in front of the target of an augmented assignment
    Prefix,
    /// `(_h1 := `
    Open,
}

/// A spill before it has its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpillId {
    pub scope: ScopeId,
    pub index: usize,
}

/// A piece of inserted text.
#[derive(Clone, Debug)]
pub enum Part {
    Text(Cow<'static, str>),
    /// A copy of a part of the source.
    Copy(TextRange),
    Spill(SpillId),
}

impl From<&'static str> for Part {
    fn from(text: &'static str) -> Part {
        Part::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Part {
    fn from(text: String) -> Part {
        Part::Text(Cow::Owned(text))
    }
}

/// An insertion to be: its text may name spills that have no number yet.
#[derive(Clone, Debug)]
pub struct Edit {
    pub at: TextSize,
    pub rank: Rank,
    /// The end of what the edit opens; of two that open at one offset, the one that ends later is outside.
    pub end: TextSize,
    pub parts: Vec<Part>,
    pub purpose: Purpose,
}

/// The numbers of all spills: from 1 in each scope, in the order in which their names first stand in the text.
#[derive(Debug, Default)]
pub struct Numbers(FxHashMap<SpillId, usize>);

impl Numbers {
    /// Needs: `sites` holds each spill of a scope once, with the place where its name is bound.
    pub fn of(mut sites: Vec<(SpillId, TextSize, Rank, TextSize)>) -> Numbers {
        sites.sort_by_key(|&(id, at, rank, end)| (at, rank, Reverse(end), id.index));
        let mut next: FxHashMap<ScopeId, usize> = FxHashMap::default();
        let mut numbers = FxHashMap::with_capacity_and_hasher(sites.len(), FxBuildHasher);
        for (id, ..) in sites {
            let number = next.entry(id.scope).or_default();
            *number += 1;
            numbers.insert(id, *number);
        }
        Numbers(numbers)
    }

    fn of_spill(&self, id: SpillId) -> usize {
        self.0.get(&id).copied().unwrap_or_default()
    }
}

/// Gives every edit its text and its place.
pub fn insertions(mut edits: Vec<Edit>, numbers: &Numbers, source: &Source, tag: &Tag) -> Vec<Insertion> {
    edits.sort_by_key(|edit| (edit.at, edit.rank, Reverse(edit.end)));
    let text_of = |parts: &[Part]| {
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Copy(range) => text.push_str(&source.text()[*range]),
                Part::Spill(id) => text.push_str(&tag.spill(numbers.of_spill(*id))),
            }
        }
        text
    };
    edits
        .into_iter()
        .map(|edit| Insertion { at: edit.at.to_usize(), text: text_of(&edit.parts), purpose: edit.purpose })
        .collect()
}

/// Applies insertions, which are in text order.
pub fn apply<'a>(text: &str, insertions: impl IntoIterator<Item = &'a Insertion>) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut copied = 0;
    for insertion in insertions {
        out.push_str(&text[copied..insertion.at]);
        out.push_str(&insertion.text);
        copied = insertion.at;
    }
    out.push_str(&text[copied..]);
    out
}

/// Where a new statement in front of an existing one goes.
#[derive(Clone, Debug)]
pub enum Slot {
    /// On a line of its own: at this offset, with this part of the source as indentation, and this line ending.
    Line { at: TextSize, indentation: TextRange, newline: &'static str },
    /// On the statement's own line, followed by `; `.
    Inline { at: TextSize },
}

impl Slot {
    /// The slot in front of a statement.
    ///
    /// - `f()` alone on its line: a line before it
    /// - `g()` in `if x: f(); g()`: inline
    pub fn before(statement: &Stmt, source: &Source, tokens: &Tokens) -> Slot {
        let at = statement.start();
        let previous =
            tokens.before(at).iter().rev().find(|token| !matches!(token.kind(), TokenKind::Indent | TokenKind::Dedent));
        let line_start = match previous {
            None => TextSize::new(0),
            Some(token) if token.kind().is_any_newline() => token.end(),
            Some(_) => return Slot::Inline { at },
        };
        let indentation = indentation(&source.text()[TextRange::new(line_start, at)]) + line_start;
        Slot::Line { at: line_start, indentation, newline: source.newline_at(at.to_usize()) }
    }

    /// Where in the source the new statement goes.
    pub fn at(&self) -> TextSize {
        match self {
            Slot::Line { at, .. } | Slot::Inline { at } => *at,
        }
    }

    /// The edit that puts a statement here.
    pub fn statement(&self, rank: Rank, purpose: Purpose, parts: impl IntoIterator<Item = Part>) -> Edit {
        let parts = parts.into_iter();
        let (at, parts) = match *self {
            Slot::Line { at, indentation, newline } => {
                (at, [Part::Copy(indentation)].into_iter().chain(parts).chain([newline.into()]).collect())
            }
            Slot::Inline { at } => (at, parts.chain(["; ".into()]).collect()),
        };
        Edit { at, rank, end: at, parts, purpose }
    }
}

/// Before: what stands between the start of a logical line and its first token. After: the part that indents it.
///
/// A form feed starts the count anew, and of lines joined by backslashes the first that has any blanks counts.
fn indentation(leading: &str) -> TextRange {
    let mut end = TextSize::new(0);
    for line in leading.split('\\') {
        end += TextSize::of(line);
        let blanks = line.trim_start_matches(['\r', '\n']).rsplit('\x0c').next().unwrap_or_default();
        if !blanks.is_empty() {
            return TextRange::new(end - TextSize::of(blanks), end);
        }
        end += TextSize::of('\\');
    }
    TextRange::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_of_odd_lines() {
        let indentation = |leading: &'static str| &leading[super::indentation(leading)];
        assert_eq!(indentation("    "), "    ");
        assert_eq!(indentation("  \x0c\t"), "\t");
        assert_eq!(indentation("  \\\n      "), "  ");
        assert_eq!(indentation("\\\n    "), "    ");
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let insertion = |at, text: &str| Insertion { at, text: text.to_owned(), purpose: Purpose::Spill };
        assert_eq!(
            apply("ab", &[insertion(0, "1"), insertion(1, "2"), insertion(1, "3"), insertion(2, "4")]),
            "1a23b4"
        );
    }
}
