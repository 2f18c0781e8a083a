//! `--target` and `--exclude`: the rooms that they select, and the note in every output.

use super::test_dir::{THREE_ROOMS, TestDir};

const PARTIAL: &str = "Partial: 1 of 3 rooms";

#[test]
fn only_rooms_in_the_scope_get_steps() {
    let dir = TestDir::with(THREE_ROOMS);
    let plan = dir
        .run("plan --target chat/l*")
        .exits(0)
        .stdout_has(PARTIAL)
        .stdout_has("+ create   chat/lobby");
    plan.stdout_has("Plan: 1 to create, 0 to update, 0 to replace, 0 to destroy.")
        .output_lacks("chat/news");
    let applied = dir.run("apply --auto-approve --exclude chat/* --target chat/lobby").exits(0);
    applied.stdout_has(PARTIAL).stdout_has("Applied: 1 created.");
    let plan = dir.run("plan --target chat/lobby").exits(0);
    plan.stdout_has(&format!("{PARTIAL}\nNo changes: 1 room, 0 asked"));
    let json =
        dir.run("plan --format json --exclude chat/lobby --exclude chat/s*").exits(0).document();
    assert_eq!(json["scope"]["rooms"], 1);
    assert_eq!(json["scope"]["of"], 3);
    assert_eq!(json["scope"]["target"].as_array().map(Vec::len), Some(0));
    assert_eq!(json["scope"]["exclude"][1], "chat/s*");
    assert_eq!(json["steps"][0]["address"], "chat/news");
    assert!(dir.run("plan --format json").exits(0).document()["scope"].is_null());
    let lines = dir.run("apply -y --format json --target chat/news").exits(0).lines();
    assert_eq!(lines[0]["scope"]["rooms"], 1);
    assert_eq!(lines.last().expect("a summary")["scope"]["of"], 3);
    dir.run("plan").exits(0).stdout_has("Plan: 1 to create").output_lacks("Partial");
}

#[test]
fn only_rooms_in_the_scope_are_queried() {
    let dir = TestDir::applied();
    dir.run("plan --refresh all --target chat/n*").exits(0).stdout_has("1 room, 1 asked");
    dir.run("drift --target chat/n*")
        .exits(0)
        .stdout_has(PARTIAL)
        .stdout_has("No drift: 1 room, 1 asked");
    dir.run("emulator advance 2h").exits(0);
    dir.run("drift --exclude chat/n*")
        .exits(2)
        .stdout_has("Partial: 2 of 3 rooms")
        .stdout_has("2 of 2 rooms");
    let json = dir.run("drift --format json --target chat/news").exits(2).document();
    assert_eq!(json["scope"]["rooms"], 1);
    assert_eq!(json["drift"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["summary"]["asked"], 1);
    dir.run("apply -y --target chat/news").exits(0).stdout_has("Applied: 1 recreated.");
    dir.run("drift").exits(2).stdout_has("2 of 3 rooms differ");
}

#[test]
fn the_gate_counts_all_rooms_and_checks_all_files() {
    let dir = TestDir::applied();
    dir.edit("name: News", "name: Today");
    dir.run("plan --target chat/news").exits(0).stdout_has("1 to replace").output_lacks("The gate");
    dir.edit("name: Support", "name: Help");
    let held = dir.run("plan --exclude chat/lobby").exits(0).stdout_has("The gate is closed");
    held.stdout_has("`max_destroy: 30%` of 3 recorded rooms allows 1");
    dir.write("other.yaml", &dir.read("rooms.yaml"));
    let forgotten = dir.run("-f other.yaml plan --target chat/lobby").exits(0);
    forgotten.output_lacks("The gate");
    dir.edit("  - {id: news, name: Today, attributes: {topic: today}}\n", "");
    dir.write("other.yaml", &dir.read("rooms.yaml"));
    let forgotten = dir.run("-f other.yaml plan --target chat/news").exits(0);
    forgotten.stdout_has("The gate is closed").stdout_has("is a `-f` missing?");
}

#[test]
fn destroy_with_a_scope_still_needs_allow_destroy() {
    let dir = TestDir::applied();
    let refused = dir.run("destroy --auto-approve --target chat/news").exits(3);
    refused.stderr_has("--allow-destroy 1");
    let destroy = "destroy --auto-approve --allow-destroy 1 --target chat/news";
    dir.run(destroy).exits(0).stdout_has(PARTIAL).stdout_has("Applied: 1 destroyed.");
    dir.run(destroy).exits(0).stdout_has("No changes");
    dir.run("state list")
        .exits(0)
        .stdout_has("chat/lobby")
        .stdout_has("chat/support")
        .output_lacks("chat/news");
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error() {
    let dir = TestDir::applied();
    for command in ["plan", "apply -y", "destroy -y", "drift", "import --all-declared"] {
        let ran = dir.run(&format!("{command} --target chat/table-*")).exits(1);
        ran.stderr_has("`--target chat/table-*` matches no room that is declared or recorded");
        dir.run(&format!("{command} --exclude chat/hall"))
            .exits(1)
            .stderr_has("`--exclude chat/hall`");
        dir.run(&format!("{command} --target lobby"))
            .exits(64)
            .stderr_has("expected PROVIDER/ROOM-ID");
        dir.run(&format!("{command} --target chat/["))
            .exits(64)
            .stderr_has("invalid glob `chat/[`");
    }
    dir.edit("  - {id: news, name: News, attributes: {topic: today}}\n", "");
    dir.run("plan --target chat/news").exits(0).stdout_has("1 to destroy");
}

#[test]
fn import_queries_only_rooms_in_the_scope() {
    let dir = TestDir::applied();
    dir.run("state rm -y chat/*").exits(0);
    let imported = dir.run("import --all-declared --exclude chat/lobby").exits(0);
    imported.stdout_has("Partial: 2 of 3 rooms").stdout_has("Import: 2 recorded");
    dir.run("state list").exits(0).stdout_has("chat/news").output_lacks("chat/lobby");
}

#[test]
fn the_digest_covers_the_scope_but_no_observation() {
    let dir = TestDir::applied();
    dir.edit("topic: today", "topic: tomorrow");
    let digest = |flags: &str| {
        let document = dir.run(&format!("plan --format json {flags}")).exits(0).document();
        document["digest"].as_str().expect("a digest").to_owned()
    };
    let all = digest("");
    assert_ne!(all, digest("--target chat/news"));
    assert_ne!(digest("--target chat/news"), digest("--target chat/n*"));
    assert_eq!(digest("--target chat/news"), digest("--target chat/news --target chat/news"));
    dir.run("emulator advance 2h").exits(0);
    assert_eq!(all, digest("--refresh all"), "vanished rooms changed the digest");
}
