//! The command line: what can be asked of `heresy`, as types. Nothing here acts.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

mod checkpoints;
mod program;
mod stopping;
mod verify;

pub use checkpoints::{
    Compress, InspectArgs, InspectFormat, KeyArgs, KeyCommand, LogArgs, OnUnsaved, ResumeArgs, SavingArgs, UnsavedArgs,
};
pub use program::{ProgramArgs, Target};
pub use stopping::{OnError, Seconds, StoppingArgs};
pub use verify::{VerifyArgs, VerifyFormat};

/// Run an ordinary Python script so that it can be stopped anywhere and carry on later.
///
/// Ctrl-C saves the whole program (every frame, every variable, every open file's position) and ends it.
/// The same command again continues it at the very statement it had reached, in a new process, also after
/// a reboot, on another machine, or under another CPython from 3.11 to 3.15. The script is not edited.
#[derive(Debug, Parser)]
#[command(name = "heresy", version, arg_required_else_help = true)]
#[command(after_help = "Begin with:  heresy run script.py   (Ctrl-C stops it; the same command again goes on)")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// When to colour diagnostics and diffs
    ///
    /// `auto` colours what goes to a terminal, unless NO_COLOR is set; a given flag beats the variable.
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(RunArgs),
    Resume(ResumeArgs),
    Inspect(InspectArgs),
    Log(LogArgs),
    Key(KeyArgs),
    Verify(VerifyArgs),
    Transpile(TranspileArgs),
    Diff(DiffArgs),
    Check(CheckArgs),
    Explain(ExplainArgs),
    Cache(CacheArgs),
    #[command(hide = true)]
    Mark(MarkArgs),
}

/// Run a script; or continue it, if it was stopped here
///
/// The script sees what `python SCRIPT ARGS` would show it: arguments, standard input, exit status, signals,
/// tracebacks. Ctrl-C writes a checkpoint to `.heresy/` in the current directory and ends the program;
/// the same command, given again in the same directory, continues it. A program that ends removes its checkpoint.
/// SIGTERM and SIGHUP stop it in the same way; SIGUSR1 writes a checkpoint and lets it run on. Signals that the program
/// handles itself, or was started to ignore, are left to it.
///
/// The checkpoint belongs to one script with one list of arguments: others neither meet nor disturb it.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    pub python: PythonArgs,

    /// Start over, even if there is a checkpoint to continue from
    ///
    /// The old checkpoint is kept until the new run replaces it with its own, or ends.
    #[arg(long)]
    pub fresh: bool,

    /// At Ctrl-C, stop and at once continue in a new process
    ///
    /// A way to try whether a script survives being stopped: it goes on as if nothing had been. Use Ctrl-\ to end it.
    #[arg(long)]
    pub bounce: bool,

    /// Go on at this line, of the innermost function that was running and has a statement there
    ///
    /// What that function had called is left as it is, and does not return. For a source that was changed where the program
    /// stood, so that heresy cannot tell by itself where to go on.
    #[arg(long, value_name = "LINE")]
    pub at: Option<u32>,

    /// Say whether the stopped program can be continued, and where, without running it
    #[arg(long)]
    pub dry_run: bool,

    #[command(flatten)]
    pub unsaved: UnsavedArgs,

    /// Modules to make continuable besides the program's own: a name, `pkg.*` or `*`
    ///
    /// The program's own modules are those below the script's folder and the current project. A pattern adds others, of
    /// site-packages or of the standard library; `pkg.*` means the package and all in it. Can be given several times;
    /// `[tool.heresy]` in pyproject.toml can hold a list: `instrument = ["pkg.*"]`, and `exclude` for what to leave alone.
    #[arg(long, value_name = "PATTERN", value_parser = module_pattern)]
    pub instrument: Vec<String>,

    #[command(flatten)]
    pub saving: SavingArgs,

    #[command(flatten)]
    pub stopping: StoppingArgs,

    #[command(flatten)]
    program: ProgramArgs,
}

const RUN_EXAMPLES: &str = "\
Examples:
  heresy run train.py --epochs 90          start, or continue after Ctrl-C
  heresy run --fresh train.py --epochs 90  start over
  heresy run --python 3.13 train.py        choose the interpreter
  heresy run --keep 5 train.py             keep five checkpoints to go back to
  heresy run --every 30s train.py          be able to continue after a kill or a crash, too
  heresy run -m package.module             run a module, as `python -m` does";

impl RunArgs {
    /// What to run, as typed.
    pub fn target(&self) -> Target<'_> {
        self.program.target()
    }

    /// The program's own arguments.
    pub fn program_args(&self) -> &[OsString] {
        self.program.args()
    }
}

/// The words of the command line, with `--` after `-m MODULE` and `-c CODE` of `run` and `verify`: as with `python`, what follows them is
/// the program's.
pub fn words(typed: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = Vec::new();
    let mut typed = typed.into_iter();
    let mut in_run = false;
    while let Some(word) = typed.next() {
        let text = word.to_string_lossy().into_owned();
        words.push(word);
        if !in_run {
            in_run = (text == "run" || text == "verify") && words.len() > 1;
            continue;
        }
        match text.as_str() {
            "-m" | "-c" => {
                words.extend(typed.next());
                words.push("--".into());
                words.extend(typed.by_ref());
            }
            "--python" | "--instrument" | "--keep" | "--compress" | "--on-unsaved" | "--on-error" | "--color"
            | "--at" | "--every" | "--max-overhead" | "--grace" | "--stop-status" | "--points" | "--jobs" | "--dir"
            | "--copy-limit" | "--ignore" | "--timeout" | "--output-format" => {
                words.extend(typed.next());
            }
            option if option.len() > 2 && (option.starts_with("-m") || option.starts_with("-c")) => {
                words.push("--".into());
                words.extend(typed.by_ref());
            }
            option if option.starts_with("--") && option != "--" => {}
            _ => words.extend(typed.by_ref()),
        }
    }
    words
}

/// Before: `"pkg.*"`. After: the same; what can never name a module is a usage error.
fn module_pattern(text: &str) -> Result<String, String> {
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|each| each.is_alphanumeric() || each == '_');
    let names = text.strip_suffix(".*").unwrap_or(text);
    if text == "*" || names.split('.').all(is_name) {
        Ok(text.to_owned())
    } else {
        Err("a module's name, `pkg.*` for a package and all in it, or `*`".to_owned())
    }
}

/// Transpile one module for the runtime
///
/// What a program imports is met while it runs, so the runtime asks for it.
#[derive(Debug, Args)]
pub struct MarkArgs {
    /// What diagnostics call the module
    #[arg(long)]
    pub name: OsString,

    #[command(flatten)]
    pub target: TargetArgs,

    /// The module's source
    pub source: PathBuf,

    /// Where its marked form goes, in UTF-8
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub struct PythonArgs {
    /// The interpreter: a path, a name on PATH, or a version like 3.13
    ///
    /// Without it, the active virtual environment's ($VIRTUAL_ENV); else that of the one that heresy is called from, as
    /// `.venv/bin/heresy`; else `python3` on PATH; with `python -m heresy`, that python. It must be CPython 3.11 to 3.15. A
    /// stopped program may be continued by another version than the one it was stopped under.
    #[arg(long, value_name = "PY", overrides_with = "python")]
    pub python: Option<OsString>,
}

/// Show the Python that heresy makes of a script
///
/// The result is the script itself, byte for byte, with a label at each place where it can be continued, a goto at the top
/// of each scope, and a first line that starts the runtime. `python OUT` runs it where heresy's runtime can be imported
/// (see --with-runtime).
///
/// Of a folder, every `.py` and `.pyw` file below it goes to the same place below OUT. What is wrong with one file does not
/// keep the others: all diagnostics are printed, and a summary. A result that is there already is not written again.
#[derive(Debug, Args)]
#[command(after_help = TRANSPILE_EXAMPLES)]
pub struct TranspileArgs {
    /// The script, or a folder of them; `-` reads standard input
    #[arg(value_name = "IN")]
    pub input: PathBuf,

    /// Where to write the result; `-`, and the default, is standard output
    ///
    /// A file is replaced as a whole or not at all. It cannot be the input, nor a folder that holds the input.
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,

    /// Copy all other files of a folder, too
    ///
    /// `__pycache__` and `.heresy` are left out.
    #[arg(long, requires = "output")]
    pub copy: bool,

    /// Print a diff from the script to the result, in place of the result
    #[arg(long)]
    pub diff: bool,

    /// Put the runtime beside OUT, so that `python OUT` finds it
    ///
    /// Writes the folder `heresy` into OUT's folder; into OUT, if that is a folder.
    #[arg(long, requires = "output")]
    pub with_runtime: bool,

    #[command(flatten)]
    pub target: TargetArgs,
}

const TRANSPILE_EXAMPLES: &str = "\
Examples:
  heresy transpile script.py                      print the result
  heresy transpile script.py -o out.py            write it
  heresy transpile src -o build --copy            a whole tree";

/// Show how heresy's Python differs from the script
///
/// A unified diff from the script to what `heresy transpile` makes of it: statements are added, and nothing else changes.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The script; `-` reads standard input
    #[arg(value_name = "IN")]
    pub input: PathBuf,

    /// Unchanged lines to show around each change
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub context: usize,

    #[command(flatten)]
    pub target: TargetArgs,
}

/// Say where a stop of these scripts would have to wait
///
/// heresy runs and stops any script. This shows what in it cannot be continued exactly: Ctrl-C waits there until it is over,
/// or is refused. What Python would reject is shown, too. `heresy explain CODE` says more about each finding.
///
/// A comment in the line of a finding ignores it: `# heresy: ignore[H104]`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXIT)]
pub struct CheckArgs {
    /// Scripts, and folders of them; `-` reads standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How to print what is found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output_format: OutputFormat,

    #[command(flatten)]
    pub target: TargetArgs,
}

const CHECK_EXIT: &str = "Exit status: 0 if nothing was found, 1 if something was, 2 if something could not be read.";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// With the text around it, why, and what to do
    #[default]
    Full,
    /// One line for each
    Concise,
    /// An array of objects
    Json,
    /// Commands that annotate a pull request on GitHub
    Github,
}

/// Explain the code of a diagnostic
///
/// The same texts, for all codes, are in `src/explain.md`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code, as `H104`, or its name, as `class-body-call`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub code: Option<String>,

    /// Explain all codes
    #[arg(long)]
    pub all: bool,
}

/// Look after the folder of transpiled scripts
///
/// Whatever is in it is made again when it is needed; checkpoints are elsewhere. The folder is kept below 512 MB, or
/// $HERESY_CACHE_MB: what has not been used for longest goes first.
#[derive(Debug, Args)]
pub struct CacheArgs {
    #[command(subcommand)]
    pub command: CacheCommand,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum CacheCommand {
    /// Print where it is
    Dir,
    /// Remove what is in it
    ///
    /// What was used within the last minute stays, since a program may be starting; so does a runtime that was started
    /// within a year, since a program that still runs needs it to stop.
    Clean,
}

#[derive(Debug, Args)]
pub struct TargetArgs {
    /// The Python version whose syntax the script is written in
    ///
    /// A file that this version would reject is rejected, with the reason.
    #[arg(long, value_name = "X.Y", default_value = "3.15", value_parser = target_version())]
    pub target_version: (u8, u8),
}

/// Before: `"3.13"`. After: `(3, 13)`; anything but a supported version is a usage error that lists those that are.
fn target_version() -> impl TypedValueParser<Value = (u8, u8)> {
    PossibleValuesParser::new(["3.11", "3.12", "3.13", "3.14", "3.15"]).map(|text| {
        let minor = text.trim_start_matches("3.").parse().unwrap_or(u8::MAX);
        (3, minor)
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::{CommandFactory, Parser};

    use super::checkpoints::moved_folder;
    use super::{Cli, Command, OnUnsaved, Target, module_pattern, words};

    #[test]
    fn definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_after_the_script_is_the_scripts() {
        let typed = ["heresy", "run", "--fresh", "a.py", "--python", "x", "--", "-h", "--fresh"];
        let Command::Run(run) = Cli::parse_from(typed).command else { panic!("not `run`") };
        assert!(run.fresh && run.python.python.is_none());
        assert_eq!(run.target(), Target::Script("a.py".as_ref()));
        assert_eq!(run.program_args(), ["--python", "x", "--", "-h", "--fresh"]);
    }

    #[test]
    fn everything_after_a_module_is_the_modules() {
        let typed = ["heresy", "run", "--python", "3.13", "-m", "pkg.mod", "--fresh", "-m", "x"];
        let typed = words(typed.map(OsString::from));
        let Command::Run(run) = Cli::parse_from(typed).command else { panic!("not `run`") };
        assert_eq!(run.target(), Target::Module("pkg.mod".as_ref()));
        assert_eq!(run.program_args(), ["--fresh", "-m", "x"]);
        assert!(!run.fresh);
    }

    #[test]
    fn what_an_option_takes_is_not_the_script() {
        let typed = ["heresy", "run", "--on-unsaved", "refuse", "-m", "pkg", "--fresh"].map(OsString::from);
        let Command::Run(run) = Cli::parse_from(words(typed)).command else { panic!("not `run`") };
        assert_eq!(run.unsaved.on_unsaved, Some(OnUnsaved::Refuse));
        assert_eq!((run.target(), run.program_args().len()), (Target::Module("pkg".as_ref()), 1));
    }

    #[test]
    fn a_program_is_tried_with_its_own_arguments() {
        let typed =
            ["heresy", "verify", "--points", "3", "--ignore", "a", "-m", "pkg", "--points", "x"].map(OsString::from);
        let Command::Verify(verify) = Cli::parse_from(words(typed)).command else { panic!("not `verify`") };
        assert_eq!((verify.points.get(), verify.ignore), (3, vec!["a".to_owned()]));
        assert_eq!((verify.program.target(), verify.program.args().len()), (Target::Module("pkg".as_ref()), 2));
    }

    #[test]
    fn patterns_are_checked() {
        for good in ["pkg", "pkg.mod", "pkg.*", "*"] {
            assert!(module_pattern(good).is_ok(), "{good}");
        }
        for bad in ["", "pkg.", "*.mod", "pkg/mod", "pkg.*.x"] {
            assert!(module_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn folders_that_have_moved_are_given_from_the_root() {
        assert_eq!(moved_folder("/a=/b=c"), Ok(("/a".into(), "/b=c".into())));
        for bad in ["", "/a", "a=/b", "/a=b", "="] {
            assert!(moved_folder(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_option_before_the_script_is_an_error() {
        assert!(Cli::try_parse_from(["heresy", "run", "--frsh", "a.py"]).is_err());
    }
}
