//! The values of one variable: a range, or a list.

use std::collections::HashMap;

use crate::config::diagnostics::{
    Diagnostic, EntryPart, PathSegment, Reporter, index, key, shortened,
};
use crate::config::raw::{Text, VariableValues};
use crate::model::Finding;

/// The maximum number of rooms of all entries together.
pub(in crate::config) const MAX_ROOMS: usize = 1_000_000;

/// The values of a variable; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    /// Whole numbers, padded with zeros to a width.
    Range { first: u64, width: usize, len: usize },
    /// Texts.
    List(Vec<Box<str>>),
}

impl Values {
    /// Returns the number of values.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Range { first: _, width: _, len } => *len,
            Self::List(texts) => texts.len(),
        }
    }

    /// Returns the value of this number, from 0.
    pub(super) fn get(&self, at: usize) -> String {
        match self {
            Self::Range { first, width, len: _ } => format!("{:0width$}", first + at as u64),
            Self::List(texts) => texts.get(at).map(ToString::to_string).unwrap_or_default(),
        }
    }
}

/// Checks a variable; `None` if it has mistakes.
pub(super) fn variable(
    name: &str,
    values: &VariableValues,
    reporter: &mut Reporter<'_>,
) -> Option<Values> {
    let path = || vec![key("for_each"), key(name)];
    let named = is_name(name);
    if !named {
        let message = format!("`{}` cannot be the name of a variable", shortened(name));
        let help = "letters, digits and `_` only, and no digit at the beginning";
        reporter.at_key(path(), Finding::error("for_each", message).help(help));
    }
    let values = match values {
        VariableValues::Range(Text(text)) => match range(text) {
            Ok(values) => Some(values),
            Err(finding) => {
                reporter.at(path(), *finding);
                None
            }
        },
        VariableValues::List(texts) => list(name, texts, &path, reporter),
    };
    values.filter(|_| named)
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(fits) && name.starts_with(|c: char| !c.is_ascii_digit())
}

fn list(
    name: &str,
    texts: &[Text],
    path: &dyn Fn() -> Vec<PathSegment>,
    reporter: &mut Reporter<'_>,
) -> Option<Values> {
    if texts.is_empty() {
        let finding = Finding::error("for_each", format!("`{name}` has no values"))
            .help("write at least one, or `rooms: []` for no rooms");
        reporter.at_key(path(), finding);
        return None;
    }
    let item = |at| [path(), vec![index(at)]].concat();
    let mut known: HashMap<&str, usize> = HashMap::with_capacity(texts.len());
    for (at, Text(text)) in texts.iter().enumerate() {
        let Some(first) = known.insert(text, at) else { continue };
        let message = format!("`{name}` has the value `{}` twice", shortened(text));
        let finding = Finding::error("for_each", message).help("remove one of them");
        let location = reporter.location(item(at), EntryPart::Value);
        let first = Some(reporter.location(item(first), EntryPart::Value));
        reporter.diagnostics.push(Diagnostic { finding, location, first });
    }
    Some(Values::List(texts.iter().map(|Text(text)| text.clone()).collect()))
}

/// Parses a range such as `001..200`.
///
/// # Errors
/// Returns a finding if it is not a range, is descending or too long, or if its width is ambiguous.
fn range(text: &str) -> Result<Values, Box<Finding>> {
    let wrong = |message: String, help: &str| {
        Err(Box::new(Finding::error("for_each", message).help(help.to_owned())))
    };
    let shown = shortened(text);
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    let Some((from, to)) = text.split_once("..").filter(|(a, b)| digits(a) && digits(b)) else {
        return wrong(
            format!("`{shown}` is not a range"),
            "write a range such as `001..200`, or a list such as `[red, blue]`",
        );
    };
    let padded = |it: &str| it.len() > 1 && it.starts_with('0');
    if (padded(from) || padded(to)) && from.len() != to.len() {
        return wrong(
            format!("the ends of the range `{shown}` have different widths"),
            "write both ends with the same number of digits: `001..200`",
        );
    }
    let width = if padded(from) { from.len() } else { 1 };
    let (Ok(first), Ok(last)) = (from.parse::<u64>(), to.parse::<u64>()) else {
        return wrong(
            format!("the numbers of the range `{shown}` are too large"),
            "write numbers of at most 19 digits",
        );
    };
    let Some(steps) = last.checked_sub(first) else {
        return wrong(
            format!("the range `{shown}` runs backwards"),
            "write the smaller number first",
        );
    };
    match usize::try_from(steps) {
        Ok(steps) if steps < MAX_ROOMS => Ok(Values::Range { first, width, len: steps + 1 }),
        Ok(_) | Err(_) => wrong(
            format!("the range `{shown}` expands to more than 1,000,000 rooms"),
            "declare fewer values",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let values = range(text).expect("a range");
        (0..values.len()).map(|at| values.get(at)).collect()
    }

    #[test]
    fn ranges_keep_their_width() {
        assert_eq!(all("8..11"), ["8", "9", "10", "11"]);
        assert_eq!(all("08..11"), ["08", "09", "10", "11"]);
        assert_eq!(all("000..001"), ["000", "001"]);
        assert_eq!(all("0..1"), ["0", "1"]);
        assert_eq!(all("7..7"), ["7"]);
        assert_eq!(range("000001..999999").expect("a range").len(), 999_999);
        assert_eq!(range("1..1000000").expect("a range").len(), 1_000_000);
        assert_eq!(all("18446744073709551614..18446744073709551615").len(), 2);
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, part) in [
            ("", "not a range"),
            ("1", "not a range"),
            ("1...3", "not a range"),
            ("1..", "not a range"),
            ("-1..3", "not a range"),
            ("a..c", "not a range"),
            ("1..3..5", "not a range"),
            ("3..1", "backwards"),
            ("200..001", "backwards"),
            ("01..200", "widths"),
            ("1..010", "widths"),
            ("0..1000000", "more than 1,000,000"),
            ("0..18446744073709551615", "more than 1,000,000"),
            ("0..18446744073709551616", "too large"),
        ] {
            let finding = range(text).expect_err(text);
            assert!(finding.message.contains(part), "{text}: {}", finding.message);
        }
    }
}
