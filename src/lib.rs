//! heresy's transpiler: an ordinary Python script in, the same script out, marked where it can be continued.
//!
//! # The way through
//!
//! ```text
//! bytes ──source──> text ──nesting, parse──> tree ──scope──> names ──compile──> accepted
//!       ──tag──> heresy's words ──mark──> labels, gotos ──emit──> text
//! ```
//!
//! [`Source::from_bytes`] decodes a script and can encode it back. [`transpile`] does the rest: `nesting` measures how much stack
//! the file needs, `parse` wraps the parser, `scope` finds where each name lives, `compile` refuses what only Python's compiler
//! would refuse. Then `mark` puts a label before each `point` and a goto at the top of each scope, as a list of insertions that
//! `emit` applies and [`diff()`] shows. [`Room::check`] looks at an accepted tree for what cannot be continued all the same;
//! [`explain`] has the long text of every code.
//!
//! [`align::align`] finds, for each statement of a script, its counterpart in a later version, so that a stopped program can go on
//! after its source was changed.
//!
//! What a statement has computed and still needs (operands, the iterators of loops, managers, exceptions) has no name, and
//! gets none: the runtime reads it from the interpreter's value stack when a stop is asked for, and puts it back there when
//! the program continues.
//!
//! # What holds everywhere
//!
//! - **The library does no input and output.** It knows neither files nor terminals; `commands` does.
//! - **Insertions only.** No byte of the script is changed, moved or dropped; there is deliberately no printer of syntax trees.
//!   Deleting the insertions gives the input back, and emitting is a function of the input alone.
//! - **Statements only.** What is inserted stands before a statement, never in one: no expression is touched, so none is
//!   evaluated twice, in another order, or lives longer.
//! - **Class bodies get nothing**: they are run by C code, which cannot be continued in.
//! - **Errors are values.** A bad file is a [`Diagnostic`]; nothing that a file can hold leads to a panic, and no depth
//!   to an overflow: whatever recurses runs on a stack that was sized for this file.
//! - **What is accepted, the target's `compile()` accepts**, and so it does the output; what it accepts is accepted here.
//! - **Passes do not know those after them.**

pub mod align;
pub mod diagnostic;
pub mod explain;
pub mod source;

mod check;
mod compile;
mod diff;
mod emit;
mod mark;
mod nesting;
mod parse;
mod point;
mod scope;
mod tag;
mod tree;

use std::io;
use std::marker::PhantomData;
use std::thread;

use rustpython_ruff_python_ast::ModModule;
use rustpython_ruff_python_parser::Parsed;
use rustpython_ruff_text_size::Ranged;

pub use diagnostic::{Code, Diagnostic};
pub use diff::{DiffOptions, diff};
pub use emit::{Insertion, Purpose};
pub use source::Source;

use scope::Scopes;

/// What a file is transpiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The Python that will run the file: its syntax, and what its compiler rejects.
    pub target_version: (u8, u8),
}

impl Default for Options {
    fn default() -> Options {
        Options { target_version: (3, 15) }
    }
}

/// A transpiled file: the original's text and what is inserted into it.
#[derive(Clone, Debug)]
pub struct Transpiled {
    text: String,
    insertions: Vec<Insertion>,
}

impl Transpiled {
    /// The whole text of the result.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was inserted, in text order.
    pub fn insertions(&self) -> &[Insertion] {
        &self.insertions
    }
}

/// Makes a script continuable.
///
/// Nothing here overflows the stack: a thread with room for the file's deepest expression does the work.
pub fn transpile(source: &Source, options: &Options) -> Result<Transpiled, Vec<Diagnostic>> {
    Room::NONE.transpile(source, options)
}

/// Lets `work` transpile many files on one thread, where [`transpile`] would make one for each.
pub fn with_room<T: Send>(work: impl FnOnce(Room) -> T + Send) -> io::Result<T> {
    let stack = nesting::stack_for(nesting::USUAL_WEIGHT);
    on_stack(stack, || work(Room { stack, of_this_thread: PhantomData }))
}

/// How much stack there is on this thread, for certain.
#[derive(Debug)]
pub struct Room {
    stack: usize,
    /// A raw pointer stays on its thread.
    of_this_thread: PhantomData<*const ()>,
}

impl Room {
    const NONE: Room = Room { stack: 0, of_this_thread: PhantomData };

    /// The same as [`transpile`]; only a file that goes deeper than this thread can gets one of its own.
    pub fn transpile(&self, source: &Source, options: &Options) -> Result<Transpiled, Vec<Diagnostic>> {
        self.read(source, || transpile_here(source, options)).map_err(|diagnostic| vec![diagnostic])
    }

    /// Where a stop of this script would have to wait, or what else is to be said of it; in the order of the text.
    pub fn check(&self, source: &Source, options: &Options) -> Vec<Diagnostic> {
        self.read(source, || check::check(source, options)).unwrap_or_else(|diagnostic| vec![diagnostic])
    }

    fn read<T: Send>(
        &self,
        source: &Source,
        work: impl FnOnce() -> Result<T, Diagnostic> + Send,
    ) -> Result<T, Diagnostic> {
        let stack = nesting::stack_for(nesting::weight(source)?);
        if stack <= self.stack {
            return work();
        }
        on_stack(stack, work).unwrap_or_else(|error| {
            let title = "there is not enough memory to go as deep as this file does";
            Err(Diagnostic::new(Code::NESTED_TOO_DEEPLY, title).note(error.to_string()))
        })
    }
}

/// Runs `work` on a thread with so much stack. Its panics are the caller's.
fn on_stack<T: Send>(stack: usize, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(stack).spawn_scoped(scope, work)?;
        Ok(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn transpile_here(source: &Source, options: &Options) -> Result<Transpiled, Diagnostic> {
    accept(source, options, |parsed, scopes| {
        let tag = tag::Tag::for_file(source.text(), parsed.tokens(), scopes);
        let insertions = mark::mark(source, parsed.tokens(), scopes, &tag);
        Transpiled { text: emit::apply(source.text(), &insertions), insertions }
    })
}

/// Gives what the target's Python would accept to `work`.
fn accept<T>(
    source: &Source,
    options: &Options,
    work: impl FnOnce(&Parsed<ModModule>, &Scopes<'_>) -> T,
) -> Result<T, Diagnostic> {
    let version = options.target_version.into();
    let parsed = parse::parse(source, version)?;
    let module = parsed.syntax();
    if let Some(header) = mark::is_transpiled(&module.body) {
        return Err(Diagnostic::new(Code::ALREADY_TRANSPILED, "the file is transpiled already")
            .at(source.name(), source.shared_text(), header.range().into(), "heresy wrote this line")
            .note("transpile the original, or run this file with Python"));
    }
    let scopes = scope::build(module, version);
    compile::check(source, module, parsed.tokens(), &scopes, version)?;
    Ok(work(&parsed, &scopes))
}
