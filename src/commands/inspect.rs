//! `heresy inspect`: what a checkpoint holds, without unpickling it.

use std::collections::HashMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::ColorChoice;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cache;
use crate::checkpoint::{self, Checkpoint, Error, Frame, Manifest, Signer};
use crate::cli::{InspectArgs, InspectFormat};
use crate::commands::chosen::{age, choose, size};
use crate::commands::is_colored;
use crate::commands::transpile::print;
use crate::exit::Exit;
use crate::payload::{self, Sizes, Variables};
use crate::refusal::Refusal;

pub fn execute(args: &InspectArgs, color: ColorChoice) -> anyhow::Result<Exit> {
    let chosen = choose(args.file.as_deref(), args.at)?.file;
    let file = chosen.strip_prefix(env::current_dir()?).unwrap_or(&chosen).to_owned();
    let refused = |error: Error| Refusal::checkpoint(&file, &error);
    let found = checkpoint::read(&file).map_err(refused)?;
    let unpacked = found.payload().map_err(refused)?;
    // A later release may lay its payload out in another way; all else can be shown still.
    let variables = payload::variables(&unpacked).unwrap_or_default();
    let text = match args.output_format {
        InspectFormat::Full => full(&file, &found, unpacked.len(), &variables, is_colored(&std::io::stdout(), color))?,
        InspectFormat::Json => json(&file, &found, unpacked.len(), &variables)?,
    };
    print(text.as_bytes())?;
    Ok(Exit::Success)
}

fn full(
    file: &Path,
    found: &Checkpoint,
    unpacked: usize,
    variables: &Variables,
    colored: bool,
) -> Result<String, std::fmt::Error> {
    let manifest = &found.manifest;
    let signer = match found.signer() {
        Signer::Own => "by you",
        Signer::Imported => "by a key that you have imported",
        Signer::Unknown => "by a key that is not yours, so it would not be continued",
    };
    let mut text = format!("{}: {}\n", file.display(), manifest.command());
    writeln!(text, "  number {}, made {} ago", manifest.number, age(manifest.created))?;
    writeln!(text, "  by heresy {} under CPython {} on {}", manifest.heresy, manifest.python, manifest.platform)?;
    writeln!(text, "  in {}", Path::new(&manifest.cwd.0).display())?;
    writeln!(text, "  signed {signer} ({})", manifest.key)?;
    writeln!(text, "  {}, {} of state unpacked", size(found.len()), size(unpacked))?;

    let mut sources = HashMap::new();
    for (at, frame) in manifest.stack.iter().enumerate() {
        writeln!(text, "\n{}", manifest.place_of(frame))?;
        let path = manifest.file_of(frame);
        let source = sources.entry(path.clone()).or_insert_with(|| source_of(manifest, &path));
        if let Some(excerpt) = source.as_deref().and_then(|source| excerpt(frame, source, colored)) {
            text += &excerpt;
        }
        let sizes = match frame.function.as_str() {
            "<module>" if at == 0 => variables.modules.first(),
            _ => variables.frames.get(at),
        };
        text += &locals(frame, sizes)?;
    }
    for (name, sizes) in manifest.own_modules().zip(&variables.modules).skip(1) {
        writeln!(text, "\nmodule {name}: {}", size(sizes.iter().map(|(_, bytes)| bytes).sum()))?;
    }
    if !manifest.unsaved.is_empty() {
        writeln!(text, "\nnot saved; the program gets heresy.UnsavedObjectError where it uses one of these")?;
    }
    for item in &manifest.unsaved {
        writeln!(text, "  - {}", item.0.display())?;
    }
    Ok(text)
}

/// The text of a module as it was, if it is still known.
fn source_of(manifest: &Manifest, path: &str) -> Option<String> {
    let main = (&manifest.source.path.0, &manifest.source.sha256);
    let others = manifest.modules.iter().map(|module| (&module.path.0, &module.sha256));
    let (file, sha256) = [main].into_iter().chain(others).find(|(file, _)| file.to_string_lossy() == path)?;
    let here = fs::read(file).ok().filter(|bytes| cache::hash_one(bytes) == *sha256);
    let bytes = here.or_else(|| cache::find_source(sha256).map(|(_, bytes)| bytes))?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Output: the line that is in progress, and carets below what is.
///
/// ```text
///     12 |     total += price(item)
///        |              ^^^^^^^^^^^
/// ```
fn excerpt(frame: &Frame, source: &str, colored: bool) -> Option<String> {
    let (line, column, last_line, end) = frame.span?;
    let shown = source.lines().nth(line.checked_sub(1)?)?;
    // Of what goes over several lines, the first one's rest.
    let end = if last_line == line { end } else { shown.trim_end().len() };
    let (before, marked) = (shown.get(..column)?, shown.get(column..end.max(column))?);
    let (start, stop) = if colored { ("\u{1b}[1;32m", "\u{1b}[0m") } else { ("", "") };
    // Tabs stay tabs, so that the carets stand below what they mean.
    let space: String = before.chars().map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
    let carets = "^".repeat(marked.chars().count().max(1));
    Some(format!("{line:>6} | {shown}\n       | {space}{start}{carets}{stop}\n"))
}

/// Output: a line for each variable: `  rows  list of 270000  1.2 MB`.
fn locals(frame: &Frame, sizes: Option<&Sizes>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let sizes = sizes.map(by_name).unwrap_or_default();
    let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|each| each.chars().count()).max().unwrap_or(0);
    let names = widest(&mut frame.locals.iter().map(|(name, _)| name));
    let values = widest(&mut frame.locals.iter().map(|(_, value)| value));
    for (name, value) in &frame.locals {
        let bytes = sizes.get(name.as_str()).map_or(String::new(), |bytes| size(*bytes));
        writeln!(text, "         {}", format!("{name:names$}  {value:values$}  {bytes}").trim_end())?;
    }
    Ok(text)
}

#[derive(Serialize)]
struct Inspected<'a> {
    file: String,
    bytes: usize,
    unpacked: usize,
    signed_by: &'static str,
    /// By module and name, in bytes.
    module_sizes: HashMap<String, HashMap<&'a str, usize>>,
    /// Of each frame, by name, in bytes.
    local_sizes: Vec<HashMap<&'a str, usize>>,
    manifest: &'a RawValue,
}

fn by_name(sizes: &Sizes) -> HashMap<&str, usize> {
    sizes.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect()
}

fn json(file: &Path, found: &Checkpoint, unpacked: usize, variables: &Variables) -> Result<String, serde_json::Error> {
    let inspected = Inspected {
        file: file.display().to_string(),
        bytes: found.len(),
        unpacked,
        signed_by: match found.signer() {
            Signer::Own => "own",
            Signer::Imported => "imported",
            Signer::Unknown => "unknown",
        },
        module_sizes: found.manifest.own_modules().zip(variables.modules.iter().map(by_name)).collect(),
        local_sizes: variables.frames.iter().map(by_name).collect(),
        manifest: serde_json::from_slice(&found.text)?,
    };
    Ok(serde_json::to_string(&inspected)? + "\n")
}
