//! `heresy log`: which checkpoints there are.

use std::env;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::checkpoint;
use crate::cli::LogArgs;
use crate::commands::chosen::{age, size};
use crate::commands::transpile::print;
use crate::exit::Exit;
use crate::refusal::Refusal;

/// Output: a line for each program, and below it one for each of its checkpoints, the newest first.
///
/// ```text
/// .heresy/sim-0123456789abcdef.ckpt: sim.py -n 3
///      8  2 minutes ago    1.2 MB  sim.py:12 in step()
///      7  9 minutes ago    1.1 MB  sim.py:12 in step()
/// ```
pub fn execute(args: &LogArgs) -> anyhow::Result<Exit> {
    let cwd = env::current_dir()?;
    let programs = match &args.file {
        Some(file) => vec![checkpoint::newest_of(file)],
        None => checkpoint::all_in(&cwd)?,
    };
    let mut text = String::new();
    for newest in programs {
        let all = checkpoint::all_of(&newest).map_err(|error| Refusal::checkpoint(&newest, &error.into()))?;
        if all.is_empty() && args.file.is_some() {
            return Err(Refusal::checkpoint(&newest, &std::io::Error::from(std::io::ErrorKind::NotFound).into()).into());
        }
        describe(&mut text, &newest, &all, &cwd)?;
    }
    if text.is_empty() {
        eprintln!("heresy: no program was stopped in {}", cwd.display());
    }
    print(text.as_bytes())?;
    Ok(Exit::Success)
}

fn describe(text: &mut String, newest: &Path, all: &[(u64, PathBuf)], cwd: &Path) -> std::fmt::Result {
    let name = newest.strip_prefix(cwd).unwrap_or(newest).display();
    let mut lines = String::new();
    let mut command = None;
    for (number, file) in all.iter().rev() {
        match checkpoint::read_manifest(file) {
            Ok(manifest) => {
                let bytes = file.metadata().map_or(0, |metadata| metadata.len() as usize);
                let place = manifest.place().unwrap_or_default();
                let age = format!("{} ago", age(manifest.created));
                writeln!(lines, "{number:6}  {age:<15}  {:>10}  {place}", size(bytes))?;
                command.get_or_insert_with(|| manifest.command());
            }
            Err(error) => writeln!(lines, "{number:6}  {}: {error}", file.display())?,
        }
    }
    if newest.exists() && all.last().is_none_or(|(_, file)| file != newest) {
        // What it says of itself cannot be read, not even its number.
        if let Err(error) = checkpoint::read_manifest(newest) {
            writeln!(lines, "     ?  {error}")?;
        }
    }
    let ended = if newest.exists() { "" } else { " (ended)" };
    writeln!(text, "{name}: {}{ended}", command.unwrap_or_default())?;
    text.push_str(&lines);
    Ok(())
}
