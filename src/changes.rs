//! What changed in a script since it was stopped, short enough for a diagnostic.

use similar::TextDiff;

/// The most lines that help: someone who rewrote the script knows that.
const LONGEST: usize = 30;

/// A unified diff from `old` to `new`, without a file header, cut after some lines.
///
/// Output, for a changed second line of a longer script:
///
/// ```text
/// @@ -1,3 +1,3 @@
///  import sys
/// -n = 1
/// +n = 2
///  main()
/// ```
pub fn describe(old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let whole = TextDiff::from_lines(&*old, &*new).unified_diff().context_radius(1).to_string();
    let lines: Vec<&str> = whole.lines().collect();
    match lines.len().saturating_sub(LONGEST) {
        0 => lines.join("\n"),
        more => format!("{}\n... and {more} lines more", lines[..LONGEST].join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn shows_what_changed() {
        let changes = describe(b"import sys\nn = 1\nmain()\n", b"import sys\nn = 2\nmain()\n");
        assert_eq!(changes, "@@ -1,3 +1,3 @@\n import sys\n-n = 1\n+n = 2\n main()");
    }

    #[test]
    fn a_long_story_is_cut() {
        let changes = describe(b"", "x\n".repeat(100).as_bytes());
        assert!(changes.lines().count() == 31 && changes.ends_with("... and 71 lines more"));
    }
}
