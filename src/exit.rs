//! The exit statuses of `heresy` itself. A program that it runs has its own: the process becomes the interpreter.

use std::process::ExitCode;

/// How a command ended, when it was not by becoming the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Success = 0,
    /// The script, or the checkpoint, was refused: a diagnostic says why. Python, too, ends so on a syntax error.
    Refused = 1,
    /// A wrong command line, no interpreter, or a file that cannot be read or written.
    Usage = 2,
    /// A fault of heresy's own (`EX_SOFTWARE`); nothing that a user gives it may lead here.
    Internal = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
