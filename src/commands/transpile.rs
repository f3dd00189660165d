//! `heresy transpile`: a script to what heresy runs, in a file or on standard output.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ColorChoice;
use heresy::{Code, Diagnostic, DiffOptions, Options, Source, Transpiled, diff, transpile};

use crate::cli::TranspileArgs;
use crate::commands::{is_colored, report};
use crate::exit::Exit;
use crate::runtime;

pub fn execute(args: &TranspileArgs, color: ColorChoice) -> anyhow::Result<Exit> {
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if args.with_runtime && output.is_none() {
        let diagnostic = Diagnostic::new(Code::UNWRITABLE, "standard output has no folder to put the runtime into")
            .note("name a file: heresy transpile IN -o OUT --with-runtime");
        report(&[diagnostic], color);
        return Ok(Exit::Usage);
    }
    let refused = |failure: Failure| {
        report(&failure.diagnostics, color);
        Ok(failure.exit)
    };
    let (source, transpiled) = match load(&args.input, args.target.target_version) {
        Ok(loaded) => loaded,
        Err(failure) => return refused(failure),
    };
    let bytes = if args.diff {
        let options = DiffOptions {
            old_name: source.name().to_owned(),
            new_name: new_name(&source, output),
            context: 3,
            labels: true,
            colored: output.is_none() && is_colored(&io::stdout(), color),
        };
        diff_bytes(&source, &transpiled, &options)?
    } else {
        source.encode(transpiled.text())?
    };
    let Some(output) = output else {
        print(&bytes)?;
        return Ok(Exit::Success);
    };
    if is_input(output, &args.input) {
        return refused(Failure::output_is_input(output));
    }
    if let Err(error) = write(output, &bytes, &args.input) {
        return refused(Failure::unwritable(output, &error));
    }
    if args.with_runtime {
        let folder = folder_of(output);
        runtime::write_beside(&folder)
            .with_context(|| format!("the runtime cannot be written to {}", folder.display()))?;
    }
    Ok(Exit::Success)
}

/// Why there is no result: diagnostics, and the status to end with.
pub struct Failure {
    pub diagnostics: Vec<Diagnostic>,
    pub exit: Exit,
}

impl Failure {
    fn unreadable(input: &Path, error: &io::Error) -> Failure {
        let title = match error.kind() {
            ErrorKind::NotFound => format!("there is no file {}", input.display()),
            ErrorKind::IsADirectory => format!("{} is a folder, not a script", input.display()),
            _ => format!("{} cannot be read: {error}", input.display()),
        };
        Failure { diagnostics: vec![Diagnostic::new(Code::UNREADABLE, title)], exit: Exit::Usage }
    }

    fn unwritable(output: &Path, error: &io::Error) -> Failure {
        let title = match error.kind() {
            ErrorKind::NotFound => format!("there is no folder {}", folder_of(output).display()),
            ErrorKind::IsADirectory => format!("{} is a folder", output.display()),
            _ => format!("{} cannot be written: {error}", output.display()),
        };
        Failure { diagnostics: vec![Diagnostic::new(Code::UNWRITABLE, title)], exit: Exit::Usage }
    }

    fn output_is_input(output: &Path) -> Failure {
        let diagnostic = Diagnostic::new(Code::OUTPUT_IS_INPUT, format!("{} is the input itself", output.display()))
            .note("heresy never overwrites a script: name another file");
        Failure { diagnostics: vec![diagnostic], exit: Exit::Usage }
    }
}

/// Reads and transpiles a script; `-` is standard input.
pub fn load(input: &Path, target_version: (u8, u8)) -> Result<(Source, Transpiled), Failure> {
    let (name, bytes) = if input == Path::new("-") {
        let mut bytes = Vec::new();
        ("<stdin>".into(), io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
    } else {
        (input.to_string_lossy(), fs::read(input))
    };
    let bytes = bytes.map_err(|error| Failure::unreadable(input, &error))?;
    let refuse = |diagnostics| Failure { diagnostics, exit: Exit::Refused };
    let source = Source::from_bytes(name, &bytes).map_err(|diagnostic| refuse(vec![diagnostic]))?;
    let transpiled = transpile(&source, &Options { target_version }).map_err(refuse)?;
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
    let folder = folder_of(&target);
    let mut file = tempfile::Builder::new().prefix(".heresy-").tempfile_in(&folder)?;
    file.write_all(bytes)?;
    let permissions = fs::metadata(input).map(|metadata| metadata.permissions());
    match permissions {
        Ok(permissions) if input != Path::new("-") => file.as_file().set_permissions(permissions)?,
        _ => file.as_file().set_permissions(default_permissions(&folder)?)?,
    }
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    // The file is there and whole by now; where a folder cannot be synced there is nothing better to do.
    let _ = File::open(&folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// What a file gets that any program makes here: temporary files are made for the user alone.
fn default_permissions(folder: &Path) -> io::Result<fs::Permissions> {
    let probe = tempfile::Builder::new().prefix(".heresy-").make_in(folder, |path| File::create_new(path))?;
    Ok(probe.as_file().metadata()?.permissions())
}

fn is_special(metadata: &Metadata) -> bool {
    let kind = metadata.file_type();
    kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || kind.is_socket()
}

/// Before: `out.py`. After: `.`; before: `dir/out.py`. After: `dir`.
fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
