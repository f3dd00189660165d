//! The runtime's promises, proved on every Python from 3.11 to 3.15 on PATH by the drivers beside this file.
//!
//! Each driver is a program of its own, whose own help says what it proves; what is run here is a small part of what it can do.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const HERESY: &str = env!("CARGO_BIN_EXE_heresy");

/// How many random programs are run, under all interpreters together.
const RANDOM_PROGRAMS: usize = 2000;

#[test]
fn a_program_stopped_again_and_again_goes_on_as_if_nothing_had_happened() {
    // Each program under one of the interpreters, by turns: all under all is what the long sweep does.
    let pythons = pythons();
    for_each_python("everywhere.py", |python, driver| {
        let turn = pythons.iter().position(|each| each == python).unwrap_or_default();
        let mine = programs().into_iter().enumerate().filter(|(at, _)| (at + turn) % pythons.len() == 0);
        driver.args(["--heresy", HERESY, "--points", "3", "--chain", "--python", python]);
        driver.args(mine.map(|(_, program)| program)).args(newer_scripts());
    });
}

#[test]
fn a_program_that_was_changed_goes_on_in_its_new_text() {
    // Each case under one of the interpreters, by turns.
    let pythons = pythons();
    let cases: Vec<PathBuf> = entries_of("fixtures/fix");
    for_each_python("fix.py", |python, driver| {
        let turn = pythons.iter().position(|each| each == python).unwrap_or_default();
        let mine = cases.iter().enumerate().filter(|(at, _)| (at + turn) % pythons.len() == 0);
        driver.args(["--heresy", HERESY, "--python", python]).args(mine.map(|(_, case)| case));
    });
}

#[test]
fn random_programs_go_on_as_if_nothing_had_happened() {
    // Others under each of the interpreters; the same in each run.
    let pythons = pythons();
    for_each_python("random_programs.py", |python, driver| {
        let turn = pythons.iter().position(|each| each == python).unwrap_or_default();
        let programs = RANDOM_PROGRAMS.div_ceil(pythons.len());
        let first = 1 + turn * programs;
        driver.args(["--heresy", HERESY, "--python", python]);
        driver.args(["--programs", &programs.to_string(), "--seed", &first.to_string()]);
    });
}

#[test]
fn random_programs_have_all_that_they_are_to_test() {
    let pythons = pythons();
    let Some(first) = pythons.first() else { return };
    run("random_constructs.py", first, |_, _| ()).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn what_a_program_may_hold_is_saved() {
    for_each_python("saved_types.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn what_one_python_has_saved_another_goes_on_with() {
    let pythons = pythons();
    for [from, to] in [["python3.11", "python3.14"], ["python3.14", "python3.11"]] {
        if [from, to].iter().all(|each| pythons.iter().any(|python| python == each)) {
            run("saved_types.py", from, |python, driver| {
                driver.args(["--heresy", HERESY, "--python", python, "--to", to]);
            })
            .unwrap_or_else(|failure| panic!("{failure}"));
        }
    }
}

#[test]
fn a_signal_at_any_moment_loses_and_doubles_nothing() {
    for_oldest_and_newest("signals.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--signals", "8", "--python", python]);
    });
}

#[test]
fn what_is_typed_at_a_terminal_loses_and_doubles_nothing() {
    for_newest("terminals.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn a_kill_at_any_moment_loses_what_came_after_the_last_checkpoint() {
    for_newest("every.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--kills", "5", "--python", python]);
    });
}

#[test]
fn checkpoints_can_be_gone_back_to_moved_and_looked_into() {
    for_oldest_and_newest("checkpoints.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn an_altered_checkpoint_is_refused() {
    // The reader is the same under all; which Python wrote it makes no difference to it.
    for_newest("mutations.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--files", "2000", "--commands", "40", "--python", python]);
    });
}

#[test]
fn whatever_goes_wrong_in_a_write_a_checkpoint_is_whole() {
    for_newest("faults.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--stride", "7", "--python", python]);
    });
}

#[test]
fn many_first_starts_at_the_same_time_are_as_one() {
    for_each_python("starts.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn where_a_stop_is_said_to_wait_it_waits() {
    for_each_python("waits.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn what_a_program_asks_of_heresy_itself_is_done() {
    for_oldest_and_newest("api.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn what_cannot_be_saved_is_named_and_never_gives_a_wrong_answer() {
    for_oldest_and_newest("unsaved.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn files_that_change_between_a_stop_and_the_continuation_lose_nothing() {
    for_newest("files.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn objects_of_other_peoples_packages_are_saved() {
    // The packages have wheels for it.
    let python = "python3.13";
    if pythons().iter().any(|each| each == python) {
        run("ecosystem.py", python, |python, driver| {
            driver.args(["--heresy", HERESY, "--python", python, "--points", "4"]);
            driver.args(["bars", "arrays", "records", "commands", "pages"]);
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    }
}

#[test]
fn a_program_that_is_never_stopped_behaves_as_the_original() {
    for_each_python("transparent.py", |python, driver| {
        driver.args(["--heresy", HERESY, "--python", python]);
    });
}

#[test]
fn cpythons_own_tests_end_as_they_do_plainly() {
    for_each_python("language.py", |python, driver| {
        driver.args([
            "--heresy",
            HERESY,
            "--python",
            python,
            "test_grammar",
            "test_with",
            "test_decorators",
            "test_pkg",
        ]);
    });
}

#[test]
fn the_run_form_is_the_original() {
    for_each_python("run_form.py", |_, driver| {
        driver.args(["--heresy", HERESY]).args(scripts());
    });
}

#[test]
fn the_run_form_of_library_files_is_the_original() {
    for_each_python("library.py", |_, driver| {
        driver.args(["--heresy", HERESY, "--sample", "60"]);
    });
}

#[test]
fn what_is_installed_runs_stops_and_continues() {
    let pythons = pythons();
    let Some(first) = pythons.first() else { return };
    run("install.py", first, |_, driver| {
        driver.args(&pythons);
    })
    .unwrap_or_else(|failure| panic!("{failure}"));
}

/// Runs a driver under each interpreter that is there. `arguments` adds to the command line; its first argument names the
/// interpreter.
fn for_each_python(driver: &str, arguments: impl Fn(&str, &mut Command)) {
    let run = |python: String| run(driver, &python, &arguments);
    let failures: Vec<String> = pythons().into_iter().filter_map(|python| run(python).err()).collect();
    assert!(failures.is_empty(), "{}", failures.concat());
}

/// The same under two of them: for what hardly depends on the interpreter, and takes its time.
fn for_oldest_and_newest(driver: &str, arguments: impl Fn(&str, &mut Command)) {
    let pythons = pythons();
    let ends = [pythons.first(), pythons.last().filter(|_| pythons.len() > 1)];
    let failures: Vec<String> =
        ends.into_iter().flatten().filter_map(|python| run(driver, python, &arguments).err()).collect();
    assert!(failures.is_empty(), "{}", failures.concat());
}

/// The same under the newest alone: for what does not depend on the interpreter.
fn for_newest(driver: &str, arguments: impl Fn(&str, &mut Command)) {
    if let Some(python) = pythons().last() {
        run(driver, python, &arguments).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// Runs a driver under one interpreter, and says what it said if it failed.
fn run(driver: &str, python: &str, arguments: impl Fn(&str, &mut Command)) -> Result<(), String> {
    let mut command = Command::new(python);
    // The drivers stand beside the sources, where no compiled file belongs.
    command.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests").join(driver));
    arguments(python, &mut command);
    let output = command.output().unwrap_or_else(|error| panic!("{python} does not start: {error}"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    for line in said.lines().filter(|line| line.contains("SKIPPED")) {
        eprintln!("{line}");
    }
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{driver} under {python}: {}\n{said}\n", output.status)),
    }
}

/// The interpreters that can be run; says which cannot.
fn pythons() -> Vec<String> {
    let (there, missing): (Vec<_>, Vec<_>) = (11..=15)
        .map(|minor| format!("python3.{minor}"))
        .partition(|python| Command::new(python).arg("--version").output().is_ok_and(|answer| answer.status.success()));
    for python in missing {
        eprintln!("SKIPPED: there is no {python} on PATH");
    }
    there
}

/// The programs of one file, and those that are packages.
fn programs() -> Vec<PathBuf> {
    let trees = entries_of("fixtures/trees").into_iter().filter(|path| path.is_dir());
    scripts().into_iter().chain(trees).collect()
}

fn scripts() -> Vec<PathBuf> {
    scripts_in("fixtures/run")
}

/// The programs of one file that the older interpreters cannot run.
fn newer_scripts() -> Vec<PathBuf> {
    scripts_in("fixtures/newer")
}

/// Without the `__pycache__` that a script has made which imports another.
fn scripts_in(folder: &str) -> Vec<PathBuf> {
    let is_script = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "py");
    entries_of(folder).into_iter().filter(is_script).collect()
}

fn entries_of(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}
