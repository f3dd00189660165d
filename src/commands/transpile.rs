//! `heresy transpile`: a script, or a folder of them, to what heresy runs.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Context;
use clap::ColorChoice;
use heresy::{Code, Diagnostic, DiffOptions, Options, Source, Transpiled, diff, transpile};

use crate::cli::TranspileArgs;
use crate::commands::is_colored;
use crate::commands::walk::is_special;
use crate::exit::Exit;
use crate::refusal::{Refusal, in_words};
use crate::runtime;

mod output;
mod tree;

use output::{folder_of, replace};

pub fn execute(args: &TranspileArgs, color: ColorChoice) -> anyhow::Result<Exit> {
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let is_tree = args.input.is_dir();
    let exit = match output {
        None if is_tree && !args.diff => return Err(no_place("the result of a folder is a folder", "DIR -o OUTDIR")),
        None if args.with_runtime => {
            let title = "standard output has no folder to put the runtime into";
            return Err(no_place(title, "IN -o OUT --with-runtime"));
        }
        Some(output) if is_tree && !args.diff => tree::transpile(&args.input, output, args, color)?,
        _ => transpile_one(args, output, color)?,
    };
    if let Some(output) = output
        && args.with_runtime
    {
        let folder = if is_tree { output.to_owned() } else { folder_of(output) };
        runtime::write_beside(&folder)
            .with_context(|| format!("the runtime cannot be written to {}", folder.display()))?;
    }
    Ok(exit)
}

fn transpile_one(args: &TranspileArgs, output: Option<&Path>, color: ColorChoice) -> anyhow::Result<Exit> {
    let (source, transpiled) = load(&args.input, args.target.target_version)?;
    let bytes = if args.diff {
        let options = DiffOptions {
            old_name: source.name().to_owned(),
            new_name: new_name(&source, output),
            context: 3,
            colored: output.is_none() && is_colored(&io::stdout(), color),
        };
        diff_bytes(&source, &transpiled, &options)?.into()
    } else {
        source.encode(transpiled.text())?
    };
    match output {
        None => print(&bytes)?,
        Some(output) if is_input(output, &args.input) => {
            let title = format!("{} is the input itself", output.display());
            let diagnostic = Diagnostic::new(Code::OUTPUT_IS_INPUT, title);
            let note = "heresy never overwrites a script: name another file";
            return Err(Refusal::new(Exit::Usage, diagnostic.note(note)).into());
        }
        Some(output) => {
            write(output, &bytes, &args.input).map_err(|error| Refusal::new(Exit::Usage, unwritable(output, &error)))?
        }
    }
    Ok(Exit::Success)
}

fn no_place(title: &str, usage: &str) -> anyhow::Error {
    let diagnostic = Diagnostic::new(Code::UNWRITABLE, title).note(format!("name it: heresy transpile {usage}"));
    Refusal::new(Exit::Usage, diagnostic).into()
}

/// Says that something cannot be read, and why.
pub fn unreadable(input: &Path, error: &io::Error) -> Diagnostic {
    let title = match error.kind() {
        ErrorKind::NotFound if input.is_symlink() => format!("{} is a link to nothing", input.display()),
        ErrorKind::NotFound => format!("there is no file {}", input.display()),
        ErrorKind::IsADirectory => format!("{} is a folder, not a script", input.display()),
        _ => format!("{} cannot be read: {}", input.display(), in_words(error)),
    };
    Diagnostic::new(Code::UNREADABLE, title)
}

/// Says that something is a pipe, or a device.
pub fn not_regular(input: &Path) -> Diagnostic {
    unreadable(input, &io::Error::other("it is no regular file"))
}

/// Says that something cannot be written, and why.
fn unwritable(output: &Path, error: &io::Error) -> Diagnostic {
    let title = match error.kind() {
        ErrorKind::NotFound => format!("there is no folder {}", folder_of(output).display()),
        ErrorKind::IsADirectory => format!("{} is a folder", output.display()),
        _ => format!("{} cannot be written: {}", output.display(), in_words(error)),
    };
    Diagnostic::new(Code::UNWRITABLE, title)
}

/// What diagnostics call a script, and its bytes; `-` is standard input.
pub fn read_input(input: &Path) -> io::Result<(String, Vec<u8>)> {
    if input == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(("<stdin>".to_owned(), bytes));
    }
    Ok((input.to_string_lossy().into_owned(), fs::read(input)?))
}

/// Reads and transpiles a script; `-` is standard input.
pub fn load(input: &Path, target_version: (u8, u8)) -> Result<(Source, Transpiled), Refusal> {
    let (name, bytes) = read_input(input).map_err(|error| Refusal::new(Exit::Usage, unreadable(input, &error)))?;
    let source = Source::from_bytes(name, &bytes).map_err(|diagnostic| Refusal::script(vec![diagnostic]))?;
    let transpiled = transpile(&source, &Options { target_version }).map_err(Refusal::script)?;
    Ok((source, transpiled))
}

/// What a diff calls the result. Tools that apply diffs take what stands before the tab for a file's name.
pub fn new_name(source: &Source, output: Option<&Path>) -> String {
    output.map_or_else(|| format!("{}\t(transpiled)", source.name()), |path| path.display().to_string())
}

/// The diff as bytes: for a terminal as UTF-8, else in the script's own encoding, as `patch` needs it.
pub fn diff_bytes(source: &Source, transpiled: &Transpiled, options: &DiffOptions) -> anyhow::Result<Vec<u8>> {
    let text = diff(source.text(), transpiled.insertions(), options);
    if options.colored {
        Ok(text.into_bytes())
    } else {
        Ok(source.encode_plain(&text).unwrap_or_else(|| text.into_bytes()))
    }
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
pub fn print(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output cannot be written"),
    }
}

/// Whether two names mean one file, whichever way: `./`, a link of either kind, or the file behind standard input.
fn is_input(output: &Path, input: &Path) -> bool {
    let input = if input == Path::new("-") {
        io::stdin().as_fd().try_clone_to_owned().and_then(|stdin| File::from(stdin).metadata())
    } else {
        fs::metadata(input)
    };
    match (fs::metadata(output), input) {
        (Ok(output), Ok(input)) => output.is_file() && (output.dev(), output.ino()) == (input.dev(), input.ino()),
        _ => false,
    }
}

/// Replaces a file as a whole, with the input's permissions; what is no file (a pipe, a device) is written to.
fn write(output: &Path, bytes: &[u8], input: &Path) -> io::Result<()> {
    if fs::metadata(output).is_ok_and(|metadata| is_special(&metadata)) {
        return match File::options().write(true).open(output)?.write_all(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        };
    }
    // Through a link, the file that it points to is replaced, and the link stays.
    let target = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
    if target.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    let permissions = (input != Path::new("-")).then(|| fs::metadata(input).map(|found| found.permissions()));
    replace(&target, permissions.and_then(Result::ok), |file| {
        file.write_all(bytes)?;
        file.sync_all()
    })?;
    // The file is there and whole by now; where a folder cannot be synced there is nothing better to do.
    let _ = File::open(folder_of(&target)).and_then(|folder| folder.sync_all());
    Ok(())
}
