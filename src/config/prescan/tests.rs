//! Tests of the scan of bytes.

use super::*;

fn scan(text: &str) -> (usize, bool, bool) {
    let Prescan { depth, too_deep_at: _, marks, odd } = prescan(text.as_bytes());
    (depth, marks, odd)
}

#[test]
fn nesting_is_counted_and_brackets_in_strings_are_not() {
    for (text, depth) in [
        ("a: [[{b: [c]}]]\n", 4),
        ("a: \"[[[\"\nb: '[[['\nc: x [[[ y\n# [[[\n", 0),
        ("a: \"\\\"[[[\"\nb: 'it''s [[['\n", 0),
        ("a: [\"[\", ']', [b] # ]]]\n]\n", 2),
        ("a: |\n  - [[[\n\n  [[\nb: [c]\n", 1),
        ("- - a: >-\n      [[\n    b: [c]\n", 1),
        ("- |\n  [[\n- [c]\n", 1),
        ("a: &x [!t [b]]\n", 2),
        ("a:\n- [\n  [\n  ]\n", 2),
    ] {
        assert_eq!(scan(text).0, depth, "{text}");
    }
}

#[test]
fn anchors_aliases_tags_and_documents_are_found() {
    for text in [
        "a: &b c\n",
        "- *b\n",
        "a: [x, *b]\n",
        "!t a: b\n",
        "---\na: b\n",
        "%YAML 1.2\n",
        "a: b\n...\n",
    ] {
        assert!(scan(text).1, "{text}");
    }
    for text in [
        "a: Tom & Jerry\n",
        "a: b *c* d\n",
        "a: \"*c\"\n",
        "a: b!\n",
        "a: |\n  *c\n  ---\n",
        "- --- a\n",
    ] {
        assert!(!scan(text).1, "{text}");
    }
}

#[test]
fn characters_that_yaml_versions_treat_differently_are_found() {
    for text in
        ["\ta: b\n", "a: b\r\n", "a: \u{85}\n", "# \u{2028}\n", "a: \"\u{feff}\"\n", "a: \u{1}\n"]
    {
        assert!(scan(text).2, "{text:?}");
    }
    assert!(!scan("a: é → 😀 \u{ff01}\n").2);
}

#[test]
fn the_place_of_too_deep_nesting_is_found() {
    let text = format!("a: {}", "[".repeat(MAX_DEPTH + 5));
    assert_eq!(prescan(text.as_bytes()).too_deep_at, Some(3 + MAX_DEPTH));
    assert_eq!(prescan(&text.as_bytes()[..3 + MAX_DEPTH]).too_deep_at, None);
}
