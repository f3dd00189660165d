//! Claims: which process a checkpoint belongs to.
//!
//! One command may run several times at once, as in a pool of workers. Each run needs a checkpoint of its own, or one would
//! replace what another has saved, and remove it when it ends; and no two may continue from the same. So a process claims
//! the place of its checkpoint for as long as it lives, by a lock on a file in the cache. The lock is the process's own
//! (POSIX): it outlasts `exec`, no child has it, and it ends with the process, however that comes about. A second run finds
//! the first place taken, and has the next: `sim-0123456789abcdef~2.ckpt`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::cache;

/// The folder of the cache that the locks are in.
const FOLDER: &str = "claims";
/// Out of the way of the descriptors that the program gets for its own files, where there is room so far above.
const DESCRIPTORS: [RawFd; 2] = [200, 20];
/// Longer than `forget_free` has one.
const A_MOMENT: Duration = Duration::from_millis(2);
/// So many runs of one command are told apart.
const MOST: usize = 1000;

/// The files that this process has locked. To it they look free; and once it closes one, however it came to be open, the lock is
/// gone.
static OWN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The place of a checkpoint.
#[derive(Debug)]
pub struct Claim {
    pub checkpoint: PathBuf,
    /// The open file whose lock is the claim; none where nothing can be locked.
    pub descriptor: Option<RawFd>,
    /// A process that has what this one would have continued from.
    pub instead_of: Option<i32>,
}

impl Claim {
    /// A place that nothing else knows of, or that nothing can be locked for.
    pub fn without(checkpoint: PathBuf) -> Claim {
        Claim { checkpoint, descriptor: None, instead_of: None }
    }
}

/// The first place that is free, of those of a command's runs.
///
/// Input: the place of its first run; whether this one starts from the beginning, whatever there is. Else a place with a
/// checkpoint comes before one without.
pub fn of_run(first: &Path, is_fresh: bool) -> Claim {
    let saved = if is_fresh { BTreeSet::new() } else { saved(first) };
    let numbers = saved.iter().copied().chain((1..MOST).filter(|number| !saved.contains(number)));
    let mut instead_of = None;
    for number in numbers {
        let checkpoint = place(first, number);
        let claimed = match claim(&checkpoint) {
            // It may be held for the moment in which it is forgotten.
            Err(Held::By(_)) if saved.contains(&number) => {
                thread::sleep(A_MOMENT);
                claim(&checkpoint)
            }
            claimed => claimed,
        };
        match claimed {
            // The run that had it has ended since it was seen, and has removed it; another may still be left.
            Ok(descriptor) if saved.contains(&number) && !checkpoint.exists() => close(descriptor),
            Ok(descriptor) => {
                let instead_of = instead_of.filter(|_| !saved.contains(&number));
                return Claim { checkpoint, descriptor: Some(descriptor), instead_of };
            }
            Err(Held::By(process)) if saved.contains(&number) => instead_of = instead_of.or(Some(process)),
            Err(Held::By(_)) => {}
            Err(Held::Unknown) => break,
        }
    }
    Claim::without(first.to_owned())
}

/// The place of one checkpoint.
///
/// Error: the process that has it.
pub fn of_checkpoint(checkpoint: &Path) -> Result<Claim, i32> {
    match claim(checkpoint) {
        Err(Held::By(process)) => Err(process),
        claimed => Ok(Claim { checkpoint: checkpoint.to_owned(), descriptor: claimed.ok(), instead_of: None }),
    }
}

/// Who has a claim.
enum Held {
    By(i32),
    /// Nobody can tell.
    Unknown,
}

fn claim(checkpoint: &Path) -> Result<RawFd, Held> {
    let key = std::path::absolute(checkpoint).map(|place| cache::hash([cache::bytes_of(&place)])[..32].to_owned());
    let key = key.map_err(|_| Held::Unknown)?;
    loop {
        let (path, file) = cache::with_folder(|folder| open(folder, &key)).map_err(|_| Held::Unknown)?;
        let descriptor = high(file.as_fd()).map_err(|_| Held::Unknown)?;
        drop(file);
        match lock(descriptor) {
            Ok(()) if is_still(descriptor, &path) => {
                OWN.lock().unwrap_or_else(PoisonError::into_inner).push(path);
                return Ok(descriptor);
            }
            // It was removed since it was opened: see `forget_free`.
            Ok(()) => close(descriptor),
            Err(held) => {
                close(descriptor);
                return Err(held);
            }
        }
    }
}

fn lock(descriptor: RawFd) -> Result<(), Held> {
    // SAFETY: it is this module's own, and open.
    let file = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let mut whole = whole_file();
    match fcntl(file, FcntlArg::F_SETLK(&whole)) {
        Ok(_) => Ok(()),
        Err(Errno::EACCES | Errno::EAGAIN) => {
            let asked = fcntl(file, FcntlArg::F_GETLK(&mut whole));
            // It may have ended meanwhile; its process cannot be told then, and the next place is as good.
            Err(Held::By(asked.map_or(0, |_| whole.l_pid)))
        }
        Err(_) => Err(Held::Unknown),
    }
}

/// Whether an open file is the one that a path leads to.
fn is_still(descriptor: RawFd, path: &Path) -> bool {
    // SAFETY: it is this module's own, and open; it is not closed with the `File`.
    let file = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
    let place = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().ok().map(place) == fs::metadata(path).ok().map(place)
}

fn open(cache: &Path, key: &str) -> anyhow::Result<(PathBuf, File)> {
    let path = cache.join(FOLDER).join(key);
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = open().or_else(|_| fs::create_dir_all(cache.join(FOLDER)).and_then(|()| open()))?;
    Ok((path, file))
}

/// Removes the files of claims that nobody has, in a folder of the cache.
pub fn forget_free(cache: &Path) {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    for entry in fs::read_dir(cache.join(FOLDER)).into_iter().flatten().flatten() {
        let path = entry.path();
        if own.contains(&path) {
            continue;
        }
        // Closed afterwards: who has opened it meanwhile finds that it is gone.
        if let Ok(file) = OpenOptions::new().write(true).open(&path)
            && lock(file.as_raw_fd()).is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}

/// The same file under a number that is high, and survives `exec`. To close the first afterwards takes no lock away yet.
fn high(file: BorrowedFd<'_>) -> std::io::Result<RawFd> {
    let mut made = Err(Errno::EINVAL);
    for least in DESCRIPTORS {
        made = made.or_else(|_| fcntl(file, FcntlArg::F_DUPFD(least)));
    }
    Ok(made?)
}

fn close(descriptor: RawFd) {
    // SAFETY: it is this module's own, and nothing else knows it.
    unsafe { libc::close(descriptor) };
}

fn whole_file() -> libc::flock {
    // SAFETY: all zeros is a valid value of the plain C struct.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

/// The numbers of the runs that have a checkpoint.
fn saved(first: &Path) -> BTreeSet<usize> {
    let entries = first.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    entries.filter_map(|entry| number_of(first, &entry.file_name())).collect()
}

/// Before: `sim-01~2.ckpt`, where the first is `sim-01.ckpt`. After: 2.
fn number_of(first: &Path, name: &OsStr) -> Option<usize> {
    let (name, stem) = (name.to_str()?.strip_suffix(".ckpt")?, first.file_stem()?.to_str()?);
    match name.strip_prefix(stem)? {
        "" => Some(1),
        rest => rest.strip_prefix('~')?.parse().ok().filter(|number| *number > 1),
    }
}

fn place(first: &Path, number: usize) -> PathBuf {
    match number {
        1 => first.to_owned(),
        _ => {
            let stem = first.file_stem().unwrap_or_default().to_string_lossy();
            first.with_file_name(format!("{stem}~{number}.ckpt"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{number_of, place};

    #[test]
    fn places_have_numbers() {
        let first = Path::new("/a/.heresy/sim-01.ckpt");
        for number in [1, 2, 30] {
            let place = place(first, number);
            assert_eq!(number_of(first, place.file_name().unwrap()), Some(number), "{place:?}");
        }
        for other in ["sim-011.ckpt", "sim-01.2.old", "sim-01~1.ckpt", "sim-01~x.ckpt", "sim-01.ckpt.7.new"] {
            assert_eq!(number_of(first, other.as_ref()), None, "{other}");
        }
    }
}
