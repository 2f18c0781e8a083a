//! `init`, `validate`, `schema`, `completions`, `man`: what works without state, network, credentials.

use super::desk::{Desk, THREE_ROOMS};

#[test]
fn what_init_writes_applies_cleanly() {
    let desk = Desk::empty();
    desk.run("init").ends(0).says("wrote rooms.yaml").says("roomctl plan");
    desk.run("validate").ends(0).prints("Valid: 2 rooms.").keeps_from("warning");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 2 created.");
    desk.run("plan --detailed-exitcode --refresh all").ends(0).prints("No changes: ");
    for line in desk.read(".gitignore").lines() {
        assert_ne!(line, "*.state.json", "the state itself may be kept in git");
    }
}

#[test]
fn init_writes_rooms_of_every_kind() {
    for kind in ["zim", "rtc", "tencent-live"] {
        let desk = Desk::empty();
        desk.run(&format!("init --kind {kind}")).ends(0).says("wrote rooms.yaml");
        assert!(desk.read("rooms.yaml").contains(&format!("kind: {kind}\n")), "{kind}");
        desk.run("validate").ends(0).prints("Valid: 2 rooms.").keeps_from("warning");
    }
    let desk = Desk::empty();
    desk.run("init --kind zmi").ends(64).says("zim, rtc, tencent-live");
    desk.run("init --help").ends(0).prints("made by their first user");
}

#[test]
fn init_never_overwrites() {
    let desk = Desk::with("mine");
    desk.write(".gitignore", "mine");
    desk.run("init").ends(1).says("never overwrites");
    assert_eq!(desk.read("rooms.yaml"), "mine");
    desk.run("init -f rooms.yaml/below.yaml").ends(1).says("could not be written");
    desk.run("init -f live/rooms.yaml").ends(0).says("roomctl -f live/rooms.yaml plan");
    desk.run("plan -f live/rooms.yaml").ends(0).prints("2 to create");
    desk.run("init -f other.yaml").ends(0).says("left as it is");
    assert_eq!(desk.read(".gitignore"), "mine");
}

#[test]
fn without_a_file_the_way_on_is_said() {
    Desk::empty().run("plan").ends(1).says("there is no `rooms.yaml`").says("roomctl init");
}

#[test]
fn every_mistake_is_told_with_its_place_line_and_remedy() {
    let desk = Desk::with(
        "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, server_secret: abc}
rooms:
  - id: lobby
    nmae: Lobby
    destroy_delay_time: 4h
  - id: news
    name: 7
    attributes: {topic: yes}
",
    );
    let ran = desk.run("validate").ends(1);
    assert_eq!(ran.stdout, "");
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn what_is_not_built_yet_is_refused_with_a_word() {
    for (old, new) in [
        ("rooms:", "policy: {on_vanish: ignore}\nrooms:"),
        ("rooms:", "policy: {replace: on_next_vanish}\nrooms:"),
        ("rooms:", "state: s3://bucket/key\nrooms:"),
        ("{prevent_destroy: true}", "{ignore_changes: [name]}"),
        ("name: Support", "name: Support, for_each: {n: 1..3}"),
    ] {
        let text = THREE_ROOMS.replacen(old, new, 1);
        assert_ne!(text, THREE_ROOMS, "{new}");
        Desk::with(&text).run("validate").ends(1).says("not built yet");
    }
    Desk::with(THREE_ROOMS).run("plan --state s3://bucket/key").says("not built yet").ends(64);
}

#[test]
fn validate_needs_neither_state_nor_credentials() {
    let desk = Desk::with(THREE_ROOMS);
    desk.write("rooms.state.json", "damaged");
    desk.run_with(&[("ZIM_ENDPOINT", "vendor")], "validate").ends(0).prints("Valid: 3 rooms.");
}

#[test]
fn a_warning_is_said_and_changes_no_exit_code() {
    let desk = Desk::with(&THREE_ROOMS.replace("defaults: {destroy_delay_time: 1h}\n", ""));
    desk.run("validate").ends(0).says("warning").says("destroy_delay_time");
}

#[test]
fn the_schema_is_a_draft_07_document() {
    let schema = Desk::empty().run("schema").ends(0).document();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["properties"]["rooms"].is_object(), "{schema}");
}

#[test]
fn packagers_get_completions_and_a_manual() {
    let desk = Desk::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        desk.run(&format!("completions {shell}")).ends(0).prints("roomctl").prints("validate");
    }
    desk.run("man").ends(0).prints(".TH roomctl 1").prints("lock");
}
