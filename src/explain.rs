//! What each code means, in full: `explain.md`, section by section.
//!
//! The file holds every code that heresy and its runtime give; tests say so, and that each example gives its code.

/// All sections, as Markdown.
pub const ALL: &str = include_str!("explain.md");

/// The text about one code.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// `H104`
    pub number: &'static str,
    /// `class-body-call`
    pub name: &'static str,
    /// The whole section, with its heading.
    pub text: &'static str,
}

/// The sections, in the order of their numbers.
pub fn sections() -> impl Iterator<Item = Section> {
    let starts = ALL.match_indices("## H").map(|(at, _)| at);
    let ends = ALL.match_indices("## H").map(|(at, _)| at).skip(1).chain([ALL.len()]);
    starts.zip(ends).filter_map(|(start, end)| {
        let text = &ALL[start..end];
        let mut heading = text.lines().next()?.trim_start_matches("## ").split_whitespace();
        Some(Section { number: heading.next()?, name: heading.next()?, text: text.trim_end() })
    })
}

/// The text about a code, given by its number or its name.
pub fn section(code: &str) -> Option<&'static str> {
    let is_meant = |section: &Section| section.number.eq_ignore_ascii_case(code) || section.name == code;
    sections().find(is_meant).map(|section| section.text)
}

/// The Python examples in a text, without their fences.
pub fn examples(text: &str) -> impl Iterator<Item = &str> {
    text.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next())
}
