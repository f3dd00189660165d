//! Scopes: which names each one binds, and where a name that is read in one lives.
//!
//! **Input** a module's tree; **Output** [`Scopes`], as CPython's symbol table has them: one per module, function, lambda,
//! class body, comprehension and list of type parameters.
//!
//! heresy asks two things of it: the names to hoist above a jump ([`Scopes::hoisted`]), and what only Python's compiler would
//! complain about (see `compile`).
//! All comparisons are of normalised names (PEP 3131), as the parser gives them; what is written out is what the source wrote.

use std::borrow::Cow;

use rustpython_ruff_python_ast as ast;

use ast::Stmt;
use rustc_hash::FxHashMap;
use rustpython_ruff_text_size::{Ranged, TextRange};

mod build;

pub use build::build;

/// Index of a scope in [`Scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopeId(usize);

impl ScopeId {
    pub const MODULE: ScopeId = ScopeId(0);
}

/// What made the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Module,
    Function {
        is_async: bool,
    },
    Lambda,
    Class,
    /// A list, set or dict comprehension, or a generator expression, whose body runs whenever somebody asks for an element.
    Comprehension {
        is_generator: bool,
    },
    TypeParameters,
}

/// A name, in one scope.
#[derive(Clone, Debug)]
pub struct Variable<'a> {
    /// Normalised, and mangled if it is private to a class: `_C__x`.
    pub name: Cow<'a, str>,
    /// Where this scope first binds it, if it does: assignment, import, `def`, `for`, `except … as`, `del`, ….
    pub binding: Option<TextRange>,
    /// Where this scope first reads or binds it, other than by importing it.
    pub first_seen: Option<TextRange>,
    pub is_parameter: bool,
    /// The `global` that declares it.
    pub global: Option<TextRange>,
    /// The `nonlocal` that declares it.
    pub nonlocal: Option<TextRange>,
    /// A declaration that comes too late, and where the name was met before it, in the order of Python's compiler.
    pub late_declaration: Option<(TextRange, TextRange)>,
    /// Where this scope annotates it (`name: int`), which `global` and `nonlocal` forbid.
    pub annotation: Option<TextRange>,
}

impl Variable<'_> {
    /// Bound here, and here is where it lives.
    pub fn is_local(&self) -> bool {
        self.binding.is_some() && self.global.is_none() && self.nonlocal.is_none()
    }
}

#[derive(Debug)]
pub struct Scope<'a> {
    pub kind: Kind,
    pub parent: Option<ScopeId>,
    /// The statements of a module or function; empty for scopes that get no marks.
    pub body: &'a [Stmt],
    /// The class whose private names (`__x`) are mangled here.
    class: Option<&'a str>,
    variables: Vec<Variable<'a>>,
    index: FxHashMap<Cow<'a, str>, usize>,
}

impl<'a> Scope<'a> {
    /// What the scope does with a name, written as its source writes it.
    pub fn variable(&self, name: &str) -> Option<&Variable<'a>> {
        self.mangled(&mangle(self.class, name))
    }

    fn mangled(&self, name: &str) -> Option<&Variable<'a>> {
        self.index.get(name).map(|&at| &self.variables[at])
    }

    pub fn variables(&self) -> &[Variable<'a>] {
        &self.variables
    }
}

/// All scopes of a module, the module's own first, each after the one that holds it.
#[derive(Debug)]
pub struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    by_node: FxHashMap<NodeAddress, ScopeId>,
}

/// A node's identity: its address in the tree, which stays put as long as it is borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct NodeAddress(usize);

impl NodeAddress {
    fn of<T>(node: &T) -> NodeAddress {
        NodeAddress(std::ptr::from_ref(node).addr())
    }
}

/// Where a name that some scope mentions lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In the module, or among the builtins.
    Global,
    /// In this scope, or one around it.
    Scope(ScopeId),
}

impl<'a> Scopes<'a> {
    pub fn get(&self, id: ScopeId) -> &Scope<'a> {
        &self.scopes[id.0]
    }

    /// All scopes, outer before inner.
    pub fn all(&self) -> impl Iterator<Item = (ScopeId, &Scope<'a>)> + '_ {
        self.scopes.iter().enumerate().map(|(at, scope)| (ScopeId(at), scope))
    }

    /// The scopes that get marks, the module first: modules and functions.
    pub fn continuable(&self) -> impl Iterator<Item = ScopeId> + '_ {
        let continuable = |scope: &Scope<'_>| matches!(scope.kind, Kind::Module | Kind::Function { .. });
        (0..self.scopes.len()).filter(move |&at| continuable(&self.scopes[at])).map(ScopeId)
    }

    /// The scope that a node (a `def`, `class`, lambda, comprehension or list of type parameters) opens.
    pub fn of_node<T>(&self, node: &T) -> Option<ScopeId> {
        self.by_node.get(&NodeAddress::of(node)).copied()
    }

    /// Every name that any scope mentions, in any role.
    pub fn names(&self) -> impl Iterator<Item = &str> + '_ {
        self.scopes.iter().flat_map(|scope| scope.variables.iter().map(|variable| &*variable.name))
    }

    /// Whether any scope binds the name, so that it may not mean the builtin.
    pub fn binds(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.variable(name).is_some_and(|variable| variable.binding.is_some()))
    }

    /// The names to restore before a jump: parameters in order, then other locals in order of their first binding, each as
    /// the place in the source that writes it.
    pub fn hoisted(&self, id: ScopeId) -> Vec<TextRange> {
        let mut locals: Vec<&Variable<'_>> =
            self.get(id).variables.iter().filter(|variable| variable.is_local()).collect();
        locals.sort_by_key(|variable| (!variable.is_parameter, variable.binding.map(|range| range.start())));
        locals.iter().filter_map(|variable| variable.binding).collect()
    }

    /// Where `name` lives, as `scope` sees it.
    pub fn home(&self, scope: ScopeId, name: &str) -> Home {
        let name = &*mangle(self.get(scope).class, name);
        let mut at = scope;
        loop {
            let here = self.get(at);
            // Class bodies are seen by their own statements only.
            let visible = at == scope || here.kind != Kind::Class;
            if let Some(variable) = here.mangled(name).filter(|_| visible) {
                if variable.global.is_some() && variable.nonlocal.is_none() {
                    return Home::Global;
                }
                if variable.is_local() {
                    return if here.kind == Kind::Module { Home::Global } else { Home::Scope(at) };
                }
            }
            match here.parent {
                Some(parent) => at = parent,
                None => return Home::Global,
            }
        }
    }
}

/// The name that an import binds: `c` in `import a.b as c`, else `a`, with its place in the source.
pub fn imported(alias: &ast::Alias) -> (&str, TextRange) {
    match &alias.asname {
        Some(name) => (name.as_str(), name.range()),
        None => {
            let name = alias.name.as_str();
            (name.split('.').next().unwrap_or(name), alias.name.range())
        }
    }
}

/// Before: `__x`, anywhere inside `class _C`. After: `_C__x`. Other names stay.
fn mangle<'n>(class: Option<&str>, name: &'n str) -> Cow<'n, str> {
    let class = class.map(|class| class.trim_start_matches('_')).filter(|class| !class.is_empty());
    match class {
        Some(class) if name.starts_with("__") && !name.ends_with("__") => Cow::Owned(format!("_{class}{name}")),
        _ => Cow::Borrowed(name),
    }
}
