//! `on_vanish`, `ignore_changes` and a room's `on_conflict`: changes that a policy turns off or on.

use super::served::Served;
use super::test_dir::{THREE_ROOMS, TestDir};

#[test]
fn on_vanish_ignore_creates_no_step_and_drift_still_reports_it() {
    let dir = TestDir::applied();
    dir.edit("defaults:", "policy: {on_vanish: ignore}\ndefaults:");
    dir.run("emulator advance 2h").exits(0);
    let plan = dir.run("plan --detailed-exitcode").exits(0);
    plan.stdout_has("chat/lobby vanished and is not recreated")
        .stdout_has("No changes: 3 rooms, 3 asked");
    dir.run("apply --auto-approve").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    dir.run("drift").exits(2).stdout_has("chat/news").stdout_has("vanished");
    dir.run("explain chat/news").exits(0).stdout_has("not recreated: `on_vanish: ignore`");
    dir.edit("on_vanish: ignore", "on_vanish: recreate");
    dir.run("apply --auto-approve").exits(0).stdout_has("Applied: 3 recreated.");
}

#[test]
fn ignored_attributes_are_neither_compared_nor_changed() {
    let dir = TestDir::with(THREE_ROOMS);
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve").exits(0);
    dir.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    dir.edit("topic: today", "topic: theirs");
    served.run(&dir, "apply --auto-approve --state theirs.json").exits(0);
    let ignored = ", lifecycle: {ignore_changes: [attributes.topic]}";
    dir.edit("topic: theirs}", &format!("topic: another}}{ignored}"));
    let plan = served.run(&dir, "plan --refresh all").exits(0).stdout_has("1 to record");
    plan.stdout_has("ignore_changes  (none) → [attributes.topic]").output_lacks("another");
    served.run(&dir, "apply --auto-approve --refresh all").exits(0);
    served.run(&dir, "plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    served.run(&dir, "drift").exits(0);
    let explained = served.run(&dir, "explain chat/news").exits(0);
    explained.stdout_has("every difference between declared and recorded is in `ignore_changes`");
    // A replace keeps the ignored attribute's value.
    dir.edit("name: News", "name: Latest");
    served.run(&dir, "apply --auto-approve").exits(0).stdout_has("Applied: 1 replaced.");
    served.run(&dir, "plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked");
    dir.edit(ignored, "");
    let plan = served.run(&dir, "plan --refresh all").exits(0);
    plan.stdout_has(r#"attributes.topic  "theirs" → "another""#);
}

#[test]
fn on_conflict_of_one_room_adopts_only_that_room() {
    for refresh in ["due", "never"] {
        let dir = TestDir::with(THREE_ROOMS);
        let served = Served::start(&dir, "");
        served.run(&dir, "apply --auto-approve --state theirs.json").exits(0);
        dir.edit("topic: today}", "topic: ours}, lifecycle: {on_conflict: adopt}");
        if refresh == "due" {
            let plan = served.run(&dir, "plan").exits(0).stdout_has("adopt    chat/news");
            plan.stdout_has("2 to create").stdout_has("Refreshed: 1 room asked");
        }
        let applied =
            served.run(&dir, &format!("apply --auto-approve --refresh {refresh}")).exits(5);
        applied.stdout_has("Applied: 1 adopted; 2 failed.");
        let plan = served.run(&dir, "plan --refresh all").exits(0);
        plan.stdout_has("Nothing can be done now: 2 blocked.").output_lacks("chat/news");
    }
}
