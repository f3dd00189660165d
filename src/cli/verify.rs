//! What can be asked of a trial of one's own program.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{ProgramArgs, PythonArgs, UnsavedArgs, module_pattern};

/// Try whether a script, stopped and continued, does what it does by itself
///
/// Runs `python SCRIPT ARGS` first. Then stops the script, as Ctrl-C would, at many of the statements that it comes to, one in
/// each run; continues it in a new process; and compares what it has printed, its exit status and the files that it has written
/// with those of the plain run.
///
/// Nothing of yours is touched: each run has a fresh copy of the current directory and, if that is elsewhere, of the script's
/// folder, and works there. `.git`, `.hg`, virtual environments, `__pycache__` and `.heresy` are not copied. What the script
/// reaches by absolute paths in its text, by the network or in a database is not copied either, and is used by each run.
/// Standard input is what you give it as a file (`< data`), else empty; the script itself cannot be on it.
///
/// The script is to do the same in each run: two plain runs are compared first. It has one hash seed in all of them. Give it
/// arguments with which it takes seconds, not hours: its statements are counted, which takes 10 times as long
/// and more.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub python: PythonArgs,

    /// At how many statements to stop, spread over the run
    #[arg(long, value_name = "N", default_value = "20")]
    pub points: NonZero<u64>,

    /// Stop at every statement
    #[arg(long, conflicts_with = "points")]
    pub every_point: bool,

    /// Stop at this statement alone, by the number that a difference was told with. Can be given several times
    #[arg(long, value_name = "N", conflicts_with_all = ["points", "every_point"])]
    pub at: Vec<NonZero<u64>>,

    /// How many runs at a time; the default is the number of processors
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZero<usize>>,

    /// Copy this folder, in place of the current directory and the script's folder
    ///
    /// If the current directory is in it, the runs are where that is in the copy; else at the top of the copy. A script that is
    /// not in it is run from where it is.
    #[arg(long, value_name = "DIR", conflicts_with = "in_place")]
    pub dir: Option<PathBuf>,

    /// Copy nothing: all runs work in the current directory, one after the other
    ///
    /// For a script that writes no files, or the same ones each time. Files are not compared then.
    #[arg(long)]
    pub in_place: bool,

    /// The most to copy, in megabytes
    #[arg(long, value_name = "MB", default_value_t = 200)]
    pub copy_limit: u64,

    /// What not to compare: `stdout`, `stderr`, or a file; `*` stands for any text: `logs/*`. Can be given several times
    #[arg(long, value_name = "WHAT")]
    pub ignore: Vec<String>,

    /// How many seconds a run may take; the default is 60, and 50 times what the plain run has taken
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,

    /// How to print what came of it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output_format: VerifyFormat,

    #[command(flatten)]
    pub unsaved: UnsavedArgs,

    /// Modules to make continuable besides the program's own: see `heresy run --help`
    #[arg(long, value_name = "PATTERN", value_parser = module_pattern)]
    pub instrument: Vec<String>,

    #[command(flatten)]
    pub program: ProgramArgs,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  heresy verify train.py --epochs 1            20 stops, spread over the run
  heresy verify --every-point train.py -n 3    at every statement
  heresy verify --ignore 'logs/*' train.py     without files that have times in them
  heresy verify --dir . /opt/tools/sum.py in/  copy this folder only, not the script's

Exit status: 0 if all runs did the same, 1 if one did not, 2 if that could not be found out.";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// For people, on standard error
    #[default]
    Full,
    /// One object, on standard output
    Json,
}

/// Before: `"2.5"`. After: that many seconds.
fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse().ok().filter(|seconds| *seconds > 0.0);
    number.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| "a number of seconds".to_owned())
}
