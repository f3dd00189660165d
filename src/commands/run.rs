//! `heresy run`: start a script, or continue it.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::checkpoint::{self, Manifest};
use crate::claim;
use crate::cli::{RunArgs, Target};
use crate::config;
use crate::exit::Exit;
use crate::launch::{self, Launch, Resuming, Saving, Stopping};
use crate::program::{self, Kind};
use crate::refusal::Refusal;

/// Becomes the interpreter. Returns only if that is not possible.
pub fn execute(args: &RunArgs) -> anyhow::Result<Exit> {
    let target = args.target();
    let found = program::find(target)?;
    let folder = found.folder()?;
    let project = config::project_of(&folder);
    let config = config::read(project.as_deref())?;

    let checkpoints = match &config.checkpoint_dir {
        Some(folder) => folder.clone(),
        None => env::current_dir()?.join(checkpoint::FOLDER),
    };
    let (identity, stem) = found.identity(target);
    let first = checkpoint::path_of_program(&identity, &stem, args.program_args(), &checkpoints);
    let claim = claim::of_run(&first, args.fresh);
    let manifest = if args.fresh { None } else { existing_manifest(&claim.checkpoint)? };
    if let Some(process) = claim.instead_of {
        anstream::eprintln!("heresy: process {process} continues this command; this one starts from the beginning");
    }
    if manifest.is_none() && args.dry_run {
        anstream::eprintln!("heresy: there is no checkpoint of this program here: it would start from the beginning");
        return Ok(Exit::Success);
    }
    // Where the source of a module is, a checkpoint knows.
    let program = match &manifest {
        Some(manifest) if found.kind == Kind::Module => program::of_manifest(manifest)?,
        _ => found,
    };
    let saving = Saving::choose(&args.saving, manifest.as_ref(), &config);
    let never = launch::launch(&Launch {
        program,
        args: args.program_args().to_owned(),
        python: args.python.python.clone(),
        bounce: args.bounce,
        on_unsaved: args.unsaved.on_unsaved.or(config.on_unsaved),
        claim,
        manifest,
        resuming: Resuming { line: args.at, dry_run: args.dry_run, ..Resuming::default() },
        saving,
        stopping: Stopping::choose(&args.stopping),
        command: command_to_continue(args),
        roots: [Some(folder), project].into_iter().flatten().collect(),
        instrument: [&*args.instrument, &*config.instrument].concat(),
        exclude: config.exclude,
        trial: None,
    })?;
    match never {}
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
    if let Some(keep) = args.saving.keep {
        words.push(format!("--keep={keep}").into());
    }
    if let Some(compress) = args.saving.compress {
        words.push(format!("--compress={}", compress.name()).into());
    }
    words.extend(args.stopping.as_typed().map(OsString::from));
    if let Some(choice) = args.unsaved.on_unsaved {
        words.extend(["--on-unsaved".into(), choice.name().into()]);
    }
    words.extend(args.instrument.iter().map(|pattern| format!("--instrument={pattern}").into()));
    match args.target() {
        Target::Module(name) => words.extend(["-m".into(), name.to_owned()]),
        Target::Code(code) => words.extend(["-c".into(), code.to_owned()]),
        Target::Stdin => words.push("-".into()),
        Target::Script(script) => {
            if script.to_string_lossy().starts_with('-') {
                words.push("--".into());
            }
            words.push(script.to_owned());
        }
    }
    words.extend_from_slice(args.program_args());
    words
}
