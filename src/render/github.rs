//! Output for GitHub Actions: annotations on stdout, and the outputs of a step.

use std::fmt;
use std::io::{self, Write};

use crate::model::{Finding, Gate, Outcome, Place, Plan, Refusal, Severity, Summary};

use super::escape::Plain;
use super::sections;
use super::text::{summary, without_steps};

/// The number of rooms of one cause with separate annotations: GitHub shows ten annotations of a step.
const ANNOTATED: usize = 10;

/// The level of an annotation.
#[derive(Clone, Copy)]
enum Level {
    Error,
    Warning,
    Notice,
}

/// The message of a workflow command, with GitHub's escapes.
struct Message<T>(T);

/// The value of a property of a workflow command.
struct Property<'a>(&'a str);

/// Writes findings as annotations, each at its place.
///
/// # Errors
/// Returns the error of `out`.
pub fn findings_github(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    findings.iter().try_for_each(|finding| annotated_finding(out, finding))
}

/// Writes an error without a place as an annotation.
///
/// # Errors
/// Returns the error of `out`.
pub fn error_github(out: &mut dyn Write, message: &str) -> io::Result<()> {
    annotation(out, Level::Error, None, &[message])
}

/// Writes a plan's findings, the refusals of the gate, what is held back or unread, and the counts as
/// annotations.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_github(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    findings_github(out, &plan.findings)?;
    gate(out, &plan.gate)?;
    let held = plan.blocked.iter().take(ANNOTATED).map(|it| ("blocked", it));
    let waiting = plan.waiting.iter().take(ANNOTATED).map(|it| ("waiting", it));
    for (what, held) in held.chain(waiting) {
        let text = format!("{what}: {}: {}", held.step.address, sections::why(held));
        annotation(out, Level::Warning, None, &[&text])?;
    }
    for unread in plan.unread.iter().take(ANNOTATED) {
        let text = format!("unread: {}: {}", unread.address, unread.why);
        annotation(out, Level::Warning, None, &[&text])?;
    }
    let line =
        if plan.steps.is_empty() { without_steps(plan) + "." } else { summary(plan.summary) };
    annotation(out, Level::Notice, None, &[&line])
}

/// Writes the failures and the counts of a run as annotations.
///
/// # Errors
/// Returns the error of `out`.
pub fn outcome_github(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    for failure in outcome.failed.iter().take(ANNOTATED) {
        let action = failure.action.as_str();
        let text = format!("{}: {action} failed: {}", failure.address, failure.message);
        annotation(out, Level::Error, None, &[&text])?;
    }
    annotation(out, Level::Notice, None, &[&super::outcome::closing(outcome)])
}

/// Writes the step outputs of a plan: whether there are changes, the digest, the counts.
///
/// # Errors
/// Returns the error of `out`.
pub fn plan_outputs(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    writeln!(out, "changes={}", plan.wants_changes())?;
    writeln!(out, "digest={}", plan.digest)?;
    let Summary {
        create,
        recreate,
        update,
        replace,
        destroy,
        adopt,
        forget,
        record,
        unchanged,
        waiting,
        blocked,
        unread,
        asked,
        not_asked,
    } = plan.summary;
    let counts = [
        ("create", create),
        ("recreate", recreate),
        ("update", update),
        ("replace", replace),
        ("destroy", destroy),
        ("adopt", adopt),
        ("forget", forget),
        ("record", record),
        ("unchanged", unchanged),
        ("waiting", waiting),
        ("blocked", blocked),
        ("unread", unread),
        ("asked", asked),
        ("not_asked", not_asked),
    ];
    counts.iter().try_for_each(|(name, number)| writeln!(out, "{name}={number}"))
}

/// Writes the step outputs of an outcome: the numbers of steps that were done, failed, or were not
/// tried.
///
/// # Errors
/// Returns the error of `out`.
pub fn outcome_outputs(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let Outcome { done, adopted: _, failed, waiting, not_tried, blocked: _, unread: _, scope: _ } =
        outcome;
    writeln!(out, "done={}\nfailed={}", done.len(), failed.len())?;
    writeln!(out, "waited={}\nnot_tried={}", waiting.len(), not_tried.len())
}

/// Returns a line for a workflow's log in which no part is interpreted as a command of the older form
/// `##[command]`, which works anywhere in a line. The line must not begin with untrusted text.
#[must_use]
pub fn log_text(text: &str) -> String {
    text.replace("##[", "##\\u{5b}")
}

fn annotated_finding(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let Finding { severity, code: _, message, help, place, address: _ } = finding;
    let level = match severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
    };
    let sentences: Vec<&str> =
        [Some(message), help.as_ref()].into_iter().flatten().map(|it| &**it).collect();
    annotation(out, level, place.as_ref(), &sentences)
}

fn gate(out: &mut dyn Write, gate: &Gate) -> io::Result<()> {
    for Refusal { kind, message } in &gate.refusals {
        let text = format!("the gate is closed: {message}; `{}` consents", gate.flag(*kind));
        annotation(out, Level::Warning, None, &[&text])?;
    }
    Ok(())
}

/// Writes `::error file=F,line=L,col=C::MESSAGE`, with each sentence on a separate line.
fn annotation(
    out: &mut dyn Write,
    level: Level,
    place: Option<&Place>,
    sentences: &[&str],
) -> io::Result<()> {
    write!(out, "::{}", level.as_str())?;
    if let Some(Place { file, line, column, width: _, text: _ }) = place {
        write!(out, " file={},line={line},col={column}", Property(file))?;
    }
    write!(out, "::")?;
    for (n, sentence) in sentences.iter().enumerate() {
        let end = if n > 0 { "%0A" } else { "" };
        write!(out, "{end}{}", Message(sentence))?;
    }
    writeln!(out)
}

impl Level {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

impl<T: fmt::Display> fmt::Display for Message<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Plain(&self.0).to_string().replace('%', "%25"))
    }
}

impl fmt::Display for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Message(self.0).to_string();
        f.write_str(&text.replace(':', "%3A").replace(',', "%2C"))
    }
}
