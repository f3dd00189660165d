//! What heresy tells the runtime: one argument of JSON.
//!
//! The runtime's `_boot.py` reads it. Paths and arguments are bytes to the operating system and need not be UTF-8; so
//! the JSON is bytes too: Python decodes an argument as it decodes any path, and finds in it just the strings that it
//! would have made of them.

use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The words of the launch. Every name is the JSON's key.
#[derive(Debug)]
pub struct Words<'a> {
    /// How the interpreter finds the program: `script`, `module`, `command`, `stdin` or `folder`.
    pub kind: &'a str,
    /// The script, as typed: `sys.argv[0]`; or the name of the module.
    pub script: &'a OsStr,
    /// The script's path from the root: `__file__`. Empty for a module that is still to be found.
    pub source: &'a Path,
    pub sha256: &'a str,
    /// A copy of the script as it is now, for when it is edited while it runs.
    pub original: &'a Path,
    /// The cache's folder.
    pub folder: &'a Path,
    /// Where the runtime may keep compiled code.
    pub cache: &'a Path,
    /// Tells builds of heresy apart, in the names of cached files.
    pub build: &'a str,
    /// The folders whose modules are the program's own.
    pub roots: &'a [PathBuf],
    /// Patterns of names of further modules that are the program's own.
    pub instrument: &'a [String],
    /// Patterns of names of modules that are left alone.
    pub exclude: &'a [String],
    pub checkpoint: &'a Path,
    /// The open file whose lock says that the checkpoint is this process's.
    pub claim: Option<RawFd>,
    /// Whether to continue from a checkpoint: that one, or another.
    pub resume: bool,
    /// The program's modules that have changed since it was stopped.
    pub edits: &'a [Edit],
    /// The line at which the user wants the innermost function that has it to go on.
    pub at: Option<u32>,
    /// Only say whether and where the program can be continued.
    pub dry_run: bool,
    pub from: Option<&'a Path>,
    pub trust: bool,
    /// Folders that have moved since, with where they are now.
    pub map: &'a [(PathBuf, PathBuf)],
    /// Whether to begin in the debugger.
    pub pdb: bool,
    /// How many older checkpoints to keep, and how they are written.
    pub keep: Option<u32>,
    pub compress: Option<&'a str>,
    /// Seconds between checkpoints while the program runs, and how much of its run time they may cost.
    pub every: Option<(f64, f64)>,
    /// For how many seconds a SIGTERM waits for a call that blocks.
    pub grace: f64,
    /// The exit status after a stop.
    pub stop_status: Option<u8>,
    /// The command line that continues the program, for messages.
    pub command: &'a [OsString],
    pub bounce: bool,
    /// What to do about objects that cannot be saved, if the user says: `placeholder` or `refuse`.
    pub on_unsaved: Option<&'static str>,
    /// What an exception that nobody catches does: `stop` or `end`.
    pub on_error: &'static str,
    /// This binary, for starting the program once more.
    pub heresy: &'a Path,
    pub hash_seed: &'a HashSeed,
    pub trial: Option<&'a Trial>,
    /// The signals that wait until the runtime lets them through.
    pub blocked: &'a [&'static str],
}

/// The seed of the program's hashes, and what the environment held before heresy put the seed into it.
#[derive(Debug)]
pub struct HashSeed {
    pub value: OsString,
    pub was: Option<OsString>,
}

/// A life of a program that is only tried: see the runtime's `_trial`.
#[derive(Debug)]
pub struct Trial {
    /// The statement to stop at, counted from 1; 0: they are counted.
    pub at: Option<u64>,
    /// Where the runtime writes what came of it.
    pub report: PathBuf,
    /// Where heresy's own words go, in place of standard error.
    pub words: PathBuf,
}

/// A module that has changed: both digests, and the file with the alignment of its texts.
#[derive(Debug)]
pub struct Edit {
    pub path: PathBuf,
    pub old: String,
    pub new: String,
    pub table: PathBuf,
}

fn quoted(value: &OsStr) -> Vec<u8> {
    let mut quoted = b"\"".to_vec();
    for &byte in value.as_bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            0..0x20 => quoted.extend(format!("\\u{byte:04x}").bytes()),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [b"[", &*items.join(&b", "[..]), b"]"].concat()
}

/// One argument of a process has at most 128 KiB on Linux; what is only for messages must not be what breaks that.
const LONGEST_COMMAND: usize = 4096;

impl Words<'_> {
    /// The whole as one argument.
    pub fn to_json(&self) -> OsString {
        let mut json = Object::new();
        json.string("kind", self.kind);
        json.string("script", self.script);
        json.string("source", self.source);
        json.string("sha256", self.sha256);
        json.string("original", self.original);
        json.string("folder", self.folder);
        json.string("cache", self.cache);
        json.string("build", self.build);
        json.strings("roots", self.roots);
        json.strings("instrument", self.instrument);
        json.strings("exclude", self.exclude);
        json.string("checkpoint", self.checkpoint);
        if let Some(claim) = self.claim {
            json.raw("claim", claim.to_string().as_bytes());
        }
        json.raw("resume", self.resume.to_string().as_bytes());
        if !self.edits.is_empty() {
            let mut edits = Object::new();
            for edit in self.edits {
                let mut words = Object::new();
                words.string("old", &edit.old);
                words.string("new", &edit.new);
                words.string("table", &edit.table);
                edits.member(edit.path.as_os_str(), &words.finish());
            }
            json.raw("edits", &edits.finish());
        }
        if let Some(line) = self.at {
            json.raw("at", line.to_string().as_bytes());
        }
        if self.dry_run {
            json.raw("dry_run", b"true");
        }
        if let Some(from) = self.from {
            json.string("from", from);
        }
        if self.trust {
            json.raw("trust", b"true");
        }
        if !self.map.is_empty() {
            let pair = |(old, new): &(PathBuf, PathBuf)| array(&[quoted(old.as_os_str()), quoted(new.as_os_str())]);
            json.raw("map", &array(&self.map.iter().map(pair).collect::<Vec<_>>()));
        }
        if self.pdb {
            json.raw("pdb", b"true");
        }
        if let Some(keep) = self.keep {
            json.raw("keep", keep.to_string().as_bytes());
        }
        if let Some(compress) = self.compress {
            json.string("compress", compress);
        }
        if let Some((seconds, overhead)) = self.every {
            json.raw("every", &array(&[seconds, overhead].map(|number| number.to_string().into_bytes())));
        }
        json.raw("grace", self.grace.to_string().as_bytes());
        if let Some(status) = self.stop_status {
            json.raw("stop_status", status.to_string().as_bytes());
        }
        json.string("command", shell_command(self.command));
        json.raw("bounce", self.bounce.to_string().as_bytes());
        if let Some(choice) = self.on_unsaved {
            json.string("on_unsaved", choice);
        }
        json.string("on_error", self.on_error);
        json.string("heresy", self.heresy);
        let mut seed = Object::new();
        seed.string("value", &self.hash_seed.value);
        match &self.hash_seed.was {
            Some(was) => seed.string("was", was),
            None => seed.raw("was", b"null"),
        }
        json.raw("hash_seed", &seed.finish());
        if let Some(trial) = self.trial {
            let mut words = Object::new();
            if let Some(at) = trial.at {
                words.raw("at", at.to_string().as_bytes());
            }
            words.string("report", &trial.report);
            words.string("words", &trial.words);
            json.raw("trial", &words.finish());
        }
        json.strings("blocked", self.blocked);
        json.string("version", env!("CARGO_PKG_VERSION"));
        OsString::from_vec(json.finish())
    }
}

/// A JSON object whose strings are any bytes.
struct Object(Vec<u8>);

impl Object {
    fn new() -> Object {
        Object(b"{".to_vec())
    }

    fn string(&mut self, key: &str, value: impl AsRef<OsStr>) {
        self.raw(key, &quoted(value.as_ref()));
    }

    fn strings(&mut self, key: &str, values: &[impl AsRef<OsStr>]) {
        let items: Vec<Vec<u8>> = values.iter().map(|value| quoted(value.as_ref())).collect();
        self.raw(key, &array(&items));
    }

    fn raw(&mut self, key: &str, value: &[u8]) {
        self.member(OsStr::new(key), value);
    }

    fn member(&mut self, key: &OsStr, value: &[u8]) {
        if self.0.len() > 1 {
            self.0.extend(b", ");
        }
        self.0.extend(quoted(key));
        self.0.extend(b": ");
        self.0.extend(value);
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// Before: `["heresy", "run", "a b.py"]`. After: `heresy run 'a b.py'`, which a shell reads as the words it was made
/// from.
pub fn shell_command(words: &[OsString]) -> OsString {
    let mut line = Vec::new();
    for word in words {
        if !line.is_empty() {
            line.push(b' ');
        }
        line.extend(shell_word(word.as_bytes()));
        if line.len() > LONGEST_COMMAND {
            line.truncate(LONGEST_COMMAND);
            line.extend(b" ...");
            break;
        }
    }
    OsString::from_vec(line)
}

fn shell_word(word: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(byte) || !byte.is_ascii();
    if !word.is_empty() && word.iter().all(is_plain) {
        return word.to_vec();
    }
    let mut quoted = b"'".to_vec();
    for &byte in word {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    use super::{Object, shell_command};

    #[test]
    fn strings_keep_their_bytes() {
        let mut json = Object::new();
        json.string("a", OsStr::from_bytes(b"\"\\\n\xff"));
        json.raw("b", b"[]");
        assert_eq!(json.finish(), b"{\"a\": \"\\\"\\\\\\u000a\xff\", \"b\": []}");
    }

    #[test]
    fn a_command_is_quoted_for_the_shell_and_kept_short() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            shell_command(&words(&["heresy", "run", "a b.py", "", "it's"])),
            r"heresy run 'a b.py' '' 'it'\''s'"
        );
        assert!(shell_command(&words(&["x"; 100_000])).into_vec().len() < 5000);
    }
}
