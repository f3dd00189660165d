//! Callees: an object that only a call gives, and that is called at once, gets a name.
//!
//! The runtime stops inside a call only if it sees which function the caller called. It finds a function by name, and a
//! method by its look-up on a name; the result of a call it could only find by calling again.
//!
//! **Input**
//! ```python
//! App(config).run()
//! ```
//! **Output**
//! ```python
//! (_h1 := App(config)).run()
//! ```
//! **Guarantees** the callee of every call can be found from names, attributes and subscripts, without a call.
//! **Left alone** `super().method()`, which the runtime knows; methods of builtin types (`f().strip()`), unless the file has
//! a function of that name: they are not continued in.

use rustpython_ruff_python_ast as ast;

use ast::Expr;

use super::Lowering;
use crate::tree::has_call;

pub fn expression(lowering: &mut Lowering<'_>, expression: &Expr) {
    let Expr::Call(call) = expression else { return };
    match &*call.func {
        Expr::Attribute(method) => {
            let name = method.attr.as_str();
            let is_builtin = BUILTIN_METHODS.contains(&name) && !lowering.own_methods.contains(name);
            if has_call(&method.value) && !is_builtin && !lowering.is_super_call(&method.value) {
                lowering.spill(&method.value, (&*call.func).into());
            }
        }
        func if has_call(func) => {
            lowering.spill(func, expression.into());
        }
        _ => {}
    }
}

/// Methods of `str`, `bytes`, `int`, `float`, `list`, `dict`, `set`, `tuple` and files that scripts call on the result of a call.
pub const BUILTIN_METHODS: &[&str] = &[
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
