//! Statements as an alignment sees them: what they say themselves, and what is below them.

use std::hash::{Hash, Hasher};
use std::mem::{Discriminant, discriminant};
use std::ops::Range;

use rustc_hash::FxHasher;
use rustpython_ruff_python_ast as ast;

use ast::Stmt;
use ast::token::{TokenKind, Tokens};
use rustpython_ruff_text_size::{Ranged, TextRange, TextSize};

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
    /// What stands before each of the suites; empty where there are no alternatives.
    headers: Vec<String>,
    /// Which of the suites are those of `if` and `elif`, `case` or `except`.
    alternatives: Range<usize>,
}

impl Statement {
    /// The suites that correspond to each other in two statements of one kind.
    ///
    /// Those of `elif`, `case` or `except` are told by what they ask for; where that has changed, by their place between others.
    pub fn suites_beside<'a>(&'a self, other: &'a Statement) -> Vec<(&'a [Statement], &'a [Statement])> {
        let (old, new) = (self.alternatives.clone(), other.alternatives.clone());
        let mut pairs: Vec<(usize, usize)> = (0..old.start).map(|at| (at, at)).collect();
        pairs.extend(self.alternatives_beside(other));
        pairs.extend((old.end..self.suites.len()).zip(new.end..other.suites.len()));
        pairs.into_iter().map(|(a, b)| (self.suites[a].as_slice(), other.suites[b].as_slice())).collect()
    }

    fn alternatives_beside(&self, other: &Statement) -> Vec<(usize, usize)> {
        let only = |among: &Statement, header: &str| {
            let mut having = among.alternatives.clone().filter(|&at| among.headers[at] == header);
            having.next().filter(|_| having.next().is_none())
        };
        let (mut pairs, mut from) = (Vec::new(), (self.alternatives.start, other.alternatives.start));
        let same = self.alternatives.clone().filter_map(|at| {
            let header = &self.headers[at];
            only(self, header).and(only(other, header)).map(|there| (at, there))
        });
        for to in same.chain([(self.alternatives.end, other.alternatives.end)]) {
            if to.1 < from.1 {
                continue; // it has changed places
            }
            if to.0 - from.0 == to.1 - from.1 {
                pairs.extend((from.0..to.0).zip(from.1..to.1));
            }
            pairs.push(to);
            from = (to.0 + 1, to.1 + 1);
        }
        pairs.pop();
        pairs
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
            Stmt::If(_) | Stmt::Match(_) => 0..below.len(),
            Stmt::Try(node) => 1..1 + node.handlers.len(),
            _ => 0..0,
        };
        let headers = if alternatives.is_empty() { Vec::new() } else { self.headers(statement, &below) };
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
            headers,
            alternatives,
        }
    }

    /// What asks whether a suite runs: ``x > 1 :``, ``case None :``, ``except OSError :``.
    fn headers(&self, statement: &Stmt, below: &[&[Stmt]]) -> Vec<String> {
        let mut from = statement.start();
        let header = |suite: &&[Stmt]| {
            let (Some(first), Some(last)) = (suite.first(), suite.last()) else { return String::new() };
            let words = self.words(from, first.start());
            from = last.end();
            // The first case stands behind the subject; an `if` may have become an `elif`.
            let start = words.iter().rposition(|word| *word == "case").unwrap_or(usize::from(words.len() > 2));
            words[start..].join(" ")
        };
        below.iter().map(header).collect()
    }

    /// The tokens of a statement that are not of the statements below it.
    fn own_words(&self, statement: &Stmt, below: &[&[Stmt]]) -> Vec<&'a str> {
        let mut words = Vec::new();
        let mut from = statement.start();
        for inner in below.iter().copied().flatten() {
            words.extend(self.words(from, inner.start()));
            from = inner.end();
        }
        words.extend(self.words(from, statement.end()));
        words
    }

    /// The tokens between two places, without layout and comments.
    fn words(&self, from: TextSize, to: TextSize) -> Vec<&'a str> {
        let is_word = |kind: TokenKind| {
            !kind.is_trivia()
                && !matches!(kind, TokenKind::Newline | TokenKind::Indent | TokenKind::Dedent | TokenKind::Semi)
        };
        let tokens = self.tokens.in_range(TextRange::new(from, to)).iter();
        tokens.filter(|token| is_word(token.kind())).map(|token| &self.source.text()[token.range()]).collect()
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
