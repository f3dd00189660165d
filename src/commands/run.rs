//! `heresy run`: start a script, or continue it.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::checkpoint::{self, Manifest};
use crate::cli::RunArgs;
use crate::exit::Exit;
use crate::launch::{self, Launch};
use crate::refusal::Refusal;

/// Becomes the interpreter. Returns only if that is not possible.
pub fn execute(args: &RunArgs) -> anyhow::Result<Exit> {
    let script = args.script();
    if script == "-" {
        return Err(Refusal::script_on_stdin().into());
    }
    let checkpoint = checkpoint_of(args)?;
    let manifest = if args.fresh { None } else { existing_manifest(&checkpoint)? };
    let never = launch::launch(&Launch {
        script: script.to_owned(),
        args: args.script_args().to_owned(),
        python: args.python.python.clone(),
        bounce: args.bounce,
        checkpoint,
        manifest,
        command: command_to_continue(args),
    })?;
    match never {}
}

/// A link is not followed: its name may be why it exists, and what it points to may change.
fn checkpoint_of(args: &RunArgs) -> anyhow::Result<PathBuf> {
    let script = launch::absolute_as_python(args.script())?;
    let folder = script.parent().and_then(|folder| folder.canonicalize().ok());
    let resolved = match (folder, script.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => script,
    };
    Ok(checkpoint::path_of_program(&resolved, args.script_args(), &env::current_dir()?))
}

fn existing_manifest(checkpoint: &Path) -> Result<Option<Manifest>, Refusal> {
    match checkpoint::read_manifest(checkpoint) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(checkpoint::Error::Io(error)) if is_absence(&error) => Ok(None),
        Err(error) => Err(Refusal::checkpoint(checkpoint, &error)),
    }
}

/// Where the folder's name is taken by a file, too, no program was stopped; a stop will say that it cannot be written.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Before: `heresy run --fresh --python 3.13 a.py -x`. After: the same without `--fresh`, which would start over.
fn command_to_continue(args: &RunArgs) -> Vec<OsString> {
    let mut words = vec![env::args_os().next().unwrap_or_else(|| "heresy".into()), "run".into()];
    if let Some(python) = &args.python.python {
        words.extend(["--python".into(), python.clone()]);
    }
    if args.bounce {
        words.push("--bounce".into());
    }
    if args.script().to_string_lossy().starts_with('-') {
        words.push("--".into());
    }
    words.push(args.script().to_owned());
    words.extend_from_slice(args.script_args());
    words
}
