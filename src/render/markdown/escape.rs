//! Escapes untrusted text in Markdown, by putting it in code spans.

use std::fmt::{self, Write};

use crate::render::escape::Plain;

/// Exact text as a code span: ids, values, paths. Control characters, and characters that end the span
/// or the table's cell, are shown as escapes.
pub(super) struct Code<T>(pub(super) T);

/// A sentence with untrusted parts as a code span; its backticks become apostrophes.
pub(super) struct Sentence<T>(pub(super) T);

/// A text within an HTML comment. The encoding is injective.
pub(super) struct Comment<'a>(pub(super) &'a str);

/// Writes a code span. Backslashes do not escape in it, and only a backtick ends it. In the cell of a
/// table a `|` ends the cell even within a span.
struct Span<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    backtick: &'static str,
}

impl<T: fmt::Display> fmt::Display for Code<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        span(f, &self.0, "\\u{60}")
    }
}

impl<T: fmt::Display> fmt::Display for Sentence<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        span(f, &self.0, "'")
    }
}

fn span(
    f: &mut fmt::Formatter<'_>,
    text: &impl fmt::Display,
    backtick: &'static str,
) -> fmt::Result {
    f.write_char('`')?;
    let mut span = Span { f, backtick };
    write!(span, "{}", Plain(text))?;
    span.f.write_char('`')
}

impl Write for Span<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(['`', '|']) {
            let (plain, escaped) = match (part.strip_suffix('`'), part.strip_suffix('|')) {
                (Some(plain), _) => (plain, self.backtick),
                (None, Some(plain)) => (plain, "\\u{7c}"),
                (None, None) => (part, ""),
            };
            self.f.write_str(plain)?;
            self.f.write_str(escaped)?;
        }
        Ok(())
    }
}

/// Percent-encodes characters that are not printable ASCII, `<`, `>`, `%`, and a `-` after another,
/// since `-->` ends a comment and some parsers do not accept `--` within one.
impl fmt::Display for Comment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = b' ';
        for byte in self.0.bytes() {
            let is_plain = byte.is_ascii_graphic() && !b"<>%".contains(&byte) || byte == b' ';
            if is_plain && (byte, last) != (b'-', b'-') {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
            last = byte;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_is_not_ended_by_its_text() {
        assert_eq!(Code("lobby").to_string(), "`lobby`");
        assert_eq!(Code("a`b|c\\|\nd").to_string(), r"`a\u{60}b\u{7c}c\\u{7c}\nd`");
        assert_eq!(Sentence("`a` | b").to_string(), r"`'a' \u{7c} b`");
    }

    #[test]
    fn a_comment_is_not_ended_by_its_text() {
        assert_eq!(Comment("live/rooms-eu.state.json").to_string(), "live/rooms-eu.state.json");
        assert_eq!(Comment("--> <x> %\nü").to_string(), "-%2D%3E %3Cx%3E %25%0A%C3%BC");
    }
}
