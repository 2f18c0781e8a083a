//! The changed fields below the line of a step.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use crate::model::{
    Action, Attribute, Attributes, Delay, Field, NextChange, Patch, ProviderName, Room, Sides,
    Step, Value,
};

use super::counts;
use super::escape::{OneLine, Plain, Quoted};
use super::style::{ADDED, QUIET, REMOVED};

/// The suffix of a value that an adopt assumes.
const UNREADABLE: &str = " (cannot be read: recorded as assumed)";

/// One field of a room before and after; `None` is shown as `(none)`.
#[derive(PartialEq)]
pub(super) struct Row<'a> {
    label: Label<'a>,
    before: Option<Cell<'a>>,
    after: Option<Cell<'a>>,
}

/// The path of a field.
#[derive(Clone, Copy, PartialEq)]
enum Label<'a> {
    Field(&'static str),
    Attribute(&'a str),
    /// A field of the next life.
    Next(&'static str),
}

/// The value of a field.
#[derive(Clone, Copy, PartialEq)]
enum Cell<'a> {
    Text(&'a str),
    Delay(Delay),
    Attribute(&'a Attribute),
    Flag(bool),
    Field(&'a Value),
    Sides(&'a Sides),
    Paths(&'a [Box<str>]),
}

/// Writes the fields that a step changes, `old → new`, aligned.
pub(super) fn write(out: &mut dyn Write, step: &Step) -> io::Result<()> {
    write_rows(out, step, &rows(step).collect::<Vec<_>>())
}

/// Writes the changed fields of the next life.
pub(super) fn write_next(out: &mut dyn Write, step: &Step) -> io::Result<()> {
    write_rows(out, step, &next(step).collect::<Vec<_>>())
}

fn write_rows(out: &mut dyn Write, step: &Step, rows: &[Row<'_>]) -> io::Result<()> {
    let width = rows.iter().map(|row| row.label.to_string().chars().count()).max().unwrap_or(0);
    for row in rows {
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

/// Returns the path of each field that a step changes, with `old → new`, each on one line.
pub(super) fn changes(step: &Step) -> impl Iterator<Item = (String, String)> {
    rows(step).map(|row| {
        let Row { label, before, after } = &row;
        let shown = |value: &Option<Cell<'_>>| {
            value.as_ref().map_or_else(|| "(none)".to_owned(), Cell::to_string)
        };
        let unreadable = is_unreadable(step, &row);
        let change = match (before, after) {
            (None, Some(new)) if unreadable || step.before.is_none() => new.to_string(),
            (old, new) => format!("{} → {}", shown(old), shown(new)),
        };
        let note = if unreadable { UNREADABLE } else { "" };
        (label.to_string(), change + note)
    })
}

/// Returns whether two steps of one action make the same changes.
pub(super) fn are_same(one: &Step, other: &Step) -> bool {
    let shown = |step| rows(step).map(move |row| (is_unreadable(step, &row), row));
    one.before.is_some() == other.before.is_some() && shown(one).eq(shown(other))
}

/// Returns the fields that a step changes, lazily.
fn rows(step: &Step) -> impl Iterator<Item = Row<'_>> {
    let is_bookkeeping = step.action == Action::Record && step.bookkeeping.is_some();
    let (before, after) = match step.action {
        Action::Destroy | Action::Forget => (None, None),
        Action::Record if is_bookkeeping => (None, None),
        Action::Create
        | Action::Recreate
        | Action::Update
        | Action::Replace
        | Action::Adopt
        | Action::Record => (step.before.as_deref(), step.after.as_deref()),
    };
    let bookkeeping = is_bookkeeping.then(|| bookkeeping(step)).into_iter().flatten();
    let attributes = std::iter::once_with(move || changed_keys(step, before, after)).flatten();
    let attributes = attributes.map(move |key| Row {
        label: Label::Attribute(key),
        before: before.and_then(|room| room.attributes.get(key)).map(Cell::Attribute),
        after: after.and_then(|room| room.attributes.get(key)).map(Cell::Attribute),
    });
    bookkeeping.chain(whole_fields(before, after)).chain(attributes).chain(next(step))
}

/// Returns the changed fields of the next life.
fn next(step: &Step) -> impl Iterator<Item = Row<'_>> {
    let change = step.next.as_deref().into_iter();
    let rows = change.flat_map(move |NextChange { before, after }| {
        let before = before.as_deref().or(step.before.as_deref());
        whole_fields(before, after.as_deref().or(step.after.as_deref()))
    });
    rows.map(Row::of_next_life)
}

impl Row<'_> {
    /// Returns the same row for the next life.
    fn of_next_life(self) -> Self {
        let label = match self.label {
            Label::Field(name) => Label::Next(name),
            label @ (Label::Attribute(_) | Label::Next(_)) => label,
        };
        Self { label, ..self }
    }
}

/// Returns the fields that differ, except for the attributes.
fn whole_fields<'a>(
    before: Option<&'a Room>,
    after: Option<&'a Room>,
) -> impl Iterator<Item = Row<'a>> {
    let name = |room: Option<&'a Room>| room?.name.as_deref().map(Cell::Text);
    let delay = |room: Option<&'a Room>| room?.destroy_delay_time.map(Cell::Delay);
    let row = |label, before, after| Row { label: Label::Field(label), before, after };
    let field = |room: Option<&'a Room>, field| room?.fields.of(field).map(Cell::Field);
    let rows = [
        row("name", name(before), name(after)),
        row("destroy_delay_time", delay(before), delay(after)),
    ];
    let fields =
        Field::ALL.iter().map(move |it| row(it.as_str(), field(before, *it), field(after, *it)));
    rows.into_iter().chain(fields).filter(|row| row.before != row.after)
}

/// Returns the attributes that the step's calls change; if it has no such calls, those that differ.
fn changed_keys<'a>(
    step: &'a Step,
    before: Option<&'a Room>,
    after: Option<&'a Room>,
) -> BTreeSet<&'a str> {
    match step.action {
        Action::Update | Action::Adopt => {
            let changes = step.changes.iter().flat_map(Patch::attributes);
            let keys = changes.map(crate::model::AttributeChange::key);
            keys.filter(|key| step.hidden_key() != Some(key)).collect()
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
            let hidden = step.hidden_key();
            let keys = keys.filter(|key| get(old, key) != get(new, key));
            keys.filter(|key| hidden != Some(*key)).collect()
        }
    }
}

/// Returns the differences of the record besides the room itself.
fn bookkeeping(step: &Step) -> Vec<Row<'_>> {
    let before = step.bookkeeping.as_deref();
    let row = |label, before, after| Row { label: Label::Field(label), before, after };
    let rows = [
        row(
            "prevent_destroy",
            before.map(|it| Cell::Flag(it.lifecycle.prevent_destroy)),
            Some(Cell::Flag(step.lifecycle.prevent_destroy)),
        ),
        row(
            "on_remove",
            before.map(|it| Cell::Text(counts::on_remove(it.lifecycle.on_remove))),
            Some(Cell::Text(counts::on_remove(step.lifecycle.on_remove))),
        ),
        row(
            "ignore_changes",
            before.and_then(|it| paths(&it.ignore_changes)),
            paths(&step.ignore_changes),
        ),
        row("sides", before.and_then(|it| several(&it.sides)), several(&step.sides)),
        row(
            "source",
            before.map(|it| Cell::Text(&it.source)),
            step.source.as_deref().map(Cell::Text),
        ),
    ];
    rows.into_iter().filter(|row| row.before != row.after).collect()
}

/// Returns the paths of `ignore_changes`, if any.
fn paths(paths: &[Box<str>]) -> Option<Cell<'_>> {
    (!paths.is_empty()).then_some(Cell::Paths(paths))
}

/// Returns the sides of a room that has several.
fn several(sides: &Sides) -> Option<Cell<'_>> {
    (!sides.is_single()).then_some(Cell::Sides(sides))
}

fn old_and_new(out: &mut dyn Write, step: &Step, row: &Row<'_>) -> io::Result<()> {
    let Row { label: _, before, after } = row;
    let unreadable = is_unreadable(step, row);
    let old_unknown = unreadable || step.before.is_none();
    match (before, after) {
        (None, Some(new)) if old_unknown => write!(out, "{new}")?,
        (old, new) => {
            maybe(out, old.as_ref())?;
            write!(out, " → ")?;
            maybe(out, new.as_ref())?;
        }
    }
    let note = if unreadable { UNREADABLE } else { "" };
    writeln!(out, "{QUIET}{note}{QUIET:#}")
}

/// Returns whether a row is for a field that an adopt assumes and does not set.
fn is_unreadable(step: &Step, row: &Row<'_>) -> bool {
    let Row { label: Label::Field(name), before: None, after: _ } = row else { return false };
    let sets = |patch: &Patch| match patch {
        Patch::Fields(fields) => fields.iter().any(|(field, _)| field.as_str() == *name),
        Patch::Attributes(_) => false,
    };
    step.action == Action::Adopt && !step.changes.iter().any(sets)
}

fn maybe(out: &mut dyn Write, value: Option<&Cell<'_>>) -> io::Result<()> {
    match value {
        Some(value) => write!(out, "{value}"),
        None => write!(out, "{QUIET}(none){QUIET:#}"),
    }
}

/// Returns both sides of a row if one of them is a multi-line text.
fn several_lines<'a>(row: &Row<'a>) -> Option<(&'a str, &'a str)> {
    let text = |value: Option<Cell<'a>>| match value {
        Some(Cell::Text(text)) => Some(text),
        Some(Cell::Attribute(attribute)) => Some(&*attribute.value),
        Some(Cell::Field(value)) => value.as_text(),
        Some(Cell::Delay(_) | Cell::Flag(_) | Cell::Sides(_) | Cell::Paths(_)) | None => None,
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
            Self::Next(name) => write!(f, "next.{name}"),
            Self::Attribute(key) => write!(f, "attributes.{}", Plain(key)),
        }
    }
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Delay(delay) => write!(f, "{delay}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Field(value) => write!(f, "{}", OneLine(value)),
            Self::Sides(sides) => {
                let sides: Vec<&str> = sides.iter().map(ProviderName::as_str).collect();
                write!(f, "[{}]", sides.join(", "))
            }
            Self::Paths(paths) => write!(f, "[{}]", Plain(paths.join(", "))),
            Self::Attribute(Attribute { value, auto_delete }) => {
                let mark = if *auto_delete { " (auto_delete)" } else { "" };
                write!(f, "{}{mark}", Quoted(value))
            }
        }
    }
}
