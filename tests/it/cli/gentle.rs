//! Gentle changes: what is left as it is, by a policy or by a room's `lifecycle`.

use super::desk::Desk;

#[test]
fn a_vanished_room_is_left_and_drift_still_shows_it() {
    let desk = Desk::applied();
    desk.edit("defaults:", "policy: {on_vanish: ignore}\ndefaults:");
    desk.run("emulator advance 2h").ends(0);
    let plan = desk.run("plan --detailed-exitcode").ends(0);
    plan.says("chat/news vanished, and is left as it is").prints("No changes: 3 rooms, 3 asked");
    desk.run("apply --auto-approve").ends(0).prints("No changes: 3 rooms, 3 asked");
    desk.run("drift").ends(2).prints("chat/news").prints("vanished");
    desk.edit("on_vanish: ignore", "on_vanish: recreate");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 3 recreated.");
}
