//! What a room's id, and a user's, may hold at each service.

use crate::model::{IdSpec, Kind};

/// Returns what is wrong with a room's id, as the end of a sentence, or `None` if the service takes it.
pub(super) fn fault(kind: Kind, id: &str) -> Option<String> {
    check(kind, id, &kind.spec().room_id)
}

/// Returns what is wrong with the id of the user in whose name rooms are made, as the end of a
/// sentence, or `None` if the service takes it.
pub(super) fn operator_fault(kind: Kind, id: &str) -> Option<String> {
    check(kind, id, &kind.spec().operator?.id)
}

fn check(kind: Kind, id: &str, spec: &IdSpec) -> Option<String> {
    let IdSpec { max_bytes, allows, doubtful: _, help: _ } = *spec;
    if id.is_empty() {
        return Some("is empty".to_owned());
    }
    if let Some(other) = id.chars().find(|c| !allows(*c)) {
        return Some(format!("holds {}, which {kind} does not take", shown(other)));
    }
    (id.len() > max_bytes)
        .then(|| format!("is {} bytes long, and {kind} takes {max_bytes} bytes", id.len()))
}

/// Returns the first character of an id that not every page of the vendor lists.
pub(super) fn doubtful(spec: &IdSpec, id: &str) -> Option<char> {
    id.chars().find(|c| spec.doubtful.contains(*c))
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
    fn takes_what_any_page_of_the_vendor_lists() {
        for (kind, id) in [
            (Kind::Zim, "aZ9!#$%&()+-:;<=.>?@[]^_"),
            (Kind::Zim, " ,{}|~"),
            (Kind::Zim, &*"x".repeat(32)),
            (Kind::Rtc, "a/b \"'*\\`é"),
            (Kind::Rtc, &*"x".repeat(128)),
            (Kind::TencentLive, " !\"/\\~"),
            (Kind::TencentLive, &*"x".repeat(48)),
        ] {
            assert_eq!(fault(kind, id), None, "{kind} {id}");
        }
        let spec = &Kind::Zim.spec().room_id;
        assert_eq!(doubtful(spec, "a,b"), Some(','));
        assert_eq!(doubtful(spec, "a.b {"), None);
    }

    #[test]
    fn refuses_the_rest() {
        let (zim, rtc, live) = (Kind::Zim, Kind::Rtc, Kind::TencentLive);
        for id in ["", "a/b", "a\"b", "a'b", "a*b", "a\\b", "a`b", "é", "a\tb", &"x".repeat(33)] {
            assert!(fault(zim, id).is_some(), "{id:?}");
        }
        for id in ["", "a\tb", "a\u{85}b", &"x".repeat(129), &"é".repeat(65)] {
            assert!(fault(rtc, id).is_some(), "{id:?}");
        }
        for id in ["", "a\tb", "é", "a\u{7f}", &"x".repeat(49)] {
            assert!(fault(live, id).is_some(), "{id:?}");
        }
    }

    #[test]
    fn operators_are_held_against_their_own_rules() {
        assert_eq!(operator_fault(Kind::TencentLive, "a/b é"), None);
        for (kind, id) in [
            (Kind::Zim, "a/b"),
            (Kind::Zim, ""),
            (Kind::TencentLive, ""),
            (Kind::TencentLive, "a\nb"),
            (Kind::TencentLive, &*"x".repeat(33)),
        ] {
            assert!(operator_fault(kind, id).is_some(), "{kind} {id:?}");
        }
    }
}
