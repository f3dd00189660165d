//! A whole tree: each Python file below a folder to the same place below another, several at a time.
//!
//! What goes wrong with one file is said, and the others go on. A result that is there already is left alone, with its time
//! of change, so that build tools see what really changed.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::{panic, thread};

use clap::ColorChoice;
use heresy::{Code, Diagnostic, Options, Room, Source};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::{is_same, replace};
use super::{interrupt, unreadable, unwritable};
use crate::cli::TranspileArgs;
use crate::commands::walk::{is_python, is_special, walk};
use crate::commands::{is_colored, report};
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
        next: AtomicUsize::new(0),
        is_halted: AtomicBool::new(false),
        why_halted: Mutex::new(None),
        progress: progress(plan.jobs.len()),
    };
    let mut tally = tree.work(&plan.jobs)?;
    tree.progress.finish_and_clear();

    plan.make_links(folder, output);
    if let Ok(Some((at, error))) = tree.why_halted.into_inner() {
        let rest = plan.jobs.len() - tally.done();
        let diagnostic = unwritable(&output.join(&plan.jobs[at].path), &error);
        plan.failures.push(diagnostic.note(format!("{} not written", count(rest, "file was", "files were"))));
    }
    report(&plan.failures, color);
    tally.failed += plan.failures.len();
    tally.said.sort();
    let mut stderr = io::stderr().lock();
    for (_, text) in &tally.said {
        let _ = writeln!(stderr, "{}", text.trim_end());
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
    /// The first job that nobody has taken.
    next: AtomicUsize,
    /// Writing has become impossible.
    is_halted: AtomicBool,
    why_halted: Mutex<Option<(usize, io::Error)>>,
    progress: ProgressBar,
}

/// What has become of one file.
enum Outcome {
    Written,
    Unchanged,
    Refused(Vec<Diagnostic>),
    Failed(Diagnostic),
}

impl Tree<'_> {
    fn work(&self, jobs: &[Job]) -> io::Result<Tally> {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
        let tallies: io::Result<Vec<Tally>> = thread::scope(|scope| {
            let start = |_| scope.spawn(|| heresy::with_room(|room| self.work_off(jobs, &room)));
            let workers: Vec<_> = (0..workers).map(start).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|why| panic::resume_unwind(why))).collect()
        });
        Ok(tallies?.into_iter().fold(Tally::default(), Tally::plus))
    }

    /// Takes jobs until there are none, or no use in going on.
    fn work_off(&self, jobs: &[Job], room: &Room) -> Tally {
        let mut tally = Tally::default();
        while !self.is_halted.load(Relaxed) && !interrupt::has_come() {
            let at = self.next.fetch_add(1, Relaxed);
            let Some(job) = jobs.get(at) else { break };
            match self.do_job(job, room) {
                Ok(outcome) => tally.add(at, job, outcome, self.colored),
                Err(error) if is_hopeless(&error) => {
                    self.is_halted.store(true, Relaxed);
                    self.why_halted.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((at, error));
                }
                Err(error) => {
                    let diagnostic = unwritable(&self.output.join(&job.path), &error);
                    tally.add(at, job, Outcome::Failed(diagnostic), self.colored);
                }
            }
            self.progress.inc(1);
        }
        tally
    }

    /// An error is one of writing.
    fn do_job(&self, job: &Job, room: &Room) -> io::Result<Outcome> {
        let input = self.folder.join(&job.path);
        let metadata = match fs::metadata(&input) {
            Ok(metadata) if is_special(&metadata) => {
                return Ok(Outcome::Failed(unreadable(&input, &io::Error::other("it is no regular file"))));
            }
            Ok(metadata) => metadata,
            Err(error) => return Ok(Outcome::Failed(unreadable(&input, &error))),
        };
        if !job.is_python {
            return match File::open(&input) {
                Ok(_) => self.put(job, &metadata, metadata.len(), || Ok(BufReader::new(File::open(&input)?))),
                Err(error) => Ok(Outcome::Failed(unreadable(&input, &error))),
            };
        }
        match fs::read(&input) {
            Ok(bytes) => match self.transpile_bytes(input.to_string_lossy().into(), &bytes, room) {
                Ok(result) => self.put(job, &metadata, result.len() as u64, || Ok(&result[..])),
                Err(diagnostics) => Ok(Outcome::Refused(diagnostics)),
            },
            Err(error) => Ok(Outcome::Failed(unreadable(&input, &error))),
        }
    }

    fn transpile_bytes(&self, name: String, bytes: &[u8], room: &Room) -> Result<Vec<u8>, Vec<Diagnostic>> {
        let source = Source::from_bytes(name, bytes).map_err(|diagnostic| vec![diagnostic])?;
        let transpiled = room.transpile(&source, &self.options)?;
        source.encode(transpiled.text()).map_err(|diagnostic| vec![diagnostic])
    }

    /// Makes the job's result what `content` gives, `length` bytes, unless it is that already.
    fn put<R: BufRead>(
        &self,
        job: &Job,
        input: &Metadata,
        length: u64,
        content: impl Fn() -> io::Result<R>,
    ) -> io::Result<Outcome> {
        let target = self.output.join(&job.path);
        if let Ok(there) = fs::symlink_metadata(&target)
            && there.is_file()
            && there.len() == length
            && is_equal(content()?, BufReader::new(File::open(&target)?))?
        {
            if there.permissions() != input.permissions() {
                fs::set_permissions(&target, input.permissions())?;
            }
            return Ok(Outcome::Unchanged);
        }
        replace(&target, Some(input.permissions()), |file| io::copy(&mut content()?, file).map(drop))?;
        Ok(Outcome::Written)
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

/// What has become of some files.
#[derive(Debug, Default)]
struct Tally {
    written: usize,
    unchanged: usize,
    copied: usize,
    refused: usize,
    failed: usize,
    /// Diagnostics as text, each with its job's number.
    said: Vec<(usize, String)>,
}

impl Tally {
    fn add(&mut self, at: usize, job: &Job, outcome: Outcome, colored: bool) {
        let diagnostics = match outcome {
            Outcome::Failed(diagnostic) => {
                self.failed += 1;
                vec![diagnostic]
            }
            Outcome::Refused(diagnostics) => {
                self.refused += 1;
                diagnostics
            }
            Outcome::Written | Outcome::Unchanged if !job.is_python => {
                self.copied += 1;
                return;
            }
            Outcome::Written => {
                self.written += 1;
                return;
            }
            Outcome::Unchanged => {
                self.unchanged += 1;
                return;
            }
        };
        self.said.extend(diagnostics.iter().map(|diagnostic| (at, diagnostic.render(colored))));
    }

    fn plus(mut self, other: Tally) -> Tally {
        self.written += other.written;
        self.unchanged += other.unchanged;
        self.copied += other.copied;
        self.refused += other.refused;
        self.failed += other.failed;
        self.said.extend(other.said);
        self
    }

    fn done(&self) -> usize {
        self.written + self.unchanged + self.copied + self.refused + self.failed
    }

    /// Before: the numbers. After: `1774 files transpiled, 3 of them unchanged; 2 copied; 14 refused`.
    fn summary(&self) -> String {
        let mut summary = format!("{} transpiled", count(self.written + self.unchanged, "file", "files"));
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

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Drawn on a terminal, at most twenty times a second; anywhere else there is none.
fn progress(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(jobs as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
