//! `heresy transpile` and `heresy diff`, as a user calls them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const SCRIPT: &str = "def f(x):\n    return g(x) + h(x)\n\n\nprint(f(1))\n";

/// A folder with `in.py` in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("in.py"), SCRIPT).expect("the script can be written");
    folder
}

fn heresy(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heresy"));
    command.current_dir(folder.path()).args(arguments);
    command
}

fn run(folder: &TempDir, arguments: &[&str]) -> Output {
    heresy(folder, arguments).stdin(Stdio::null()).output().expect("heresy starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn files(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("the folder can be read");
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn snapshot(name: &str, mut command: Command) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta_cmd::assert_cmd_snapshot!(name, command));
}

#[test]
fn transpile_prints_the_result() {
    snapshot("cli_transpile", heresy(&folder(), &["transpile", "in.py"]));
}

#[test]
fn diff_prints_a_diff() {
    snapshot("cli_diff", heresy(&folder(), &["diff", "in.py", "--context", "1"]));
    snapshot("cli_diff_colored", heresy(&folder(), &["diff", "in.py", "--color", "always"]));
    snapshot("cli_transpile_diff", heresy(&folder(), &["transpile", "in.py", "--diff"]));
}

#[test]
fn a_missing_file_is_a_usage_error() {
    snapshot("cli_missing", heresy(&folder(), &["transpile", "missing.py"]));
    snapshot("cli_folder", heresy(&folder(), &["diff", "."]));
}

#[test]
fn a_bad_file_is_refused_and_nothing_written() {
    let folder = folder();
    fs::write(folder.path().join("bad.py"), "def f(:\n").expect("the script can be written");
    snapshot("cli_bad", heresy(&folder, &["transpile", "bad.py", "-o", "out.py"]));
    assert_eq!(files(&folder), ["bad.py", "in.py"]);
}

#[test]
fn output_replaces_a_file_and_keeps_the_scripts_mode() {
    let folder = folder();
    let (input, output) = (folder.path().join("in.py"), folder.path().join("out.py"));
    fs::set_permissions(&input, fs::Permissions::from_mode(0o750)).expect("the mode can be set");
    fs::write(&output, "old").expect("the old output can be written");
    assert!(run(&folder, &["transpile", "in.py", "-o", "out.py"]).status.success());
    assert!(text(&fs::read(&output).expect("the output is there")).starts_with("import heresy; heresy.enter("));
    assert_eq!(fs::metadata(&output).expect("the output is there").permissions().mode() & 0o777, 0o750);
    assert_eq!(files(&folder), ["in.py", "out.py"]);
}

#[test]
fn the_input_is_never_overwritten() {
    let folder = folder();
    let input = folder.path().join("in.py");
    symlink("in.py", folder.path().join("link.py")).expect("a link can be made");
    fs::hard_link(&input, folder.path().join("same.py")).expect("a link can be made");
    for output in ["in.py", "./in.py", "../../../../../../../../proc/self/cwd/in.py", "link.py", "same.py"] {
        let ended = run(&folder, &["transpile", "in.py", "-o", output]);
        assert_eq!(ended.status.code(), Some(2), "{output}: {}", text(&ended.stderr));
        assert_eq!(fs::read_to_string(&input).expect("the input is there"), SCRIPT, "{output}");
    }
    let stdin = fs::File::open(&input).expect("the input is there");
    let ended = heresy(&folder, &["transpile", "-", "-o", "in.py"]).stdin(stdin).output().expect("heresy starts");
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&input).expect("the input is there"), SCRIPT);
}

#[test]
fn a_linked_output_stays_a_link() {
    let folder = folder();
    fs::write(folder.path().join("real.py"), "old").expect("the old output can be written");
    symlink("real.py", folder.path().join("out.py")).expect("a link can be made");
    assert!(run(&folder, &["transpile", "in.py", "-o", "out.py"]).status.success());
    assert!(folder.path().join("out.py").is_symlink());
    assert_ne!(fs::read_to_string(folder.path().join("real.py")).expect("the output is there"), "old");
}

#[test]
fn a_pipe_is_written_to_and_a_folder_is_not() {
    let folder = folder();
    let ended = run(&folder, &["transpile", "in.py", "-o", "/dev/stdout"]);
    assert!(ended.status.success() && text(&ended.stdout).contains("label .L1"));
    for output in [".", "missing/out.py"] {
        let ended = run(&folder, &["transpile", "in.py", "-o", output]);
        assert_eq!(ended.status.code(), Some(2), "{output}");
    }
    assert_eq!(files(&folder), ["in.py"]);
}

#[test]
fn standard_input_and_output() {
    let folder = folder();
    let mut command = heresy(&folder, &["transpile", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("heresy starts");
    child.stdin.take().expect("a pipe").write_all(SCRIPT.as_bytes()).expect("heresy reads");
    let ended = child.wait_with_output().expect("heresy ends");
    assert!(ended.status.success());
    assert!(text(&ended.stdout).starts_with("import heresy; heresy.enter(__name__, __file__, \"<stdin>\")\n"));
}

#[test]
fn a_broken_pipe_is_no_error() {
    let folder = folder();
    fs::write(folder.path().join("long.py"), "f(1)\n".repeat(100_000)).expect("the script can be written");
    let mut command = heresy(&folder, &["diff", "long.py"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("heresy starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("heresy ends");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", text(&ended.stderr));
}

/// What any tool that reads diffs does with ours: `patch` makes the output of the input.
#[test]
fn a_diff_can_be_applied() {
    let folder = folder();
    if Command::new("patch").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `patch` on this machine");
        return;
    }
    let diff = run(&folder, &["diff", "in.py"]);
    fs::write(folder.path().join("in.diff"), &diff.stdout).expect("the diff can be written");
    let patched = Command::new("patch").args(["-s", "in.py", "in.diff"]).current_dir(folder.path()).status();
    assert!(patched.expect("patch starts").success());
    let patched = fs::read(folder.path().join("in.py")).expect("the file is there");
    fs::write(folder.path().join("in.py"), SCRIPT).expect("the script can be written");
    assert_eq!(text(&patched), text(&run(&folder, &["transpile", "in.py"]).stdout));
}

/// However deep an expression goes: an answer, and never a crash.
#[test]
fn depth_is_no_crash() {
    let folder = folder();
    let nested = |open: &str, close: &str, times: usize| format!("{}1{}\n", open.repeat(times), close.repeat(times));
    let cases = [
        (nested("(", ")", 200), 0),
        (nested("(", ")", 1_000), 1),
        (nested("[", "]", 100_000), 1),
        (nested("{1:", "}", 100_000), 1),
        ("(".repeat(100_000), 1),
        (nested("f\"{", "}\"", 1_000), 1),
        (nested("not ", "", 10_000), 0),
        (nested("-", "", 10_000), 0),
        (nested("lambda: ", "", 10_000), 0),
        (nested("1+", "", 10_000), 0),
        (nested("1+", "", 200_000), 1),
        (nested("x if y else ", "", 5_000), 0),
        (format!("x{}\n", ".a".repeat(10_000)), 0),
        (format!("x{}\n", "()".repeat(10_000)), 0),
        (format!("x = [{}]\n", "f(1), ".repeat(10_000)), 0),
        ("f(1)\n".repeat(10_000), 0),
    ];
    for (script, status) in cases {
        fs::write(folder.path().join("deep.py"), &script).expect("the script can be written");
        let ended = run(&folder, &["transpile", "deep.py", "-o", "out.py"]);
        assert_eq!(ended.status.code(), Some(status), "{}…: {}", &script[..20], text(&ended.stderr));
    }
}

#[test]
fn the_help_of_what_is_about_checkpoints() {
    for command in ["run", "resume", "verify", "inspect", "log", "key"] {
        snapshot(&format!("cli_help_{command}"), heresy(&folder(), &[command, "--help"]));
    }
}

#[test]
fn where_no_program_was_stopped() {
    let folder = folder();
    for command in ["resume", "inspect"] {
        let ended = run(&folder, &[command]);
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(2), 0), "{command}");
        assert!(text(&ended.stderr).contains("error[H330]"), "{command}: {}", text(&ended.stderr));
    }
    let ended = run(&folder, &["log"]);
    assert!(ended.status.success() && ended.stdout.is_empty());
    assert!(text(&ended.stderr).starts_with("heresy: no program was stopped in "));
}

#[test]
fn what_is_no_checkpoint_is_not_looked_into() {
    let folder = folder();
    snapshot("cli_inspect_foreign", heresy(&folder, &["inspect", "in.py"]));
    fs::write(folder.path().join("old.ckpt"), "heresy checkpoint 1\n{}\n").expect("the file can be written");
    snapshot("cli_inspect_older", heresy(&folder, &["inspect", "old.ckpt"]));
    snapshot("cli_inspect_missing", heresy(&folder, &["inspect", "missing.ckpt"]));
}

#[test]
fn keys_are_shown_exported_and_imported() {
    let folder = folder();
    let key = |home: &str, arguments: &[&str], given: &str| {
        let mut command = heresy(&folder, &["key"]);
        command.args(arguments).env("HERESY_KEY", folder.path().join(home).join("key"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("heresy starts");
        child.stdin.take().expect("a pipe").write_all(given.as_bytes()).expect("heresy reads");
        let ended = child.wait_with_output().expect("heresy ends");
        assert!(ended.status.success(), "{}", text(&ended.stderr));
        text(&ended.stdout)
    };
    assert!(key("here", &[], "").starts_with("no key yet"));
    let exported = key("here", &["export"], "");
    assert_eq!(key("here", &["export"], ""), exported, "a key is made once");
    let mode = fs::metadata(folder.path().join("here/key")).expect("the key is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let shown = key("here", &["show"], "");
    let fingerprint = &shown[..8];
    key("there", &["import"], &exported);
    key("there", &["import"], &exported);
    assert!(key("there", &[], "").contains(&format!("{fingerprint}  imported\n")));
    assert!(!key("there", &["export"], "").contains(&exported), "the own key stays what it is");
}
