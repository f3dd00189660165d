//! Statements as an alignment sees them: what they say themselves, and what is below them.

use std::hash::{Hash, Hasher};
use std::mem::{Discriminant, discriminant};

use rustc_hash::FxHasher;
use rustpython_ruff_python_ast as ast;

use ast::Stmt;
use ast::token::{TokenKind, Tokens};
use rustpython_ruff_text_size::Ranged;

use crate::source::Source;
use crate::tree::suites;

/// A statement, without its layout and comments.
#[derive(Debug)]
pub struct Statement {
    /// Which one it is, in the order of the text.
    pub number: usize,
    pub kind: Discriminant<Stmt>,
    /// Of a definition.
    pub name: Option<String>,
    /// The number of the definition that it stands in.
    pub scope: Option<usize>,
    /// Its own text: for a compound statement all but its suites.
    pub text: String,
    /// Hashes of its own text, of all of it, and of all of it but its name.
    pub head: u64,
    pub whole: u64,
    pub nameless: u64,
    /// Its suites, in the order of the text; where a `try` or a loop lacks one, it is empty.
    pub suites: Vec<Vec<Statement>>,
    /// How many of the suites, after the first, belong to `except` or `elif` and the like.
    alternatives: usize,
}

impl Statement {
    /// The suites that correspond to each other in two statements of one kind.
    pub fn suites_beside<'a>(&'a self, other: &'a Statement) -> Vec<(&'a [Statement], &'a [Statement])> {
        let common = 1 + self.alternatives.min(other.alternatives);
        let first = self.suites.iter().zip(&other.suites).take(common);
        let last = self.suites.iter().skip(1 + self.alternatives).zip(other.suites.iter().skip(1 + other.alternatives));
        first.chain(last).map(|(old, new)| (old.as_slice(), new.as_slice())).collect()
    }
}

/// Reads the statements of a module.
pub fn read(source: &Source, tokens: &Tokens, body: &[Stmt]) -> Vec<Statement> {
    let mut reader = Reader { source, tokens, count: 0 };
    reader.suite(body, None)
}

/// All statements, each at its number.
pub fn flattened(suite: &[Statement]) -> Vec<&Statement> {
    let mut flat = Vec::new();
    let mut work: Vec<&Statement> = suite.iter().rev().collect();
    while let Some(statement) = work.pop() {
        flat.push(statement);
        work.extend(statement.suites.iter().flatten().rev());
    }
    flat
}

struct Reader<'a> {
    source: &'a Source,
    tokens: &'a Tokens,
    count: usize,
}

impl<'a> Reader<'a> {
    fn suite(&mut self, suite: &[Stmt], scope: Option<usize>) -> Vec<Statement> {
        suite.iter().map(|statement| self.statement(statement, scope)).collect()
    }

    fn statement(&mut self, statement: &Stmt, scope: Option<usize>) -> Statement {
        let number = self.count;
        self.count += 1;
        let (name, below) = match statement {
            Stmt::FunctionDef(node) => (Some(&node.name), vec![node.body.as_slice()]),
            Stmt::ClassDef(node) => (Some(&node.name), vec![node.body.as_slice()]),
            _ => (None, suites(statement)),
        };
        let alternatives = match statement {
            Stmt::If(node) => node.elif_else_clauses.len(),
            Stmt::Match(node) => node.cases.len().saturating_sub(1),
            Stmt::Try(node) => node.handlers.len(),
            _ => 0,
        };
        let words = self.own_words(statement, &below);
        let inner = if name.is_some() { Some(number) } else { scope };
        let suites: Vec<Vec<Statement>> = below.into_iter().map(|suite| self.suite(suite, inner)).collect();
        let is_name = |word: &&str| name.is_some_and(|name| name.as_str() == *word);
        // The name itself comes first of the words that are equal to it, but for a decorator's.
        let at = words.iter().position(is_name);
        let others = words.iter().enumerate().filter(|&(index, _)| Some(index) != at).map(|(_, word)| *word);
        let head = hash_of(words.iter().copied());
        let nameless = with_suites(hash_of(others), &suites);
        Statement {
            number,
            kind: discriminant(statement),
            name: name.map(|name| name.to_string()),
            scope,
            text: words.join(" "),
            head,
            whole: with_suites(head, &suites),
            nameless,
            suites,
            alternatives,
        }
    }

    /// The tokens of a statement that are not of the statements below it.
    fn own_words(&self, statement: &Stmt, below: &[&[Stmt]]) -> Vec<&'a str> {
        let mut words = Vec::new();
        let mut from = statement.start();
        let mut take = |from, to| {
            for token in self.tokens.in_range(rustpython_ruff_text_size::TextRange::new(from, to)) {
                let is_layout = matches!(
                    token.kind(),
                    TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::Semi
                );
                if !is_layout && !token.kind().is_trivia() {
                    words.push(&self.source.text()[token.range()]);
                }
            }
        };
        for inner in below.iter().copied().flatten() {
            take(from, inner.start());
            from = inner.end();
        }
        take(from, statement.end());
        words
    }
}

fn hash_of<'a>(words: impl Iterator<Item = &'a str>) -> u64 {
    let mut hasher = FxHasher::default();
    words.for_each(|word| word.hash(&mut hasher));
    hasher.finish()
}

fn with_suites(head: u64, suites: &[Vec<Statement>]) -> u64 {
    let mut hasher = FxHasher::default();
    head.hash(&mut hasher);
    for suite in suites {
        suite.len().hash(&mut hasher);
        suite.iter().for_each(|statement| statement.whole.hash(&mut hasher));
    }
    hasher.finish()
}
