//! What parses, but Python's compiler rejects: `return` outside a function, `global` after use, and the like.
//!
//! **Input** a tree that parsed, with its scopes; **Output** the first complaint, in the order of the text.
//! **Guarantees** nothing is refused here that the target version's `compile()` accepts.
//!
//! Most rules are the parser crate's own, which asks [`Checker`] where in the program it is; `declarations` and `placement`
//! hold those that it does not have.

use std::cell::RefCell;

use rustpython_ruff_python_ast as ast;
use rustpython_ruff_python_parser as parser;

use ast::token::{TokenKind, Tokens};
use ast::visitor::{Visitor, walk_arguments, walk_elif_else_clause, walk_expr, walk_stmt};
use ast::{Expr, PythonVersion, Stmt};
use parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError, SemanticSyntaxErrorKind,
};
use rustpython_ruff_text_size::{Ranged, TextRange, TextSize};

use crate::diagnostic::{Code, Diagnostic, title_case};
use crate::scope::{Home, Kind, ScopeId, Scopes};
use crate::source::Source;
use crate::tree::handler_parts;

mod blocks;
mod declarations;
mod futures;
mod patterns;
mod placement;

/// A rule that a file breaks, and where.
struct Complaint {
    range: TextRange,
    title: String,
    /// What the range is at odds with.
    related: Option<(TextRange, &'static str)>,
}

impl Complaint {
    fn new(range: TextRange, title: impl Into<String>) -> Complaint {
        Complaint { range, title: title.into(), related: None }
    }
}

/// Refuses what the target version's compiler would refuse.
pub fn check(
    source: &Source,
    module: &ast::ModModule,
    tokens: &Tokens,
    scopes: &Scopes<'_>,
    version: PythonVersion,
) -> Result<(), Diagnostic> {
    let mut checker = Checker {
        source,
        tokens,
        scopes,
        version,
        rules: SemanticSyntaxChecker::new(),
        complaints: RefCell::default(),
        scope: ScopeId::MODULE,
        loops: 0,
        tries: 0,
        star_handler: false,
        in_annotation: false,
        future_annotations: false,
    };
    checker.visit_body(&module.body);
    let mut complaints = checker.complaints.into_inner();
    declarations::check(scopes, version, &mut complaints);
    futures::check(module, version, &mut complaints);
    for id in scopes.continuable() {
        blocks::check(scopes.get(id).body, version, &mut complaints);
    }
    let Some(first) = complaints.into_iter().min_by_key(|complaint| complaint.range.start()) else { return Ok(()) };
    let mut diagnostic =
        Diagnostic::new(Code::COMPILE, first.title).at(source.name(), source.shared_text(), first.range.into(), "here");
    if let Some((range, label)) = first.related {
        diagnostic = diagnostic.related(range.into(), label);
    }
    Err(diagnostic)
}

/// Walks the tree as Python's compiler does, and knows where it is.
struct Checker<'a> {
    source: &'a Source,
    tokens: &'a Tokens,
    scopes: &'a Scopes<'a>,
    version: PythonVersion,
    rules: SemanticSyntaxChecker,
    complaints: RefCell<Vec<Complaint>>,
    scope: ScopeId,
    /// Loops around this place, in its scope.
    loops: usize,
    /// `try` statements around this place, in its scope.
    tries: usize,
    /// In an `except*` suite of this scope; `loops` counts those within it.
    star_handler: bool,
    /// In an annotation of the scope, which from 3.14 on is a function of its own, never an asynchronous one.
    in_annotation: bool,
    future_annotations: bool,
}

impl<'a> Checker<'a> {
    fn complain(&self, complaint: Complaint) {
        self.complaints.borrow_mut().push(complaint);
    }

    /// The token before an offset, comments and line breaks aside.
    fn token_before(&self, offset: TextSize) -> Option<TokenKind> {
        self.tokens.before(offset).iter().rev().map(|token| token.kind()).find(|kind| !kind.is_trivia())
    }

    fn kind(&self) -> Kind {
        self.scopes.get(self.scope).kind
    }

    /// The kind of the nearest scope that is no list, set or dict comprehension. A generator expression is a function of its
    /// own, and may await wherever it stands.
    fn kind_around_comprehensions(&self) -> Kind {
        let is_inlined = |kind: &Kind| matches!(kind, Kind::Comprehension { is_generator: false });
        self.kinds_outward().find(|kind| !is_inlined(kind)).unwrap_or(Kind::Module)
    }

    /// Whether the nearest scope that is no comprehension of any kind is a class body.
    fn is_in_class_body(&self) -> bool {
        self.kinds_outward().find(|kind| !matches!(kind, Kind::Comprehension { .. })) == Some(Kind::Class)
    }

    fn kinds_outward(&self) -> impl Iterator<Item = Kind> + '_ {
        let parent_of = |id: &ScopeId| self.scopes.get(*id).parent;
        std::iter::successors(Some(self.scope), parent_of).map(|id| self.scopes.get(id).kind)
    }

    /// Visits something in the scope that `node` opens, where the loops and handlers outside do not count.
    fn inside<T>(&mut self, node: &T, visit: impl FnOnce(&mut Self)) {
        let Some(scope) = self.scopes.of_node(node) else { return };
        let outer = (self.scope, self.loops, self.tries, self.star_handler);
        (self.scope, self.loops, self.tries, self.star_handler) = (scope, 0, 0, false);
        let in_annotation = self.in_annotation && !matches!(self.kind(), Kind::Function { .. } | Kind::Class);
        let in_annotation = std::mem::replace(&mut self.in_annotation, in_annotation);
        visit(self);
        self.in_annotation = in_annotation;
        (self.scope, self.loops, self.tries, self.star_handler) = outer;
    }

    fn visit_function(&mut self, node: &'a ast::StmtFunctionDef) {
        node.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        self.visit_defaults(&node.parameters);
        let visit_annotations = |this: &mut Self| {
            let annotations = node.parameters.iter().filter_map(|parameter| parameter.as_parameter().annotation());
            annotations.chain(node.returns.as_deref()).for_each(|annotation| this.visit_annotation(annotation));
        };
        match node.type_params.as_deref() {
            Some(type_params) => self.inside(type_params, |this| {
                this.visit_type_params(type_params);
                visit_annotations(this);
            }),
            None => visit_annotations(self),
        }
        self.inside(node, |this| this.visit_body(&node.body));
    }

    fn visit_class(&mut self, node: &'a ast::StmtClassDef) {
        node.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        let visit_arguments = |this: &mut Self| {
            node.arguments.iter().for_each(|arguments| walk_arguments(this, arguments));
        };
        match node.type_params.as_deref() {
            Some(type_params) => self.inside(type_params, |this| {
                this.visit_type_params(type_params);
                visit_arguments(this);
            }),
            None => visit_arguments(self),
        }
        self.inside(node, |this| this.visit_body(&node.body));
    }

    fn visit_defaults(&mut self, parameters: &'a ast::Parameters) {
        for default in parameters.iter_non_variadic_params().filter_map(|parameter| parameter.default.as_deref()) {
            self.visit_expr(default);
        }
    }

    fn visit_loop_body(&mut self, body: &'a [Stmt]) {
        self.loops += 1;
        self.visit_body(body);
        self.loops -= 1;
    }

    fn visit_try(&mut self, node: &'a ast::StmtTry) {
        self.tries += 1;
        self.visit_body(&node.body);
        for handler in node.handlers.iter().map(handler_parts) {
            handler.type_.iter().for_each(|class| self.visit_expr(class));
            let outer = (self.star_handler, self.loops);
            if node.is_star {
                (self.star_handler, self.loops) = (true, 0);
            }
            self.visit_body(&handler.body);
            (self.star_handler, self.loops) = outer;
        }
        self.visit_body(&node.orelse);
        self.visit_body(&node.finalbody);
        self.tries -= 1;
    }

    fn visit_comprehension_scope<T>(&mut self, node: &T, generators: &'a [ast::Comprehension], parts: &[&'a Expr]) {
        let [first, ..] = generators else { return };
        self.visit_expr(&first.iter);
        self.inside(node, |this| {
            for (at, generator) in generators.iter().enumerate() {
                if at > 0 {
                    this.visit_expr(&generator.iter);
                }
                this.visit_expr(&generator.target);
                generator.ifs.iter().for_each(|condition| this.visit_expr(condition));
            }
            parts.iter().for_each(|part| this.visit_expr(part));
        });
    }
}

impl<'a> Visitor<'a> for Checker<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let mut rules = std::mem::take(&mut self.rules);
        rules.visit_stmt(statement, self);
        self.rules = rules;
        placement::check_statement(self, statement);
        match statement {
            Stmt::FunctionDef(node) => self.visit_function(node),
            Stmt::ClassDef(node) => self.visit_class(node),
            Stmt::For(node) => {
                self.visit_expr(&node.iter);
                self.visit_expr(&node.target);
                self.visit_loop_body(&node.body);
                self.visit_body(&node.orelse);
            }
            Stmt::While(node) => {
                self.visit_expr(&node.test);
                self.visit_loop_body(&node.body);
                self.visit_body(&node.orelse);
            }
            // The parser's own walk visits the test of each `elif` twice.
            Stmt::If(node) => {
                self.visit_expr(&node.test);
                self.visit_body(&node.body);
                node.elif_else_clauses.iter().for_each(|clause| walk_elif_else_clause(self, clause));
            }
            Stmt::Try(node) => self.visit_try(node),
            Stmt::TypeAlias(node) => {
                self.visit_expr(&node.name);
                match node.type_params.as_deref() {
                    Some(type_params) => self.inside(type_params, |this| {
                        this.visit_type_params(type_params);
                        this.visit_expr(&node.value);
                    }),
                    None => self.visit_expr(&node.value),
                }
            }
            // Before 3.14, what annotates a function's variable is not even compiled.
            Stmt::AnnAssign(node) if self.version < PythonVersion::PY314 && self.in_function_scope() => {
                node.value.iter().for_each(|value| self.visit_expr(value));
                self.visit_expr(&node.target);
            }
            Stmt::ImportFrom(node) if node.module.as_deref() == Some("__future__") => {
                self.future_annotations |= node.names.iter().any(|alias| alias.name.as_str() == "annotations");
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_annotation(&mut self, annotation: &'a Expr) {
        let in_annotation = std::mem::replace(&mut self.in_annotation, true);
        self.visit_expr(annotation);
        self.in_annotation = in_annotation;
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        let mut rules = std::mem::take(&mut self.rules);
        rules.visit_expr(expression, self);
        self.rules = rules;
        placement::check_expression(self, expression);
        match expression {
            Expr::Lambda(node) => {
                node.parameters.iter().for_each(|parameters| self.visit_defaults(parameters));
                self.inside(node, |this| this.visit_expr(&node.body));
            }
            Expr::ListComp(node) => self.visit_comprehension_scope(node, &node.generators, &[&node.elt]),
            Expr::SetComp(node) => self.visit_comprehension_scope(node, &node.generators, &[&node.elt]),
            Expr::DictComp(node) => self.visit_comprehension_scope(node, &node.generators, &[&node.key, &node.value]),
            Expr::Generator(node) => self.visit_comprehension_scope(node, &node.generators, &[&node.elt]),
            _ => walk_expr(self, expression),
        }
    }
}

/// The crate's rules ask for the place; each answer is about the statement or expression being visited.
impl SemanticSyntaxContext for Checker<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        self.future_annotations
    }

    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        if self.kinds_outward().any(|kind| matches!(kind, Kind::Function { .. } | Kind::Lambda)) {
            Some(LazyImportContext::Function)
        } else if self.kinds_outward().any(|kind| kind == Kind::Class) {
            Some(LazyImportContext::Class)
        } else {
            (self.tries > 0).then_some(LazyImportContext::TryExceptBlocks)
        }
    }

    fn python_version(&self) -> PythonVersion {
        self.version
    }

    fn source(&self) -> &str {
        self.source.text()
    }

    /// Answered by `declarations`, which sees names in all their roles.
    fn global(&self, _name: &str) -> Option<TextRange> {
        None
    }

    fn has_nonlocal_binding(&self, name: &str) -> bool {
        let in_class = self.kinds_outward().skip(1).any(|kind| kind == Kind::Class);
        (name == "__class__" && in_class) || matches!(self.scopes.home(self.scope, name), Home::Scope(_))
    }

    fn in_async_context(&self) -> bool {
        match self.kind_around_comprehensions() {
            Kind::Comprehension { .. } => true,
            Kind::Function { is_async } => is_async && !(self.in_annotation && self.version >= PythonVersion::PY314),
            _ => false,
        }
    }

    fn in_await_allowed_context(&self) -> bool {
        matches!(self.kind_around_comprehensions(), Kind::Function { .. } | Kind::Lambda | Kind::Comprehension { .. })
    }

    fn in_yield_allowed_context(&self) -> bool {
        matches!(self.kind(), Kind::Function { .. } | Kind::Lambda)
    }

    fn in_sync_comprehension(&self) -> bool {
        matches!(self.kind(), Kind::Comprehension { .. })
    }

    fn in_module_scope(&self) -> bool {
        self.kind() == Kind::Module
    }

    fn in_function_scope(&self) -> bool {
        matches!(self.kind(), Kind::Function { .. })
    }

    fn in_generator_context(&self) -> bool {
        self.kind() == Kind::Comprehension { is_generator: true }
    }

    fn in_notebook(&self) -> bool {
        false
    }

    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        match error.kind {
            // Our own rules follow the versions, or know more of the place.
            SemanticSyntaxErrorKind::GlobalParameter(_)
            | SemanticSyntaxErrorKind::LateFutureImport
            | SemanticSyntaxErrorKind::FutureFeatureNotDefined(_)
            | SemanticSyntaxErrorKind::ReboundComprehensionVariable => {}
            _ => self.complain(Complaint::new(error.range(), title_case(&error.to_string()))),
        }
    }

    fn in_loop_context(&self) -> bool {
        // In an `except*` suite another rule speaks.
        self.loops > 0 || self.star_handler
    }

    fn is_bound_parameter(&self, name: &str) -> bool {
        self.scopes.get(self.scope).variable(name).is_some_and(|variable| variable.is_parameter)
    }
}
