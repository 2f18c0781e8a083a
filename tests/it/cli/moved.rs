//! Renamed providers (`moved`) and changed endpoints (`--allow-endpoint-change`).

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Served, Silent};

/// Returns a folder with [`THREE_ROOMS`] applied and the provider then renamed in the file.
fn renamed() -> Desk {
    let desk = Desk::applied();
    desk.edit("  chat:", "  talk:");
    desk
}

const MOVED: (&str, &str) = ("rooms:", "moved: [{from: chat, to: talk}]\nrooms:");

#[test]
fn a_renamed_provider_without_moved_is_refused() {
    let desk = renamed();
    for command in [
        "plan",
        "plan --refresh never",
        "apply --auto-approve",
        "destroy --auto-approve --allow-destroy 3",
        "import --all-declared",
    ] {
        let refused = desk.run(command).ends(3);
        refused.says("recorded as `chat`").says("moved: [{from: chat, to: talk}]");
    }
}

#[test]
fn moved_renames_the_provider_of_every_record() {
    let desk = renamed();
    desk.edit(MOVED.0, MOVED.1);
    desk.edit("topic: today", "topic: tomorrow");
    desk.edit("  - {id: support, name: Support}\n", "");
    let document = desk.run("plan --format json").ends(0).document();
    let steps = document["steps"].as_array().expect("steps").iter();
    let moved = steps.filter(|step| step["reason"] == "moved" && step["action"] == "record");
    assert_eq!(moved.count(), 3, "{document}");
    let plan = desk.run("plan").ends(0);
    let plan = plan.prints("1 to update").prints("1 to destroy").prints("3 to record");
    plan.keeps_from("no longer declared");
    let applied = desk.run("apply --auto-approve --allow-destroy 1").ends(0);
    applied.prints("1 updated, 1 destroyed, 3 recorded");
    desk.run("plan --detailed-exitcode --refresh all").ends(0).prints("No changes");
    desk.run("state list").prints("talk/lobby").prints("talk/news").keeps_from("chat/");
    assert!(!desk.read("rooms.state.json").contains("\"chat\""), "the old provider is recorded");
    desk.edit("\n  - {id: lobby, name: Lobby", "\n  - {id: lobbies, name: Lobby");
    desk.run("apply --auto-approve --allow-destroy 9").ends(3).prints("prevent_destroy");
    desk.run("state list").prints("talk/lobby");
}

#[test]
fn destroy_applies_moved_first() {
    let desk = renamed();
    desk.edit(MOVED.0, MOVED.1);
    desk.edit("prevent_destroy: true", "prevent_destroy: false");
    desk.run("apply --auto-approve").ends(0);
    desk.edit("  talk:", "  chat:");
    desk.edit("{from: chat, to: talk}", "{from: talk, to: chat}");
    let gone = desk.run("destroy --auto-approve --allow-destroy 3").ends(0);
    gone.prints("3 destroyed, 3 recorded");
    desk.run("state list").ends(0).keeps_from("/lobby");
}

#[test]
fn moved_renames_the_provider_of_a_pending_call() {
    let desk = Desk::with(&THREE_ROOMS.replace("  chat:", "  talk:"));
    let silent = Silent::start();
    let mut apply = desk.command("apply --auto-approve --concurrency 1");
    apply.env("ZIM_ENDPOINT", &silent.url).env("ZEGO_SERVER_SECRET", SECRET);
    let mut apply = apply.spawn().expect("the binary runs");
    let _call = silent.called();
    apply.kill().expect("apply is killed");
    apply.wait().expect("its exit status");
    let served = Served::start(&desk, "");
    let lobby = THREE_ROOMS.split("  - {id: news").next().expect("the first room");
    desk.write("other.yaml", lobby);
    served.run(&desk, "apply -f other.yaml --auto-approve --state other.state.json").ends(0);
    desk.edit("  talk:", "  chat:");
    desk.edit("rooms:", "moved: [{from: talk, to: chat}]\nrooms:");
    served.run(&desk, "plan").ends(3).says("--allow-endpoint-change");
    let plan = served.run(&desk, "plan --allow-endpoint-change").ends(0);
    plan.prints("2 to create").prints("1 to record").prints("moved");
    let applied = served.run(&desk, "apply --auto-approve --allow-endpoint-change").ends(0);
    applied.prints("2 created, 1 recorded");
    let state = desk.read("rooms.state.json");
    assert!(state.contains("chat/lobby") && !state.contains("talk"), "{state}");
    assert!(!state.contains("pending"), "{state}");
}

#[test]
fn another_endpoint_is_refused_until_it_is_allowed_once() {
    let desk = Desk::with(THREE_ROOMS);
    let here = Served::start(&desk, "--data world.json");
    here.run(&desk, "apply --auto-approve").ends(0);
    let old = here.address().to_string();
    drop(here);
    let there = Served::start(&desk, "--data world.json");
    let new = there.address().to_string();
    for command in ["plan", "apply --auto-approve", "import --all-declared"] {
        let refused = there.run(&desk, command).ends(3);
        refused.says(&old).says(&new).says("--allow-endpoint-change");
    }
    assert!(desk.read("rooms.state.json").contains(&old));
    let plan = there.run(&desk, "plan --allow-endpoint-change --refresh all").ends(0);
    plan.prints("No changes: 3 rooms").prints(&format!("now expected at {new}"));
    there.run(&desk, "apply --auto-approve --allow-endpoint-change").ends(0);
    assert!(desk.read("rooms.state.json").contains(&new));
    there.run(&desk, "plan --refresh all --detailed-exitcode").ends(0).keeps_from("now expected");
}

#[test]
fn the_endpoint_of_a_version_1_state_is_recorded_on_first_use() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve --state other.state.json").ends(0);
    let rooms = ["lobby", "news", "support"].map(|room| {
        format!(
            "\"chat/{room}\":{{\"room\":{{}},\"assumed\":[\"name\",\"destroy_delay_time\"],\
             \"created\":\"2026-01-02T03:04:05Z\",\"source\":\"rooms.yaml\"}}"
        )
    });
    desk.write(
        "rooms.state.json",
        &format!(
            "{{\"version\":1,\"lineage\":\"668cf664-40fd-4fc6-89a1-6bfaa51b9e81\",\"serial\":1,\
             \"providers\":{{\"chat\":{{\"kind\":\"zim\",\"app_id\":1,\
             \"emulated\":false}}}},\"rooms\":{{\n{}\n}}}}\n",
            rooms.join(",\n")
        ),
    );
    let notice = format!("{} is assumed", served.address());
    served.run(&desk, "plan --refresh never").ends(0).prints(&notice);
    served.run(&desk, "import --all-declared").ends(0).says(&notice);
    served.run(&desk, "plan --refresh never").ends(0).keeps_from(&notice);
}
