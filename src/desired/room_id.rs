//! What a room's id may hold at the service.

/// The bytes that a ZIM id may have.
const MOST_BYTES: usize = 32;

/// The marks that every page of the vendor lists, besides letters and digits.
const MARKS: &str = "!#$%&()+-:;<=.>?@[]^_";

/// The marks that some pages of the vendor list and others do not.
const DOUBTFUL: &str = " ,{}|~";

/// What is wrong with an id, as the end of a sentence; none where the service takes it.
///
/// ZIM: at most 32 bytes of letters, digits and certain marks. We take what any page lists.
pub(super) fn fault(id: &str) -> Option<String> {
    if id.is_empty() {
        return Some("is empty".to_owned());
    }
    if let Some(other) = id.chars().find(|c| !certain(*c) && !DOUBTFUL.contains(*c)) {
        return Some(format!("holds {}, which the service does not take", shown(other)));
    }
    (id.len() > MOST_BYTES)
        .then(|| format!("is {} bytes long, and the service takes {MOST_BYTES}", id.len()))
}

/// The first character of an id that not every page of the vendor lists.
pub(super) fn doubtful(id: &str) -> Option<char> {
    id.chars().find(|c| DOUBTFUL.contains(*c))
}

fn certain(c: char) -> bool {
    c.is_ascii_alphanumeric() || MARKS.contains(c)
}

/// A character as it can be told: a space and control characters by name.
pub(super) fn shown(c: char) -> String {
    match c {
        ' ' => "a space".to_owned(),
        c if c.is_control() => format!("U+{:04X}", u32::from(c)),
        c => format!("`{c}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_union_of_the_vendors_lists() {
        assert_eq!(fault("aZ9!#$%&()+-:;<=.>?@[]^_"), None);
        assert_eq!(fault(" ,{}|~"), None);
        assert_eq!(fault(&"x".repeat(32)), None);
        assert_eq!(doubtful("a,b"), Some(','));
        assert_eq!(doubtful("a.b"), None);
    }

    #[test]
    fn refuses_the_rest() {
        for id in ["", "a/b", "a\"b", "a'b", "a*b", "a\\b", "a`b", "é", "a\tb", &"x".repeat(33)] {
            assert!(fault(id).is_some(), "{id:?}");
        }
    }
}
