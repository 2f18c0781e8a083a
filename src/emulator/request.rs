//! An incoming request: its query (RFC 3986), its body, and its caller.

use axum::body::Bytes;
use axum::http::Method;
use tokio::time::Instant;

use crate::model::{Kind, Timestamp};

use super::action::{Action, AppKey};

/// A request before its signature is checked.
pub(super) struct RawRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Result<Query, QueryError>,
    /// The whole body; `None` if it could not be read.
    pub(super) body: Option<Bytes>,
}

/// A request whose signature is valid.
pub(super) struct Request<'a> {
    pub(super) caller: Caller,
    pub(super) query: &'a Query,
    pub(super) body: &'a [u8],
    /// The time on the emulator's clock.
    pub(super) now: Timestamp,
    /// The time for the rate limits.
    pub(super) at: Instant,
}

/// A caller with a valid signature, and the action that it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) app: u32,
    pub(super) action: Action,
}

/// The parameters of a query. Each name is unique, except those of lists, which end in `[]`.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

/// Why a query cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    #[error("`{0}` is not percent-encoded UTF-8")]
    Encoding(String),
    #[error("duplicate parameter `{0}`")]
    Duplicate(String),
}

impl RawRequest {
    /// Returns the called service: Tencent's by the path, ZEGOCLOUD's by the action.
    pub(super) fn kind(&self) -> Kind {
        if self.path != "/" {
            return Kind::TencentLive;
        }
        let name = self.query.as_ref().ok().and_then(|query| query.value("Action"));
        name.and_then(Action::named).map_or(Kind::Zim, Action::kind)
    }
}

impl Caller {
    /// Returns the calling application.
    pub(super) fn key(self) -> AppKey {
        let Self { app, action } = self;
        (action.kind(), app)
    }
}

impl Query {
    /// Reads a query. A `+` is not decoded: only `%20` is a space.
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !name.ends_with("[]") && pairs.iter().any(|(other, _)| *other == name) {
                return Err(QueryError::Duplicate(name));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Returns the value of a parameter; `None` if it is missing or empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(other, value)| other == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    }

    /// Returns the values of a list in order, including empty ones.
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
    fn a_plus_is_not_decoded_to_a_space() {
        let query = Query::parse("RoomId=a+b%20c%26%3d%25%C3%A9&Empty=&Bare").expect("a query");
        assert_eq!(query.value("RoomId"), Some("a+b c&=%é"));
        assert_eq!(query.value("Empty"), None);
        assert_eq!(query.value("Bare"), None);
        assert_eq!(query.value("Other"), None);
    }

    #[test]
    fn invalid_encoding_and_duplicate_parameters_are_refused() {
        for text in ["a=%", "a=%2", "a=%zz", "a=%+1", "a=%ff"] {
            assert!(matches!(Query::parse(text), Err(QueryError::Encoding(_))), "{text}");
        }
        assert_eq!(Query::parse("a=1&a=2").err(), Some(QueryError::Duplicate("a".to_owned())));
    }

    #[test]
    fn a_list_keeps_its_order() {
        let query = Query::parse("RoomId[]=b&x=1&RoomId%5B%5D=a&RoomId[]=").expect("a query");
        assert_eq!(query.list("RoomId[]").collect::<Vec<_>>(), ["b", "a", ""]);
    }
}
