//! `heresy resume`: continue a program from its checkpoint, wherever that is.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf, absolute};

use crate::checkpoint::{self, Manifest};
use crate::claim;
use crate::cli::ResumeArgs;
use crate::commands::chosen::{Chosen, choose};
use crate::config;
use crate::exit::Exit;
use crate::launch::{self, Launch, Resuming, Saving, Stopping};
use crate::program;
use crate::refusal::Refusal;

/// Becomes the interpreter, in the directory of the program that was stopped. Returns only if that is not possible.
pub fn execute(args: &ResumeArgs) -> anyhow::Result<Exit> {
    let Chosen { file, newest } = choose(args.file.as_deref(), args.at)?;
    let mut manifest = checkpoint::read_manifest(&file).map_err(|error| Refusal::checkpoint(&file, &error))?;
    // All are meant from where the user stands, not from where the program stood.
    let (file, checkpoint) = (absolute(&file)?, absolute(&newest)?);
    let claim = claim::of_checkpoint(&checkpoint).map_err(|process| Refusal::taken(&checkpoint, process))?;
    let python = args.python.python.as_ref().map(from_here).transpose()?;

    follow(&mut manifest, &args.map);
    let cwd = Path::new(&manifest.cwd.0);
    env::set_current_dir(cwd).map_err(|error| Refusal::place_gone(cwd, &error))?;
    let program = program::of_manifest(&manifest)?;
    let folder = program.folder()?;
    let project = config::project_of(&folder);
    let config = config::read(project.as_deref())?;
    let never = launch::launch(&Launch {
        program,
        args: manifest.args.iter().map(|argument| argument.0.clone()).collect(),
        python,
        bounce: args.bounce,
        on_unsaved: args.unsaved.on_unsaved.or(config.on_unsaved),
        resuming: Resuming {
            from: (file != checkpoint).then_some(file),
            trust: args.trust,
            map: args.map.clone(),
            pdb: args.pdb,
            line: args.line,
            dry_run: args.dry_run,
        },
        saving: Saving::choose(&args.saving, Some(&manifest), &config),
        stopping: Stopping::choose(&args.stopping),
        command: command_to_continue(&checkpoint),
        claim,
        instrument: [&*manifest.instrument, &*config.instrument].concat(),
        exclude: config.exclude,
        trial: None,
        roots: [Some(folder), project].into_iter().flatten().collect(),
        manifest: Some(manifest),
    })?;
    match never {}
}

/// Before: `/home/u/sim.py`, where `/home/u` has moved to `/scratch`. After: `/scratch/sim.py`.
fn follow(manifest: &mut Manifest, map: &[(PathBuf, PathBuf)]) {
    let modules = manifest.modules.iter_mut().map(|module| &mut module.path);
    for text in [&mut manifest.cwd, &mut manifest.script, &mut manifest.source.path].into_iter().chain(modules) {
        let path = Path::new(&text.0);
        let moved = map.iter().find_map(|(old, new)| Some(new.join(path.strip_prefix(old).ok()?)));
        if let Some(moved) = moved {
            // What was a folder itself has nothing after it.
            text.0 = moved.components().collect::<PathBuf>().into();
        }
    }
}

fn command_to_continue(checkpoint: &Path) -> Vec<OsString> {
    let heresy = env::args_os().next().unwrap_or_else(|| "heresy".into());
    [&*heresy, OsStr::new("resume"), checkpoint.as_os_str()].map(OsStr::to_owned).to_vec()
}

fn from_here(python: &OsString) -> std::io::Result<OsString> {
    let path = Path::new(python);
    let is_path = path.components().count() > 1;
    Ok(if is_path { absolute(path)?.into() } else { python.clone() })
}
