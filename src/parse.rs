//! Parsing: text to tree, or one diagnostic that says why not.
//!
//! **Input** a [`Source`] and the Python version it is written in; **Output** a module, with its tokens.
//! **Guarantees** what is accepted here is in the grammar of that version; `compile` knows the rules beyond grammar.

use rustpython_ruff_python_ast as ast;
use rustpython_ruff_python_parser as parser;

use ast::token::{Token, TokenKind, Tokens};
use ast::{ModModule, PythonVersion};
use parser::{Mode, ParseError, ParseErrorType, ParseOptions, Parsed, parse_unchecked};
use rustpython_ruff_text_size::{Ranged, TextRange};

use crate::diagnostic::{Code, Diagnostic, title_case};
use crate::nesting;
use crate::source::Source;

/// The module, or the first thing that is wrong with it.
///
/// In a module for 3.15, what a dictionary comprehension unpacks is the starred element of a set comprehension.
pub fn parse(source: &Source, version: PythonVersion) -> Result<Parsed<ModModule>, Diagnostic> {
    let options = || ParseOptions::from(Mode::Module).with_target_version(version);
    let mut parsed = parse_unchecked(source.text(), options());
    nesting::check(source, parsed.tokens())?;
    // The parser knows unpacking (PEP 798) in lists only. What it makes of that in sets and generator expressions is right.
    let unpacks = version >= PythonVersion::PY315;
    let is_known = |error: &ParseError| unpacks && error.error == ParseErrorType::IterableUnpackingInComprehension;
    if unpacks && !parsed.errors().iter().all(is_known) {
        let again = parse_unchecked(&with_sets_for_dicts(source.text(), parsed.tokens()), options());
        if again.errors().iter().all(is_known) {
            parsed = again;
        }
    }
    if let Some(error) = parsed.errors().iter().find(|error| !is_known(error)) {
        return Err(unclosed_bracket(source, parsed.tokens(), error.range())
            .unwrap_or_else(|| at(source, Code::SYNTAX, &error.error.to_string(), error.range(), "here")));
    }
    if let Some(error) = parsed.unsupported_syntax_errors().first() {
        let diagnostic = at(source, Code::NEWER_SYNTAX, &error.to_string(), error.range(), "not in this version");
        return Err(diagnostic
            .note("name the version that the script is written for: --target-version, or --python of `heresy run`"));
    }
    parsed.try_into_module().ok_or_else(|| Diagnostic::new(Code::INTERNAL, "the parser gave no module"))
}

/// Before: `{**f(x) for x in xs}`. After: `{ *f(x) for x in xs}`, where everything stands as it did.
fn with_sets_for_dicts(text: &str, tokens: &Tokens) -> String {
    let mut found = text.to_owned();
    for (index, pair) in tokens.windows(2).enumerate() {
        let [brace, stars] = pair else { continue };
        if (brace.kind(), stars.kind()) == (TokenKind::Lbrace, TokenKind::DoubleStar)
            && is_for_next(&tokens[index + 2..])
        {
            found.replace_range(stars.range().start().to_usize()..stars.range().end().to_usize(), " *");
        }
    }
    found
}

/// Whether an expression within brackets is the element of a comprehension.
fn is_for_next(tokens: &[Token]) -> bool {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => depth += 1,
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace if depth > 0 => depth -= 1,
            TokenKind::For if depth == 0 => return true,
            TokenKind::Comma | TokenKind::Rbrace if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// An error at the end of the file is mostly one of a bracket far above.
fn unclosed_bracket(source: &Source, tokens: &Tokens, range: TextRange) -> Option<Diagnostic> {
    if range.end().to_usize() < source.text().trim_end().len() {
        return None;
    }
    let mut open = Vec::new();
    for token in tokens {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => open.push(token.range()),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => drop(open.pop()),
            _ => {}
        }
    }
    let bracket = open.pop()?;
    Some(at(source, Code::SYNTAX, &format!("`{}` was never closed", &source.text()[bracket]), bracket, "opened here"))
}

fn at(source: &Source, code: Code, title: &str, range: TextRange, label: &str) -> Diagnostic {
    Diagnostic::new(code, title_case(title)).at(source.name(), source.shared_text(), range.into(), label)
}
