//! Tests of several files, and of folders.

use std::cell::Cell;
use std::path::PathBuf;

use super::world::{World, addresses, with_rooms};
use crate::config::load;

const BASE: &str = "version: 1\nproviders:\n  chat: {kind: zim, app_id: 1, operator: admin}\n";

fn rooms(id: &str) -> String {
    format!("version: 1\nrooms:\n  - {{id: {id}, destroy_delay_time: 1h}}\n")
}

#[test]
fn files_and_folders_are_read_together() {
    let (a, b, c) = (rooms("a"), rooms("b"), rooms("c"));
    let world = World::of(&[
        ("conf/base.yaml", BASE),
        ("conf/rooms/b.yml", &b),
        ("conf/rooms/a.yaml", &a),
        ("conf/rooms/note.txt", "no"),
        ("conf/rooms/deeper/d.yaml", "no"),
        ("other/c.yaml", &c),
    ]);
    let loaded = world.load(&["conf/base.yaml", "conf/rooms", "other/c.yaml"]);
    let sources: Vec<_> = loaded.desired.rooms.iter().map(|it| &*it.source).collect();
    assert_eq!(addresses(&loaded), ["chat/a", "chat/b", "chat/c"]);
    assert_eq!(sources, ["rooms/a.yaml", "rooms/b.yml", "../other/c.yaml"]);
    let files: Vec<_> = loaded.desired.files.iter().map(|it| &**it).collect();
    assert_eq!(files, ["../other/c.yaml", "base.yaml", "rooms/a.yaml", "rooms/b.yml"]);
    assert_eq!(loaded.desired.state, world.path("conf/rooms.state.json").into());
}

#[test]
fn a_warning_has_the_number_of_skipped_files_in_subfolders() {
    let (a, b) = (rooms("a"), rooms("b"));
    let world = World::of(&[
        ("conf/base.yaml", BASE),
        ("conf/a.yaml", &a),
        ("conf/sub/b.yaml", &b),
        ("conf/sub/deeper/c.yml", "no"),
        ("conf/sub/note.txt", "no"),
        ("conf/.hidden/d.yaml", "no"),
    ]);
    let loaded = world.load(&["conf"]);
    assert_eq!(addresses(&loaded), ["chat/a"]);
    insta::assert_snapshot!(world.shown(&loaded.warnings), @r"
    warning[subfolders]: 2 files (*.yaml, *.yml) in subfolders of `conf` not read
      = `-R` reads them too
    ");
    assert_eq!(world.load(&["conf/base.yaml", "conf/a.yaml"]).warnings, []);
}

#[test]
fn subfolders_are_read_sorted_and_once() {
    let (a, b, c) = (rooms("a"), rooms("b"), rooms("c"));
    let world = World::of(&[
        ("conf/sub/deeper/c.yml", &c),
        ("conf/base.yaml", BASE),
        ("conf/sub/b.yaml", &b),
        ("conf/z.yaml", &a),
        ("conf/.hidden/d.yaml", "no"),
    ]);
    std::os::unix::fs::symlink("..", world.path("conf/sub/loop")).expect("a link");
    std::os::unix::fs::symlink("../sub", world.path("conf/sub/again")).expect("a link");
    let loaded = world.load_with_subfolders(&["conf"]);
    let sources: Vec<_> = loaded.desired.files.iter().map(|it| &**it).collect();
    assert_eq!(sources, ["base.yaml", "sub/b.yaml", "sub/deeper/c.yml", "z.yaml"]);
    assert_eq!((addresses(&loaded).len(), loaded.warnings), (3, Vec::new()));
}

#[test]
fn the_digest_is_independent_of_the_path_of_the_folder() {
    let files = [("x/base.yaml", BASE), ("x/rooms.yaml", &*rooms("a"))];
    let moved = [("y/z/base.yaml", BASE), ("y/z/rooms.yaml", &*rooms("a"))];
    let one = World::of(&files).load(&["x"]).desired.config_digest;
    assert_eq!(World::of(&moved).load(&["y/z"]).desired.config_digest, one);
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let world = World::of(&[("rooms.yaml", &with_rooms("  - id: a\n"))]);
    assert_eq!(world.load(&["rooms.yaml", "."]).desired.rooms.len(), 1);
}

#[test]
fn the_state_is_beside_the_file_that_declares_it() {
    let world = World::of(&[
        ("a/base.yaml", BASE),
        ("b/state.yaml", "version: 1\nstate: s.json\n"),
        ("c.yaml", &rooms("a")),
    ]);
    let desired = world.load(&["a/base.yaml", "b/state.yaml", "c.yaml"]).desired;
    assert_eq!(desired.state, world.path("b/s.json").into());
}

#[test]
fn mistakes_in_several_files_are_reported() {
    let world = World::of(&[
        (
            "a.yaml",
            &format!("{BASE}state: x\npolicy: {{}}\nrooms: [{{id: q, destroy_delay_time: 1}}]\n"),
        ),
        (
            "b.yaml",
            &format!(
                "{BASE}state: y\npolicy: {{}}\nrooms:\n  - {{id: q, destroy_delay_time: 1}}\n"
            ),
        ),
        ("c.yaml", "rooms: []\n"),
    ]);
    insta::assert_snapshot!(world.shown(&world.findings(&["a.yaml", "b.yaml", "c.yaml"])));
}

#[test]
fn unreadable_paths_are_reported() {
    let world = World::of(&[("empty/x.txt", "")]);
    insta::assert_snapshot!(world.shown(&world.findings(&["none.yaml", "empty"])));
}

/// Returns a file of two rooms, the second of which uses an anchor of the first.
fn with_an_anchor(number: usize) -> String {
    format!(
        "version: 1
defaults: {{destroy_delay_time: 1h}}
rooms:
  - {{id: a{number}, attributes: &all {{topic: x}}}}
  - {{id: b{number}, attributes: *all}}
"
    )
}

#[test]
fn many_files_with_anchors_do_not_restart_the_load() {
    let base =
        "version: 1\nproviders: {chat: {kind: zim, app_id: 1, operator: '${ZEGO_OPERATOR}'}}\n";
    let texts: Vec<(String, String)> =
        (0..600).map(|number| (format!("{number}.yaml"), with_an_anchor(number))).collect();
    let files: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let world = World::of(&[&[("base.yaml", base)], &files[..]].concat());
    let paths: Vec<PathBuf> = vec![world.path("base.yaml"), world.path("")];
    let lookups = Cell::new(0);
    let variable = |_: &str| {
        lookups.set(lookups.get() + 1);
        Some("admin".to_owned())
    };
    let loaded = load(&paths, &variable).expect("no mistakes");
    assert_eq!((loaded.desired.rooms.len(), lookups.get()), (1200, 1));
    assert!(loaded.desired.rooms.iter().all(|it| it.room.attributes.get("topic").is_some()));
}

#[test]
fn mistakes_of_files_with_anchors_are_reported_with_those_of_others() {
    let (anchors, rooms) = (with_an_anchor(0), rooms("a/c"));
    let world = World::of(&[
        ("base.yaml", BASE),
        ("a.yaml", &anchors.replace("id: a0", "id: a/0")),
        ("b.yaml", &rooms),
        ("c.yaml", &anchors.replace("*all}", "*all, nmae: x}")),
        ("d.yaml", "version: 1\nrooms: [{id: b0, destroy_delay_time: 1h}]\n"),
    ]);
    let findings = world.findings(&["base.yaml", "a.yaml", "b.yaml", "c.yaml", "d.yaml"]);
    insta::assert_snapshot!(world.shown(&findings));
}

#[test]
fn a_key_in_the_unread_part_of_a_file_is_not_reported_as_missing() {
    let world = World::of(&[("a.yaml", "version: 1\nrooms:\n  - {id: !!str a, provider: chat}\n")]);
    let findings = world.findings(&["a.yaml"]);
    let codes: Vec<_> = findings.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["tag"], "`providers` may be in the part that was not read");
}

#[test]
fn only_the_first_invalid_file_is_reported() {
    let unclosed = with_an_anchor(1).replace("*all}", "*all");
    let world = World::of(&[
        ("base.yaml", &BASE.replace("version: 1", "version: 7")),
        ("a.yaml", &with_an_anchor(0)),
        ("b.yaml", &unclosed),
        ("c.yaml", &unclosed),
    ]);
    let findings = world.findings(&["base.yaml", "a.yaml", "b.yaml", "c.yaml"]);
    insta::assert_snapshot!(world.shown(&findings));
}

#[test]
fn rooms_of_small_and_large_files_keep_the_order_of_the_files() {
    let large = format!("version: 1\n# {}\nrooms:\n  - id: a\n", "x".repeat(2 << 20));
    let world =
        World::of(&[("base.yaml", BASE), ("large.yaml", &large), ("small.yaml", &rooms("a"))]);
    for (names, place) in [
        (["base.yaml", "large.yaml", "small.yaml"], ("small.yaml", 3)),
        (["base.yaml", "small.yaml", "large.yaml"], ("large.yaml", 4)),
    ] {
        let findings = world.findings(&names);
        let twice = findings.iter().find(|it| it.code == "duplicate_address").expect("a finding");
        let place_of = twice.place.as_ref().expect("a place");
        assert!(place_of.file.ends_with(place.0), "{place_of:?}");
        assert_eq!(place_of.line, place.1);
    }
}
