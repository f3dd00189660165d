//! A path or an argument in Python's JSON, where a byte that is not UTF-8 is a lone surrogate ("surrogateescape").

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// The text, as the operating system has it.
#[derive(Clone, Debug)]
pub struct OsText(pub OsString);

impl<'de> Deserialize<'de> for OsText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OsText, D::Error> {
        deserializer.deserialize_bytes(OsTextVisitor)
    }
}

struct OsTextVisitor;

impl Visitor<'_> for OsTextVisitor {
    type Value = OsText;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OsText, E> {
        Ok(OsText(text.into()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<OsText, E> {
        Ok(OsText(OsString::from_vec(undo_surrogate_escape(bytes))))
    }
}

/// Before: UTF-8 in which U+DC80…U+DCFF are encoded like any character, as serde_json hands them over. After: the
/// bytes they stand for.
fn undo_surrogate_escape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        match rest {
            [0xED, high @ 0xB2..=0xB3, low @ 0x80..=0xBF, after @ ..] => {
                out.push((high & 0b11) << 6 | (low & 0b11_1111));
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::OsText;

    #[test]
    fn bytes_that_are_not_utf8_survive_json() {
        let OsText(text) = serde_json::from_str(r#""a\udcffb\u00e9""#).unwrap();
        assert_eq!(text.into_vec(), b"a\xffb\xc3\xa9");
    }
}
