//! Renamed providers (`moved`) and changed endpoints (`--allow-endpoint-change`).

use super::served::{SECRET, Served, Silent};
use super::test_dir::{THREE_ROOMS, TestDir};

/// Returns a folder with [`THREE_ROOMS`] applied and the provider then renamed in the file.
fn renamed() -> TestDir {
    let dir = TestDir::applied();
    dir.edit("  chat:", "  talk:");
    dir
}

const MOVED: (&str, &str) = ("rooms:", "moved: [{from: chat, to: talk}]\nrooms:");

#[test]
fn a_renamed_provider_without_moved_is_refused() {
    let dir = renamed();
    for command in [
        "plan",
        "plan --refresh never",
        "apply --auto-approve",
        "destroy --auto-approve --allow-destroy 3",
        "import --all-declared",
    ] {
        let refused = dir.run(command).exits(3);
        refused.stderr_has("recorded as `chat`").stderr_has("moved: [{from: chat, to: talk}]");
    }
}

#[test]
fn moved_renames_the_provider_of_every_record() {
    let dir = renamed();
    dir.edit(MOVED.0, MOVED.1);
    dir.edit("topic: today", "topic: tomorrow");
    dir.edit("  - {id: support, name: Support}\n", "");
    let document = dir.run("plan --format json").exits(0).document();
    let steps = document["steps"].as_array().expect("steps").iter();
    let moved = steps.filter(|step| step["reason"] == "moved" && step["action"] == "record");
    assert_eq!(moved.count(), 3, "{document}");
    let plan = dir.run("plan").exits(0);
    let plan = plan.stdout_has("1 to update").stdout_has("1 to destroy").stdout_has("3 to record");
    plan.output_lacks("no longer declared");
    let applied = dir.run("apply --auto-approve --allow-destroy 1").exits(0);
    applied.stdout_has("1 updated, 1 destroyed, 3 recorded");
    dir.run("plan --detailed-exitcode --refresh all").exits(0).stdout_has("No changes");
    dir.run("state list").stdout_has("talk/lobby").stdout_has("talk/news").output_lacks("chat/");
    assert!(!dir.read("rooms.state.json").contains("\"chat\""), "the old provider is recorded");
    dir.edit("\n  - {id: lobby, name: Lobby", "\n  - {id: lobbies, name: Lobby");
    dir.run("apply --auto-approve --allow-destroy 9").exits(3).stdout_has("prevent_destroy");
    dir.run("state list").stdout_has("talk/lobby");
}

#[test]
fn destroy_applies_moved_first() {
    let dir = renamed();
    dir.edit(MOVED.0, MOVED.1);
    dir.edit("prevent_destroy: true", "prevent_destroy: false");
    dir.run("apply --auto-approve").exits(0);
    dir.edit("  talk:", "  chat:");
    dir.edit("{from: chat, to: talk}", "{from: talk, to: chat}");
    let gone = dir.run("destroy --auto-approve --allow-destroy 3").exits(0);
    gone.stdout_has("3 destroyed, 3 recorded");
    dir.run("state list").exits(0).output_lacks("/lobby");
}

#[test]
fn moved_renames_the_provider_of_a_pending_call() {
    let dir = TestDir::with(&THREE_ROOMS.replace("  chat:", "  talk:"));
    let silent = Silent::start();
    let mut apply = dir.command("apply --auto-approve --concurrency 1");
    apply.env("ZIM_ENDPOINT", &silent.url).env("ZEGO_SERVER_SECRET", SECRET);
    let mut apply = apply.spawn().expect("the binary runs");
    let _call = silent.called();
    apply.kill().expect("apply is killed");
    apply.wait().expect("its exit status");
    let served = Served::start(&dir, "");
    let lobby = THREE_ROOMS.split("  - {id: news").next().expect("the first room");
    dir.write("other.yaml", lobby);
    served.run(&dir, "apply -f other.yaml --auto-approve --state other.state.json").exits(0);
    dir.edit("  talk:", "  chat:");
    dir.edit("rooms:", "moved: [{from: talk, to: chat}]\nrooms:");
    served.run(&dir, "plan").exits(3).stderr_has("--allow-endpoint-change");
    let plan = served.run(&dir, "plan --allow-endpoint-change").exits(0);
    plan.stdout_has("2 to create").stdout_has("1 to record").stdout_has("moved");
    let applied = served.run(&dir, "apply --auto-approve --allow-endpoint-change").exits(0);
    applied.stdout_has("2 created, 1 recorded");
    let state = dir.read("rooms.state.json");
    assert!(state.contains("chat/lobby") && !state.contains("talk"), "{state}");
    assert!(!state.contains("pending"), "{state}");
}

#[test]
fn another_endpoint_is_refused_until_it_is_allowed_once() {
    let dir = TestDir::with(THREE_ROOMS);
    let here = Served::start(&dir, "--data world.json");
    here.run(&dir, "apply --auto-approve").exits(0);
    let old = here.address().to_string();
    drop(here);
    let there = Served::start(&dir, "--data world.json");
    let new = there.address().to_string();
    for command in ["plan", "apply --auto-approve", "import --all-declared"] {
        let refused = there.run(&dir, command).exits(3);
        refused.stderr_has(&old).stderr_has(&new).stderr_has("--allow-endpoint-change");
    }
    assert!(dir.read("rooms.state.json").contains(&old));
    let plan = there.run(&dir, "plan --allow-endpoint-change --refresh all").exits(0);
    plan.stdout_has("No changes: 3 rooms").stdout_has(&format!("now expected at {new}"));
    there.run(&dir, "apply --auto-approve --allow-endpoint-change").exits(0);
    assert!(dir.read("rooms.state.json").contains(&new));
    there.run(&dir, "plan --refresh all --detailed-exitcode").exits(0).output_lacks("now expected");
}

#[test]
fn the_endpoint_of_a_version_1_state_is_recorded_on_first_use() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve --state other.state.json").exits(0);
    let rooms = ["lobby", "news", "support"].map(|room| {
        format!(
            "\"chat/{room}\":{{\"room\":{{}},\"assumed\":[\"name\",\"destroy_delay_time\"],\
             \"created\":\"2026-01-02T03:04:05Z\",\"source\":\"rooms.yaml\"}}"
        )
    });
    dir.write(
        "rooms.state.json",
        &format!(
            "{{\"version\":1,\"lineage\":\"668cf664-40fd-4fc6-89a1-6bfaa51b9e81\",\"serial\":1,\
             \"providers\":{{\"chat\":{{\"kind\":\"zim\",\"app_id\":1,\
             \"emulated\":false}}}},\"rooms\":{{\n{}\n}}}}\n",
            rooms.join(",\n")
        ),
    );
    let notice = format!("{} is assumed", served.address());
    served.run(&dir, "plan --refresh never").exits(0).stdout_has(&notice);
    served.run(&dir, "import --all-declared").exits(0).stderr_has(&notice);
    served.run(&dir, "plan --refresh never").exits(0).output_lacks(&notice);
}
