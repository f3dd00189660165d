//! `heresy resume`: continue a program from its checkpoint, wherever that is.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::checkpoint;
use crate::cli::ResumeArgs;
use crate::config;
use crate::exit::Exit;
use crate::launch::{self, Launch};
use crate::program;
use crate::refusal::Refusal;

/// Becomes the interpreter, in the directory of the program that was stopped. Returns only if that is not possible.
pub fn execute(args: &ResumeArgs) -> anyhow::Result<Exit> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => only_checkpoint(&env::current_dir()?)?,
    };
    let manifest = checkpoint::read_manifest(&file).map_err(|error| Refusal::checkpoint(&file, &error))?;
    // Both are meant from where the user stands, not from where the program stood.
    let checkpoint = std::path::absolute(&file)?;
    let python = args.python.python.as_ref().map(from_here).transpose()?;

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
        checkpoint,
        instrument: [&*manifest.instrument, &*config.instrument].concat(),
        exclude: config.exclude,
        roots: [Some(folder), project].into_iter().flatten().collect(),
        manifest: Some(manifest),
        command: env::args_os().collect(),
    })?;
    match never {}
}

fn from_here(python: &OsString) -> std::io::Result<OsString> {
    let path = Path::new(python);
    let is_path = path.components().count() > 1;
    Ok(if is_path { std::path::absolute(path)?.into() } else { python.clone() })
}

fn only_checkpoint(cwd: &Path) -> anyhow::Result<PathBuf> {
    let found = checkpoint::all_in(cwd)?;
    if let [only] = found.as_slice() {
        return Ok(only.clone());
    }
    let described: Vec<String> = found.iter().map(|path| describe(path, cwd)).collect();
    Err(Refusal::which_checkpoint(cwd, &described).into())
}

/// Output: `.heresy/sim-0123456789abcdef.ckpt: sim.py -n 3, stopped 5 minutes ago at sim.py:12 in step()`.
fn describe(path: &Path, cwd: &Path) -> String {
    let name = path.strip_prefix(cwd).unwrap_or(path).display();
    match checkpoint::read_manifest(path) {
        Ok(manifest) => {
            let words = [&manifest.script].into_iter().chain(&manifest.args);
            let words: Vec<_> = words.map(|word| word.0.to_string_lossy()).collect();
            let place = manifest.place().map_or(String::new(), |place| format!(" at {place}"));
            format!("{name}: {}, stopped {} ago{place}", words.join(" "), age(manifest.created))
        }
        Err(error) => format!("{name}: {error}"),
    }
}

/// Before: a moment, in seconds since 1970. After: the time since, in the largest unit that it fills: `3 hours`.
fn age(created: f64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = (now.as_secs_f64() - created).max(0.0);
    let units = [("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0), ("second", 1.0)];
    let (unit, length) = units.into_iter().find(|(_, length)| seconds >= *length).unwrap_or(units[3]);
    let count = (seconds / length).floor();
    format!("{count} {unit}{}", if count == 1.0 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::age;

    #[test]
    fn ages_read_naturally() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        assert_eq!(age(now - 3700.0), "1 hour");
        assert_eq!(age(now - 2.0 * 86_400.0 - 5.0), "2 days");
        assert_eq!(age(now + 100.0), "0 seconds", "a clock that was set back");
    }
}
