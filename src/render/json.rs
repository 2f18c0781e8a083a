//! A plan, an error or findings as one JSON document.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Digest, Finding, Held, Partial, Plan, RunInProgress, StateRef, Step, Summary, Timestamp, Unread,
};

use super::document::{Each, GateJson, gate};

/// The version of the documents. It is incremented if something is renamed or removed.
pub(super) const FORMAT_VERSION: u32 = 1;

/// The JSON representation of a plan.
#[derive(Serialize)]
pub(super) struct PlanDocument<'a> {
    format_version: u32,
    tool_version: &'static str,
    digest: Digest,
    emulated: bool,
    state: &'a StateRef,
    config_digest: Digest,
    scope: Option<&'a Partial>,
    steps: Each<'a, Step>,
    #[serde(skip_serializing_if = "Each::is_empty")]
    left_out: Each<'a, Step>,
    waiting: Each<'a, Held>,
    blocked: Each<'a, Held>,
    unread: Each<'a, Unread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_progress: Option<&'a RunInProgress>,
    gate: GateJson<'a>,
    summary: Summary,
    estimated_seconds: f64,
    findings: Each<'a, Finding>,
}

/// The JSON representation of a saved plan.
#[derive(Serialize)]
struct SavedDocument<'a> {
    plan_id: &'a str,
    time: Timestamp,
    #[serde(flatten)]
    plan: PlanDocument<'a>,
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    format_version: u32,
    error: ErrorJson<'a>,
    findings: Each<'a, Finding>,
}

#[derive(Serialize)]
struct FindingsDocument<'a> {
    format_version: u32,
    findings: Each<'a, Finding>,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'a str,
    message: &'a str,
}

/// Writes a plan as one JSON document on one line. Steps are serialized one at a time.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_json(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    write_line(out, &document(plan))
}

/// Writes a plan to be saved, with its id and the time at which it was made.
///
/// # Errors
/// Returns the error of `out`.
pub fn saved_plan_json(
    out: &mut dyn Write,
    plan: &Plan,
    plan_id: &str,
    time: Timestamp,
) -> io::Result<()> {
    write_line(out, &SavedDocument { plan_id, time, plan: document(plan) })
}

/// Writes an error as one JSON document.
///
/// # Errors
/// Returns the error of `out`.
pub fn error_json(
    out: &mut dyn Write,
    code: &str,
    message: &str,
    findings: &[Finding],
) -> io::Result<()> {
    let error = ErrorJson { code, message };
    let findings = Each(findings);
    write_line(out, &ErrorDocument { format_version: FORMAT_VERSION, error, findings })
}

/// Writes findings as one JSON document.
///
/// # Errors
/// Returns the error of `out`.
pub fn findings_json(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    write_line(out, &FindingsDocument { format_version: FORMAT_VERSION, findings: Each(findings) })
}

/// Returns the JSON representation of a plan.
pub(super) fn document(plan: &Plan) -> PlanDocument<'_> {
    let Plan {
        emulated,
        state,
        config_digest,
        digest,
        scope,
        steps,
        left_out,
        waiting,
        blocked,
        unread,
        in_progress,
        gate: verdict,
        summary,
        estimate,
        findings,
        refreshed: _,
    } = plan;
    PlanDocument {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION"),
        digest: *digest,
        emulated: *emulated,
        state,
        config_digest: *config_digest,
        scope: scope.as_ref(),
        steps: Each(steps),
        left_out: Each(left_out),
        waiting: Each(waiting),
        blocked: Each(blocked),
        unread: Each(unread),
        in_progress: in_progress.as_ref(),
        gate: gate(verdict),
        summary: *summary,
        estimated_seconds: estimate.as_secs_f64(),
        findings: Each(findings),
    }
}

/// Writes one document and a line break.
pub(super) fn write_line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    writeln!(out)
}
