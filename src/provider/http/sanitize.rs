//! Sanitizes texts of a service for terminals and logs.

/// The longest text in characters.
const LONGEST: usize = 200;

/// The longest id in characters.
const LONGEST_ID: usize = 128;

/// Returns a service's text as one line of at most 200 characters: replaces each text in `hidden` by
/// `[hidden]`, and runs of white space, control and direction-changing characters by one space.
#[must_use]
pub(crate) fn clean(text: &str, hidden: &[&str]) -> String {
    // Limits the search: this is enough for the result.
    let text: String = text.chars().take(64 * LONGEST).collect();
    let shown = hidden
        .iter()
        .filter(|part| !part.is_empty())
        .fold(text, |text, part| text.replace(part, "[hidden]"));
    let spaced: String = shown.chars().map(|c| if is_plain(c) { c } else { ' ' }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(line, LONGEST)
}

/// Returns an id or a key as printable text of at most 128 characters: replaces other characters by U+FFFD.
#[must_use]
pub(crate) fn printable(text: &str) -> String {
    let plain = text.chars().map(|c| if is_plain(c) { c } else { char::REPLACEMENT_CHARACTER });
    shorten(plain.collect(), LONGEST_ID)
}

fn is_plain(c: char) -> bool {
    let changes_direction = matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !changes_direction
}

fn shorten(text: String, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_removed() {
        assert_eq!(clean("a\u{1b}[2J\r\n\t b\u{202e}c", &[]), "a [2J b c");
        assert_eq!(printable("k\u{7}\u{9b}y"), "k\u{fffd}\u{fffd}y");
    }

    #[test]
    fn hidden_texts_are_replaced_in_a_text_of_any_length() {
        let text = format!("{}hush{}", "x".repeat(198), "y".repeat(100_000));
        let cleaned = clean(&text, &["", "hush"]);
        assert!(!cleaned.contains("hu") && cleaned.chars().count() == 201, "{cleaned}");
    }
}
