//! Becoming the interpreter: from a script and its arguments to the `exec` that starts or continues it.

use std::convert::Infallible;
use std::env;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::IntoRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use heresy::{Options, Source};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

use crate::boot::{self, Edit, HashSeed, Trial};
use crate::cache;
use crate::changes;
use crate::checkpoint::Manifest;
use crate::claim::Claim;
use crate::cli::{Compress, OnError, OnUnsaved, SavingArgs, Seconds, StoppingArgs};
use crate::config::Config;
use crate::edits::{self, Changed};
use crate::interpreter::{self, Asked, Compiling, Interpreter};
use crate::program::{Kind, Program, SourceFile};
use crate::refusal::Refusal;
use crate::runtime;

const HASH_SEED: &str = "PYTHONHASHSEED";

/// Tells the runtime's `_boot.py` who compiles the rest of it: the process, and the open file that ends when it has done so.
const COMPILING: &str = "HERESY_COMPILING";

/// A program to start, or to continue if there is a manifest. The current directory is the program's.
#[derive(Debug)]
pub struct Launch {
    pub program: Program,
    pub args: Vec<OsString>,
    /// The value of `--python`.
    pub python: Option<OsString>,
    pub bounce: bool,
    pub on_unsaved: Option<OnUnsaved>,
    pub claim: Claim,
    /// What the checkpoint says, if the program continues from one.
    pub manifest: Option<Manifest>,
    pub resuming: Resuming,
    pub saving: Saving,
    pub stopping: Stopping,
    /// The command line that continues the program, for messages.
    pub command: Vec<OsString>,
    /// The folders whose modules are the program's own.
    pub roots: Vec<PathBuf>,
    /// Patterns of names of further modules that are, and of those that are left alone.
    pub instrument: Vec<String>,
    pub exclude: Vec<String>,
    pub trial: Option<Trial>,
}

/// How a program is continued.
#[derive(Debug, Default)]
pub struct Resuming {
    /// The checkpoint to continue from, if it is not the newest.
    pub from: Option<PathBuf>,
    pub trust: bool,
    pub map: Vec<(PathBuf, PathBuf)>,
    pub pdb: bool,
    /// The line at which it is to go on, if the user has chosen one.
    pub line: Option<u32>,
    /// Only say whether and where it can be continued.
    pub dry_run: bool,
}

/// How checkpoints are written.
#[derive(Debug)]
pub struct Saving {
    pub keep: Option<u32>,
    pub compress: Option<String>,
}

impl Saving {
    /// What the command line says; else what the program was started with; else what the project says.
    pub fn choose(args: &SavingArgs, manifest: Option<&Manifest>, config: &Config) -> Saving {
        let name = |compress: Option<Compress>| compress.map(|compress| compress.name().to_owned());
        let compress_before = || manifest.and_then(|manifest| manifest.compress.clone());
        Saving {
            keep: args.keep.or_else(|| manifest.and_then(|manifest| manifest.keep)).or(config.keep),
            compress: name(args.compress).or_else(compress_before).or_else(|| name(config.compress)),
        }
    }
}

/// When a program is saved while it runs, and how a stop ends it.
#[derive(Debug)]
pub struct Stopping {
    /// Seconds between checkpoints, and how much of the run time they may cost.
    pub every: Option<(f64, f64)>,
    pub grace: f64,
    pub status: Option<u8>,
    pub on_error: OnError,
}

impl Stopping {
    pub fn choose(args: &StoppingArgs) -> Stopping {
        let every = args.every.filter(|Seconds(seconds)| *seconds > 0.0);
        Stopping {
            every: every.map(|Seconds(seconds)| (seconds, args.max_overhead)),
            grace: args.grace.0,
            status: args.stop_status,
            on_error: args.on_error,
        }
    }
}

/// Everything that the interpreter needs, laid out in files.
struct Prepared {
    cache: PathBuf,
    code: PathBuf,
    interpreter: Interpreter,
    compiling: Option<Compiling>,
    boot: PathBuf,
    changed: Vec<Changed>,
}

/// Replaces this process by the interpreter. Returns only if that fails: with a [`Refusal`], or a failure of the
/// machine.
pub fn launch(launch: &Launch) -> anyhow::Result<Infallible> {
    let (mut command, compiling) = put_together(launch, &choose_hash_seed(launch.manifest.as_ref()), block_signals)?;
    if let Some(compiling) = compiling {
        // Both are left to the interpreter, which waits for the one and reads to the end of the other.
        fcntl(&compiling.output, FcntlArg::F_SETFD(FdFlag::empty()))?;
        command.env(COMPILING, format!("{} {}", compiling.process.id(), compiling.output.into_raw_fd()));
    }
    let error = command.exec();
    Err(error).with_context(|| format!("cannot execute {}", Path::new(command.get_program()).display()))
}

/// The command that is the interpreter with all that it needs.
pub fn command(launch: &Launch, hash_seed: &HashSeed) -> anyhow::Result<Command> {
    let (command, compiling) = put_together(launch, hash_seed, Vec::new)?;
    if let Some(mut compiling) = compiling {
        compiling.process.wait()?;
    }
    Ok(command)
}

/// The same, and what may still be going on. `block` is called when nothing is left to be done here but to execute it; it gives
/// the signals that it has blocked.
fn put_together(
    launch: &Launch,
    hash_seed: &HashSeed,
    block: impl FnOnce() -> Vec<&'static str>,
) -> anyhow::Result<(Command, Option<Compiling>)> {
    let source = launch.program.source.as_ref();
    let prepared = cache::with_folder(|folder| prepare(launch, folder))?;
    if let (Some(manifest), Some(source)) = (&launch.manifest, source)
        && manifest.source.sha256 != source.sha256
        && !prepared.changed.iter().any(|changed| changed.edit.path == source.path)
    {
        return Err(source_changed(launch, manifest, &source.bytes).into());
    }
    for changed in &prepared.changed {
        let path = changed.edit.path.display();
        anstream::eprintln!("heresy: {path} has changed since the program was stopped:\n{}", changed.changes);
    }
    let edits: Vec<Edit> = prepared.changed.into_iter().map(|changed| changed.edit).collect();

    let executable = env::current_exe()?;
    let blocked = block();
    let (path, sha256) = source.map_or((Path::new(""), ""), |source| (&source.path, &source.sha256));
    let words = boot::Words {
        kind: launch.program.kind.name(),
        script: &launch.program.script,
        source: path,
        sha256,
        original: &cache::source_path(&prepared.cache, sha256),
        folder: &prepared.cache,
        cache: &prepared.code,
        build: &cache::build_key(),
        roots: &launch.roots,
        instrument: &launch.instrument,
        exclude: &launch.exclude,
        checkpoint: &launch.claim.checkpoint,
        claim: launch.claim.descriptor,
        resume: launch.manifest.is_some(),
        edits: &edits,
        at: launch.resuming.line,
        dry_run: launch.resuming.dry_run,
        from: launch.resuming.from.as_deref(),
        trust: launch.resuming.trust,
        map: &launch.resuming.map,
        pdb: launch.resuming.pdb,
        keep: launch.saving.keep,
        compress: launch.saving.compress.as_deref(),
        every: launch.stopping.every,
        grace: launch.stopping.grace,
        stop_status: launch.stopping.status,
        command: &launch.command,
        bounce: launch.bounce,
        on_unsaved: launch.on_unsaved.map(OnUnsaved::name),
        on_error: launch.stopping.on_error.name(),
        heresy: &executable,
        hash_seed,
        trial: launch.trial.as_ref(),
        blocked: &blocked,
    };
    let mut command = Command::new(&prepared.interpreter.path);
    command.arg(&prepared.boot).arg(words.to_json()).args(&launch.args).env(HASH_SEED, &hash_seed.value);
    Ok((command, prepared.compiling))
}

fn prepare(launch: &Launch, folder: &Path) -> anyhow::Result<Prepared> {
    let sought = interpreter::seek(launch.python.as_deref(), folder).map_err(|error| Refusal::interpreter(&error))?;
    let boot = runtime::lay_out(folder);
    let (interpreter, asked) = sought.found().map_err(|error| Refusal::interpreter(&error))?;
    let boot = boot?;
    if let Some(source) = &launch.program.source {
        // Such text is in no file of the user's.
        let is_only_here = matches!(launch.program.kind, Kind::Command | Kind::Stdin);
        let keep = if is_only_here { cache::store_durably } else { cache::store };
        mark(source, keep, interpreter.version, folder)?;
    }
    let code = cache::code_folder(folder)?;
    let changed = match &launch.manifest {
        Some(manifest) => edits::find(manifest, launch.program.source.as_ref(), interpreter.version, folder)?,
        None => Vec::new(),
    };
    let compiling = asked.filter(|_| !runtime::is_compiled(folder, interpreter.version)).and_then(Asked::compile);
    Ok(Prepared { cache: folder.to_owned(), code, interpreter, compiling, boot, changed })
}

/// Makes sure that the cache has a program's text, written by `keep`, and its marked form; the runtime transpiles what it imports.
fn mark(
    source: &SourceFile,
    keep: fn(&Path, &[u8]) -> io::Result<()>,
    target_version: (u8, u8),
    folder: &Path,
) -> anyhow::Result<()> {
    let original = cache::source_path(folder, &source.sha256);
    let marked = cache::marked_path(folder, &source.sha256, target_version);
    if cache::is_there(&marked) && cache::is_whole(&original, source.bytes.len()) {
        return Ok(());
    }
    let text = Source::from_bytes(source.path.to_string_lossy(), &source.bytes)
        .map_err(|error| Refusal::script(vec![error]))?;
    let transpiled = heresy::transpile(&text, &Options { target_version }).map_err(Refusal::script)?;
    keep(&original, &source.bytes)?;
    cache::store_marked(&marked, transpiled.text())?;
    cache::keep(folder);
    Ok(())
}

fn source_changed(launch: &Launch, manifest: &Manifest, new: &[u8]) -> Refusal {
    let stood_at = manifest.place();
    let old = cache::find_source(&manifest.source.sha256);
    let old = old.map(|(path, text)| (path, changes::describe(&text, new)));
    Refusal::source_changed(&launch.program.script, &launch.claim.checkpoint, stood_at.as_deref(), old.as_ref())
}

/// A program keeps one hash seed for its life, so that its sets and hashes agree after a resume.
///
/// Continued: the one it has. Started: the user's own choice, or a random one where the user left it to chance.
fn choose_hash_seed(manifest: Option<&Manifest>) -> HashSeed {
    let was = env::var_os(HASH_SEED);
    let chosen = match (manifest, &was) {
        (Some(manifest), _) => manifest.hash_seed.clone().into(),
        (None, Some(fixed)) if !fixed.is_empty() && fixed != "random" => fixed.clone(),
        // 0 would switch randomization off, which is visible in `sys.flags`.
        (None, _) => (1 + RandomState::new().build_hasher().finish() % u64::from(u32::MAX)).to_string().into(),
    };
    HashSeed { value: chosen, was }
}

/// Blocks the signals that stop or save a program until the runtime has its handlers in place; one that comes in between waits.
///
/// Output: those that were blocked here. Those that were blocked or ignored already are left as whoever started
/// heresy wanted it.
fn block_signals() -> Vec<&'static str> {
    let mut to_block = SigSet::empty();
    let mut before = SigSet::empty();
    // Reading the mask and blocking known signals cannot fail; if it did, a start would only be less patient.
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, None, Some(&mut before));
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1] {
        if !before.contains(signal) && !is_ignored(signal) {
            to_block.add(signal);
        }
    }
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&to_block), None);
    to_block.iter().map(Signal::as_str).collect()
}

fn is_ignored(signal: Signal) -> bool {
    use nix::libc;
    // SAFETY: without a new action, `sigaction` only fills in the old one; all zeros is a valid value of the plain C
    // struct.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal as libc::c_int, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}
