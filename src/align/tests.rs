use super::{Alignment, Counterpart, Sameness, Start, align};
use crate::{Options, Source};

fn aligned(old: &str, new: &str) -> Alignment {
    let source = |text: &str| Source::from_bytes("a.py", text.as_bytes()).unwrap();
    align(&source(old), &source(new), &Options::default()).unwrap()
}

fn counterparts(old: &str, new: &str) -> Vec<Counterpart> {
    aligned(old, new).0.into_iter().map(|(counterpart, _)| counterpart).collect()
}

/// What became of each old statement: by the first line of its new self, `~` if it was edited, `=` with another suite.
fn story(old: &str, new: &str) -> Vec<String> {
    let alignment = aligned(old, new);
    let lines: Vec<&str> = new.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // In these texts each statement has a line of its own.
    let line = |at: usize| lines[at].to_owned();
    let tell = |(counterpart, start): &(Counterpart, Start)| {
        let whole = match *counterpart {
            Counterpart::At(at, Sameness::Whole) => line(at),
            Counterpart::At(at, Sameness::Header) => format!("= {}", line(at)),
            Counterpart::At(at, Sameness::Edited) => format!("~ {}", line(at)),
            Counterpart::Gone => "gone".to_owned(),
            Counterpart::Ambiguous => "ambiguous".to_owned(),
        };
        match (*start, *counterpart) {
            (Start::At(start), Counterpart::At(at, _)) if start == at => whole,
            (Start::At(start), _) => format!("{whole}, from {}", line(start)),
            (Start::Gone, _) => whole,
            (Start::Ambiguous, _) => whole,
        }
    };
    alignment.0.iter().map(tell).collect()
}

#[test]
fn what_is_put_in_before_a_statement_is_where_it_starts() {
    assert_eq!(story("a()\nb()\n", "a()\nnew()\nb()\n"), ["a()", "b(), from new()"]);
}

#[test]
fn a_rewritten_statement_between_others_is_the_same_statement() {
    assert_eq!(story("a()\nx = b(1)\nc()\n", "a()\nx = other[2]\nc()\n"), ["a()", "~ x = other[2]", "c()"]);
}

#[test]
fn what_took_the_place_of_a_statement_is_where_it_starts() {
    assert_eq!(story("a()\nb(1)\nc()\n", "a()\nx = 1\ny = 2\nc()\n"), ["a()", "gone, from x = 1", "c()"]);
}

#[test]
fn behind_a_deleted_statement_comes_the_next() {
    assert_eq!(story("a()\nb()\nc()\n", "a()\nc()\n"), ["a()", "gone, from c()", "c()"]);
}

#[test]
fn of_several_of_one_text_none_is_guessed() {
    assert_eq!(story("a()\na()\na()\n", "a()\na()\n"), ["ambiguous", "ambiguous", "gone"]);
}

#[test]
fn a_block_that_was_indented_is_found() {
    let old = "for x in xs:\n    a(x)\n    b(x)\n";
    let new = "for x in xs:\n    if x:\n        a(x)\n        b(x)\n";
    assert_eq!(story(old, new), ["= for x in xs:", "a(x)", "b(x)"]);
}

#[test]
fn functions_are_found_by_name_or_by_body() {
    let old = "def f(x):\n    return x + 1\ndef g(x):\n    return x\n";
    let new = "def h(x):\n    return x\ndef f(x):\n    return x + 2\n";
    assert_eq!(story(old, new), ["= def f(x):", "~ return x + 2", "~ def h(x):", "return x"]);
}

#[test]
fn a_changed_header_does_not_hide_the_suite() {
    let old = "while x:\n    a()\n    b()\n";
    let new = "while x > 0:\n    a()\n    b()\n";
    assert_eq!(story(old, new), ["~ while x > 0:", "a()", "b()"]);
}

#[test]
fn layout_and_comments_do_not_matter() {
    assert_eq!(story("a( 1 )  # one\n", "a(1)\n"), ["a(1)"]);
}

#[test]
fn a_new_handler_leaves_the_others_where_they_were() {
    let old = "try:\n    a()\nexcept A:\n    b()\nfinally:\n    c()\n";
    let new = "try:\n    a()\nexcept A:\n    b()\nexcept B:\n    d()\nfinally:\n    c()\n";
    let source = |text: &str| Source::from_bytes("a.py", text.as_bytes()).unwrap();
    let alignment = align(&source(old), &source(new), &Options::default()).unwrap();
    let at: Vec<Counterpart> = alignment.0.iter().map(|(counterpart, _)| *counterpart).collect();
    let whole = |at| Counterpart::At(at, Sameness::Whole);
    assert_eq!(at, [Counterpart::At(0, Sameness::Edited), whole(1), whole(2), whole(4)]);
}

#[test]
fn the_runtime_gets_numbers() {
    let source = |text: &str| Source::from_bytes("a.py", text.as_bytes()).unwrap();
    let alignment = align(&source("a()\nb()\n"), &source("x = 1\nb()\n"), &Options::default()).unwrap();
    assert_eq!(alignment.to_json(), "[[-1,0,0],[1,2,1]]");
}

#[test]
fn the_functions_of_a_property_are_told_by_their_decorators() {
    let old = "class C:\n    @property\n    def x(self):\n        return 1\n    @x.setter\n    def x(self, v):\n        a(v)\n";
    let new = "class C:\n    @property\n    def x(self):\n        return 2\n    @x.setter\n    def x(self, v):\n        b(v)\n";
    let found = counterparts(old, new);
    let (edited, header) = (Sameness::Edited, Sameness::Header);
    let wanted = [(0, header), (1, header), (2, edited), (3, header), (4, edited)];
    assert_eq!(found, wanted.map(|(at, sameness)| Counterpart::At(at, sameness)));
}

#[test]
fn branches_that_changed_places_are_found() {
    let old = "if a:\n    x = b(1)\nelse:\n    x = c(1)\n";
    let new = "if not a:\n    x = c(1)\nelse:\n    x = b(1)\n";
    let found = counterparts(old, new);
    let wanted = [(0, Sameness::Edited), (2, Sameness::Whole), (1, Sameness::Whole)];
    assert_eq!(found, wanted.map(|(at, sameness)| Counterpart::At(at, sameness)));
}

#[test]
fn what_stands_in_one_other_place_as_it_is_is_found_there() {
    assert_eq!(story("send(x, 1)\n", "log(x, 1)\nif x:\n    send(x, 1)\n"), ["send(x, 1)"]);
}
