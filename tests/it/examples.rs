//! The folders of `examples/`: each is validated, planned and applied; the next plan has no steps.

use crate::cli::desk::{Desk, files_below, repository};

/// A folder of `examples/`, its `-f` options, and the number of rooms that it declares.
struct Example {
    folder: &'static str,
    files: &'static str,
    rooms: usize,
}

const ADOPTING: Example = Example {
    folder: "adopt-existing",
    files: "-f examples/adopt-existing/rooms.yaml",
    rooms: 300,
};
const CHANNELS: Example = Example {
    folder: "tencent-channels",
    files: "-f examples/tencent-channels/rooms.yaml",
    rooms: 50,
};
const GAME: Example = Example { folder: "game-rooms", files: "-f examples/game-rooms", rooms: 7 };
const PRODUCTION: Example = Example {
    folder: "environments",
    files: "-f examples/environments/base -f examples/environments/env/prod",
    rooms: 5,
};
const SHOW: Example =
    Example { folder: "live-show", files: "-f examples/live-show/rooms.yaml", rooms: 8 };
const STAGING: Example = Example {
    folder: "environments",
    files: "-f examples/environments/base -f examples/environments/env/staging",
    rooms: 4,
};
const SUPPORT: Example =
    Example { folder: "support-desk", files: "-f examples/support-desk/rooms.yaml", rooms: 5 };
const TABLES: Example =
    Example { folder: "tables", files: "-f examples/tables/rooms.yaml", rooms: 200 };
const TEAMS: Example = Example { folder: "teams", files: "-f examples/teams", rooms: 9 };

const EXAMPLES: [Example; 9] =
    [ADOPTING, PRODUCTION, STAGING, GAME, SHOW, SUPPORT, TABLES, TEAMS, CHANNELS];

impl Example {
    /// Validates, plans and applies the example; asserts that the next plan has no steps.
    fn applied(&self) -> Desk {
        let Self { folder, files, rooms } = self;
        let desk = Desk::empty();
        desk.copy(&format!("examples/{folder}"));
        let run = |command: &str| desk.run(&format!("{command} {files}"));
        let valid = format!("Valid: {rooms} rooms.");
        run("validate").ends(0).prints(&valid).keeps_from("warning");
        run("plan --detailed-exitcode").ends(2).prints(&format!("Plan: {rooms} to create"));
        let applied = format!("Applied: {rooms} created.");
        run("apply --auto-approve").ends(0).prints(&applied);
        for refresh in ["due", "all"] {
            let again = run(&format!("plan --detailed-exitcode --refresh {refresh}")).ends(0);
            again.prints(&format!("No changes: {rooms} rooms, "));
        }
        desk
    }
}

/// Returns the options of each `roomctl plan` command in an example's README.
fn plans_shown(folder: &str) -> Vec<String> {
    let readme = repository().join("examples").join(folder).join("README.md");
    let text = std::fs::read_to_string(&readme).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let plans = text.lines().filter_map(|line| line.strip_prefix("$ roomctl plan "));
    plans.map(str::to_owned).collect()
}

#[test]
fn every_example_is_run() {
    let mut folders: Vec<String> = files_below(&repository().join("examples"))
        .iter()
        .filter_map(|name| name.split_once('/').map(|(folder, _)| folder.to_owned()))
        .collect();
    folders.dedup();
    // The module `workflows` tests this folder.
    folders.retain(|folder| folder != "gitops");
    let mut run: Vec<&str> = EXAMPLES.iter().map(|it| it.folder).collect();
    run.dedup();
    assert_eq!(folders, run);
}

#[test]
fn every_readme_shows_the_plan_of_its_example() {
    for Example { folder, files, rooms: _ } in EXAMPLES {
        let shown = plans_shown(folder);
        assert!(
            shown.iter().any(|it| it == files),
            "{folder}/README.md does not show `plan {files}`"
        );
        let desk = Desk::empty();
        desk.copy(&format!("examples/{folder}"));
        for plan in shown {
            desk.run(&format!("plan --refresh never {}", plan.replace('\'', ""))).ends(0);
        }
    }
}

#[test]
fn small_examples_apply_and_converge() {
    for example in [GAME, PRODUCTION, STAGING, SHOW, SUPPORT, TEAMS, CHANNELS] {
        example.applied();
    }
}

#[test]
fn one_entry_declares_two_hundred_tables() {
    let desk = TABLES.applied();
    let listed = desk.run(&format!("state list {}", TABLES.files)).ends(0);
    listed.prints("game/table-001").prints("game/table-200");
}

#[test]
fn vanished_game_tables_are_recreated() {
    let desk = Desk::empty();
    desk.copy("examples/game-rooms");
    desk.run("apply --auto-approve -f examples/game-rooms").ends(0);
    desk.run("emulator advance 15m -f examples/game-rooms").ends(0);
    let back = desk.run("apply --auto-approve -f examples/game-rooms").ends(0);
    back.prints("Applied: 4 recreated.").prints("3 unchanged");
}

#[test]
fn a_missing_file_option_destroys_nothing() {
    let desk = Desk::empty();
    desk.copy("examples/game-rooms");
    desk.run("apply --auto-approve -f examples/game-rooms").ends(0);
    let one = "-f examples/game-rooms/roomctl.yaml -f examples/game-rooms/lobbies.yaml";
    let held = desk.run(&format!("apply --auto-approve {one}")).ends(3);
    held.prints("tables.yaml").prints("Applied: nothing; 4 not tried.");
}

#[test]
fn three_hundred_existing_rooms_are_adopted() {
    let desk = ADOPTING.applied();
    let other = format!("--state lost/rooms.state.json {}", ADOPTING.files);
    std::fs::create_dir(desk.path("lost")).expect("a folder");
    let data = "rooms.emulator.json";
    desk.write(&format!("lost/{data}"), &desk.read(&format!("examples/adopt-existing/{data}")));
    desk.run(&format!("plan {other}")).ends(0).prints("300 to adopt");
    desk.run(&format!("apply --auto-approve {other}")).ends(0).prints("Applied: 300 adopted.");
    desk.run(&format!("plan --detailed-exitcode {other}")).ends(0).prints("No changes: ");
}

#[test]
fn environments_are_kept_apart() {
    let desk = PRODUCTION.applied();
    desk.run(&format!("apply --auto-approve {}", STAGING.files)).ends(0);
    let listed = desk.run(&format!("state list {}", PRODUCTION.files)).ends(0);
    listed.prints("chat/executives").keeps_from("chat/load-test");
    let mixed = format!("{} --state examples/environments/env/prod/prod.state.json", STAGING.files);
    desk.run(&format!("plan {mixed}")).ends(3);
}

#[test]
fn both_sides_are_destroyed_together_and_a_forgotten_room_stays() {
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
        assert!(text.contains(&format!("    {field}:")), "no channel declares `{field}`");
    }
}
