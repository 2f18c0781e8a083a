//! Builds the query of a request.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 has encoded. A `*` stays as it is, as form encoding leaves it too: Tencent's
/// signatures are made of what needs no encoding.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'*');

/// A query that grows by one parameter at a time.
#[derive(Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds a parameter, name and value percent-encoded as RFC 3986 has it.
    pub(crate) fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.encode(name);
        self.0.push('=');
        self.encode(value);
    }

    /// The whole query.
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
    fn names_and_values_are_encoded_and_signatures_are_left() {
        let mut query = Query::default();
        query.push("RoomId[]", "a b&c=é+");
        query.push("usersig", "aZ0*-_");
        assert_eq!(query.into_text(), "RoomId%5B%5D=a%20b%26c%3D%C3%A9%2B&usersig=aZ0*-_");
    }
}
