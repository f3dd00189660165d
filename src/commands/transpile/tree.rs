//! A whole tree: each Python file below a folder to the same place below another, several at a time.
//!
//! What goes wrong with one file is said, and the others go on. A result that is there already is left alone, with its time
//! of change, so that build tools see what really changed.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::ColorChoice;
use heresy::{Code, Diagnostic, Options, Room, Source};

use super::output::{is_same, replace};
use super::{not_regular, unreadable, unwritable};
use crate::cli::TranspileArgs;
use crate::commands::walk::{is_python, is_special, walk};
use crate::commands::workers::{self, count};
use crate::commands::{interrupt, is_colored, report};
use crate::exit::Exit;
use crate::refusal::Refusal;

/// Transpiles all of `folder` into `output`.
pub fn transpile(folder: &Path, output: &Path, args: &TranspileArgs, color: ColorChoice) -> anyhow::Result<Exit> {
    prepare(folder, output)?;
    interrupt::note_signals();
    let mut plan = plan(folder, output, args.copy);
    let tree = Tree {
        folder,
        output,
        options: Options { target_version: args.target.target_version },
        colored: is_colored(&io::stderr(), color),
        why_halted: Mutex::new(None),
    };
    let outcomes = workers::map(plan.jobs.len(), |at, room| tree.work(&plan.jobs[at], room))?;

    plan.make_links(folder, output);
    if let Some(diagnostic) = tree.why_halted.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let rest = count(plan.jobs.len() - outcomes.len(), "file");
        plan.failures.push(diagnostic.note(format!("not written for that reason: {rest}")));
    }
    report(&plan.failures, color);
    let mut tally = Tally { failed: plan.failures.len(), ..Tally::default() };
    let mut stderr = io::stderr().lock();
    for outcome in outcomes {
        // Where nobody listens there is nobody to tell that telling failed.
        let _ = tally.add(outcome).iter().try_for_each(|text| writeln!(stderr, "{}", text.trim_end()));
    }
    let _ = writeln!(stderr, "heresy: {}", tally.summary());
    interrupt::give_way();
    Ok(match tally {
        Tally { failed: 1.., .. } => Exit::Usage,
        Tally { refused: 1.., .. } => Exit::Refused,
        _ => Exit::Success,
    })
}

/// Makes the folder for the results, unless a script could be overwritten there, or nothing be written.
fn prepare(folder: &Path, output: &Path) -> Result<(), Refusal> {
    let usage = |diagnostic| Refusal::new(Exit::Usage, diagnostic);
    let absolute = |path: &Path| path.canonicalize().map_err(|error| usage(unreadable(path, &error)));
    fs::create_dir_all(output).map_err(|error| {
        usage(match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                let title = format!("{} is a file, and the result of a folder is a folder", output.display());
                Diagnostic::new(Code::UNWRITABLE, title)
            }
            _ => unwritable(output, &error),
        })
    })?;
    if absolute(folder)?.starts_with(absolute(output)?) {
        let holds = if is_same(folder, output) { "is the input itself" } else { "holds the input" };
        let diagnostic = Diagnostic::new(Code::OUTPUT_IS_INPUT, format!("{} {holds}", output.display()));
        return Err(usage(diagnostic.note("heresy never overwrites a script: name a folder beside it, or in it")));
    }
    let probe = tempfile::Builder::new().prefix(".heresy-").tempfile_in(output);
    probe.map(drop).map_err(|error| usage(unwritable(output, &error)))
}

/// What is to be done, in the order of the paths.
struct Plan {
    jobs: Vec<Job>,
    /// Links to folders.
    links: Vec<PathBuf>,
    failures: Vec<Diagnostic>,
}

struct Job {
    /// From either folder.
    path: PathBuf,
    is_python: bool,
}

/// Finds the files and makes the folders that they go to. A folder that cannot be made costs one diagnostic, not one for
/// each of its files.
fn plan(folder: &Path, output: &Path, copies: bool) -> Plan {
    let found = walk(folder, Some(output));
    let unreadable = |(path, error): &(PathBuf, io::Error)| unreadable(&folder.join(path), error);
    let mut failures: Vec<Diagnostic> = found.unreadable.iter().map(unreadable).collect();
    let mut folders = HashMap::new();
    let mut jobs = Vec::new();
    for path in found.files {
        let is_python = is_python(&path);
        if is_python || copies {
            let parent = path.parent().unwrap_or(Path::new(""));
            if make_folder(output, parent, &mut folders, &mut failures) {
                jobs.push(Job { path, is_python });
            }
        }
    }
    Plan { jobs, links: found.links, failures }
}

/// Makes `path` below `output`, and says once why if that cannot be. Results go into real folders only: behind a link there
/// may be scripts.
fn make_folder(output: &Path, path: &Path, made: &mut HashMap<PathBuf, bool>, failures: &mut Vec<Diagnostic>) -> bool {
    if let Some(&is_made) = made.get(path) {
        return is_made;
    }
    let Some(parent) = path.parent() else { return true };
    let is_made = make_folder(output, parent, made, failures) && {
        let folder = output.join(path);
        let done = match fs::symlink_metadata(&folder) {
            Ok(there) if there.is_dir() => Ok(()),
            Ok(_) => Err(io::Error::other("it is there, and no folder")),
            Err(_) => fs::create_dir(&folder),
        };
        failures.extend(done.as_ref().err().map(|error| unwritable(&folder, error)));
        done.is_ok()
    };
    made.insert(path.to_owned(), is_made);
    is_made
}

impl Plan {
    /// Makes each link to a folder again, if it leads to a folder of the tree that has results.
    fn make_links(&mut self, folder: &Path, output: &Path) {
        for link in &self.links {
            let parent = link.parent().unwrap_or(Path::new(""));
            let root = folder.canonicalize();
            let inside = root.and_then(|root| Ok((folder.join(link).canonicalize()?, root)));
            let inside = inside.ok().and_then(|(target, root)| Some(target.strip_prefix(root).ok()?.to_owned()));
            let Some(inside) = inside else {
                let title =
                    format!("{} is a link to a folder outside of {}", folder.join(link).display(), folder.display());
                let diagnostic = Diagnostic::new(Code::UNREADABLE, title);
                self.failures.push(diagnostic.note("it was not followed: transpile that folder by itself"));
                continue;
            };
            if !output.join(&inside).is_dir() || !output.join(parent).is_dir() {
                continue;
            }
            let up: PathBuf = parent.components().map(|_| "..").collect();
            let target: PathBuf = up.join(inside).components().collect();
            if let Err(error) = make_link(&target, &output.join(link)) {
                self.failures.push(unwritable(&output.join(link), &error));
            }
        }
    }
}

fn make_link(target: &Path, at: &Path) -> io::Result<()> {
    let target = if target == Path::new("") { Path::new(".") } else { target };
    match fs::read_link(at) {
        Ok(there) if there == target => return Ok(()),
        Ok(_) => fs::remove_file(at)?,
        Err(_) => {}
    }
    std::os::unix::fs::symlink(target, at)
}

/// What the workers share.
struct Tree<'a> {
    folder: &'a Path,
    output: &'a Path,
    options: Options,
    colored: bool,
    /// Why nothing more can be written.
    why_halted: Mutex<Option<Diagnostic>>,
}

/// What has become of one file; diagnostics as text.
enum Outcome {
    Transpiled { is_new: bool },
    Copied,
    Refused(Vec<String>),
    Failed(String),
}

impl Tree<'_> {
    /// `None` if there is no use in going on.
    fn work(&self, job: &Job, room: &Room) -> Option<Outcome> {
        if interrupt::has_come() {
            return None;
        }
        let error = match self.do_job(job, room) {
            Ok(outcome) => return Some(outcome),
            Err(error) => error,
        };
        let diagnostic = unwritable(&self.output.join(&job.path), &error);
        if is_hopeless(&error) {
            self.why_halted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(diagnostic);
            return None;
        }
        Some(Outcome::Failed(diagnostic.render(self.colored)))
    }

    /// An error is one of writing.
    fn do_job(&self, job: &Job, room: &Room) -> io::Result<Outcome> {
        let input = self.folder.join(&job.path);
        let failed = |error: &io::Error| Ok(Outcome::Failed(unreadable(&input, error).render(self.colored)));
        let metadata = match fs::metadata(&input) {
            Ok(metadata) if is_special(&metadata) => {
                return Ok(Outcome::Failed(not_regular(&input).render(self.colored)));
            }
            Ok(metadata) => metadata,
            Err(error) => return failed(&error),
        };
        if !job.is_python {
            if let Err(error) = File::open(&input) {
                return failed(&error);
            }
            self.put(job, &metadata, metadata.len(), || Ok(BufReader::new(File::open(&input)?)))?;
            return Ok(Outcome::Copied);
        }
        let bytes = match fs::read(&input) {
            Ok(bytes) => bytes,
            Err(error) => return failed(&error),
        };
        let refused = |diagnostics: Vec<Diagnostic>| {
            Ok(Outcome::Refused(diagnostics.iter().map(|diagnostic| diagnostic.render(self.colored)).collect()))
        };
        let source = match Source::from_bytes(input.to_string_lossy(), &bytes) {
            Ok(source) => source,
            Err(diagnostic) => return refused(vec![diagnostic]),
        };
        let transpiled = match room.transpile(&source, &self.options) {
            Ok(transpiled) => transpiled,
            Err(diagnostics) => return refused(diagnostics),
        };
        match source.encode(transpiled.text()) {
            Ok(result) => {
                let is_new = self.put(job, &metadata, result.len() as u64, || Ok(&result[..]))?;
                Ok(Outcome::Transpiled { is_new })
            }
            Err(diagnostic) => refused(vec![diagnostic]),
        }
    }

    /// Makes the job's result what `content` gives, `length` bytes; `false` if it was that already.
    fn put<R: BufRead>(
        &self,
        job: &Job,
        input: &Metadata,
        length: u64,
        content: impl Fn() -> io::Result<R>,
    ) -> io::Result<bool> {
        let target = self.output.join(&job.path);
        if let Ok(there) = fs::symlink_metadata(&target)
            && there.is_file()
            && there.len() == length
            && is_equal(content()?, BufReader::new(File::open(&target)?))?
        {
            if there.permissions() != input.permissions() {
                fs::set_permissions(&target, input.permissions())?;
            }
            return Ok(false);
        }
        replace(&target, Some(input.permissions()), |file| io::copy(&mut content()?, file).map(drop))?;
        Ok(true)
    }
}

fn is_equal(mut one: impl BufRead, mut other: impl BufRead) -> io::Result<bool> {
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if left[..length] != right[..length] || (length == 0 && left.len() != right.len()) {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// Whether the next file would meet with the same: a disk that is full or cannot be written at all.
fn is_hopeless(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
}

/// What has become of all files.
#[derive(Debug, Default)]
struct Tally {
    transpiled: usize,
    unchanged: usize,
    copied: usize,
    refused: usize,
    failed: usize,
}

impl Tally {
    /// Counts an outcome, and gives what is to be said of it.
    fn add(&mut self, outcome: Outcome) -> Vec<String> {
        match outcome {
            Outcome::Transpiled { is_new } => {
                self.transpiled += 1;
                self.unchanged += usize::from(!is_new);
                Vec::new()
            }
            Outcome::Copied => {
                self.copied += 1;
                Vec::new()
            }
            Outcome::Refused(texts) => {
                self.refused += 1;
                texts
            }
            Outcome::Failed(text) => {
                self.failed += 1;
                vec![text]
            }
        }
    }

    /// Before: the numbers. After: `1774 files transpiled, 3 of them unchanged; 2 copied; 14 refused`.
    fn summary(&self) -> String {
        let mut summary = format!("{} transpiled", count(self.transpiled, "file"));
        if self.unchanged > 0 {
            summary += &format!(", {} of them unchanged", self.unchanged);
        }
        for (number, word) in [(self.copied, "copied"), (self.refused, "refused"), (self.failed, "failed")] {
            if number > 0 {
                summary += &format!("; {number} {word}");
            }
        }
        summary
    }
}
