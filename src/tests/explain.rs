//! `heresy check` and `heresy explain`: each text about a code is true of the code.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use heresy::explain::{examples, section, sections};
use heresy::{Diagnostic, Options, Source, with_room};
use tempfile::TempDir;

use crate::fixtures::options_of;

#[test]
fn the_sections_are_in_order_and_have_names_of_their_own() {
    let numbers: Vec<&str> = sections().map(|section| section.number).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let by_name: BTreeMap<&str, &str> = sections().map(|section| (section.name, section.number)).collect();
    assert_eq!(by_name.len(), numbers.len());
    assert!(section("h104").is_some_and(|text| text.starts_with("## H104 class-body-call\n")));
    assert_eq!(section("class-body-call"), section("H104"));
    assert_eq!(section("H999"), None);
}

/// The codes that stand in the sources, in either language, are those that are explained.
#[test]
fn every_code_is_explained() {
    let mut used = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
    let explained: BTreeMap<String, String> =
        sections().map(|section| (section.number.to_owned(), section.name.to_owned())).collect();
    assert_eq!(used.keys().collect::<Vec<_>>(), explained.keys().collect::<Vec<_>>());
    for (number, name) in used {
        assert!(name.is_none_or(|name| explained[&number] == name), "{number} is called {}", explained[&number]);
    }
}

/// Finds `"H301"` in Python and `Code { number: "H301", name: "…" }` in Rust.
fn collect(folder: &Path, used: &mut BTreeMap<String, Option<String>>) {
    for entry in fs::read_dir(folder).expect("the sources can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                collect(&path, used);
            }
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let marker = if path.extension().is_some_and(|extension| extension == "rs") { "number: \"H" } else { "\"H" };
        for (at, _) in text.match_indices(marker) {
            let rest = &text[at + marker.len() - 1..];
            let (number, rest) = rest.split_once('"').unwrap_or((rest, ""));
            if number.len() == 4 && number[1..].bytes().all(|byte| byte.is_ascii_digit()) {
                let name = rest.strip_prefix(", name: \"").and_then(|rest| rest.split_once('"'));
                used.entry(number.to_owned()).or_default();
                if let Some((name, _)) = name {
                    used.insert(number.to_owned(), Some(name.to_owned()));
                }
            }
        }
    }
}

fn check(text: &str) -> Vec<Diagnostic> {
    let options: Options = options_of(text.as_bytes());
    match Source::from_bytes("in.py", text.as_bytes()) {
        Ok(source) => with_room(|room| room.check(&source, &options)).expect("a thread can be made"),
        Err(diagnostic) => vec![diagnostic],
    }
}

#[test]
fn every_example_gives_its_code_and_no_other() {
    for section in sections() {
        let examples: Vec<&str> = examples(section.text).collect();
        let needs_one = section.number.starts_with("H1") || section.number.starts_with("H2");
        assert!(!needs_one || !examples.is_empty(), "{}", section.number);
        for example in examples {
            let codes: Vec<&str> = check(example).iter().map(|diagnostic| diagnostic.code.number).collect();
            assert_eq!(codes, [section.number], "{example}");
        }
    }
}

#[test]
fn a_comment_ignores_what_is_meant() {
    let codes = |text: &str| -> Vec<&str> { check(text).iter().map(|diagnostic| diagnostic.code.number).collect() };
    assert_eq!(codes("x = sum(f(n) for n in y)  # heresy: ignore[H103]\n"), [""; 0]);
    assert_eq!(codes("x = sum(f(n)\n        for n in y)  # heresy: ignore[H103]\n"), [""; 0]);
    assert_eq!(codes("x = sum(f(n) for n in y); eval(x)  # heresy: ignore[H111, H103]\n"), [""; 0]);
    assert_eq!(codes("# heresy: ignore[H103]\nx = sum(f(n) for n in y)\n"), ["H014", "H103"]);
    assert_eq!(codes("x = sum(f(n) for n in y)  # heresy: ignore[h103]\n"), ["H103", "H013"]);
    assert_eq!(codes("x = '# heresy: ignore[H103]'\n"), [""; 0]);
    assert_eq!(codes("x = (  # heresy: ignore\n"), ["H001"]);
}

#[test]
fn what_is_quick_is_left_alone() {
    let quiet = [
        "x = [str(n) for n in y]\n",
        "x = [n.strip() for n in y]\n",
        "x = sorted(y, key=len)\n",
        "x = lambda: f(1)\n",
        "x = sorted(y, key=lambda pair: pair[1])\n",
        "x = [n for n in f()]\n",
        "class C:\n    x: int = 1\n    def m(self, y=2):\n        return f(y)\n",
        "@property\ndef f(x: int = 1): pass\n",
        "print(*x, 1)\n",
        "print(f(1), *x)\n",
        "print(f'{x=} {f(1)}')\n",
        "from threading import Lock\nlock = Lock()\n",
    ];
    for text in quiet {
        let found = check(text);
        assert!(found.is_empty(), "{text}{}", found[0]);
    }
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::create_dir(folder.path().join("pkg")).expect("a folder can be made");
    fs::write(folder.path().join("pkg/bad.py"), "x = (\n").expect("a file can be written");
    fs::write(folder.path().join("pkg/notes.txt"), "x = (\n").expect("a file can be written");
    fs::write(folder.path().join("good.py"), "x = 1\n").expect("a file can be written");
    let slow =
        "def step(n):\n    return n\n\n\nwerte = list(step('ä')\n             for n in 'ö'); sorted(werte, key=step)\n";
    fs::write(folder.path().join("slow.py"), slow).expect("a file can be written");
    folder
}

fn snapshot(name: &str, arguments: &[&str]) {
    let folder = folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_heresy"));
    command.current_dir(folder.path()).args(arguments).stdin(Stdio::null());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta_cmd::assert_cmd_snapshot!(name, command));
}

#[test]
fn check_prints_what_it_finds() {
    snapshot("cli_check", &["check", "."]);
    snapshot("cli_check_concise", &["check", "slow.py", "pkg", "slow.py", "--output-format", "concise"]);
    snapshot("cli_check_json", &["check", ".", "--output-format", "json"]);
    snapshot("cli_check_github", &["check", ".", "--output-format", "github"]);
    snapshot("cli_check_nothing", &["check", "good.py"]);
    snapshot("cli_check_nothing_json", &["check", "good.py", "--output-format", "json"]);
    snapshot("cli_check_missing", &["check", "missing.py", "slow.py", "--output-format", "concise"]);
}

#[test]
fn explain_prints_a_section() {
    snapshot("cli_explain", &["explain", "H109"]);
    snapshot("cli_explain_unknown", &["explain", "H999"]);
}
