//! Names: the one that was probably meant, and those that give a secret away.

/// How to mend a name that is none of `known`.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    match closest(word, known) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("known here: {}", listed(known)),
    }
}

/// The name nearest to `word`, where one is near enough to be meant.
pub(super) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = (word.chars().count() / 3).max(1);
    // A key may be a megabyte long: nothing that begins with 64 other characters is near.
    let start: String = word.chars().take(64).collect();
    known
        .iter()
        .map(|name| (strsim::osa_distance(&start, name), *name))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, name)| name)
}

/// The names in one line, each in backticks.
pub(super) fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The names as one part of a sentence: `zim and tencent-live`.
pub(super) fn spoken(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// A text as a sentence can hold it: its end is left out where it is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a key is named like a secret, however it is written: `server_secret`, `SecretKey`.
pub(super) fn names_secret(key: &str) -> bool {
    const SECRETS: &[&str] = &[
        "secret",
        "serversecret",
        "secretkey",
        "secretid",
        "appsecret",
        "appsign",
        "apisecret",
        "apikey",
        "callbacksecret",
        "clientsecret",
        "sdksecretkey",
        "privatekey",
        "password",
    ];
    if key.len() > 32 {
        return false;
    }
    let bare: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let bare = bare.to_ascii_lowercase();
    let bare =
        ["zego", "zim", "tencent"].iter().find_map(|it| bare.strip_prefix(it)).unwrap_or(&bare);
    SECRETS.contains(&bare)
}

/// Whether a text is written as the vendors write their secrets: many hexadecimal digits.
pub(super) fn looks_like_secret(text: &str) -> bool {
    text.len() >= 16
        && text.chars().all(|c| c.is_ascii_hexdigit())
        && text.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["destroy_delay_time", "name", "id", "attributes"];
        assert_eq!(closest("destory_delay_time", &known), Some("destroy_delay_time"));
        assert_eq!(closest("nmae", &known), Some("name"));
        assert_eq!(closest("ID", &["id"]), None);
        assert_eq!(closest("colour", &known), None);
    }

    #[test]
    fn are_cut_where_they_are_long() {
        assert_eq!(shortened(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(shortened(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
    }

    #[test]
    fn are_spoken_of_together() {
        assert_eq!(spoken(&["a"]), "a");
        assert_eq!(spoken(&["a", "b"]), "a and b");
        assert_eq!(spoken(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn knows_a_secret_by_its_name() {
        for key in ["secret", "server_secret", "secret_key", "ServerSecret", "ZEGO-SERVER-SECRET"] {
            assert!(names_secret(key), "{key}");
        }
        for key in ["secret_env", "secret_file", "topic", "secretary", "key"] {
            assert!(!names_secret(key), "{key}");
        }
    }
}
