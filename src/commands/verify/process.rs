//! One process of a program: started, waited for, and ended if it takes too long.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::copies::Slot;
use crate::commands::interrupt;

/// How a process has ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status; of what a signal has ended, its number, negative.
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub took: Duration,
}

/// Why a process has not ended by itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Cut {
    /// It has taken longer than it may.
    TooLong,
    /// Somebody has ended heresy.
    Interrupted,
}

/// Runs a command to its end, with the text of a file as its standard input.
///
/// It is in a process group of its own: Ctrl-C is not for it, and what it has started is ended with it.
pub fn run(
    mut command: Command,
    slot: &Slot,
    input: Option<&Path>,
    limit: Option<Duration>,
) -> anyhow::Result<Result<Ended, Cut>> {
    let (stdout, stderr) = (slot.of_run("stdout"), slot.of_run("stderr"));
    let made = |path: &Path| File::create(path).with_context(|| format!("{} cannot be written", path.display()));
    let stdin = match input {
        Some(path) => File::open(path).with_context(|| format!("{} cannot be read", path.display()))?.into(),
        None => Stdio::null(),
    };
    command.stdin(stdin).stdout(made(&stdout)?).stderr(made(&stderr)?).process_group(0);
    let started = Instant::now();
    let mut child =
        command.spawn().with_context(|| format!("cannot execute {}", Path::new(command.get_program()).display()))?;
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let is_too_long = limit.is_some_and(|limit| started.elapsed() > limit);
        if is_too_long || interrupt::has_come() {
            // It may have ended just now.
            let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
            child.wait()?;
            return Ok(Err(if is_too_long { Cut::TooLong } else { Cut::Interrupted }));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(16));
    };
    let read = |path: &Path| -> io::Result<Vec<u8>> { fs::read(path) };
    Ok(Ok(Ended {
        status: status.code().unwrap_or_else(|| -status.signal().unwrap_or_default()),
        stdout: read(&stdout)?,
        stderr: read(&stderr)?,
        took: started.elapsed(),
    }))
}
