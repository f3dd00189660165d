//! What can be asked about checkpoints: how they are written, continued from, listed, looked into and signed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;

use super::{PythonArgs, StoppingArgs};

/// Continue a stopped program from its checkpoint
///
/// Script, arguments and working directory are those of the program that was stopped: all of them are in the
/// checkpoint. `heresy run` with the same script and arguments does the same.
///
/// A checkpoint is code to whoever continues it, so it must be signed with a key of yours: `heresy key` says more.
#[derive(Debug, Args)]
#[command(after_help = RESUME_EXAMPLES)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub python: PythonArgs,

    /// At Ctrl-C, stop and at once continue in a new process
    #[arg(long)]
    pub bounce: bool,

    #[command(flatten)]
    pub unsaved: UnsavedArgs,

    #[command(flatten)]
    pub saving: SavingArgs,

    #[command(flatten)]
    pub stopping: StoppingArgs,

    /// Go back to an older checkpoint, by the number that `heresy log` gives
    ///
    /// The newer ones stay. What the program has written to files since is not taken back.
    #[arg(long, value_name = "N")]
    pub at: Option<u64>,

    /// The program's folders are elsewhere here
    ///
    /// Its script and modules, its working directory and the files that it had open are looked for below NEW if they were below
    /// OLD. Paths in the program's own variables stay as they are. Can be given several times; the first that fits counts.
    #[arg(long, value_name = "OLD=NEW", value_parser = moved_folder)]
    pub map: Vec<(PathBuf, PathBuf)>,

    /// Begin in the debugger, where the program was stopped
    #[arg(long)]
    pub pdb: bool,

    /// Believe the checkpoint, whoever has signed it
    ///
    /// It runs what it likes, as you: only for what you would run from whoever gave it to you. What is damaged is refused still.
    #[arg(long)]
    pub trust: bool,

    /// Go on at this line, of the innermost function that was running and has a statement there
    ///
    /// What that function had called is left as it is, and does not return. For a source that was changed where the program
    /// stood, so that heresy cannot tell by itself where to go on.
    #[arg(long, value_name = "LINE")]
    pub line: Option<u32>,

    /// Say whether the stopped program can be continued, and where, without running it
    #[arg(long)]
    pub dry_run: bool,

    /// The checkpoint; without it, the only one in ./.heresy
    pub file: Option<PathBuf>,
}

const RESUME_EXAMPLES: &str = "\
Examples:
  heresy resume                                  continue the program that was stopped here
  heresy resume --at 7                           go back to checkpoint 7
  heresy resume sim.ckpt --map /home/u=/scratch  continue another machine's checkpoint";

/// Before: `"/home/u=/scratch"`. After: both paths; what is no such pair is a usage error.
pub(super) fn moved_folder(text: &str) -> Result<(PathBuf, PathBuf), String> {
    let pair = text.split_once('=').map(|(old, new)| (PathBuf::from(old), PathBuf::from(new)));
    pair.filter(|(old, new)| old.is_absolute() && new.is_absolute())
        .ok_or_else(|| "two folders from the root, as `/home/u/sim=/scratch/sim`".to_owned())
}

/// Show what a checkpoint holds
///
/// Where the program stands, frame by frame, with its variables; what takes the room in the file; and what could not be saved.
/// Nothing of the program runs, and nothing is unpickled.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// An older checkpoint, by the number that `heresy log` gives
    #[arg(long, value_name = "N")]
    pub at: Option<u64>,

    /// How to print it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output_format: InspectFormat,

    /// The checkpoint; without it, the only one in ./.heresy
    pub file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// For people
    #[default]
    Full,
    /// One object
    Json,
}

/// List checkpoints
///
/// Of each program that was stopped here the newest, and the older ones that `--keep` has kept, with the numbers for
/// `heresy resume --at`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// A checkpoint of the program to list; without it, all in ./.heresy
    pub file: Option<PathBuf>,
}

/// Show, export or import the key that checkpoints are signed with
///
/// A checkpoint is code to whoever continues it. So each is signed with a key of yours, made when it is first needed, and one
/// that is not signed with it, or with one that you have imported, is refused.
///
/// The key is in ~/.config/heresy/key; $HERESY_KEY can name another file.
#[derive(Debug, Args)]
#[command(after_help = KEY_EXAMPLES)]
pub struct KeyArgs {
    #[command(subcommand)]
    pub command: Option<KeyCommand>,
}

const KEY_EXAMPLES: &str = "\
Examples:
  heresy key                                       say where it is, and its fingerprint
  heresy key export | ssh gpu1 heresy key import   continue there what was stopped here";

#[derive(Clone, Debug, Subcommand)]
pub enum KeyCommand {
    /// Say where the keys are, and their fingerprints
    Show,
    /// Print the key, for `heresy key import` on another machine
    ///
    /// Whoever has it can write checkpoints that you would continue.
    Export,
    /// Believe checkpoints that are signed with another machine's key
    ///
    /// The own key stays what it is.
    Import {
        /// A file with what `heresy key export` has printed; without it, standard input
        file: Option<PathBuf>,
    },
}

/// How checkpoints are written; a program that is continued keeps to what it was started with.
#[derive(Debug, Args)]
pub struct SavingArgs {
    /// How many checkpoints to keep besides the newest
    ///
    /// `heresy log` lists them, and `heresy resume --at N` goes back to one; they stay when the program has ended. Without it,
    /// each checkpoint replaces the one before. `[tool.heresy]` in pyproject.toml can say so, too: `keep = 5`.
    #[arg(long, value_name = "N")]
    pub keep: Option<u32>,

    /// How hard to try to make checkpoints small
    ///
    /// `fast` halves most of them; `none` takes the least time. `auto`, the default, packs what is below 64 kB, and `fast` what is
    /// above 16 MB; to write what is between takes less time than to pack it. `[tool.heresy]`: `compress = "none"`.
    #[arg(long, value_enum, value_name = "HOW")]
    pub compress: Option<Compress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Compress {
    /// As far as it takes no time
    Auto,
    /// Not at all
    None,
    /// At zlib's first level
    Fast,
    /// As far as zlib goes
    Small,
}

impl Compress {
    pub fn name(self) -> &'static str {
        match self {
            Compress::Auto => "auto",
            Compress::None => "none",
            Compress::Fast => "fast",
            Compress::Small => "small",
        }
    }
}

#[derive(Debug, Args)]
pub struct UnsavedArgs {
    /// What to do at Ctrl-C about objects that cannot be saved: sockets, child processes, handles of C code
    ///
    /// `placeholder`, the default, stops, and names them; in the continued program a placeholder takes the place of each,
    /// which raises `heresy.UnsavedObjectError` where it is used. `refuse` lets the program run on, and names them.
    /// `[tool.heresy]` in pyproject.toml can say so, too: `on-unsaved = "refuse"`. A continued program keeps to it.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_unsaved: Option<OnUnsaved>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnsaved {
    Placeholder,
    Refuse,
}

impl OnUnsaved {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            OnUnsaved::Placeholder => "placeholder",
            OnUnsaved::Refuse => "refuse",
        }
    }
}
