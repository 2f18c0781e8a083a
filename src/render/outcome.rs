//! What happens while a plan is applied, and what came of it, as people read it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::{
    Action, Address, Adoption, Event, NotTried, Outcome, Overwritten, StepFailure, StepWait,
};

use super::escape::{Plain, Setting, Word};
use super::style::{CHANGED, QUIET, REMOVED, STRONG};
use super::{style, words};

/// How many rooms are named where many were not tried for one reason.
const NAMED: usize = 10;

/// Every action in the order in which the closing line counts them.
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

/// Writes what happened to one step, on one line; what [`outcome_text`] lists at the end is named, or
/// left out.
///
/// # Errors
/// Returns the error of `out`.
pub fn event_text(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    match event {
        Event::Started(..) | Event::Waiting(_) | Event::NotTried(..) => Ok(()),
        Event::Done { address, action, request_id, overwritten: _ } => {
            let (colour, done) = (style::of(*action), words::done(*action));
            write!(out, "{}: {colour}{done}{colour:#}", Plain(address))?;
            if let Some(id) = request_id {
                write!(out, " {QUIET}(request {}){QUIET:#}", Plain(id))?;
            }
            writeln!(out)
        }
        Event::Failed(failure) => {
            let (address, action) = (Plain(&failure.address), failure.action.as_str());
            writeln!(out, "{address}: {REMOVED}{action} failed{REMOVED:#}")
        }
    }
}

/// Writes what came of a run: what was adopted instead of created, what failed, what waits, what was
/// not tried, and the counts.
///
/// # Errors
/// Returns the error of `out`.
pub fn outcome_text(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let Outcome {
        done,
        adopted,
        failed: failures,
        waiting: waits,
        not_tried: left,
        blocked,
        unread,
    } = outcome;
    for adoption in adopted {
        instead(out, adoption)?;
    }
    for failure in failures {
        failed(out, failure)?;
    }
    for wait in waits {
        waiting(out, wait)?;
    }
    not_tried(out, left)?;
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let rest = [
        (count(failures.len()), "failed"),
        (count(waits.len()), "waiting"),
        (count(left.len()), "not tried"),
        (*blocked, "blocked"),
        (*unread, "unread"),
    ];
    writeln!(out, "{STRONG}{}{STRONG:#}", closing(done, &rest))
}

/// A room that was adopted instead of created, and the values that were overwritten.
fn instead(out: &mut dyn Write, adoption: &Adoption) -> io::Result<()> {
    let Adoption { address, overwritten } = adoption;
    write!(
        out,
        "{}: {CHANGED}adopted{CHANGED:#}, not created: it existed already; ",
        Plain(address)
    )?;
    if overwritten.is_empty() {
        return writeln!(out, "no value of it was overwritten");
    }
    let value = |Overwritten { path, before, after }: &Overwritten| {
        format!("{} {} → {}", Plain(path), Setting(before), Setting(after))
    };
    let values: Vec<String> = overwritten.iter().map(value).collect();
    writeln!(out, "overwritten: {}", values.join(", "))
}

fn failed(out: &mut dyn Write, failure: &StepFailure) -> io::Result<()> {
    let StepFailure { address, action, message, code, request_id, pending, partial: _ } = failure;
    let (address, action) = (Plain(address), action.as_str());
    write!(out, "{address}: {REMOVED}{action} failed{REMOVED:#}: {}", Plain(message))?;
    match (code, request_id.as_deref().map(Plain)) {
        (Some(code), Some(id)) => write!(out, " (code {code}, request {id})")?,
        (Some(code), None) => write!(out, " (code {code})")?,
        (None, Some(id)) => write!(out, " (request {id})")?,
        (None, None) => {}
    }
    let open = if *pending { "; the outcome is unknown, and the next run looks first" } else { "" };
    writeln!(out, "{open}")
}

fn waiting(out: &mut dyn Write, wait: &StepWait) -> io::Result<()> {
    let StepWait { address, action, people, unasked } = wait;
    let (word, address, action) = (Word(address), Plain(address), action.as_str());
    write!(out, "{address}: {CHANGED}{action} waits{CHANGED:#}: ")?;
    if let Some(why) = unasked {
        return writeln!(out, "it could not be read: {}", Plain(why));
    }
    let inside = words::people(*people).unwrap_or_else(|| "perhaps people".to_owned());
    writeln!(
        out,
        "{inside} inside; `on_occupied: destroy`, or `--evict {word}` for one run, disconnects them"
    )
}

/// The rooms that were not tried, by reason: the first few are named.
fn not_tried(out: &mut dyn Write, left: &[(Address, Action, NotTried)]) -> io::Result<()> {
    let mut reasons = BTreeMap::<&str, (NotTried, Vec<&Address>)>::new();
    for (address, _, why) in left {
        reasons.entry(why.as_str()).or_insert((*why, Vec::new())).1.push(address);
    }
    for (why, addresses) in reasons.values() {
        let named: Vec<String> =
            addresses.iter().take(NAMED).map(|it| Plain(it).to_string()).collect();
        let rest = addresses.len() - named.len();
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let named = named.join(", ");
        writeln!(out, "{CHANGED}Not tried{CHANGED:#}: {named}{more}: {}", because(*why))?;
    }
    Ok(())
}

/// Why a step was not tried, and what to do.
fn because(why: NotTried) -> &'static str {
    match why {
        NotTried::Interrupted => "the run was interrupted; apply again",
        NotTried::ProviderFatal => {
            "the service answered that nothing will succeed; fix the configuration, then apply again"
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
            "the application has as many rooms as it may have; take rooms out, or have its quota raised"
        }
        NotTried::SideStays => {
            "another side of the same room, which goes first, did not go; apply again once it has"
        }
        NotTried::NoRoomFreed => {
            "no room was freed for it, since destroys failed or wait; apply again once they are done"
        }
        NotTried::StateFailed => "the state can no longer be written; the error says why",
        NotTried::Gate => "held back by the gate; `--allow-destroy` consents",
        NotTried::RecreateGate => "held back by the gate; `--allow-recreate` consents",
        NotTried::LeftOut => "left for another run, as `--no-destroy` says",
    }
}

/// `Applied: 3 created, 1 updated; 1 failed, 1 waiting, 2 not tried, 1 blocked, 1 unread.`
fn closing(done: &[(Address, Action)], rest: &[(u64, &str)]) -> String {
    let mut counts = BTreeMap::<Action, u64>::new();
    for (_, action) in done {
        *counts.entry(*action).or_default() += 1;
    }
    let part = |action: &Action| {
        counts.get(action).map(|count| format!("{count} {}", words::done(*action)))
    };
    let done: Vec<String> = COUNTED.iter().filter_map(part).collect();
    let rest = words::counts(rest);
    let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
    let gap = if rest.is_empty() { "" } else { "; " };
    format!("Applied: {done}{gap}{rest}.")
}
