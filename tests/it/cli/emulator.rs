//! `roomctl emulator`: serving it, and its subcommands `enter`, `leave` and `advance`.

use std::process::Command;

use super::desk::{Desk, THREE_ROOMS};
use super::served::{SECRET, Served};

#[test]
fn the_emulator_prints_its_limits_and_exits_with_0_on_sigterm() {
    let desk = Desk::with(THREE_ROOMS);
    let mut served = Served::start(&desk, "--max-rooms 5");
    for text in ["http://127.0.0.1:", "CreateRoom  20 per second", "5 per app", "app ids: 1"] {
        assert!(served.greeting.contains(text), "{text}: {}", served.greeting);
    }
    assert!(
        !served.greeting.contains(SECRET),
        "the emulator printed the secret from the environment"
    );
    let pid = served.child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("a signal");
    assert!(sent.success());
    assert_eq!(served.child.wait().expect("its exit status").code(), Some(0));
}

#[test]
fn people_keep_a_room_of_a_served_emulator_alive() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0).prints("Applied: 3 created.");
    served.run(&desk, "emulator enter chat/news --users 7").ends(0).says("7 entered");
    served.run(&desk, "emulator advance 90m").ends(0);
    let plan = served.run(&desk, "plan --refresh all").ends(0);
    plan.prints("2 to recreate").prints("1 unchanged").keeps_from("chat/news");
    served.run(&desk, "emulator leave chat/news").ends(0).says("all users left");
    served.run(&desk, "emulator advance 90m").ends(0);
    served.run(&desk, "plan --refresh all").ends(0).prints("3 to recreate");
    served.run(&desk, "emulator enter chat/news").ends(1).says("does not exist");
}

#[test]
fn rooms_in_a_data_file_survive_a_restart() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "--data world.json");
    served.run(&desk, "apply --auto-approve").ends(0).prints("Applied: 3 created.");
    drop(served);
    let served = Served::start(&desk, "--data world.json");
    let plan = "plan --refresh all --detailed-exitcode --allow-endpoint-change";
    let again = served.run(&desk, plan).ends(0);
    again.prints("No changes: 3 rooms, ");
}

#[test]
fn the_built_in_emulator_keeps_its_rooms_between_commands() {
    let desk = Desk::applied();
    desk.run("emulator enter chat/lobby --users 2").ends(0);
    desk.run("emulator advance 2h").ends(0);
    desk.run("apply --auto-approve").ends(0).prints("Applied: 2 recreated.");
    desk.run("emulator leave chat/lobby --users 1").ends(0).says("1 left");
    desk.run("plan --refresh all --detailed-exitcode").ends(0);
}

#[test]
fn advance_moves_the_time_once_for_all_providers_of_one_emulator() {
    let desk = Desk::with(
        "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: '${ZIM_ENDPOINT:-emulator}'}
  other: {kind: zim, app_id: 2, operator: admin, endpoint: '${ZIM_ENDPOINT:-emulator}'}
rooms:
  - {id: lobby, provider: chat, destroy_delay_time: 1h}
",
    );
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0).prints("Applied: 1 created.");
    served.run(&desk, "emulator advance 40m").ends(0);
    served
        .run(&desk, "plan --refresh all --detailed-exitcode")
        .ends(0)
        .prints("No changes: 1 room, ");
}

#[test]
fn two_applies_with_injected_faults_create_every_room() {
    let desk = Desk::with(THREE_ROOMS);
    let faults = "--fault 500=20% --fault busy=20% --fault reset-after=10% --latency 2ms";
    let served = Served::start(&desk, faults);
    let applied = served.run(&desk, "apply --auto-approve");
    let again = served.run(&desk, "apply --auto-approve");
    let list = desk.run("state list").ends(0);
    assert_eq!(list.stdout, "chat/lobby\nchat/news\nchat/support\n", "{applied}\n{again}");
}

#[test]
fn emulator_commands_fail_without_an_emulator() {
    let desk = Desk::with(THREE_ROOMS);
    let real = [("ZIM_ENDPOINT", "vendor")];
    desk.run_with(&real, "emulator advance 1h").ends(1).says("no provider uses an emulator");
    desk.run("emulator enter other/lobby").ends(1).says("no provider `other`");
}

#[test]
fn the_emulator_listens_on_loopback_only() {
    let desk = Desk::empty();
    let refused = desk.run("emulator --listen 0.0.0.0:0");
    refused.says("loopback only");
    desk.run("emulator --listen 127.0.0.1:0 --fault sometimes=10%").says("sometimes");
}
