//! The inverse of transpiling, on trees: with marks and spills dropped, the output's tree is the input's.

use heresy::{Options, Source, Transpiled};
use rustpython_ruff_python_ast as ast;
use rustpython_ruff_python_parser as parser;

use ast::comparable::ComparableStmt;
use ast::visitor::transformer::{Transformer, walk_except_handler, walk_expr, walk_stmt};
use ast::{Expr, Stmt};

pub fn dropping_marks_and_spills_gives_the_tree_back(source: &Source, transpiled: &Transpiled, options: &Options) {
    let mut original = parse(source.text(), options);
    let mut output = parse(transpiled.text(), options);
    Restorer { tag: None }.visit_body(&mut original);
    restore_body(&Restorer { tag: Some(tag_of(transpiled.text())) }, &mut output);
    let compared = original.iter().zip(&output);
    for (before, after) in compared {
        assert_eq!(ComparableStmt::from(before), ComparableStmt::from(after), "\n{}", transpiled.text());
    }
    assert_eq!(original.len(), output.len());
}

fn parse(text: &str, options: &Options) -> Vec<Stmt> {
    let options = parser::ParseOptions::from(parser::Mode::Module).with_target_version(options.target_version.into());
    let parsed = parser::parse(text, options).unwrap_or_else(|error| panic!("{error}\n{text}"));
    parsed.try_into_module().expect("a module was parsed").into_syntax().body
}

/// The tag that the header says, mostly none.
fn tag_of(output: &str) -> String {
    let header = output.find("heresy.enter(__name__").map_or("", |at| output[at..].lines().next().unwrap_or_default());
    let tag = header.split("tag=\"").nth(1).and_then(|rest| rest.split('"').next());
    tag.unwrap_or_default().to_owned()
}

/// Drops what heresy adds. Without a tag it only writes `except:` as `except BaseException:`, as heresy must.
struct Restorer {
    tag: Option<String>,
}

impl Restorer {
    fn is_spill(&self, name: &str) -> bool {
        let Some(tag) = &self.tag else { return false };
        let number = name.strip_prefix("_h").and_then(|rest| rest.strip_prefix(tag.as_str()));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    fn is_spill_name(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Name(name) if self.is_spill(&name.id))
    }

    /// `label .L1`, `goto .entry(…)`
    fn is_mark(&self, statement: &Stmt) -> bool {
        let Some(tag) = &self.tag else { return false };
        let is_of = |expression: &Expr, name: &str, suffix: &str| {
            matches!(expression, Expr::Attribute(node) if matches!(&*node.value, Expr::Name(base)
                if base.id.strip_prefix(name) == Some(suffix)))
        };
        match statement {
            Stmt::Expr(node) => match &*node.value {
                Expr::Call(call) => is_of(&call.func, "goto", tag),
                value => is_of(value, "label", tag),
            },
            _ => false,
        }
    }

    /// `_h1 = T; _h1 += V; T' = _h1` -> `T += V`, and `_h1 = e` at the top of a handler -> nothing.
    fn restore_assignments(&self, body: Vec<Stmt>) -> Vec<Stmt> {
        let mut restored = Vec::with_capacity(body.len());
        let mut statements = body.into_iter().peekable();
        while let Some(statement) = statements.next() {
            let Stmt::Assign(first) = &statement else {
                restored.push(statement);
                continue;
            };
            if !self.is_spill_name(&first.targets[0]) {
                restored.push(statement);
                continue;
            }
            let is_middle = |next: &Stmt| matches!(next, Stmt::AugAssign(node) if self.is_spill_name(&node.target));
            if let Some(Stmt::AugAssign(mut middle)) = statements.next_if(is_middle) {
                middle.target = first.value.clone();
                set_store(&mut middle.target);
                restored.push(Stmt::AugAssign(middle));
                assert!(matches!(statements.next(), Some(Stmt::Assign(last)) if self.is_spill_name(&last.value)));
            }
        }
        restored
    }
}

/// Restores a suite and all that is in it.
fn restore_body(restorer: &Restorer, body: &mut Vec<Stmt>) {
    body.retain(|statement| !restorer.is_mark(statement));
    if restorer.tag.is_some()
        && let Some(index) = body.iter().position(is_header)
    {
        body.drain(index - 1..=index);
    }
    *body = restorer.restore_assignments(std::mem::take(body));
    body.iter_mut().for_each(|statement| restorer.visit_stmt(statement));
}

/// `heresy.enter(…)`, which stands behind an `import heresy`; a program may have one of its own.
fn is_header(statement: &Stmt) -> bool {
    let Stmt::Expr(node) = statement else { return false };
    let Expr::Call(call) = &*node.value else { return false };
    matches!(&*call.func, Expr::Attribute(function) if function.attr.as_str() == "enter"
        && matches!(&*function.value, Expr::Name(base) if base.id.as_str() == "heresy"))
}

fn set_store(target: &mut Expr) {
    match target {
        Expr::Name(node) => node.ctx = ast::ExprContext::Store,
        Expr::Attribute(node) => node.ctx = ast::ExprContext::Store,
        Expr::Subscript(node) => node.ctx = ast::ExprContext::Store,
        _ => {}
    }
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
        if parts.name.as_ref().is_some_and(|name| self.is_spill(name.as_str())) {
            parts.name = None;
        }
        let base = || ast::ExprName {
            node_index: Default::default(),
            range: parts.range,
            id: "BaseException".into(),
            ctx: ast::ExprContext::Load,
        };
        if parts.type_.is_none() {
            parts.type_ = Some(Box::new(Expr::Name(base())));
        }
        walk_except_handler(self, handler);
    }

    fn visit_expr(&self, expression: &mut Expr) {
        while let Expr::Named(node) = expression
            && self.is_spill_name(&node.target)
        {
            *expression = (*node.value).clone();
        }
        walk_expr(self, expression);
    }
}
