//! The Python runtime: embedded in the binary, laid out as a package where an interpreter can import it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::cache;

/// The name of the package, and of its folder.
const PACKAGE: &str = "heresy";

/// The script in it that an interpreter is started with.
const BOOT: &str = "_boot.py";

/// Beside the package: its modules, compiled.
const BUNDLES: &str = "bundles";

/// Beside the package: the run of the machine in which its files were written, or last compared.
const NOTE: &str = "intact-since";

/// The package's files: path in the package, and text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runtime_files.rs"));

/// Where the runtime stands in `cache`, once it is laid out: the package is the folder `heresy` in there.
fn place(cache: &Path) -> PathBuf {
    cache.join(concat!("runtime-", env!("HERESY_RUNTIME")))
}

/// The script there that an interpreter is started with.
pub fn boot_in(cache: &Path) -> PathBuf {
    place(cache).join(PACKAGE).join(BOOT)
}

/// Whether an interpreter of this version has what a start needs compiled there: see the runtime's `_bundle.py`. If there is no
/// place for that, nothing more is to be done.
pub fn is_compiled(cache: &Path, (major, minor): (u8, u8)) -> bool {
    let bundles = place(cache).join(BUNDLES);
    !bundles.is_dir() || bundles.join(format!("cpython-{major}{minor}-O0.start")).exists()
}

/// Makes sure that the runtime stands in `cache`.
///
/// Input: a folder that can be written. Output: the script that an interpreter is started with,
/// `<cache>/runtime-<hash of its files>/heresy/_boot.py`.
/// It appears by one rename, so starts at the same time see all of it or nothing; and its name says what it holds,
/// so two releases of heresy share a cache. Nobody waits until a hundred files are on the disk: after a power cut
/// some may be empty, so the first start after each boot compares their text.
pub fn lay_out(cache: &Path) -> io::Result<PathBuf> {
    let parent = place(cache);
    let script = boot_in(cache);
    let boot = boot();
    if is_good(&parent, boot.as_deref()) && cache::is_there(&script) {
        return Ok(script);
    }
    fs::create_dir_all(cache)?;
    let fresh = tempfile::Builder::new().prefix(".runtime-").tempdir_in(cache)?;
    write_package(fresh.path(), |path, text| fs::write(path, text))?;
    note_intact(fresh.path(), boot.as_deref())?;
    // The runtime keeps its modules there, compiled, for each interpreter.
    fs::create_dir(fresh.path().join(BUNDLES))?;
    put_in_place(&fresh, &parent, boot.as_deref())?;
    match is_good(&parent, boot.as_deref()) {
        true => Ok(script),
        false => Err(io::Error::other(format!("{} cannot be made whole", parent.display()))),
    }
}

/// Writes the runtime beside a transpiled file, so that `python OUT` can import it.
///
/// Input: OUT's folder. Output: the package's folder, `<dir>/heresy`; an older runtime there is replaced as a whole,
/// anything else of that name is left alone and is an error.
pub fn write_beside(dir: &Path) -> io::Result<PathBuf> {
    let package = dir.join(PACKAGE);
    if package.symlink_metadata().is_ok() && !package.join(BOOT).is_file() {
        let message = format!("{} exists and is not heresy's runtime", package.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    let fresh = tempfile::Builder::new().prefix(".heresy-").tempdir_in(dir)?;
    write_package(fresh.path(), cache::write_synced)?;
    let written = fresh.path().join(PACKAGE);
    put_in_place_of(&written, &package)?;
    Ok(package)
}

fn write_package(parent: &Path, write: impl Fn(&Path, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let package = parent.join(PACKAGE);
    let mut made = HashSet::new();
    for (name, text) in FILES {
        let path = package.join(name);
        let folder = path.parent().unwrap_or(&package);
        if made.insert(folder.to_owned()) {
            fs::create_dir_all(folder)?;
        }
        write(&path, text.as_bytes())?;
    }
    Ok(())
}

/// What tells this run of the machine from the one before a power cut, where the system says that.
fn boot() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

/// Whether the package is there and holds what it is to hold.
///
/// Its files were written, or compared, since the machine was started; else they are compared. Something may have
/// tidied old files out of the cache, at any time.
fn is_good(parent: &Path, boot: Option<&str>) -> bool {
    let package = parent.join(PACKAGE);
    let note = fs::read_to_string(parent.join(NOTE)).ok();
    if boot.is_some() && note.as_deref() == boot {
        return FILES.iter().all(|(name, text)| {
            package.join(name).metadata().is_ok_and(|found| found.is_file() && found.len() == text.len() as u64)
        });
    }
    let is_same =
        |(name, text): &(&str, &str)| fs::read(package.join(name)).is_ok_and(|found| found == text.as_bytes());
    let good = FILES.iter().all(is_same);
    // A note that cannot be written is none: the next start compares them again.
    let _ = good.then(|| note_intact(parent, boot));
    good
}

fn note_intact(parent: &Path, boot: Option<&str>) -> io::Result<()> {
    boot.map_or(Ok(()), |boot| fs::write(parent.join(NOTE), boot))
}

/// Renames `fresh` to `target`. If another process was faster, its folder stays.
fn put_in_place(fresh: &TempDir, target: &Path, boot: Option<&str>) -> io::Result<()> {
    if target.join(PACKAGE).exists() && !is_good(target, boot) {
        return put_in_place_of(fresh.path(), target);
    }
    match fs::rename(fresh.path(), target) {
        Err(_) if is_good(target, boot) => Ok(()),
        renamed => renamed,
    }
}

/// Renames `fresh` to `target`, after moving a folder of that name out of the way.
fn put_in_place_of(fresh: &Path, target: &Path) -> io::Result<()> {
    if target.symlink_metadata().is_err() {
        return fs::rename(fresh, target);
    }
    let aside = tempfile::Builder::new().prefix(".heresy-old-").tempdir_in(target.parent().unwrap_or(target))?;
    fs::rename(target, aside.path().join(PACKAGE))?;
    fs::rename(fresh, target)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{FILES, NOTE, boot, lay_out, write_beside};

    fn package_in(cache: &Path) -> PathBuf {
        lay_out(cache).unwrap().parent().unwrap().to_owned()
    }

    #[test]
    fn lays_out_every_file_and_mends_a_broken_folder() {
        let cache = tempfile::tempdir().unwrap();
        let package = package_in(cache.path());
        let (name, text) = FILES[0];
        fs::write(package.join(name), "cut").unwrap();
        assert_eq!(package_in(cache.path()), package);
        assert_eq!(fs::read_to_string(package.join(name)).unwrap(), text);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1, "nothing else is left in the cache");
    }

    #[test]
    fn compares_the_files_after_a_boot() {
        let cache = tempfile::tempdir().unwrap();
        let package = package_in(cache.path());
        let note = package.parent().unwrap().join(NOTE);
        let (name, text) = FILES[0];
        fs::write(package.join(name), vec![0; text.len()]).unwrap();
        fs::write(&note, "an earlier one").unwrap();
        lay_out(cache.path()).unwrap();
        assert_eq!(fs::read_to_string(package.join(name)).unwrap(), text);
        fs::write(&note, "an earlier one").unwrap();
        lay_out(cache.path()).unwrap();
        assert_eq!(fs::read_to_string(note).ok(), boot());
    }

    #[test]
    fn writes_beside_but_never_over_what_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        write_beside(dir.path()).unwrap();
        write_beside(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let taken = tempfile::tempdir().unwrap();
        fs::write(taken.path().join("heresy"), "a file of the user's").unwrap();
        assert!(write_beside(taken.path()).is_err());
    }
}
