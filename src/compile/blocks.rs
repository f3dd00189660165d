//! Blocks nested too deeply: CPython keeps loops, `with` and `try` of one scope on a stack of fixed size.

use rustpython_ruff_python_ast as ast;

use ast::{PythonVersion, Stmt};
use rustpython_ruff_text_size::Ranged;

use super::Complaint;
use crate::tree::{handler_parts, suites};

const MAX_BLOCKS: usize = 20;

pub fn check(body: &[Stmt], version: PythonVersion, complaints: &mut Vec<Complaint>) {
    let limit = if version < PythonVersion::PY313 { MAX_BLOCKS } else { MAX_BLOCKS + 1 };
    check_suite(body, 0, limit, complaints);
}

/// Needs: `open` blocks are open around the suite.
fn check_suite(suite: &[Stmt], open: usize, limit: usize, complaints: &mut Vec<Complaint>) {
    for statement in suite {
        let mut inside = |suite: &[Stmt], more: usize| {
            if open + more > limit {
                complaints.push(Complaint::new(statement.range(), "too many statically nested blocks"));
            } else {
                check_suite(suite, open + more, limit, complaints);
            }
        };
        match statement {
            Stmt::For(node) => {
                inside(&node.body, 1);
                inside(&node.orelse, 0);
            }
            Stmt::While(node) => {
                inside(&node.body, 1);
                inside(&node.orelse, 0);
            }
            // From 3.13 on there is room for one more, but not for one more `with`.
            Stmt::With(node) if open + node.items.len() > MAX_BLOCKS => inside(&node.body, limit + 1),
            Stmt::With(node) => inside(&node.body, node.items.len()),
            Stmt::Try(node) => {
                // The `finally` waits under all else; a handler keeps the exception and cleans up its name.
                let finally = usize::from(!node.finalbody.is_empty());
                inside(&node.body, finally + usize::from(!node.handlers.is_empty()));
                node.handlers.iter().for_each(|handler| inside(&handler_parts(handler).body, finally + 2));
                inside(&node.orelse, finally);
                inside(&node.finalbody, finally);
            }
            _ => suites(statement).into_iter().for_each(|suite| inside(suite, 0)),
        }
    }
}
