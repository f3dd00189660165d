//! `heresy verify`: whether a program, stopped and continued, does what it does by itself.
//!
//! In this order: two plain runs, which must be the same; one under heresy without a stop, in which its statements are counted;
//! then for each of the statements chosen a run that is stopped there and continued. A worker has a slot of its own (see
//! `copies`), and compares with a plain run in that slot.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use std::{panic, thread};

use anyhow::Context;
use clap::ColorChoice;
use heresy::{Code, Diagnostic};
use indicatif::ProgressBar;

use crate::cli::{Target, VerifyArgs, VerifyFormat};
use crate::commands::transpile::print;
use crate::commands::workers::progress;
use crate::commands::{interrupt, report};
use crate::exit::Exit;
use crate::refusal::Refusal;

mod copies;
mod outcome;
mod process;
mod subject;
mod trial;
mod verdict;

use copies::Slot;
use outcome::{Difference, Outcome, difference};
use process::Cut;
use subject::Subject;
use trial::{Bench, Came, Tried};
use verdict::Verdict;

const DIFFERENCE: Code = Code { number: "H350", name: "verify-difference" };
const NOT_REPEATABLE: Code = Code { number: "H351", name: "not-repeatable" };
const TOO_MUCH: Code = Code { number: "H352", name: "too-much-to-copy" };
const NOT_TRIED: Code = Code { number: "H353", name: "not-tried" };

pub fn execute(args: &VerifyArgs, color: ColorChoice) -> anyhow::Result<Exit> {
    if args.program.target() == Target::Stdin {
        let note = "put it into a file: its standard input is what each run is given";
        return Err(not_tried("the script is run many times, so it cannot be on standard input", note));
    }
    let subject = Subject::find(args)?;
    let originals = subject.originals()?;
    let folder =
        tempfile::Builder::new().prefix("heresy-verify-").tempdir().context("no folder for the runs can be made")?;
    let root = folder.path().canonicalize()?;
    let input = standard_input(&root.join("input"))?;
    let bench = Bench { subject: &subject, originals: &originals, input, ignored: &args.ignore };
    interrupt::note_signals();
    let verdict = verdict(args, &bench, &root);
    // Removed before heresy ends by the signal that has come.
    let _ = fs::remove_dir_all(&root);
    interrupt::give_way();
    let verdict = verdict?;

    report(&verdict.diagnostics(args), color);
    match args.output_format {
        // Where nobody listens there is nobody to tell that telling failed.
        VerifyFormat::Full => drop(io::stderr().write_all(verdict.summary().as_bytes())),
        VerifyFormat::Json => print(verdict.to_json()?.as_bytes())?,
    }
    Ok(verdict.exit())
}

/// All runs, in order.
fn verdict(args: &VerifyArgs, bench: &Bench<'_>, root: &Path) -> anyhow::Result<Verdict> {
    let mut first = Slot::new(root.join("1"), bench.originals);
    let say = |what: &str| {
        let bar = progress(1, what);
        bar.tick();
        bar
    };
    let bar = say("run by plain Python");
    let (plain, took) = bench.plain(&mut first, args.timeout)?.map_err(|cut| cut_short(&cut, "the plain run"))?;
    let limit = args.timeout.unwrap_or(Duration::from_secs(60) + took * 50);
    let (again, _) = bench.plain(&mut first, Some(limit))?.map_err(|cut| cut_short(&cut, "the second plain run"))?;
    if let Some(found) = difference(&plain, &again, bench.ignored) {
        return Err(not_repeatable(&found, "two plain runs of the program differ").into());
    }
    bar.finish_and_clear();

    let bar = say("run, to count its statements");
    let counted = bench.count(&mut first, &plain, limit)?.map_err(|cut| cut_short(&cut, "the run under heresy"))?;
    bar.finish_and_clear();
    let mut verdict = Verdict::new(args, plain.files.len());
    if let Some(found) = counted.difference {
        verdict.unstopped = Some((found, counted.words));
        return Ok(verdict);
    }
    let points = match counted.statements {
        Some(0) => return Err(not_tried("no statement of the program has run", "there is nothing to stop at")),
        Some(statements) => chosen(args, statements),
        None if !args.at.is_empty() => chosen(args, 0),
        None => {
            let note =
                "it ends by os._exit() or a signal, after which nothing can be asked; `--at N` stops it all the same";
            return Err(not_tried("the program's statements cannot be counted", note));
        }
    };
    verdict.statements = counted.statements;
    verdict.tried = all(args, bench, root, (first, plain), &points, limit)?;
    Ok(verdict)
}

/// The numbers of the statements to stop at.
fn chosen(args: &VerifyArgs, statements: u64) -> Vec<u64> {
    let asked = args.points.get();
    if !args.at.is_empty() {
        args.at.iter().map(|at| at.get()).collect()
    } else if args.every_point || statements <= asked {
        (1..=statements).collect()
    } else {
        spread(statements, asked)
    }
}

/// So many numbers from 1 to the last, both among them, spread evenly.
fn spread(last: u64, count: u64) -> Vec<u64> {
    let at = |number: u64| match count {
        1 => last.div_ceil(2),
        _ => 1 + (u128::from(number) * u128::from(last - 1) / u128::from(count - 1)) as u64,
    };
    (0..count).map(at).collect()
}

/// Stops the program at each of the points, several at a time.
fn all(
    args: &VerifyArgs,
    bench: &Bench<'_>,
    root: &Path,
    first: (Slot, Outcome),
    points: &[u64],
    limit: Duration,
) -> anyhow::Result<Vec<Tried>> {
    let jobs = match args.jobs {
        _ if args.in_place => 1,
        Some(jobs) => jobs.get(),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let bar = progress(points.len(), "stops");
    let next = AtomicUsize::new(0);
    let work = |(mut slot, plain): (Slot, Outcome)| work_off(bench, &mut slot, &plain, (points, &next), limit, &bar);
    let open = |number: usize| -> anyhow::Result<(Slot, Outcome)> {
        let mut slot = Slot::new(root.join((number + 1).to_string()), bench.originals);
        let (plain, _) = bench.plain(&mut slot, Some(limit))?.map_err(|cut| cut_short(&cut, "a plain run"))?;
        Ok((slot, plain))
    };
    let done: anyhow::Result<Vec<Vec<Tried>>> = thread::scope(|scope| {
        let (work, open) = (&work, &open);
        let more: Vec<_> =
            (1..jobs.min(points.len())).map(|number| scope.spawn(move || open(number).and_then(work))).collect();
        let first = work(first);
        let more = more.into_iter().map(|worker| worker.join().unwrap_or_else(|why| panic::resume_unwind(why)));
        [first].into_iter().chain(more).collect()
    });
    bar.finish_and_clear();
    let mut done: Vec<Tried> = done?.into_iter().flatten().collect();
    done.sort_by_key(|tried| tried.at);
    Ok(done)
}

fn work_off(
    bench: &Bench<'_>,
    slot: &mut Slot,
    plain: &Outcome,
    (points, next): (&[u64], &AtomicUsize),
    limit: Duration,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Tried>> {
    let mut done = Vec::new();
    while let Some(&at) = points.get(next.fetch_add(1, Relaxed)) {
        let tried = bench.stop(slot, plain, at, limit).inspect_err(|_| next.store(points.len(), Relaxed))?;
        let tried = tried.map_err(|cut| cut_short(&cut, "a run"))?;
        if matches!(tried.came, Came::Different(_)) {
            // It may differ by itself now and then.
            let (again, _) = bench.plain(slot, Some(limit))?.map_err(|cut| cut_short(&cut, "a plain run"))?;
            if let Some(found) = difference(plain, &again, bench.ignored) {
                next.store(points.len(), Relaxed);
                return Err(not_repeatable(&found, "plain runs of the program differ now and then").into());
            }
        }
        done.push(tried);
        bar.inc(1);
    }
    Ok(done)
}

/// A file that is standard input is read from the place where it stands by each run; anything else can be read only once.
fn standard_input(copy: &Path) -> anyhow::Result<Option<PathBuf>> {
    use std::os::fd::AsFd;
    let Ok(mut stdin) = io::stdin().as_fd().try_clone_to_owned().map(File::from) else { return Ok(None) };
    if !stdin.metadata().is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    let mut file = File::create(copy).context("standard input cannot be copied")?;
    io::copy(&mut stdin, &mut file).context("standard input cannot be copied")?;
    Ok(Some(copy.to_owned()))
}

fn not_tried(title: &str, note: &str) -> anyhow::Error {
    Refusal::new(Exit::Usage, Diagnostic::new(NOT_TRIED, title).note(note)).into()
}

fn cut_short(cut: &Cut, what: &str) -> anyhow::Error {
    match cut {
        Cut::TooLong => {
            not_tried(&format!("{what} takes too long"), "give it less to do, or more time: `--timeout SECONDS`")
        }
        Cut::Interrupted => not_tried("interrupted", "nothing was found out"),
    }
}

fn not_repeatable(found: &Difference, title: &str) -> Refusal {
    let diagnostic = Diagnostic::new(NOT_REPEATABLE, format!("{title}, in {}", found.what))
        .note(found.how.clone())
        .note("so nothing can be said of stopped ones: times, random numbers, identities and numbers of processes do this")
        .note("give it a seed or other arguments, or leave that out of the comparison: `--ignore stdout`, `--ignore 'logs/*'`");
    Refusal::new(Exit::Usage, diagnostic)
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn points_are_spread_over_the_run() {
        assert_eq!(spread(100, 4), [1, 34, 67, 100]);
        assert_eq!((spread(9, 1), spread(2, 2)), (vec![5], vec![1, 2]));
    }
}
