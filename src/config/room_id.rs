//! What a room's id, and a user's, may hold at each service.

use crate::model::Kind;

/// The bytes that an id of a ZIM room, or of a user, may have.
const MOST_BYTES: usize = 32;

/// The bytes that an RTC room's id may have.
const MOST_BYTES_RTC: usize = 128;

/// The bytes that a Tencent room's id may have.
const MOST_BYTES_TENCENT: usize = 48;

/// The marks that every page of ZIM lists, besides letters and digits.
const MARKS: &str = "!#$%&()+-:;<=.>?@[]^_ {";

/// The marks that some pages of ZIM list and others do not.
const DOUBTFUL: &str = ",}|~";

/// What is wrong with a room's id, as the end of a sentence; none where the service takes it.
///
/// ZIM: at most 32 bytes of letters, digits and certain marks; we take what any page lists. RTC: at
/// most 128 bytes; the page of CloseRoom says nothing of characters, so only those that can be in no
/// URL are refused. Tencent: at most 48 bytes of printable ASCII.
pub(super) fn fault(kind: Kind, id: &str) -> Option<String> {
    let (takes, most): (fn(char) -> bool, usize) = match kind {
        Kind::Zim => (zim_takes, MOST_BYTES),
        Kind::Rtc => (|c| !c.is_control(), MOST_BYTES_RTC),
        Kind::TencentLive => (|c| matches!(c, ' '..='~'), MOST_BYTES_TENCENT),
    };
    held_against(kind, id, takes, most)
}

/// What is wrong with the id of the user in whose name rooms are made, as the end of a sentence.
///
/// ZIM: UserId, of the characters of a room's id. Tencent: UserID, whose page says the length only;
/// in the text that UserSig signs a control character would end it.
pub(super) fn operator_fault(kind: Kind, id: &str) -> Option<String> {
    let takes: fn(char) -> bool = match kind {
        Kind::Zim => zim_takes,
        Kind::Rtc | Kind::TencentLive => |c| !c.is_control(),
    };
    held_against(kind, id, takes, MOST_BYTES)
}

fn held_against(kind: Kind, id: &str, takes: fn(char) -> bool, most: usize) -> Option<String> {
    if id.is_empty() {
        return Some("is empty".to_owned());
    }
    if let Some(other) = id.chars().find(|c| !takes(*c)) {
        return Some(format!("holds {}, which {kind} does not take", shown(other)));
    }
    (id.len() > most).then(|| format!("is {} bytes long, and {kind} takes {most} bytes", id.len()))
}

/// How to mend a room's id.
pub(super) fn help(kind: Kind) -> &'static str {
    match kind {
        Kind::Zim => {
            "ZIM takes up to 32 bytes: letters, digits and \
             ! # $ % & ( ) + - : ; < = . > ? @ [ ] ^ _ { and spaces"
        }
        Kind::Rtc => {
            "ZEGOCLOUD RTC takes up to 128 bytes without control characters; letters beyond ASCII \
             are two to four bytes each"
        }
        Kind::TencentLive => "Tencent takes up to 48 bytes of printable ASCII",
    }
}

/// The first character of a ZIM id, a room's or a user's, that not every page of the vendor lists.
pub(super) fn doubtful(id: &str) -> Option<char> {
    id.chars().find(|c| DOUBTFUL.contains(*c))
}

fn zim_takes(c: char) -> bool {
    c.is_ascii_alphanumeric() || MARKS.contains(c) || DOUBTFUL.contains(c)
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
        assert_eq!(doubtful("a,b"), Some(','));
        assert_eq!(doubtful("a.b {"), None);
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
