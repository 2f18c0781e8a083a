//! Tests of the text of a plan.

use super::*;
use crate::model::{Holder, OnRemove, ProviderName, RepairPlan, RunInProgress, Timestamp};

#[test]
fn a_plan_with_everything() {
    insta::assert_snapshot!(written(|out| plan_text(out, &full(), &VIEW)));
}

#[test]
fn a_plan_as_unified_diffs() {
    let view = View { layout: Layout::Diff, ..VIEW };
    let mut steps = full().steps;
    for step in &mut steps {
        step.on_occupied = OnOccupied::Destroy;
    }
    let plan = Plan { steps, gate: Gate::default(), ..empty() };
    insta::assert_snapshot!(written(|out| plan_text(out, &plan, &view)));
}

#[test]
fn a_plan_with_nothing_to_do_is_one_line() {
    let line = |change: &dyn Fn(&mut Plan)| {
        let mut plan = empty();
        change(&mut plan);
        written(|out| plan_text(out, &plan, &VIEW))
    };
    assert_eq!(line(&|_| ()), "No changes: 38 rooms, 0 asked.\n");
    let one = line(&|plan| plan.summary = Summary { unchanged: 1, asked: 1, ..plan.summary });
    assert_eq!(one, "No changes: 1 room, 1 asked.\n");
    let emulated = line(&|plan| plan.emulated = true);
    assert_eq!(emulated, "No changes: 38 rooms, 0 asked, on the built-in emulator.\n");
    let unasked = line(&|plan| plan.summary.not_asked = 300);
    assert_eq!(
        unasked,
        "No changes to what is recorded; 300 due rooms not asked: no credentials.\n"
    );
    let warned = line(&|plan| plan.findings = vec![Finding::warning("x", "look out")]);
    assert_eq!(warned, "warning: look out\nNo changes: 38 rooms, 0 asked.\n");
}

#[test]
fn no_changes_is_printed_only_if_nothing_is_held_or_unread() {
    let Plan { waiting, blocked, unread, .. } = full();
    let last = |waiting: &[Held], blocked: &[Held], unread: &[Unread], not_asked| {
        let plan = Plan {
            waiting: waiting.to_vec(),
            blocked: blocked.to_vec(),
            unread: unread.to_vec(),
            summary: Summary {
                waiting: waiting.len() as u64,
                blocked: blocked.len() as u64,
                unread: unread.len() as u64,
                not_asked,
                ..empty().summary
            },
            emulated: not_asked == 0,
            ..empty()
        };
        let text = written(|out| plan_text(out, &plan, &VIEW));
        assert!(!text.contains("No changes") && !text.contains("Digest"), "{text}");
        text.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(
        last(&waiting, &blocked, &unread, 0),
        "Nothing can be done now: 3 blocked, 1 waiting, 1 unread, on the built-in emulator."
    );
    assert_eq!(
        last(&[], &blocked, &[], 2),
        "Nothing can be done now: 3 blocked; 2 due rooms not asked: no credentials."
    );
    assert_eq!(
        last(&waiting, &[], &[], 0),
        "Nothing can be done now: 1 waiting, on the built-in emulator."
    );
    assert_eq!(
        last(&[], &[], &unread, 0),
        "Nothing can be done now: 1 unread, on the built-in emulator."
    );
}

#[test]
fn changed_bookkeeping_is_shown_as_old_and_new_values() {
    let before = Bookkeeping {
        lifecycle: Lifecycle::default(),
        ignore_changes: Box::default(),
        sides: Sides::default(),
        source: "old.yaml".into(),
    };
    let names = ["chat", "video"].map(|name| ProviderName::new(name).expect("a name"));
    let step = |lifecycle, sides| Step {
        before: Some(room("A", &[])),
        after: Some(room("A", &[])),
        lifecycle,
        sides,
        bookkeeping: Some(Box::new(before.clone())),
        ..step("chat/a", Action::Record, Reason::BookkeepingChanged)
    };
    let kept = Lifecycle { prevent_destroy: true, on_remove: OnRemove::Forget };
    let steps =
        vec![step(Lifecycle::default(), Sides::default()), step(kept, Sides::new(names.into()))];
    let text = written(|out| plan_text(out, &Plan { steps, ..empty() }, &VIEW));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("   ")).collect();
    assert_eq!(
        rows,
        [
            "      source  \"old.yaml\" → \"rooms.yaml\"",
            "      prevent_destroy  false → true",
            "      on_remove        \"destroy\" → \"forget\"",
            "      sides            (none) → [chat, video]",
            "      source           \"old.yaml\" → \"rooms.yaml\"",
        ]
    );
}

#[test]
fn the_text_of_a_plan_has_colours() {
    let mut bytes = Vec::new();
    plan_text(&mut bytes, &full(), &VIEW).expect("memory takes everything");
    assert!(bytes.contains(&0x1b));
}

#[test]
fn a_plan_states_what_happens_to_the_people_inside() {
    use OnOccupied::{Defer, Destroy};
    let note = |action, people, on_occupied| {
        let step = Step { people, on_occupied, ..step("chat/a", action, Reason::NotDeclared) };
        let plan = Plan { steps: vec![step], ..empty() };
        let text = written(|out| plan_text(out, &plan, &VIEW));
        text.lines().nth(4).unwrap_or_default().trim().to_owned()
    };
    let destroy = |people, policy| note(Action::Destroy, people, policy);
    assert_eq!(destroy(People::Count(300), Destroy), "300 people inside are disconnected");
    assert_eq!(destroy(People::Count(1), Destroy), "1 person inside is disconnected");
    let many = "at least 500 people inside are disconnected";
    assert_eq!(destroy(People::AtLeast(500), Destroy), many);
    assert_eq!(destroy(People::Unknown, Destroy), "people inside are disconnected");
    assert_eq!(destroy(People::Nobody, Destroy), "the room was empty");
    assert_eq!(note(Action::Replace, People::Unknown, Defer), "waits until the room is empty");
}

#[test]
fn nothing_in_a_plan_controls_the_terminal() {
    let evil = "\u{1b}[2J\u{202e}evil\r";
    let lines = "one\ntwo\u{1b}[2J\nthree";
    let mut plan = full();
    let step = Step {
        before: Some(room(evil, &[(evil, evil), ("lines", "one\ntwo")])),
        after: Some(room("ok", &[(evil, "ok"), ("lines", lines)])),
        source: Some(evil.into()),
        ..step(&format!("chat/{evil}"), Action::Replace, Reason::NameChanged)
    };
    plan.steps.push(step.clone());
    plan.waiting.push(Held { step, reason: HeldReason::Occupied(People::Count(1)) });
    plan.unread.push(Unread { address: address(&format!("chat/{evil}")), why: evil.to_owned() });
    plan.findings.push(Finding::warning("x", evil).help(evil));
    plan.gate.refusals.push(Refusal { kind: RefusalKind::FileNotRead, message: evil.to_owned() });
    for layout in [Layout::Grouped, Layout::Full, Layout::Diff] {
        let view = View { layout, state: evil };
        let mut bytes = Vec::new();
        plan_text(&mut bytes, &plan, &view).expect("memory takes everything");
        let text = String::from_utf8(bytes).expect("text");
        assert!(!text.contains("\u{1b}[2J") && !text.contains(['\u{202e}', '\r']), "{text}");
    }
}

#[test]
fn long_durations_have_minutes_and_hours() {
    let formatted = |millis| counts::duration(Duration::from_millis(millis));
    assert_eq!(
        [100, 12_000, 12_300, 200_000, 3_900_000].map(formatted),
        ["0.1 s", "12 s", "12.3 s", "3 min 20 s", "1 h 5 min"]
    );
}

#[test]
fn rooms_that_another_run_is_changing_are_on_one_line() {
    let shown = |rooms: &[&str]| {
        let rooms = rooms.iter().map(|room| address(room)).collect();
        let plan = Plan { in_progress: Some(RunInProgress { by: holder(), rooms }), ..empty() };
        let text = written(|out| plan_text(out, &plan, &VIEW));
        let line = text.lines().find(|line| line.contains("`roomctl apply`")).expect("a line");
        line.to_owned()
    };
    let by = "`roomctl apply` of ada on desk, process 12, since 1970-01-01T00:00:07.000Z";
    assert_eq!(shown(&[]), format!("Another run in progress: {by}"));
    assert_eq!(shown(&["chat/a"]), format!("Being changed by {by}: chat/a"));
    let several = shown(&["chat/a", "chat/b", "chat/c"]);
    assert_eq!(several, format!("Being changed by {by}: 3 rooms, chat/a … chat/c"));
}

#[test]
fn a_run_in_progress_is_in_the_document() {
    let rooms = vec![address("chat/a")];
    let plan = Plan { in_progress: Some(RunInProgress { by: holder(), rooms }), ..empty() };
    let text = written(|out| plan_json(out, &plan));
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["in_progress"]["by"]["pid"], 12);
    assert_eq!(document["in_progress"]["rooms"][0], "chat/a");
}

fn holder() -> Holder {
    Holder {
        pid: 12,
        host: "desk".to_owned(),
        user: "ada".to_owned(),
        command: "roomctl apply".to_owned(),
        time: Timestamp::from_millis(7000),
    }
}

#[test]
fn a_repair_lists_every_room() {
    let plan = RepairPlan {
        found: vec!["rooms.state.json: it does not match its checksum".to_owned()],
        compared_with: "the newest copy".to_owned(),
        added: vec![address("chat/a")],
        changed: vec![address("chat/b")],
        lost: vec![address("chat/c")],
        serial: 8,
        rooms: 2,
    };
    insta::assert_snapshot!(written(|out| repair_text(out, &plan)), @r"
    rooms.state.json: it does not match its checksum

    Compared with the newest copy:
    + chat/a  added
    ~ chat/b  changed
    - chat/c  lost
    Rooms that are lost and still live become unmanaged.

    Repair: 1 added, 1 changed, 1 lost; the state would have 2 rooms at serial 8.
    ");
}
