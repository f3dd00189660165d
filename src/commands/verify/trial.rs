//! One trial: a program is stopped once, continued, and compared with its plain run.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::copies::{Originals, Slot};
use super::outcome::{Difference, Outcome, difference};
use super::process::{Cut, Ended, run};
use super::subject::Subject;
use crate::checkpoint;

/// What all trials of a program have in common.
#[derive(Debug)]
pub struct Bench<'a> {
    pub subject: &'a Subject<'a>,
    pub originals: &'a Originals,
    /// What is given to each run as its standard input.
    pub input: Option<PathBuf>,
    /// What is not compared.
    pub ignored: &'a [String],
}

/// A stop, and what came of it.
#[derive(Debug)]
pub struct Tried {
    /// The statement that it was asked for at.
    pub at: u64,
    /// Where the program was stopped: `sim.py:12 in step()`.
    pub place: Option<String>,
    pub came: Came,
    /// Why it had to wait, if it had to.
    pub waited: Option<String>,
    /// What heresy has said in its course.
    pub words: String,
}

#[derive(Debug)]
pub enum Came {
    /// The continued program did the same.
    Same,
    Different(Difference),
    /// heresy would not stop there.
    Refused,
    /// The program had ended before there was a place to stop at.
    Ended,
}

/// What a run under heresy without any stop has shown.
#[derive(Debug)]
pub struct Counted {
    /// How many statements it came to.
    pub statements: Option<u64>,
    pub difference: Option<Difference>,
    pub words: String,
}

impl Bench<'_> {
    /// What the program does by itself, and how long it takes.
    pub fn plain(&self, slot: &mut Slot, limit: Option<Duration>) -> anyhow::Result<Result<(Outcome, Duration), Cut>> {
        slot.refresh(self.originals)?;
        let ended = match run(self.subject.plain(slot), slot, self.input.as_deref(), limit)? {
            Ok(ended) => ended,
            Err(cut) => return Ok(Err(cut)),
        };
        let took = ended.took;
        Ok(Ok((outcome(slot, [ended])?, took)))
    }

    /// Runs the program under heresy, and counts its statements.
    pub fn count(&self, slot: &mut Slot, plain: &Outcome, limit: Duration) -> anyhow::Result<Result<Counted, Cut>> {
        slot.refresh(self.originals)?;
        let life = self.subject.life(slot, Some(0), None)?;
        let ended = match run(life, slot, self.input.as_deref(), Some(limit))? {
            Ok(ended) => ended,
            Err(cut) => return Ok(Err(cut)),
        };
        let difference = difference(plain, &outcome(slot, [ended])?, self.ignored);
        let statements = said(slot, "passed ").and_then(|number| number.parse().ok());
        Ok(Ok(Counted { statements, difference, words: self.shown(slot, &words(slot)) }))
    }

    /// Stops the program when a statement starts, and continues it.
    pub fn stop(
        &self,
        slot: &mut Slot,
        plain: &Outcome,
        at: u64,
        limit: Duration,
    ) -> anyhow::Result<Result<Tried, Cut>> {
        slot.refresh(self.originals)?;
        let checkpoint = slot.of_run("program.ckpt");
        let mut lives = Vec::new();
        let mut place = None;
        let mut life = self.subject.life(slot, Some(at), None)?;
        let came = loop {
            match run(life, slot, self.input.as_deref(), Some(limit))? {
                Ok(ended) => lives.push(ended),
                Err(Cut::TooLong) => {
                    let how = format!("it has not ended within {} seconds", limit.as_secs());
                    break Came::Different(Difference { what: "the time that it takes".to_owned(), how });
                }
                Err(cut) => return Ok(Err(cut)),
            }
            if !checkpoint.exists() {
                let difference = difference(plain, &outcome(slot, lives)?, self.ignored);
                break match (difference, &place) {
                    (Some(difference), _) => Came::Different(difference),
                    (None, Some(_)) => Came::Same,
                    (None, None) if words(slot).contains("error[H9") => {
                        let how = "the stop was refused by a fault of heresy's own".to_owned();
                        Came::Different(Difference { what: "what heresy says".to_owned(), how })
                    }
                    (None, None) if words(slot).contains("error[") => Came::Refused,
                    (None, None) => Came::Ended,
                };
            }
            if lives.len() > 1 {
                let how = "its checkpoint is still there: the same command would go on from it once more".to_owned();
                break Came::Different(Difference { what: "how it has ended".to_owned(), how });
            }
            let manifest = checkpoint::read_manifest(&checkpoint)?;
            place = Some(manifest.place().unwrap_or_default());
            life = self.subject.life(slot, None, Some(manifest))?;
        };
        let waited = said(slot, "waits ");
        Ok(Ok(Tried {
            at,
            place: place.map(|place| self.shown(slot, &place)),
            came,
            waited,
            words: self.shown(slot, &words(slot)),
        }))
    }

    fn shown(&self, slot: &Slot, text: &str) -> String {
        self.subject.in_originals(slot, text)
    }
}

/// What lives that followed each other have done together.
fn outcome(slot: &Slot, lives: impl IntoIterator<Item = Ended>) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome { files: slot.left()?, ..Outcome::default() };
    for life in lives {
        outcome.status = life.status;
        outcome.stdout.extend(life.stdout);
        outcome.stderr.extend(life.stderr);
    }
    Ok(outcome)
}

/// What the runtime has noted.
fn said(slot: &Slot, what: &str) -> Option<String> {
    let report = fs::read(slot.of_run("report")).ok()?;
    let report = String::from_utf8_lossy(&report).into_owned();
    report.lines().find_map(|line| line.strip_prefix(what)).map(str::to_owned)
}

fn words(slot: &Slot) -> String {
    fs::read(slot.of_run("words")).map_or(String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}
