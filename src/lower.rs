//! Lowering: names for what Python keeps nameless, so that a frame can be saved in the middle of a statement.
//!
//! **Input** the tree and its scopes; **Output** edits. Each rewrite is one file, and asks for spills of its own accord; two
//! that ask for the same expression share one name. None depends on another having run, so the order of the table is
//! only the order in which the rules are best read.
//!
//! A *spill* `(_h1 := f(x))` names a value in place: nothing is evaluated twice, earlier or later than before.

use rustpython_ruff_python_ast as ast;

use ast::token::{TokenKind, Tokens};
use ast::visitor::{Visitor, walk_expr};
use ast::{AnyNodeRef, Expr, Stmt};
use rustc_hash::{FxHashMap, FxHashSet};
use rustpython_ruff_text_size::{Ranged, TextRange, TextSize};

use crate::emit::{Edit, Numbers, Part, Purpose, Rank, SpillId};
use crate::point::has_point;
use crate::scope::{ScopeId, Scopes};
use crate::source::Source;
use crate::tree::{elements, expressions, extent, fields, handler_parts};

mod augmented;
mod callees;
mod decorators;
mod delegations;
mod depth;
mod handlers;
mod loops;
mod managers;
mod operands;
mod returns;

pub use callees::BUILTIN_METHODS;

/// A rewrite, as its module's comment describes it. Its fixtures are in the folder of its name.
pub struct Rewrite {
    pub name: &'static str,
    statement: fn(&mut Lowering<'_>, &Stmt),
    expression: fn(&mut Lowering<'_>, &Expr),
}

/// All rewrites.
pub const REWRITES: &[Rewrite] = &[
    Rewrite { name: "operands", statement: operands::statement, expression: operands::expression },
    Rewrite { name: "callees", statement: no_statement, expression: callees::expression },
    Rewrite { name: "delegations", statement: no_statement, expression: delegations::expression },
    Rewrite { name: "loops", statement: loops::statement, expression: no_expression },
    Rewrite { name: "managers", statement: managers::statement, expression: no_expression },
    Rewrite { name: "handlers", statement: handlers::statement, expression: no_expression },
    Rewrite { name: "augmented", statement: augmented::statement, expression: no_expression },
    Rewrite { name: "decorators", statement: decorators::statement, expression: no_expression },
    Rewrite { name: "returns", statement: returns::statement, expression: no_expression },
];

fn no_statement(_: &mut Lowering<'_>, _: &Stmt) {}

fn no_expression(_: &mut Lowering<'_>, _: &Expr) {}

/// The outcome: edits, the number of each spill, and how many each scope has.
pub struct Lowered {
    pub edits: Vec<Edit>,
    pub numbers: Numbers,
    pub spills: FxHashMap<ScopeId, usize>,
    /// Values that should have a name, and have none: see `depth`.
    pub unnamed: Vec<TextRange>,
}

/// Runs all rewrites over all scopes that can be continued. Class bodies, lambdas and comprehensions are left alone:
/// heresy's names never reach a class's namespace, and no walrus can stand in the iterables of a comprehension.
pub fn lower(source: &Source, tokens: &Tokens, scopes: &Scopes<'_>) -> Lowered {
    let mut lowering = Lowering {
        source,
        tokens,
        scopes,
        scope: ScopeId::MODULE,
        has_walrus: tokens.iter().any(|token| token.kind() == TokenKind::ColonEqual),
        own_methods: function_names(source, tokens),
        by_extent: FxHashMap::default(),
        spills: Vec::new(),
        names: 0,
        sites: Vec::new(),
        edits: Vec::new(),
        walrus_targets: FxHashSet::default(),
        pending_finally: 0,
        pending_exits: 0,
    };
    for scope in scopes.continuable() {
        lowering.scope = scope;
        lowering.lower_suite(scopes.get(scope).body);
    }
    let Lowering { spills, mut edits, mut sites, .. } = lowering;
    let (spills, unnamed) = depth::within_limit(spills, tokens);
    for spill in spills {
        sites.push((spill.id, spill.range.start(), Rank::Open, spill.range.end()));
        edits.extend(spill.edits());
    }
    let mut counts = FxHashMap::default();
    for (id, ..) in &sites {
        *counts.entry(id.scope).or_default() += 1;
    }
    Lowered { edits, numbers: Numbers::of(sites), spills: counts, unnamed }
}

/// `E` -> `(_h1 := E)`; a tuple, `yield` or walrus without parentheses `a, b` -> `(_h1 :=(a, b))`, which needs some.
struct Spill {
    id: SpillId,
    range: TextRange,
    is_bare: bool,
}

impl Spill {
    fn edits(self) -> [Edit; 2] {
        let (open, close) = if self.is_bare { (" :=(", "))") } else { (" := ", ")") };
        let edit = |at, rank, parts| Edit { at, rank, end: self.range.end(), parts, purpose: Purpose::Spill };
        [
            edit(self.range.start(), Rank::Open, vec!["(".into(), Part::Spill(self.id), open.into()]),
            edit(self.range.end(), Rank::Close, vec![close.into()]),
        ]
    }
}

/// The names after every `def` of the file.
fn function_names<'a>(source: &'a Source, tokens: &Tokens) -> FxHashSet<&'a str> {
    let mut significant = tokens.iter().filter(|token| !token.kind().is_trivia());
    let after_def = std::iter::from_fn(|| {
        significant.find(|token| token.kind() == TokenKind::Def)?;
        significant.next()
    });
    after_def.map(|name| &source.text()[name.range()]).collect()
}

/// What rewrites see, and where they put what they want.
struct Lowering<'a> {
    source: &'a Source,
    tokens: &'a Tokens,
    scopes: &'a Scopes<'a>,
    /// The scope being lowered.
    scope: ScopeId,
    has_walrus: bool,
    own_methods: FxHashSet<&'a str>,
    by_extent: FxHashMap<TextRange, SpillId>,
    /// Values named in place.
    spills: Vec<Spill>,
    /// How many names were given so far.
    names: usize,
    /// Where names are bound in other ways.
    sites: Vec<(SpillId, TextSize, Rank, TextSize)>,
    edits: Vec<Edit>,
    /// Names that the current statement itself binds with a walrus.
    walrus_targets: FxHashSet<String>,
    /// How many `finally` suites with points a `return` here would still run.
    pending_finally: usize,
    /// How many `with` statements a `return` here would still end.
    pending_exits: usize,
}

impl Lowering<'_> {
    fn lower_suite(&mut self, suite: &[Stmt]) {
        for statement in suite {
            self.lower_statement(statement);
        }
    }

    fn lower_statement(&mut self, statement: &Stmt) {
        let held = expressions(statement);
        self.walrus_targets.clear();
        if self.has_walrus {
            held.iter().for_each(|(expression, _)| collect_walrus_targets(expression, &mut self.walrus_targets));
        }
        for rewrite in REWRITES {
            (rewrite.statement)(self, statement);
        }
        for (expression, _) in held {
            self.visit_expr(expression);
        }
        match statement {
            Stmt::Try(node) => {
                let protects = usize::from(has_point(&node.finalbody, false));
                self.pending_finally += protects;
                self.lower_suite(&node.body);
                node.handlers.iter().for_each(|handler| self.lower_suite(&handler_parts(handler).body));
                self.lower_suite(&node.orelse);
                self.pending_finally -= protects;
                self.lower_suite(&node.finalbody);
            }
            Stmt::With(node) => {
                self.pending_exits += usize::from(!node.is_async);
                self.lower_suite(&node.body);
                self.pending_exits -= usize::from(!node.is_async);
            }
            _ => crate::tree::suites(statement).into_iter().for_each(|suite| self.lower_suite(suite)),
        }
    }

    fn new_name(&mut self) -> SpillId {
        self.names += 1;
        SpillId { scope: self.scope, index: self.names }
    }

    /// A new name that an edit at `at` will bind.
    fn new_name_at(&mut self, at: TextSize, rank: Rank) -> SpillId {
        let id = self.new_name();
        self.sites.push((id, at, rank, at));
        id
    }

    fn edit(&mut self, at: TextSize, rank: Rank, parts: Vec<Part>) {
        self.edits.push(Edit { at, rank, end: at, parts, purpose: Purpose::Spill });
    }

    /// Gives an expression a name in place, unless it has one.
    fn spill(&mut self, expression: &Expr, holder: AnyNodeRef<'_>) -> SpillId {
        let range = extent(expression, holder, self.tokens);
        if let Some(&id) = self.by_extent.get(&range) {
            return id;
        }
        let is_bare = match expression {
            Expr::Tuple(node) => !node.parenthesized && range == node.range,
            Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Named(_) => range == expression.range(),
            _ => false,
        };
        let id = self.new_name();
        self.by_extent.insert(range, id);
        self.spills.push(Spill { id, range, is_bare });
        id
    }

    fn spill_unless_rereadable(&mut self, expression: &Expr, holder: AnyNodeRef<'_>) {
        if !self.is_rereadable(expression) {
            self.spill(expression, holder);
        }
    }

    /// Whether reading a name again, later in the statement, gives what it gave before.
    fn is_stable(&self, name: &str) -> bool {
        self.scopes.is_stable(self.scope, name) && !self.walrus_targets.contains(name)
    }

    /// Whether an expression can be evaluated again, with the same result and no effect.
    fn is_rereadable(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Name(node) => self.is_stable(&node.id),
            _ if expression.is_literal_expr() => true,
            Expr::UnaryOp(node) => node.operand.is_literal_expr(),
            Expr::Lambda(node) => {
                let mut parameters =
                    node.parameters.iter().flat_map(|parameters| parameters.iter_non_variadic_params());
                parameters
                    .all(|parameter| parameter.default.as_deref().is_none_or(|default| self.is_rereadable(default)))
            }
            Expr::Tuple(node) => node.elts.iter().all(|element| self.is_rereadable(element)),
            Expr::List(node) => node.elts.iter().all(|element| self.is_rereadable(element)),
            Expr::Set(node) => node.elts.iter().all(|element| self.is_rereadable(element)),
            Expr::Dict(node) => node.items.iter().all(|item| {
                item.key.as_ref().is_some_and(|key| self.is_rereadable(key)) && self.is_rereadable(&item.value)
            }),
            _ => false,
        }
    }

    /// `super()` with the builtin's meaning: its value is never needed again, since its method is looked up anew.
    fn is_super_call(&self, expression: &Expr) -> bool {
        let Expr::Call(call) = expression else { return false };
        let is_super = call.func.as_name_expr().is_some_and(|name| name.id == "super");
        let mut arguments = call.arguments.args.iter();
        is_super
            && !self.scopes.binds("super")
            && call.arguments.keywords.is_empty()
            && arguments.all(|argument| self.is_rereadable(argument))
    }
}

/// Visits what a statement evaluates in its own scope, outermost expressions first.
impl<'a> Visitor<'a> for Lowering<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        for rewrite in REWRITES {
            (rewrite.expression)(self, expression);
        }
        match expression {
            Expr::Lambda(_) | Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {}
            // A t-string keeps the source text of its fields, and `f"{x=}"` prints it: nothing may be added there.
            Expr::TString(_) => {}
            Expr::FString(_) => {
                for field in fields(expression).into_iter().filter(|field| field.debug_text.is_none()) {
                    self.visit_expr(&field.expression);
                }
            }
            _ => walk_expr(self, expression),
        }
    }
}

/// The names that an expression binds with `:=` in the scope it stands in, also from inside a comprehension.
fn collect_walrus_targets(expression: &Expr, targets: &mut FxHashSet<String>) {
    struct Collector<'t>(&'t mut FxHashSet<String>);
    impl<'a> Visitor<'a> for Collector<'_> {
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::Lambda(_) => return,
                Expr::Named(node) => {
                    self.0.extend(node.target.as_name_expr().map(|name| name.id.to_string()));
                }
                _ => {}
            }
            walk_expr(self, expression);
        }
    }
    Collector(targets).visit_expr(expression);
}
