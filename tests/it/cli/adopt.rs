//! Rooms that exist and are not recorded: adopting is called adopting, and says what it overwrites.

use serde_json::json;

use super::desk::{Desk, THREE_ROOMS};
use super::served::Served;

/// What is overwritten when the room of another state is adopted.
const OVERWRITTEN: &str = r#"attributes.topic "theirs" → "today""#;

/// A service with three rooms, of which the state `rooms.state.json` knows none.
fn with_rooms_of_another_state() -> (Desk, Served) {
    let desk = Desk::with(&THREE_ROOMS.replace("topic: today", "topic: theirs"));
    let served = Served::start(&desk, "");
    served.run(&desk, "apply --auto-approve --state theirs.json").ends(0);
    desk.edit("topic: theirs", "topic: today");
    desk.edit("defaults:", "policy: {on_conflict: adopt}\ndefaults:");
    (desk, served)
}

#[test]
fn a_plan_asks_after_new_rooms_that_it_would_adopt() {
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
fn a_create_that_finds_the_room_says_that_it_adopted_it_and_what_it_overwrote() {
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
fn scripts_read_it_too() {
    let (desk, served) = with_rooms_of_another_state();
    for refresh in ["never", "due"] {
        let line =
            format!("apply --auto-approve --format json --refresh {refresh} --state {refresh}");
        let ran = served.run(&desk, &line).ends(0);
        let lines = ran.lines();
        let news = |line: &&serde_json::Value| {
            line["event"] == "step_done" && line["address"] == "chat/news"
        };
        let done = lines.iter().find(news).expect("it is done");
        assert_eq!(done["action"], "adopt", "{ran}");
        let expected = json!([{"path": "attributes.topic", "before": "theirs", "after": "today"}]);
        if refresh == "never" {
            assert_eq!(done["overwritten"], expected, "{ran}");
        }
        assert_eq!(lines[lines.len() - 1]["done"], json!({"adopt": 3}), "{ran}");
    }
}

#[test]
fn a_room_of_a_lost_state_is_not_said_to_be_somebody_elses() {
    let (desk, served) = with_rooms_of_another_state();
    desk.edit("on_conflict: adopt", "on_conflict: fail");
    let words = "a room of this id exists and is not in this state (a lost state, another state, or \
                 created by hand?)";
    let plan = served.run(&desk, "plan --refresh all --detailed-exitcode --full").ends(2);
    let plan = plan.prints(words).prints("Nothing can be done now: 3 blocked.");
    plan.prints("`roomctl import chat/news` or `on_conflict: adopt` takes it over");
    let failed = served.run(&desk, "apply --auto-approve --full").ends(1);
    let failed = failed.prints(words).prints("roomctl import chat/news").prints("3 failed");
    failed.keeps_from("not made by").keeps_from("we did not make");
}
