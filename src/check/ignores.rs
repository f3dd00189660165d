//! `# heresy: ignore[H104]`: findings that the author knows of, and says so where they are.
//!
//! A comment is meant for what begins on its line, or in the statement that ends on it. One that names what heresy does not
//! know, or what is not found there, is itself a finding: a comment that does nothing misleads.

use rustpython_ruff_python_ast as ast;

use ast::token::{TokenKind, Tokens};
use rustpython_ruff_text_size::{Ranged, TextRange, TextSize};

use super::codes;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, lines};

/// A code that a comment names.
struct Ignore<'a> {
    line: usize,
    range: TextRange,
    number: &'a str,
    is_used: bool,
}

/// Drops what is ignored, and adds what is wrong with the comments.
pub fn apply(source: &Source, tokens: &Tokens, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let comments: Vec<TextRange> =
        tokens.iter().filter(|token| token.kind() == TokenKind::Comment).map(Ranged::range).collect();
    let mut ignores = Vec::new();
    let mut wrong = Vec::new();
    let lines = if comments.is_empty() { Vec::new() } else { lines(source.text()).collect() };
    let line_of = |offset: usize| lines.partition_point(|line| line.end <= offset);
    for range in comments {
        match codes_of(&source.text()[range]) {
            Comment::Other => {}
            Comment::WithoutCodes => wrong.push(bad(source, range, "the comment names no code to ignore")),
            Comment::Ignores(named) => ignores.extend(named.into_iter().map(|(at, number)| Ignore {
                line: line_of(range.start().to_usize()),
                range: TextRange::at(range.start() + at, TextSize::of(number)),
                number,
                is_used: false,
            })),
        }
    }
    let mut kept = Vec::new();
    for diagnostic in found {
        let start = diagnostic.place.as_ref().map_or(0, |place| place.range.start);
        let places = [line_of(start), line_of(end_of_statement(tokens, start))];
        let mut is_ignored = false;
        for ignore in ignores.iter_mut().filter(|ignore| ignore.number == diagnostic.code.number) {
            if places.contains(&ignore.line) {
                ignore.is_used = true;
                is_ignored = true;
            }
        }
        if !is_ignored {
            kept.push(diagnostic);
        }
    }
    for ignore in ignores.iter().filter(|ignore| !ignore.is_used) {
        wrong.push(if codes().any(|code| code.number == ignore.number) {
            let title = format!("there is no {} here to ignore", ignore.number);
            at(source, Code::UNUSED_IGNORE, ignore.range, &title).note("remove it from the comment")
        } else {
            bad(source, ignore.range, &format!("`{}` is no code that can be ignored", ignore.number))
        });
    }
    kept.extend(wrong);
    kept.sort_by_key(|diagnostic| diagnostic.place.as_ref().map(|place| place.range.start));
    kept
}

fn bad(source: &Source, range: TextRange, title: &str) -> Diagnostic {
    at(source, Code::BAD_IGNORE, range, title)
        .note("write `# heresy: ignore[H103]`, or several codes with commas between")
}

fn at(source: &Source, code: Code, range: TextRange, title: &str) -> Diagnostic {
    Diagnostic::warning(code, title).at(source.name(), source.shared_text(), range.into(), "here")
}

/// Where the logical line ends that an offset is in.
fn end_of_statement(tokens: &Tokens, offset: usize) -> usize {
    let from = tokens.partition_point(|token| token.end().to_usize() <= offset);
    let end = tokens[from..].iter().find(|token| token.kind() == TokenKind::Newline);
    end.map_or(offset, |newline| newline.start().to_usize())
}

enum Comment<'a> {
    /// Not for heresy.
    Other,
    WithoutCodes,
    /// Each with its place in the comment.
    Ignores(Vec<(TextSize, &'a str)>),
}

/// Before: `# heresy: ignore[H103, H104]  it is quick`. After: `H103` and `H104`.
fn codes_of(comment: &str) -> Comment<'_> {
    // Tools share comments: `# noqa  # heresy: ignore[H103]`.
    let Some(said) = comment.split('#').find_map(|part| part.trim_start().strip_prefix("heresy:")) else {
        return Comment::Other;
    };
    let inside = said.trim_start().strip_prefix("ignore").and_then(|rest| rest.trim_start().strip_prefix('['));
    let Some((inside, _)) = inside.and_then(|rest| rest.split_once(']')) else { return Comment::WithoutCodes };
    let mut named = Vec::new();
    let mut at = comment.find(inside).unwrap_or_default();
    for part in inside.split(',') {
        let blanks = part.len() - part.trim_start().len();
        named.push((TextSize::of(&comment[..at + blanks]), part.trim()));
        at += part.len() + 1;
    }
    named.retain(|(_, number)| !number.is_empty());
    if named.is_empty() { Comment::WithoutCodes } else { Comment::Ignores(named) }
}

#[cfg(test)]
mod tests {
    use super::{Comment, codes_of};

    #[test]
    fn comments() {
        let codes = |comment| match codes_of(comment) {
            Comment::Other => vec!["other"],
            Comment::WithoutCodes => vec!["without"],
            Comment::Ignores(named) => named
                .into_iter()
                .inspect(|&(at, number)| assert!(comment[at.to_usize()..].starts_with(number)))
                .map(|(_, number)| number)
                .collect(),
        };
        assert_eq!(codes("# heresy: ignore[H103]"), ["H103"]);
        assert_eq!(codes("# noqa: E501  # heresy:ignore [ H103,H104 , ] it is quick"), ["H103", "H104"]);
        assert_eq!(codes("# heresy: ignore"), ["without"]);
        assert_eq!(codes("# heresy: ignroe[H102]"), ["without"]);
        assert_eq!(codes("# heresy: ignore[]"), ["without"]);
        assert_eq!(codes("# on heresy: a treatise"), ["other"]);
    }
}
