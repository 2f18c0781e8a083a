//! Tests that a text accepted in groups is accepted whole with the same meaning.

use proptest::prelude::*;

use super::*;

const HEAD: &str = "version: 1\nproviders:\n  chat: {kind: zim, app_id: 1, operator: admin}\n";

fn size(items: usize) -> NonZeroUsize {
    NonZeroUsize::new(items).expect("not zero")
}

fn grouped(text: &str) -> Option<File> {
    parse_grouped(text, size(2))
}

/// Returns whether a text is parsed in groups, and checks that the result equals that of the whole
/// text.
fn is_divided(text: &str) -> bool {
    let Some(file) = grouped(text) else { return false };
    assert_eq!(parse_whole(text).expect("it is accepted whole"), file, "{text}");
    true
}

#[test]
fn simple_files_are_divided_into_groups() {
    for rooms in [
        "rooms:\n- id: a\n- id: b\n- id: c\n",
        "rooms:\n  - id: a\n    name: A\n\n  # between\n  - id: b\n# after\n",
        "rooms: # all\n  # first\n  - id: a\n  -\n    id: b\n",
        "rooms:\n  - id: a\n  - id: b\nstate: x.json\n",
        "rooms:\n- id: a\n- id: b\npolicy: {max_destroy: 3}\n",
        "rooms:\n  - id: a\n    name: |\n      - id: no\n      *text*\n\n  - id: b\n",
        "rooms:\n  - {id: a, attributes: {t: \"[&a, *b, !c\"}}\n  - id: b\n",
        "rooms:\n  - id: a\n    name: Tom & Jerry's * !\n  - id: \"b\"",
    ] {
        assert!(is_divided(&format!("{HEAD}{rooms}")), "{rooms}");
    }
}

#[test]
fn files_with_dependent_items_are_not_divided() {
    for text in [
        "rooms:\n  - &a {id: a}\n  - id: b\n",
        "rooms:\n  - id: a\n    attributes: *all\n",
        "rooms:\n  - id: !!str a\n",
        "rooms:\n  - id: a\n    name: \"x\n  - id: b\n    y\"\n",
        "state: \"x\nrooms:\n  - id: a\n\"\n",
        "state: \"x\nrooms:\n  - id: a\n\"\nrooms: []\n",
        "rooms:\n  - id: a\n    providers: [chat,\n  - id: b\n  ]\n",
        "rooms:\n  - id: a\n\tname: x\n",
        "rooms:\n  - id: a\r\n",
        "rooms:\n  # \u{85}\n  - id: a\n",
        "rooms:\n  # \u{7}\n  - id: a\n",
        "rooms:\n  - id: a\n---\n",
        "rooms:\n",
        "rooms: []\n",
        "rooms: [{id: a}]\n",
        "rooms:\n  id: a\n",
        "rooms:\n  - id: a\nrooms:\n  - id: b\n",
        "rooms:\n    - id: a\n  - id: b\n",
    ] {
        assert!(grouped(&format!("{HEAD}{text}")).is_none(), "{text}");
    }
}

#[test]
fn items_and_skeleton_map_to_lines_of_the_file() {
    let text = "version: 1\nrooms:\n  # c\n  - id: a\n    name: A\n  - id: b\nstate: x\n";
    let layout = Layout::of(text).expect("it is plain");
    assert_eq!((layout.line(0), layout.line(1)), (3, 5));
    assert_eq!(layout.item(text, 1), "  - id: b\n");
    assert_eq!(layout.skeleton, "version: 1\nrooms: []\n  # c\nstate: x\n");
    assert_eq!((layout.line_of_skeleton(2), layout.line_of_skeleton(3)), (2, 6));
}

/// Generates a piece of YAML that may connect two items, or end one.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "\"",
        "'",
        "[",
        "]",
        "{",
        "}",
        "|",
        ">",
        "|+",
        ">-",
        "&a ",
        "*a",
        "!",
        "!!str ",
        "#",
        " # c",
        "\n",
        "\n\n",
        "- ",
        "-",
        "  ",
        " ",
        ": ",
        ":",
        ", ",
        "? ",
        "---\n",
        "...\n",
        "%",
        "\t",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{7f}",
        "\\",
        "x",
        "é",
        "\n  - id: q\n",
        "\n- id: q\n",
        "\n    name: n\n",
        "\nrooms:\n",
        "\n  - ",
        "\n    ",
        "rooms: []",
        "~",
        "<<: ",
        "name: >\n      t\n",
        "\"\"",
        "''",
    ])
}

/// Generates a simple file with such pieces inserted anywhere.
fn text() -> impl Strategy<Value = String> {
    let base = prop::sample::select(vec![
        "version: 1\nrooms:\n  - id: a\n    name: A b\n  - id: b\n    attributes: {k: v, l: \"w\"}\n  - id: c\nstate: x\n",
        "version: 1\nstate: \"x\"\nrooms:\n- id: a\n  name: |\n    t\n- id: b\n- {id: c, name: 'n'}\n",
        "rooms: # c\n\n    # d\n    - id: a\n      attributes:\n        k: v\n    - id: b\n      name: >\n        t\n\n# e\npolicy: {max_destroy: 1}\nversion: 1\n",
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), piece()), 0..5);
    (base, edits).prop_map(|(base, edits)| {
        let mut text = base.to_owned();
        for (at, piece) in edits {
            let mut at = at.index(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.insert_str(at, piece);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_text_accepted_in_groups_is_accepted_whole(text in text(), items in 1_usize..4) {
        if let Some(file) = parse_grouped(&text, size(items)) {
            let whole = parse_whole(&text);
            prop_assert!(whole.is_ok(), "{:?}: {}", whole, text);
            prop_assert_eq!(whole.ok(), Some(file));
        }
    }
}
