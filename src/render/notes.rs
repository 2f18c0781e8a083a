//! The notes below a step: what it does not do, what it carries over, and what happens to people
//! inside.

use std::io::{self, Write};

use crate::model::{Action, Carried, OnOccupied, OnRemove, Patch, People, Step};

use super::counts;
use super::escape::Plain;
use super::style::{CHANGED, QUIET};

/// The notes of one step, each on a separate line.
#[derive(PartialEq, Eq)]
pub(super) struct Notes {
    note: Option<&'static str>,
    carried: Option<String>,
    instead: Option<String>,
    people: Option<String>,
}

impl Notes {
    /// Collects the notes of a step.
    pub(super) fn of(step: &Step) -> Self {
        Self {
            note: note(step),
            carried: carried(&step.carried),
            instead: instead(step),
            people: people_inside(step.action, step.people, step.on_occupied),
        }
    }

    /// Returns the notes as sentences.
    pub(super) fn sentences(&self) -> impl Iterator<Item = &str> {
        let Self { note, carried, instead, people } = self;
        [*note, carried.as_deref(), instead.as_deref(), people.as_deref()].into_iter().flatten()
    }

    /// Writes the notes, indented.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { note, carried, instead, people } = self;
        for line in [*note, carried.as_deref(), instead.as_deref()].into_iter().flatten() {
            writeln!(out, "      {QUIET}{line}{QUIET:#}")?;
        }
        match people {
            Some(people) => writeln!(out, "      {CHANGED}{people}{CHANGED:#}"),
            None => Ok(()),
        }
    }
}

/// Returns why a step does less than its action.
pub(super) fn note(step: &Step) -> Option<&'static str> {
    match step.action {
        Action::Create | Action::Recreate if step.calls.is_empty() => {
            Some("no call creates it: it appears when its first user logs in")
        }
        Action::Forget if step.lifecycle.on_remove == OnRemove::Forget => {
            Some("the room itself is left as it is: `on_remove: forget`")
        }
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Replace
        | Action::Destroy
        | Action::Adopt
        | Action::Forget
        | Action::Record => None,
    }
}

/// Returns the note about the attributes of others that a step sets again.
fn carried(carried: &Carried) -> Option<String> {
    match carried {
        Carried::Nothing => None,
        Carried::Unread => {
            Some("attributes of others are read before the destroy and set again".to_owned())
        }
        Carried::Known(attributes) => {
            let keys: Vec<_> = attributes.iter().map(|(key, _)| Plain(key).to_string()).collect();
            Some(format!("attributes of others that are set again: {}", keys.join(", ")))
        }
    }
}

/// Returns the note about changes in place while a replace waits or is held back.
fn instead(step: &Step) -> Option<String> {
    let changes = &step.instead.as_deref()?.changes;
    let paths: Vec<_> = changes.iter().flat_map(paths).collect();
    let paths = Some(paths.join(", ")).filter(|paths| !paths.is_empty())?;
    Some(format!("if it waits or is held back, these change in place: {paths}"))
}

/// Returns the paths of the fields that a change in place sets or deletes.
fn paths(patch: &Patch) -> Vec<String> {
    match patch {
        Patch::Attributes(changes) => {
            changes.iter().map(|it| format!("attributes.{}", Plain(it.key()))).collect()
        }
        Patch::Fields(fields) => {
            fields.iter().map(|(field, _)| field.as_str().to_owned()).collect()
        }
    }
}

/// Returns what happens to people inside, or `None` if the action does not affect them.
fn people_inside(action: Action, inside: People, on_occupied: OnOccupied) -> Option<String> {
    match action {
        Action::Destroy | Action::Replace => {}
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Adopt
        | Action::Forget
        | Action::Record => return None,
    }
    Some(match (on_occupied, counts::people(inside), inside == People::Nobody) {
        (OnOccupied::Destroy, Some(who), _) => {
            let verb = if inside == People::Count(1) { "is" } else { "are" };
            format!("{who} inside {verb} disconnected")
        }
        (OnOccupied::Destroy, None, true) => "the room was empty".to_owned(),
        (OnOccupied::Destroy, None, false) => "people inside are disconnected".to_owned(),
        (OnOccupied::Defer, _, true) => {
            "the room was empty; waits if people have entered since".to_owned()
        }
        (OnOccupied::Defer, _, false) => "waits until the room is empty".to_owned(),
    })
}
