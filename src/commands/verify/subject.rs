//! The program that is tried: what to execute for each of its runs, and where.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::copies::{Originals, Slot};
use crate::boot::{HashSeed, Trial};
use crate::cache;
use crate::checkpoint::Manifest;
use crate::claim::Claim;
use crate::cli::{OnError, Target, VerifyArgs};
use crate::config::{self, Config};
use crate::interpreter::{self, Interpreter, Sought};
use crate::launch::{self, Launch, Resuming, Saving, Stopping};
use crate::program::{self, Kind, Program, SourceFile};
use crate::refusal::Refusal;
use crate::runtime;

const HASH_SEED: &str = "PYTHONHASHSEED";

/// A program, with all that its runs have in common. Paths are those of the originals.
#[derive(Debug)]
pub struct Subject<'a> {
    args: &'a VerifyArgs,
    program: Program,
    /// The directory that the program is run in, and the folders that its own modules are in.
    cwd: PathBuf,
    /// What `--dir` names.
    folder: Option<PathBuf>,
    roots: Vec<PathBuf>,
    config: Config,
    interpreter: Interpreter,
    hash_seed: OsString,
    /// Where plain Python finds the package, for a program that imports it.
    package: Option<PathBuf>,
}

impl<'a> Subject<'a> {
    pub fn find(args: &'a VerifyArgs) -> anyhow::Result<Subject<'a>> {
        let program = program::find(args.program.target())?;
        let folder = program.folder()?;
        let project = config::project_of(&folder);
        let config = config::read(project.as_deref())?;
        let (interpreter, boot) = cache::with_folder(|cache| {
            let found = interpreter::seek(args.python.python.as_deref(), cache).and_then(Sought::found);
            let (interpreter, _) = found.map_err(|error| Refusal::interpreter(&error))?;
            Ok((interpreter, runtime::lay_out(cache)?))
        })?;
        let asks = |source: &SourceFile| source.bytes.windows(6).any(|text| text == b"heresy");
        let package =
            program.source.as_ref().filter(|source| asks(source)).and(boot.ancestors().nth(2)).map(Path::to_owned);
        let seed = env::var_os(HASH_SEED).filter(|seed| !seed.is_empty() && seed != "random");
        let named = |folder: &PathBuf| folder.canonicalize().map_err(|error| Refusal::place_gone(folder, &error));
        Ok(Subject {
            args,
            folder: args.dir.as_ref().map(named).transpose()?,
            program,
            cwd: env::current_dir()?.canonicalize()?,
            roots: [Some(folder), project].into_iter().flatten().collect(),
            config,
            interpreter,
            hash_seed: seed.unwrap_or_else(|| "1".into()),
            package,
        })
    }

    /// The folders that each run needs a copy of.
    pub fn originals(&self) -> anyhow::Result<Originals> {
        if self.args.in_place {
            return Ok(Originals::find([], 0)?);
        }
        let folders = match &self.folder {
            Some(folder) => vec![folder.clone()],
            None => match self.program.kind {
                Kind::Script | Kind::Folder => vec![self.cwd.clone(), self.program.folder()?],
                _ => vec![self.cwd.clone()],
            },
        };
        Ok(Originals::find(folders, self.args.copy_limit.saturating_mul(1_000_000))?)
    }

    /// What a run has said of paths, as if it had worked with the originals.
    pub fn in_originals(&self, slot: &Slot, text: &str) -> String {
        slot.in_originals(text, &self.cwd)
    }

    /// Before: `python sim.py -n 3`. After: the same, in a slot.
    pub fn plain(&self, slot: &Slot) -> Command {
        let mut command = Command::new(&self.interpreter.path);
        match self.args.program.target() {
            Target::Module(name) => command.args([OsStr::new("-m"), name]),
            Target::Code(code) => command.args([OsStr::new("-c"), code]),
            _ => command.arg(self.script(slot)),
        };
        command.args(self.program_args(slot));
        if let Some(package) = &self.package {
            let before = env::var_os("PYTHONPATH").filter(|paths| !paths.is_empty());
            let paths: Vec<OsString> = before.into_iter().chain([package.clone().into()]).collect();
            command.env("PYTHONPATH", paths.join(OsStr::new(":")));
        }
        self.set_up(command, slot)
    }

    /// A life under heresy: from the start, or from the checkpoint that the life before has left.
    pub fn life(&self, slot: &Slot, at: Option<u64>, manifest: Option<Manifest>) -> anyhow::Result<Command> {
        let program = match &manifest {
            Some(manifest) if self.program.kind == Kind::Module => program::of_manifest(manifest)?,
            _ => self.program(slot),
        };
        let given = &self.args.unsaved;
        let launch = Launch {
            program,
            args: self.program_args(slot),
            python: Some(self.interpreter.path.clone().into()),
            bounce: false,
            on_unsaved: given.on_unsaved.or(self.config.on_unsaved),
            claim: Claim::without(slot.of_run("program.ckpt")),
            manifest,
            resuming: Resuming::default(),
            saving: Saving { keep: None, compress: Some("none".to_owned()) },
            command: Vec::new(),
            // What is installed of a project leads to its original.
            roots: self.roots.iter().map(|root| slot.map(root)).chain(self.roots.iter().cloned()).collect(),
            instrument: [&*self.args.instrument, &*self.config.instrument].concat(),
            exclude: self.config.exclude.clone(),
            // An exception that nobody catches is to do what it does plainly.
            stopping: Stopping { every: None, grace: 0.0, status: None, on_error: OnError::End },
            trial: Some(Trial { at, report: slot.of_run("report"), words: slot.of_run("words") }),
        };
        // The plain run has the seed in its environment, too.
        let seed = HashSeed { value: self.hash_seed.clone(), was: Some(self.hash_seed.clone()) };
        Ok(self.set_up(launch::command(&launch, &seed)?, slot))
    }

    fn set_up(&self, mut command: Command, slot: &Slot) -> Command {
        let cwd = self.cwd(slot);
        command.current_dir(&cwd).env("PWD", &cwd).env("TMPDIR", slot.tmp()).env(HASH_SEED, &self.hash_seed);
        command
    }

    fn cwd(&self, slot: &Slot) -> PathBuf {
        let cwd = slot.map(&self.cwd);
        match &self.folder {
            Some(folder) if cwd == self.cwd => slot.map(folder),
            _ => cwd,
        }
    }

    /// `sys.argv[0]`: as typed, where that leads to the script from the copy of the current directory, too.
    fn script(&self, slot: &Slot) -> OsString {
        let typed = &self.program.script;
        let Ok(real) = self.cwd.join(typed).canonicalize() else { return typed.clone() };
        let copy = slot.map(&real);
        let leads_there = self.cwd(slot).join(typed).canonicalize().is_ok_and(|path| path == copy);
        if leads_there { typed.clone() } else { copy.into() }
    }

    fn program(&self, slot: &Slot) -> Program {
        let Program { kind, script, source } = &self.program;
        let is_file = matches!(kind, Kind::Script | Kind::Folder);
        let script = if is_file { self.script(slot) } else { script.clone() };
        let source = source.as_ref().map(|source| {
            let path = match kind {
                Kind::Script => program::absolute_as_python(&script, &self.cwd(slot)),
                Kind::Folder => program::absolute_as_python(&script, &self.cwd(slot)).join("__main__.py"),
                _ => source.path.clone(),
            };
            SourceFile { path, bytes: source.bytes.clone(), sha256: source.sha256.clone() }
        });
        Program { kind: *kind, script, source }
    }

    /// The program's arguments; a path from the root that leads into a copied folder leads into the copy.
    fn program_args(&self, slot: &Slot) -> Vec<OsString> {
        let mapped = |argument: &OsString| {
            let bytes = argument.as_bytes();
            // Before: `--out=/home/u/sim/out`. After: both parts; before: `/home/u`. After: nothing, and the whole.
            let is_path = bytes.starts_with(b"/");
            let value_at = bytes.iter().position(|byte| *byte == b'=').filter(|_| !is_path).map_or(0, |at| at + 1);
            let (name, value) = bytes.split_at(value_at);
            match Path::new(OsStr::from_bytes(value)) {
                path if path.is_absolute() => {
                    OsString::from_vec([name, slot.map(path).as_os_str().as_bytes()].concat())
                }
                _ => argument.clone(),
            }
        };
        self.args.program.args().iter().map(mapped).collect()
    }
}
