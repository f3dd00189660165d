//! Which checkpoint a command means.

use std::env;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::checkpoint;
use crate::refusal::Refusal;

/// A checkpoint that was chosen.
#[derive(Debug)]
pub struct Chosen {
    pub file: PathBuf,
    /// Where the newest of its program is, or was.
    pub newest: PathBuf,
}

/// The file that was named, or the only one in `.heresy`; with a number, that one of its program.
pub fn choose(file: Option<&Path>, at: Option<u64>) -> anyhow::Result<Chosen> {
    let file = match file {
        Some(file) => file.to_owned(),
        None => only_one(&env::current_dir()?, at.is_some())?,
    };
    let newest = checkpoint::newest_of(&file);
    let Some(number) = at else { return Ok(Chosen { file, newest }) };
    let there = checkpoint::all_of(&newest)?;
    match there.iter().find(|(each, _)| *each == number) {
        Some((_, file)) => Ok(Chosen { file: file.clone(), newest }),
        None => {
            let numbers: Vec<u64> = there.into_iter().map(|(number, _)| number).collect();
            Err(Refusal::no_such_number(&newest, number, &numbers).into())
        }
    }
}

/// The checkpoint of the only program that was stopped in a directory; with `gone`, its newest one need not be there.
fn only_one(cwd: &Path, gone: bool) -> anyhow::Result<PathBuf> {
    let mut found = checkpoint::all_in(cwd)?;
    found.retain(|path| gone || path.exists());
    if let [only] = found.as_slice() {
        return Ok(only.clone());
    }
    let described: Vec<String> = found.iter().map(|path| describe(path, cwd)).collect();
    Err(Refusal::which_checkpoint(cwd, &described).into())
}

/// Output: `.heresy/sim-0123456789abcdef.ckpt: sim.py -n 3, stopped 5 minutes ago at sim.py:12 in step()`.
fn describe(path: &Path, cwd: &Path) -> String {
    let name = path.strip_prefix(cwd).unwrap_or(path).display();
    match checkpoint::read_manifest(path) {
        Ok(manifest) => {
            let place = manifest.place().map_or(String::new(), |place| format!(" at {place}"));
            format!("{name}: {}, stopped {} ago{place}", manifest.command(), age(manifest.created))
        }
        Err(error) => format!("{name}: {error}"),
    }
}

/// Before: a moment, in seconds since 1970. After: the time since, in the largest unit that it fills: `3 hours`.
pub fn age(created: f64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let seconds = (now.as_secs_f64() - created).max(0.0);
    let units = [("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0), ("second", 1.0)];
    let (unit, length) = units.into_iter().find(|(_, length)| seconds >= *length).unwrap_or(units[3]);
    let count = (seconds / length).floor();
    format!("{count} {unit}{}", if count == 1.0 { "" } else { "s" })
}

/// Before: `1234567`. After: `1.2 MB`.
pub fn size(bytes: usize) -> String {
    let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    match units.into_iter().find(|(_, length)| bytes as f64 >= *length) {
        Some((unit, length)) => format!("{:.1} {unit}", bytes as f64 / length),
        None => format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" }),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::{age, size};

    #[test]
    fn ages_read_naturally() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        assert_eq!(age(now - 3700.0), "1 hour");
        assert_eq!(age(now - 2.0 * 86_400.0 - 5.0), "2 days");
        assert_eq!(age(now + 100.0), "0 seconds", "a clock that was set back");
    }

    #[test]
    fn sizes_read_naturally() {
        assert_eq!((size(999), size(1_250_000)), ("999 bytes".to_owned(), "1.2 MB".to_owned()));
    }
}
