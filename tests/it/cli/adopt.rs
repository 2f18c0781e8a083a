//! `on_conflict: adopt`: the output calls it adopting, and lists the overwritten values.

use serde_json::json;

use super::desk::{Desk, THREE_ROOMS};
use super::served::Served;

/// The value that is overwritten when the room of the other state is adopted.
const OVERWRITTEN: &str = r#"attributes.topic "theirs" → "today""#;

/// Returns a service with three rooms that another state created; `rooms.state.json` has none of them.
fn with_rooms_of_another_state() -> (Desk, Served) {
    let desk = Desk::with(&THREE_ROOMS.replace("topic: today", "topic: theirs"));
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve --state theirs.json").ends(0);
    desk.edit("topic: theirs", "topic: today");
    desk.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    (desk, served)
}

#[test]
fn plan_queries_unrecorded_rooms_under_on_conflict_adopt() {
    let (desk, served) = with_rooms_of_another_state();
    let plan = served.run(&desk, "plan").ends(0);
    let plan = plan.prints("adopt    chat/news     already_exists").prints("3 to adopt");
    plan.prints(r#"attributes.topic    "theirs" → "today""#)
        .prints("Plan: 0 to create, ")
        .prints("Refreshed: 3 rooms asked");
    let applied = served.run(&desk, "apply --auto-approve").ends(0).prints("Applied: 3 adopted.");
    applied.says("chat/news: adopted").keeps_from("created").keeps_from("not created");
    served.run(&desk, "plan").ends(0).prints("No changes: 3 rooms, 0 asked.");
}

#[test]
fn a_create_that_adopts_a_room_lists_the_overwritten_values() {
    let (desk, served) = with_rooms_of_another_state();
    served.run(&desk, "plan --refresh never").ends(0).prints("Plan: 3 to create, ");
    let applied = served.run(&desk, "apply --auto-approve --refresh never").ends(0);
    let applied = applied.prints("Applied: 3 adopted.").says("chat/news: adopted");
    let adopted = "adopted, not created: it existed already;";
    let applied = applied.prints(&format!("chat/news: {adopted} overwritten: {OVERWRITTEN}\n"));
    let adopted = "2 rooms: adopted, not created: they existed already;";
    let applied = applied.prints(&format!("{adopted} no value was overwritten\n    chat/lobby, "));
    applied.keeps_from(": created").keeps_from(" 3 created");
    served.run(&desk, "plan --refresh all").ends(0).prints("No changes: 3 rooms, 3 asked.");
}

#[test]
fn json_events_contain_the_adopt_action_and_overwritten_values() {
    let (desk, served) = with_rooms_of_another_state();
    for refresh in ["never", "due"] {
        let line =
            format!("apply --auto-approve --format json --refresh {refresh} --state {refresh}");
        let ran = served.run(&desk, &line).ends(0);
        let lines = ran.lines();
        let news = |line: &&serde_json::Value| {
            line["event"] == "step_done" && line["address"] == "chat/news"
        };
        let done = lines.iter().find(news).expect("a step_done event of chat/news");
        assert_eq!(done["action"], "adopt", "{ran}");
        let expected = json!([{"path": "attributes.topic", "before": "theirs", "after": "today"}]);
        if refresh == "never" {
            assert_eq!(done["overwritten"], expected, "{ran}");
        }
        assert_eq!(lines[lines.len() - 1]["done"], json!({"adopt": 3}), "{ran}");
    }
}

#[test]
fn a_conflict_message_does_not_claim_that_the_room_is_foreign() {
    let (desk, served) = with_rooms_of_another_state();
    desk.edit("on_conflict: adopt", "on_conflict: fail");
    let message = "a room of this id exists and is not in this state (a lost state, another state, or \
                 created by hand?)";
    let plan = served.run(&desk, "plan --refresh all --detailed-exitcode --full").ends(2);
    let plan = plan.prints(message).prints("Nothing can be done now: 3 blocked.");
    plan.prints("`roomctl import chat/news` or `on_conflict: adopt` takes it over");
    let failed = served.run(&desk, "apply --auto-approve --full").ends(1);
    let failed = failed.prints(message).prints("roomctl import chat/news").prints("3 failed");
    failed.keeps_from("not made by").keeps_from("we did not make");
}
