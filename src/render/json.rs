//! The plan, or an error, as one JSON document.

use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Digest, Finding, Held, Plan, RunInProgress, StateRef, Step, Summary, Unread};

use super::document::{Each, GateJson, gate};

/// The version of the documents: it grows if something is renamed or removed.
pub(super) const FORMAT_VERSION: u32 = 1;

/// A plan as it is written.
#[derive(Serialize)]
pub(super) struct PlanDocument<'a> {
    format_version: u32,
    tool_version: &'static str,
    digest: Digest,
    emulated: bool,
    state: &'a StateRef,
    config_digest: Digest,
    steps: Each<'a, Step>,
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

/// Writes a plan as one JSON document on one line: a step at a time, whatever their number.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_json(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    write_line(out, &document(plan))
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

/// Borrows a plan as it is written.
pub(super) fn document(plan: &Plan) -> PlanDocument<'_> {
    let Plan {
        emulated,
        state,
        config_digest,
        digest,
        steps,
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
        steps: Each(steps),
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

/// Writes one document and a line's end.
pub(super) fn write_line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    writeln!(out)
}
