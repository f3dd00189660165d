//! `heresy cache`: where the cache is, and emptying it.

use crate::cache::{self, Freed};
use crate::cli::{CacheArgs, CacheCommand};
use crate::commands::transpile::print;
use crate::exit::Exit;

pub fn execute(args: &CacheArgs) -> anyhow::Result<Exit> {
    match args.command {
        CacheCommand::Dir => print(&[cache::bytes_of(&cache::folder()?), b"\n"].concat())?,
        CacheCommand::Clean => {
            for folder in cache::all_folders() {
                let Freed { files, bytes } = cache::clean(&folder)?;
                let megabytes = bytes as f64 / 1e6;
                eprintln!("heresy: {files} files removed from {}, {megabytes:.1} MB", folder.display());
            }
        }
    }
    Ok(Exit::Success)
}
