//! The checksum on the last line of a state, over every byte before it.

use super::ParseError;

/// What stands between the bytes that the checksum covers and its digits.
const START: &[u8] = b",\"checksum\":\"crc32:";
/// What follows the digits.
const END: &[u8] = b"\"}";
/// The hex digits of a checksum.
const DIGITS: usize = 8;
/// The length of what [`seal`] gives.
pub(super) const LENGTH: usize = START.len() + DIGITS + END.len() + 1;

/// What ends a document whose other bytes have this checksum.
pub(super) fn seal(checksum: u32) -> Vec<u8> {
    [START, format!("{checksum:08x}").as_bytes(), END, b"\n"].concat()
}

/// Checks the checksum of a document. The newline at its end may be missing.
pub(super) fn check(text: &[u8]) -> Result<(), ParseError> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let covered = text
        .strip_suffix(END)
        .and_then(|text| text.split_last_chunk::<DIGITS>())
        .and_then(|(text, digits)| Some((text.strip_suffix(START)?, digits)));
    match covered {
        Some((covered, digits))
            if format!("{:08x}", crc32fast::hash(covered)).as_bytes() == digits =>
        {
            Ok(())
        }
        Some(_) => Err(ParseError::Checksum("it does not match its checksum")),
        None => Err(ParseError::Checksum("it does not end with its checksum")),
    }
}

/// The first line, from 1, that git's conflict marks stand on. No line of ours, or of JSON that
/// anyone laid out, begins like that.
pub(in crate::state) fn conflict(text: &[u8]) -> Option<usize> {
    text.split(|byte| *byte == b'\n').position(is_conflict_mark).map(|at| at + 1)
}

/// Whether a line is one of git's conflict marks.
pub(in crate::state) fn is_conflict_mark(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let begins = |mark: &[u8]| line.starts_with(mark);
    line == b"=======" || begins(b"<<<<<<<") || begins(b"|||||||") || begins(b">>>>>>>")
}

/// A document that was edited, with the checksum that it needs then.
#[cfg(test)]
pub(in crate::state) fn resealed(text: &[u8]) -> Vec<u8> {
    let covered = &text[..text.len() - LENGTH];
    [covered, &seal(crc32fast::hash(covered))].concat()
}

/// The same document as version 1 had it.
#[cfg(test)]
pub(in crate::state) fn oldest(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text[..text.len() - LENGTH].to_vec()).expect("UTF-8") + "}\n";
    let host = "\"host\":\"emulator\"";
    let text = text.replacen("\"version\":2", "\"version\":1", 1);
    text.replacen(host, "\"emulated\":true", 1).into_bytes()
}
