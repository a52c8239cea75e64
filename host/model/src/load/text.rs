//! The text of a file: UTF-8, or UTF-16 with a byte order mark (which some editors of Windows write).

use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::node::{SourceFile, Span};

/// A file that holds no text.
#[derive(Debug)]
pub(super) struct NotText {
    /// The text with a mark for everything that is none.
    readable: String,
    /// What is right before the first mistake.
    right: String,
    /// The first mistake.
    bad: String,
}

/// The text of a file.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    let wide: fn([u8; 2]) -> u16 = match bytes.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => return String::from_utf8(bytes).map_err(|error| narrow(&error)),
    };
    let units = || char::decode_utf16(bytes[2..].chunks_exact(2).map(|pair| wide([pair[0], pair[1]])));
    units().collect::<Result<String, _>>().map_err(|error| NotText {
        readable: units().map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
        right: units().map_while(Result::ok).collect(),
        bad: format!("half a character of UTF-16, {:#06x}", error.unpaired_surrogate()),
    })
}

fn narrow(error: &std::string::FromUtf8Error) -> NotText {
    let bytes = error.as_bytes();
    let end = error.utf8_error().valid_up_to();
    NotText {
        readable: String::from_utf8_lossy(bytes).into_owned(),
        right: String::from_utf8_lossy(&bytes[..end]).into_owned(),
        bad: bytes.get(end).map_or_else(String::new, |byte| format!("byte {byte:#04x}")),
    }
}

impl NotText {
    /// The problem, at the first mistake.
    pub(super) fn problem(self, path: &Path) -> Diagnostic {
        let message = format!("{} is not UTF-8 text: {}", path.display(), self.bad);
        let line = self.right.matches('\n').count() + 1;
        let column = self.right.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        let file = Some(Arc::new(SourceFile { path: path.to_path_buf(), text: self.readable }));
        let span = Span { file, line, column, length: 1 };
        Diagnostic::error("not-utf8", "", Some(span), message).hinted("save the file as UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> (String, usize, usize) {
        let problem = decode(bytes.to_vec()).expect_err("it is no text").problem(Path::new("c.yaml"));
        let span = problem.span.expect("it has a place");
        (problem.message, span.line, span.column)
    }

    #[test]
    fn the_first_mistake_has_a_place() {
        let narrow = refusal(b"a: 1\n\xc3\xa9: caf\xe9 \xff\n");
        assert_eq!(narrow, ("c.yaml is not UTF-8 text: byte 0xe9".to_owned(), 2, 7));
        let wide = refusal(b"\xff\xfea\0\n\0b\0\x00\xd8c\0");
        assert_eq!(wide, ("c.yaml is not UTF-8 text: half a character of UTF-16, 0xd800".to_owned(), 2, 2));
        assert_eq!(refusal(b"a\n\xe2\x82").1, 2);
    }

    #[test]
    fn wide_text_is_text() {
        assert_eq!(decode(b"\xfe\xff\0a\xd8\x3d\xde\x00".to_vec()).ok().as_deref(), Some("a\u{1f600}"));
    }
}
