//! `heresy verify`, as a user calls it.

use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The newest Python at hand.
fn python() -> Option<String> {
    let works =
        |python: &String| Command::new(python).arg("--version").output().is_ok_and(|answer| answer.status.success());
    let found = (11..=15).rev().map(|minor| format!("python3.{minor}")).find(works);
    if found.is_none() {
        eprintln!("SKIPPED: there is no Python from 3.11 to 3.15 on PATH");
    }
    found
}

/// Tries a script in a folder that nothing else is in; the folder is to stay as it was.
fn verify(script: &str, options: &[&str]) -> Option<Output> {
    let folder = folder(script);
    let ended = command(&folder, options)?.output().expect("heresy starts");
    let names: Vec<_> = fs::read_dir(folder.path()).expect("the folder is there").flatten().collect();
    assert!(names.len() == 1, "{names:?}");
    Some(ended)
}

fn folder(script: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("tried.py"), script).expect("the script can be written");
    folder
}

fn command(folder: &TempDir, options: &[&str]) -> Option<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heresy"));
    command.current_dir(folder.path()).arg("verify").args(options).args(["--python", &python()?, "tried.py", "4"]);
    command.env_remove("PYTHONHASHSEED").stdin(Stdio::null());
    Some(command)
}

fn said(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[test]
fn what_does_the_same_is_said_to() {
    let script = "\
import os, pathlib, sys
beside = pathlib.Path(__file__).parent / 'beside'
def step(n):
    with open('out', 'a') as file:
        file.write(f'{n}\\n')
    beside.write_text(os.getcwd())
    return {str(n): n}
for n in range(int(sys.argv[1])):
    print(step(n), file=sys.stderr)
sys.exit(n)
";
    let Some(ended) = verify(script, &["--every-point"]) else { return };
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let said = said(&ended);
    assert!(said.starts_with("heresy: tried.py did the same in all ") && said.lines().count() == 1, "{said}");
    assert!(said.ends_with("; compared: output, exit status, 2 files)\n") && ended.stdout.is_empty(), "{said}");
}

#[test]
fn what_differs_by_itself_is_not_blamed_on_a_stop() {
    let script = "import os\nprint(os.urandom(8))\n";
    let Some(ended) = verify(script, &[]) else { return };
    assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
    assert!(said(&ended).starts_with("error[H351]: two plain runs of the program differ, in standard output\n"));
    let Some(ended) = verify(script, &["--ignore", "std*"]) else { return };
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
}

#[test]
fn what_cannot_be_stopped_is_said_to() {
    let script = "\
import threading
ended = threading.Event()
threading.Thread(target=ended.wait).start()
for n in range(3):
    print(n)
ended.set()
";
    let Some(ended) = verify(script, &["--at", "5", "--at", "6"]) else { return };
    assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
    let said = said(&ended);
    assert!(said.starts_with("error[H353]: tried.py could not be stopped at any of 2 statements\n"), "{said}");
    assert!(said.contains("heresy: 2 stops were refused: error[H313]: "), "{said}");
}

#[test]
fn what_lacks_something_after_a_stop_differs() {
    let script = "\
import socket
one, other = socket.socketpair()
one.send(b'1')
print(other.recv(1))
";
    let Some(ended) = verify(script, &["--output-format", "json"]) else { return };
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    assert!(
        said(&ended)
            .contains("error[H350]: stopped at tried.py:3 and continued, tried.py lacks what could not be saved")
    );
    let found: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("it is JSON");
    assert_eq!((&found["equal"], &found["statements"]), (&false.into(), &4.into()));
    let stops = found["stops"].as_array().expect("an array");
    let results: Vec<&str> = stops.iter().filter_map(|stop| stop["result"].as_str()).collect();
    assert_eq!(results, ["same", "same", "different", "different"]);
    assert_eq!((&stops[2]["place"], &stops[2]["differs"]), (&"tried.py:3".into(), &"standard output".into()));
}

#[test]
fn a_run_may_take_only_so_long() {
    let Some(ended) = verify("import time\ntime.sleep(60)\n", &["--timeout", "0.2"]) else { return };
    assert_eq!(ended.status.code(), Some(2));
    assert!(said(&ended).starts_with("error[H353]: the plain run takes too long\n"), "{}", said(&ended));
}

#[test]
fn standard_input_is_that_of_each_run() {
    let folder = folder("import sys\nfor line in sys.stdin:\n    print(line.upper(), end='')\n");
    let data = folder.path().join("data");
    fs::write(&data, "a\nb\nc\n").expect("the data can be written");
    let Some(mut command) = command(&folder, &["--every-point"]) else { return };
    let ended = command.stdin(File::open(&data).expect("the data is there")).output().expect("heresy starts");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    assert!(said(&ended).contains("did the same in all "), "{}", said(&ended));
}

#[test]
fn code_on_the_command_line_is_tried_too() {
    let folder = folder("");
    let Some(python) = python() else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_heresy"));
    command.current_dir(folder.path()).args(["verify", "--in-place", "--python", &python, "-c"]);
    let ended = command.arg("for n in range(3):\n    print(n, flush=True)\n1/0").stdin(Stdio::null()).output();
    let ended = ended.expect("heresy starts");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    assert!(said(&ended).contains("files not compared"), "{}", said(&ended));
}
