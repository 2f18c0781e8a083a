//! Detects secrets in a file by their keys, refuses them, and masks them in displayed source lines.

use crate::model::Finding;

/// Makes the finding about a key that is named like a secret.
pub(super) fn secret_key(name: &str) -> Finding {
    Finding::error(
        "secret_in_file",
        format!("`{name}` looks like a secret; secrets do not belong in this file"),
    )
    .help("name the environment variable that contains it: `secret_env: ZEGO_SERVER_SECRET`")
}

/// Returns whether a key is named like a secret, in any spelling: `server_secret`, `SecretKey`.
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

/// Returns whether a text looks like the vendors' secrets: many hexadecimal digits.
pub(super) fn looks_like_secret(text: &str) -> bool {
    text.len() >= 16
        && text.chars().all(|c| c.is_ascii_hexdigit())
        && text.contains(|c: char| c.is_ascii_digit())
}

/// Returns whether a line continues the value of a key that is named like a secret: it is below the key
/// and indented deeper, or directly below it.
pub(super) fn continues_secret(text: &str, line: usize) -> bool {
    let lines: Vec<&str> = text.lines().take(line + 1).collect();
    let Some((own, above)) = lines.split_last() else { return false };
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let mut depth = indent(own);
    let above = above.iter().rev().filter(|line| !line.trim().is_empty());
    for (distance, line) in above.enumerate() {
        let deeper = indent(line) < depth;
        if (deeper || distance == 0) && ends_in_secret(line) {
            return true;
        }
        if deeper {
            depth = indent(line);
        }
        if depth == 0 {
            return false;
        }
    }
    false
}

/// Returns whether the last key of a line is named like a secret and its value continues on the next
/// line.
fn ends_in_secret(line: &str) -> bool {
    let Some((before, value)) = line.rsplit_once(':') else { return false };
    let value = value.trim();
    let open =
        value.is_empty() || value.starts_with(['|', '>', '&', '!', '#', '"', '\'', '[', '{']);
    open && is_secret(name_before(before), "")
}

/// libpq's keywords for a password, whose value may be quoted.
const PASSWORD_KEYWORDS: [&str; 2] = ["password=", "passwd="];

/// Masks what follows a key or a keyword that is named like a secret, and the user and parameters of a
/// URL, with one star for each character, so that columns stay the same.
pub(super) fn hide_secrets(line: &str) -> String {
    let value = |keyword: &str| Some(line.find(keyword)? + keyword.len());
    match PASSWORD_KEYWORDS.into_iter().filter_map(value).min() {
        Some(value) => hide_after_keys(&line[..value]) + &stars(&line[value..]),
        None => hide_after_keys(line),
    }
}

fn hide_after_keys(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(colon) = rest.find(':') {
        let (before, after) = rest.split_at(colon + 1);
        out.push_str(before);
        if is_secret(name_before(&before[..colon]), after) {
            return hide_queries(&(out + &stars(after)));
        }
        rest = after;
        if let Some(user) = after.strip_prefix("//").and_then(user) {
            out = out + "//" + &stars(user) + "@";
            rest = &after[2 + user.len() + 1..];
        }
    }
    hide_queries(&(out + rest))
}

/// Returns the text before the last `@` of a URL; the password may contain any character except a
/// space.
fn user(url: &str) -> Option<&str> {
    let word = url.split([' ', '"', '\'']).next()?;
    word.rsplit_once('@').map(|(user, _)| user)
}

/// Masks the parameters of URLs, which may be signatures, except for the duration of a lease.
fn hide_queries(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for word in line.split_inclusive([' ', '"', '\'', ',', '}']) {
        match word.split_once('?') {
            Some((url, query)) if url.contains("://") && !is_lease(query) => {
                let end = query.len()
                    - query
                        .chars()
                        .next_back()
                        .map_or(0, |last| if last.is_alphanumeric() { 0 } else { last.len_utf8() });
                out = out + url + "?" + &stars(&query[..end]) + &query[end..];
            }
            Some(_) | None => out.push_str(word),
        }
    }
    out
}

fn is_lease(query: &str) -> bool {
    query.strip_prefix("lease=").is_some_and(|lease| lease.len() < 8 && !lease.contains('&'))
}

/// Returns the key directly before a colon.
fn name_before(text: &str) -> &str {
    let name = text.trim_end_matches(['"', '\'', ' ']);
    name.rsplit([' ', '{', ',', '"', '\'']).next().unwrap_or_default()
}

/// Returns whether what follows a key may be a secret.
fn is_secret(name: &str, value: &str) -> bool {
    match name {
        "secret_env" => !names_variable(value),
        "secret_file" => looks_like_secret(first_word(value)),
        name => names_secret(name),
    }
}

pub(super) fn stars(text: &str) -> String {
    text.chars().map(|c| if c == ' ' { ' ' } else { '*' }).collect()
}

/// Returns the first word after a colon, without its quotes.
fn first_word(text: &str) -> &str {
    let value = text.trim_start().split([' ', ',', '}', '#']).next().unwrap_or_default();
    value.trim_matches(['"', '\''])
}

/// Returns whether the text after `secret_env:` is a variable's name and not the secret itself.
fn names_variable(text: &str) -> bool {
    let name = first_word(text);
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_${:-".contains(c);
    name.starts_with(|c: char| !c.is_ascii_digit())
        && name.chars().all(fits)
        && !looks_like_secret(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_parameters_of_urls_are_masked() {
        for (line, masked) in [
            ("state: s3://u:pw@b/k", "state: s3://****@b/k"),
            ("state: 's3://u:p@w@b/k' # x", "state: 's3://*****@b/k' # x"),
            ("state: s3://u:p/w@b/k", "state: s3://*****@b/k"),
            ("state: s3://b/k?lease=20s", "state: s3://b/k?lease=20s"),
            ("state: az://c/k?sv=1&sig=ab%2F", "state: az://c/k?**************"),
            ("state: \"az://c/k?sig=abc\"", "state: \"az://c/k?*******\""),
            ("state: host=h password='p w' user=u", "state: host=h password=** ** ******"),
            ("state: passwd=x", "state: passwd=*"),
            ("{state: az://c/k?sig=abc, x: 1}", "{state: az://c/k?*******, x: 1}"),
            ("{endpoint: http://h/?a,secret: hush}", "{endpoint: http://h/?*,secret: *****"),
        ] {
            assert_eq!(hide_secrets(line), masked);
        }
    }

    #[test]
    fn a_secret_is_detected_by_its_key() {
        for key in ["secret", "server_secret", "secret_key", "ServerSecret", "ZEGO-SERVER-SECRET"] {
            assert!(names_secret(key), "{key}");
        }
        for key in ["secret_env", "secret_file", "topic", "secretary", "key"] {
            assert!(!names_secret(key), "{key}");
        }
    }
}
