//! The words that marks begin with, and the tag that keeps them apart from the file's own names.
//!
//! **Input** every name of the file; **Output** a [`Tag`]: `label` and `goto` as they are, or with as many `_` as make them
//! clash with nothing: `label_`, `goto_`.

use std::fmt::Write;

use rustpython_ruff_python_ast as ast;

use ast::token::{TokenKind, Tokens};
use rustpython_ruff_text_size::Ranged;

use crate::scope::Scopes;

const WORDS: [&str; 2] = ["label", "goto"];

/// What tells heresy's words from the file's own names; mostly nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// The first tag under which no name of the file is one of heresy's words.
    pub fn for_file(text: &str, tokens: &Tokens, scopes: &Scopes<'_>) -> Tag {
        let mut tag = Tag(String::new());
        // Hardly any file has these words anywhere, be it in a comment.
        if text.is_ascii() && !WORDS.iter().any(|own| text.contains(own)) {
            return tag;
        }
        let words = || tokens.iter().filter(|token| token.kind() == TokenKind::Name).map(|token| &text[token.range()]);
        // What the source wrote in other letters (PEP 3131) is found among the normalised names.
        while words().chain(scopes.names()).any(|word| tag.claims(word)) {
            tag.0.push('_');
        }
        tag
    }

    /// The tag's text, as the header carries it.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Writes `label .L12` to the end of `out`: there are as many as statements, and each is written once.
    pub fn push_label(&self, out: &mut String, number: usize) {
        // To write to a text cannot fail.
        let _ = write!(out, "label{} .L{number}", self.0);
    }

    pub fn goto_entry(&self, names: &str) -> String {
        format!("goto{} .entry({names})", self.0)
    }

    fn claims(&self, word: &str) -> bool {
        WORDS.iter().any(|own| word.strip_prefix(own) == Some(self.0.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    #[test]
    fn labels() {
        let label = |number| {
            let mut out = String::from("  ");
            Tag("_".to_owned()).push_label(&mut out, number);
            out
        };
        let numbers = [1, 9, 10, 105, usize::MAX];
        assert_eq!(numbers.map(label), numbers.map(|number| format!("  label_ .L{number}")));
    }

    #[test]
    fn claims() {
        let tag = |text: &str| Tag(text.to_owned());
        assert!(["label", "goto"].iter().all(|word| tag("").claims(word)));
        assert!(["label_", "labels", "got"].iter().all(|word| !tag("").claims(word)));
        assert!(["label_", "goto_"].iter().all(|word| tag("_").claims(word)));
    }
}
