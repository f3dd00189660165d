//! Arguments to exit status.

mod boot;
mod cache;
mod changes;
mod checkpoint;
mod claim;
mod cli;
mod commands;
mod config;
mod edits;
mod exit;
mod interpreter;
mod key;
mod launch;
mod os_text;
mod payload;
mod program;
mod refusal;
mod runtime;

use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;

use clap::{ColorChoice, Parser};
use heresy::{Code, Diagnostic};
use mimalloc::MiMalloc;

use cli::{Cli, Command};
use exit::Exit;
use refusal::{MACHINE, Refusal};

/// A tree of syntax is many small boxes: with the system's allocator, parsing takes nearly twice as long.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let Cli { command, color } = Cli::parse_from(cli::words(std::env::args_os()));
    panic::set_hook(Box::new(move |panic| report_panic(panic, color)));
    let ended = panic::catch_unwind(|| match &command {
        Command::Run(args) => commands::run::execute(args),
        Command::Resume(args) => commands::resume::execute(args),
        Command::Inspect(args) => commands::inspect::execute(args, color),
        Command::Log(args) => commands::log::execute(args),
        Command::Key(args) => commands::key::execute(args),
        Command::Verify(args) => commands::verify::execute(args, color),
        Command::Transpile(args) => commands::transpile::execute(args, color),
        Command::Check(args) => commands::check::execute(args, color),
        Command::Explain(args) => commands::explain::execute(args),
        Command::Cache(args) => commands::cache::execute(args),
        Command::Diff(args) => commands::diff::execute(args, color),
        Command::Mark(args) => commands::mark::execute(args),
    });
    let exit = match ended {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => report_error(&error, color),
        Err(_) => Exit::Internal,
    };
    exit.into()
}

/// A command's error: a refusal has its diagnostics; anything else is a failure of the machine around heresy.
fn report_error(error: &anyhow::Error, color: ColorChoice) -> Exit {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        commands::report(&refusal.diagnostics, color);
        return refusal.exit;
    }
    commands::report(&[Diagnostic::new(MACHINE, format!("{error:#}"))], color);
    Exit::Usage
}

/// A panic is our own fault: it is said so, with what a bug report needs.
fn report_panic(panic: &PanicHookInfo<'_>, color: ColorChoice) {
    let what = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map_or(String::new(), |place| format!(" at {place}"));
    let diagnostic = Diagnostic::new(Code::INTERNAL, format!("heresy failed{place}: {what}"))
        .note(format!("this is a fault in heresy {}, not in your script", env!("CARGO_PKG_VERSION")))
        .note("please report it, with the script if you can share it");
    commands::report(&[diagnostic], color);
}
