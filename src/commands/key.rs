//! `heresy key`: the keys that checkpoints are signed with.

use std::fs;
use std::io;

use anyhow::Context;

use crate::cli::{KeyArgs, KeyCommand};
use crate::commands::transpile::print;
use crate::exit::Exit;
use crate::key::{self, Key};
use crate::refusal::Refusal;

pub fn execute(args: &KeyArgs) -> anyhow::Result<Exit> {
    match args.command.as_ref().unwrap_or(&KeyCommand::Show) {
        KeyCommand::Show => show()?,
        KeyCommand::Export => print(format!("{}\n", own()?.to_text()).as_bytes())?,
        KeyCommand::Import { file } => {
            let text = match file {
                Some(file) => fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?,
                None => io::read_to_string(io::stdin()).context("standard input cannot be read")?,
            };
            let key = Key::from_text(&text).ok_or_else(Refusal::not_a_key)?;
            let is_new = key::import(&key).with_context(|| "the key cannot be kept".to_owned())?;
            let fingerprint = key.fingerprint();
            eprintln!("heresy: checkpoints of key {fingerprint} are believed{}", if is_new { "" } else { " already" });
        }
    }
    Ok(Exit::Success)
}

fn show() -> anyhow::Result<()> {
    let place = key::place();
    let mut text = match key::existing() {
        Some(own) => format!("{}  {}\n", own.fingerprint(), place.display()),
        None => format!("no key yet; it will be made at the first stop, as {}\n", place.display()),
    };
    for imported in key::imported() {
        text += &format!("{}  imported\n", imported.fingerprint());
    }
    print(text.as_bytes())
}

fn own() -> anyhow::Result<Key> {
    Ok(key::own().map_err(|error| Refusal::no_key(&key::place(), &error))?)
}
