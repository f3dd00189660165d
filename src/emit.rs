//! Emitting: new statements in front of the script's own, put into the original text in one pass.
//!
//! **Input** the source and [`Insertion`]s in text order; **Output** the text with them.
//! **Guarantees** no byte of the source is changed, moved or dropped: deleting the insertions gives the input back.

use rustpython_ruff_python_ast as ast;

use ast::Stmt;
use ast::token::{TokenKind, Tokens};
use rustpython_ruff_text_size::{Ranged, TextRange, TextSize};

use crate::source::Source;

/// What an insertion is for. Of several at one offset, this is the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    Header,
    Goto,
    Label,
}

/// A text put in front of the character at an offset of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    pub at: usize,
    pub text: String,
    pub purpose: Purpose,
}

/// Applies insertions, which are in text order.
pub fn apply(text: &str, insertions: &[Insertion]) -> String {
    let inserted: usize = insertions.iter().map(|insertion| insertion.text.len()).sum();
    let mut out = String::with_capacity(text.len() + inserted);
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
#[derive(Clone, Copy, Debug)]
pub enum Slot<'a> {
    /// On a line of its own.
    Line { at: usize, indentation: &'a str, newline: &'static str },
    /// On the statement's own line, followed by `; `.
    Inline { at: usize },
}

impl<'a> Slot<'a> {
    /// The slot in front of a statement.
    ///
    /// - `f()` alone on its line: a line before it
    /// - `g()` in `if x: f(); g()`: inline
    pub fn before(statement: &Stmt, source: &'a Source, tokens: &Tokens) -> Slot<'a> {
        let at = statement.start();
        if let Some(line_start) = start_of_plain_line(source.text(), at.to_usize()) {
            let indentation = &source.text()[line_start..at.to_usize()];
            return Slot::Line { at: line_start, indentation, newline: source.newline_at(at.to_usize()) };
        }
        let previous =
            tokens.before(at).iter().rev().find(|token| !matches!(token.kind(), TokenKind::Indent | TokenKind::Dedent));
        let line_start = match previous {
            None => TextSize::new(0),
            Some(token) if token.kind().is_any_newline() => token.end(),
            Some(_) => return Slot::Inline { at: at.to_usize() },
        };
        let indentation = indentation(&source.text()[TextRange::new(line_start, at)]);
        Slot::Line { at: line_start.to_usize(), indentation, newline: source.newline_at(at.to_usize()) }
    }

    /// The insertion that puts a statement here.
    pub fn statement(self, purpose: Purpose, statement: &str) -> Insertion {
        self.insertion(purpose, |out| out.push_str(statement))
    }

    /// The same for one that `write` writes.
    pub fn insertion(self, purpose: Purpose, write: impl FnOnce(&mut String)) -> Insertion {
        let (at, indentation, end) = match self {
            Slot::Line { at, indentation, newline } => (at, indentation, newline),
            Slot::Inline { at } => (at, "", "; "),
        };
        let mut text = String::with_capacity(indentation.len() + 16);
        text.push_str(indentation);
        write(&mut text);
        text.push_str(end);
        Insertion { at, text, purpose }
    }
}

/// Where the line begins that a statement stands in, if nothing but blanks stands before it there, and no backslash at the end of
/// the line before. So it is with nearly all, and it needs no look at the tokens.
fn start_of_plain_line(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].trim_end_matches([' ', '\t']).as_bytes();
    match before {
        [] => Some(0),
        [.., b'\\', b'\n'] | [.., b'\\', b'\r', b'\n'] => None,
        [.., b'\n'] => Some(before.len()),
        _ => None,
    }
}

/// Before: what stands between the start of a logical line and its first token. After: the part that indents it.
///
/// A form feed starts the count anew, and of lines joined by backslashes the first that has any blanks counts.
fn indentation(leading: &str) -> &str {
    let lines = leading.split('\\').map(|line| line.trim_start_matches(['\r', '\n']));
    lines.filter_map(|line| line.rsplit('\x0c').next()).find(|blanks| !blanks.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_of_odd_lines() {
        assert_eq!(indentation("    "), "    ");
        assert_eq!(indentation("  \x0c\t"), "\t");
        assert_eq!(indentation("  \\\n      "), "  ");
        assert_eq!(indentation("\\\n    "), "    ");
    }

    #[test]
    fn lines_that_need_no_look_at_the_tokens() {
        let start = |text: &str| start_of_plain_line(text, text.len());
        assert_eq!(start(""), Some(0));
        assert_eq!(start("  "), Some(0));
        assert_eq!(start("if x:\n \t"), Some(6));
        assert_eq!(start("if x:\r\n  "), Some(7));
        assert_eq!(["if x:", "x; ", "  \\\n  ", "  \\\r\n  ", "x\r  ", "x\n  \x0c"].map(start), [None; 6]);
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let insertion = |at, text: &str| Insertion { at, text: text.to_owned(), purpose: Purpose::Label };
        assert_eq!(
            apply("ab", &[insertion(0, "1"), insertion(1, "2"), insertion(1, "3"), insertion(2, "4")]),
            "1a23b4"
        );
    }
}
