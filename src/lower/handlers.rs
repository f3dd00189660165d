//! Handlers: the exception that is being handled gets a name that stays.
//!
//! **Input**
//! ```python
//! except ValueError:
//!     report()
//! except OSError as error:
//!     error = str(error)
//!     report(error)
//! ```
//! **Output**
//! ```python
//! except ValueError as _h1:
//!     report()
//! except OSError as error:
//!     _h2 = error
//!     error = str(error)
//!     report(error)
//! ```
//! **Guarantees** in every handler with a point, the exception can be read from a name that the user's code does not bind.
//! **Left alone** handlers without a point; `except E as e` whose suite leaves `e` alone; `except*`.

use rustpython_ruff_python_ast as ast;

use ast::{Expr, Stmt};
use rustpython_ruff_text_size::{Ranged, TextSize};

use super::{Lowering, extent, handler_parts};
use crate::binding::binds_name;
use crate::emit::{Part, Purpose, Rank, Slot};
use crate::point::has_point;

pub fn statement(lowering: &mut Lowering<'_>, statement: &Stmt) {
    let Stmt::Try(node) = statement else { return };
    if node.is_star {
        return;
    }
    for handler in node.handlers.iter().map(handler_parts).filter(|handler| has_point(&handler.body, false)) {
        match (&handler.name, handler.type_.as_deref()) {
            (Some(name), _) => {
                if !lowering.is_stable(name.as_str()) || binds_name(&handler.body, name.as_str()) {
                    copy_name(lowering, handler, name);
                }
            }
            (None, Some(class)) => name_exception(lowering, handler, class),
            (None, None) => {
                let at = handler.start() + TextSize::of("except");
                let id = lowering.new_name_at(at, Rank::Suffix);
                lowering.edit(at, Rank::Suffix, vec![" BaseException as ".into(), Part::Spill(id)]);
            }
        }
    }
}

/// `except E:` -> `except E as _h1:`; `except A, B:` (3.14) -> `except (A, B) as _h1:`
fn name_exception(lowering: &mut Lowering<'_>, handler: &ast::ExceptHandlerExceptHandler, class: &Expr) {
    let range = extent(class, handler.into(), lowering.tokens);
    let is_bare = matches!(class, Expr::Tuple(tuple) if !tuple.parenthesized && range == tuple.range);
    if is_bare {
        lowering.edit(range.start(), Rank::Open, vec!["(".into()]);
    }
    let id = lowering.new_name_at(range.end(), Rank::Suffix);
    let close = if is_bare { ") as " } else { " as " };
    lowering.edit(range.end(), Rank::Suffix, vec![close.into(), Part::Spill(id)]);
}

/// `except E as e: ...` -> `except E as e: _h1 = e; ...`
fn copy_name(lowering: &mut Lowering<'_>, handler: &ast::ExceptHandlerExceptHandler, name: &ast::Identifier) {
    let Some(first) = handler.body.first() else { return };
    let slot = Slot::before(first, lowering.source, lowering.tokens);
    let id = lowering.new_name_at(slot.at(), Rank::HandlerName);
    let parts = vec![Part::Spill(id), " = ".into(), Part::Copy(name.range())];
    lowering.edits.push(slot.statement(Rank::HandlerName, Purpose::Spill, parts));
}
