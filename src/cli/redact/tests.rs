//! Secrets are found in every form, wherever the text is split, and nothing else is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A secret with every character that JSON, a URL and Rust escape.
const ODD: &str = r#"p%25 "w\o/r+d?&n=é"#;

fn secrets() -> Secrets {
    let secrets = Secrets::default();
    secrets.learn(SECRET);
    secrets.learn(ODD);
    secrets
}

/// Returns the output for a text that is written in these parts.
fn printed<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut out = Vec::new();
    let mut redacting = Redacting::new(&mut out, secrets().known());
    for part in parts {
        redacting.write_all(part).expect("written");
    }
    redacting.finish().expect("written");
    String::from_utf8(out).expect("UTF-8")
}

fn shown(text: &str) -> String {
    printed([text.as_bytes()])
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

/// A secret in each form.
fn forms(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).expect("JSON");
    let query: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let unicode = secret.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<Vec<_>>();
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        query,
        percent_encoded(secret),
        percent_encoded(secret).to_lowercase(),
        secret.escape_debug().to_string(),
    ];
    if secret.is_ascii() {
        forms.push(unicode.concat());
        forms.push(secret.chars().map(|c| c.escape_unicode().to_string()).collect());
    }
    forms
}

#[test]
fn a_secret_is_redacted_in_every_form() {
    for secret in [SECRET, ODD] {
        for form in forms(secret) {
            assert_eq!(shown(&format!("a {form} b {form}")), "a [redacted] b [redacted]", "{form}");
        }
    }
}

#[test]
fn a_secret_in_base64_is_redacted_at_every_offset() {
    for before in ["", "u", "us", "user:"] {
        let encoded = STANDARD.encode(format!("{before}{SECRET}?>~"));
        let text = shown(&format!("Basic {encoded} end"));
        assert!(text.contains("[redacted]") && text.ends_with(" end"), "{text}");
        assert!(text.len() < 40, "{text}");
    }
}

#[test]
fn a_truncated_secret_is_redacted() {
    assert_eq!(shown("name: 0123456789abcd…"), "name: [redacted]…");
    assert_eq!(shown("name: 0123456789abcd..."), "name: [redacted]...");
    assert_eq!(shown("…6789abcdef0123456789abcdef!"), "[redacted]!");
    assert_eq!(shown("wait… 0123..."), "wait… 0123...");
}

#[test]
fn ordinary_text_is_not_changed() {
    let text = "0123456789abcdef0123456789abcde, 100%, a\\b, \\u0030, …, c:\\x, p%25 \"w";
    assert_eq!(shown(text), text);
    let secrets = Secrets::default();
    secrets.learn("secret1");
    assert!(secrets.known().patterns.is_empty(), "too short");
    secrets.learn("\" 'long enough' \"\n");
    let holds = |text: &str| secrets.are_in(|out| out.write_all(text.as_bytes())).expect("read");
    assert!(holds("it is long enough.") && !holds("it is long"));
}

#[test]
fn the_longer_of_two_overlapping_secrets_is_redacted() {
    let secrets = secrets();
    secrets.learn(&format!("{SECRET}-and-more"));
    let mut out = Vec::new();
    let mut redacting = Redacting::new(&mut out, secrets.known());
    write!(redacting, "{SECRET}-and-more {SECRET}-and").expect("written");
    redacting.finish().expect("written");
    assert_eq!(out, b"[redacted] [redacted]-and");
}

#[test]
fn debug_output_contains_no_secret() {
    let text = format!("{:?}", secrets());
    assert!(!text.contains("0123") && !text.contains("p%25"), "{text}");
}

proptest! {
    #[test]
    fn a_secret_is_found_however_it_is_split(
        before in "[0-3%\\\\a]{0,6}",
        after in ".{0,6}",
        form in 0..6_usize,
        odd: bool,
        cuts in proptest::collection::vec(1..9_usize, 0..60),
    ) {
        let secret = if odd { ODD } else { SECRET };
        let text = format!("{before} {} {after}", forms(secret)[form]);
        let (mut parts, mut rest) = (Vec::new(), text.as_bytes());
        for cut in cuts {
            let (part, later) = rest.split_at(cut.min(rest.len()));
            parts.push(part);
            rest = later;
        }
        parts.push(rest);
        prop_assert_eq!(printed(parts), format!("{before} [redacted] {after}"));
    }
}
