//! What a run of a program has done, and where two runs differ.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::copies::Left;
use crate::changes;

/// All that is compared.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The exit status; of what a signal has ended, its number, negative.
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub files: BTreeMap<String, Left>,
}

/// The first thing in which a run differs from the plain one.
#[derive(Debug)]
pub struct Difference {
    /// `standard output`, or a file.
    pub what: String,
    /// How, in lines: a diff where there are texts.
    pub how: String,
}

/// Compares a run with the plain one, but for what is not to be compared.
pub fn difference(plain: &Outcome, other: &Outcome, ignored: &[String]) -> Option<Difference> {
    let is_compared = |name: &str| !ignored.iter().any(|pattern| matches(pattern, name));
    let of_streams = [
        ("stdout", "standard output", &plain.stdout, &other.stdout),
        ("stderr", "standard error", &plain.stderr, &other.stderr),
    ];
    for (name, what, plain, other) in of_streams {
        if plain != other && is_compared(name) {
            return Some(Difference { what: what.to_owned(), how: bytes_differ(plain, other) });
        }
    }
    if plain.status != other.status {
        let how = format!("{}, in place of {}", in_words(other.status), in_words(plain.status));
        return Some(Difference { what: "the exit status".to_owned(), how });
    }
    let names = plain.files.keys().chain(other.files.keys());
    let differs = |name: &&String| plain.files.get(*name) != other.files.get(*name) && is_compared(name);
    let name = names.filter(differs).min()?;
    let how = match (plain.files.get(name), other.files.get(name)) {
        (Some(Left::File(plain)), Some(Left::File(other))) => bytes_differ(plain, other),
        (plain, other) => format!("it is {}, in place of {}", left_in_words(other), left_in_words(plain)),
    };
    Some(Difference { what: name.clone(), how })
}

/// Output: a diff of texts; of anything else, from where on the two are not the same.
fn bytes_differ(plain: &[u8], other: &[u8]) -> String {
    if let (Ok(before), Ok(after)) = (std::str::from_utf8(plain), std::str::from_utf8(other))
        && !before.contains('\0')
        && before.lines().ne(after.lines())
    {
        return changes::describe(plain, other);
    }
    let same = plain.iter().zip(other).take_while(|(plain, other)| plain == other).count();
    let mut how = format!("{} bytes, in place of {}: not the same from byte {same} on", other.len(), plain.len());
    let excerpt = |bytes: &[u8]| {
        bytes[same..].iter().take(16).fold(String::new(), |mut text, byte| {
            let _ = write!(text, " {byte:02x}");
            text
        })
    };
    let _ = write!(how, "\n-{}\n+{}", excerpt(plain), excerpt(other));
    how
}

fn in_words(status: i32) -> String {
    if status < 0 { format!("ended by signal {}", -status) } else { format!("status {status}") }
}

fn left_in_words(left: Option<&Left>) -> String {
    match left {
        None => "as it was before the run".to_owned(),
        Some(Left::Gone) => "not there".to_owned(),
        Some(Left::Folder) => "a folder".to_owned(),
        Some(Left::File(bytes)) => format!("a file of {} bytes", bytes.len()),
        Some(Left::Link(target)) => format!("a link to {}", Path::display(target)),
        Some(Left::Other) => "no regular file".to_owned(),
    }
}

/// Whether a name is what a pattern means, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| matches(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Left, Outcome, difference, matches};

    #[test]
    fn patterns() {
        assert!(matches("stderr", "stderr") && matches("logs/*", "logs/a/b") && matches("*.lo*", "a.log"));
        assert!(!matches("logs/*", "log") && !matches("*.log", "a.logs") && !matches("", "a"));
    }

    #[test]
    fn the_first_difference_is_found() {
        let text = |stdout: &str| Outcome { stdout: stdout.into(), ..Outcome::default() };
        let (plain, other) = (text("a\nb\n"), text("a\nc\n"));
        assert_eq!(difference(&plain, &other, &[]).unwrap().how, "@@ -1,2 +1,2 @@\n a\n-b\n+c");
        assert!(difference(&plain, &other, &["stdout".to_owned()]).is_none());
        let how = difference(&text("a\r\n"), &text("a\n"), &[]).unwrap().how;
        assert_eq!(how, "2 bytes, in place of 3: not the same from byte 1 on\n- 0d 0a\n+ 0a");
        let mut written = text("");
        written.files.insert("out".to_owned(), Left::File(Vec::new()));
        assert_eq!(
            difference(&text(""), &written, &[]).unwrap().how,
            "it is a file of 0 bytes, in place of as it was before the run"
        );
    }
}
