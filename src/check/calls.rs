//! Calls that a program can be in for long: those that may run a function of Python's.
//!
//! **Input** an expression; **Output** the first such call in it. **Left alone** builtins that only compute, and methods of
//! builtin types, unless the file has a function of that name: no stop falls into them.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{Visitor, walk_expr};
use ast::{Expr, Stmt};
use rustc_hash::FxHashSet;
use rustpython_ruff_text_size::{Ranged, TextRange};

use crate::scope::Scopes;

/// What the file says about the names that it calls.
pub struct Calls<'a> {
    scopes: &'a Scopes<'a>,
    /// Every function and class that the file defines, by name.
    own: FxHashSet<String>,
}

impl<'a> Calls<'a> {
    pub fn of(module: &ast::ModModule, scopes: &'a Scopes<'a>) -> Calls<'a> {
        let mut definitions = Definitions(FxHashSet::default());
        definitions.visit_body(&module.body);
        Calls { scopes, own: definitions.0 }
    }

    /// Where an expression first calls, awaits or yields.
    pub fn first_in(&self, expression: &Expr) -> Option<TextRange> {
        let mut finder = Finder { calls: self, found: None };
        finder.visit_expr(expression);
        finder.found
    }

    /// Where any of the statements does, at any depth: not inside of functions, but in their decorators and defaults.
    pub fn first_in_suite(&self, suite: &[Stmt]) -> Option<TextRange> {
        let mut finder = Finder { calls: self, found: None };
        finder.visit_body(suite);
        finder.found
    }

    /// Whether an expression is a function that runs code for long: a lambda that calls, or a function of this file.
    pub fn is_own_function(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Lambda(node) => self.first_in(&node.body).is_some(),
            Expr::Name(node) => self.own.contains(node.id.as_str()),
            _ => false,
        }
    }

    /// Whether a name means the builtin.
    pub fn is_builtin(&self, name: &str) -> bool {
        !self.scopes.binds(name)
    }

    fn is_quick(&self, call: &ast::ExprCall) -> bool {
        match &*call.func {
            Expr::Name(node) => BUILTINS.contains(&node.id.as_str()) && self.is_builtin(&node.id),
            Expr::Attribute(node) => {
                BUILTIN_METHODS.contains(&node.attr.as_str()) && !self.own.contains(node.attr.as_str())
            }
            _ => false,
        }
    }
}

struct Finder<'c, 'a> {
    calls: &'c Calls<'a>,
    found: Option<TextRange>,
}

impl<'e> Visitor<'e> for Finder<'_, '_> {
    fn visit_stmt(&mut self, statement: &'e Stmt) {
        match statement {
            Stmt::FunctionDef(node) => {
                node.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                self.visit_parameters(&node.parameters);
            }
            // It has a body of its own.
            Stmt::ClassDef(node) => node.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator)),
            _ => ast::visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'e Expr) {
        if self.found.is_some() {
            return;
        }
        match expression {
            Expr::Call(call) if !self.calls.is_quick(call) => self.found = Some(expression.range()),
            Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) => self.found = Some(expression.range()),
            Expr::Lambda(_) => {}
            _ => walk_expr(self, expression),
        }
    }
}

struct Definitions(FxHashSet<String>);

impl<'a> Visitor<'a> for Definitions {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(node) => self.0.insert(node.name.to_string()),
            Stmt::ClassDef(node) => self.0.insert(node.name.to_string()),
            _ => false,
        };
        ast::visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, _: &'a Expr) {}
}

/// Builtins that run no function of Python's, given values of builtin types.
const BUILTINS: &[&str] = &[
    "abs",
    "all",
    "any",
    "ascii",
    "bin",
    "bool",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "complex",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "hex",
    "id",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "ord",
    "pow",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "slice",
    "sorted",
    "staticmethod",
    "classmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];

/// Methods of `str`, `bytes`, `int`, `float`, `list`, `dict`, `set`, `tuple` and files.
const BUILTIN_METHODS: &[&str] = &[
    "add",
    "append",
    "as_integer_ratio",
    "bit_count",
    "bit_length",
    "capitalize",
    "casefold",
    "center",
    "clear",
    "close",
    "copy",
    "count",
    "decode",
    "difference",
    "discard",
    "encode",
    "endswith",
    "expandtabs",
    "extend",
    "fileno",
    "find",
    "flush",
    "format",
    "format_map",
    "get",
    "hex",
    "index",
    "insert",
    "intersection",
    "is_integer",
    "isalnum",
    "isalpha",
    "isascii",
    "isatty",
    "isdecimal",
    "isdigit",
    "isdisjoint",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "issubset",
    "issuperset",
    "istitle",
    "isupper",
    "items",
    "join",
    "keys",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "pop",
    "popitem",
    "read",
    "readable",
    "readline",
    "readlines",
    "remove",
    "removeprefix",
    "removesuffix",
    "replace",
    "reverse",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "seek",
    "setdefault",
    "sort",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "symmetric_difference",
    "tell",
    "title",
    "to_bytes",
    "translate",
    "truncate",
    "union",
    "update",
    "upper",
    "values",
    "write",
    "writable",
    "writelines",
    "zfill",
];
