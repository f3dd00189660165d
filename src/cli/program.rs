//! What can be run: a script, a folder, a module or code, with arguments of its own.

use std::ffi::{OsStr, OsString};

use clap::Args;

#[derive(Debug, Args)]
pub struct ProgramArgs {
    /// Run a module, found as `python -m` finds it
    #[arg(short = 'm', value_name = "MODULE", conflicts_with = "code")]
    module: Option<OsString>,

    /// Run this code
    #[arg(short = 'c', value_name = "CODE")]
    code: Option<OsString>,

    /// The script, then its own arguments
    ///
    /// A file, a folder with a `__main__.py`, or `-` for standard input. Everything from the script on (or from MODULE or
    /// CODE on) belongs to the script, also what looks like an option of heresy: write heresy's options before it.
    #[arg(required_unless_present_any = ["module", "code"], trailing_var_arg = true, value_names = ["SCRIPT", "ARGS"], num_args = 0..)]
    command: Vec<OsString>,
}

impl ProgramArgs {
    /// What to run, as typed.
    pub fn target(&self) -> Target<'_> {
        match (&self.module, &self.code, self.command.first()) {
            (Some(module), ..) => Target::Module(module),
            (_, Some(code), _) => Target::Code(code),
            (.., Some(script)) if script == "-" => Target::Stdin,
            (.., script) => Target::Script(script.map_or(OsStr::new(""), OsString::as_os_str)),
        }
    }

    /// The program's own arguments.
    pub fn args(&self) -> &[OsString] {
        let own = usize::from(self.module.is_none() && self.code.is_none());
        self.command.get(own..).unwrap_or_default()
    }
}

/// What is run, one way or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A file, or a folder with a `__main__.py`.
    Script(&'a OsStr),
    /// `-m MODULE`
    Module(&'a OsStr),
    /// `-c CODE`
    Code(&'a OsStr),
    /// `-`
    Stdin,
}
