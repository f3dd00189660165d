//! What can be asked about stops, and about checkpoints that are made while a program runs.

use clap::{Args, ValueEnum};

/// When a program is to be saved, and how a stop is to end it.
#[derive(Debug, Args)]
pub struct StoppingArgs {
    /// Make a checkpoint each time this long has passed, while the program runs: `30s`, `5m`, `1h`
    ///
    /// After a kill, a crash of the machine or a power cut the same command continues from the last one. What the program has
    /// printed since is printed again; a file that it was writing is cut back to where it was, and what is cut off is kept in
    /// .heresy. They are made at statements at which the program could be stopped; where none comes soon, or it would cost too
    /// much (see --max-overhead), later.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub every: Option<Seconds>,

    /// How much of the run time the checkpoints of --every may cost: they are made less often if they would take more
    #[arg(long, value_name = "PERCENT", default_value = "2%", value_parser = percent, requires = "every")]
    pub max_overhead: f64,

    /// How long a SIGTERM or SIGHUP waits for a call that blocks; then it is abandoned, and made again by the continued program
    ///
    /// A call of a function of C's can block for long: a read from a network, for example. It is said which was abandoned. 0
    /// waits as long as it takes. Ctrl-C always waits; a second one abandons the call.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub grace: Seconds,

    /// The exit status after a stop, in place of ending by the signal: for schedulers that start a program again by it
    #[arg(long, value_name = "STATUS")]
    pub stop_status: Option<u8>,

    /// What an exception that nobody catches does
    ///
    /// `stop` stops the program before anything is unwound: no `finally` runs, no `with` is left, and the traceback is shown as
    /// always. Mend the cause, and the same command goes on with the statement that has failed. `end` ends the program as
    /// plain Python does.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub on_error: OnError,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    #[default]
    Stop,
    End,
}

impl OnError {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            OnError::Stop => "stop",
            OnError::End => "end",
        }
    }
}

impl StoppingArgs {
    /// The options that differ from the usual, for a command line that continues the program.
    pub fn as_typed(&self) -> impl Iterator<Item = String> {
        let every = self.every.map(|Seconds(seconds)| format!("--every={seconds}"));
        let overhead = every.is_some().then_some(self.max_overhead).filter(|part| *part != USUAL_OVERHEAD);
        [
            every,
            overhead.map(|part| format!("--max-overhead={}%", part * 100.0)),
            Some(self.grace.0).filter(|grace| *grace != USUAL_GRACE).map(|grace| format!("--grace={grace}")),
            self.stop_status.map(|status| format!("--stop-status={status}")),
            Some(self.on_error)
                .filter(|choice| *choice == OnError::End)
                .map(|choice| format!("--on-error={}", choice.name())),
        ]
        .into_iter()
        .flatten()
    }
}

const USUAL_OVERHEAD: f64 = 0.02;
const USUAL_GRACE: f64 = 10.0;

/// A span of time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub f64);

/// Before: `"30s"`, `"1.5m"`, `"2h"` or `"45"`. After: seconds; anything else is a usage error.
fn duration(text: &str) -> Result<Seconds, String> {
    let (number, unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1.0),
        Some((at, 'm')) => (&text[..at], 60.0),
        Some((at, 'h')) => (&text[..at], 3600.0),
        _ => (text, 1.0),
    };
    match decimal(number) {
        Some(count) => Ok(Seconds(count * unit)),
        None => Err("a number with s, m or h, as `30s`; without one, of seconds".to_owned()),
    }
}

/// Before: `"2%"`. After: `0.02`.
fn percent(text: &str) -> Result<f64, String> {
    let number = decimal(text.strip_suffix('%').unwrap_or(text)).filter(|number| *number > 0.0 && *number <= 100.0);
    number.map(|number| number / 100.0).ok_or_else(|| "a part of the run time, as `2%`".to_owned())
}

/// Digits with at most one point: no sign, exponent or name, which a number of Rust's may have, too.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|number: &f64| plain && *number < 1e9)
}

#[cfg(test)]
mod tests {
    use super::{Seconds, duration, percent};

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("30s", 30.0), ("1.5m", 90.0), ("2h", 7200.0), ("45", 45.0), ("0", 0.0)] {
            assert_eq!(duration(text), Ok(Seconds(seconds)), "{text}");
        }
        for bad in ["", "s", "-1s", "1d", "1e3", "inf", "nan", "1 s", "\u{e9}"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parts_are_percents() {
        assert_eq!((percent("2%"), percent("0.5")), (Ok(0.02), Ok(0.005)));
        for bad in ["", "%", "0%", "101%", "-1%"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }
}
