//! The diff from a script to what heresy makes of it. The only user of `similar`.
//!
//! **Input** the source and its insertions; **Output** a unified diff:
//!
//! ```text
//! @@ -1,2 +1,4 @@
//!  def cost(items):
//! +    goto .entry(items)
//! +    label .L1
//!      return price(items) + tax(items)
//! ```
//!
//! Nothing is guessed: the insertions say which lines are new, which are changed, and which characters of them were
//! added. So the diff is exact and takes linear time, and a changed line always stands right below its old self.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use similar::udiff::UnifiedHunkHeader;
use similar::{DiffOp, group_diff_ops};

use crate::emit::Insertion;

/// How to show a diff.
#[derive(Clone, Debug)]
pub struct DiffOptions {
    /// What stands after `---` and `+++`.
    pub old_name: String,
    pub new_name: String,
    /// Unchanged lines around each change.
    pub context: usize,
    /// Whether to write escape sequences for a terminal.
    pub colored: bool,
}

/// The unified diff; empty if there is nothing to show.
pub fn diff(text: &str, insertions: &[Insertion], options: &DiffOptions) -> String {
    if insertions.is_empty() {
        return String::new();
    }
    let comparison = Comparison::of(text, insertions);
    let palette = if options.colored { Palette::COLORED } else { Palette::PLAIN };
    let mut out = String::new();
    let _ = writeln!(out, "{}", painted(palette.name, &format!("--- {}", options.old_name)));
    let _ = writeln!(out, "{}", painted(palette.name, &format!("+++ {}", options.new_name)));
    for hunk in group_diff_ops(comparison.operations(), options.context) {
        comparison.write_hunk(&mut out, &hunk, &palette);
    }
    out
}

/// A piece of a new line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece<'a> {
    text: &'a str,
    is_inserted: bool,
}

/// A line of the result, as pieces that together end in a newline (but for the last line of a text without one).
type NewLine<'a> = Vec<Piece<'a>>;

/// What became of the old lines, in order.
#[derive(Debug)]
enum Change<'a> {
    /// An old line stays as it is.
    Kept(&'a str),
    /// An old line got longer, and perhaps several lines.
    Grown(&'a str, Vec<NewLine<'a>>),
    /// A new line between old ones.
    Added(NewLine<'a>),
}

struct Comparison<'a> {
    changes: Vec<Change<'a>>,
    /// For each change, the index of its first new line.
    new_starts: Vec<usize>,
}

impl<'a> Comparison<'a> {
    /// Pairs old lines with new ones. A line ends at `\n`, as it does for all tools that read diffs.
    fn of(text: &'a str, insertions: &'a [Insertion]) -> Comparison<'a> {
        let mut changes = Vec::new();
        let mut insertions = insertions.iter().peekable();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let range = start..start + line.len();
            let is_last = range.end == text.len();
            let mut pieces = Vec::new();
            let mut copied = range.start;
            while let Some(insertion) = insertions.next_if(|insertion| insertion.at < range.end || is_last) {
                push_lines(&mut pieces, &text[copied..insertion.at], false);
                push_lines(&mut pieces, &insertion.text, true);
                copied = insertion.at;
            }
            push_lines(&mut pieces, &text[copied..range.end], false);
            changes.extend(changes_of_line(line, pieces));
            start = range.end;
        }
        // A text without any line.
        for insertion in insertions {
            let mut pieces = Vec::new();
            push_lines(&mut pieces, &insertion.text, true);
            changes.extend(pieces.into_iter().map(Change::Added));
        }
        let new_starts = changes.iter().scan(0, |at, change| Some(std::mem::replace(at, *at + change.lengths().1)));
        Comparison { new_starts: new_starts.collect(), changes }
    }

    fn operations(&self) -> Vec<DiffOp> {
        let (mut old_index, mut new_index) = (0, 0);
        let mut operations: Vec<DiffOp> = Vec::new();
        for change in &self.changes {
            let (old_len, new_len) = change.lengths();
            match (change, operations.last_mut()) {
                (Change::Kept(_), Some(DiffOp::Equal { len, .. })) => *len += 1,
                (Change::Kept(_), _) => operations.push(DiffOp::Equal { old_index, new_index, len: 1 }),
                (Change::Grown(..), _) => operations.push(DiffOp::Replace { old_index, old_len, new_index, new_len }),
                (Change::Added(_), _) => operations.push(DiffOp::Insert { old_index, new_index, new_len }),
            }
            old_index += old_len;
            new_index += new_len;
        }
        operations
    }

    fn write_hunk(&self, out: &mut String, hunk: &[DiffOp], palette: &Palette) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return };
        let header = UnifiedHunkHeader::new(hunk).to_string();
        let _ = write!(out, "{}", painted(palette.hunk, header.trim_end()));
        let at = |new_index: usize| self.new_starts.partition_point(|start| *start < new_index);
        let shown = at(first.new_range().start)..at(last.new_range().end);
        match self.definition_before(shown.start) {
            Some(definition) => {
                let _ = writeln!(out, " {}", painted(palette.context, definition));
            }
            None => out.push('\n'),
        }
        self.changes[shown].iter().for_each(|change| change.write(out, palette));
    }

    /// The last `def` or `class` line above a change, as in the hunks of `git diff`.
    fn definition_before(&self, at: usize) -> Option<&'a str> {
        let lines = self.changes[..at].iter().rev().filter_map(Change::old).map(str::trim);
        lines.into_iter().find(|line| ["def ", "class ", "async def "].iter().any(|word| line.starts_with(word)))
    }
}

/// Before: the pieces that an old line became. After: added lines in front, then the line itself, kept or grown.
fn changes_of_line<'a>(old: &'a str, mut lines: Vec<NewLine<'a>>) -> Vec<Change<'a>> {
    let is_added = |line: &NewLine<'_>| line.iter().all(|piece| piece.is_inserted);
    let first_own = lines.iter().position(|line| !is_added(line)).unwrap_or(lines.len());
    let after = lines.iter().rposition(|line| !is_added(line)).map_or(lines.len(), |last| last + 1);
    let trailing = lines.split_off(after);
    let own = lines.split_off(first_own);
    let is_kept = own.len() == 1 && own[0].iter().all(|piece| !piece.is_inserted);
    let line = if is_kept { Change::Kept(old) } else { Change::Grown(old, own) };
    lines.into_iter().map(Change::Added).chain([line]).chain(trailing.into_iter().map(Change::Added)).collect()
}

/// Adds text to the last of some lines, and opens a new one after each newline.
fn push_lines<'a>(lines: &mut Vec<NewLine<'a>>, text: &'a str, is_inserted: bool) {
    for part in text.split_inclusive('\n') {
        let is_open = lines.last().and_then(|line| line.last()).is_some_and(|piece| !piece.text.ends_with('\n'));
        if !is_open {
            lines.push(Vec::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push(Piece { text: part, is_inserted });
        }
    }
}

impl<'a> Change<'a> {
    /// How many old and how many new lines.
    fn lengths(&self) -> (usize, usize) {
        match self {
            Change::Kept(_) => (1, 1),
            Change::Grown(_, lines) => (1, lines.len()),
            Change::Added(_) => (0, 1),
        }
    }

    fn old(&self) -> Option<&'a str> {
        match self {
            Change::Kept(old) | Change::Grown(old, _) => Some(old),
            Change::Added(_) => None,
        }
    }

    fn write(&self, out: &mut String, palette: &Palette) {
        match self {
            Change::Kept(line) => write_line(out, ' ', palette.context, &[(palette.context, line)]),
            Change::Grown(old, lines) => {
                write_line(out, '-', palette.removed, &[(palette.removed, old)]);
                lines.iter().for_each(|line| write_line(out, '+', palette.added, &styled(line, palette)));
            }
            Change::Added(line) => write_line(out, '+', palette.mark, &styled(line, palette)),
        }
    }
}

/// Marks are many, so they are quiet beside what the line had.
fn styled<'a>(line: &NewLine<'a>, palette: &Palette) -> Vec<(Style, &'a str)> {
    let style = |piece: &Piece<'_>| if piece.is_inserted { palette.mark } else { palette.added };
    line.iter().map(|piece| (style(piece), piece.text)).collect()
}

/// Writes a line with its sign. Its newline comes after the last escape sequence, so that no colour runs on.
fn write_line(out: &mut String, sign: char, sign_style: Style, pieces: &[(Style, &str)]) {
    let _ = write!(out, "{}", painted(sign_style, sign.encode_utf8(&mut [0; 4])));
    let mut ends = false;
    for (style, text) in pieces {
        let content = text.trim_end_matches(['\r', '\n']);
        let _ = write!(out, "{}", painted(*style, content));
        out.push_str(&text[content.len()..]);
        ends = text.ends_with('\n');
    }
    if !ends {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// The styles of a diff's parts.
struct Palette {
    name: Style,
    hunk: Style,
    context: Style,
    removed: Style,
    added: Style,
    /// What was inserted: labels, gotos, the header.
    mark: Style,
}

impl Palette {
    const PLAIN: Palette = Palette {
        name: Style::new(),
        hunk: Style::new(),
        context: Style::new(),
        removed: Style::new(),
        added: Style::new(),
        mark: Style::new(),
    };

    const COLORED: Palette = Palette {
        name: Style::new().bold(),
        hunk: AnsiColor::Cyan.on_default(),
        context: Style::new(),
        removed: AnsiColor::Red.on_default(),
        added: AnsiColor::Green.on_default(),
        mark: AnsiColor::Green.on_default().dimmed(),
    };
}

/// Text in a style; plain text has no escape sequences at all.
fn painted(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::Purpose;

    fn options(context: usize) -> DiffOptions {
        DiffOptions { old_name: "a".into(), new_name: "b".into(), context, colored: false }
    }

    fn insertion(at: usize, text: &str, purpose: Purpose) -> Insertion {
        Insertion { at, text: text.to_owned(), purpose }
    }

    #[test]
    fn a_grown_line_stands_below_its_old_self() {
        let insertions = [insertion(2, "label .L1\n", Purpose::Label), insertion(4, "label .L2; ", Purpose::Label)];
        let expected =
            "--- a\n+++ b\n@@ -1,3 +1,4 @@\n a\n+label .L1\n-b;c\n+b;label .L2; c\n d\n\\ No newline at end of file\n";
        assert_eq!(diff("a\nb;c\nd", &insertions, &options(3)), expected);
    }

    #[test]
    fn an_empty_file_gets_lines() {
        let insertions = [insertion(0, "one\n", Purpose::Header), insertion(0, "two\n", Purpose::Goto)];
        assert_eq!(diff("", &insertions, &options(3)), "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+one\n+two\n");
    }

    #[test]
    fn a_last_line_without_newline_grows() {
        let insertions = [insertion(1, "\nheader", Purpose::Header)];
        let expected = "--- a\n+++ b\n@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+header\n\\ No newline at end of file\n";
        assert_eq!(diff("a", &insertions, &options(3)), expected);
    }
}
