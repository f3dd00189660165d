//! Checkpoint files: where a program's own is, and what its first two lines say.
//!
//! A checkpoint is a line `heresy checkpoint 1`, a line of JSON (the manifest), a payload, and 32 bytes that
//! authenticate all of it. Only the runtime, which holds the key, trusts the payload; here the manifest is read, to
//! find the script and to tell people what is in a file. Nothing here writes or removes a checkpoint.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use thiserror::Error;

use crate::cache;

/// The folder of checkpoints, in the directory where the program was started.
pub const FOLDER: &str = ".heresy";

const MAGIC: &str = "heresy checkpoint ";
const FORMAT: &str = "1";
const AUTHENTICATION_BYTES: u64 = 32;

/// More than the manifest of a program stopped 100,000 calls deep: a line that is longer is no manifest.
const LONGEST_MANIFEST: u64 = 64 << 20;

/// What a checkpoint says of its program, for heresy and for people. Fields that a later release adds are passed over.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    /// Seconds since 1970.
    pub created: f64,
    /// The script, as typed.
    pub script: OsText,
    pub args: Vec<OsText>,
    pub cwd: OsText,
    pub source: SourceIdentity,
    /// The instrumented modules besides the main one.
    #[serde(default)]
    pub modules: Vec<ModuleIdentity>,
    /// How the interpreter found the program: see `boot::Words`.
    pub kind: String,
    /// The `--instrument` patterns that it was started with.
    #[serde(default)]
    pub instrument: Vec<String>,
    pub hash_seed: HashSeed,
    /// The frames, outermost first.
    pub stack: Vec<Place>,
    payload: Payload,
}

#[derive(Debug, Deserialize)]
pub struct SourceIdentity {
    pub path: OsText,
    pub sha256: String,
}

#[derive(Debug, Deserialize)]
pub struct HashSeed {
    pub value: String,
}

/// A module as the program had loaded it.
#[derive(Debug, Deserialize)]
pub struct ModuleIdentity {
    pub path: OsText,
    pub sha256: String,
    /// It is a library's, and will be imported again.
    #[serde(default)]
    pub library: bool,
}

/// Where a frame stands.
#[derive(Debug, Deserialize)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub function: String,
}

#[derive(Debug, Deserialize)]
struct Payload {
    bytes: u64,
}

impl Manifest {
    /// Where the program stood, as the runtime words it: `sim.py:12 in step()`, or `sim.py:30` at module level.
    pub fn place(&self) -> Option<String> {
        let Place { file, line, function } = self.stack.last()?;
        Some(match function.as_str() {
            "<module>" => format!("{file}:{line}"),
            _ => format!("{file}:{line} in {function}()"),
        })
    }
}

/// Why a file cannot be continued from.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is not a checkpoint of heresy's")]
    Foreign,
    #[error("a newer heresy wrote it, in format {0}: continue with that one, or a later one")]
    Newer(String),
    #[error("it was cut short: {found} bytes of {expected}")]
    Cut { found: u64, expected: u64 },
    #[error("its description is damaged: {0}")]
    Damaged(String),
}

/// Reads what a checkpoint says of itself, and checks that the file is as long as it says.
pub fn read_manifest(path: &Path) -> Result<Manifest, Error> {
    let file = File::open(path)?;
    let found = file.metadata()?.len();
    let mut reader = BufReader::new(file);

    let mut magic = Vec::new();
    reader.by_ref().take(64).read_until(b'\n', &mut magic)?;
    let format = std::str::from_utf8(&magic).ok().and_then(|line| line.strip_prefix(MAGIC)?.strip_suffix('\n'));
    match format {
        Some(FORMAT) => {}
        Some(other) if other.parse::<u32>().is_ok() => return Err(Error::Newer(other.to_owned())),
        _ => return Err(Error::Foreign),
    }

    let mut line = Vec::new();
    reader.take(LONGEST_MANIFEST).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(Error::Cut { found, expected: found + AUTHENTICATION_BYTES });
    }
    let manifest: Manifest = serde_json::from_slice(&line).map_err(|error| Error::Damaged(error.to_string()))?;
    let head = (magic.len() + line.len()) as u64;
    let expected = head.saturating_add(manifest.payload.bytes).saturating_add(AUTHENTICATION_BYTES);
    if found != expected {
        return Err(Error::Cut { found, expected });
    }
    Ok(manifest)
}

/// Where the checkpoint of a program is: in the directory it is started in, under a name of its own.
///
/// Input: `/home/u/sim.py`, `sim`, `["-n", "3"]`, `/data/.heresy`. Output: `/data/.heresy/sim-0123456789abcdef.ckpt`. A program
/// is one script with one list of arguments, so others neither meet this file nor replace it.
pub fn path_of_program(identity: &OsStr, stem: &OsStr, args: &[OsString], folder: &Path) -> PathBuf {
    let parts = [cache::bytes_of(identity)].into_iter().chain(args.iter().map(cache::bytes_of));
    let identity = cache::hash(parts);
    let stem = stem.to_string_lossy();
    // A file's name may have 255 bytes, and the runtime adds a suffix while it writes.
    let stem: String = stem.chars().take(40).collect();
    folder.join(format!("{stem}-{}.ckpt", &identity[..16]))
}

/// The checkpoints in a directory's `.heresy`, in order of name.
pub fn all_in(cwd: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(cwd.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ckpt") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A path or an argument in Python's JSON, where a byte that is not UTF-8 is a lone surrogate ("surrogateescape").
#[derive(Clone, Debug)]
pub struct OsText(pub OsString);

impl<'de> Deserialize<'de> for OsText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OsText, D::Error> {
        deserializer.deserialize_bytes(OsTextVisitor)
    }
}

struct OsTextVisitor;

impl Visitor<'_> for OsTextVisitor {
    type Value = OsText;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OsText, E> {
        Ok(OsText(text.into()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<OsText, E> {
        Ok(OsText(OsString::from_vec(undo_surrogate_escape(bytes))))
    }
}

/// Before: UTF-8 in which U+DC80…U+DCFF are encoded like any character, as serde_json hands them over. After: the
/// bytes they stand for.
fn undo_surrogate_escape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        match rest {
            [0xED, high @ 0xB2..=0xB3, low @ 0x80..=0xBF, after @ ..] => {
                out.push((high & 0b11) << 6 | (low & 0b11_1111));
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::fs;
    use std::os::unix::ffi::OsStringExt;
    use std::path::Path;

    use super::{Error, OsText, path_of_program, read_manifest};

    const MANIFEST: &str = r#"{"heresy": "0.1.0", "python": "3.11.7", "created": 1.5, "script": "a.py", "args": ["x"],
        "cwd": "/tmp", "kind": "script", "source": {"path": "/tmp/a.py", "sha256": "00"}, "hash_seed": {"value": "1", "was": null},
        "stack": [{"file": "/tmp/a.py", "line": 7, "function": "f", "label": ".L1"}],
        "payload": {"bytes": 3}, "later": 1}"#;

    fn checkpoint(text: &str) -> Result<super::Manifest, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ckpt");
        fs::write(&path, text).unwrap();
        read_manifest(&path)
    }

    fn whole() -> String {
        format!("heresy checkpoint 1\n{}\nabc{}", MANIFEST.replace('\n', " "), "m".repeat(32))
    }

    #[test]
    fn reads_a_manifest() {
        let manifest = checkpoint(&whole()).unwrap();
        assert_eq!(manifest.place().unwrap(), "/tmp/a.py:7 in f()");
        assert_eq!(manifest.args[0].0, "x");
    }

    #[test]
    fn refuses_every_cut_and_anything_longer() {
        let whole = whole();
        for end in 0..whole.len() {
            assert!(checkpoint(&whole[..end]).is_err(), "cut at {end}");
        }
        assert!(matches!(checkpoint(&format!("{whole}x")), Err(Error::Cut { .. })));
    }

    #[test]
    fn tells_a_newer_format_from_another_file() {
        assert!(matches!(checkpoint("heresy checkpoint 2\n{}\n"), Err(Error::Newer(format)) if format == "2"));
        assert!(matches!(checkpoint("PK\x03\x04"), Err(Error::Foreign)));
    }

    #[test]
    fn bytes_that_are_not_utf8_survive_json() {
        let OsText(text) = serde_json::from_str(r#""a\udcffb\u00e9""#).unwrap();
        assert_eq!(text.into_vec(), b"a\xffb\xc3\xa9");
    }

    #[test]
    fn a_program_is_a_script_with_its_arguments() {
        let path = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            path_of_program(OsStr::new("/home/u/sim.py"), OsStr::new("sim"), &args, Path::new("/data/.heresy"))
        };
        assert_ne!(path(&["ab", "c"]), path(&["a", "bc"]));
        assert!(path(&[]).to_str().unwrap().starts_with("/data/.heresy/sim-"));
    }
}
