//! Marks: labels where a scope can be continued, a goto at its top, and the header that hands the file to the runtime.
//!
//! **Input**
//! ```python
//! def total_cost(items):
//!     total = 0
//!     return add(items)
//! ```
//! **Output**
//! ```python
//! def total_cost(items):
//!     goto .entry(items, total)
//!     total = 0
//!     label .L1
//!     return add(items)
//! ```
//! **Guarantees** every mark is a statement of its own that plain Python parses; the goto lists all locals.
//! The script's own statements stay as they are: what Python keeps on its value stack inside of one, the runtime finds there.
//! **Left alone** functions without a point; class bodies, lambdas, comprehensions.

use rustpython_ruff_python_ast as ast;

use ast::Stmt;
use ast::token::Tokens;

use crate::emit::{Insertion, Purpose, Slot};
use crate::point::{has_point, is_point};
use crate::scope::{ScopeId, Scopes};
use crate::source::Source;
use crate::tag::Tag;
use crate::tree::suites;

/// What marks every scope, in text order.
pub fn mark(source: &Source, tokens: &Tokens, scopes: &Scopes<'_>, tag: &Tag) -> Vec<Insertion> {
    let mut marks = Marks { source, tokens, tag, insertions: Vec::new(), labels: 0 };
    for id in scopes.continuable() {
        marks.labels = 0;
        let body = scopes.get(id).body;
        if id == ScopeId::MODULE {
            marks.mark_module(body);
        } else if has_point(body, false) {
            marks.mark_function(body, &hoisted_names(source, scopes, id));
        }
        marks.label_suite(body, false);
    }
    marks.insertions.sort_by_key(|insertion| (insertion.at, insertion.purpose));
    marks.insertions
}

/// What a goto lists: `items, total`. Names are written as the source writes them, which its encoding can surely hold.
fn hoisted_names(source: &Source, scopes: &Scopes<'_>, id: ScopeId) -> String {
    let written = scopes.hoisted(id).into_iter().map(|range| {
        let text = &source.text()[range];
        // `import a.b` binds `a`.
        let end = text.find(|c: char| c == '.' || c == '\\' || c.is_whitespace()).unwrap_or(text.len());
        &text[..end]
    });
    written.collect::<Vec<_>>().join(", ")
}

struct Marks<'a> {
    source: &'a Source,
    tokens: &'a Tokens,
    tag: &'a Tag,
    insertions: Vec<Insertion>,
    /// Labels so far in the scope being marked.
    labels: usize,
}

impl Marks<'_> {
    fn mark_module(&mut self, body: &[Stmt]) {
        let header = header(self.source, self.tag);
        let goto = self.tag.goto_entry("");
        match body.iter().enumerate().find(|&(at, statement)| !is_prologue(at, statement)) {
            Some((_, first)) => {
                let slot = Slot::before(first, self.source, self.tokens);
                self.insertions.push(slot.statement(Purpose::Header, &header));
                self.insertions.push(slot.statement(Purpose::Goto, &goto));
            }
            None => {
                let end = self.source.text().len();
                let newline = self.source.newline_at(end);
                let ends_in_newline = self.source.text().is_empty() || self.source.text().ends_with(['\n', '\r']);
                let (before, after) = if ends_in_newline { ("", newline) } else { (newline, "") };
                let insertion =
                    |purpose, text: &str| Insertion { at: end, text: [before, text, after].concat(), purpose };
                self.insertions.push(insertion(Purpose::Header, &header));
                self.insertions.push(insertion(Purpose::Goto, &goto));
            }
        }
    }

    fn mark_function(&mut self, body: &[Stmt], names: &str) {
        let has_docstring = body.first().is_some_and(is_docstring);
        let Some(first) = body.get(usize::from(has_docstring)) else { return };
        let slot = Slot::before(first, self.source, self.tokens);
        self.insertions.push(slot.statement(Purpose::Goto, &self.tag.goto_entry(names)));
    }

    fn label_suite(&mut self, suite: &[Stmt], is_loop_body: bool) {
        for (at, statement) in suite.iter().enumerate() {
            if is_point(statement, is_loop_body && at == 0) {
                self.labels += 1;
                let slot = Slot::before(statement, self.source, self.tokens);
                let label = |out: &mut String| self.tag.push_label(out, self.labels);
                self.insertions.push(slot.insertion(Purpose::Label, label));
            }
            let is_loop = matches!(statement, Stmt::For(_) | Stmt::While(_));
            for (nth, suite) in suites(statement).into_iter().enumerate() {
                self.label_suite(suite, is_loop && nth == 0);
            }
        }
    }
}

/// What must stay at the top of a module: its docstring and its `from __future__` imports.
fn is_prologue(at: usize, statement: &Stmt) -> bool {
    match statement {
        Stmt::ImportFrom(node) => node.module.as_deref() == Some("__future__"),
        _ => at == 0 && is_docstring(statement),
    }
}

fn is_docstring(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(node) if node.value.is_string_literal_expr())
}

/// `import heresy; heresy.enter(__name__, __file__, "in.py")`, with the tag if there is one.
fn header(source: &Source, tag: &Tag) -> String {
    let name = python_string(source.base_name(), source);
    let tag = if tag.text().is_empty() { String::new() } else { format!(", tag=\"{}\"", tag.text()) };
    format!("import heresy; heresy.enter(__name__, __file__, {name}{tag})")
}

/// A Python string literal that the source's encoding can hold.
fn python_string(text: &str, source: &Source) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            ' '..='~' => literal.push(character),
            _ if character.is_alphanumeric() && source.can_encode(character) => literal.push(character),
            _ => {
                let number = u32::from(character);
                literal.push_str(&if number <= 0xffff {
                    format!("\\u{number:04x}")
                } else {
                    format!("\\U{number:08x}")
                });
            }
        }
    }
    literal.push('"');
    literal
}

/// Whether a module begins like one that heresy wrote: `import heresy; heresy.enter(__name__, __file__, …)`.
pub fn is_transpiled(body: &[Stmt]) -> Option<&Stmt> {
    let is_import = |statement: &Stmt| match statement {
        Stmt::Import(node) => node.names.iter().any(|alias| alias.name.as_str() == "heresy"),
        _ => false,
    };
    let is_enter = |statement: &Stmt| {
        let call = match statement {
            Stmt::Expr(node) => node.value.as_call_expr(),
            _ => None,
        };
        let method = call.and_then(|call| call.func.as_attribute_expr());
        let receiver = method.and_then(|method| method.value.as_name_expr());
        let first = call.and_then(|call| call.arguments.args.first()).and_then(ast::Expr::as_name_expr);
        receiver.is_some_and(|name| name.id == "heresy")
            && method.is_some_and(|method| method.attr.as_str() == "enter")
            && first.is_some_and(|name| name.id == "__name__")
    };
    body.windows(2).find(|pair| is_import(&pair[0]) && is_enter(&pair[1])).map(|pair| &pair[0])
}
