//! The folders of `examples/`: each is validated, planned and applied; the next plan has no steps.

use crate::cli::test_dir::{TestDir, files_below, repository};

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
    fn applied(&self) -> TestDir {
        let Self { folder, files, rooms } = self;
        let dir = TestDir::empty();
        dir.copy(&format!("examples/{folder}"));
        let run = |command: &str| dir.run(&format!("{command} {files}"));
        let valid = format!("Valid: {rooms} rooms.");
        run("validate").exits(0).stdout_has(&valid).output_lacks("warning");
        run("plan --detailed-exitcode").exits(2).stdout_has(&format!("Plan: {rooms} to create"));
        let applied = format!("Applied: {rooms} created.");
        run("apply --auto-approve").exits(0).stdout_has(&applied);
        for refresh in ["due", "all"] {
            let again = run(&format!("plan --detailed-exitcode --refresh {refresh}")).exits(0);
            again.stdout_has(&format!("No changes: {rooms} rooms, "));
        }
        dir
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
        let dir = TestDir::empty();
        dir.copy(&format!("examples/{folder}"));
        for plan in shown {
            dir.run(&format!("plan --refresh never {}", plan.replace('\'', ""))).exits(0);
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
    let dir = TABLES.applied();
    let listed = dir.run(&format!("state list {}", TABLES.files)).exits(0);
    listed.stdout_has("game/table-001").stdout_has("game/table-200");
}

#[test]
fn vanished_game_tables_are_recreated() {
    let dir = TestDir::empty();
    dir.copy("examples/game-rooms");
    dir.run("apply --auto-approve -f examples/game-rooms").exits(0);
    dir.run("emulator advance 15m -f examples/game-rooms").exits(0);
    let back = dir.run("apply --auto-approve -f examples/game-rooms").exits(0);
    back.stdout_has("Applied: 4 recreated.").stdout_has("3 unchanged");
}

#[test]
fn a_missing_file_option_destroys_nothing() {
    let dir = TestDir::empty();
    dir.copy("examples/game-rooms");
    dir.run("apply --auto-approve -f examples/game-rooms").exits(0);
    let one = "-f examples/game-rooms/roomctl.yaml -f examples/game-rooms/lobbies.yaml";
    let held = dir.run(&format!("apply --auto-approve {one}")).exits(3);
    held.stdout_has("tables.yaml").stdout_has("Applied: nothing; 4 not tried.");
}

#[test]
fn three_hundred_existing_rooms_are_adopted() {
    let dir = ADOPTING.applied();
    let other = format!("--state lost/rooms.state.json {}", ADOPTING.files);
    std::fs::create_dir(dir.path("lost")).expect("a folder");
    let data = "rooms.emulator.json";
    dir.write(&format!("lost/{data}"), &dir.read(&format!("examples/adopt-existing/{data}")));
    dir.run(&format!("plan {other}")).exits(0).stdout_has("300 to adopt");
    dir.run(&format!("apply --auto-approve {other}")).exits(0).stdout_has("Applied: 300 adopted.");
    dir.run(&format!("plan --detailed-exitcode {other}")).exits(0).stdout_has("No changes: ");
}

#[test]
fn environments_are_kept_apart() {
    let dir = PRODUCTION.applied();
    dir.run(&format!("apply --auto-approve {}", STAGING.files)).exits(0);
    let listed = dir.run(&format!("state list {}", PRODUCTION.files)).exits(0);
    listed.stdout_has("chat/executives").output_lacks("chat/load-test");
    let mixed = format!("{} --state examples/environments/env/prod/prod.state.json", STAGING.files);
    dir.run(&format!("plan {mixed}")).exits(3);
}

#[test]
fn both_sides_are_destroyed_together_and_a_forgotten_room_stays() {
    let dir = TestDir::empty();
    dir.copy("examples/live-show");
    let file = "examples/live-show/rooms.yaml";
    let run = |command: &str| dir.run(&format!("{command} -f {file}"));
    let without = |id: &str| {
        let text = dir.read(file);
        let (before, entry) = text.split_once(&format!("  - {id}")).expect("an entry");
        let after = entry.split_once("\n  - ").map_or("", |(_, after)| after);
        dir.write(file, &format!("{before}  - {after}"));
    };
    run("apply --auto-approve").exits(0);
    without("{id: q-and-a");
    run("emulator enter video/q-and-a --users 3").exits(0);
    run("plan").exits(0).stdout_has("3 people inside").stdout_has("now: 2 waiting, ");
    let waiting = run("apply --auto-approve --allow-destroy 2").exits(0);
    let line = "Nothing can be done now: 2 waiting, on the built-in emulator.";
    waiting.stdout_has("destroy  chat/q-and-a   3 people").stdout_has(line).output_lacks("Applied");
    run("emulator leave video/q-and-a").exits(0);
    run("apply --auto-approve --allow-destroy 2").exits(0).stdout_has("Applied: 2 destroyed.");
    without("id: backstage");
    run("emulator enter video/backstage --users 2").exits(0);
    run("apply --auto-approve").exits(0).stdout_has("on_remove: forget").stdout_has("1 forgotten.");
    run("emulator leave video/backstage --users 2").exits(0);
}

#[test]
fn every_field_of_a_tencent_room_is_shown() {
    let dir = TestDir::empty();
    dir.copy("examples/tencent-channels");
    let text = dir.read("examples/tencent-channels/rooms.yaml");
    for field in roomctl::model::Kind::TencentLive.fields() {
        assert!(text.contains(&format!("    {field}:")), "no channel declares `{field}`");
    }
}
