//! What `heresy run` runs: a script, a folder, a module, code on the command line or on standard input.
//!
//! Each kind is found in the way that `python` finds it, and keeps an identity of its own: the same command in the same
//! directory meets the checkpoint that it left.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cache;
use crate::checkpoint::Manifest;
use crate::cli::Target;
use crate::refusal::Refusal;

/// How the interpreter finds the program. The names are those of the runtime's `Launch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Script,
    /// A folder with a `__main__.py`.
    Folder,
    /// `-m NAME`: where its source is, only the interpreter knows.
    Module,
    /// `-c CODE`
    Command,
    Stdin,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Script => "script",
            Kind::Folder => "folder",
            Kind::Module => "module",
            Kind::Command => "command",
            Kind::Stdin => "stdin",
        }
    }

    fn named(name: &str) -> Option<Kind> {
        [Kind::Script, Kind::Folder, Kind::Module, Kind::Command, Kind::Stdin]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A program, found. The current directory is the program's.
#[derive(Debug)]
pub struct Program {
    pub kind: Kind,
    /// `sys.argv[0]`, as typed; of a module its name.
    pub script: OsString,
    pub source: Option<SourceFile>,
}

/// The text of a program.
#[derive(Debug)]
pub struct SourceFile {
    /// What tracebacks call it: the path from the root, `<string>` or `<stdin>`.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub sha256: String,
}

impl SourceFile {
    fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> SourceFile {
        SourceFile { path: path.into(), sha256: cache::hash_one(&bytes), bytes }
    }

    fn read(path: PathBuf, script: &OsStr) -> Result<SourceFile, Refusal> {
        let bytes = fs::read(&path).map_err(|error| Refusal::no_script(script, &error))?;
        if bytes.starts_with(b"PK\x03\x04") {
            return Err(Refusal::zipped(script));
        }
        Ok(SourceFile::new(path, bytes))
    }
}

/// Finds what the command line names.
pub fn find(target: Target<'_>) -> anyhow::Result<Program> {
    match target {
        Target::Script(script) => script_or_folder(script),
        Target::Module(name) => Ok(Program { kind: Kind::Module, script: name.to_owned(), source: None }),
        Target::Code(code) => {
            // Python, too, ends the last line.
            let bytes = [cache::bytes_of(code), b"\n"].concat();
            Ok(Program { kind: Kind::Command, script: "-c".into(), source: Some(SourceFile::new("<string>", bytes)) })
        }
        Target::Stdin => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            Ok(Program { kind: Kind::Stdin, script: "-".into(), source: Some(SourceFile::new("<stdin>", bytes)) })
        }
    }
}

fn script_or_folder(script: &OsStr) -> anyhow::Result<Program> {
    let path = absolute_as_python(script, &env::current_dir()?);
    let (kind, path) = if path.is_dir() { (Kind::Folder, path.join("__main__.py")) } else { (Kind::Script, path) };
    if kind == Kind::Folder && !path.exists() {
        return Err(Refusal::folder_without_main(script).into());
    }
    Ok(Program { kind, script: script.to_owned(), source: Some(SourceFile::read(path, script)?) })
}

/// Finds the program that a checkpoint was made of.
pub fn of_manifest(manifest: &Manifest) -> anyhow::Result<Program> {
    let script = manifest.script.0.clone();
    let kind = Kind::named(&manifest.kind).unwrap_or(Kind::Script);
    let path = PathBuf::from(&manifest.source.path.0);
    let source = match kind {
        // Such text is in no file; the cache has kept it.
        Kind::Command | Kind::Stdin => match cache::find_source(&manifest.source.sha256) {
            Some((_, bytes)) => SourceFile::new(path, bytes),
            None => return Err(Refusal::text_gone(&script).into()),
        },
        _ => SourceFile::read(path.clone(), path.as_os_str())?,
    };
    Ok(Program { kind, script, source: Some(source) })
}

impl Program {
    /// What tells the program from others, and what its checkpoint is called after.
    ///
    /// A link to a script is not followed: its name may be why it exists, and what it points to may change.
    pub fn identity(&self, target: Target<'_>) -> (OsString, OsString) {
        match (target, &self.source) {
            (Target::Module(name), _) => {
                let mut identity = OsString::from("-m ");
                identity.push(name);
                (identity, name.to_owned())
            }
            (Target::Code(code), _) => {
                let mut identity = OsString::from("-c ");
                identity.push(code);
                (identity, "command".into())
            }
            (Target::Script(_), Some(source)) => {
                let folder = source.path.parent().and_then(|folder| folder.canonicalize().ok());
                let resolved = match (folder, source.path.file_name()) {
                    (Some(folder), Some(name)) => folder.join(name),
                    _ => source.path.clone(),
                };
                let stem = resolved.file_stem().unwrap_or_default().to_owned();
                (resolved.into_os_string(), stem)
            }
            _ => ("-".into(), "stdin".into()),
        }
    }

    /// The folder that the program's own modules are in, as far as that is known before it starts.
    pub fn folder(&self) -> io::Result<PathBuf> {
        let of_source = match (&self.source, self.kind) {
            (Some(source), Kind::Script | Kind::Folder) => source.path.canonicalize()?.parent().map(Path::to_owned),
            _ => None,
        };
        of_source.map_or_else(env::current_dir, Ok)
    }
}

/// The script's path as Python makes its `__file__`: from the root, nothing resolved, without a leading `./`.
pub fn absolute_as_python(script: &OsStr, cwd: &Path) -> PathBuf {
    let path = Path::new(script);
    cwd.join(path.strip_prefix("./").unwrap_or(path))
}
