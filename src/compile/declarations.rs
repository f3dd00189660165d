//! `global` and `nonlocal`: declared after use, twice, or for a name that cannot be.
//!
//! Python's symbol table complains about these in whatever role the name was met before: read, bound, imported, annotated.

use rustpython_ruff_python_ast as ast;

use ast::PythonVersion;
use rustpython_ruff_text_size::TextRange;

use super::Complaint;
use crate::scope::{Home, Kind, Scope, ScopeId, Scopes, Variable};

pub fn check(scopes: &Scopes<'_>, version: PythonVersion, complaints: &mut Vec<Complaint>) {
    for (id, scope) in scopes.all() {
        for variable in scope.variables() {
            complaints.extend(check_variable(scopes, id, scope, variable, version));
        }
    }
}

fn check_variable(
    scopes: &Scopes<'_>,
    id: ScopeId,
    scope: &Scope<'_>,
    variable: &Variable<'_>,
    version: PythonVersion,
) -> Option<Complaint> {
    let (declared, word) = match (variable.global, variable.nonlocal) {
        (Some(global), Some(nonlocal)) => {
            let (first, second) =
                if global.start() < nonlocal.start() { (global, nonlocal) } else { (nonlocal, global) };
            let title = format!("name `{}` is nonlocal and global", variable.name);
            return Some(Complaint { range: second, title, related: Some((first, "and here")) });
        }
        (Some(global), None) => (global, "global"),
        (None, Some(nonlocal)) => (nonlocal, "nonlocal"),
        (None, None) => return None,
    };
    let complain = |range: TextRange, title: String, related: Option<(TextRange, &'static str)>| {
        Some(Complaint { range, title, related })
    };
    let name = &variable.name;
    if variable.is_parameter {
        let related = variable.binding.map(|parameter| (parameter, "the parameter"));
        return complain(declared, format!("name `{name}` is parameter and {word}"), related);
    }
    if let Some(annotation) = variable.annotation
        && (scope.kind != Kind::Module || annotation.start() < declared.start())
    {
        return complain(
            annotation,
            format!("annotated name `{name}` cannot be {word}"),
            Some((declared, "declared here")),
        );
    }
    if let Some((declared, seen)) = variable.late_declaration {
        let used = if variable.binding == Some(seen) { "assigned to" } else { "used" };
        let title = format!("name `{name}` is {used} before its {word} declaration");
        return complain(declared, title, Some((seen, "it is met here first")));
    }
    if word == "nonlocal"
        && version >= PythonVersion::PY312
        && let Home::Scope(owner) = scopes.home(id, name)
        && scopes.get(owner).kind == Kind::TypeParameters
    {
        return complain(declared, format!("nonlocal binding not allowed for type parameter `{name}`"), None);
    }
    None
}
