//! The cache's size: what has not been used for longest goes first.
//!
//! When an entry was last used is its time of change: [`is_there`] sets it, and so does the runtime for what it reads. What was
//! used within a day stays, and within a minute also when the cache is emptied: no start loses what it has just found. A
//! runtime stays for much longer: a program needs parts of it only when it stops.

use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::claim;

/// Bytes on disk; beyond them, entries go.
const BOUND: u64 = 512 * MEGABYTE;
const MEGABYTE: u64 = 1024 * 1024;
/// Overrides the bound, in megabytes.
const BOUND_VARIABLE: &str = "HERESY_CACHE_MB";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A runtime that was not started for so long is of no program that still runs.
const LIFE_OF_A_RUNTIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The file whose time of change says when the size was last looked at.
const STAMP: &str = "looked-at";

/// Whether a file of the cache is there; if so, it counts as used now.
pub fn is_there(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    // Where this fails, the cache is somebody else's, and theirs to keep.
    let _ = file.set_modified(SystemTime::now());
    file.metadata().is_ok_and(|found| found.is_file())
}

/// The same; and it is as long as it should be: a power cut may have cut it.
pub fn is_whole(path: &Path, length: usize) -> bool {
    is_there(path) && fs::metadata(path).is_ok_and(|found| found.len() == length as u64)
}

/// Keeps the cache within its bound. To be called when something was added; looks at most once an hour.
pub fn keep(cache: &Path) {
    let stamp = cache.join(STAMP);
    if fs::metadata(&stamp).is_ok_and(|found| age(&found) < HOUR) {
        return;
    }
    // Nobody else begins while this goes on; and if somebody does, what is removed already is no loss.
    if File::create(&stamp).and_then(|file| file.set_modified(SystemTime::now())).is_ok() {
        let bound = std::env::var(BOUND_VARIABLE).ok().and_then(|text| text.parse::<u64>().ok());
        shrink(cache, bound.map_or(BOUND, |megabytes| megabytes * MEGABYTE));
    }
}

/// What was removed.
#[derive(Debug, Default)]
pub struct Freed {
    pub files: usize,
    pub bytes: u64,
}

/// Removes all but what a start may need now, and a running program when it stops.
pub fn clean(cache: &Path) -> io::Result<Freed> {
    let mut freed = Freed::default();
    remove_leftovers(cache, MINUTE);
    for entry in entries(cache) {
        if entry.remove_unless_used(MINUTE)? {
            freed.files += 1;
            freed.bytes += entry.size;
        }
    }
    Ok(freed)
}

struct Entry {
    age: Duration,
    size: u64,
    path: PathBuf,
}

/// Makes the cache a quarter smaller than its bound, if it is larger than that.
fn shrink(cache: &Path, bound: u64) {
    remove_leftovers(cache, DAY);
    let mut entries = entries(cache);
    let mut size: u64 = entries.iter().map(|entry| entry.size).sum();
    if size <= bound {
        return;
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.age));
    for entry in entries {
        if size <= bound / 4 * 3 {
            break;
        }
        if entry.remove_unless_used(DAY).is_ok_and(|is_removed| is_removed) {
            size -= entry.size;
        }
    }
}

impl Entry {
    /// Removes the file, unless it was used so lately, and be it since this entry was made of it.
    fn remove_unless_used(&self, lately: Duration) -> io::Result<bool> {
        let is_unused = self.age > lately && fs::metadata(&self.path).is_ok_and(|found| age(&found) > lately);
        match is_unused.then(|| fs::remove_file(&self.path)) {
            None => Ok(false),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Some(removed) => removed.map(|()| true),
        }
    }
}

/// Everything in the cache that can be made again, but for what is small and few.
fn entries(cache: &Path) -> Vec<Entry> {
    let entry = |file: DirEntry| {
        let found = file.metadata().ok().filter(|found| found.is_file() && !is_unfinished(&file))?;
        Some(Entry { age: age(&found), size: found.blocks() * 512, path: file.path() })
    };
    files(cache).filter_map(entry).collect()
}

/// The files in the folders that grow.
fn files(cache: &Path) -> impl Iterator<Item = DirEntry> {
    let builds = read(cache.join("code")).map(|build| build.path());
    [cache.join("marked"), cache.join("sources")].into_iter().chain(builds).flat_map(read)
}

/// Removes what a killed process left unfinished, what another build compiled, if nothing of it is left, and old runtimes.
fn remove_leftovers(cache: &Path, patience: Duration) {
    claim::forget_free(cache);
    let is_older = |file: &DirEntry, than| file.metadata().is_ok_and(|found| age(&found) > than);
    for build in read(cache.join("code")) {
        // A folder that is not empty stays.
        let _ = fs::remove_dir(build.path());
    }
    for file in files(cache).filter(|file| is_unfinished(file) && is_older(file, patience)) {
        let _ = fs::remove_file(file.path());
    }
    for file in read(cache.to_owned()) {
        let name = file.file_name().to_string_lossy().into_owned();
        let is_unfinished = name.starts_with(".runtime-") || name.starts_with(".heresy-");
        if is_unfinished && is_older(&file, patience) {
            let _ = fs::remove_dir_all(file.path());
        } else if name.starts_with("runtime-") && is_unused_runtime(&file.path()) {
            let _ = remove_runtime(&file.path());
        }
    }
}

fn is_unused_runtime(path: &Path) -> bool {
    fs::metadata(path.join("heresy/_boot.py")).is_ok_and(|found| age(&found) > LIFE_OF_A_RUNTIME)
}

/// Removes a runtime as a whole: nobody is to find half of it. If a start has just begun to use it, it stays.
fn remove_runtime(path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let aside = tempfile::Builder::new().prefix(".heresy-old-").tempdir_in(parent)?;
    let moved = aside.path().join("runtime");
    fs::rename(path, &moved)?;
    if is_unused_runtime(&moved) { Ok(()) } else { fs::rename(moved, path) }
}

/// Whether a name is one that a file has before it is whole.
fn is_unfinished(file: &DirEntry) -> bool {
    let name = file.file_name();
    let name = name.to_string_lossy();
    name.starts_with(".tmp") || name.ends_with(".new")
}

fn read(folder: PathBuf) -> impl Iterator<Item = DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

/// The time since a file was changed; none, if it is to be changed in the future.
fn age(found: &Metadata) -> Duration {
    found.modified().ok().and_then(|changed| changed.elapsed().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{DAY, HOUR, MEGABYTE, clean, files, is_there, keep, shrink};
    use std::fs::{self, File};
    use std::path::Path;

    const SIZE: usize = 100_000;

    /// Puts a file into the cache that was last used so many days ago.
    fn put(cache: &Path, name: &str, days: u32) {
        let path = cache.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x".repeat(SIZE)).unwrap();
        let then = SystemTime::now() - DAY * days - Duration::from_secs(60);
        File::open(&path).unwrap().set_modified(then).unwrap();
    }

    fn names(cache: &Path) -> Vec<String> {
        let mut names: Vec<String> = files(cache).map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_used_last_goes_last() {
        let cache = tempfile::tempdir().unwrap();
        for (name, days) in [("marked/a", 9), ("sources/b", 8), ("code/0/c", 7), ("marked/d", 6), ("marked/e", 0)] {
            put(cache.path(), name, days);
        }
        shrink(cache.path(), MEGABYTE);
        assert_eq!(names(cache.path()).len(), 5, "it is within its bound");
        assert!(is_there(&cache.path().join("marked/a")), "it was used now");
        shrink(cache.path(), 400_000);
        assert_eq!(names(cache.path()), ["a", "e"]);
        shrink(cache.path(), 0);
        assert_eq!(names(cache.path()), ["a", "e"], "both were used today");
    }

    #[test]
    fn the_size_is_looked_at_once_an_hour() {
        let cache = tempfile::tempdir().unwrap();
        put(cache.path(), "marked/.tmp123", 2);
        keep(cache.path());
        assert!(names(cache.path()).is_empty());
        put(cache.path(), "marked/.tmp123", 2);
        keep(cache.path());
        assert_eq!(names(cache.path()), [".tmp123"]);
        let stamp = File::open(cache.path().join("looked-at")).unwrap();
        stamp.set_modified(SystemTime::now() - 2 * HOUR).unwrap();
        keep(cache.path());
        assert!(names(cache.path()).is_empty());
    }

    #[test]
    fn cleaning_spares_what_somebody_writes_and_runtimes() {
        let cache = tempfile::tempdir().unwrap();
        for (name, days) in [("marked/a", 1), ("marked/b", 0), ("marked/.tmp1", 0), ("code/0/b.new", 1)] {
            put(cache.path(), name, days);
        }
        fs::write(cache.path().join("marked/.tmp1"), "being written").unwrap();
        assert!(is_there(&cache.path().join("marked/b")));
        put(cache.path(), "runtime-0/heresy/_boot.py", 300);
        put(cache.path(), "runtime-1/heresy/_boot.py", 400);
        assert_eq!(clean(cache.path()).unwrap().files, 1);
        assert_eq!(names(cache.path()), [".tmp1", "b"]);
        assert!(cache.path().join("runtime-0/heresy/_boot.py").exists() && !cache.path().join("runtime-1").exists());
    }
}
