//! `replace: on_next_vanish`: a new name or delay is recorded, and takes effect when the room is recreated.

use super::desk::Desk;

const ROOMS: &str = "\
version: 1
providers: {chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}}
policy: {replace: on_next_vanish}
rooms:
- {id: long, name: Long, destroy_delay_time: 3h}
- {id: short, name: Short, destroy_delay_time: 15m, attributes: {topic: welcome}}
";

/// Returns a folder with two applied rooms, one of which is then renamed in the file.
fn renamed() -> Desk {
    let desk = Desk::with(ROOMS);
    desk.run("apply --auto-approve").ends(0);
    desk.edit("name: Short", "name: Brief");
    desk
}

/// Returns the folder of [`renamed`] with the new name approved.
fn approved() -> Desk {
    let desk = renamed();
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 recorded; 1 waiting.");
    desk
}

#[test]
fn a_new_name_is_recorded_once_and_its_replace_waits() {
    let desk = renamed();
    let plan = desk.run("plan --detailed-exitcode").ends(2);
    let plan =
        plan.prints("record   chat/short  next_changed\n      next.name  \"Short\" → \"Brief\"");
    plan.prints("replace  chat/short  waits for its next life").prints("1 waiting.");
    let markdown = desk.run("plan --format markdown").ends(0);
    markdown.prints("next.name").prints("waits for its next life");
    let applied = desk.run("apply --auto-approve").ends(0);
    applied.prints("replace waits for the room's next life").prints("1 recorded; 1 waiting.");
    let again = desk.run("apply --auto-approve").ends(0);
    again.prints("Nothing can be done now: 1 waiting").keeps_from("next_changed");
    desk.run("apply --auto-approve --detailed-exitcode").ends(5);
    let plan = desk.run("plan --detailed-exitcode").ends(2);
    plan.prints("Nothing can be done now: 1 waiting").prints("name  \"Short\" → \"Brief\"");
    let markdown = desk.run("plan --format markdown").ends(0);
    markdown.prints("waits for its next life").prints("Brief");
    let shown = desk.run("state show chat/short").ends(0);
    shown.prints("name                   \"Short\"").prints("next.name              \"Brief\"");
    let shown = desk.run("state show chat/short --format json").ends(0).document();
    assert_eq!(shown["next"]["room"]["name"], "Brief");
    let explained = desk.run("explain chat/short").ends(0);
    let explained =
        explained.prints("waiting: waits for its next life").prints("next.name  \"Brief\"");
    explained.keeps_from("waits until the room is empty");
}

#[test]
fn reconcile_recreates_the_vanished_room_as_approved() {
    let desk = approved();
    desk.edit("name: Brief", "name: Later");
    desk.run("emulator advance 16m").ends(0);
    let drift =
        desk.run("drift").ends(2).prints("vanished\n      next.name  \"Short\" → \"Brief\"");
    drift.keeps_from("Later");
    let ran = desk.run("reconcile").ends(0).prints("1 unapplied change");
    ran.prints("name                \"Brief\"").prints("Applied: 1 recreated.");
    desk.run("state show chat/short").ends(0).keeps_from("next.").prints("\"Brief\"");
    desk.edit("name: Later", "name: Brief");
    desk.run("plan --refresh all --detailed-exitcode").ends(0).prints("No changes: 2 rooms");
}

#[test]
fn apply_recreates_the_vanished_room_as_declared() {
    let desk = approved();
    desk.edit("name: Brief", "name: Later");
    desk.run("emulator advance 16m").ends(0);
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 recreated.");
    desk.run("state show chat/short").ends(0).prints("\"Later\"").keeps_from("next.");
}

#[test]
fn attributes_change_in_place_while_the_replace_waits() {
    let desk = renamed();
    desk.edit("topic: welcome", "topic: hello");
    let plan = desk.run("plan").ends(0).prints("update   chat/short  attributes_changed");
    plan.prints("attributes.topic  \"welcome\" → \"hello\"").prints("next.name");
    let plan = desk.run("plan --diff").ends(0).prints("+  topic: \"hello\"");
    plan.prints("next.name  \"Short\" → \"Brief\"");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 updated; 1 waiting.");
    desk.run("apply --auto-approve").ends(0).prints("Nothing can be done now: 1 waiting");
    desk.edit("topic: hello", "topic: bye");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 updated; 1 waiting.");
    desk.run("emulator advance 16m").ends(0);
    desk.run("reconcile").ends(0).prints("Applied: 1 recreated.");
    let plan = desk.run("plan --refresh all --detailed-exitcode").ends(0);
    plan.prints("No changes: 2 rooms");
}

#[test]
fn reverting_the_file_withdraws_the_waiting_replace() {
    let desk = approved();
    desk.edit("name: Brief", "name: Short");
    let plan = desk.run("plan").ends(0).prints("next.name  \"Brief\" → \"Short\"");
    plan.prints("1 to record; 1 unchanged.");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 recorded.");
    desk.run("plan --detailed-exitcode").ends(0).prints("No changes: 2 rooms");
    desk.run("emulator advance 16m").ends(0);
    desk.run("reconcile").ends(0).prints("\"Short\"").keeps_from("Brief");
}

#[test]
fn an_undeclared_room_with_a_waiting_replace_is_destroyed() {
    let desk = approved();
    let short = ROOMS.lines().last().expect("a room").replace("Short", "Brief");
    desk.edit(&short, "");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 destroyed.");
    desk.run("state list").ends(0).keeps_from("short");
    desk.run("reconcile --refresh all").ends(0).prints("No changes: 1 room, 1 asked");
}

#[test]
fn replace_now_replaces_the_waiting_room_at_once() {
    let desk = approved();
    desk.edit("on_next_vanish", "now");
    desk.run("apply --auto-approve --no-destroy").ends(0).prints("1 not tried");
    let shown = desk.run("state show chat/short").ends(0);
    shown.prints("next.name              \"Brief\"");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 replaced.");
    desk.run("state show chat/short").ends(0).prints("\"Brief\"").keeps_from("next.");
}

#[test]
fn a_saved_plan_approves_only_the_name_it_contains() {
    let desk = renamed();
    desk.run("plan --out plan.json").ends(0);
    desk.edit("name: Brief", "name: Later");
    desk.run("apply plan.json -y").ends(3).says("the files have changed");
    desk.edit("name: Later", "name: Brief");
    desk.run("apply plan.json -y").ends(0).prints("Applied: 1 recorded; 1 waiting.");
    desk.run("apply plan.json -y").ends(3).says("was applied already");
    desk.run("state show chat/short").ends(0).prints("\"Brief\"");
    let digest = desk.run("plan --format json").document()["digest"].clone();
    desk.run("emulator advance 16m").ends(0);
    desk.run(&format!("apply -y --expect {}", digest.as_str().expect("a digest"))).ends(0);
}

#[test]
fn a_saved_plan_is_valid_after_the_room_vanished_or_was_approved() {
    let (gone, done) = (renamed(), renamed());
    gone.run("plan --out plan.json").ends(0);
    gone.run("emulator advance 16m").ends(0);
    gone.run("apply plan.json -y").ends(0).prints("Applied: 1 recreated.");
    gone.run("state show chat/short").ends(0).prints("\"Brief\"");
    done.run("plan --out plan.json").ends(0);
    done.run("apply -y").ends(0);
    done.run("apply plan.json -y").ends(0).prints("Nothing can be done now: 1 waiting");
}

#[test]
fn a_saved_plan_is_refused_after_another_rename() {
    let desk = Desk::with(ROOMS);
    desk.run("apply --auto-approve").ends(0);
    desk.edit("topic: welcome", "topic: hello");
    desk.run("plan --out plan.json").ends(0);
    desk.edit("name: Short", "name: Brief");
    desk.run("apply plan.json -y").ends(3).says("chat/short: the files have changed");
}

#[test]
fn a_secret_as_the_next_name_is_not_written_to_the_state() {
    let desk = Desk::with(ROOMS);
    let secret = "0123456789abcdef0123456789abcdef";
    let here = [("ZEGO_SERVER_SECRET", secret)];
    desk.run_with(&here, "apply --auto-approve").ends(0);
    desk.edit("name: Short", &format!("name: {secret}"));
    let ran = desk.run_with(&here, "apply --auto-approve").ends(1).keeps_from(secret);
    ran.says("the state would contain a secret");
    assert!(!desk.read("rooms.state.json").contains(secret));
}

/// Returns a folder with two rooms and a person in the short one. The edit `from` → `to` is approved and
/// waits.
fn occupied(from: &str, to: &str) -> Desk {
    let desk =
        Desk::with(&ROOMS.replace("policy: {replace: on_next_vanish}", "policy: {max_destroy: 2}"));
    desk.run("apply --auto-approve").ends(0);
    desk.run("emulator enter chat/short --users 1").ends(0);
    desk.edit(from, to);
    desk.run("apply --auto-approve").ends(0).prints("1 waiting.");
    desk
}

#[test]
fn reconcile_completes_a_deferred_replace_once_the_room_vanished() {
    let desk = occupied("name: Short", "name: Brief");
    let shown = desk.run("state show chat/short").ends(0);
    shown.prints("name                   \"Short\"").prints("next.name              \"Brief\"");
    let plan = desk.run("plan").ends(0).prints("Nothing can be done now: 1 waiting");
    plan.keeps_from("next_changed");
    desk.run("apply --auto-approve").ends(0).prints("Nothing can be done now: 1 waiting");
    desk.run("reconcile --refresh all").ends(0).prints("No changes").keeps_from("unapplied");
    desk.run("emulator leave chat/short --users 1").ends(0);
    desk.run("emulator advance 16m").ends(0);
    desk.run("reconcile").ends(0).prints("\"Brief\"").prints("Applied: 1 recreated.");
    let plan = desk.run("plan --refresh all --detailed-exitcode").ends(0);
    plan.prints("No changes: 2 rooms");
}

#[test]
fn a_replace_deferred_by_people_updates_in_place() {
    let desk = occupied(
        "name: Short, destroy_delay_time: 15m, attributes: {topic: welcome}",
        "name: Brief, destroy_delay_time: 15m, attributes: {topic: hello}",
    );
    let shown = desk.run("state show chat/short").ends(0);
    shown.prints("next.name              \"Brief\"").prints("attributes.topic       \"hello\"");
    desk.run("emulator leave chat/short --users 1").ends(0);
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 replaced.");
    desk.run("state show chat/short").ends(0).prints("\"Brief\"").keeps_from("next.");
}

#[test]
fn reconcile_forgets_a_deferred_destroy_once_the_room_vanished() {
    let short = ROOMS.lines().last().expect("a room");
    let desk = occupied(short, "");
    let shown = desk.run("state show chat/short").ends(0);
    shown.prints("none: the room will be forgotten");
    desk.run("plan").ends(0).prints("Nothing can be done now: 1 waiting");
    desk.run("reconcile --refresh all").ends(0).prints("No changes").keeps_from("unapplied");
    desk.run("emulator leave chat/short --users 1").ends(0);
    desk.run("emulator advance 16m").ends(0);
    let ran = desk.run("reconcile").ends(0);
    ran.prints("Applied: 1 forgotten.");
    desk.run("state list").ends(0).keeps_from("short");
}

#[test]
fn declaring_a_room_again_withdraws_its_deferred_destroy() {
    let short = ROOMS.lines().last().expect("a room");
    let desk = occupied(short, "");
    let long = ROOMS.lines().nth_back(1).expect("a room");
    desk.edit(long, &format!("{long}\n{short}"));
    desk.run("apply --auto-approve").ends(0).prints("Applied: 1 recorded.");
    desk.run("state show chat/short").ends(0).keeps_from("next.");
    desk.run("plan --detailed-exitcode").ends(0).prints("No changes: 2 rooms");
}
