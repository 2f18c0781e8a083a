//! `replace: on_next_vanish`: a new name or delay is recorded, and takes effect when the room is recreated.

use super::test_dir::TestDir;

const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
policy: {replace: on_next_vanish}
rooms:
- {id: long, name: Long, destroy_delay_time: 3h}
- {id: short, name: Short, destroy_delay_time: 15m, attributes: {topic: welcome}}
";

/// Returns a folder with two applied rooms, one of which is then renamed in the file.
fn renamed() -> TestDir {
    let dir = TestDir::with(ROOMS);
    dir.run("apply --auto-approve").exits(0);
    dir.edit("name: Short", "name: Brief");
    dir
}

/// Returns the folder of [`renamed`] with the new name approved.
fn approved() -> TestDir {
    let dir = renamed();
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 recorded; 1 waiting.");
    dir
}

#[test]
fn a_new_name_is_recorded_once_and_its_replace_waits() {
    let dir = renamed();
    let plan = dir.run("plan --detailed-exitcode").exits(2);
    let plan = plan
        .stdout_has("record   chat/short  next_changed\n      next.name  \"Short\" → \"Brief\"");
    plan.stdout_has("replace  chat/short  waits for its next life").stdout_has("1 waiting.");
    let markdown = dir.run("plan --format markdown").exits(0);
    markdown.stdout_has("next.name").stdout_has("waits for its next life");
    let applied = dir.run("apply --auto-approve").exits(0);
    applied
        .stdout_has("replace waits for the room's next life")
        .stdout_has("1 recorded; 1 waiting.");
    let again = dir.run("apply --auto-approve").exits(0);
    again.stdout_has("Nothing can be done now: 1 waiting").output_lacks("next_changed");
    dir.run("apply --auto-approve --detailed-exitcode").exits(5);
    let plan = dir.run("plan --detailed-exitcode").exits(2);
    plan.stdout_has("Nothing can be done now: 1 waiting").stdout_has("name  \"Short\" → \"Brief\"");
    let markdown = dir.run("plan --format markdown").exits(0);
    markdown.stdout_has("waits for its next life").stdout_has("Brief");
    let shown = dir.run("state show chat/short").exits(0);
    shown
        .stdout_has("name                   \"Short\"")
        .stdout_has("next.name              \"Brief\"");
    let shown = dir.run("state show chat/short --format json").exits(0).document();
    assert_eq!(shown["next"]["room"]["name"], "Brief");
    let explained = dir.run("explain chat/short").exits(0);
    let explained =
        explained.stdout_has("waiting: waits for its next life").stdout_has("next.name  \"Brief\"");
    explained.output_lacks("waits until the room is empty");
}

#[test]
fn reconcile_recreates_the_vanished_room_as_approved() {
    let dir = approved();
    dir.edit("name: Brief", "name: Later");
    dir.run("emulator advance 16m").exits(0);
    let drift =
        dir.run("drift").exits(2).stdout_has("vanished\n      next.name  \"Short\" → \"Brief\"");
    drift.output_lacks("Later");
    let ran = dir.run("reconcile").exits(0).stdout_has("1 unapplied change");
    ran.stdout_has("name                \"Brief\"").stdout_has("Applied: 1 recreated.");
    dir.run("state show chat/short").exits(0).output_lacks("next.").stdout_has("\"Brief\"");
    dir.edit("name: Later", "name: Brief");
    dir.run("plan --refresh all --detailed-exitcode").exits(0).stdout_has("No changes: 2 rooms");
}

#[test]
fn apply_recreates_the_vanished_room_as_declared() {
    let dir = approved();
    dir.edit("name: Brief", "name: Later");
    dir.run("emulator advance 16m").exits(0);
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 recreated.");
    dir.run("state show chat/short").exits(0).stdout_has("\"Later\"").output_lacks("next.");
}

#[test]
fn attributes_change_in_place_while_the_replace_waits() {
    let dir = renamed();
    dir.edit("topic: welcome", "topic: hello");
    let plan = dir.run("plan").exits(0).stdout_has("update   chat/short  attributes_changed");
    plan.stdout_has("attributes.topic  \"welcome\" → \"hello\"").stdout_has("next.name");
    let plan = dir.run("plan --diff").exits(0).stdout_has("+  topic: \"hello\"");
    plan.stdout_has("next.name  \"Short\" → \"Brief\"");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 updated; 1 waiting.");
    dir.run("apply --auto-approve").exits(0).stdout_has("Nothing can be done now: 1 waiting");
    dir.edit("topic: hello", "topic: bye");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 updated; 1 waiting.");
    dir.run("emulator advance 16m").exits(0);
    dir.run("reconcile").exits(0).stdout_has("Applied: 1 recreated.");
    let plan = dir.run("plan --refresh all --detailed-exitcode").exits(0);
    plan.stdout_has("No changes: 2 rooms");
}

#[test]
fn reverting_the_file_withdraws_the_waiting_replace() {
    let dir = approved();
    dir.edit("name: Brief", "name: Short");
    let plan = dir.run("plan").exits(0).stdout_has("next.name  \"Brief\" → \"Short\"");
    plan.stdout_has("1 to record; 1 unchanged.");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 recorded.");
    dir.run("plan --detailed-exitcode").exits(0).stdout_has("No changes: 2 rooms");
    dir.run("emulator advance 16m").exits(0);
    dir.run("reconcile").exits(0).stdout_has("\"Short\"").output_lacks("Brief");
}

#[test]
fn an_undeclared_room_with_a_waiting_replace_is_destroyed() {
    let dir = approved();
    let short = ROOMS.lines().last().expect("a room").replace("Short", "Brief");
    dir.edit(&short, "");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 destroyed.");
    dir.run("state list").exits(0).output_lacks("short");
    dir.run("reconcile --refresh all").exits(0).stdout_has("No changes: 1 room, 1 asked");
}

#[test]
fn replace_now_replaces_the_waiting_room_at_once() {
    let dir = approved();
    dir.edit("on_next_vanish", "now");
    dir.run("apply --auto-approve --no-destroy").exits(0).stdout_has("1 not tried");
    let shown = dir.run("state show chat/short").exits(0);
    shown.stdout_has("next.name              \"Brief\"");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 replaced.");
    dir.run("state show chat/short").exits(0).stdout_has("\"Brief\"").output_lacks("next.");
}

#[test]
fn a_saved_plan_approves_only_the_name_it_contains() {
    let dir = renamed();
    dir.run("plan --out plan.json").exits(0);
    dir.edit("name: Brief", "name: Later");
    dir.run("apply plan.json -y").exits(3).stderr_has("the files have changed");
    dir.edit("name: Later", "name: Brief");
    dir.run("apply plan.json -y").exits(0).stdout_has("Applied: 1 recorded; 1 waiting.");
    dir.run("apply plan.json -y").exits(3).stderr_has("was applied already");
    dir.run("state show chat/short").exits(0).stdout_has("\"Brief\"");
    let digest = dir.run("plan --format json").document()["digest"].clone();
    dir.run("emulator advance 16m").exits(0);
    dir.run(&format!("apply -y --expect {}", digest.as_str().expect("a digest"))).exits(0);
}

#[test]
fn a_saved_plan_is_valid_after_the_room_vanished_or_was_approved() {
    let (gone, done) = (renamed(), renamed());
    gone.run("plan --out plan.json").exits(0);
    gone.run("emulator advance 16m").exits(0);
    gone.run("apply plan.json -y").exits(0).stdout_has("Applied: 1 recreated.");
    gone.run("state show chat/short").exits(0).stdout_has("\"Brief\"");
    done.run("plan --out plan.json").exits(0);
    done.run("apply -y").exits(0);
    done.run("apply plan.json -y").exits(0).stdout_has("Nothing can be done now: 1 waiting");
}

#[test]
fn a_saved_plan_is_refused_after_another_rename() {
    let dir = TestDir::with(ROOMS);
    dir.run("apply --auto-approve").exits(0);
    dir.edit("topic: welcome", "topic: hello");
    dir.run("plan --out plan.json").exits(0);
    dir.edit("name: Short", "name: Brief");
    dir.run("apply plan.json -y").exits(3).stderr_has("chat/short: the files have changed");
}

#[test]
fn a_secret_as_the_next_name_is_not_written_to_the_state() {
    let dir = TestDir::with(ROOMS);
    let secret = "0123456789abcdef0123456789abcdef";
    let here = [("ZEGO_SERVER_SECRET", secret)];
    dir.run_with(&here, "apply --auto-approve").exits(0);
    dir.edit("name: Short", &format!("name: {secret}"));
    let ran = dir.run_with(&here, "apply --auto-approve").exits(1).output_lacks(secret);
    ran.stderr_has("the state would contain a secret");
    assert!(!dir.read("rooms.state.json").contains(secret));
}

/// Returns a folder with two rooms and a person in the short one. The edit `from` → `to` is approved and
/// waits.
fn occupied(from: &str, to: &str) -> TestDir {
    let dir = TestDir::with(
        &ROOMS.replace("policy: {replace: on_next_vanish}", "policy: {max_destroy: 2}"),
    );
    dir.run("apply --auto-approve").exits(0);
    dir.run("emulator enter chat/short --users 1").exits(0);
    dir.edit(from, to);
    dir.run("apply --auto-approve").exits(0).stdout_has("1 waiting.");
    dir
}

#[test]
fn reconcile_completes_a_deferred_replace_once_the_room_vanished() {
    let dir = occupied("name: Short", "name: Brief");
    let shown = dir.run("state show chat/short").exits(0);
    shown
        .stdout_has("name                   \"Short\"")
        .stdout_has("next.name              \"Brief\"");
    let plan = dir.run("plan").exits(0).stdout_has("Nothing can be done now: 1 waiting");
    plan.output_lacks("next_changed");
    dir.run("apply --auto-approve").exits(0).stdout_has("Nothing can be done now: 1 waiting");
    dir.run("reconcile --refresh all").exits(0).stdout_has("No changes").output_lacks("unapplied");
    dir.run("emulator leave chat/short --users 1").exits(0);
    dir.run("emulator advance 16m").exits(0);
    dir.run("reconcile").exits(0).stdout_has("\"Brief\"").stdout_has("Applied: 1 recreated.");
    let plan = dir.run("plan --refresh all --detailed-exitcode").exits(0);
    plan.stdout_has("No changes: 2 rooms");
}

#[test]
fn a_replace_deferred_by_people_updates_in_place() {
    let dir = occupied(
        "name: Short, destroy_delay_time: 15m, attributes: {topic: welcome}",
        "name: Brief, destroy_delay_time: 15m, attributes: {topic: hello}",
    );
    let shown = dir.run("state show chat/short").exits(0);
    shown
        .stdout_has("next.name              \"Brief\"")
        .stdout_has("attributes.topic       \"hello\"");
    dir.run("emulator leave chat/short --users 1").exits(0);
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 replaced.");
    dir.run("state show chat/short").exits(0).stdout_has("\"Brief\"").output_lacks("next.");
}

#[test]
fn reconcile_forgets_a_deferred_destroy_once_the_room_vanished() {
    let short = ROOMS.lines().last().expect("a room");
    let dir = occupied(short, "");
    let shown = dir.run("state show chat/short").exits(0);
    shown.stdout_has("none: the room will be forgotten");
    dir.run("plan").exits(0).stdout_has("Nothing can be done now: 1 waiting");
    dir.run("reconcile --refresh all").exits(0).stdout_has("No changes").output_lacks("unapplied");
    dir.run("emulator leave chat/short --users 1").exits(0);
    dir.run("emulator advance 16m").exits(0);
    let ran = dir.run("reconcile").exits(0);
    ran.stdout_has("Applied: 1 forgotten.");
    dir.run("state list").exits(0).output_lacks("short");
}

#[test]
fn declaring_a_room_again_withdraws_its_deferred_destroy() {
    let short = ROOMS.lines().last().expect("a room");
    let dir = occupied(short, "");
    let long = ROOMS.lines().nth_back(1).expect("a room");
    dir.edit(long, &format!("{long}\n{short}"));
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 1 recorded.");
    dir.run("state show chat/short").exits(0).output_lacks("next.");
    dir.run("plan --detailed-exitcode").exits(0).stdout_has("No changes: 2 rooms");
}
