//! What a look at bytes shows.

use super::*;

fn look(text: &str) -> (usize, bool, bool) {
    let Prescan { depth, too_deep_at: _, marks, odd } = prescan(text.as_bytes());
    (depth, marks, odd)
}

#[test]
fn counts_nesting_and_nothing_that_looks_like_it() {
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
        assert_eq!(look(text).0, depth, "{text}");
    }
}

#[test]
fn sees_anchors_aliases_tags_and_documents() {
    for text in [
        "a: &b c\n",
        "- *b\n",
        "a: [x, *b]\n",
        "!t a: b\n",
        "---\na: b\n",
        "%YAML 1.2\n",
        "a: b\n...\n",
    ] {
        assert!(look(text).1, "{text}");
    }
    for text in [
        "a: Tom & Jerry\n",
        "a: b *c* d\n",
        "a: \"*c\"\n",
        "a: b!\n",
        "a: |\n  *c\n  ---\n",
        "- --- a\n",
    ] {
        assert!(!look(text).1, "{text}");
    }
}

#[test]
fn sees_characters_that_are_read_differently() {
    for text in
        ["\ta: b\n", "a: b\r\n", "a: \u{85}\n", "# \u{2028}\n", "a: \"\u{feff}\"\n", "a: \u{1}\n"]
    {
        assert!(look(text).2, "{text:?}");
    }
    assert!(!look("a: é → 😀 \u{ff01}\n").2);
}

#[test]
fn tells_where_it_nests_too_deeply() {
    let text = format!("a: {}", "[".repeat(MAX_DEPTH + 5));
    assert_eq!(prescan(text.as_bytes()).too_deep_at, Some(3 + MAX_DEPTH));
    assert_eq!(prescan(&text.as_bytes()[..3 + MAX_DEPTH]).too_deep_at, None);
}
