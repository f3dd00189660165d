//! `heresy check`: where scripts would keep a stop waiting.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ColorChoice;
use heresy::diagnostic::Level;
use heresy::{Diagnostic, Options, Room, Source};

use super::transpile::{not_regular, print, read_input, unreadable};
use crate::cli::{CheckArgs, OutputFormat};
use crate::commands::is_colored;
use crate::commands::walk::{is_python, is_special, walk};
use crate::commands::workers::{self, count};
use crate::exit::Exit;

mod format;

pub fn execute(args: &CheckArgs, color: ColorChoice) -> anyhow::Result<Exit> {
    let (files, mut failures) = files(&args.paths);
    let options = Options { target_version: args.target.target_version };
    let colored = is_colored(&io::stdout(), color);
    let checked = workers::map(files.len(), |at, room| Some(check(&files[at], &options, room)))?;

    let mut found = Vec::new();
    for result in checked {
        match result {
            Ok(diagnostics) => found.push(diagnostics),
            Err(failure) => failures.push(failure),
        }
    }
    let with_findings = found.iter().filter(|diagnostics| !diagnostics.is_empty()).count();
    let found: Vec<Diagnostic> = failures.iter().cloned().chain(found.into_iter().flatten()).collect();
    print(format::all(&found, args.output_format, colored).as_bytes())?;

    let findings = found.len() - failures.len();
    if args.output_format == OutputFormat::Full || args.output_format == OutputFormat::Concise {
        let mut summary = match findings {
            0 => format!("nothing found in {}", count(files.len(), "file")),
            _ => format!("{} in {with_findings} of {}", count(findings, "finding"), count(files.len(), "file")),
        };
        if found.iter().any(|diagnostic| diagnostic.level == Level::Warning) {
            summary += "; `heresy explain CODE` says more";
        }
        let _ = writeln!(io::stderr(), "heresy: {summary}");
    }
    Ok(match (failures.len(), findings) {
        (1.., _) => Exit::Usage,
        (_, 1..) => Exit::Refused,
        _ => Exit::Success,
    })
}

/// The files that paths mean, each once, in the order of the paths; and what cannot be looked at.
fn files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut failures = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let found = walk(path, None);
        for file in found.files.iter().filter(|file| is_python(file)).map(|file| join(path, file)) {
            match fs::metadata(&file) {
                Ok(metadata) if is_special(&metadata) => failures.push(not_regular(&file)),
                _ => files.push(file),
            }
        }
        failures.extend(found.unreadable.iter().map(|(inside, error)| unreadable(&join(path, inside), error)));
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    (files, failures)
}

/// Before: `.` and `a.py`. After: `a.py`, as people call it.
fn join(folder: &Path, inside: &Path) -> PathBuf {
    if folder == Path::new(".") { inside.to_owned() } else { folder.join(inside) }
}

fn check(file: &Path, options: &Options, room: &Room) -> Result<Vec<Diagnostic>, Diagnostic> {
    let (name, bytes) = read_input(file).map_err(|error| unreadable(file, &error))?;
    Ok(match Source::from_bytes(name, &bytes) {
        Ok(source) => room.check(&source, options),
        Err(diagnostic) => vec![diagnostic],
    })
}
