//! What is true of every transpiled file, whatever it holds.

use heresy::{Code, Options, Source, Transpiled, transpile};
use rustpython_parser::{Mode as SecondMode, parse as parse_with_second_parser};

use crate::restore;

/// Panics with a word on the invariant that does not hold.
pub fn check(source: &Source, transpiled: &Transpiled, options: &Options) {
    check_essentials(source, transpiled, options);
    emitting_is_deterministic(source, transpiled, options);
    transpiling_again_is_refused(source, transpiled, options);
    a_second_parser_agrees(source, transpiled);
}

/// What a thousand files can be asked in little time.
pub fn check_essentials(source: &Source, transpiled: &Transpiled, options: &Options) {
    deleting_insertions_gives_the_input_back(source, transpiled);
    restore::dropping_marks_gives_the_tree_back(source, transpiled, options);
}

fn deleting_insertions_gives_the_input_back(source: &Source, transpiled: &Transpiled) {
    let mut rest = transpiled.text();
    let mut restored = String::new();
    let mut copied = 0;
    for insertion in transpiled.insertions() {
        let kept = insertion.at - copied;
        restored.push_str(&rest[..kept]);
        rest = rest[kept..].strip_prefix(insertion.text.as_str()).expect("each insertion stands where it says");
        copied = insertion.at;
        assert!(!insertion.text.contains('\x0c'), "no form feed is inserted");
        assert!(!insertion.text.trim().is_empty());
    }
    restored.push_str(rest);
    assert_eq!(restored, source.text(), "deleting the insertions gives the input back");
    let bytes = source.encode(transpiled.text()).expect("the output has the input's encoding");
    let again = Source::from_bytes(source.name(), &bytes).expect("the output decodes as the input did");
    assert_eq!(again.text(), transpiled.text(), "the output means the same when it is read again");
}

fn emitting_is_deterministic(source: &Source, transpiled: &Transpiled, options: &Options) {
    let again = transpile(source, options).expect("what was accepted once is accepted again");
    assert_eq!(again.text(), transpiled.text());
}

/// This says, too, that the output parses: a file that does not is refused for another reason.
fn transpiling_again_is_refused(source: &Source, transpiled: &Transpiled, options: &Options) {
    let bytes = source.encode(transpiled.text()).expect("the output has the input's encoding");
    let output = Source::from_bytes("out.py", &bytes).expect("the output decodes");
    let refusal = transpile(&output, options).expect_err("a transpiled file is refused");
    let codes: Vec<Code> = refusal.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::ALREADY_TRANSPILED], "{}\n{}", refusal[0], transpiled.text());
}

/// `rustpython-parser` knows Python 3.12 without its f-strings; what it cannot read of the input it is not asked about.
fn a_second_parser_agrees(source: &Source, transpiled: &Transpiled) {
    let parse = |text: &str| parse_with_second_parser(text, SecondMode::Module, source.name());
    match parse(source.text()) {
        Ok(_) => {
            parse(transpiled.text())
                .unwrap_or_else(|error| panic!("the second parser: {error}\n{}", transpiled.text()));
        }
        Err(error) => eprintln!("skipped: the second parser cannot read {}: {error}", source.name()),
    }
}
