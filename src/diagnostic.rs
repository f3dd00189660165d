//! Diagnostics: what is wrong, where, why, and what to do. The only user of codespan-reporting.
//!
//! **Input** plain data; **Output** text for people:
//!
//! ```text
//! error[H001]: `return` outside a function
//!   ┌─ in.py:3:1
//!   │
//! 3 │ return 4
//!   │ ^^^^^^^^ here
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use codespan_reporting::diagnostic::{Diagnostic as Report, Label as ReportLabel};
use codespan_reporting::files::{self, Files};
use codespan_reporting::term::{self, termcolor};

use serde::Serialize;

use crate::source::lines;

/// What kind of problem it is: a code for people to look up, a name for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub number: &'static str,
    pub name: &'static str,
}

impl Code {
    pub const SYNTAX: Code = Code { number: "H001", name: "syntax-error" };
    pub const NEWER_SYNTAX: Code = Code { number: "H002", name: "other-python-version" };
    pub const COMPILE: Code = Code { number: "H003", name: "not-compilable" };
    pub const UNDECODABLE: Code = Code { number: "H004", name: "undecodable" };
    pub const UNKNOWN_ENCODING: Code = Code { number: "H005", name: "unknown-encoding" };
    pub const NESTED_TOO_DEEPLY: Code = Code { number: "H006", name: "nested-too-deeply" };
    pub const ALREADY_TRANSPILED: Code = Code { number: "H007", name: "already-transpiled" };
    pub const TOO_LARGE: Code = Code { number: "H008", name: "too-large" };
    pub const UNREADABLE: Code = Code { number: "H009", name: "unreadable" };
    pub const UNWRITABLE: Code = Code { number: "H010", name: "unwritable" };
    pub const OUTPUT_IS_INPUT: Code = Code { number: "H011", name: "output-is-input" };
    pub const BAD_IGNORE: Code = Code { number: "H013", name: "bad-ignore" };
    pub const UNUSED_IGNORE: Code = Code { number: "H014", name: "unused-ignore" };
    pub const NO_SUCH_CODE: Code = Code { number: "H015", name: "no-such-code" };
    pub const INTERNAL: Code = Code { number: "H900", name: "internal" };
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What was asked for is not done.
    Error,
    /// It is done, with something that should be known.
    Warning,
}

/// One problem, as plain data.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub code: Code,
    pub level: Level,
    pub title: String,
    pub place: Option<Place>,
    pub notes: Vec<String>,
}

/// A line and a column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// A part of a text, with a word on it and, if it helps, on other parts of the same text.
#[derive(Clone, Debug)]
pub struct Place {
    pub file: String,
    pub text: Arc<str>,
    pub range: Range<usize>,
    pub label: String,
    pub related: Vec<(Range<usize>, String)>,
}

impl Place {
    /// Where the range begins, and where it ends.
    pub fn positions(&self) -> (Position, Position) {
        let lines: Vec<_> = lines(&self.text).collect();
        let position = |offset: usize| {
            let line = lines.partition_point(|line| line.end <= offset).min(lines.len().saturating_sub(1));
            let start = lines.get(line).map_or(0, |line| line.start);
            Position { line: line + 1, column: self.text[start..offset].chars().count() + 1 }
        };
        (position(self.range.start), position(self.range.end))
    }
}

impl Diagnostic {
    pub fn new(code: Code, title: impl Into<String>) -> Diagnostic {
        Diagnostic { code, level: Level::Error, title: title.into(), place: None, notes: Vec::new() }
    }

    pub fn warning(code: Code, title: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Warning, ..Diagnostic::new(code, title) }
    }

    /// Says where: the range is underlined with carets and `label` stands beside them.
    pub fn at(mut self, file: &str, text: &Arc<str>, range: Range<usize>, label: impl Into<String>) -> Diagnostic {
        let (file, text) = (file.to_owned(), Arc::clone(text));
        self.place = Some(Place { file, text, range, label: label.into(), related: Vec::new() });
        self
    }

    /// Points to another part of the text that [`Diagnostic::at`] named.
    pub fn related(mut self, range: Range<usize>, label: impl Into<String>) -> Diagnostic {
        if let Some(place) = &mut self.place {
            place.related.push((range, label.into()));
        }
        self
    }

    /// Adds a sentence: why it is so, or what to do.
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// The diagnostic as text, with escape sequences for a terminal if `colored`.
    pub fn render(&self, colored: bool) -> String {
        let report = match self.level {
            Level::Error => Report::error(),
            Level::Warning => Report::warning(),
        };
        let mut report = report.with_code(self.code.number).with_message(&self.title);
        report = report.with_notes(self.notes.clone());
        let mut excerpt = self.place.as_ref().map(Excerpt::of).unwrap_or_default();
        report = report.with_labels(std::mem::take(&mut excerpt.labels));
        let config = term::Config { tab_width: 4, ..term::Config::default() };
        let mut ansi = termcolor::Ansi::new(Vec::new());
        let mut plain = termcolor::NoColor::new(Vec::new());
        let out: &mut dyn termcolor::WriteColor = if colored { &mut ansi } else { &mut plain };
        let styles = term::Styles::default();
        // Writing to memory cannot fail, and a range outside its text would only lose the excerpt, not the message.
        let _ = term::emit_to_write_style(&mut term::StylesWriter::new(out, &styles), &config, &excerpt, &report);
        let rendered = if colored { ansi.into_inner() } else { plain.into_inner() };
        String::from_utf8_lossy(&rendered).into_owned()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostic {}

/// Before: `Starred expression cannot be used here`. After: the same as a title, which begins in lower case.
pub fn title_case(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| first.to_lowercase().chain(characters).collect())
}

/// The lines that a place's ranges begin in, made presentable; the rest of the file is left out.
#[derive(Default)]
struct Excerpt {
    name: String,
    text: String,
    lines: Vec<ShownLine>,
    labels: Vec<ReportLabel<()>>,
}

struct ShownLine {
    /// Where it starts in the excerpt.
    start: usize,
    /// Its number in the file, from 1.
    number: usize,
    /// How many characters were cut off in front.
    cut: usize,
}

/// Lines are cut to so many bytes on either side of what they are shown for.
const LINE_MARGIN: usize = 100;

impl Excerpt {
    fn of(place: &Place) -> Excerpt {
        let mut excerpt =
            Excerpt { name: place.file.clone(), text: String::new(), lines: Vec::new(), labels: Vec::new() };
        let primary = (&place.range, &place.label, ReportLabel::primary as fn((), Range<usize>) -> ReportLabel<()>);
        let related = place.related.iter().map(|(range, label)| (range, label, ReportLabel::secondary as _));
        let mut labels: Vec<_> = std::iter::once(primary).chain(related).collect();
        labels.sort_by_key(|(range, ..)| range.start);
        let file_lines: Vec<_> = lines(&place.text).collect();
        for (range, message, label) in labels {
            let at = file_lines.partition_point(|line| line.end <= range.start);
            let line = file_lines.get(at).cloned().unwrap_or(place.text.len()..place.text.len());
            let shown = excerpt.show(&place.text, line, at + 1, range);
            excerpt.labels.push(label((), shown).with_message(message));
        }
        excerpt
    }

    /// Adds a line, unless it is there, and gives the place that a range of the file has in the excerpt.
    ///
    /// A range is shown on the line that it begins in: carets under a whole block would hide what they point at.
    fn show(&mut self, text: &str, line: Range<usize>, number: usize, range: &Range<usize>) -> Range<usize> {
        let content = text[line.clone()].trim_end_matches(['\r', '\n']);
        let content = line.start..line.start + content.len();
        let from = text.ceil_char_boundary(range.start.saturating_sub(LINE_MARGIN).max(content.start)).min(content.end);
        let to = text.floor_char_boundary((range.start + LINE_MARGIN).min(content.end)).max(from);
        let shares_line =
            self.lines.last().is_some_and(|last| last.number == number && content.len() <= 2 * LINE_MARGIN);
        let (from, to) = if content.len() <= 2 * LINE_MARGIN { (content.start, content.end) } else { (from, to) };
        if !shares_line {
            // Two empty lines make codespan draw a gap.
            if self.lines.last().is_some_and(|last| last.number + 1 != number) {
                self.push_line("", 0, 0);
                self.push_line("", 0, 0);
            }
            self.push_line(&text[from..to], number, text[line.start..from].chars().count());
        }
        let shown = self.lines.last().map_or(0, |line| line.start);
        let place = |offset: usize| shown + offset.clamp(from, to) - from;
        place(range.start)..place(range.end)
    }

    /// Some characters would move the paper: each is replaced by one of the same length, so that every range stays right.
    fn push_line(&mut self, text: &str, number: usize, cut: usize) {
        self.lines.push(ShownLine { start: self.text.len(), number, cut });
        self.text.extend(text.chars().map(|character| match character {
            '\t' => '\t',
            character if character.is_ascii_control() => ' ',
            character => character,
        }));
        self.text.push('\n');
    }
}

impl<'a> Files<'a> for Excerpt {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, (): ()) -> Result<&'a str, files::Error> {
        Ok(&self.name)
    }

    fn source(&'a self, (): ()) -> Result<&'a str, files::Error> {
        Ok(&self.text)
    }

    fn line_index(&'a self, (): (), offset: usize) -> Result<usize, files::Error> {
        Ok(self.lines.partition_point(|line| line.start <= offset).saturating_sub(1))
    }

    fn line_number(&'a self, (): (), index: usize) -> Result<usize, files::Error> {
        self.lines.get(index).map(|line| line.number).ok_or(files::Error::FileMissing)
    }

    fn column_number(&'a self, (): (), index: usize, offset: usize) -> Result<usize, files::Error> {
        let line = self.lines.get(index).ok_or(files::Error::FileMissing)?;
        Ok(line.cut + self.text[line.start..offset].chars().count() + 1)
    }

    fn line_range(&'a self, (): (), index: usize) -> Result<Range<usize>, files::Error> {
        let start = self.lines.get(index).ok_or(files::Error::FileMissing)?.start;
        Ok(start..self.lines.get(index + 1).map_or(self.text.len(), |next| next.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_is_shown() {
        let text: Arc<str> = format!("a\rb = 1\n{}bad{}\n\nlast", "x".repeat(1000), "y".repeat(1000)).into();
        let bad = text.find("bad").unwrap_or_default();
        let diagnostic =
            Diagnostic::new(Code::SYNTAX, "bad").at("in.py", &text, bad..bad + 3, "here").related(2..3, "there");
        let rendered = diagnostic.render(false);
        assert!(rendered.contains("in.py:3:1001"), "{rendered}");
        assert!(rendered.contains("2 │ b = 1"), "{rendered}");
        assert!(rendered.lines().all(|line| line.chars().count() < 230), "{rendered}");
    }
}
