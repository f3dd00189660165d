//! The modules of a stopped program that have changed since: aligned with what they were, for the runtime to go on in them.
//!
//! The texts of then are in the cache. A table of each alignment is put there beside them.

use std::fs;
use std::path::{Path, PathBuf};

use heresy::{Options, Source, align};

use crate::boot::Edit;
use crate::cache;
use crate::changes;
use crate::checkpoint::Manifest;
use crate::program::SourceFile;
use crate::refusal::Refusal;

/// A changed module, and what is to be shown of it.
#[derive(Debug)]
pub struct Changed {
    pub edit: Edit,
    /// A diff from then to now.
    pub changes: String,
}

/// All changed modules of a program, the script first. One whose text of then is lost is left out: the runtime refuses it.
pub fn find(
    manifest: &Manifest,
    script: Option<&SourceFile>,
    target_version: (u8, u8),
    folder: &Path,
) -> anyhow::Result<Vec<Changed>> {
    let mut found = Vec::new();
    if let Some(script) = script
        && manifest.source.sha256 != script.sha256
    {
        found.extend(aligned(&script.path, &manifest.source.sha256, &script.bytes, target_version, folder)?);
    }
    for module in manifest.modules.iter().filter(|module| !module.library) {
        let path = PathBuf::from(&module.path.0);
        // What cannot be read the runtime reports, with what to do about it.
        let Ok(bytes) = fs::read(&path) else { continue };
        if cache::hash_one(&bytes) != module.sha256 {
            found.extend(aligned(&path, &module.sha256, &bytes, target_version, folder)?);
        }
    }
    Ok(found)
}

fn aligned(
    path: &Path,
    then: &str,
    now: &[u8],
    target_version: (u8, u8),
    folder: &Path,
) -> anyhow::Result<Option<Changed>> {
    let Some((_, was)) = cache::find_source(then) else { return Ok(None) };
    let name = path.to_string_lossy();
    let read = |bytes: &[u8]| Source::from_bytes(&*name, bytes).map_err(|error| Refusal::script(vec![error]));
    let alignment = align::align(&read(&was)?, &read(now)?, &Options { target_version })
        .map_err(|error| Refusal::script(vec![error]))?;
    let new = cache::hash_one(now);
    let table = folder.join("edits").join(format!("{}-{}-{}.json", &then[..32], &new[..32], cache::build_key()));
    cache::store_durably(&table, alignment.to_json().as_bytes())?;
    let original = cache::source_path(folder, then);
    if !cache::is_there(&original) {
        cache::store_durably(&original, &was)?;
    }
    let edit = Edit { path: path.to_owned(), old: then.to_owned(), new, table };
    Ok(Some(Changed { edit, changes: changes::describe(&was, now) }))
}
