//! Fresh copies of the folders that a program works in, a set for each run.
//!
//! A *slot* is a place where runs follow each other, at the same paths each time: so what a program says of paths, and the order
//! of a set of them, is the same in all runs of a slot. Between two of them only what the one before has changed is copied
//! again.

use std::collections::BTreeMap;
use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;
use heresy::Diagnostic;

use super::TOO_MUCH;
use crate::commands::chosen::size;
use crate::exit::Exit;
use crate::refusal::Refusal;

/// What never changes what a program does, or is made again.
const LEFT_OUT: [&str; 4] = [".git", ".hg", ".heresy", "__pycache__"];

/// The least that a file takes on a disk.
const BLOCK: u64 = 4096;

/// The folders to copy, and what is in them.
#[derive(Debug)]
pub struct Originals {
    /// From the root, nothing of them a link; none is in another.
    folders: Vec<PathBuf>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Which folder it is in, and where there.
    folder: usize,
    inside: PathBuf,
    what: What,
}

#[derive(Debug)]
enum What {
    Folder,
    /// The file to copy.
    File(PathBuf),
    /// A link to what is copied, too.
    Link(PathBuf),
}

impl Originals {
    /// Looks through the folders, which may be in one another; refuses more than so many bytes.
    pub fn find(folders: impl IntoIterator<Item = PathBuf>, limit: u64) -> Result<Originals, Refusal> {
        let mut apart: Vec<PathBuf> = Vec::new();
        for folder in folders {
            if !apart.iter().any(|other| folder.starts_with(other)) {
                apart.retain(|other| !other.starts_with(&folder));
                apart.push(folder);
            }
        }
        let mut originals = Originals { folders: apart, entries: Vec::new() };
        let mut left = limit;
        for folder in 0..originals.folders.len() {
            let from = originals.folders[folder].clone();
            originals.look(folder, &from, Path::new(""), &mut Vec::new(), &mut left).map_err(|Full| {
                let title = format!("{} holds more than {}", from.display(), size(limit as usize));
                let diagnostic = Diagnostic::new(TOO_MUCH, title)
                    .note("each run of the program gets a copy of this folder, so that nothing of yours is touched")
                    .note(
                        "`--dir DIR` copies another folder, `--copy-limit MB` allows more, `--in-place` copies nothing",
                    );
                Refusal::new(Exit::Usage, diagnostic)
            })?;
        }
        Ok(originals)
    }

    /// Notes what is in a folder. What cannot be read here the program cannot read either: it is left out.
    fn look(
        &mut self,
        folder: usize,
        from: &Path,
        inside: &Path,
        around: &mut Vec<(u64, u64)>,
        left: &mut u64,
    ) -> Result<(), Full> {
        let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, inside) = (entry.path(), inside.join(entry.file_name()));
            if is_left_out(&path) {
                continue;
            }
            let mut push = |what| self.entries.push(Entry { folder, inside: inside.clone(), what });
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                // What a link leads to is copied in its place, unless that is copied anyhow.
                let Ok(target) = path.canonicalize() else { continue };
                if self.folders.iter().any(|folder| target.starts_with(folder)) {
                    push(What::Link(target));
                    continue;
                }
            }
            match fs::metadata(&path) {
                // A link may lead to a folder that it is in.
                Ok(found) if found.is_dir() && !around.contains(&(found.dev(), found.ino())) => {
                    push(What::Folder);
                    *left = left.checked_sub(BLOCK).ok_or(Full)?;
                    around.push((found.dev(), found.ino()));
                    self.look(folder, &path, &inside, around, left)?;
                    around.pop();
                }
                Ok(found) if found.is_file() => {
                    *left = left.checked_sub(found.len().max(BLOCK)).ok_or(Full)?;
                    push(What::File(path));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// There is more than may be copied.
struct Full;

fn is_left_out(path: &Path) -> bool {
    path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|each| name == *each)) || path.join("pyvenv.cfg").is_file()
}

/// A place for runs: `<slot>/0/NAME` for the first copied folder, and beside it what belongs to the run itself.
#[derive(Debug)]
pub struct Slot {
    folder: PathBuf,
    /// Of each folder the original and the copy.
    pairs: Vec<(PathBuf, PathBuf)>,
    /// What each copied file was when it was copied.
    fresh: BTreeMap<PathBuf, Stamp>,
}

/// What changes when a file is changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    kind: FileType,
    /// Of files: number, length, times of change in seconds and nanoseconds.
    of_file: Option<(u64, u64, [i64; 4])>,
    link: Option<PathBuf>,
}

/// What a run has left in the place of a file that it did not find so.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    File(Vec<u8>),
    Link(PathBuf),
    Folder,
    Gone,
    Other,
}

impl Slot {
    /// An empty slot.
    pub fn new(folder: PathBuf, originals: &Originals) -> Slot {
        let copy_of = |(at, original): (usize, &PathBuf)| {
            let copy = folder.join(at.to_string()).join(original.file_name().unwrap_or_default());
            (original.clone(), copy)
        };
        let pairs = originals.folders.iter().enumerate().map(copy_of).collect();
        Slot { folder, pairs, fresh: BTreeMap::new() }
    }

    /// Before: `/home/u/sim/data`, where `/home/u/sim` is copied. After: the same in the copy. Any other path stays.
    pub fn map(&self, path: &Path) -> PathBuf {
        let inside = |(original, copy): &(PathBuf, PathBuf)| Some(copy.join(path.strip_prefix(original).ok()?));
        self.pairs.iter().find_map(inside).map_or_else(|| path.to_owned(), |path| path.components().collect())
    }

    /// Before: a text with paths of the copies in it. After: the same with those of the originals; what is in the current
    /// directory by its path from there.
    pub fn in_originals(&self, text: &str, cwd: &Path) -> String {
        let shown = |text: String, (original, copy): &(PathBuf, PathBuf)| {
            text.replace(&copy.display().to_string(), &original.display().to_string())
        };
        self.pairs.iter().fold(text.to_owned(), shown).replace(&format!("{}/", cwd.display()), "")
    }

    /// Where the run's temporary files go.
    pub fn tmp(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    /// What is noted of the run: its output, its checkpoint.
    pub fn of_run(&self, name: &str) -> PathBuf {
        self.folder.join("run").join(name)
    }

    /// Makes all copies what the originals are.
    pub fn refresh(&mut self, originals: &Originals) -> anyhow::Result<()> {
        for folder in [self.tmp(), self.folder.join("run")] {
            if folder.exists() {
                fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
            }
            fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        let there = self.look();
        // What is in a folder comes before it.
        for (path, stamp) in there.iter().rev().filter(|(path, stamp)| self.fresh.get(*path) != Some(stamp)) {
            let removed = if stamp.kind.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            removed.with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        for (_, copy) in &self.pairs {
            fs::create_dir_all(copy).with_context(|| format!("{} cannot be made", copy.display()))?;
        }
        for entry in &originals.entries {
            let path = self.pairs[entry.folder].1.join(&entry.inside);
            if self.fresh.get(&path).is_none_or(|stamp| there.get(&path) != Some(stamp)) {
                self.copy(&entry.what, &path).with_context(|| format!("{} cannot be copied", path.display()))?;
                let stamp = Stamp::of(&path, &fs::symlink_metadata(&path)?);
                self.fresh.insert(path, stamp);
            }
        }
        Ok(())
    }

    fn copy(&self, what: &What, to: &Path) -> io::Result<()> {
        match what {
            What::Folder => fs::create_dir(to),
            What::Link(target) => symlink(self.map(target), to),
            What::File(from) => {
                fs::copy(from, to)?;
                let changed = fs::metadata(from)?.modified()?;
                // A file that may not be written keeps the time of its copy.
                File::options().append(true).open(to).and_then(|file| file.set_modified(changed)).or(Ok(()))
            }
        }
    }

    /// What the last run has left behind, by path in the copies.
    pub fn left(&self) -> io::Result<BTreeMap<String, Left>> {
        let there = self.look();
        let mut left = BTreeMap::new();
        for (path, stamp) in there.iter().filter(|(path, stamp)| self.fresh.get(*path) != Some(stamp)) {
            let what = match &stamp.link {
                Some(target) => Left::Link(target.clone()),
                None if stamp.kind.is_dir() => Left::Folder,
                None if stamp.kind.is_file() => Left::File(fs::read(path)?),
                None => Left::Other,
            };
            left.insert(self.name(path), what);
        }
        let gone = self.fresh.keys().filter(|path| !there.contains_key(*path));
        left.extend(gone.map(|path| (self.name(path), Left::Gone)));
        Ok(left)
    }

    /// Before: `<slot>/0/sim/out/a.csv`. After: `out/a.csv`; with the folder's name before it, if there are several.
    fn name(&self, path: &Path) -> String {
        let is_alone = self.pairs.len() == 1;
        let base = |(_, copy): &(PathBuf, PathBuf)| if is_alone { copy.clone() } else { copy.with_file_name("") };
        let inside = self.pairs.iter().find_map(|pair| path.strip_prefix(base(pair)).ok());
        inside.unwrap_or(path).display().to_string()
    }

    fn look(&self) -> BTreeMap<PathBuf, Stamp> {
        let mut found = BTreeMap::new();
        let mut to_enter: Vec<PathBuf> = self.pairs.iter().map(|(_, copy)| copy.clone()).collect();
        while let Some(folder) = to_enter.pop() {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for path in entries.flatten().map(|entry| entry.path()).filter(|path| !is_left_out(path)) {
                let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
                if metadata.is_dir() {
                    to_enter.push(path.clone());
                }
                found.insert(path.clone(), Stamp::of(&path, &metadata));
            }
        }
        found
    }
}

impl Stamp {
    fn of(path: &Path, found: &Metadata) -> Stamp {
        let times = || [found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()];
        Stamp {
            kind: found.file_type(),
            of_file: found.is_file().then(|| (found.ino(), found.len(), times())),
            link: fs::read_link(path).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Left, Originals, Slot};

    #[test]
    fn a_slot_is_fresh_again_and_says_what_was_left() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (sim, other) = (root.join("sim"), root.join("other"));
        fs::create_dir_all(sim.join("data/.git")).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("far"), "far").unwrap();
        fs::write(sim.join("data/in"), "in").unwrap();
        symlink("data/in", sim.join("near")).unwrap();
        symlink(other.join("far"), sim.join("far")).unwrap();
        let originals = Originals::find([sim.join("data"), sim.clone()], 1 << 20).unwrap();
        let mut slot = Slot::new(root.join("slot"), &originals);
        slot.refresh(&originals).unwrap();
        assert!(slot.left().unwrap().is_empty());

        let copy = slot.map(&sim);
        fs::write(copy.join("near"), "new").unwrap();
        fs::write(copy.join("far"), "new").unwrap();
        fs::create_dir(copy.join("made")).unwrap();
        fs::write(copy.join("made/deep"), "").unwrap();
        fs::remove_file(copy.join("data/in")).unwrap();
        let left = slot.left().unwrap();
        assert_eq!(left.keys().collect::<Vec<_>>(), ["data/in", "far", "made", "made/deep"]);
        assert_eq!((&left["data/in"], &left["made"]), (&Left::Gone, &Left::Folder));

        slot.refresh(&originals).unwrap();
        assert!(slot.left().unwrap().is_empty());
        assert_eq!(fs::read_to_string(copy.join("near")).unwrap(), "in");
        assert!(!copy.join("made").exists() && !copy.join("data/.git").exists());
        assert_eq!(fs::read_to_string(other.join("far")).unwrap(), "far");
        assert_eq!(fs::read_to_string(sim.join("data/in")).unwrap(), "in");
    }

    #[test]
    fn too_much_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("large"), vec![0; 10_000]).unwrap();
        let refusal = Originals::find([root.path().to_owned()], 9_000).unwrap_err();
        assert!(refusal.to_string().contains("--copy-limit"), "{refusal}");
    }
}
