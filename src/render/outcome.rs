//! The events of an apply, and its outcome, as text.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::{
    Action, Address, Adoption, NotTried, Outcome, Overwritten, StepEvent, StepFailure,
    StepProgress, StepWait, WaitReason,
};

use super::escape::{OneLine, Plain};
use super::groups::{CauseGroup, Subject, by_cause, listed, without_room};
use super::sections::AT_ONCE;
use super::style::{CHANGED, QUIET, REMOVED, STRONG};
use super::{Layout, counts, sections, style};

/// What a deferred replace waits for.
pub(super) const FOR_NEXT_LIFE: &str = "for the room's next life (`replace: on_next_vanish`)";

/// Every action, in the order of the closing line.
const COUNTED: [Action; 8] = [
    Action::Create,
    Action::Recreate,
    Action::Update,
    Action::Replace,
    Action::Destroy,
    Action::Adopt,
    Action::Forget,
    Action::Record,
];

/// Writes the event of one step on one line. Details that [`outcome_text`] lists at the end are left
/// out.
///
/// # Errors
/// Returns the error of `out`.
pub fn event_text(out: &mut dyn Write, event: &StepEvent) -> io::Result<()> {
    let StepEvent { address, action, reason: _, duration: _, progress } = event;
    match progress {
        StepProgress::Started | StepProgress::Waiting(_) | StepProgress::NotTried(_) => Ok(()),
        StepProgress::Done { request_id, overwritten: _ } => {
            let (colour, done) = (style::of(*action), counts::done(*action));
            write!(out, "{}: {colour}{done}{colour:#}", Plain(address))?;
            if let Some(id) = request_id {
                write!(out, " {QUIET}(request {}){QUIET:#}", Plain(id))?;
            }
            writeln!(out)
        }
        StepProgress::Failed(_) => {
            let (address, action) = (Plain(address), action.as_str());
            writeln!(out, "{address}: {REMOVED}{action} failed{REMOVED:#}")
        }
    }
}

/// Writes the outcome of a run: the rooms that were adopted instead of created, the steps that failed,
/// wait or were not tried, and the counts. The text does not depend on the order of the steps.
///
/// # Errors
/// Returns the error of `out`.
pub fn outcome_text(out: &mut dyn Write, outcome: &Outcome, layout: Layout) -> io::Result<()> {
    let Outcome {
        done: _,
        adopted,
        failed,
        waiting,
        not_tried: left,
        blocked: _,
        unread: _,
        scope,
    } = outcome;
    for group in by_cause(adopted, layout, |it| &it.address, overwritten_values) {
        causes(out, &group, layout, adoption)?;
    }
    for group in by_cause(failed, layout, |it| &it.address, failure_cause) {
        causes(out, &group, layout, failure)?;
    }
    for group in by_cause(waiting, layout, |it| &it.address, wait_cause) {
        causes(out, &group, layout, wait)?;
    }
    not_tried(out, left, layout)?;
    sections::scope(out, scope.as_ref())?;
    writeln!(out, "{STRONG}{}{STRONG:#}", closing(outcome))
}

/// Writes one entry for each cause, with one room or several.
fn causes<T>(
    out: &mut dyn Write,
    group: &CauseGroup<'_, T>,
    layout: Layout,
    text: fn(&T, Subject<'_>) -> String,
) -> io::Result<()> {
    let text = text(group.first, group.subject());
    match group.subject() {
        Subject::One(address) => writeln!(out, "{}: {text}", Plain(address)),
        Subject::Each => {
            let rooms = counts::count(group.addresses.len() as u64, "room");
            writeln!(out, "{rooms}: {text}\n    {}", listed(&group.addresses, layout))
        }
    }
}

/// Returns the text for rooms that were adopted instead of created, with the overwritten values.
fn adoption(adoption: &Adoption, subject: Subject<'_>) -> String {
    let (existed, value) = match subject {
        Subject::One(_) => ("it existed already", "value of it"),
        Subject::Each => ("they existed already", "value"),
    };
    let values = overwritten_values(adoption);
    let values = if values.is_empty() {
        format!("no {value} was overwritten")
    } else {
        format!("overwritten: {values}")
    };
    format!("{CHANGED}adopted{CHANGED:#}, not created: {existed}; {values}")
}

pub(super) fn overwritten_values(adoption: &Adoption) -> String {
    let value = |Overwritten { path, before, after }: &Overwritten| {
        format!("{} {} → {}", Plain(path), OneLine(before), OneLine(after))
    };
    adoption.overwritten.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn failure_cause(failure: &StepFailure) -> (Action, String, Option<i64>, bool) {
    let StepFailure { address, action, message, code, request_id: _, pending, partial: _ } =
        failure;
    (*action, without_room(message, address), *code, *pending)
}

fn failure(failure: &StepFailure, subject: Subject<'_>) -> String {
    let StepFailure { address, action, message, code, request_id, pending, partial: _ } = failure;
    let (message, request) = match subject {
        Subject::One(_) => (message.clone(), "request"),
        Subject::Each => (without_room(message, address), "first request"),
    };
    let code = code.map(|code| format!("code {code}"));
    let request = request_id.as_deref().map(|id| format!("{request} {}", Plain(id)));
    let details: Vec<String> = code.into_iter().chain(request).collect();
    let details =
        if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    let open = if *pending { "; the next run looks up the room first" } else { "" };
    let action = action.as_str();
    format!("{REMOVED}{action} failed{REMOVED:#}: {}{details}{open}", Plain(message))
}

fn wait_cause(wait: &StepWait) -> (Action, u8, Option<String>) {
    let StepWait { address, action, reason } = wait;
    let (rank, cause) = match reason {
        WaitReason::People(people) => (0, counts::people(*people)),
        WaitReason::Unread(why) => (1, Some(without_room(why, address))),
        WaitReason::NextLife => (2, None),
    };
    (*action, rank, cause)
}

fn wait(wait: &StepWait, subject: Subject<'_>) -> String {
    let StepWait { address, action, reason } = wait;
    let waits = format!("{CHANGED}{} waits{CHANGED:#}", action.as_str());
    match (reason, subject) {
        (WaitReason::People(people), _) => {
            let inside = counts::people(*people).unwrap_or_else(|| "possibly people".to_owned());
            format!(
                "{waits}: {inside} inside; `on_occupied: destroy`, or `--evict {subject}` for one \
                 run, disconnects them"
            )
        }
        (WaitReason::Unread(why), Subject::One(_)) => {
            format!("{waits}: it could not be read: {}", Plain(why))
        }
        (WaitReason::Unread(why), Subject::Each) => {
            format!("{waits}: they could not be read: {}", Plain(without_room(why, address)))
        }
        (WaitReason::NextLife, _) => format!("{waits} {FOR_NEXT_LIFE}; {AT_ONCE}"),
    }
}

/// Writes the rooms that were not tried, by reason.
fn not_tried(
    out: &mut dyn Write,
    left: &[(Address, Action, NotTried)],
    layout: Layout,
) -> io::Result<()> {
    let mut reasons = BTreeMap::<&str, (NotTried, Vec<&Address>)>::new();
    for (address, _, why) in left {
        reasons.entry(why.as_str()).or_insert((*why, Vec::new())).1.push(address);
    }
    for (why, mut addresses) in reasons.into_values() {
        addresses.sort();
        let listed = listed(&addresses, layout);
        writeln!(out, "{CHANGED}Not tried{CHANGED:#}: {listed}: {}", because(why))?;
    }
    Ok(())
}

/// Returns why a step was not tried, and what to do.
pub(super) fn because(why: NotTried) -> &'static str {
    match why {
        NotTried::Interrupted => "the run was interrupted; apply again",
        NotTried::ProviderFatal => {
            "the service rejects every call to this provider; fix the configuration, then apply again"
        }
        NotTried::ProviderUnreachable => {
            "the service could not be reached; check the endpoint and the network, then apply again"
        }
        NotTried::ProviderNoAnswer => {
            "the service does not answer; check its status and the network, then apply again"
        }
        NotTried::ProviderTooOften => {
            "the service answers every call \"too often\"; find out who else uses the application's limit, \
             then apply again"
        }
        NotTried::Quota => {
            "the application's room quota is used up; remove rooms, or have the quota raised"
        }
        NotTried::SideStays => {
            "another side of the same room, which is destroyed first, still exists; apply again once it is gone"
        }
        NotTried::NoRoomFreed => {
            "no room was freed for it, because destroys failed or wait; apply again once they are done"
        }
        NotTried::StateFailed => "the state can no longer be written; see the error",
        NotTried::Gate => "held back by the gate; `--allow-destroy` consents",
        NotTried::RecreateGate => "held back by the gate; `--allow-recreate` consents",
        NotTried::LeftOut => "left for another run by `--no-destroy`",
        NotTried::NotInPlan => "not in the saved plan; plan again to review it",
    }
}

/// Returns `Applied: 3 created, 1 updated; 1 failed, 1 waiting, 2 not tried, 1 blocked, 1 unread.`
pub(super) fn closing(outcome: &Outcome) -> String {
    let Outcome { done, adopted: _, failed, waiting, not_tried, blocked, unread, scope: _ } =
        outcome;
    let rest = [
        (failed.len() as u64, "failed"),
        (waiting.len() as u64, "waiting"),
        (not_tried.len() as u64, "not tried"),
        (*blocked, "blocked"),
        (*unread, "unread"),
    ];
    let mut counts = BTreeMap::<Action, u64>::new();
    for (_, action) in done {
        *counts.entry(*action).or_default() += 1;
    }
    let part = |action: &Action| {
        counts.get(action).map(|count| format!("{count} {}", counts::done(*action)))
    };
    let done: Vec<String> = COUNTED.iter().filter_map(part).collect();
    let rest = counts::counts(&rest);
    let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
    let gap = if rest.is_empty() { "" } else { "; " };
    format!("Applied: {done}{gap}{rest}.")
}
