//! The events of an apply as JSON lines.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Action, Address, Finding, Outcome, Overwritten, Partial, Plan, Reason, StepEvent, StepFailure,
    StepProgress, StepWait, Timestamp, Value, WaitReason,
};

use super::document::{Each, people};
use super::json::{PlanDocument, document, write_line};
use super::outcome::FOR_NEXT_LIFE;

/// One line: the event, its time, and its fields.
#[derive(Serialize)]
struct EventLine<T> {
    event: &'static str,
    time: Timestamp,
    #[serde(flatten)]
    content: T,
}

/// A step event: the fields of all events, and those of one.
#[derive(Serialize)]
struct StepLine<'a, T> {
    address: &'a Address,
    action: Action,
    reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(flatten)]
    details: T,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct DoneDetails<'a> {
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overwritten: Vec<OverwrittenJson<'a>>,
}

#[derive(Serialize)]
struct FailedDetails<'a> {
    message: &'a str,
    code: Option<i64>,
    request_id: Option<&'a str>,
    pending: bool,
    partial: bool,
}

#[derive(Serialize)]
struct WaitingDetails<'a> {
    people: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct NotTriedDetails {
    why: &'static str,
}

#[derive(Serialize)]
struct OverwrittenJson<'a> {
    path: &'a str,
    before: &'a Value,
    after: &'a Value,
}

#[derive(Serialize)]
struct ErrorContent<'a> {
    code: &'a str,
    message: &'a str,
    findings: Each<'a, Finding>,
}

#[derive(Serialize)]
struct SummaryContent<'a> {
    done: BTreeMap<&'static str, u64>,
    failed: usize,
    waiting: usize,
    not_tried: usize,
    blocked: u64,
    unread: u64,
    scope: Option<&'a Partial>,
    exit_code: u8,
}

/// Writes the plan as the first line of an apply.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_event_json(out: &mut dyn Write, plan: &Plan, time: Timestamp) -> io::Result<()> {
    let content: PlanDocument<'_> = document(plan);
    write_line(out, &EventLine { event: "plan", time, content })
}

/// Writes the event of a step.
///
/// # Errors
/// Returns the error of `out`.
pub fn event_json(out: &mut dyn Write, event: &StepEvent, time: Timestamp) -> io::Result<()> {
    match &event.progress {
        StepProgress::Started => step(out, "step_started", time, event, Nothing {}),
        StepProgress::Done { request_id, overwritten } => {
            let overwritten = overwritten.iter().map(overwritten_json).collect();
            let details = DoneDetails { request_id: request_id.as_deref(), overwritten };
            step(out, "step_done", time, event, details)
        }
        StepProgress::Failed(failure) => {
            step(out, "step_failed", time, event, failed_details(failure))
        }
        StepProgress::Waiting(wait) => {
            let StepWait { address: _, action: _, reason } = wait;
            let (people, message) = match reason {
                WaitReason::People(inside) => (people(*inside), None),
                WaitReason::Unread(why) => (None, Some(why.as_str())),
                WaitReason::NextLife => (None, Some(FOR_NEXT_LIFE)),
            };
            let details = WaitingDetails { people, message };
            step(out, "step_waiting", time, event, details)
        }
        StepProgress::NotTried(why) => {
            step(out, "step_not_tried", time, event, NotTriedDetails { why: why.as_str() })
        }
    }
}

/// Writes the error that ended a run.
///
/// # Errors
/// Returns the error of `out`.
pub fn error_event_json(
    out: &mut dyn Write,
    code: &str,
    message: &str,
    findings: &[Finding],
    time: Timestamp,
) -> io::Result<()> {
    let content = ErrorContent { code, message, findings: Each(findings) };
    write_line(out, &EventLine { event: "error", time, content })
}

/// Writes the last line of a run: its outcome, with the number of steps done by action, and the exit
/// code of the process.
///
/// # Errors
/// Returns the error of `out`.
pub fn summary_json(
    out: &mut dyn Write,
    outcome: &Outcome,
    exit_code: u8,
    time: Timestamp,
) -> io::Result<()> {
    let Outcome { done: steps, adopted: _, failed, waiting, not_tried, blocked, unread, scope } =
        outcome;
    let mut done = BTreeMap::new();
    for (_, action) in steps {
        *done.entry(action.as_str()).or_default() += 1;
    }
    let (failed, waiting, not_tried) = (failed.len(), waiting.len(), not_tried.len());
    let (blocked, unread) = (*blocked, *unread);
    let scope = scope.as_ref();
    let content =
        SummaryContent { done, failed, waiting, not_tried, blocked, unread, scope, exit_code };
    write_line(out, &EventLine { event: "summary", time, content })
}

fn step(
    out: &mut dyn Write,
    name: &'static str,
    time: Timestamp,
    event: &StepEvent,
    details: impl Serialize,
) -> io::Result<()> {
    let StepEvent { address, action, reason, duration, progress: _ } = event;
    let duration_ms = duration.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
    let content = StepLine { address, action: *action, reason: *reason, duration_ms, details };
    write_line(out, &EventLine { event: name, time, content })
}

fn overwritten_json(overwritten: &Overwritten) -> OverwrittenJson<'_> {
    let Overwritten { path, before, after } = overwritten;
    OverwrittenJson { path, before, after }
}

fn failed_details(failure: &StepFailure) -> FailedDetails<'_> {
    let StepFailure { address: _, action: _, message, code, request_id, pending, partial } =
        failure;
    let (code, request_id) = (*code, request_id.as_deref());
    FailedDetails { message, code, request_id, pending: *pending, partial: *partial }
}
