//! Checkpoint files: what is in them, and where a program's own is.
//!
//! # The format
//!
//! ```text
//! heresy checkpoint 4 7356bfbc\n      the format's number, and what tells whether the manifest is whole: its BLAKE2b, of 4 bytes
//! {"heresy":"0.1.0", ...}\n           the manifest: one line of JSON, in ASCII
//! <part><part>...                     the payload
//! <32 bytes>                          the signature: BLAKE2b, with a key of the user's (see `key`), of all that stands before
//!                                     the payload; the parts have their digests there
//! ```
//!
//! The *payload* is a pickle, which is code to whoever unpickles it: only the runtime does, and not before the signature is found
//! to be of a key that the user has, or has imported (or `--trust` was said). It is cut into parts; each is stored as it is, or
//! as a zlib stream. Large bytes, as those of arrays, are parts of their own, and are not compressed if that would not help.
//!
//! The *manifest* has, in this order, and without what is marked by `?` where that is nothing:
//!
//! | key | what it is |
//! | --- | --- |
//! | `heresy`, `python`, `platform` | the versions that wrote it, as `0.1.0` and `3.13.0`, and `sys.platform` |
//! | `created` | when, in seconds since 1970 |
//! | `kind` | what was run: `script`, `folder`, `module`, `command` or `stdin` |
//! | `script`, `args` | as typed; bytes that are not UTF-8 are lone surrogates, as Python has them |
//! | `cwd` | the directory that the program was started in |
//! | `source` | of the main module `path`, `sha256` and, if it was found by name, `module` |
//! | `modules`? | of each other module with code of the program's: `id`, `path`, `sha256`; `package`, `library`, `again`? |
//! | `instrument`?, `keep`?, `compress`? | the options that were given |
//! | `passing`? | it was made in passing: what the program has written to its files since is to be cut off |
//! | `hash_seed` | the seed of the program's hashes, as text |
//! | `stack` | of each frame, the outermost first: `file`? (if not the script), `line`, `function`, `label`; `span`?: what of the text is in progress, `[line, column, last line, end]`, columns in bytes from 0; `locals`?: of the innermost frames, short views of the variables by name, of a module those that are data |
//! | `unsaved`? | what could not be saved, so that a placeholder stands for it: as it was told at the stop, a text for each |
//! | `number` | one more than that of the checkpoint before |
//! | `key` | which key has signed it: its fingerprint |
//! | `parts` | of each part `bytes`, as stored, `raw`, unpacked, and of what is stored the `blake2b`, of 32 bytes, as hexadecimal digits. If both lengths are the same, it is stored as it is |
//!
//! Keys that a later release adds are passed over. What a reader must know of is said by the format's number.
//!
//! A checkpoint is `NAME.ckpt`. It is written as `NAME.ckpt.PID.new`, synced, and renamed. The ones before, if `--keep` has asked
//! for them, are `NAME.NUMBER.old`. Nothing here writes or removes a checkpoint.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use blake2::digest::consts::U4;
use blake2::{Blake2b, Blake2b256, Digest};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use thiserror::Error;

use crate::cache;
use crate::key::{self, Key};
use crate::os_text::OsText;

/// The folder of checkpoints, in the directory where the program was started.
pub const FOLDER: &str = ".heresy";

const MAGIC: &str = "heresy checkpoint ";
const FORMAT: u32 = 4;
const SIGNATURE_BYTES: usize = 32;

/// More than the manifest of a program stopped 100,000 calls deep: a line that is longer is no manifest.
const LONGEST_MANIFEST: u64 = 64 << 20;

/// What a checkpoint says of its program, for heresy and for people: see above.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    pub heresy: String,
    pub python: String,
    pub platform: String,
    pub created: f64,
    pub kind: String,
    pub script: OsText,
    pub args: Vec<OsText>,
    pub cwd: OsText,
    pub source: SourceIdentity,
    #[serde(default)]
    pub modules: Vec<Module>,
    #[serde(default)]
    pub instrument: Vec<String>,
    pub keep: Option<u32>,
    pub compress: Option<String>,
    pub hash_seed: String,
    pub stack: Vec<Frame>,
    #[serde(default)]
    pub unsaved: Vec<OsText>,
    pub number: u64,
    pub key: String,
    pub parts: Vec<Part>,
}

/// A module's text.
#[derive(Debug, Deserialize)]
pub struct SourceIdentity {
    pub path: OsText,
    pub sha256: String,
}

/// Another module with code of the program's.
#[derive(Debug, Deserialize)]
pub struct Module {
    pub id: String,
    pub path: OsText,
    pub sha256: String,
    /// It is imported again: what it holds is not saved.
    #[serde(default)]
    pub library: bool,
    /// The module that it is, loaded once more.
    pub again: Option<String>,
}

/// Where a frame stands.
#[derive(Debug, Deserialize)]
pub struct Frame {
    /// If it is not the script.
    pub file: Option<String>,
    pub line: usize,
    pub function: String,
    /// Line and column of what is in progress; lines from 1, columns in bytes from 0.
    pub span: Option<(usize, usize, usize, usize)>,
    /// Its variables, in their order.
    #[serde(default, deserialize_with = "in_order")]
    pub locals: Vec<(String, String)>,
}

/// The names and values of an object, in the order in which they stand.
fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, String)>, D::Error> {
    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(String, String)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object of strings")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some((OsText(name), OsText(value))) = map.next_entry()? {
                pairs.push((name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(InOrder)
}

/// A part of the payload, as it is stored, and its length when it is unpacked.
#[derive(Debug, Deserialize)]
pub struct Part {
    pub bytes: usize,
    pub raw: usize,
    blake2b: String,
}

impl Manifest {
    /// Where the program stood, as the runtime words it: `sim.py:12 in step()`, or `sim.py:30` at module level.
    pub fn place(&self) -> Option<String> {
        self.stack.last().map(|frame| self.place_of(frame))
    }

    pub fn place_of(&self, frame: &Frame) -> String {
        let file = self.file_of(frame);
        match frame.function.as_str() {
            "<module>" => format!("{file}:{}", frame.line),
            function => format!("{file}:{} in {function}()", frame.line),
        }
    }

    /// The file that a frame runs, as tracebacks show it.
    pub fn file_of(&self, frame: &Frame) -> String {
        frame.file.clone().unwrap_or_else(|| self.source.path.0.to_string_lossy().into_owned())
    }

    /// The names of the modules whose variables are saved, in the payload's order.
    pub fn own_modules(&self) -> impl Iterator<Item = String> {
        let others = self.modules.iter().filter(|module| !module.library && module.again.is_none());
        ["__main__".to_owned()].into_iter().chain(others.map(|module| module.id.clone()))
    }

    /// `sim.py -n 3`
    pub fn command(&self) -> String {
        let words = [&self.script].into_iter().chain(&self.args);
        words.map(|word| word.0.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// Why a file cannot be continued from.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is not a checkpoint of heresy's")]
    Foreign,
    #[error("an older heresy wrote it, in format {0}: continue with that one")]
    Older(u32),
    #[error("a newer heresy wrote it, in format {0}: continue with that one, or a later one")]
    Newer(u32),
    #[error("it was cut short, or something was added: {found} bytes of {expected}")]
    Cut { found: usize, expected: usize },
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// A checkpoint, whole: nothing in it has been damaged. Who has signed it is another question.
#[derive(Debug)]
pub struct Checkpoint {
    pub manifest: Manifest,
    /// The manifest, as it stands there.
    pub text: Vec<u8>,
    bytes: Vec<u8>,
    payload_at: usize,
}

/// Who has signed a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    Own,
    Imported,
    /// Somebody whose key is not here; or somebody has altered it.
    Unknown,
}

/// Reads what a checkpoint says of itself, and checks that the file is as long as it says.
pub fn read_manifest(path: &Path) -> Result<Manifest, Error> {
    read_head(&mut File::open(path)?).map(|head| head.manifest)
}

/// Reads a checkpoint, and checks all that can be without a key.
pub fn read(path: &Path) -> Result<Checkpoint, Error> {
    let mut file = File::open(path)?;
    let Head { manifest, text, length: payload_at } = read_head(&mut file)?;
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    let mut at = payload_at;
    for part in &manifest.parts {
        let end = at + part.bytes;
        let stored = bytes.get(at..end).ok_or(Error::Cut { found: bytes.len(), expected: end + SIGNATURE_BYTES })?;
        if part.blake2b != digits(&Blake2b256::digest(stored)) {
            return Err(Error::Damaged(format!("the part of its payload from byte {at} to {end} was altered")));
        }
        at = end;
    }
    Ok(Checkpoint { manifest, text, bytes, payload_at })
}

struct Head {
    manifest: Manifest,
    text: Vec<u8>,
    /// How long it is, in bytes.
    length: usize,
}

fn read_head(file: &mut File) -> Result<Head, Error> {
    let found = file.metadata()?.len() as usize;
    let mut reader = BufReader::new(file);

    let mut first = Vec::new();
    reader.by_ref().take(64).read_until(b'\n', &mut first)?;
    let line = std::str::from_utf8(&first).ok().and_then(|line| line.strip_prefix(MAGIC)?.strip_suffix('\n'));
    let (format, check) = line.map(|line| line.split_once(' ').unwrap_or((line, ""))).ok_or(Error::Foreign)?;
    match format.parse::<u32>() {
        Ok(FORMAT) => {}
        Ok(older) if older < FORMAT => return Err(Error::Older(older)),
        Ok(newer) => return Err(Error::Newer(newer)),
        Err(_) => return Err(Error::Foreign),
    }

    let mut text = Vec::new();
    reader.take(LONGEST_MANIFEST).read_until(b'\n', &mut text)?;
    if text.pop() != Some(b'\n') {
        return Err(Error::Cut { found, expected: found + SIGNATURE_BYTES });
    }
    if check != check_of(&text) {
        return Err(Error::Damaged("its manifest was altered".to_owned()));
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| Error::Damaged(error.to_string()))?;
    if manifest.hash_seed.parse::<u32>().is_err() {
        return Err(Error::Damaged("its hash seed is none".to_owned()));
    }
    let length = first.len() + text.len() + 1;
    let expected =
        manifest.parts.iter().fold(length + SIGNATURE_BYTES, |length, part| length.saturating_add(part.bytes));
    if found != expected {
        return Err(Error::Cut { found, expected });
    }
    Ok(Head { manifest, text, length })
}

impl Checkpoint {
    /// How long the file is.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Who has signed it.
    pub fn signer(&self) -> Signer {
        let (head, signature) = (&self.bytes[..self.payload_at], &self.bytes[self.bytes.len() - SIGNATURE_BYTES..]);
        let has_signed = |key: &Key| key.sign(head) == signature;
        if key::existing().is_some_and(|own| has_signed(&own)) {
            Signer::Own
        } else if key::imported().iter().any(has_signed) {
            Signer::Imported
        } else {
            Signer::Unknown
        }
    }

    /// The payload, unpacked. It is never executed here.
    pub fn payload(&self) -> Result<Vec<u8>, Error> {
        let mut payload = Vec::new();
        let mut at = self.payload_at;
        for part in &self.manifest.parts {
            let stored = &self.bytes[at..at + part.bytes];
            at += part.bytes;
            if part.bytes == part.raw {
                payload.extend_from_slice(stored);
            } else {
                let raw = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(stored, part.raw);
                payload.extend(raw.map_err(|error| Error::Damaged(error.to_string()))?);
            }
        }
        Ok(payload)
    }
}

/// What tells in the first line whether the manifest is whole.
fn check_of(manifest: &[u8]) -> String {
    digits(&Blake2b::<U4>::digest(manifest))
}

fn digits(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// The checkpoint that an older one was the checkpoint of, before others came: `sim-01.7.old` to `sim-01.ckpt`.
pub fn newest_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.strip_suffix(".old").and_then(|name| name.rsplit_once('.')) {
        Some((name, number)) if number.parse::<u64>().is_ok() => path.with_file_name(format!("{name}.ckpt")),
        _ => path.to_owned(),
    }
}

/// The checkpoints of one program that are there, the older ones first: their numbers and files.
pub fn all_of(newest: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let folder = newest.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| Path::new(stem).extension()?.to_str()?.parse().ok());
        if let Some(number) = number
            && newest_of(&path).file_name() == newest.file_name()
        {
            found.push((number, path));
        }
    }
    found.sort();
    if let Ok(manifest) = read_manifest(newest) {
        // While a checkpoint is set aside it has two names.
        found.retain(|(number, _)| *number != manifest.number);
        found.push((manifest.number, newest.to_owned()));
    }
    Ok(found)
}

/// The checkpoints in a directory's `.heresy`, in order of name: the newest of each program, which may be gone where older ones
/// are kept.
pub fn all_in(cwd: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(cwd.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = newest_of(&entry?.path());
        if path.extension().is_some_and(|extension| extension == "ckpt") {
            found.push(path);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::fs;
    use std::path::Path;

    use super::{Error, all_of, check_of, newest_of, path_of_program, read};

    const MANIFEST: &str = r#"{"heresy": "0.1.0", "python": "3.11.7", "platform": "linux", "created": 1.5, "kind": "script",
        "script": "a.py", "args": ["x"], "cwd": "/tmp", "source": {"path": "/tmp/a.py", "sha256": "00"}, "hash_seed": "1",
        "stack": [{"line": 7, "function": "f", "label": "L1", "locals": {"b": "1", "a": "2"}}], "number": 3, "key": "0badcafe",
        "parts": [{"bytes": 3, "raw": 3, "blake2b": "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"}], "later": 1}"#;

    fn checkpoint(text: &str) -> Result<super::Checkpoint, Error> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ckpt");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    fn whole() -> String {
        let manifest = MANIFEST.replace('\n', " ");
        format!("heresy checkpoint 4 {}\n{manifest}\nabc{}", check_of(manifest.as_bytes()), "m".repeat(32))
    }

    #[test]
    fn reads_a_manifest() {
        let found = checkpoint(&whole()).unwrap();
        assert_eq!(found.manifest.place().unwrap(), "/tmp/a.py:7 in f()");
        assert_eq!(found.manifest.command(), "a.py x");
        assert_eq!(found.payload().unwrap(), b"abc");
        assert_eq!(found.text, MANIFEST.replace('\n', " ").as_bytes());
        assert_eq!(found.manifest.stack[0].locals, [("b".into(), "1".into()), ("a".into(), "2".into())]);
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
    fn tells_a_newer_format_from_an_older_and_from_another_file() {
        assert!(matches!(checkpoint("heresy checkpoint 5 0\n{}\n"), Err(Error::Newer(5))));
        assert!(matches!(checkpoint("heresy checkpoint 1\n{}\n"), Err(Error::Older(1))));
        assert!(matches!(checkpoint("PK\x03\x04\n"), Err(Error::Foreign)));
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

    #[test]
    fn older_ones_are_found_by_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.10.old", "a.9.old", "a.b.old", "ab.1.old", "a.ckpt.7.new", "a.old"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let newest = dir.path().join("a.ckpt");
        let numbers = |path| all_of(path).unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers(&newest), [9, 10]);
        fs::write(&newest, whole()).unwrap();
        assert_eq!(numbers(&newest), [9, 10, 3]);
        assert_eq!(newest_of(&dir.path().join("a.10.old")), newest);
    }
}
