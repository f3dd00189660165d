//! The cache: what heresy makes once and reads at every later start.
//!
//! ```text
//! ~/.cache/heresy/
//!   marked/<key>.py        transpiled scripts and modules
//!   sources/<sha256>       what they came from, byte for byte, to say later what changed
//!   pythons/<key>.json     what interpreters said of themselves
//!   runtime-<hash>/heresy  the runtime, as a package
//!   runtime-<hash>/bundles its modules, compiled, for each interpreter
//!   code/<build>/          compiled code; the runtime's own
//!   claims/<key>           which process a checkpoint belongs to, by a lock
//!   looked-at              when the size was last looked at: see `bound`
//! ```
//!
//! A file appears by rename, whole or not at all, so any number of heresies may start at the same time. Whatever is
//! removed is made again. Losing the cache never loses a program: checkpoints are not here.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use etcetera::BaseStrategy;
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

mod bound;

pub use bound::{Freed, clean, is_there, is_whole, keep};

/// Calls `work` with a folder to cache in, and again with one in the temporary folder if the first cannot be written.
///
/// Input: work that lays something out in the folder it gets. Output: what it made, in the user's cache; or, where
/// that fails with an I/O error (no home, a read-only one, a full disk), in the temporary folder. Any other error is
/// the work's own, and final.
pub fn with_folder<T>(mut work: impl FnMut(&Path) -> anyhow::Result<T>) -> anyhow::Result<T> {
    if let Some(folder) = user_folder() {
        let made = create_private(&folder).map_err(anyhow::Error::from).and_then(|()| work(&folder));
        match made {
            Err(error) if error.is::<io::Error>() => {}
            made => return made,
        }
    }
    let folder = temporary_folder().context("there is no place for heresy's files, not even a temporary folder")?;
    work(&folder)
}

/// The folder that a start would use now.
pub fn folder() -> anyhow::Result<PathBuf> {
    with_folder(|folder| {
        tempfile::tempfile_in(folder)?;
        Ok(folder.to_owned())
    })
}

/// All folders that starts of this user may have used.
pub fn all_folders() -> impl Iterator<Item = PathBuf> {
    [user_folder(), Some(shared_temporary_folder())].into_iter().flatten().filter(|folder| folder.is_dir())
}

/// `$XDG_CACHE_HOME/heresy`, or `~/.cache/heresy`.
fn user_folder() -> Option<PathBuf> {
    let strategy = etcetera::base_strategy::Xdg::new().ok()?;
    let folder = strategy.cache_dir();
    // A home that is unknown, or a variable that is relative, would put a cache wherever heresy happens to be started.
    folder.is_absolute().then(|| folder.join("heresy"))
}

/// The folder in the temporary folder that all starts of this user share, or one for this start alone.
///
/// What lies in it gets executed, so a shared one is taken only if nobody else could have written it.
fn temporary_folder() -> io::Result<PathBuf> {
    let shared = shared_temporary_folder();
    let _ = create_private(&shared);
    let is_ours = shared.symlink_metadata().is_ok_and(|found| {
        found.is_dir() && found.uid() == geteuid().as_raw() && found.permissions().mode() & 0o077 == 0
    });
    if is_ours && tempfile::tempfile_in(&shared).is_ok() {
        return Ok(shared);
    }
    Ok(tempfile::Builder::new().prefix("heresy-").tempdir()?.keep())
}

fn shared_temporary_folder() -> PathBuf {
    std::env::temp_dir().join(format!("heresy-{}", geteuid()))
}

fn create_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file of the cache: its folder is made, and the file appears whole or not at all.
///
/// Nobody waits until it is on the disk, so after a power cut it may have lost its text: who reads it must be able to tell.
pub fn store(path: &Path, bytes: &[u8]) -> io::Result<()> {
    store_with(path, bytes, |_| Ok(()))
}

/// The same, for what can neither be made again nor told from what it should be.
pub fn store_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    store_with(path, bytes, File::sync_all)
}

fn store_with(path: &Path, bytes: &[u8], sync: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_private(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    sync(file.as_file())?;
    file.persist(path)?;
    Ok(())
}

/// Writes a marked form. It ends in its digest, by which the runtime sees that it is whole.
pub fn store_marked(path: &Path, text: &str) -> io::Result<()> {
    store(path, format!("{text}# sha256 {}\n", hash_one(text.as_bytes())).as_bytes())
}

/// Writes a file whose text must not turn up empty after a power cut: its name promises what is in it.
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Where the cache keeps the marked form of a module, in UTF-8; the runtime looks for it under the same name.
pub fn marked_path(cache: &Path, sha256: &str, target_version: (u8, u8)) -> PathBuf {
    let (major, minor) = target_version;
    cache.join("marked").join(format!("{}-{}-{major}.{minor}.py", &sha256[..32], build_key()))
}

/// Where the cache keeps the original of a script.
pub fn source_path(cache: &Path, sha256: &str) -> PathBuf {
    cache.join("sources").join(sha256)
}

/// The original of a script that was run before, if a cache still has it: where it is kept, and its text.
pub fn find_source(sha256: &str) -> Option<(PathBuf, Vec<u8>)> {
    let folders = [user_folder(), Some(shared_temporary_folder())];
    let mut candidates = folders.iter().flatten().map(|folder| source_path(folder, sha256));
    let (path, bytes) = candidates.find_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes)))?;
    // The name came out of a file that anyone may have written; what it leads to is shown only if it is what it is called.
    (hash_one(&bytes) == sha256).then_some((path, bytes))
}

/// The hash of a sequence of parts, where `["ab", "c"]` and `["a", "bc"]` differ.
pub fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// The plain SHA-256 of some bytes, as `sha256sum` prints it.
pub fn hash_one(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the folder that this build's runtime keeps compiled code in.
pub fn code_folder(cache: &Path) -> io::Result<PathBuf> {
    let folder = cache.join("code").join(build_key());
    create_private(&folder)?;
    Ok(folder)
}

/// A short name for this build, for paths.
pub fn build_key() -> String {
    hash([build_identity().as_bytes()])[..16].to_owned()
}

/// Tells builds of heresy apart that call themselves by one version, so that none reads what another transpiled.
fn build_identity() -> String {
    let executable = std::env::current_exe().and_then(fs::metadata);
    let stamp = executable.map(|found| (found.len(), found.mtime(), found.mtime_nsec())).unwrap_or_default();
    format!("{} {stamp:?}", env!("CARGO_PKG_VERSION"))
}

/// The bytes of a name or an argument, for `hash`.
pub fn bytes_of(text: &(impl AsRef<OsStr> + ?Sized)) -> &[u8] {
    text.as_ref().as_bytes()
}
