//! `heresy transpile DIR -o OUTDIR`: a whole tree, with what real trees hold.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

const SCRIPT: &str = "print(f(1))\n";

/// A folder with these files in it, below `in`.
fn tree(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for file in files {
        write(folder.path().join("in").join(file), SCRIPT);
    }
    folder
}

fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    fs::write(path, text).expect("a file can be written");
}

fn heresy(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heresy"));
    command.current_dir(folder.path()).arg("transpile").args(arguments).stdin(Stdio::null());
    command
}

/// The exit status, and what was said.
fn run(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    ended(&heresy(folder, arguments).output().expect("heresy starts"))
}

fn ended(output: &Output) -> (Option<i32>, String) {
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Everything below a folder, links not followed: `pkg/mod.py`, `link -> pkg`.
fn listing(folder: &Path) -> Vec<String> {
    fn list(folder: &Path, inside: &str, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("the folder can be read").flatten() {
            let name = format!("{inside}{}", entry.file_name().to_string_lossy());
            match fs::read_link(entry.path()) {
                Ok(target) => into.push(format!("{name} -> {}", target.display())),
                Err(_) if entry.path().is_dir() => list(&entry.path(), &format!("{name}/"), into),
                Err(_) => into.push(name),
            }
        }
    }
    let mut names = Vec::new();
    list(folder, "", &mut names);
    names.sort();
    names
}

fn is_transpiled(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.starts_with("import heresy; heresy.enter("))
}

#[test]
fn every_python_file_goes_to_the_same_place() {
    let folder = tree(&["main.py", "pkg/__init__.py", "pkg/sub/window.pyw", "pkg/data.txt", "pkg/__pycache__/x.py"]);
    fs::set_permissions(folder.path().join("in/main.py"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let (status, said) = run(&folder, &["in", "-o", "new/out"]);
    assert_eq!((status, &*said), (Some(0), "heresy: 3 files transpiled\n"));
    let out = folder.path().join("new/out");
    assert_eq!(listing(&out), ["main.py", "pkg/__init__.py", "pkg/sub/window.pyw"]);
    assert!(listing(&out).iter().all(|name| is_transpiled(&out.join(name))));
    let mode = |name: &str| fs::metadata(out.join(name)).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode("main.py"), 0o755);

    let (status, said) = run(&folder, &["in", "-o", "new/out", "--copy", "--with-runtime"]);
    assert_eq!((status, &*said), (Some(0), "heresy: 3 files transpiled, 3 of them unchanged; 1 copied\n"));
    assert_eq!(fs::read_to_string(out.join("pkg/data.txt")).expect("it is there"), SCRIPT);
    assert!(out.join("heresy/_boot.py").is_file());
}

#[test]
fn what_is_unchanged_is_not_written_again() {
    let folder = tree(&["a.py", "b.py", "c.txt"]);
    assert_eq!(run(&folder, &["in", "-o", "out", "--copy"]).0, Some(0));
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for name in ["a.py", "b.py", "c.txt"] {
        let file = fs::File::options().write(true).open(folder.path().join("out").join(name)).expect("it is there");
        file.set_modified(long_ago).expect("a time");
    }
    write(folder.path().join("in/b.py"), "print(g(1))\n");
    assert_eq!(run(&folder, &["in", "-o", "out", "--copy"]).0, Some(0));
    let is_old = |name: &str| {
        let metadata = fs::metadata(folder.path().join("out").join(name)).expect("it is there");
        metadata.modified().expect("a time") == long_ago
    };
    assert_eq!([is_old("a.py"), is_old("b.py"), is_old("c.txt")], [true, false, true]);
}

#[test]
fn all_that_is_wrong_is_said_and_the_rest_is_done() {
    let folder = tree(&["good.py", "pkg/good.py"]);
    write(folder.path().join("in/bad.py"), "def f(:\n");
    write(folder.path().join("in/pkg/worse.py"), "return 1\n");
    write(folder.path().join("in/z.py"), "# coding: no-such-thing\n");
    let (status, said) = run(&folder, &["in", "-o", "out"]);
    assert_eq!(status, Some(1));
    let places: Vec<&str> = said.lines().filter_map(|line| line.split_once("┌─ ")).map(|(_, place)| place).collect();
    assert_eq!(places, ["in/bad.py:1:6", "in/pkg/worse.py:1:1", "in/z.py:1:11"], "{said}");
    assert!(said.ends_with("heresy: 2 files transpiled; 3 refused\n"), "{said}");
    assert_eq!(listing(&folder.path().join("out")), ["good.py", "pkg/good.py"]);
}

#[test]
fn no_script_is_ever_overwritten() {
    let folder = tree(&["a.py", "in/a.py"]);
    symlink("in", folder.path().join("same")).expect("a link");
    for output in ["in", "./in/", "same", ".", "in/../in"] {
        let (status, said) = run(&folder, &["in", "-o", output]);
        assert_eq!(status, Some(2), "{output}: {said}");
        assert!(said.starts_with("error[H011]"), "{output}: {said}");
    }
    // Below the output, a link may lead back to the input.
    symlink("../in", folder.path().join("in/in/link")).expect("a link");
    fs::create_dir(folder.path().join("out")).expect("a folder");
    symlink("../in", folder.path().join("out/in")).expect("a link");
    symlink("../in/a.py", folder.path().join("out/a.py")).expect("a link");
    let (status, said) = run(&folder, &["in", "-o", "out"]);
    assert!(status == Some(2) && said.contains("out/in cannot be written: it is there, and no folder"), "{said}");
    for script in ["in/a.py", "in/in/a.py"] {
        assert_eq!(fs::read_to_string(folder.path().join(script)).expect("it is there"), SCRIPT);
    }
    assert!(is_transpiled(&folder.path().join("out/a.py")));
}

#[test]
fn an_output_inside_of_the_input_is_not_read_again() {
    let folder = tree(&["a.py", "pkg/b.py"]);
    for _ in 0..2 {
        let (status, said) = run(&folder, &["in", "-o", "in/build/out"]);
        assert_eq!(status, Some(0), "{said}");
    }
    assert_eq!(listing(&folder.path().join("in")), ["a.py", "build/out/a.py", "build/out/pkg/b.py", "pkg/b.py"]);
}

#[test]
fn links() {
    let folder = tree(&["pkg/a.py", "pkg/sub/b.py", "data/x.txt"]);
    let at = |name: &str| folder.path().join("in").join(name);
    write(folder.path().join("elsewhere/c.py"), SCRIPT);
    symlink("pkg/a.py", at("inside.py")).expect("a link");
    symlink("../elsewhere/c.py", at("outside.py")).expect("a link");
    symlink("pkg", at("pkg2")).expect("a link");
    symlink(at("pkg/sub"), at("pkg/sub/again")).expect("a link");
    symlink("..", at("pkg/up")).expect("a link");
    symlink("data", at("no_python")).expect("a link");
    symlink("../elsewhere", at("away")).expect("a link");
    symlink("nowhere.py", at("dangling.py")).expect("a link");
    for _ in 0..2 {
        let (status, said) = run(&folder, &["in", "-o", "out"]);
        assert_eq!(status, Some(2), "{said}");
        assert_eq!(said.matches("error[H009]").count(), 2, "{said}");
        assert!(said.contains("in/away is a link to a folder outside of in"), "{said}");
        assert!(said.contains("in/dangling.py is a link to nothing"), "{said}");
        let expected = ["inside.py", "outside.py", "pkg/a.py", "pkg/sub/again -> ../../pkg/sub", "pkg/sub/b.py"];
        let links = ["pkg/up -> ..", "pkg2 -> pkg"];
        assert_eq!(listing(&folder.path().join("out")), [&expected[..], &links[..]].concat());
    }
}

#[test]
fn a_name_that_is_no_text() {
    let folder = tree(&[]);
    let name = OsStr::from_bytes(b"caf\xe9.py");
    write(folder.path().join("in").join(name), SCRIPT);
    assert_eq!(run(&folder, &["in", "-o", "out"]), (Some(0), "heresy: 1 file transpiled\n".to_owned()));
    assert!(is_transpiled(&folder.path().join("out").join(name)) || folder.path().join("out").join(name).is_file());
}

#[test]
fn what_cannot_be_read_is_named_once() {
    let folder = tree(&["a.py", "secret.py", "closed/b.py", "closed/c.py"]);
    let made = Command::new("mkfifo").arg(folder.path().join("in/pipe.py")).status();
    assert!(made.is_ok_and(|status| status.success()));
    let close =
        |name: &str| fs::set_permissions(folder.path().join("in").join(name), fs::Permissions::from_mode(0o000));
    close("secret.py").expect("a mode");
    close("closed").expect("a mode");
    let is_almighty = fs::read(folder.path().join("in/secret.py")).is_ok();
    let (status, said) = run(&folder, &["in", "-o", "out"]);
    fs::set_permissions(folder.path().join("in/closed"), fs::Permissions::from_mode(0o755)).expect("a mode");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("in/pipe.py cannot be read: it is no regular file"), "{said}");
    if is_almighty {
        eprintln!("skipped: this user can read everything");
    } else {
        assert!(said.contains("in/secret.py cannot be read: permission denied"), "{said}");
        assert!(said.contains("in/closed cannot be read: permission denied"), "{said}");
        assert_eq!(said.matches("error[").count(), 3, "{said}");
    }
}

#[test]
fn what_cannot_be_written_is_named_once() {
    let folder = tree(&["a.py", "pkg/b.py", "pkg/c.py", "d.py"]);
    write(folder.path().join("out/pkg"), "a file where a folder should be");
    write(folder.path().join("out/d.py/x"), "a folder where a file should be");
    let (status, said) = run(&folder, &["in", "-o", "out"]);
    assert_eq!(status, Some(2));
    assert_eq!(said.matches("error[H010]").count(), 2, "{said}");
    assert!(said.ends_with("heresy: 1 file transpiled; 2 failed\n"), "{said}");

    let (status, said) = run(&folder, &["in", "-o", "out/pkg"]);
    assert_eq!(status, Some(2));
    assert_eq!(said, "error[H010]: out/pkg is a file, and the result of a folder is a folder\n");
    let (status, said) = run(&folder, &["in"]);
    assert_eq!(status, Some(2));
    assert!(said.contains("name it: heresy transpile DIR -o OUTDIR"), "{said}");
}

/// Runs heresy with a file system of its own mounted at `out`, if this machine lets us: the status, what there is of files
/// below 40 KB then, and what was said.
fn on_mounted_output(folder: &TempDir, mount: &str) -> Option<(Option<i32>, String, String)> {
    fs::create_dir(folder.path().join("out")).expect("a folder");
    let script =
        format!("{mount} || exit 99; \"$0\" transpile in -o out; status=$?; find out -type f -size -40k; exit $status");
    let mut command = Command::new("unshare");
    command.args(["-r", "-m", "sh", "-c", &script, env!("CARGO_BIN_EXE_heresy")]).current_dir(folder.path());
    let output = command.output().ok().filter(|output| !matches!(output.status.code(), None | Some(1 | 99)));
    let Some(output) = output else {
        eprintln!("SKIPPED: this machine lets no test mount a file system");
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((output.status.code(), text(&output.stdout), text(&output.stderr)))
}

#[test]
fn a_full_disk_is_said_once_and_leaves_no_part_of_a_file() {
    let names: Vec<String> = (0..50).map(|number| format!("{number:02}.py")).collect();
    let folder = tree(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        write(folder.path().join("in").join(name), &SCRIPT.repeat(4_000));
    }
    let mount = "mount -t tmpfs -o size=900k none out";
    let Some((status, files, said)) = on_mounted_output(&folder, mount) else { return };
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(said.matches("error[").count(), 1, "{said}");
    assert!(
        said.contains("cannot be written: no space left on device") && said.contains("not written for that reason: ")
    );
    assert!(SCRIPT.len() * 4_000 > 40_000 && files.is_empty(), "each result is larger than that: {files}");
}

#[test]
fn a_read_only_place_is_said_once() {
    let folder = tree(&["a.py", "b.py"]);
    let mount = "mount -t tmpfs -o ro none out";
    let Some((status, files, said)) = on_mounted_output(&folder, mount) else { return };
    assert_eq!((status, &*files), (Some(2), ""), "{said}");
    assert_eq!(said, "error[H010]: out cannot be written: read-only file system\n");
}

#[test]
fn a_signal_leaves_whole_files_only() {
    let names: Vec<String> = (0..400).map(|number| format!("{number:03}.py")).collect();
    let folder = tree(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        write(folder.path().join("in").join(name), &SCRIPT.repeat(5_000));
    }
    let mut child = heresy(&folder, &["in", "-o", "out"]).stderr(Stdio::piped()).spawn().expect("heresy starts");
    while !folder.path().join("out/000.py").exists() {
        thread::sleep(Duration::from_millis(1));
    }
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().expect("an id"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("a signal");
    let status = child.wait().expect("heresy ends");
    assert_eq!(status.signal(), Some(2));
    let written = listing(&folder.path().join("out"));
    assert!(!written.is_empty() && written.len() < 400, "{}", written.len());
    let length = |name: &String| fs::metadata(folder.path().join("out").join(name)).expect("it is there").len();
    assert!(written.iter().all(|name| length(name) == length(&written[0])));
}
