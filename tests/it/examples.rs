//! The small worlds that a user would copy: each is validated, planned, applied, and then at rest.

use crate::cli::desk::{Desk, files_below, repository};

/// What is given to `-f`, for each folder of `examples/`, and how many rooms it declares.
const WORLDS: &[(&str, &str, usize)] = &[
    ("adopt-existing", "examples/adopt-existing/rooms.yaml", 3),
    ("game-rooms", "examples/game-rooms", 7),
    ("live-show", "examples/live-show/rooms.yaml", 8),
    ("support-desk", "examples/support-desk/rooms.yaml", 5),
    ("tencent-channels", "examples/tencent-channels/rooms.yaml", 50),
];

#[test]
fn every_example_is_run() {
    let mut folders: Vec<String> = files_below(&repository().join("examples"))
        .iter()
        .filter_map(|name| name.split_once('/').map(|(folder, _)| folder.to_owned()))
        .collect();
    folders.dedup();
    let run: Vec<&str> = WORLDS.iter().map(|(folder, _, _)| *folder).collect();
    assert_eq!(folders, run);
}

#[test]
fn each_applies_and_is_then_at_rest() {
    for (folder, file, rooms) in WORLDS {
        let desk = Desk::empty();
        desk.copy(&format!("examples/{folder}"));
        let run = |command: &str| desk.run(&format!("{command} -f {file}"));
        let valid = format!("Valid: {rooms} rooms.");
        run("validate").ends(0).prints(&valid).keeps_from("warning");
        run("plan --detailed-exitcode").ends(2).prints(&format!("Plan: {rooms} to create"));
        let applied = format!("Applied: {rooms} created.");
        run("apply --auto-approve").ends(0).prints(&applied);
        for refresh in ["due", "all"] {
            let again = run(&format!("plan --detailed-exitcode --refresh {refresh}")).ends(0);
            again.prints(&format!("No changes: {rooms} rooms, "));
        }
    }
}

#[test]
fn the_tables_of_the_game_come_back() {
    let desk = Desk::empty();
    desk.copy("examples/game-rooms");
    desk.run("apply --auto-approve -f examples/game-rooms").ends(0);
    desk.run("emulator advance 15m -f examples/game-rooms").ends(0);
    let back = desk.run("apply --auto-approve -f examples/game-rooms").ends(0);
    back.prints("Applied: 4 recreated.").prints("3 unchanged");
}

#[test]
fn a_forgotten_file_destroys_nothing() {
    let desk = Desk::empty();
    desk.copy("examples/game-rooms");
    desk.run("apply --auto-approve -f examples/game-rooms").ends(0);
    let one = "-f examples/game-rooms/roomctl.yaml -f examples/game-rooms/lobbies.yaml";
    let held = desk.run(&format!("apply --auto-approve {one}")).ends(3);
    held.prints("tables.yaml").prints("Applied: nothing; 4 not tried.");
}

#[test]
fn rooms_that_exist_are_adopted() {
    let desk = Desk::empty();
    desk.copy("examples/adopt-existing");
    let file = "-f examples/adopt-existing/rooms.yaml";
    desk.run(&format!("apply --auto-approve {file}")).ends(0);
    let other = format!("--state lost/rooms.state.json {file}");
    let folder = desk.path("lost");
    std::fs::create_dir(&folder).expect("a folder");
    let world = "rooms.emulator.json";
    desk.write(&format!("lost/{world}"), &desk.read(&format!("examples/adopt-existing/{world}")));
    desk.run(&format!("plan {other}")).ends(0).prints("3 to adopt");
    desk.run(&format!("apply --auto-approve {other}")).ends(0).prints("Applied: 3 ");
    desk.run(&format!("plan --detailed-exitcode {other}")).ends(0).prints("No changes: ");
}

#[test]
fn both_sides_of_a_stage_end_together_and_the_crew_keeps_its_call() {
    let desk = Desk::empty();
    desk.copy("examples/live-show");
    let file = "examples/live-show/rooms.yaml";
    let run = |command: &str| desk.run(&format!("{command} -f {file}"));
    let without = |id: &str| {
        let text = desk.read(file);
        let (before, entry) = text.split_once(&format!("  - {id}")).expect("an entry");
        let after = entry.split_once("\n  - ").map_or("", |(_, after)| after);
        desk.write(file, &format!("{before}  - {after}"));
    };
    run("apply --auto-approve").ends(0);
    without("{id: q-and-a");
    run("emulator enter video/q-and-a --users 3").ends(0);
    run("plan").ends(0).prints("3 people inside").prints("now: 2 waiting, ");
    let waiting = run("apply --auto-approve --allow-destroy 2").ends(0);
    let line = "Nothing can be done now: 2 waiting, on the built-in emulator.";
    waiting.prints("destroy  chat/q-and-a   3 people").prints(line).keeps_from("Applied");
    run("emulator leave video/q-and-a").ends(0);
    run("apply --auto-approve --allow-destroy 2").ends(0).prints("Applied: 2 destroyed.");
    without("id: backstage");
    run("emulator enter video/backstage --users 2").ends(0);
    run("apply --auto-approve").ends(0).prints("on_remove: forget").prints("1 forgotten.");
    run("emulator leave video/backstage --users 2").ends(0);
}

#[test]
fn every_field_of_a_tencent_room_is_shown() {
    let desk = Desk::empty();
    desk.copy("examples/tencent-channels");
    let text = desk.read("examples/tencent-channels/rooms.yaml");
    for field in roomctl::model::Kind::TencentLive.fields() {
        assert!(text.contains(&format!("    {field}:")), "no channel says `{field}`");
    }
}
