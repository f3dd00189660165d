//! Real interpreters on real files: heresy accepts what they accept, and they accept its output.
//!
//! All fixtures are tried on every Python from 3.11 to 3.15 on PATH. The whole standard library, half a minute for each
//! interpreter, is tried on those that `HERESY_STDLIB` names, separated by `:`.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use heresy::{Code, Options, Source, transpile};

use crate::invariants;

/// Reads lines of two paths, original and output (or nothing, if it was refused), and prints what is wrong with each.
const CHECKER: &str = include_str!("agreement_check.py");

#[test]
fn fixtures_are_accepted_where_python_accepts_them() {
    let fixtures = scripts_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
    for minor in 11..=15 {
        let python = format!("python3.{minor}");
        if Command::new(&python).arg("--version").output().is_ok_and(|answer| answer.status.success()) {
            let wrong = disagreements(&python, &Options { target_version: (3, minor) }, &fixtures);
            assert!(wrong.is_empty(), "{python}:\n{wrong}");
        } else {
            eprintln!("skipped: there is no {python} on PATH");
        }
    }
}

#[test]
fn standard_libraries_are_accepted() {
    let Ok(interpreters) = env::var("HERESY_STDLIB") else {
        eprintln!("skipped: HERESY_STDLIB names no interpreters");
        return;
    };
    for python in interpreters.split(':').filter(|python| !python.is_empty()) {
        let (options, library) = ask(python);
        let scripts = scripts_in(&library);
        assert!(scripts.len() > 100, "{} is no standard library", library.display());
        let wrong = disagreements(python, &options, &scripts);
        assert!(wrong.is_empty(), "{python}:\n{wrong}");
    }
}

/// Everything on which heresy and an interpreter disagree, one line each.
fn disagreements(python: &str, options: &Options, scripts: &[PathBuf]) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut pairs = String::new();
    let mut wrong = String::new();
    for (number, script) in scripts.iter().enumerate() {
        let Ok(bytes) = fs::read(script) else { continue };
        let transpiled = Source::from_bytes(script.to_string_lossy(), &bytes)
            .map_err(|diagnostic| vec![diagnostic])
            .and_then(|source| transpile(&source, options).map(|transpiled| (source, transpiled)));
        let output = match transpiled {
            Ok((source, transpiled)) => {
                invariants::check_essentials(&source, &transpiled, options);
                let output = folder.path().join(format!("{number}.py"));
                let encoded = source.encode(transpiled.text()).expect("the output has the input's encoding");
                fs::write(&output, encoded).expect("the output can be written");
                output
            }
            Err(diagnostics) => match diagnostics[0].code {
                Code::ALREADY_TRANSPILED => continue,
                Code::INTERNAL => {
                    wrong.push_str(&diagnostics[0].render(false));
                    continue;
                }
                _ => PathBuf::new(),
            },
        };
        let _ = writeln!(pairs, "{}\t{}", script.display(), output.display());
    }
    let list = folder.path().join("pairs");
    fs::write(&list, pairs).expect("the list can be written");
    let checked = Command::new(python).args(["-W", "ignore", "-c", CHECKER]).arg(&list).output();
    let checked = checked.expect("the interpreter starts");
    wrong.push_str(&String::from_utf8_lossy(&checked.stdout));
    wrong.push_str(&String::from_utf8_lossy(&checked.stderr));
    wrong
}

/// The version to transpile for, and where the library is.
fn ask(python: &str) -> (Options, PathBuf) {
    let question = "import sys, sysconfig; print(sys.version_info[1]); print(sysconfig.get_paths()['stdlib'])";
    let answer = Command::new(python).args(["-c", question]).output().expect("the interpreter starts");
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    let (minor, library) = answer.split_once('\n').expect("two lines");
    let minor = minor.parse().expect("a version");
    (Options { target_version: (3, minor) }, PathBuf::from(library.trim_end()))
}

/// All Python files below a folder, but for what was installed beside a library.
fn scripts_in(folder: &Path) -> Vec<PathBuf> {
    let mut scripts = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() && name != "site-packages" && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") {
                scripts.push(path);
            }
        }
    }
    scripts.sort();
    scripts
}
