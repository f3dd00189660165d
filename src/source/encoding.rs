//! Which encoding a script declares (PEP 263), and that encoding's two directions.
//!
//! **Input** `# -*- coding: latin-1 -*-` in the first two lines; **Output** [`Encoding::Latin1`].
//! **Left alone**: codecs that only Python has (`rot13`, `cp437`, the user's own): refused by name.

use std::borrow::Cow;

use encoding_rs::EncoderResult;

use crate::diagnostic::{Code, Diagnostic};

/// An encoding that heresy can read and write back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Ascii,
    /// Every byte is the character of its number; the web's `latin-1` is another one, windows-1252.
    Latin1,
    Other(&'static encoding_rs::Encoding),
}

/// What a script's first two lines say, else UTF-8.
pub fn declared(name: &str, bytes: &[u8], byte_order_mark: bool) -> Result<Encoding, Diagnostic> {
    let Some(cookie) = cookie(bytes) else { return Ok(Encoding::Utf8) };
    let encoding = by_python_name(&cookie);
    // Whatever else is wrong, the declaration itself can be shown, since up to there the file is ASCII in all that we know.
    let shown = || {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let at = text.find(cookie.as_str()).unwrap_or(0);
        (text, at..at + cookie.len())
    };
    match encoding {
        // Python compares this one name letter by letter, and knows no `utf8` here.
        _ if byte_order_mark && !is_plain_utf8(&cookie) => {
            let (text, range) = shown();
            Err(Diagnostic::new(Code::UNKNOWN_ENCODING, "the encoding declared is not the one the file begins with")
                .at(name, &text.into(), range, "declared here")
                .note("the file begins with a UTF-8 byte order mark, so Python insists on utf-8"))
        }
        Some(encoding) => Ok(encoding),
        None => {
            let (text, range) = shown();
            Err(Diagnostic::new(Code::UNKNOWN_ENCODING, format!("unknown encoding `{cookie}`"))
                .at(name, &text.into(), range, "declared here")
                .note("save the file as UTF-8 and drop this line"))
        }
    }
}

/// Before: `# vim: set fileencoding=cp1252 :`. After: `cp1252`. Only a comment counts, and a second line only below a first
/// that holds no code.
fn cookie(bytes: &[u8]) -> Option<String> {
    // Two lines are surely within the first few kilobytes of anything that declares an encoding.
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    for line in super::lines(&head).take(2) {
        let line = &head[line];
        let content = line.trim_matches([' ', '\t', '\x0c', '\r', '\n']);
        if !content.is_empty() && !content.starts_with('#') {
            return None;
        }
        if let Some(cookie) = cookie_of_comment(content) {
            return Some(cookie);
        }
    }
    None
}

/// The name after the first `coding:` or `coding=` that a name follows.
fn cookie_of_comment(comment: &str) -> Option<String> {
    comment.match_indices("coding").find_map(|(at, word)| {
        let rest = comment[at + word.len()..].strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    })
}

/// `utf-8`, `UTF_8`, `utf-8-unix`.
fn is_plain_utf8(cookie: &str) -> bool {
    let name = cookie.to_ascii_lowercase().replace('_', "-");
    name == "utf-8" || name.starts_with("utf-8-")
}

fn by_python_name(cookie: &str) -> Option<Encoding> {
    let name = cookie.to_ascii_lowercase().replace('_', "-");
    Some(match name.as_str() {
        "utf-8" | "utf8" | "u8" | "utf" | "utf8-ucs2" | "utf8-ucs4" | "cp65001" | "utf-8-sig" => Encoding::Utf8,
        "ascii" | "us-ascii" | "646" | "ansi-x3.4-1968" | "iso646-us" => Encoding::Ascii,
        "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" | "iso-latin-1" => {
            Encoding::Latin1
        }
        // As CPython's tokenizer has it: `utf-8-unix` and `latin-1-dos` are what Emacs writes.
        other if other.starts_with("utf-8-") => Encoding::Utf8,
        other if ["latin-1-", "iso-8859-1-", "iso-latin-1-"].iter().any(|prefix| other.starts_with(prefix)) => {
            Encoding::Latin1
        }
        // UTF-16 cannot hold an ASCII comment that declares it.
        other if other.starts_with("utf-16") || other.starts_with("utf-32") => return None,
        other => {
            let spellings = [
                other.replacen("iso8859", "iso-8859", 1),
                other.replacen("cp", "windows-", 1),
                other.replace('-', "_"),
            ];
            let found = spellings.iter().find_map(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
            Encoding::Other(found.filter(|encoding| encoding.is_ascii_compatible())?)
        }
    })
}

impl Encoding {
    /// The name to use before people.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Ascii => "ASCII",
            Encoding::Latin1 => "ISO-8859-1",
            Encoding::Other(encoding) => encoding.name(),
        }
    }

    /// Decodes all of `bytes`, or says where that fails. Guarantees: [`Encoding::encode`] undoes it.
    pub fn decode(self, name: &str, bytes: &[u8]) -> Result<String, Diagnostic> {
        let failure_at = match self {
            Encoding::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => return Ok(text.to_owned()),
                Err(error) => error.valid_up_to(),
            },
            Encoding::Ascii => match bytes.iter().position(|byte| !byte.is_ascii()) {
                None => return Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
                Some(at) => at,
            },
            Encoding::Latin1 => return Ok(bytes.iter().map(|&byte| char::from(byte)).collect()),
            Encoding::Other(encoding) => match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) if self.encode(&text).as_deref() == Some(bytes) => return Ok(text.into_owned()),
                _ => bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0),
            },
        };
        Err(undecodable(self, name, bytes, failure_at))
    }

    /// The bytes of `text`, or `None` if a character has none in this encoding.
    pub fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Encoding::Utf8 => Some(Cow::Borrowed(text.as_bytes())),
            Encoding::Ascii => text.is_ascii().then_some(Cow::Borrowed(text.as_bytes())),
            Encoding::Latin1 => {
                text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<_>>>().map(Cow::Owned)
            }
            Encoding::Other(encoding) => {
                let mut encoder = encoding.new_encoder();
                let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len())?;
                let mut bytes = Vec::with_capacity(room);
                let (result, _) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true);
                (result == EncoderResult::InputEmpty).then_some(Cow::Owned(bytes))
            }
        }
    }
}

/// Shows the line as well as it can be shown, with the caret at the first byte that means nothing.
fn undecodable(encoding: Encoding, name: &str, bytes: &[u8], at: usize) -> Diagnostic {
    let before = String::from_utf8_lossy(&bytes[..at]);
    let text = format!("{before}{}", String::from_utf8_lossy(&bytes[at..]));
    let start = before.len();
    let end = text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    let byte = bytes.get(at).copied().unwrap_or_default();
    Diagnostic::new(Code::UNDECODABLE, format!("byte {byte:#04x} is not {}", encoding.name()))
        .at(name, &text.into(), start..end, "cannot be decoded")
        .note("save the file as UTF-8, or declare its encoding in the first line: # -*- coding: latin-1 -*-")
}
