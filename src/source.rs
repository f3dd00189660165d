//! The text of a script: decoded as Python decodes it, encoded back to the same bytes.
//!
//! **Input** `b"\xef\xbb\xbfx = 1\r\n"`; **Output** a [`Source`] with the text `x = 1\r\n`, which remembers the byte order mark.
//!
//! The text keeps every line ending as it is: nothing that the user wrote is changed, so that deleting what heresy
//! inserted gives the input back byte for byte.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};

mod encoding;

pub use encoding::Encoding;

/// A script's text, and what is needed to write it back as it was.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: Arc<str>,
    encoding: Encoding,
    byte_order_mark: bool,
    has_carriage_returns: bool,
}

/// Offsets are kept in 32 bits, also those of the result, and decoding may make a text longer.
const MAX_BYTES: usize = 1 << 30;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Source {
    /// Decodes a script. `name` is how the user called it: a path, or `<stdin>`.
    ///
    /// Guarantees: encoding the text gives `bytes` back, and the text holds no NUL.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Source, Diagnostic> {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            return Err(Diagnostic::new(Code::TOO_LARGE, format!("{name} is larger than a gigabyte"))
                .note("is it a script at all?"));
        }
        let byte_order_mark = bytes.starts_with(BYTE_ORDER_MARK);
        let content = if byte_order_mark { &bytes[BYTE_ORDER_MARK.len()..] } else { bytes };
        let encoding = encoding::declared(&name, content, byte_order_mark)?;
        let text: Arc<str> = encoding.decode(&name, content)?.into();
        if let Some(at) = text.find('\0') {
            return Err(Diagnostic::new(Code::UNDECODABLE, "the source holds a null byte")
                .at(&name, &text, at..at + 1, "here")
                .note("Python refuses such a file; is it text at all?"));
        }
        let has_carriage_returns = text.contains('\r');
        Ok(Source { name, text, encoding, byte_order_mark, has_carriage_returns })
    }

    /// The name as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Before: `some/dir/in.py`. After: `in.py`; `<stdin>` stays.
    pub fn base_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The decoded text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text to hand to a [`Diagnostic`], which outlives this borrow.
    pub fn shared_text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether a character can be written in this file's encoding.
    pub fn can_encode(&self, character: char) -> bool {
        self.encoding.encode(character.encode_utf8(&mut [0; 4])).is_some()
    }

    /// Encodes `text` as this file is encoded, with its byte order mark.
    ///
    /// Needs: `text` is this source's own with insertions that this encoding can hold; the transpiler inserts ASCII
    /// and names copied from the source. Anything else is a fault of heresy's own, and reported as one.
    pub fn encode<'t>(&self, text: &'t str) -> Result<Cow<'t, [u8]>, Diagnostic> {
        let Some(encoded) = self.encoding.encode(text) else {
            return Err(Diagnostic::new(Code::INTERNAL, "the result cannot be written in the encoding of the source")
                .note(format!("the source is declared to be {}", self.encoding.name())));
        };
        Ok(if self.byte_order_mark { [BYTE_ORDER_MARK, &encoded].concat().into() } else { encoded })
    }

    /// Encodes other text as this file is encoded, without a byte order mark; `None` if it cannot hold a character.
    pub fn encode_plain(&self, text: &str) -> Option<Vec<u8>> {
        self.encoding.encode(text).map(|bytes| bytes.into_owned())
    }

    /// The line ending to use beside `offset`: that of the line it stands in, else of the line before, else `\n`.
    pub fn newline_at(&self, offset: usize) -> &'static str {
        if !self.has_carriage_returns {
            return "\n";
        }
        let text = self.text.as_bytes();
        let is_newline = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let next = text[offset..].iter().position(is_newline).map(|distance| offset + distance);
        match next.or_else(|| text[..offset].iter().rposition(is_newline)) {
            Some(at) if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') => "\r\n",
            Some(at) if text[at] == b'\n' && at > 0 && text[at - 1] == b'\r' => "\r\n",
            Some(at) if text[at] == b'\r' => "\r",
            _ => "\n",
        }
    }
}

/// Splits text into lines as Python does: at `\n`, `\r\n` and a lone `\r`. Each range includes its line ending.
pub fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut start = 0;
    std::iter::from_fn(move || {
        let length = match bytes[start..].iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            Some(at) if bytes[start + at..].starts_with(b"\r\n") => at + 2,
            Some(at) => at + 1,
            None => bytes.len() - start,
        };
        let line = start..start + length;
        start = line.end;
        (length > 0).then_some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> Source {
        Source::from_bytes("in.py", bytes).expect("decodes")
    }

    #[test]
    fn every_encoding_gives_its_bytes_back() {
        for bytes in [
            &b"x = 1\n"[..],
            b"\xef\xbb\xbfx = '\xc3\xa4'\r\n",
            b"# -*- coding: latin-1 -*-\nx = '\x80\xe4\xff'\n",
            b"#!/usr/bin/python\n# vim: set fileencoding=iso-8859-15 :\nx = '\xa4'\n",
            b"# coding: cp1252\nx = '\x80'\n",
            b"# coding=shift_jis\nx = '\x82\xa0'\n",
            b"\x0c# coding: ascii\nx = 1",
        ] {
            let source = source(bytes);
            assert_eq!(source.encode(source.text()).expect("encodes"), bytes);
        }
    }

    #[test]
    fn a_cookie_below_code_is_a_comment() {
        let text = "x = 1\n# coding: latin-1\ny = 'ä'\n";
        assert_eq!(source(text.as_bytes()).text(), text);
    }

    #[test]
    fn refused() {
        for bytes in [
            &b"x = '\xff'\n"[..],
            b"# coding: no-such-thing\n",
            b"\xef\xbb\xbf# coding: latin-1\n",
            b"# coding: ascii\nx = '\xe4'\n",
            b"x = 1\0\n",
        ] {
            assert!(Source::from_bytes("in.py", bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn newlines() {
        let source = source(b"a\r\nb\rc\nd");
        assert_eq!(["\r\n", "\r", "\n", "\n"], [0, 3, 5, 7].map(|at| source.newline_at(at)));
        assert_eq!(lines(source.text()).collect::<Vec<_>>(), [0..3, 3..5, 5..7, 7..8]);
    }
}
