//! Finding the Python that runs a script, and learning its version without starting it each time.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cache;
use crate::runtime;

/// The oldest and the newest CPython that heresy knows how to continue a program on.
pub const OLDEST: (u8, u8) = (3, 11);
pub const NEWEST: (u8, u8) = (3, 15);

/// A Python that can run heresy's runtime.
#[derive(Debug)]
pub struct Interpreter {
    /// The absolute path to execute. A link stays a link: a virtual environment is one.
    pub path: PathBuf,
    /// Major and minor version: the syntax that it takes.
    pub version: (u8, u8),
}

/// Why there is no interpreter; each says what to do about it.
#[derive(Debug, Error)]
pub enum Error {
    #[error("there is no Python `{asked}`{place}")]
    Missing { asked: String, place: &'static str },
    #[error("`{path}` does not work as a Python: {why}")]
    Broken { path: String, why: String },
    #[error("`{path}` is {what}, and heresy needs CPython {}.{} to {}.{}", OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1)]
    Unsuitable { path: String, what: String },
}

impl Error {
    /// What the user can do: above all, the suitable interpreters that are at hand.
    pub fn advice(&self) -> String {
        let at_hand: Vec<String> =
            (OLDEST.1..=NEWEST.1).rev().map(|minor| format!("3.{minor}")).filter(|version| works(version)).collect();
        match at_hand.as_slice() {
            [] => "install CPython 3.11 or newer, and name it: `heresy run --python PATH script.py`".to_owned(),
            [first, ..] => {
                format!("at hand: {}; for example `heresy run --python {first} script.py`", at_hand.join(", "))
            }
        }
    }
}

/// Whether an interpreter of this version can be used: a version switcher has names on PATH for many that cannot.
fn works(version: &str) -> bool {
    locate(Some(OsStr::new(version))).is_ok_and(|path| {
        ask(&path, None).and_then(|child| answer(&path, child)).is_ok_and(|(identity, _)| identity.check(&path).is_ok())
    })
}

/// An interpreter that is known already, or is just being asked what it is.
#[derive(Debug)]
pub struct Sought {
    path: PathBuf,
    answer: Answer,
    cache: PathBuf,
}

#[derive(Debug)]
enum Answer {
    Remembered(Identity),
    Awaited(Child),
}

/// Looks for the interpreter that the user means, and asks it for its version if nobody has yet; while it answers, there is time
/// for other things.
///
/// Input: the value of `--python`, if given, and the cache. Output: that one; else the active virtual environment's;
/// else that of the environment that heresy is called from; else `python3` on PATH.
pub fn seek(asked: Option<&OsStr>, cache: &Path) -> Result<Sought, Error> {
    let path = locate(asked)?;
    let answer = match remembered(&path, cache) {
        Some(identity) => Answer::Remembered(identity),
        None => Answer::Awaited(ask(&path, Some(cache))?),
    };
    Ok(Sought { path, answer, cache: cache.to_owned() })
}

impl Sought {
    /// The interpreter, if it will do; and the process that has just been asked, which can be of more use.
    pub fn found(self) -> Result<(Interpreter, Option<Asked>), Error> {
        let (identity, asked) = match self.answer {
            Answer::Remembered(identity) => (identity, None),
            Answer::Awaited(child) => {
                let (identity, asked) = answer(&self.path, child)?;
                remember(&self.path, &self.cache, &identity);
                (identity, Some(asked))
            }
        };
        identity.check(&self.path)?;
        let version = (identity.version.0, identity.version.1);
        Ok((Interpreter { path: self.path, version }, asked))
    }
}

fn locate(asked: Option<&OsStr>) -> Result<PathBuf, Error> {
    let Some(asked) = asked else {
        let active = env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
        let active = active.map(|folder| Path::new(&folder).join("bin/python"));
        let candidates = [active, beside_heresy()].into_iter().flatten().find(|python| is_executable(python));
        let missing = || Error::Missing { asked: "python3".into(), place: " on PATH" };
        return candidates.or_else(|| on_path(OsStr::new("python3"))).map(absolute).ok_or_else(missing);
    };
    if cache::bytes_of(asked).contains(&b'/') {
        let path = PathBuf::from(asked);
        return if is_executable(&path) {
            Ok(absolute(path))
        } else {
            Err(Error::Missing { asked: asked.display().to_string(), place: "" })
        };
    }
    let name = match asked.to_str() {
        Some(text) if is_version(text) => OsString::from(format!("python{text}")),
        _ => asked.to_owned(),
    };
    on_path(&name).map(absolute).ok_or(Error::Missing { asked: name.display().to_string(), place: " on PATH" })
}

/// Before: called as `.venv/bin/heresy`. After: `.venv/bin/python`, if that is a virtual environment's.
///
/// A link to heresy is not followed: tools that install commands into environments of their own make such links.
fn beside_heresy() -> Option<PathBuf> {
    let called = PathBuf::from(env::args_os().next()?);
    let folder = called.parent().filter(|folder| *folder != Path::new(""))?;
    folder.join("../pyvenv.cfg").is_file().then(|| folder.join("python"))
}

/// `3`, `3.13`, `3.13t`: what follows `python` in a program's name.
fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|each| each.is_ascii_alphanumeric() || each == '.')
}

fn on_path(name: &OsStr) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The path from the root, links and all. Python makes `sys.executable` of it.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// What an interpreter says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    implementation: String,
    version: (u8, u8, u8),
    free_threaded: bool,
}

impl Identity {
    fn check(&self, path: &Path) -> Result<(), Error> {
        let (major, minor, micro) = self.version;
        let known = (OLDEST..=NEWEST).contains(&(major, minor));
        let what = match self.implementation.as_str() {
            "cpython" if known && !self.free_threaded => return Ok(()),
            "cpython" if self.free_threaded => format!("a free-threaded Python {major}.{minor}.{micro}"),
            "cpython" => format!("Python {major}.{minor}.{micro}"),
            other => format!("{other} (Python {major}.{minor}.{micro})"),
        };
        Err(Error::Unsuitable { path: path.display().to_string(), what })
    }
}

/// The question is put so that every Python since 2.6 can answer it.
const QUESTION: &str = r#"
import sys
implementation = getattr(getattr(sys, "implementation", None), "name", "cpython")
print('{"implementation": "%s", "version": [%d, %d, %d], "free_threaded": %s}' % (
    (implementation,) + tuple(sys.version_info[:3]) + (["false", "true"]["t" in getattr(sys, "abiflags", "")],)))
sys.stdout.flush()
if sys.stdin.readline():
    __file__ = sys.argv.pop()
    exec(compile(open(__file__).read(), __file__, "exec"))
"#;

/// Asks an interpreter what it is. It waits then, whether it is to compile the runtime in the cache.
fn ask(path: &Path, cache: Option<&Path>) -> Result<Child, Error> {
    Command::new(path)
        .args(["-S", "-E", "-c", QUESTION])
        .args(cache.map(runtime::boot_in))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| broken(path, error.to_string()))
}

/// An interpreter that has said what it is. It ends with this, and is waited for: a process that becomes an interpreter must leave
/// no child to it.
#[derive(Debug)]
pub struct Asked(Option<(Child, ChildStdout)>);

/// An interpreter that compiles the runtime, for the one that will run the program and is starting meanwhile.
#[derive(Debug)]
pub struct Compiling {
    pub process: Child,
    /// At its end it has done so.
    pub output: ChildStdout,
}

impl Asked {
    /// Has it compile what a start needs of the runtime in the cache, where it was asked for that.
    pub fn compile(mut self) -> Option<Compiling> {
        let (mut process, output) = self.0.take()?;
        // If it has ended, its output has, too.
        let _ = process.stdin.take().map(|mut input| input.write_all(b"\n"));
        Some(Compiling { process, output })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some((mut process, _)) = self.0.take() {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}

fn answer(path: &Path, mut child: Child) -> Result<(Identity, Asked), Error> {
    let output = child.stdout.take().ok_or_else(|| broken(path, "it has no output".to_owned()))?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    let read = output.read_line(&mut line);
    if let (Ok(_), Ok(identity)) = (read, serde_json::from_str(&line)) {
        return Ok((identity, Asked(Some((child, output.into_inner())))));
    }
    let ended = child.wait_with_output().map_err(|error| broken(path, error.to_string()))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it does not say its version");
    Err(broken(path, last.trim().to_owned()))
}

fn broken(path: &Path, why: String) -> Error {
    Error::Broken { path: path.display().to_string(), why }
}

fn remembered(path: &Path, cache: &Path) -> Option<Identity> {
    serde_json::from_slice(&fs::read(memory_path(path, cache)?).ok()?).ok()
}

/// Forgetting costs 10 ms at the next start, so a failure is none.
fn remember(path: &Path, cache: &Path, identity: &Identity) {
    if let (Some(memory), Ok(json)) = (memory_path(path, cache), serde_json::to_vec(identity)) {
        let _ = cache::store(&memory, &json);
    }
}

/// Where the answer of this very file is kept. An upgrade changes the file, and so the place.
///
/// None for a script: those of version switchers start another interpreter in another folder.
fn memory_path(path: &Path, cache: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    if is_script(&real).unwrap_or(true) {
        return None;
    }
    let found = real.metadata().ok()?;
    let stamp = format!("{} {} {}", found.len(), found.mtime(), found.mtime_nsec());
    let key = cache::hash([cache::bytes_of(&real), stamp.as_bytes()]);
    Some(cache.join("pythons").join(format!("{}.json", &key[..32])))
}

fn is_script(path: &Path) -> io::Result<bool> {
    let mut start = [0; 2];
    File::open(path)?.read_exact(&mut start)?;
    Ok(start == *b"#!")
}
