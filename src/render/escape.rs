//! Escapes text from users and services, so that it cannot control the terminal.

use std::fmt::{self, Write};

use crate::model::{Address, Attribute, Value};

/// A text on one line: control characters, line breaks and bidirectional formatting characters are
/// escaped.
pub(super) struct Plain<T>(pub(super) T);

/// A line of a file with its control characters escaped, except for tabs.
pub(super) struct SourceLine {
    /// The escaped line.
    pub(super) text: String,
    /// The byte offset in `text` of each character of the line, and of the end of the last one.
    starts: Vec<usize>,
}

/// A text on one line in quotation marks.
pub(super) struct Quoted<'a>(pub(super) &'a str);

/// The value of a field on one line.
pub(super) struct OneLine<'a>(pub(super) &'a Value);

/// An address as one word for a shell: room ids may contain spaces, `$`, `&` and `;`.
pub(super) struct ShellWord<'a>(pub(super) &'a Address);

/// Returns a text with untrusted parts on one line, with its control characters escaped.
#[must_use]
pub fn plain(text: impl fmt::Display) -> String {
    Plain(text).to_string()
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for part in self.0.split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(start) => {
                    Escaping(f).write_str(start)?;
                    write!(f, "\\{}", &part[start.len()..])?;
                }
                None => Escaping(f).write_str(part)?,
            }
        }
        f.write_char('"')
    }
}

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "{}", Quoted(text)),
            Value::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
                write!(f, "[{}]", numbers.join(", "))
            }
            Value::Delay(delay) => write!(f, "{delay}"),
            Value::Attributes(attributes) => {
                let entry = |(key, it): (&str, &Attribute)| {
                    format!("{}: {}", Plain(key), Quoted(&it.value))
                };
                let entries: Vec<String> = attributes.iter().map(entry).collect();
                write!(f, "{{{}}}", entries.join(", "))
            }
        }
    }
}

impl fmt::Display for ShellWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let safe = |c: char| c.is_ascii_alphanumeric() || "/_-.:+=@%".contains(c);
        if text.chars().all(safe) {
            return f.write_str(&text);
        }
        write!(f, "'{}'", Plain(text.replace('\'', r"'\''")))
    }
}

impl SourceLine {
    /// Makes the escaped line.
    pub(super) fn new(line: &str) -> Self {
        let (mut text, mut starts) = (String::with_capacity(line.len()), Vec::new());
        for c in line.chars() {
            starts.push(text.len());
            if is_control(c) && c != '\t' {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        starts.push(text.len());
        Self { text, starts }
    }

    /// Returns the byte offset in `text` of a character of the line, from 0; at most the end of the
    /// line.
    pub(super) fn byte_of(&self, character: usize) -> usize {
        self.starts.get(character).copied().unwrap_or(self.text.len())
    }

    /// Returns the number of characters of the line.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }
}

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut shown = 0;
        for (at, c) in text.char_indices().filter(|(_, c)| is_control(*c)) {
            self.0.write_str(&text[shown..at])?;
            write!(self.0, "{}", c.escape_default())?;
            shown = at + c.len_utf8();
        }
        self.0.write_str(&text[shown..])
    }
}

/// Returns whether a terminal may interpret a character instead of displaying it.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let evil = "a\u{1b}[2Jb\r\n\u{202e}\u{9b}31m\u{7f}\tü";
        let plain = r"a\u{1b}[2Jb\r\n\u{202e}\u{9b}31m\u{7f}\tü";
        assert_eq!(Plain(evil).to_string(), plain);
        assert_eq!(Quoted(evil).to_string(), format!("\"{plain}\""));
    }

    #[test]
    fn quotation_marks_and_backslashes_are_escaped() {
        assert_eq!(Quoted(r#"a"b\n"#).to_string(), r#""a\"b\\n""#);
        assert_eq!(Quoted("").to_string(), "\"\"");
    }

    #[test]
    fn an_address_is_one_word_of_a_shell() {
        let word = |text: &str| ShellWord(&text.parse().expect("an address")).to_string();
        assert_eq!(word("chat/lobby-1"), "chat/lobby-1");
        assert_eq!(word("chat/a b;$(x)"), "'chat/a b;$(x)'");
        assert_eq!(word("chat/it's"), r"'chat/it'\''s'");
    }
}
