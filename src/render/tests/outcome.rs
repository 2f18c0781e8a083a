//! Tests of the text of an outcome.

use super::*;
use crate::model::{Adoption, NotTried, Outcome, StepFailure};

fn failure(text: &str, pending: bool) -> StepFailure {
    StepFailure {
        address: address(text),
        action: Action::Create,
        message: "room id exists already; `roomctl import` takes it".to_owned(),
        code: (!pending).then_some(660_300_014),
        request_id: Some("req-9".to_owned()),
        pending,
        partial: false,
    }
}

#[test]
fn an_outcome_with_everything() {
    let done = [Action::Create, Action::Destroy, Action::Create, Action::Forget];
    let many = (0..13).map(|n| (address(&format!("chat/n{n}")), Action::Create, NotTried::Quota));
    let gate = (address("chat/old"), Action::Destroy, NotTried::Gate);
    let outcome = Outcome {
        done: done.map(|action| (address("chat/a"), action)).to_vec(),
        failed: vec![failure("chat/b", false), failure("chat/c", true)],
        waiting: vec![
            wait(address("chat/d"), Action::Destroy, People::Count(300)),
            wait(address("chat/e"), Action::Replace, People::Unknown),
        ],
        not_tried: many.chain([gate]).collect(),
        adopted: vec![
            Adoption {
                address: address("chat/f"),
                overwritten: vec![overwritten("attributes.topic", "theirs\u{1b}", "ours")],
            },
            Adoption { address: address("chat/g"), overwritten: Vec::new() },
        ],
        blocked: 2,
        unread: 1,
        scope: None,
    };
    insta::assert_snapshot!(written(|out| outcome_text(out, &outcome, Layout::Grouped)));
}

#[test]
fn an_outcome_without_failures() {
    let outcome = Outcome { done: vec![(address("chat/a"), Action::Create)], ..Outcome::default() };
    assert_eq!(
        written(|out| outcome_text(out, &outcome, Layout::Grouped)),
        "Applied: 1 created.\n"
    );
    assert_eq!(
        written(|out| outcome_text(out, &Outcome::default(), Layout::Grouped)),
        "Applied: nothing.\n"
    );
}

#[test]
fn an_event_is_one_line_without_the_reason_for_a_failure() {
    let done = |request_id: Option<&str>| {
        let (request_id, overwritten) = (request_id.map(str::to_owned), Vec::new());
        event("chat/a", Action::Recreate, StepProgress::Done { request_id, overwritten })
    };
    let wait = wait(address("chat/c"), Action::Destroy, People::AtLeast(500));
    let failed =
        StepFailure { message: "two\nlines\u{1b}[2J".to_owned(), ..failure("chat/b", false) };
    let events = [
        event("chat/a", Action::Recreate, StepProgress::Started),
        done(Some("req-1")),
        done(None),
        event("chat/b", Action::Create, StepProgress::Failed(failed)),
        event("chat/c", Action::Destroy, StepProgress::Waiting(wait)),
        event("chat/d", Action::Create, StepProgress::NotTried(NotTried::Interrupted)),
    ];
    let text = written(|out| events.iter().try_for_each(|event| event_text(out, event)));
    insta::assert_snapshot!(text);
    assert_eq!(text.lines().count(), 3);
}
