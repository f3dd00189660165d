//! Why a command does not do what was asked: diagnostics, with the status that heresy then ends with. Above all, every reason
//! not to start a program.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use heresy::{Code, Diagnostic};

use crate::checkpoint;
use crate::exit::Exit;
use crate::interpreter;

/// The machine around heresy failed: a full disk, a limit, a permission.
pub const MACHINE: Code = Code { number: "H012", name: "machine" };
const NO_SCRIPT: Code = Code { number: "H020", name: "no-script" };
const NO_INTERPRETER: Code = Code { number: "H021", name: "no-interpreter" };
// The runtime gives the first four and H342, too, with the same meaning; the others from H305 to H329 are its own.
const UNREADABLE_CHECKPOINT: Code = Code { number: "H301", name: "unreadable-checkpoint" };
const FOREIGN_CHECKPOINT: Code = Code { number: "H302", name: "foreign-checkpoint" };
const DAMAGED_CHECKPOINT: Code = Code { number: "H303", name: "damaged-checkpoint" };
const SOURCE_CHANGED: Code = Code { number: "H304", name: "source-changed" };
const NO_KEY: Code = Code { number: "H342", name: "no-key" };
const WHICH_CHECKPOINT: Code = Code { number: "H330", name: "which-checkpoint" };
const PLACE_GONE: Code = Code { number: "H331", name: "place-gone" };
const TAKEN: Code = Code { number: "H337", name: "checkpoint-taken" };
const NO_SUCH_NUMBER: Code = Code { number: "H340", name: "no-such-number" };
const NOT_A_KEY: Code = Code { number: "H341", name: "not-a-key" };

/// What is not done, and why.
#[derive(Debug)]
pub struct Refusal {
    pub diagnostics: Vec<Diagnostic>,
    pub exit: Exit,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostics.iter().try_for_each(|diagnostic| write!(f, "{diagnostic}"))
    }
}

impl Refusal {
    pub fn new(exit: Exit, diagnostic: Diagnostic) -> Refusal {
        Refusal { diagnostics: vec![diagnostic], exit }
    }

    /// The script cannot be read.
    pub fn no_script(script: &OsStr, error: &io::Error) -> Refusal {
        let script = Path::new(script).display();
        let diagnostic = match error.kind() {
            io::ErrorKind::NotFound => Diagnostic::new(NO_SCRIPT, format!("there is no file {script}")),
            _ => Diagnostic::new(NO_SCRIPT, format!("{script} cannot be read: {}", in_words(error))),
        };
        Refusal::new(Exit::Usage, diagnostic)
    }

    /// The script is a folder that is no program.
    pub fn folder_without_main(script: &OsStr) -> Refusal {
        let title = format!("{} is a folder without a `__main__.py`", Path::new(script).display());
        Refusal::new(Exit::Usage, Diagnostic::new(NO_SCRIPT, title).note("name the script in it that is to be run"))
    }

    /// The script is a zip archive.
    pub fn zipped(script: &OsStr) -> Refusal {
        let title = format!("{} is a zip archive, which heresy does not run", Path::new(script).display());
        let diagnostic = Diagnostic::new(NO_SCRIPT, title)
            .note("modules inside an archive cannot be made continuable: unpack it, and run the folder");
        Refusal::new(Exit::Refused, diagnostic)
    }

    /// Code that was given on the command line or on standard input is in no file, and in no cache any more.
    pub fn text_gone(script: &OsStr) -> Refusal {
        let title = format!("the code of the program `{}` is not in the cache any more", Path::new(script).display());
        let diagnostic =
            Diagnostic::new(NO_SCRIPT, title).note("continue it by the command that started it, with the same code");
        Refusal::new(Exit::Refused, diagnostic)
    }

    /// The script is no Python, by the lights of the interpreter that was to run it.
    pub fn script(diagnostics: Vec<Diagnostic>) -> Refusal {
        Refusal { diagnostics, exit: Exit::Refused }
    }

    pub fn interpreter(error: &interpreter::Error) -> Refusal {
        let diagnostic = Diagnostic::new(NO_INTERPRETER, error.to_string()).note(error.advice());
        Refusal::new(Exit::Usage, diagnostic)
    }

    /// The script is another than the one that was stopped. `old` is, where it is still known, the file that has the text
    /// of then, and a diff from it.
    pub fn source_changed(
        script: &OsStr,
        checkpoint: &Path,
        stood_at: Option<&str>,
        old: Option<&(PathBuf, String)>,
    ) -> Refusal {
        let script = Path::new(script).display();
        let mut diagnostic = Diagnostic::new(SOURCE_CHANGED, format!("{script} has changed since it was stopped"));
        if let Some(place) = stood_at {
            diagnostic = diagnostic.note(format!("it was stopped at {place}"));
        }
        let restore = match old {
            Some((path, changes)) => {
                diagnostic = diagnostic.note(format!("what changed since:\n{changes}"));
                format!("to continue, restore the file; its text of then is in {}", path.display())
            }
            None => "to continue, restore the file".to_owned(),
        };
        let diagnostic = diagnostic
            .note(restore)
            .note("to start over, use `heresy run --fresh`")
            .note(format!("nothing is lost: the checkpoint {} stays as it is", checkpoint.display()));
        Refusal::new(Exit::Refused, diagnostic)
    }

    /// The checkpoint is cut, damaged, not heresy's, or of a later release.
    pub fn checkpoint(path: &Path, error: &checkpoint::Error) -> Refusal {
        use checkpoint::Error;
        let (code, exit) = match error {
            Error::Io(_) => (UNREADABLE_CHECKPOINT, Exit::Usage),
            Error::Foreign | Error::Older(_) | Error::Newer(_) => (FOREIGN_CHECKPOINT, Exit::Refused),
            Error::Cut { .. } | Error::Damaged(_) => (DAMAGED_CHECKPOINT, Exit::Refused),
        };
        let why = match error {
            Error::Io(error) => in_words(error),
            other => other.to_string(),
        };
        let mut diagnostic = Diagnostic::new(code, format!("cannot continue from {}", path.display())).note(why);
        if exit == Exit::Refused {
            diagnostic = diagnostic.note("the file stays as it is; `heresy run --fresh` starts the program over");
        }
        Refusal::new(exit, diagnostic)
    }

    /// `heresy resume` without a file, where there is none, or more than one: `found` describes each.
    pub fn which_checkpoint(folder: &Path, found: &[String]) -> Refusal {
        let diagnostic = if found.is_empty() {
            Diagnostic::new(WHICH_CHECKPOINT, format!("no program was stopped in {}", folder.display()))
                .note("`heresy run script.py` starts one; or name a checkpoint: `heresy resume FILE`")
        } else {
            Diagnostic::new(WHICH_CHECKPOINT, format!("{} programs were stopped in {}", found.len(), folder.display()))
                .note(format!("name the one to continue, `heresy resume FILE`:\n{}", found.join("\n")))
        };
        Refusal::new(Exit::Usage, diagnostic)
    }

    /// There is no checkpoint of this number.
    pub fn no_such_number(newest: &Path, number: u64, there: &[u64]) -> Refusal {
        let there = match there {
            [] => "there is none at all".to_owned(),
            _ => format!("there are {}", there.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
        };
        let title = format!("there is no checkpoint {number} of {}", newest.display());
        let note = format!("{there}; `heresy log` lists them, and `--keep N` keeps the last N");
        Refusal::new(Exit::Usage, Diagnostic::new(NO_SUCH_NUMBER, title).note(note))
    }

    /// What was to be imported is no key.
    pub fn not_a_key() -> Refusal {
        let diagnostic = Diagnostic::new(NOT_A_KEY, "what was given is not a key")
            .note("`heresy key export` on the other machine prints one: a line that begins with `heresy-key-`");
        Refusal::new(Exit::Usage, diagnostic)
    }

    /// There is no key to sign with, and none can be made.
    pub fn no_key(place: &Path, error: &io::Error) -> Refusal {
        let title = format!("there is no key in {}: {}", place.display(), in_words(error));
        let note = "set HERESY_KEY to a file of yours that can be written, outside of the program's folder";
        Refusal::new(Exit::Usage, Diagnostic::new(NO_KEY, title).note(note))
    }

    /// A checkpoint belongs to a program that runs.
    pub fn taken(checkpoint: &Path, process: i32) -> Refusal {
        let title =
            format!("process {process} has continued from {}, or has made it, and still runs", checkpoint.display());
        let note = "what a program does is done once: stop that one, or wait for its end, then continue";
        Refusal::new(Exit::Refused, Diagnostic::new(TAKEN, title).note(note))
    }

    /// The directory that a program worked in is not there.
    pub fn place_gone(cwd: &Path, error: &io::Error) -> Refusal {
        let title = format!("the program's working directory {} cannot be entered: {}", cwd.display(), in_words(error));
        let diagnostic = Diagnostic::new(PLACE_GONE, title)
            .note("a program continues in the directory that it was started in, where its files are")
            .note("if it has moved, or this is another machine: `heresy resume --map OLD=NEW`");
        Refusal::new(Exit::Usage, diagnostic)
    }
}

/// Before: `No such file or directory (os error 2)`. After: `no such file or directory`.
pub fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_lowercase().chain(characters).collect())
}
