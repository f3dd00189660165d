//! Becoming the interpreter: from a script and its arguments to the `exec` that starts or continues it.

use std::convert::Infallible;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use heresy::{Options, Source};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

use crate::boot::{self, HashSeed};
use crate::cache;
use crate::changes;
use crate::checkpoint::Manifest;
use crate::interpreter::{self, Interpreter};
use crate::refusal::Refusal;
use crate::runtime;

const HASH_SEED: &str = "PYTHONHASHSEED";

/// A program to start, or to continue if there is a manifest. The current directory is the program's.
#[derive(Debug)]
pub struct Launch {
    /// The script, as typed.
    pub script: OsString,
    pub args: Vec<OsString>,
    /// The value of `--python`.
    pub python: Option<OsString>,
    pub bounce: bool,
    pub checkpoint: PathBuf,
    /// What the checkpoint says, if the program continues from it.
    pub manifest: Option<Manifest>,
    /// The command line that continues the program, for messages.
    pub command: Vec<OsString>,
}

/// Everything that the interpreter needs, laid out in files.
struct Prepared {
    cache: PathBuf,
    code: PathBuf,
    interpreter: Interpreter,
    boot: PathBuf,
    marked: PathBuf,
}

/// Replaces this process by the interpreter. Returns only if that fails: with a [`Refusal`], or a failure of the
/// machine.
pub fn launch(launch: &Launch) -> anyhow::Result<Infallible> {
    let source_path = absolute_as_python(&launch.script)?;
    let bytes = fs::read(&source_path).map_err(|error| Refusal::no_script(&launch.script, &error))?;
    let sha256 = cache::hash_one(&bytes);
    if let Some(manifest) = &launch.manifest
        && manifest.source.sha256 != sha256
    {
        return Err(source_changed(launch, manifest, &bytes).into());
    }
    let prepared = cache::with_folder(|folder| prepare(launch, folder, &bytes, &sha256))?;

    let hash_seed = choose_hash_seed(launch.manifest.as_ref());
    let executable = env::current_exe()?;
    let blocked = block_signals();
    let words = boot::Words {
        script: &launch.script,
        source: &source_path,
        sha256: &sha256,
        marked: &prepared.marked,
        original: &cache::source_path(&prepared.cache, &sha256),
        cache: &prepared.code,
        checkpoint: &launch.checkpoint,
        resume: launch.manifest.is_some(),
        command: &launch.command,
        bounce: launch.bounce,
        heresy: &executable,
        hash_seed: &hash_seed,
        blocked: &blocked,
    };
    let mut command = Command::new(&prepared.interpreter.path);
    command.arg(&prepared.boot).arg(words.to_json()).args(&launch.args).env(HASH_SEED, &hash_seed.value);
    let error = command.exec();
    Err(error).with_context(|| format!("cannot execute {}", prepared.interpreter.path.display()))
}

fn prepare(launch: &Launch, folder: &Path, bytes: &[u8], sha256: &str) -> anyhow::Result<Prepared> {
    let interpreter =
        interpreter::find(launch.python.as_deref(), folder).map_err(|error| Refusal::interpreter(&error))?;
    let marked = mark(&launch.script, bytes, sha256, interpreter.version, folder)?;
    let boot = runtime::lay_out(folder)?.join("_boot.py");
    let code = cache::code_folder(folder)?;
    Ok(Prepared { cache: folder.to_owned(), code, interpreter, boot, marked })
}

/// Transpiles a script, or finds it transpiled. Output: the path of the marked form in the cache, in UTF-8.
fn mark(
    script: &OsStr,
    bytes: &[u8],
    sha256: &str,
    target_version: (u8, u8),
    folder: &Path,
) -> anyhow::Result<PathBuf> {
    // A script's base name stands in its marked form, so it belongs to the key.
    let base_name = Path::new(script).file_name().unwrap_or_default();
    let build = cache::build_identity();
    let target = [target_version.0, target_version.1];
    let key = cache::hash([bytes, cache::bytes_of(base_name), build.as_bytes(), &target[..]]);
    let marked = folder.join("marked").join(format!("{}.py", &key[..32]));
    if marked.is_file() {
        return Ok(marked);
    }
    let source = Source::from_bytes(script.to_string_lossy(), bytes).map_err(|error| Refusal::script(vec![error]))?;
    let transpiled = heresy::transpile(&source, &Options { target_version }).map_err(Refusal::script)?;
    cache::store(&cache::source_path(folder, sha256), bytes)?;
    cache::store(&marked, transpiled.text().as_bytes())?;
    Ok(marked)
}

fn source_changed(launch: &Launch, manifest: &Manifest, new: &[u8]) -> Refusal {
    let stood_at = manifest.place();
    let old = cache::find_source(&manifest.source.sha256);
    let old = old.map(|(path, text)| (path, changes::describe(&text, new)));
    Refusal::source_changed(&launch.script, &launch.checkpoint, stood_at.as_deref(), old.as_ref())
}

/// The script's path as Python makes its `__file__`: from the root, nothing resolved, without a leading `./`.
pub fn absolute_as_python(script: &OsStr) -> io::Result<PathBuf> {
    let path = Path::new(script);
    let path = path.strip_prefix("./").unwrap_or(path);
    Ok(if path.is_absolute() { path.to_owned() } else { env::current_dir()?.join(path) })
}

/// A program keeps one hash seed for its life, so that its sets and hashes agree after a resume.
///
/// Continued: the one it has. Started: the user's own choice, or a random one where the user left it to chance.
fn choose_hash_seed(manifest: Option<&Manifest>) -> HashSeed {
    let was = env::var_os(HASH_SEED);
    let chosen = match (manifest, &was) {
        (Some(manifest), _) => manifest.hash_seed.value.clone().into(),
        (None, Some(fixed)) if !fixed.is_empty() && fixed != "random" => fixed.clone(),
        // 0 would switch randomization off, which is visible in `sys.flags`.
        (None, _) => (1 + RandomState::new().build_hasher().finish() % u64::from(u32::MAX)).to_string().into(),
    };
    HashSeed { value: chosen, was }
}

/// Blocks the signals that stop a program until the runtime has its handlers in place; one that comes in between waits.
///
/// Output: those that were blocked here. Those that were blocked or ignored already are left as whoever started
/// heresy wanted it.
fn block_signals() -> Vec<&'static str> {
    let mut to_block = SigSet::empty();
    let mut before = SigSet::empty();
    // Reading the mask and blocking known signals cannot fail; if it did, a start would only be less patient.
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, None, Some(&mut before));
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
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
