//! `on_vanish`, `ignore_changes` and a room's `on_conflict`: changes that a policy turns off or on.

use super::desk::{Desk, THREE_ROOMS};
use super::served::Served;

#[test]
fn on_vanish_ignore_creates_no_step_and_drift_still_reports_it() {
    let desk = Desk::applied();
    desk.edit("defaults:", "policy: {on_vanish: ignore}\ndefaults:");
    desk.run("emulator advance 2h").ends(0);
    let plan = desk.run("plan --detailed-exitcode").ends(0);
    plan.prints("chat/lobby vanished and is not recreated").prints("No changes: 3 rooms, 3 asked");
    desk.run("apply --auto-approve").ends(0).prints("No changes: 3 rooms, 3 asked");
    desk.run("drift").ends(2).prints("chat/news").prints("vanished");
    desk.run("explain chat/news").ends(0).prints("not recreated: `on_vanish: ignore`");
    desk.edit("on_vanish: ignore", "on_vanish: recreate");
    desk.run("apply --auto-approve").ends(0).prints("Applied: 3 recreated.");
}

#[test]
fn ignored_attributes_are_neither_compared_nor_changed() {
    let desk = Desk::with(THREE_ROOMS);
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve").ends(0);
    desk.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    desk.edit("topic: today", "topic: theirs");
    served.run(&desk, "apply --auto-approve --state theirs.json").ends(0);
    let ignored = ", lifecycle: {ignore_changes: [attributes.topic]}";
    desk.edit("topic: theirs}", &format!("topic: another}}{ignored}"));
    let plan = served.run(&desk, "plan --refresh all").ends(0).prints("1 to record");
    plan.prints("ignore_changes  (none) → [attributes.topic]").keeps_from("another");
    served.run(&desk, "apply --auto-approve --refresh all").ends(0);
    served.run(&desk, "plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    served.run(&desk, "drift").ends(0);
    let explained = served.run(&desk, "explain chat/news").ends(0);
    explained.prints("every difference between declared and recorded is in `ignore_changes`");
    // A replace keeps the ignored attribute's value.
    desk.edit("name: News", "name: Latest");
    served.run(&desk, "apply --auto-approve").ends(0).prints("Applied: 1 replaced.");
    served.run(&desk, "plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked");
    desk.edit(ignored, "");
    let plan = served.run(&desk, "plan --refresh all").ends(0);
    plan.prints(r#"attributes.topic  "theirs" → "another""#);
}

#[test]
fn on_conflict_of_one_room_adopts_only_that_room() {
    for refresh in ["due", "never"] {
        let desk = Desk::with(THREE_ROOMS);
        let served = Served::start(&desk, "");
        served.run(&desk, "apply --auto-approve --state theirs.json").ends(0);
        desk.edit("topic: today}", "topic: ours}, lifecycle: {on_conflict: adopt}");
        if refresh == "due" {
            let plan = served.run(&desk, "plan").ends(0).prints("adopt    chat/news");
            plan.prints("2 to create").prints("Refreshed: 1 room asked");
        }
        let applied =
            served.run(&desk, &format!("apply --auto-approve --refresh {refresh}")).ends(5);
        applied.prints("Applied: 1 adopted; 2 failed.");
        let plan = served.run(&desk, "plan --refresh all").ends(0);
        plan.prints("Nothing can be done now: 2 blocked.").keeps_from("chat/news");
    }
}
