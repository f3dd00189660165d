//! What a folder holds: its files, sorted, so that a command does the same in the same order on every machine.
//!
//! A link to a file counts as the file. A link to a folder is reported and never entered: so a walk ends, stays inside of
//! the folder that the user named, and meets nothing twice. `__pycache__` and `.heresy` hold what is made of scripts, and
//! are left out.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What was found below a folder. All paths begin at it.
#[derive(Debug, Default)]
pub struct Found {
    pub files: Vec<PathBuf>,
    /// Links to folders.
    pub links: Vec<PathBuf>,
    /// What cannot be looked at.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Looks through a folder, but for the one below it that is `excluded`.
pub fn walk(folder: &Path, excluded: Option<&Path>) -> Found {
    let excluded = excluded.and_then(identity);
    let mut found = Found::default();
    let mut to_enter = vec![PathBuf::new()];
    while let Some(inside) = to_enter.pop() {
        let entries = match fs::read_dir(folder.join(&inside)) {
            Ok(entries) => entries,
            Err(error) => {
                found.unreadable.push((inside, error));
                continue;
            }
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((inside.join(entry.file_name()), entry.file_type()?))) {
                Ok((path, kind)) if kind.is_dir() => {
                    let is_excluded = excluded.is_some() && identity(&folder.join(&path)) == excluded;
                    if !is_excluded && !is_made_of_scripts(&path) {
                        to_enter.push(path);
                    }
                }
                Ok((path, kind)) if kind.is_symlink() => match fs::metadata(folder.join(&path)) {
                    Ok(target) if target.is_dir() => found.links.push(path),
                    Ok(_) => found.files.push(path),
                    Err(error) => found.unreadable.push((path, error)),
                },
                Ok((path, _)) => found.files.push(path),
                Err(error) => found.unreadable.push((inside.clone(), error)),
            }
        }
    }
    found.files.sort();
    found.links.sort();
    found.unreadable.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// Whether a name is that of a Python source file.
pub fn is_python(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py" || extension == "pyw")
}

/// Whether reading this may never end, or wait for somebody to write.
pub fn is_special(metadata: &fs::Metadata) -> bool {
    let kind = metadata.file_type();
    kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || kind.is_socket()
}

fn is_made_of_scripts(folder: &Path) -> bool {
    [OsStr::new("__pycache__"), OsStr::new(".heresy")].contains(&folder.file_name().unwrap_or_default())
}

fn identity(folder: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(folder).ok()?;
    Some((metadata.dev(), metadata.ino()))
}
