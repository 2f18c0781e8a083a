//! The query of a request, read as RFC 3986 has it.

/// The parameters of a query, each name once but for the lists, whose names end in `[]`.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

/// Why a query cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    #[error("`{0}` is not percent-encoded UTF-8")]
    Encoding(String),
    #[error("parameter `{0}` stands twice")]
    Twice(String),
}

impl Query {
    /// Reads a query. A `+` is a plus: only `%20` is a space.
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !name.ends_with("[]") && pairs.iter().any(|(other, _)| *other == name) {
                return Err(QueryError::Twice(name));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter; none where it is missing or empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(other, value)| other == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    }

    /// The values of a list in their order, empty ones too.
    pub(super) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

fn decode(text: &str) -> Result<String, QueryError> {
    let broken = || QueryError::Encoding(text.to_owned());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(broken)?;
        let mut byte = [0];
        hex::decode_to_slice(digits, &mut byte).map_err(|_| broken())?;
        bytes.push(byte[0]);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_plus_and_only_percent_20_a_space() {
        let query = Query::parse("RoomId=a+b%20c%26%3d%25%C3%A9&Empty=&Bare").expect("a query");
        assert_eq!(query.value("RoomId"), Some("a+b c&=%é"));
        assert_eq!(query.value("Empty"), None);
        assert_eq!(query.value("Bare"), None);
        assert_eq!(query.value("Other"), None);
    }

    #[test]
    fn refuses_what_is_not_percent_encoded() {
        for text in ["a=%", "a=%2", "a=%zz", "a=%+1", "a=%ff"] {
            assert!(matches!(Query::parse(text), Err(QueryError::Encoding(_))), "{text}");
        }
        assert_eq!(Query::parse("a=1&a=2").err(), Some(QueryError::Twice("a".to_owned())));
    }

    #[test]
    fn a_list_keeps_its_order() {
        let query = Query::parse("RoomId[]=b&x=1&RoomId%5B%5D=a&RoomId[]=").expect("a query");
        assert_eq!(query.list("RoomId[]").collect::<Vec<_>>(), ["b", "a", ""]);
    }
}
