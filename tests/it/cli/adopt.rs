//! `on_conflict: adopt`: the output calls it adopting, and lists the overwritten values.

use serde_json::json;

use super::served::Served;
use super::test_dir::{THREE_ROOMS, TestDir};

/// The value that is overwritten when the room of the other state is adopted.
const OVERWRITTEN: &str = r#"attributes.topic "theirs" → "today""#;

/// Returns a service with three rooms that another state created; `rooms.state.json` has none of them.
fn with_rooms_of_another_state() -> (TestDir, Served) {
    let dir = TestDir::with(&THREE_ROOMS.replace("topic: today", "topic: theirs"));
    let served = Served::start(&dir, "");
    served.run(&dir, "apply --auto-approve --state theirs.json").exits(0);
    dir.edit("topic: theirs", "topic: today");
    dir.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    (dir, served)
}

#[test]
fn plan_queries_unrecorded_rooms_under_on_conflict_adopt() {
    let (dir, served) = with_rooms_of_another_state();
    let plan = served.run(&dir, "plan").exits(0);
    let plan = plan.stdout_has("adopt    chat/news     already_exists").stdout_has("3 to adopt");
    plan.stdout_has(r#"attributes.topic    "theirs" → "today""#)
        .stdout_has("Plan: 0 to create, ")
        .stdout_has("Refreshed: 3 rooms asked");
    let applied =
        served.run(&dir, "apply --auto-approve").exits(0).stdout_has("Applied: 3 adopted.");
    applied.stderr_has("chat/news: adopted").output_lacks("created").output_lacks("not created");
    served.run(&dir, "plan").exits(0).stdout_has("No changes: 3 rooms, 0 asked.");
}

#[test]
fn a_create_that_adopts_a_room_lists_the_overwritten_values() {
    let (dir, served) = with_rooms_of_another_state();
    served.run(&dir, "plan --refresh never").exits(0).stdout_has("Plan: 3 to create, ");
    let applied = served.run(&dir, "apply --auto-approve --refresh never").exits(0);
    let applied = applied.stdout_has("Applied: 3 adopted.").stderr_has("chat/news: adopted");
    let adopted = "adopted, not created: it existed already;";
    let applied = applied.stdout_has(&format!("chat/news: {adopted} overwritten: {OVERWRITTEN}\n"));
    let adopted = "2 rooms: adopted, not created: they existed already;";
    let applied =
        applied.stdout_has(&format!("{adopted} no value was overwritten\n    chat/lobby, "));
    applied.output_lacks(": created").output_lacks(" 3 created");
    served.run(&dir, "plan --refresh all").exits(0).stdout_has("No changes: 3 rooms, 3 asked.");
}

#[test]
fn json_events_contain_the_adopt_action_and_overwritten_values() {
    let (dir, served) = with_rooms_of_another_state();
    for refresh in ["never", "due"] {
        let line =
            format!("apply --auto-approve --format json --refresh {refresh} --state {refresh}");
        let ran = served.run(&dir, &line).exits(0);
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
    let (dir, served) = with_rooms_of_another_state();
    dir.edit("on_conflict: adopt", "on_conflict: fail");
    let message = "a room of this id exists and is not in this state (a lost state, another state, or \
                 created by hand?)";
    let plan = served.run(&dir, "plan --refresh all --detailed-exitcode --full").exits(2);
    let plan = plan.stdout_has(message).stdout_has("Nothing can be done now: 3 blocked.");
    plan.stdout_has("`roomctl import chat/news` or `on_conflict: adopt` takes it over");
    let failed = served.run(&dir, "apply --auto-approve --full").exits(1);
    let failed =
        failed.stdout_has(message).stdout_has("roomctl import chat/news").stdout_has("3 failed");
    failed.output_lacks("not made by").output_lacks("we did not make");
}
