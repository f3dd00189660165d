//! Builds the scopes of a module, in one walk over its tree.

use rustpython_ruff_python_ast as ast;

use ast::visitor::{
    Visitor, walk_arguments, walk_elif_else_clause, walk_except_handler, walk_expr, walk_pattern, walk_stmt,
    walk_type_param,
};
use ast::{Expr, ExprContext, Parameters, Pattern, PythonVersion, Stmt};
use rustc_hash::FxHashMap;
use rustpython_ruff_text_size::{Ranged, TextRange};

use super::{Kind, NodeAddress, Scope, ScopeId, Scopes, Variable, imported, mangle};
use crate::tree::handler_parts;

/// All scopes of a module, with every name that each mentions.
pub fn build(module: &ast::ModModule, version: PythonVersion) -> Scopes<'_> {
    let scopes = Scopes { scopes: Vec::new(), by_node: FxHashMap::default() };
    let mut builder = Builder { version, scopes, current: ScopeId::MODULE };
    builder.open(Kind::Module, &module.body, None::<&()>);
    builder.visit_body(&module.body);
    builder.scopes
}

struct Builder<'a> {
    version: PythonVersion,
    scopes: Scopes<'a>,
    current: ScopeId,
}

impl<'a> Builder<'a> {
    /// Opens a scope inside the current one and makes it current.
    fn open<T>(&mut self, kind: Kind, body: &'a [Stmt], node: Option<&T>) -> ScopeId {
        let id = ScopeId(self.scopes.scopes.len());
        let parent = (kind != Kind::Module).then_some(self.current);
        let class = parent.and_then(|parent| self.scopes.get(parent).class);
        let scope = Scope { kind, parent, body, class, variables: Vec::new(), index: FxHashMap::default() };
        self.scopes.scopes.push(scope);
        if let Some(node) = node {
            self.scopes.by_node.insert(NodeAddress::of(node), id);
        }
        std::mem::replace(&mut self.current, id)
    }

    /// Goes back to the scope that [`Builder::open`] left.
    fn close(&mut self, outer: ScopeId) {
        self.current = outer;
    }

    fn variable(&mut self, scope: ScopeId, name: &'a str) -> &mut Variable<'a> {
        let scope = &mut self.scopes.scopes[scope.0];
        let name = mangle(scope.class, name);
        let at = *scope.index.entry(name.clone()).or_insert_with(|| {
            scope.variables.push(Variable {
                name,
                binding: None,
                first_seen: None,
                is_parameter: false,
                global: None,
                nonlocal: None,
                late_declaration: None,
                annotation: None,
            });
            scope.variables.len() - 1
        });
        &mut scope.variables[at]
    }

    fn see(&mut self, name: &'a str, range: TextRange) {
        let variable = self.variable(self.current, name);
        keep_first(&mut variable.first_seen, range);
    }

    fn bind(&mut self, name: &'a str, range: TextRange) {
        self.bind_in(self.current, name, range);
    }

    fn bind_in(&mut self, scope: ScopeId, name: &'a str, range: TextRange) {
        let variable = self.variable(scope, name);
        keep_first(&mut variable.first_seen, range);
        keep_first(&mut variable.binding, range);
    }

    /// Importing a name is no use of it: `global` may follow.
    fn bind_import(&mut self, alias: &'a ast::Alias) {
        let (name, range) = imported(alias);
        let variable = self.variable(self.current, name);
        keep_first(&mut variable.binding, range);
    }

    /// `global name` or `nonlocal name`.
    fn declare(&mut self, name: &'a ast::Identifier) -> &mut Variable<'a> {
        let variable = self.variable(self.current, name.as_str());
        if let Some(seen) = variable.first_seen
            && variable.late_declaration.is_none()
        {
            variable.late_declaration = Some((name.range(), seen));
        }
        variable
    }

    /// A walrus binds in the scope around all comprehensions that it stands in.
    fn bind_walrus(&mut self, name: &'a str, range: TextRange) {
        let mut scope = self.current;
        while let Kind::Comprehension { .. } = self.scopes.get(scope).kind {
            scope = self.scopes.get(scope).parent.unwrap_or(ScopeId::MODULE);
        }
        self.bind_in(scope, name, range);
    }

    fn bind_parameters(&mut self, parameters: &'a Parameters) {
        for parameter in parameters.iter_source_order() {
            let name = parameter.name();
            self.bind(name.as_str(), name.range());
            self.variable(self.current, name.as_str()).is_parameter = true;
        }
    }

    fn visit_defaults(&mut self, parameters: &'a Parameters) {
        for default in parameters.iter_non_variadic_params().filter_map(|parameter| parameter.default.as_deref()) {
            self.visit_expr(default);
        }
    }

    /// Opens the scope of `[T]` in `def f[T](): …`, if there is one.
    fn open_type_parameters(&mut self, type_params: Option<&'a ast::TypeParams>) -> Option<ScopeId> {
        let type_params = type_params?;
        let outer = self.open(Kind::TypeParameters, &[], Some(type_params));
        self.visit_type_params(type_params);
        Some(outer)
    }

    fn visit_function(&mut self, node: &'a ast::StmtFunctionDef) {
        node.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        self.visit_defaults(&node.parameters);
        self.bind(node.name.as_str(), node.name.range());
        let around_types = self.open_type_parameters(node.type_params.as_deref());
        let annotations = node.parameters.iter().filter_map(|parameter| parameter.as_parameter().annotation());
        annotations.chain(node.returns.as_deref()).for_each(|annotation| self.visit_annotation(annotation));
        let outer = self.open(Kind::Function { is_async: node.is_async }, &node.body, Some(node));
        self.bind_parameters(&node.parameters);
        self.visit_body(&node.body);
        self.close(around_types.unwrap_or(outer));
    }

    fn visit_class(&mut self, node: &'a ast::StmtClassDef) {
        node.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
        self.bind(node.name.as_str(), node.name.range());
        let around_types = self.open_type_parameters(node.type_params.as_deref());
        if let Some(arguments) = &node.arguments {
            walk_arguments(self, arguments);
        }
        let outer = self.open(Kind::Class, &[], Some(node));
        self.scopes.scopes[self.current.0].class = Some(node.name.as_str());
        self.visit_body(&node.body);
        self.close(around_types.unwrap_or(outer));
    }

    fn visit_comprehension_scope<T>(
        &mut self,
        node: &T,
        is_generator: bool,
        generators: &'a [ast::Comprehension],
        parts: &[&'a Expr],
    ) {
        let [first, ..] = generators else { return };
        self.visit_expr(&first.iter);
        let outer = self.open(Kind::Comprehension { is_generator }, &[], Some(node));
        for (at, generator) in generators.iter().enumerate() {
            if at > 0 {
                self.visit_expr(&generator.iter);
            }
            self.visit_expr(&generator.target);
            generator.ifs.iter().for_each(|condition| self.visit_expr(condition));
        }
        parts.iter().for_each(|part| self.visit_expr(part));
        self.close(outer);
    }
}

fn keep_first(place: &mut Option<TextRange>, range: TextRange) {
    if place.is_none_or(|known| range.start() < known.start()) {
        *place = Some(range);
    }
}

impl<'a> Visitor<'a> for Builder<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(node) => self.visit_function(node),
            Stmt::ClassDef(node) => self.visit_class(node),
            Stmt::TypeAlias(node) => {
                self.visit_expr(&node.name);
                let outer = self.open_type_parameters(node.type_params.as_deref());
                self.visit_expr(&node.value);
                if let Some(outer) = outer {
                    self.close(outer);
                }
            }
            // The parser's own walk visits the test of each `elif` twice.
            Stmt::If(node) => {
                self.visit_expr(&node.test);
                self.visit_body(&node.body);
                node.elif_else_clauses.iter().for_each(|clause| walk_elif_else_clause(self, clause));
            }
            Stmt::AnnAssign(node) => {
                if let Some(value) = &node.value {
                    self.visit_expr(value);
                }
                self.visit_annotation(&node.annotation);
                match &*node.target {
                    Expr::Name(name) => {
                        if node.simple {
                            let variable = self.variable(self.current, &name.id);
                            keep_first(&mut variable.annotation, name.range());
                        }
                        if node.simple || node.value.is_some() {
                            self.bind(&name.id, name.range());
                        } else {
                            self.see(&name.id, name.range());
                        }
                    }
                    target => self.visit_expr(target),
                }
            }
            Stmt::Import(node) => node.names.iter().for_each(|alias| self.bind_import(alias)),
            Stmt::ImportFrom(node) => {
                node.names.iter().filter(|alias| alias.name.as_str() != "*").for_each(|alias| self.bind_import(alias));
            }
            // In this order Python's compiler met the names up to 3.12.
            Stmt::Try(node) if self.version < PythonVersion::PY313 => {
                self.visit_body(&node.body);
                self.visit_body(&node.orelse);
                node.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.visit_body(&node.finalbody);
            }
            Stmt::Global(node) => {
                for name in &node.names {
                    self.declare(name).global = Some(name.range());
                }
            }
            Stmt::Nonlocal(node) => {
                for name in &node.names {
                    self.declare(name).nonlocal = Some(name.range());
                }
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(node) => match node.ctx {
                ExprContext::Load | ExprContext::Invalid => self.see(&node.id, node.range()),
                ExprContext::Store | ExprContext::Del => self.bind(&node.id, node.range()),
            },
            Expr::Named(node) => {
                self.visit_expr(&node.value);
                if let Expr::Name(target) = &*node.target {
                    self.bind_walrus(&target.id, target.range());
                }
            }
            Expr::Lambda(node) => {
                if let Some(parameters) = &node.parameters {
                    self.visit_defaults(parameters);
                }
                let outer = self.open(Kind::Lambda, &[], Some(node));
                if let Some(parameters) = &node.parameters {
                    self.bind_parameters(parameters);
                }
                self.visit_expr(&node.body);
                self.close(outer);
            }
            Expr::ListComp(node) => self.visit_comprehension_scope(node, false, &node.generators, &[&node.elt]),
            Expr::SetComp(node) => self.visit_comprehension_scope(node, false, &node.generators, &[&node.elt]),
            Expr::DictComp(node) => {
                self.visit_comprehension_scope(node, false, &node.generators, &[&node.key, &node.value]);
            }
            Expr::Generator(node) => self.visit_comprehension_scope(node, true, &node.generators, &[&node.elt]),
            _ => walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ast::ExceptHandler) {
        if let Some(name) = &handler_parts(handler).name {
            self.bind(name.as_str(), name.range());
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let captured = match pattern {
            Pattern::MatchAs(node) => node.name.as_ref(),
            Pattern::MatchStar(node) => node.name.as_ref(),
            Pattern::MatchMapping(node) => node.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = captured {
            self.bind(name.as_str(), name.range());
        }
        walk_pattern(self, pattern);
    }

    fn visit_type_param(&mut self, type_param: &'a ast::TypeParam) {
        let name = type_param.name();
        self.bind(name.as_str(), name.range());
        walk_type_param(self, type_param);
    }
}
