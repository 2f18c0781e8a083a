//! The references in a text: `${name}`, and `$${` for a literal `${`.

use std::borrow::Cow;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Literal text.
    Literal(&'a str),
    /// A reference to a variable of this name.
    Variable(&'a str),
    /// A reference without a closing brace.
    Unclosed,
}

/// Visits the pieces of a text in order.
pub(super) fn each_piece<'a>(text: &'a str, mut visit: impl FnMut(Piece<'a>)) {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            visit(Piece::Literal(before));
            visit(Piece::Literal("${"));
            rest = &reference[2..];
            continue;
        }
        visit(Piece::Literal(before));
        let Some(end) = reference.find('}') else { return visit(Piece::Unclosed) };
        visit(Piece::Variable(&reference[2..end]));
        rest = &reference[end + 1..];
    }
    visit(Piece::Literal(rest));
}

/// Replaces the references of a text; `None` if there are none. A reference without a value is left
/// unchanged.
pub(super) fn replace(text: &str, values: &[(&str, String)]) -> Option<String> {
    if !text.contains("${") {
        return None;
    }
    let mut replaced = String::with_capacity(text.len());
    each_piece(text, |piece| {
        let literal = match piece {
            Piece::Literal(literal) => Cow::Borrowed(literal),
            Piece::Variable(name) => match values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => Cow::Borrowed(value.as_str()),
                None => Cow::Owned(format!("${{{name}}}")),
            },
            Piece::Unclosed => Cow::Borrowed("${"),
        };
        replaced.push_str(&literal);
    });
    Some(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_and_escaped_ones_are_literal() {
        let values = [("n", "007".to_owned()), ("team", "${n}".to_owned())];
        for (text, expected) in [
            ("${n}", Some("007")),
            ("a-${n}-${n}", Some("a-007-007")),
            ("$${n}", Some("${n}")),
            ("$$${n}", Some("$${n}")),
            ("${team}", Some("${n}")),
            ("$n {n} $", None),
            ("", None),
        ] {
            assert_eq!(replace(text, &values).as_deref(), expected, "{text}");
        }
    }
}
