//! Build script: lists the Python runtime's files, for `runtime.rs` to embed.
//!
//! Input: `src/runtime/heresy/**/*.py`. Output: `$OUT_DIR/runtime_files.rs`, a slice of (path in the package, text)
//! sorted by path. A list made here, in place of one written by hand, cannot forget a file. And the environment variable
//! `HERESY_RUNTIME`: a digest of them all, in 16 digits.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("src/runtime/heresy");
    println!("cargo::rerun-if-changed={}", package.display());

    let mut files = Vec::new();
    collect(&package, &mut files)?;
    files.sort();

    let entries: String = files
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&package).unwrap_or(path);
            format!("    ({name:?}, include_str!({path:?})),\n")
        })
        .collect();
    let out = Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("runtime_files.rs");
    fs::write(out, format!("&[\n{entries}]\n"))?;
    println!("cargo::rustc-env=HERESY_RUNTIME={}", digest(&package, &files)?);
    Ok(())
}

fn digest(package: &Path, files: &[PathBuf]) -> io::Result<String> {
    let mut hasher = Sha256::new();
    for path in files {
        let name = path.strip_prefix(package).unwrap_or(path).to_string_lossy().into_owned();
        for part in [name.into_bytes(), fs::read(path)?] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(hasher.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
    Ok(())
}
