//! Every file under `fixtures/`, transpiled: its source, its output and its diagnostics, as one snapshot each.

use std::fmt::Write;
use std::path::Path;

use heresy::{Options, Source, transpile};

use crate::invariants;

#[test]
fn transpile_fixtures() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::glob!("../../fixtures", "**/*.py", |path| insta::assert_snapshot!("transpile", snapshot_of(path)));
    });
}

/// The sections of a fixture's snapshot. What can be transpiled has kept the invariants when this returns.
fn snapshot_of(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("a fixture can be read");
    let name = path.file_name().expect("a fixture has a name").to_string_lossy();
    let options = options_of(&bytes);
    let mut snapshot = String::new();
    section(&mut snapshot, "source", &String::from_utf8_lossy(&bytes));
    if options != Options::default() {
        let (major, minor) = options.target_version;
        section(&mut snapshot, "options", &format!("--target-version {major}.{minor}"));
    }
    let source = match Source::from_bytes(name, &bytes) {
        Ok(source) => source,
        Err(diagnostic) => {
            section(&mut snapshot, "diagnostics", &diagnostic.render(false));
            return snapshot;
        }
    };
    match transpile(&source, &options) {
        Ok(transpiled) => {
            invariants::check(&source, &transpiled, &options);
            let encoded = source.encode(transpiled.text()).expect("the output has the input's encoding");
            section(&mut snapshot, "output", &String::from_utf8_lossy(&encoded));
        }
        Err(diagnostics) => {
            let rendered: Vec<String> = diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect();
            section(&mut snapshot, "diagnostics", &rendered.join("\n"));
        }
    }
    snapshot
}

/// Before: a file that begins `# target-version: 3.11`. After: options for 3.11.
pub fn options_of(bytes: &[u8]) -> Options {
    let text = String::from_utf8_lossy(bytes);
    let version = text.lines().next().and_then(|line| line.strip_prefix("# target-version: 3."));
    match version.and_then(|minor| minor.trim().parse().ok()) {
        Some(minor) => Options { target_version: (3, minor) },
        None => Options::default(),
    }
}

/// Writes a heading and a text, in which characters that do not show are escaped.
fn section(snapshot: &mut String, heading: &str, text: &str) {
    let _ = writeln!(snapshot, "---------- {heading} ----------");
    for character in text.chars() {
        match character {
            '\n' => snapshot.push('\n'),
            '\u{feff}' | '\0'..='\x1f' => snapshot.extend(character.escape_default()),
            other => snapshot.push(other),
        }
    }
    if !text.ends_with('\n') && !text.is_empty() {
        snapshot.push_str("⏎ none\n");
    }
}
