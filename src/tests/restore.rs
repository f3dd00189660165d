//! The inverse of transpiling, on trees: with the marks dropped, the output's tree is the input's.

use heresy::{Options, Source, Transpiled};
use rustpython_ruff_python_ast as ast;
use rustpython_ruff_python_parser as parser;

use ast::comparable::ComparableStmt;
use ast::visitor::transformer::{Transformer, walk_except_handler, walk_stmt};
use ast::{Expr, Stmt};

pub fn dropping_marks_gives_the_tree_back(source: &Source, transpiled: &Transpiled, options: &Options) {
    let original = parse(source.text(), options);
    let mut output = parse(transpiled.text(), options);
    restore_body(&Restorer { tag: tag_of(transpiled.text()) }, &mut output);
    let compared = original.iter().zip(&output);
    for (before, after) in compared {
        assert_eq!(ComparableStmt::from(before), ComparableStmt::from(after), "\n{}", transpiled.text());
    }
    assert_eq!(original.len(), output.len());
}

fn parse(text: &str, options: &Options) -> Vec<Stmt> {
    let options = parser::ParseOptions::from(parser::Mode::Module).with_target_version(options.target_version.into());
    let is_known = |error: &parser::ParseError| error.error == parser::ParseErrorType::IterableUnpackingInComprehension;
    // The parser does not know a dictionary comprehension that unpacks: see `heresy::parse`.
    let parsed = [text, &text.replace("{**", "{ *")]
        .map(|text| parser::parse_unchecked(text, options.clone()))
        .into_iter()
        .find(|parsed| parsed.errors().iter().all(is_known))
        .unwrap_or_else(|| panic!("it cannot be parsed\n{text}"));
    parsed.try_into_module().expect("a module was parsed").into_syntax().body
}

/// The tag that the header says, mostly none.
fn tag_of(output: &str) -> String {
    let header = output.find("heresy.enter(__name__").map_or("", |at| output[at..].lines().next().unwrap_or_default());
    let tag = header.split("tag=\"").nth(1).and_then(|rest| rest.split('"').next());
    tag.unwrap_or_default().to_owned()
}

/// Drops what heresy adds.
struct Restorer {
    tag: String,
}

impl Restorer {
    /// `label .L1`, `goto .entry(…)`
    fn is_mark(&self, statement: &Stmt) -> bool {
        let is_of = |expression: &Expr, word: &str| {
            matches!(expression, Expr::Attribute(node) if matches!(&*node.value, Expr::Name(base)
                if base.id.strip_prefix(word) == Some(self.tag.as_str())))
        };
        match statement {
            Stmt::Expr(node) => match &*node.value {
                Expr::Call(call) => is_of(&call.func, "goto"),
                value => is_of(value, "label"),
            },
            _ => false,
        }
    }
}

/// Restores a suite and all that is in it.
fn restore_body(restorer: &Restorer, body: &mut Vec<Stmt>) {
    body.retain(|statement| !restorer.is_mark(statement));
    if let Some(index) = body.iter().position(is_header) {
        body.drain(index - 1..=index);
    }
    body.iter_mut().for_each(|statement| restorer.visit_stmt(statement));
}

/// `heresy.enter(…)`, which stands behind an `import heresy`; a program may have one of its own.
fn is_header(statement: &Stmt) -> bool {
    let Stmt::Expr(node) = statement else { return false };
    let Expr::Call(call) = &*node.value else { return false };
    matches!(&*call.func, Expr::Attribute(function) if function.attr.as_str() == "enter"
        && matches!(&*function.value, Expr::Name(base) if base.id.as_str() == "heresy"))
}

impl Transformer for Restorer {
    fn visit_stmt(&self, statement: &mut Stmt) {
        match statement {
            Stmt::FunctionDef(node) => restore_body(self, &mut node.body),
            Stmt::ClassDef(node) => restore_body(self, &mut node.body),
            Stmt::For(node) => [&mut node.body, &mut node.orelse].into_iter().for_each(|body| restore_body(self, body)),
            Stmt::While(node) => {
                [&mut node.body, &mut node.orelse].into_iter().for_each(|body| restore_body(self, body))
            }
            Stmt::If(node) => {
                restore_body(self, &mut node.body);
                node.elif_else_clauses.iter_mut().for_each(|clause| restore_body(self, &mut clause.body));
            }
            Stmt::With(node) => restore_body(self, &mut node.body),
            Stmt::Match(node) => node.cases.iter_mut().for_each(|case| restore_body(self, &mut case.body)),
            Stmt::Try(node) => {
                [&mut node.body, &mut node.orelse, &mut node.finalbody]
                    .into_iter()
                    .for_each(|body| restore_body(self, body));
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_except_handler(&self, handler: &mut ast::ExceptHandler) {
        let ast::ExceptHandler::ExceptHandler(parts) = handler;
        restore_body(self, &mut parts.body);
        walk_except_handler(self, handler);
    }
}
