//! Tests of findings with source lines.

use super::*;
use crate::model::Place;

fn at(line: usize, column: usize, width: usize, text: &str) -> Place {
    Place { file: "rooms.yaml".into(), line, column, width, text: text.to_owned() }
}

#[test]
fn findings_of_every_shape() {
    let findings = [
        Finding::error("unknown_key", "unknown key `destroy_dely_time`")
            .at(at(14, 5, 17, "    destroy_dely_time: 3h"))
            .help("did you mean `destroy_delay_time`?"),
        Finding::error("too_long", "the name has 70 bytes, and the service takes 64").at(at(
            9,
            13,
            4,
            "  - name: \"größer als alles\"",
        )),
        Finding::warning("no_delay", "the room is destroyed as soon as it is empty")
            .at(at(3, 1, 1, ""))
            .help("give it a `destroy_delay_time`"),
        Finding::error("no_credentials", "ZEGO_SERVER_SECRET is not set")
            .help("export ZEGO_SERVER_SECRET=…"),
    ];
    insta::assert_snapshot!(written(|out| findings_text(out, &findings)));
}

#[test]
fn columns_are_counted_in_characters() {
    let place = at(7, 9, 2, "ü: \"日本語\" x");
    let text = written(|out| findings_text(out, &[Finding::error("x", "y").at(place)]));
    assert!(text.contains("rooms.yaml:7:9"), "{text}");
}

#[test]
fn a_place_beyond_the_end_of_its_line_is_shown_at_the_end() {
    let place = at(1, 40, 3, "short");
    let text = written(|out| findings_text(out, &[Finding::error("x", "y").at(place)]));
    assert!(text.contains("rooms.yaml:1:6"), "{text}");
}

#[test]
fn control_sequences_in_a_source_line_are_escaped() {
    let place = at(1, 1, 3, "a: \u{1b}[2J\u{202e}\r b\tc");
    let place = Place { file: "\u{1b}[2J".into(), ..place };
    let mut bytes = Vec::new();
    findings_text(&mut bytes, &[Finding::error("x", "y").at(place)]).expect("memory");
    let text = String::from_utf8(bytes).expect("text");
    assert!(!text.contains("\u{1b}[2J") && !text.contains(['\u{202e}', '\r']), "{text:?}");
}

#[test]
fn control_characters_are_escaped_and_the_mark_stays_under_its_place() {
    let place = at(1, 8, 1, "a\u{9b}\u{2028}\u{2066}b: x");
    let text = written(|out| findings_text(out, &[Finding::error("x", "y").at(place)]));
    assert!(text.contains("rooms.yaml:1:8"), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[3], r"1 | a\u{9b}\u{2028}\u{2066}b: x");
    assert_eq!(lines[4].find('^'), lines[3].find('x'), "{text}");
}
