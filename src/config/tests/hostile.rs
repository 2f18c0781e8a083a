//! Tests that hostile files are refused quickly, with the right code.

use std::fmt::Write;

use super::generated::{HEADS, with_head};
use super::world::{World, with_rooms};

/// Returns the code, line and column of the only finding.
fn only(text: &str) -> (&'static str, usize, usize) {
    let findings = World::of(&[("rooms.yaml", text)]).findings(&["rooms.yaml"]);
    let [finding] = &findings[..] else { panic!("one finding: {findings:#?}") };
    let place = finding.place.as_ref().expect("a place");
    (finding.code, place.line, place.column)
}

#[test]
fn deep_flow_nesting_is_refused_before_it_is_parsed() {
    let deep = "[".repeat(100_000);
    assert_eq!(only(&format!("version: 1\nrooms: {deep}")), ("too_deep", 2, 72));
    assert_eq!(only(&deep.replace('[', "[\n")), ("too_deep", 65, 1));
    assert_eq!(only(&with_rooms(&format!("  - id: a\n  - id: {deep}\n"))).0, "too_deep");
    assert_eq!(only(&with_rooms(&format!("  - id: {}\n", "{a: ".repeat(100_000)))).0, "too_deep");
}

#[test]
fn deep_block_nesting_is_refused() {
    assert_eq!(only(&format!("version: 1\nx:\n  {}a\n", "- ".repeat(50_000))).0, "too_deep");
    assert_eq!(
        only(&with_rooms(&format!("  - id:\n      {}a\n", "- ".repeat(50_000)))).0,
        "too_deep"
    );
}

#[test]
fn brackets_in_strings_are_not_nesting() {
    let rooms = format!(
        "  - {{id: a, name: \"{}\"}}\n  - {{id: b, name: {}}}\n",
        "[".repeat(60),
        "':[':".len()
    );
    let rooms = rooms.replace("name: 5", "name: ':[ {'");
    assert_eq!(
        World::of(&[("rooms.yaml", &with_rooms(&rooms))]).load(&["rooms.yaml"]).desired.rooms.len(),
        2
    );
}

#[test]
fn alias_bombs_are_refused() {
    let many = "x,".repeat(3000);
    let aliases = "*a,".repeat(3000);
    assert_eq!(only(&format!("version: 1\na: &a [{many}]\nrooms: [{aliases}]\n")).0, "alias_bomb");
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}", level - 1);
        writeln!(laughs, "a{level}: &a{level} [{}]", vec![before; 10].join(", ")).expect("text");
    }
    assert_eq!(only(&laughs).0, "alias_bomb");
    assert_eq!(only("version: 1\nrooms: &a [*a]\n").0, "alias_loop");
}

#[test]
fn characters_that_yaml_versions_treat_differently_are_refused() {
    for character in ["\r", "\u{85}", "\u{2028}", "\u{feff}", "\u{7}", "\u{7f}"] {
        let text = with_rooms(&format!("  - {{id: a, name: \"x{character}y\"}}\n"));
        assert_eq!(only(&text), ("character", 6, 21), "{character:?}");
    }
}

#[test]
fn several_documents_are_refused() {
    assert_eq!(only("version: 1\n---\nversion: 1\n"), ("several_documents", 2, 1));
}

#[test]
fn an_empty_file_is_refused() {
    for text in ["", "\n\n", "# only a comment\n", "\u{feff}"] {
        assert_eq!(only(text), ("empty_file", 1, 1), "{text:?}");
    }
}

#[test]
fn a_syntax_error_is_reported_alone() {
    let text = "version: 7\nproviders: 5\nrooms:\n  - id: \"a\n  - id: b\n";
    assert_eq!(only(text).0, "syntax");
    let (code, line, _) = only(&with_rooms("  - id: a\n  - id: {b\n  - id: c\n"));
    assert_eq!((code, line > 6), ("syntax", true));
}

#[test]
fn invalid_utf_8_is_reported_at_its_byte() {
    let world = World::of_bytes(&[("rooms.yaml", b"version: 1\n# \xc3\xa9 \xff\nrooms: []\n")]);
    let findings = world.findings(&["rooms.yaml"]);
    let place = findings[0].place.as_ref().expect("a place");
    assert_eq!((findings[0].code, place.line, place.column), ("not_utf8", 2, 5));
}

#[test]
fn oversized_values_are_refused() {
    let many = "1,".repeat(100_000);
    for (field, code) in [
        (format!("category: [{many}]"), "too_many"),
        (format!("category: [{}1]", "0,".repeat(3)), "too_many"),
        ("category: [99999999999999999999]".to_owned(), "wrong_type"),
        ("max_seats: 18446744073709551615".to_owned(), "out_of_range"),
        ("max_seats: 18446744073709551616".to_owned(), "wrong_type"),
        ("activity_status: 1e400".to_owned(), "wrong_type"),
        (format!("notice: {}", "é".repeat(1_000_000)), "text_length"),
        (format!("seat_template: {}", "K".repeat(1_000_000)), "unknown_value"),
    ] {
        let text =
            with_head(HEADS[2], &format!("  - {{id: a, seat_template: Karaoke, {field}}}\n"));
        let text = match field.strip_prefix("seat_template") {
            Some(_) => text.replace("seat_template: Karaoke, ", ""),
            None => text,
        };
        assert_eq!(only(&text).0, code, "{}", &field[..20]);
    }
}

#[test]
fn a_hundred_findings_are_shown_and_the_others_are_counted() {
    let mut rooms = String::new();
    for number in 0..700 {
        writeln!(rooms, "  - {{id: r{number}, nmae: x, destroy_delay_time: 2d}}").expect("text");
    }
    let findings = World::of(&[("rooms.yaml", &with_rooms(&rooms))]).findings(&["rooms.yaml"]);
    assert_eq!(findings.len(), 101);
    assert_eq!(findings[100].message, "1300 more errors are not shown");
    let lines: Vec<_> = findings.iter().filter_map(|it| Some(it.place.as_ref()?.line)).collect();
    assert_eq!((lines[0], lines[99], lines.is_sorted()), (6, 55, true));
}

#[test]
fn mistakes_far_down_are_reported_at_their_places() {
    let mut rooms = String::new();
    for number in 0..5_000 {
        writeln!(rooms, "  - id: r{number}\n    name: x").expect("text");
    }
    rooms.push_str("  - id: é/1\npolicy: {max_destroy: x}\n");
    let findings = World::of(&[("rooms.yaml", &with_rooms(&rooms))]).findings(&["rooms.yaml"]);
    let places: Vec<_> = findings
        .iter()
        .filter_map(|it| Some((it.code, it.place.as_ref()?.line, it.place.as_ref()?.column)))
        .collect();
    assert_eq!(places, [("room_id", 10_006, 9), ("max_destroy", 10_007, 23)]);
}
