//! One module per command: the only place with input and output.
//!
//! Each has `execute(arguments, color) -> anyhow::Result<Exit>`, and `Exit` says how it ended. An `Err` is a [`Refusal`], whose
//! diagnostics `main` prints, or a failure of the machine around heresy.
//!
//! [`Refusal`]: crate::refusal::Refusal

use std::io::Write;

use anstream::AutoStream;
use clap::ColorChoice;
use heresy::Diagnostic;

pub mod cache;
pub mod check;
mod chosen;
pub mod diff;
pub mod explain;
pub mod inspect;
mod interrupt;
pub mod key;
pub mod log;
pub mod mark;
pub mod resume;
pub mod run;
pub mod transpile;
pub mod verify;
mod walk;
mod workers;

/// Prints diagnostics to standard error, each followed by an empty line.
pub fn report(diagnostics: &[Diagnostic], color: ColorChoice) {
    let stderr = std::io::stderr();
    let colored = is_colored(&stderr, color);
    for diagnostic in diagnostics {
        // Where nobody listens there is nobody to tell that telling failed.
        let _ = writeln!(stderr.lock(), "{}", diagnostic.render(colored).trim_end());
    }
}

/// Whether `--color` and the environment (`NO_COLOR`, `TERM`, a terminal at the other end) want colour on this stream.
pub fn is_colored(stream: &impl anstream::stream::RawStream, color: ColorChoice) -> bool {
    match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}
