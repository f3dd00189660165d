//! Writing results: each file whole or not at all.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

/// Puts a new file in the place of `target`, once `fill` has written it.
///
/// Whoever reads `target` meanwhile, also after a failure or a kill, has the old file or the new one. `permissions` are the
/// new file's; by default those of any file that is made there.
pub fn replace(
    target: &Path,
    permissions: Option<Permissions>,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(target);
    let mut file = tempfile::Builder::new().prefix(".heresy-").tempfile_in(&folder)?;
    fill(file.as_file_mut())?;
    let permissions = permissions.map_or_else(|| default_permissions(&folder), Ok)?;
    file.as_file().set_permissions(permissions)?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

/// What a file gets that any program makes here: temporary files are made for the user alone.
fn default_permissions(folder: &Path) -> io::Result<Permissions> {
    let probe = tempfile::Builder::new().prefix(".heresy-").make_in(folder, |path| File::create_new(path))?;
    Ok(probe.as_file().metadata()?.permissions())
}

/// Before: `out.py`. After: `.`; before: `dir/out.py`. After: `dir`.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether two names mean one file or folder, whichever way: `./`, or a link of either kind.
pub fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}
