//! What differs, under the line of a step.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use crate::model::{
    Action, Attribute, Attributes, Delay, Field, Patch, ProviderName, Room, Sides, Step,
};

use super::escape::{Plain, Quoted, Setting};
use super::style::{ADDED, QUIET, REMOVED};
use super::words;

/// One field of a room before and after; none is shown as `(none)`.
struct Row<'a> {
    label: Label<'a>,
    before: Option<Value<'a>>,
    after: Option<Value<'a>>,
}

#[derive(Clone, Copy)]
enum Label<'a> {
    Field(&'static str),
    Attribute(&'a str),
}

#[derive(Clone, Copy, PartialEq)]
enum Value<'a> {
    Text(&'a str),
    Delay(Delay),
    Attribute(&'a Attribute),
    Flag(bool),
    Setting(&'a crate::model::Value),
    Sides(&'a Sides),
}

/// Writes the fields that a step changes, `old → new`, aligned.
pub(super) fn write(out: &mut dyn Write, step: &Step) -> io::Result<()> {
    let rows = rows(step);
    let width = rows.iter().map(|row| row.label.to_string().chars().count()).max().unwrap_or(0);
    for row in &rows {
        let label = row.label.to_string();
        if let Some((old, new)) = several_lines(row) {
            writeln!(out, "      {label}")?;
            line_diff(out, old, new)?;
        } else {
            write!(out, "      {label:<width$}  ")?;
            old_and_new(out, step, row)?;
        }
    }
    Ok(())
}

fn rows(step: &Step) -> Vec<Row<'_>> {
    let nothing = (None, None);
    let (before, after) = match step.action {
        Action::Destroy | Action::Forget => nothing,
        Action::Record if step.bookkeeping.is_some() => return bookkeeping(step),
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Replace
        | Action::Adopt
        | Action::Record => (step.before.as_deref(), step.after.as_deref()),
    };
    let changed = changed_keys(step, before, after);
    let mut rows = whole_fields(before, after);
    rows.extend(changed.into_iter().map(|key| Row {
        label: Label::Attribute(key),
        before: before.and_then(|room| room.attributes.get(key)).map(Value::Attribute),
        after: after.and_then(|room| room.attributes.get(key)).map(Value::Attribute),
    }));
    rows
}

/// The fields but for the attributes.
fn whole_fields<'a>(before: Option<&'a Room>, after: Option<&'a Room>) -> Vec<Row<'a>> {
    let name = |room: Option<&'a Room>| room?.name.as_deref().map(Value::Text);
    let delay = |room: Option<&'a Room>| room?.destroy_delay_time.map(Value::Delay);
    let row = |label, before, after| Row { label: Label::Field(label), before, after };
    let setting = |room: Option<&'a Room>, field| room?.fields.of(field).map(Value::Setting);
    let rows = [
        row("name", name(before), name(after)),
        row("destroy_delay_time", delay(before), delay(after)),
    ];
    let settings = Field::ALL
        .iter()
        .map(|field| row(field.as_str(), setting(before, *field), setting(after, *field)));
    rows.into_iter().chain(settings).filter(|row| row.before != row.after).collect()
}

/// The attributes that the step's calls change; where it changes none by itself, those that differ.
fn changed_keys<'a>(
    step: &'a Step,
    before: Option<&'a Room>,
    after: Option<&'a Room>,
) -> BTreeSet<&'a str> {
    match step.action {
        Action::Update | Action::Adopt => {
            let changes = step.changes.iter().flat_map(Patch::attributes);
            changes.map(crate::model::AttributeChange::key).collect()
        }
        Action::Create
        | Action::Recreate
        | Action::Replace
        | Action::Destroy
        | Action::Forget
        | Action::Record => {
            let of = |room: Option<&'a Room>| room.map(|room| &room.attributes);
            let (old, new) = (of(before), of(after));
            let keys = old.into_iter().chain(new).flat_map(Attributes::iter).map(|(key, _)| key);
            let get = |side: Option<&'a Attributes>, key| side.and_then(|side| side.get(key));
            keys.filter(|key| get(old, key) != get(new, key)).collect()
        }
    }
}

/// What differs of what is recorded besides the room itself.
fn bookkeeping(step: &Step) -> Vec<Row<'_>> {
    let before = step.bookkeeping.as_deref();
    let row = |label, before, after| Row { label: Label::Field(label), before, after };
    let rows = [
        row(
            "prevent_destroy",
            before.map(|it| Value::Flag(it.lifecycle.prevent_destroy)),
            Some(Value::Flag(step.lifecycle.prevent_destroy)),
        ),
        row(
            "on_remove",
            before.map(|it| Value::Text(words::on_remove(it.lifecycle.on_remove))),
            Some(Value::Text(words::on_remove(step.lifecycle.on_remove))),
        ),
        row("sides", before.and_then(|it| several(&it.sides)), several(&step.sides)),
        row(
            "source",
            before.map(|it| Value::Text(&it.source)),
            step.source.as_deref().map(Value::Text),
        ),
    ];
    rows.into_iter().filter(|row| row.before != row.after).collect()
}

/// The sides of a room that has more than one.
fn several(sides: &Sides) -> Option<Value<'_>> {
    (!sides.is_single()).then_some(Value::Sides(sides))
}

fn old_and_new(out: &mut dyn Write, step: &Step, row: &Row<'_>) -> io::Result<()> {
    let Row { label, before, after } = row;
    let unreadable = step.action == Action::Adopt && before.is_none() && is_assumed(step, *label);
    let old_unknown = unreadable || step.before.is_none();
    match (before, after) {
        (None, Some(new)) if old_unknown => write!(out, "{new}")?,
        (old, new) => {
            maybe(out, old.as_ref())?;
            write!(out, " → ")?;
            maybe(out, new.as_ref())?;
        }
    }
    let note = if unreadable { " (cannot be read: recorded as assumed)" } else { "" };
    writeln!(out, "{QUIET}{note}{QUIET:#}")
}

/// Whether a label is that of a field that a step takes for granted, and does not set.
fn is_assumed(step: &Step, label: Label<'_>) -> bool {
    let Label::Field(name) = label else { return false };
    let sets = |patch: &Patch| match patch {
        Patch::Fields(fields) => fields.iter().any(|(field, _)| field.as_str() == name),
        Patch::Attributes(_) => false,
    };
    !step.changes.iter().any(sets)
}

fn maybe(out: &mut dyn Write, value: Option<&Value<'_>>) -> io::Result<()> {
    match value {
        Some(value) => write!(out, "{value}"),
        None => write!(out, "{QUIET}(none){QUIET:#}"),
    }
}

/// Both sides of a row, where one of them is a text of several lines.
fn several_lines<'a>(row: &Row<'a>) -> Option<(&'a str, &'a str)> {
    let text = |value: Option<Value<'a>>| match value {
        Some(Value::Text(text)) => Some(text),
        Some(Value::Attribute(attribute)) => Some(&*attribute.value),
        Some(Value::Setting(setting)) => setting.as_text(),
        Some(Value::Delay(_) | Value::Flag(_) | Value::Sides(_)) | None => None,
    };
    let (old, new) = (text(row.before), text(row.after));
    let several = |side: Option<&str>| side.is_some_and(|text| text.trim_end().contains('\n'));
    let differ = old != new && row.before.is_some() && row.after.is_some();
    let sides = (old.unwrap_or_default(), new.unwrap_or_default());
    (differ && (several(old) || several(new))).then_some(sides)
}

fn line_diff(out: &mut dyn Write, old: &str, new: &str) -> io::Result<()> {
    for change in TextDiff::from_lines(old, new).iter_all_changes() {
        let (sign, colour) = match change.tag() {
            ChangeTag::Delete => ('-', REMOVED),
            ChangeTag::Insert => ('+', ADDED),
            ChangeTag::Equal => (' ', QUIET),
        };
        let line = Plain(change.value().trim_end_matches(['\n', '\r']));
        writeln!(out, "        {colour}{sign} {line}{colour:#}")?;
    }
    Ok(())
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Attribute(key) => write!(f, "attributes.{}", Plain(key)),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Delay(delay) => write!(f, "{delay}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Setting(setting) => write!(f, "{}", Setting(setting)),
            Self::Sides(sides) => {
                let sides: Vec<&str> = sides.iter().map(ProviderName::as_str).collect();
                write!(f, "[{}]", sides.join(", "))
            }
            Self::Attribute(Attribute { value, auto_delete }) => {
                let mark = if *auto_delete { " (auto_delete)" } else { "" };
                write!(f, "{}{mark}", Quoted(value))
            }
        }
    }
}
