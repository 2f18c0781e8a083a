//! `roomctl emulator`: serving it, and its subcommands `enter`, `leave` and `advance`.

use std::process::Command;

use super::served::{SECRET, Served};
use super::test_dir::{THREE_ROOMS, TestDir};

#[test]
fn the_emulator_prints_its_limits_and_exits_with_0_on_sigterm() {
    let dir = TestDir::with(THREE_ROOMS);
    let mut served = Served::start(&dir, "--max-rooms 5");
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
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
    served.run(&dir, "emulator enter chat/news --users 7").exits(0).stderr_has("7 entered");
    served.run(&dir, "emulator advance 90m").exits(0);
    let plan = served.run(&dir, "plan --refresh all").exits(0);
    plan.stdout_has("2 to recreate").stdout_has("1 unchanged").output_lacks("chat/news");
    served.run(&dir, "emulator leave chat/news").exits(0).stderr_has("all users left");
    served.run(&dir, "emulator advance 90m").exits(0);
    served.run(&dir, "plan --refresh all").exits(0).stdout_has("3 to recreate");
    served.run(&dir, "emulator enter chat/news").exits(1).stderr_has("does not exist");
}

#[test]
fn rooms_in_a_data_file_survive_a_restart() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "--data world.json");
    served.run(&dir, "apply --auto-approve").exits(0).stdout_has("Applied: 3 created.");
    drop(served);
    let served = Served::start(&dir, "--data world.json");
    let plan = "plan --refresh all --detailed-exitcode --allow-endpoint-change";
    let again = served.run(&dir, plan).exits(0);
    again.stdout_has("No changes: 3 rooms, ");
}

#[test]
fn the_built_in_emulator_keeps_its_rooms_between_commands() {
    let dir = TestDir::applied();
    dir.run("emulator enter chat/lobby --users 2").exits(0);
    dir.run("emulator advance 2h").exits(0);
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 2 recreated.");
    dir.run("emulator leave chat/lobby --users 1").exits(0).stderr_has("1 left");
    dir.run("plan --refresh all --detailed-exitcode").exits(0);
}

#[test]
fn advance_moves_the_time_once_for_all_providers_of_one_emulator() {
    let dir = TestDir::with(
        "\
version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: '${ZIM_ENDPOINT:-emulator}'}
  other: {kind: zim, app_id: 2, operator: admin, endpoint: '${ZIM_ENDPOINT:-emulator}'}
rooms:
  - {id: lobby, provider: chat, destroy_delay_time: 1h}
",
    );
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0).stdout_has("Applied: 1 created.");
    served.run(&dir, "emulator advance 40m").exits(0);
    served
        .run(&dir, "plan --refresh all --detailed-exitcode")
        .exits(0)
        .stdout_has("No changes: 1 room, ");
}

#[test]
fn two_applies_with_injected_faults_create_every_room() {
    let dir = TestDir::with(THREE_ROOMS);
    let faults = "--fault 500=20% --fault busy=20% --fault reset-after=10% --latency 2ms";
    let served = Served::start(&dir, faults);
    let applied = served.run(&dir, "apply --auto-approve");
    let again = served.run(&dir, "apply --auto-approve");
    let list = dir.run("state list").exits(0);
    assert_eq!(list.stdout, "chat/lobby\nchat/news\nchat/support\n", "{applied}\n{again}");
}

#[test]
fn emulator_commands_fail_without_an_emulator() {
    let dir = TestDir::with(THREE_ROOMS);
    let real = [("ZIM_ENDPOINT", "vendor")];
    dir.run_with(&real, "emulator advance 1h").exits(1).stderr_has("no provider uses an emulator");
    dir.run("emulator enter other/lobby").exits(1).stderr_has("no provider `other`");
}

#[test]
fn the_emulator_listens_on_loopback_only() {
    let dir = TestDir::empty();
    let refused = dir.run("emulator --listen 0.0.0.0:0");
    refused.stderr_has("loopback only");
    dir.run("emulator --listen 127.0.0.1:0 --fault sometimes=10%").stderr_has("sometimes");
}
