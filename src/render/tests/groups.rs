//! Tests of grouped steps with the same change, and of grouped rooms with the same cause.

use super::*;
use crate::model::{Adoption, NotTried, Outcome, StepFailure};

/// Returns a step that changes the delay of a room.
fn longer_delay(text: &str) -> Step {
    let named = |seconds| {
        let delay = Some(Delay::from_seconds(seconds));
        Arc::new(Room { name: Some(text.into()), destroy_delay_time: delay, ..Room::default() })
    };
    Step {
        before: Some(named(3600)),
        after: Some(named(7200)),
        ..step(text, Action::Replace, Reason::DelayChanged)
    }
}

/// Returns the lines of a plan with these steps that begin with an action.
fn headlines(steps: Vec<Step>, layout: Layout) -> Vec<String> {
    let view = View { layout, ..VIEW };
    let text = written(|out| plan_text(out, &Plan { steps, ..empty() }, &view));
    let is_headline = |line: &&str| line.contains("chat/") && !line.starts_with("      ");
    text.lines().filter(is_headline).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn adjacent_steps_with_the_same_change_are_one_group() {
    let steps: Vec<Step> = (1..500).map(|n| longer_delay(&format!("chat/table-{n:03}"))).collect();
    let text = written(|out| plan_text(out, &Plan { steps: steps.clone(), ..empty() }, &VIEW));
    let group = "-/+ replace 499 rooms  delay_changed  chat/table-001 … chat/table-499\n      \
                 destroy_delay_time  1h → 2h\n      waits until the room is empty\n";
    assert!(text.contains(group), "{text}");
    assert_eq!(text.matches("chat/table-").count(), 2, "{text}");
    for layout in [Layout::Full, Layout::Diff] {
        let lines = headlines(steps.clone(), layout);
        assert_eq!(lines.iter().filter(|line| line.starts_with("-/+ replace")).count(), 499);
    }
}

#[test]
fn a_group_ends_at_a_step_with_another_change() {
    let mut steps: Vec<Step> = ["chat/a", "chat/b", "chat/d", "chat/e"].map(longer_delay).into();
    let create =
        Step { after: Some(room("C", &[])), ..step("chat/c", Action::Create, Reason::Vanished) };
    steps.push(create);
    assert_eq!(
        headlines(steps, Layout::Grouped),
        [
            "-/+ replace 2 rooms  delay_changed  chat/a … chat/b",
            "-/+ replace 2 rooms  delay_changed  chat/d … chat/e",
            "+ create   chat/c  vanished",
        ]
    );
}

#[test]
fn steps_with_different_changes_reasons_or_notes_are_not_grouped() {
    let other_reason = Step { reason: Reason::NameChanged, ..longer_delay("chat/b") };
    let occupied = Step { people: People::Nobody, ..longer_delay("chat/c") };
    let named = Step { after: Some(room("Other", &[])), ..longer_delay("chat/d") };
    let steps = vec![longer_delay("chat/a"), other_reason, occupied, named];
    assert_eq!(headlines(steps, Layout::Grouped).len(), 4);
}

#[test]
fn destroys_are_never_grouped() {
    let steps = |action| ["chat/a", "chat/b"].map(|it| step(it, action, Reason::NotDeclared));
    assert_eq!(headlines(steps(Action::Destroy).into(), Layout::Grouped).len(), 2);
    assert_eq!(headlines(steps(Action::Forget).into(), Layout::Grouped).len(), 1);
}

#[test]
fn a_group_can_be_larger_than_a_batch() {
    let many = 40_000;
    let steps: Vec<Step> = (0..many).map(|n| longer_delay(&format!("chat/t-{n:05}"))).collect();
    assert_eq!(
        headlines(steps, Layout::Grouped),
        ["-/+ replace 40000 rooms  delay_changed  chat/t-00000 … chat/t-39999"]
    );
}

/// Returns a plan with 12 rooms that are all held back.
fn all_held(reason: impl Fn(u64) -> HeldReason) -> Plan {
    let held = |n| Held {
        step: step(&format!("chat/r{n:02}"), Action::Create, Reason::AlreadyExists),
        reason: reason(n),
    };
    Plan { blocked: (0..12).map(held).collect(), ..empty() }
}

#[test]
fn rooms_held_back_for_the_same_cause_are_one_group() {
    let conflict = all_held(|_| HeldReason::Conflict);
    let text = written(|out| plan_text(out, &conflict, &VIEW));
    let group = "  + create 12 rooms exist already and are not in this state: chat/r00, chat/r01, \
                 chat/r02, chat/r03, chat/r04, chat/r05, chat/r06, chat/r07, chat/r08, chat/r09 and 2 \
                 more\n      a lost state, another state, or created by hand? `roomctl import ADDRESS` or \
                 `on_conflict: adopt` takes them over\n";
    assert!(text.contains(group), "{text}");
    let full = View { layout: Layout::Full, ..VIEW };
    let text = written(|out| plan_text(out, &conflict, &full));
    assert_eq!(text.matches("a room of this id exists").count(), 12, "{text}");
    let occupied = all_held(|n| HeldReason::Occupied(People::Count(n % 2 + 1)));
    let text = written(|out| plan_text(out, &occupied, &VIEW));
    assert!(text.contains("6 rooms have 1 person inside: chat/r00, chat/r02"), "{text}");
    assert!(text.contains("6 rooms have 2 people inside: chat/r01, chat/r03"), "{text}");
    let mut destroys = all_held(|_| HeldReason::PreventDestroy);
    destroys.blocked.iter_mut().for_each(|held| held.step.action = Action::Destroy);
    let text = written(|out| plan_text(out, &destroys, &VIEW));
    assert_eq!(text.matches("  - destroy  chat/r").count(), 12, "{text}");
}

#[test]
fn rooms_waiting_for_the_same_next_life_are_one_group() {
    let held = |n: u64| {
        let name = if n < 3 { "Hall" } else { "Bar" };
        let step = step(&format!("chat/r{n}"), Action::Replace, Reason::NameChanged);
        let (before, after) = (Some(room("Lobby", &[])), Some(room(name, &[])));
        Held { step: Step { before, after, ..step }, reason: HeldReason::NextLife }
    };
    let plan = Plan { waiting: (0..5).map(held).collect(), ..empty() };
    let text = written(|out| plan_text(out, &plan, &VIEW));
    assert!(text.contains("replace 3 rooms wait for their next life"), "{text}");
    for (rooms, name) in [("chat/r0, chat/r1, chat/r2", "Hall"), ("chat/r3, chat/r4", "Bar")] {
        let group = format!(
            "`replace: on_next_vanish`): {rooms}\n      `replace: now` replaces it at once\n      \
             name  \"Lobby\" → \"{name}\"\n"
        );
        assert!(text.contains(&group), "{text}");
    }
}

#[test]
fn rooms_unread_for_the_same_cause_are_one_group() {
    let unread = |n: u64, why: String| Unread { address: address(&format!("chat/u{n}")), why };
    let refused = |n| unread(n, format!("QueryRoom: chat/u{n} is busy (code 7, request r-{n})"));
    let mut rooms: Vec<Unread> = (0..3).map(refused).collect();
    rooms.push(unread(9, "no answer".to_owned()));
    let text = written(|out| plan_text(out, &Plan { unread: rooms, ..empty() }, &VIEW));
    let section = "    3 rooms: QueryRoom: ADDRESS is busy (code 7)\n        chat/u0, chat/u1, chat/u2\n    \
                   chat/u9: no answer\n";
    assert!(text.contains(section), "{text}");
}

#[test]
fn findings_that_differ_only_in_their_room_are_printed_once() {
    let empty_room = |text: &str| {
        let warning = Finding::warning("attributes_dropped", format!("{text} is empty"));
        warning.about(&address(text))
    };
    let mut findings: Vec<Finding> = ["chat/a", "chat/ab", "chat/c"].map(empty_room).into();
    findings.insert(1, Finding::warning("x", "something else"));
    let plan = Plan { findings, ..empty() };
    let grouped = written(|out| plan_text(out, &plan, &VIEW));
    let start = "warning: chat/a is empty\nthe same for 2 more rooms: chat/ab, chat/c\n\nwarning: \
                 something else\n";
    assert!(grouped.starts_with(start), "{grouped}");
    let full = written(|out| plan_text(out, &plan, &View { layout: Layout::Full, ..VIEW }));
    assert_eq!(full.matches("warning: ").count(), 4, "{full}");
}

fn failure(n: u64) -> StepFailure {
    StepFailure {
        address: address(&format!("chat/f{n:03}")),
        action: Action::Create,
        message: format!("the room was not made: CreateRoom: chat/f{n:03} is refused"),
        code: Some(42),
        request_id: Some(format!("req-{n}")),
        pending: false,
        partial: false,
    }
}

fn adopted(text: &str) -> Adoption {
    Adoption { address: address(text), overwritten: vec![overwritten("name", "theirs", "ours")] }
}

#[test]
fn failures_with_the_same_cause_are_one_group_in_any_order() {
    let waiting = |n| wait(address(&format!("chat/w{n}")), Action::Destroy, People::Count(3));
    let outcome = Outcome {
        failed: (0..300).map(failure).chain([StepFailure { code: None, ..failure(999) }]).collect(),
        waiting: (1..3).map(waiting).collect(),
        adopted: vec![adopted("chat/y"), adopted("chat/z")],
        not_tried: ["chat/p", "chat/q"]
            .map(|it| (address(it), Action::Create, NotTried::Interrupted))
            .into(),
        ..Outcome::default()
    };
    let mut reversed = outcome.clone();
    reversed.failed.reverse();
    reversed.waiting.reverse();
    reversed.adopted.reverse();
    reversed.not_tried.reverse();
    let printed = |outcome| written(|out| outcome_text(out, outcome, Layout::Grouped));
    assert_eq!(printed(&outcome), printed(&reversed));
    insta::assert_snapshot!(printed(&outcome), @r#"
    2 rooms: adopted, not created: they existed already; overwritten: name "theirs" → "ours"
        chat/y, chat/z
    300 rooms: create failed: the room was not made: CreateRoom: ADDRESS is refused (code 42, first request req-0)
        chat/f000, chat/f001, chat/f002, chat/f003, chat/f004, chat/f005, chat/f006, chat/f007, chat/f008, chat/f009 and 290 more
    chat/f999: create failed: the room was not made: CreateRoom: chat/f999 is refused (request req-999)
    2 rooms: destroy waits: 3 people inside; `on_occupied: destroy`, or `--evict ADDRESS` for one run, disconnects them
        chat/w1, chat/w2
    Not tried: chat/p, chat/q: the run was interrupted; apply again
    Applied: nothing; 301 failed, 2 waiting, 2 not tried.
    "#);
    let full = written(|out| outcome_text(out, &reversed, Layout::Full));
    assert_eq!(full.matches("create failed").count(), 301);
}
