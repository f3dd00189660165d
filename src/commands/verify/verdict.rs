//! What all trials together say of a program: for people, for programs, and as an exit status.

use std::collections::BTreeMap;

use heresy::Diagnostic;
use serde::Serialize;

use super::outcome::Difference;
use super::trial::{Came, Tried};
use super::{DIFFERENCE, NOT_TRIED};
use crate::cli::{Target, VerifyArgs};
use crate::commands::workers::count;
use crate::exit::Exit;

/// The most differences that are shown in full.
const SHOWN: usize = 1;

/// What came of a program's trials.
#[derive(Debug)]
pub struct Verdict {
    program: String,
    /// How many files the program has written or removed, if they were compared.
    files: Option<usize>,
    /// How many statements it comes to, where that could be counted.
    pub statements: Option<u64>,
    /// What differs without any stop, and what heresy has said.
    pub unstopped: Option<(Difference, String)>,
    pub tried: Vec<Tried>,
}

#[derive(Serialize)]
struct Stop<'a> {
    at: u64,
    place: Option<&'a str>,
    result: &'static str,
    waited: Option<&'a str>,
    differs: Option<&'a str>,
    how: Option<&'a str>,
    said: Option<&'a str>,
}

#[derive(Serialize)]
struct Whole<'a> {
    program: &'a str,
    statements: Option<u64>,
    files: Option<usize>,
    equal: bool,
    /// What differs without a stop.
    unstopped: Option<&'a str>,
    stops: Vec<Stop<'a>>,
}

impl Verdict {
    pub fn new(args: &VerifyArgs, files: usize) -> Verdict {
        let program = match args.program.target() {
            Target::Script(script) => script.display().to_string(),
            Target::Module(name) => format!("-m {}", name.display()),
            Target::Code(_) | Target::Stdin => "the code".to_owned(),
        };
        Verdict {
            program,
            files: (!args.in_place).then_some(files),
            statements: None,
            unstopped: None,
            tried: Vec::new(),
        }
    }

    fn count(&self, is_so: impl Fn(&Tried) -> bool) -> usize {
        self.tried.iter().filter(|tried| is_so(tried)).count()
    }

    fn different(&self) -> impl Iterator<Item = (&Tried, &Difference)> {
        self.tried.iter().filter_map(|tried| match &tried.came {
            Came::Different(difference) => Some((tried, difference)),
            _ => None,
        })
    }

    fn stopped(&self) -> usize {
        self.count(|tried| matches!(tried.came, Came::Same | Came::Different(_)))
    }

    pub fn exit(&self) -> Exit {
        if self.unstopped.is_some() || self.different().next().is_some() {
            Exit::Refused
        } else if self.stopped() == 0 {
            Exit::Usage
        } else {
            Exit::Success
        }
    }

    /// The first difference, in full; or that there was no stop at all.
    pub fn diagnostics(&self, args: &VerifyArgs) -> Vec<Diagnostic> {
        if let Some((difference, words)) = &self.unstopped {
            let title = format!("under heresy, {} does something else even without a stop", self.program);
            return vec![told(Diagnostic::new(DIFFERENCE, title), difference, words)];
        }
        let shown = self.different().take(SHOWN).map(|(tried, difference)| {
            let place = tried.place.as_ref().map_or(String::new(), |place| format!(" at {place}"));
            let title = match tried.words.contains("warning[H317]") {
                true => format!("stopped{place} and continued, {} lacks what could not be saved", self.program),
                false => format!("stopped{place} and continued, {} does something else", self.program),
            };
            let again = format!("to see it again: heresy verify --at {} {}", tried.at, words_of(args));
            told(Diagnostic::new(DIFFERENCE, title), difference, &tried.words).note(again)
        });
        let mut shown: Vec<Diagnostic> = shown.collect();
        if shown.is_empty() && self.stopped() == 0 {
            let title =
                format!("{} could not be stopped at any of {}", self.program, count(self.tried.len(), "statement"));
            let said = self.tried.iter().find(|tried| !tried.words.is_empty()).map(|tried| tried.words.trim_end());
            let diagnostic = Diagnostic::new(NOT_TRIED, title);
            shown.push(match said {
                Some(said) => diagnostic.note(format!("heresy has said:\n{said}")),
                None => diagnostic.note("where a stop has to wait, and why: heresy check"),
            });
        }
        shown
    }

    /// Output, for people:
    ///
    /// ```text
    /// heresy: sim.py did the same in all 18 runs, stopped and continued (in a run 4711 statements; compared: output, exit status, 3 files)
    /// heresy: 2 stops had to wait: sum() is running
    /// heresy: 2 stops were refused: error[H313]: cannot stop here: the program has other threads running: Thread-1
    /// ```
    pub fn summary(&self) -> String {
        if self.unstopped.is_some() {
            return String::new();
        }
        let mut lines = Vec::new();
        let same = self.count(|tried| matches!(tried.came, Came::Same));
        let files = self.files.map_or("files not compared".to_owned(), |files| count(files, "file"));
        let of = match count(self.stopped(), "run") {
            of if same == self.stopped() && same > 1 => format!("all {of}"),
            of => format!("{same} of {of}"),
        };
        let length = self
            .statements
            .map_or(String::new(), |statements| format!("in a run {}; ", count(statements as usize, "statement")));
        lines.push(format!(
            "{} did the same in {of}, stopped and continued ({length}compared: output, exit status, {files})",
            self.program
        ));
        let differ: Vec<String> = self.different().skip(SHOWN).map(|(tried, _)| tried.at.to_string()).collect();
        if !differ.is_empty() {
            lines.push(format!("it also differs with --at {}", differ.join(", ")));
        }
        let waited: Vec<&Tried> = self.tried.iter().filter(|tried| tried.waited.is_some()).collect();
        if let [first, ..] = &*waited {
            let why = first.waited.as_deref().unwrap_or_default();
            lines.push(format!("{} had to wait: {why}", count(waited.len(), "stop")));
        }
        let ended = self.count(|tried| matches!(tried.came, Came::Ended));
        if ended > 0 {
            lines.push(format!("{} had to wait until the program had ended", count(ended, "stop")));
        }
        let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
        for tried in self.tried.iter().filter(|tried| matches!(tried.came, Came::Refused)) {
            *refused.entry(refusal(&tried.words)).or_default() += 1;
        }
        for (why, number) in refused {
            lines.push(format!(
                "{} refused: {why}",
                if number == 1 { "1 stop was".to_owned() } else { format!("{number} stops were") }
            ));
        }
        lines.iter().map(|line| format!("heresy: {line}\n")).collect()
    }

    pub fn to_json(&self) -> serde_json::Result<String> {
        let stops = self.tried.iter().map(|tried| {
            let difference = match &tried.came {
                Came::Different(difference) => Some(difference),
                _ => None,
            };
            Stop {
                at: tried.at,
                place: tried.place.as_deref(),
                result: match tried.came {
                    Came::Same => "same",
                    Came::Different(_) => "different",
                    Came::Refused => "refused",
                    Came::Ended => "ended",
                },
                waited: tried.waited.as_deref(),
                differs: difference.map(|difference| &*difference.what),
                how: difference.map(|difference| &*difference.how),
                said: Some(tried.words.trim_end()).filter(|words| words.contains("error[")),
            }
        });
        let whole = Whole {
            program: &self.program,
            statements: self.statements,
            files: self.files,
            equal: self.exit() == Exit::Success,
            unstopped: self.unstopped.as_ref().map(|(difference, _)| &*difference.how),
            stops: stops.collect(),
        };
        Ok(serde_json::to_string(&whole)? + "\n")
    }
}

fn told(diagnostic: Diagnostic, difference: &Difference, words: &str) -> Diagnostic {
    let diagnostic = diagnostic.note(format!("{}:\n{}", difference.what, difference.how));
    // What it says at each stop is no news.
    let is_news = words.contains("error[") || words.contains("warning[");
    if is_news { diagnostic.note(format!("heresy has said:\n{}", words.trim_end())) } else { diagnostic }
}

/// The line of a diagnostic that says what it is.
fn refusal(words: &str) -> &str {
    words.lines().find(|line| line.starts_with("error[")).unwrap_or("for no reason that was given")
}

/// Before: the command line. After: its last part, the program with its arguments.
fn words_of(args: &VerifyArgs) -> String {
    let target = match args.program.target() {
        Target::Script(script) => vec![script.to_owned()],
        Target::Module(name) => vec!["-m".into(), name.to_owned()],
        Target::Code(code) => vec!["-c".into(), code.to_owned()],
        Target::Stdin => vec!["-".into()],
    };
    let words: Vec<_> = target.into_iter().chain(args.program.args().iter().cloned()).collect();
    crate::boot::shell_command(&words).display().to_string()
}
