//! `heresy mark`: one module transpiled for the runtime, which met it while a program was running.

use std::fs;

use heresy::{Options, Source, transpile};

use crate::cache;
use crate::cli::MarkArgs;
use crate::exit::Exit;
use crate::refusal::Refusal;

pub fn execute(args: &MarkArgs) -> anyhow::Result<Exit> {
    let bytes = fs::read(&args.source)?;
    let source =
        Source::from_bytes(args.name.to_string_lossy(), &bytes).map_err(|error| Refusal::script(vec![error]))?;
    let options = Options { target_version: args.target.target_version };
    let transpiled = transpile(&source, &options).map_err(Refusal::script)?;
    cache::store_marked(&args.output, transpiled.text())?;
    // The output is `<cache>/marked/<name>`.
    args.output.ancestors().nth(2).into_iter().for_each(cache::keep);
    Ok(Exit::Success)
}
