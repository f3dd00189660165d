//! `heresy diff`: what heresy would add to a script.

use std::io;

use clap::ColorChoice;
use heresy::DiffOptions;

use super::transpile::{diff_bytes, load, new_name, print};
use crate::cli::DiffArgs;
use crate::commands::is_colored;
use crate::exit::Exit;

pub fn execute(args: &DiffArgs, color: ColorChoice) -> anyhow::Result<Exit> {
    let (source, transpiled) = load(&args.input, args.target.target_version)?;
    let options = DiffOptions {
        old_name: source.name().to_owned(),
        new_name: new_name(&source, None),
        context: args.context,
        colored: is_colored(&io::stdout(), color),
    };
    print(&diff_bytes(&source, &transpiled, &options)?)?;
    Ok(Exit::Success)
}
