//! What happens while a plan is applied, one JSON object a line.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Action, Address, Event, Outcome, Overwritten, Plan, StepFailure, StepWait, Value,
};

use super::document::people;
use super::json::{Document, document, write_line};

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Plan(Box<Document<'a>>),
    StepStarted {
        address: &'a Address,
        action: Action,
    },
    StepDone {
        address: &'a Address,
        action: Action,
        request_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        overwritten: Vec<OverwrittenShown<'a>>,
    },
    StepFailed {
        address: &'a Address,
        action: Action,
        message: &'a str,
        code: Option<i64>,
        request_id: Option<&'a str>,
        pending: bool,
        partial: bool,
    },
    StepWaiting {
        address: &'a Address,
        action: Action,
        people: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
    StepNotTried {
        address: &'a Address,
        action: Action,
        why: &'static str,
    },
    Summary {
        done: BTreeMap<&'static str, u64>,
        failed: usize,
        waiting: usize,
        not_tried: usize,
        blocked: u64,
        unread: u64,
    },
}

#[derive(Serialize)]
struct OverwrittenShown<'a> {
    path: &'a str,
    before: &'a Value,
    after: &'a Value,
}

/// Writes the plan as the first line of an apply.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_event_json(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    write_line(out, &Line::Plan(Box::new(document(plan))))
}

/// Writes what happened to one step.
///
/// # Errors
/// Returns the error of `out`.
pub fn event_json(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    write_line(out, &line(event))
}

/// Writes what came of a run: its last line. `done` counts the steps by action.
///
/// # Errors
/// Returns the error of `out`.
pub fn summary_json(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let Outcome { done, adopted: _, failed, waiting, not_tried, blocked, unread } = outcome;
    let mut counts = BTreeMap::new();
    for (_, action) in done {
        *counts.entry(action.as_str()).or_default() += 1;
    }
    let (failed, waiting, not_tried) = (failed.len(), waiting.len(), not_tried.len());
    let (blocked, unread) = (*blocked, *unread);
    write_line(out, &Line::Summary { done: counts, failed, waiting, not_tried, blocked, unread })
}

fn line(event: &Event) -> Line<'_> {
    match event {
        Event::Started(address, action) => Line::StepStarted { address, action: *action },
        Event::Done { address, action, request_id, overwritten } => Line::StepDone {
            address,
            action: *action,
            request_id: request_id.as_deref(),
            overwritten: overwritten.iter().map(shown).collect(),
        },
        Event::Failed(failure) => failed(failure),
        Event::Waiting(StepWait { address, action, people: inside, unasked }) => {
            let message = unasked.as_deref();
            Line::StepWaiting { address, action: *action, people: people(*inside), message }
        }
        Event::NotTried(address, action, why) => {
            Line::StepNotTried { address, action: *action, why: why.as_str() }
        }
    }
}

fn shown(overwritten: &Overwritten) -> OverwrittenShown<'_> {
    let Overwritten { path, before, after } = overwritten;
    OverwrittenShown { path, before, after }
}

fn failed(failure: &StepFailure) -> Line<'_> {
    let StepFailure { address, action, message, code, request_id, pending, partial } = failure;
    Line::StepFailed {
        address,
        action: *action,
        message,
        code: *code,
        request_id: request_id.as_deref(),
        pending: *pending,
        partial: *partial,
    }
}
