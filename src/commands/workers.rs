//! Work on many files, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::{io, panic, thread};

use heresy::Room;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What `work` makes of the numbers below `jobs`, in their order; and a progress bar, if standard error is a terminal.
///
/// `None` from `work` means that there is no use in going on: what others have begun is ended, and no more is begun. What was
/// not done is missing in the result.
pub fn map<T: Send>(jobs: usize, work: impl Fn(usize, &Room) -> Option<T> + Sync) -> io::Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let bar = progress(jobs, "files");
    let work_off = |room: Room| {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Relaxed);
            if at >= jobs {
                return done;
            }
            match work(at, &room) {
                Some(result) => done.push((at, result)),
                None => next.store(jobs, Relaxed),
            }
            bar.inc(1);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(jobs);
    let done: io::Result<Vec<Vec<(usize, T)>>> = thread::scope(|scope| {
        let start = |_| scope.spawn(|| heresy::with_room(work_off));
        let workers: Vec<_> = (0..workers).map(start).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|why| panic::resume_unwind(why))).collect()
    });
    bar.finish_and_clear();
    let mut done: Vec<(usize, T)> = done?.into_iter().flatten().collect();
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// Drawn at most twenty times a second; anywhere but on a terminal there is none.
pub fn progress(jobs: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(jobs as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(&format!("{{bar:40}} {{pos}}/{{len}} {what}"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Before: `1, "file"`. After: `1 file`; before: `2, "file"`. After: `2 files`.
pub fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
