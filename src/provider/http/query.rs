//! Builds the query of a request.

use std::fmt::Write as _;

/// A query that grows by one parameter at a time.
#[derive(Debug, Default)]
pub(crate) struct Query(String);

impl Query {
    /// Adds a parameter, name and value percent-encoded as RFC 3986 has it. A `*` stays as it is, as
    /// form encoding leaves it too: Tencent's signatures are made of what needs no encoding.
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
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~*".contains(&byte) {
                self.0.push(char::from(byte));
            } else {
                // Writing into a String cannot fail.
                let _ = write!(self.0, "%{byte:02X}");
            }
        }
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
