//! Tests of renamed providers.

use super::world::{World, codes};
use crate::config::tests::agreement::parser_accepts;
use crate::config::tests::validator::schema_accepts;

fn with_moved(moved: &str) -> String {
    format!(
        "version: 1\nproviders:\n  chat: {{kind: zim, app_id: 1, operator: admin}}\n  video: {{kind: rtc, app_id: 1}}\nmoved: {moved}\nrooms: []\n"
    )
}

#[test]
fn renames_are_sorted_by_the_old_names() {
    let text = with_moved("[{from: talk, to: chat}, {from: older, to: chat}]");
    let world = World::of(&[("rooms.yaml", &text)]);
    let moved = world.load(&["rooms.yaml"]).desired.moved;
    let names: Vec<_> = moved.iter().map(|it| (it.from.as_str(), it.to.as_str())).collect();
    assert_eq!(names, [("older", "chat"), ("talk", "chat")]);
    assert!(schema_accepts(&text) && parser_accepts(&with_moved("[]")));
}

#[test]
fn each_mistake_is_reported_at_its_place() {
    for (moved, reported) in [
        ("[{from: talk}]", "missing_key 5:10"),
        ("[{to: chat}]", "missing_key 5:10"),
        ("[{from: talk, to: chta}]", "unknown_provider 5:26"),
        ("[{from: chat, to: chat}]", "moved 5:16"),
        ("[{from: video, to: chat}]", "moved 5:16"),
        ("[{from: Talk, to: chat}]", "provider_name 5:16"),
        ("[{from: talk, to: chat}, {from: talk, to: video}]", "moved 5:40"),
        ("[{from: old, to: talk}, {from: talk, to: chat}]", "moved 5:25"),
        ("[{from: talk, to: chat, why: x}]", "unknown_key 5:32"),
        ("{from: talk, to: chat}", "wrong_type 5:9"),
    ] {
        assert_eq!(codes(&with_moved(moved)), [reported], "{moved}");
    }
}

#[test]
fn the_help_for_a_chain_of_renames_has_the_last_name() {
    let text = with_moved("[{from: old, to: talk}, {from: talk, to: chat}]");
    let world = World::of(&[("rooms.yaml", &text)]);
    let findings = world.findings(&["rooms.yaml"]);
    assert_eq!(findings[0].help.as_deref(), Some("use the last name directly: `to: chat`"));
}

#[test]
fn only_one_file_may_have_moved() {
    let (one, other) = (with_moved("[]"), "version: 1\nmoved: []\n");
    let world = World::of(&[("a.yaml", one.as_str()), ("b.yaml", other)]);
    let findings = world.findings(&["a.yaml", "b.yaml"]);
    assert_eq!(findings[0].message, "`moved` is in two files");
}
