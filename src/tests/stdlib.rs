//! The whole standard library of an interpreter: accepted where that interpreter accepts it, and to its taste.
//!
//! It runs for the interpreters that `HERESY_STDLIB` names, separated by `:`, since it takes half a minute for each.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use heresy::{Options, Source, transpile};

/// Reads lines of two paths, original and output (or nothing, if it was refused), and prints what is wrong with each.
const CHECKER: &str = include_str!("stdlib_check.py");

#[test]
fn the_standard_library_transpiles() {
    let Ok(interpreters) = env::var("HERESY_STDLIB") else {
        eprintln!("skipped: HERESY_STDLIB names no interpreters");
        return;
    };
    for python in interpreters.split(':').filter(|python| !python.is_empty()) {
        let wrong = check_interpreter(python);
        assert!(wrong.is_empty(), "{python}:\n{wrong}");
    }
}

/// Everything that is wrong, one line each.
fn check_interpreter(python: &str) -> String {
    let (options, library) = ask(python);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut pairs = String::new();
    let mut wrong = String::new();
    let scripts = scripts_in(&library);
    assert!(scripts.len() > 100, "{} is no standard library", library.display());
    for (number, script) in scripts.iter().enumerate() {
        let Ok(bytes) = fs::read(script) else { continue };
        let mut output = String::new();
        let transpiled = Source::from_bytes(script.to_string_lossy(), &bytes)
            .map_err(|diagnostic| vec![diagnostic])
            .and_then(|source| transpile(&source, &options).map(|transpiled| (source, transpiled)));
        match transpiled {
            Ok((source, transpiled)) => {
                crate::invariants::check(&source, &transpiled, &options);
                let path = folder.path().join(format!("{number}.py"));
                fs::write(&path, source.encode(transpiled.text()).expect("the output has the input's encoding"))
                    .expect("it can be written");
                output = path.to_string_lossy().into_owned();
            }
            Err(diagnostics) if diagnostics[0].code.number.starts_with("H9") => {
                wrong.push_str(&diagnostics[0].render(false))
            }
            Err(_) => {}
        }
        pairs.push_str(&format!("{}\t{output}\n", script.display()));
    }
    let list = folder.path().join("pairs");
    fs::write(&list, pairs).expect("the list can be written");
    let checked =
        Command::new(python).args(["-W", "ignore", "-c", CHECKER]).arg(&list).output().expect("the interpreter starts");
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

/// All Python files below a folder, but for what was installed beside the library.
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
