//! `--target` and `--exclude`: the rooms that they select, and the note in every output.

use super::desk::{Desk, THREE_ROOMS};

const PARTIAL: &str = "Partial: 1 of 3 rooms";

#[test]
fn only_rooms_in_the_scope_get_steps() {
    let desk = Desk::with(THREE_ROOMS);
    let plan =
        desk.run("plan --target chat/l*").ends(0).prints(PARTIAL).prints("+ create   chat/lobby");
    plan.prints("Plan: 1 to create, 0 to update, 0 to replace, 0 to destroy.")
        .keeps_from("chat/news");
    let applied = desk.run("apply --auto-approve --exclude chat/* --target chat/lobby").ends(0);
    applied.prints(PARTIAL).prints("Applied: 1 created.");
    let plan = desk.run("plan --target chat/lobby").ends(0);
    plan.prints(&format!("{PARTIAL}\nNo changes: 1 room, 0 asked"));
    let json =
        desk.run("plan --format json --exclude chat/lobby --exclude chat/s*").ends(0).document();
    assert_eq!(json["scope"]["rooms"], 1);
    assert_eq!(json["scope"]["of"], 3);
    assert_eq!(json["scope"]["target"].as_array().map(Vec::len), Some(0));
    assert_eq!(json["scope"]["exclude"][1], "chat/s*");
    assert_eq!(json["steps"][0]["address"], "chat/news");
    assert!(desk.run("plan --format json").ends(0).document()["scope"].is_null());
    let lines = desk.run("apply -y --format json --target chat/news").ends(0).lines();
    assert_eq!(lines[0]["scope"]["rooms"], 1);
    assert_eq!(lines.last().expect("a summary")["scope"]["of"], 3);
    desk.run("plan").ends(0).prints("Plan: 1 to create").keeps_from("Partial");
}

#[test]
fn only_rooms_in_the_scope_are_queried() {
    let desk = Desk::applied();
    desk.run("plan --refresh all --target chat/n*").ends(0).prints("1 room, 1 asked");
    desk.run("drift --target chat/n*").ends(0).prints(PARTIAL).prints("No drift: 1 room, 1 asked");
    desk.run("emulator advance 2h").ends(0);
    desk.run("drift --exclude chat/n*")
        .ends(2)
        .prints("Partial: 2 of 3 rooms")
        .prints("2 of 2 rooms");
    let json = desk.run("drift --format json --target chat/news").ends(2).document();
    assert_eq!(json["scope"]["rooms"], 1);
    assert_eq!(json["drift"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["summary"]["asked"], 1);
    desk.run("apply -y --target chat/news").ends(0).prints("Applied: 1 recreated.");
    desk.run("drift").ends(2).prints("2 of 3 rooms differ");
}

#[test]
fn the_gate_counts_all_rooms_and_checks_all_files() {
    let desk = Desk::applied();
    desk.edit("name: News", "name: Today");
    desk.run("plan --target chat/news").ends(0).prints("1 to replace").keeps_from("The gate");
    desk.edit("name: Support", "name: Help");
    let held = desk.run("plan --exclude chat/lobby").ends(0).prints("The gate is closed");
    held.prints("`max_destroy: 30%` of 3 recorded rooms allows 1");
    desk.write("other.yaml", &desk.read("rooms.yaml"));
    let forgotten = desk.run("-f other.yaml plan --target chat/lobby").ends(0);
    forgotten.keeps_from("The gate");
    desk.edit("  - {id: news, name: Today, attributes: {topic: today}}\n", "");
    desk.write("other.yaml", &desk.read("rooms.yaml"));
    let forgotten = desk.run("-f other.yaml plan --target chat/news").ends(0);
    forgotten.prints("The gate is closed").prints("is a `-f` missing?");
}

#[test]
fn destroy_with_a_scope_still_needs_allow_destroy() {
    let desk = Desk::applied();
    let refused = desk.run("destroy --auto-approve --target chat/news").ends(3);
    refused.says("--allow-destroy 1");
    let destroy = "destroy --auto-approve --allow-destroy 1 --target chat/news";
    desk.run(destroy).ends(0).prints(PARTIAL).prints("Applied: 1 destroyed.");
    desk.run(destroy).ends(0).prints("No changes");
    desk.run("state list")
        .ends(0)
        .prints("chat/lobby")
        .prints("chat/support")
        .keeps_from("chat/news");
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error() {
    let desk = Desk::applied();
    for command in ["plan", "apply -y", "destroy -y", "drift", "import --all-declared"] {
        let ran = desk.run(&format!("{command} --target chat/table-*")).ends(1);
        ran.says("`--target chat/table-*` matches no room that is declared or recorded");
        desk.run(&format!("{command} --exclude chat/hall")).ends(1).says("`--exclude chat/hall`");
        desk.run(&format!("{command} --target lobby")).ends(64).says("expected PROVIDER/ROOM-ID");
        desk.run(&format!("{command} --target chat/[")).ends(64).says("invalid glob `chat/[`");
    }
    desk.edit("  - {id: news, name: News, attributes: {topic: today}}\n", "");
    desk.run("plan --target chat/news").ends(0).prints("1 to destroy");
}

#[test]
fn import_queries_only_rooms_in_the_scope() {
    let desk = Desk::applied();
    desk.run("state rm -y chat/*").ends(0);
    let imported = desk.run("import --all-declared --exclude chat/lobby").ends(0);
    imported.prints("Partial: 2 of 3 rooms").prints("Import: 2 recorded");
    desk.run("state list").ends(0).prints("chat/news").keeps_from("chat/lobby");
}

#[test]
fn the_digest_covers_the_scope_but_no_observation() {
    let desk = Desk::applied();
    desk.edit("topic: today", "topic: tomorrow");
    let digest = |flags: &str| {
        let document = desk.run(&format!("plan --format json {flags}")).ends(0).document();
        document["digest"].as_str().expect("a digest").to_owned()
    };
    let all = digest("");
    assert_ne!(all, digest("--target chat/news"));
    assert_ne!(digest("--target chat/news"), digest("--target chat/n*"));
    assert_eq!(digest("--target chat/news"), digest("--target chat/news --target chat/news"));
    desk.run("emulator advance 2h").ends(0);
    assert_eq!(all, digest("--refresh all"), "vanished rooms changed the digest");
}
