//! What was found, for people and for programs.

use std::fmt::Write;

use heresy::Diagnostic;
use heresy::diagnostic::{Level, Position};
use serde::Serialize;

use crate::cli::OutputFormat;

/// All diagnostics in a format.
pub fn all(diagnostics: &[Diagnostic], format: OutputFormat, colored: bool) -> String {
    match format {
        OutputFormat::Full => {
            diagnostics.iter().map(|each| format!("{}\n\n", each.render(colored).trim_end())).collect()
        }
        OutputFormat::Concise => diagnostics.iter().map(concise).collect(),
        OutputFormat::Json => json(diagnostics),
        OutputFormat::Github => diagnostics.iter().map(github).collect(),
    }
}

fn level(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

/// `in.py:3:9: warning[H104]: a stop waits until this class body has run`
fn concise(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.place.as_ref().map_or(String::new(), |place| {
        let (start, _) = place.positions();
        format!("{}:{}:{}: ", place.file, start.line, start.column)
    });
    format!("{place}{}[{}]: {}\n", level(diagnostic), diagnostic.code.number, diagnostic.title)
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    name: &'a str,
    level: &'a str,
    message: &'a str,
    label: Option<&'a str>,
    notes: &'a [String],
    file: Option<&'a str>,
    /// From the first character to behind the last.
    start: Option<Position>,
    end: Option<Position>,
}

fn json(diagnostics: &[Diagnostic]) -> String {
    let finding = |diagnostic: &'_ Diagnostic| {
        let place = diagnostic.place.as_ref();
        let positions = place.map(heresy::diagnostic::Place::positions);
        serde_json::to_string(&Finding {
            code: diagnostic.code.number,
            name: diagnostic.code.name,
            level: level(diagnostic),
            message: &diagnostic.title,
            label: place.map(|place| &*place.label),
            notes: &diagnostic.notes,
            file: place.map(|place| &*place.file),
            start: positions.map(|(start, _)| start),
            end: positions.map(|(_, end)| end),
        })
        // Strings and numbers always can be.
        .unwrap_or_default()
    };
    let findings: Vec<String> = diagnostics.iter().map(finding).collect();
    if findings.is_empty() { "[]\n".to_owned() } else { format!("[\n  {}\n]\n", findings.join(",\n  ")) }
}

/// `::warning file=in.py,line=3,endLine=3,title=H104 class-body-call::a stop waits until this class body has run`
fn github(diagnostic: &Diagnostic) -> String {
    let mut command = format!("::{} ", level(diagnostic));
    if let Some(place) = &diagnostic.place {
        let (start, end) = place.positions();
        let _ = write!(command, "file={},line={},endLine={},", property(&place.file), start.line, end.line);
        // Columns of a range over several lines would be drawn as if it were one.
        if start.line == end.line {
            let _ = write!(command, "col={},endColumn={},", start.column, end.column);
        }
    }
    let message = [&*diagnostic.title].into_iter().chain(diagnostic.notes.iter().map(String::as_str));
    let message: Vec<String> = message.map(data).collect();
    let title = format!("{} {}", diagnostic.code.number, diagnostic.code.name);
    let _ = writeln!(command, "title={}::{}", property(&title), message.join("%0A"));
    command
}

/// What GitHub takes for the end of a message is written in another way.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
