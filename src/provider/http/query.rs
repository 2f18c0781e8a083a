//! Builds the query of a request.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that RFC 3986 requires to be encoded, except `*`, which form encoding does not encode
/// either: Tencent's signatures contain it and need no encoding.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'*');

/// Builds a query, one parameter at a time.
#[derive(Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds a parameter; its name and value are percent-encoded by RFC 3986.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.encode(name);
        self.0.push('=');
        self.encode(value);
    }

    /// Returns the whole query.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn encode(&mut self, text: &str) {
        self.0.extend(utf8_percent_encode(text, ENCODED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_encoded_and_signatures_are_unchanged() {
        let mut query = Query::default();
        query.push("RoomId[]", "a b&c=é+");
        query.push("usersig", "aZ0*-_");
        assert_eq!(query.into_text(), "RoomId%5B%5D=a%20b%26c%3D%C3%A9%2B&usersig=aZ0*-_");
    }
}
