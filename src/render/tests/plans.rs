//! The plan as people read it.

use super::*;
use crate::model::{OnRemove, ProviderName};

#[test]
fn a_plan_with_everything() {
    insta::assert_snapshot!(written(|out| plan_text(out, &full(), &VIEW)));
}

#[test]
fn a_plan_as_unified_diffs() {
    let view = View { detail: Detail::Unified, ..VIEW };
    let mut steps = full().steps;
    for step in &mut steps {
        step.on_occupied = OnOccupied::Destroy;
    }
    let plan = Plan { steps, gate: Gate::default(), ..empty() };
    insta::assert_snapshot!(written(|out| plan_text(out, &plan, &view)));
}

#[test]
fn a_plan_without_steps() {
    insta::assert_snapshot!(written(|out| plan_text(out, &empty(), &VIEW)));
}

#[test]
fn bookkeeping_is_shown_from_old_to_new_where_it_differs() {
    let before = Bookkeeping {
        lifecycle: Lifecycle::default(),
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
fn colours_are_there_to_be_stripped() {
    let mut bytes = Vec::new();
    plan_text(&mut bytes, &full(), &VIEW).expect("memory takes everything");
    assert!(bytes.contains(&0x1b));
}

#[test]
fn what_happens_to_the_people_inside_is_said() {
    use OnOccupied::{Defer, Destroy};
    let said = |action, people, on_occupied| {
        let doomed = Step { people, on_occupied, ..step("chat/a", action, Reason::NotDeclared) };
        let plan = Plan { steps: vec![doomed], ..empty() };
        let text = written(|out| plan_text(out, &plan, &VIEW));
        text.lines().nth(4).unwrap_or_default().trim().to_owned()
    };
    let destroy = |people, policy| said(Action::Destroy, people, policy);
    assert_eq!(destroy(People::Count(300), Destroy), "300 people inside are thrown out");
    assert_eq!(destroy(People::Count(1), Destroy), "1 person inside is thrown out");
    let many = "at least 500 people inside are thrown out";
    assert_eq!(destroy(People::AtLeast(500), Destroy), many);
    assert_eq!(destroy(People::Unknown, Destroy), "people inside are thrown out");
    assert_eq!(destroy(People::Nobody, Destroy), "nobody was inside");
    assert_eq!(said(Action::Replace, People::Unknown, Defer), "waits until nobody is inside");
}

#[test]
fn nothing_in_a_plan_steers_the_terminal() {
    let evil = "\u{1b}[2J\u{202e}evil\r";
    let lines = "one\ntwo\u{1b}[2J\nthree";
    let mut plan = full();
    let doomed = Step {
        before: Some(room(evil, &[(evil, evil), ("lines", "one\ntwo")])),
        after: Some(room("ok", &[(evil, "ok"), ("lines", lines)])),
        source: Some(evil.into()),
        ..step(&format!("chat/{evil}"), Action::Replace, Reason::NameChanged)
    };
    plan.steps.push(doomed.clone());
    plan.waiting.push(Held { step: doomed, reason: HeldReason::Occupied(People::Count(1)) });
    plan.unread.push(Unread { address: address(&format!("chat/{evil}")), why: evil.to_owned() });
    plan.findings.push(Finding::warning("x", evil).help(evil));
    plan.gate.refusals.push(Refusal { kind: RefusalKind::FileNotRead, message: evil.to_owned() });
    for detail in [Detail::Fields, Detail::Unified] {
        let view = View { detail, state: evil };
        let mut bytes = Vec::new();
        plan_text(&mut bytes, &plan, &view).expect("memory takes everything");
        let text = String::from_utf8(bytes).expect("text");
        assert!(!text.contains("\u{1b}[2J") && !text.contains(['\u{202e}', '\r']), "{text}");
    }
}

#[test]
fn long_spans_are_in_words() {
    let said = |millis| words::span(Duration::from_millis(millis));
    assert_eq!(
        [100, 12_000, 12_300, 200_000, 3_900_000].map(said),
        ["0.1 s", "12 s", "12.3 s", "3 min 20 s", "1 h 5 min"]
    );
}
