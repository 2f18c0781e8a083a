//! The record as text and as JSON.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{
    Address, Assumed, Attribute, Attributes, EmptyLife, Kind, Lifecycle, NextLife, Pending,
    PendingKind, ProviderName, RecordedRoom, Room, Timestamp,
};

use super::counts;
use super::escape::{OneLine, Plain, Quoted};
use super::json::{FORMAT_VERSION, write_line};

#[derive(Serialize)]
struct AddressList<'a> {
    format_version: u32,
    rooms: Vec<&'a Address>,
}

#[derive(Serialize)]
struct RecordList<'a> {
    format_version: u32,
    rooms: Vec<RecordJson<'a>>,
}

#[derive(Serialize)]
pub(super) struct RecordJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format_version: Option<u32>,
    address: &'a Address,
    room: &'a Room,
    assumed: Vec<&'static str>,
    created: Timestamp,
    last_seen: Option<Timestamp>,
    last_seen_with_people: Option<Timestamp>,
    pub(super) earliest_end: Option<Timestamp>,
    attribute_sequence: Option<u64>,
    request_id: Option<&'a str>,
    source: &'a str,
    prevent_destroy: bool,
    on_remove: &'static str,
    sides: Vec<&'a ProviderName>,
    ignore_changes: &'a [Box<str>],
    pending: Option<PendingJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contested: Option<&'a str>,
    next: Option<NextJson<'a>>,
}

#[derive(Serialize)]
struct PendingJson<'a> {
    kind: PendingKind,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a Room>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent_until: Option<Timestamp>,
}

/// What a room becomes after its present life.
#[derive(Serialize)]
pub(super) struct NextJson<'a> {
    room: Option<&'a Room>,
    carried: &'a Attributes,
    destroyed: Option<Timestamp>,
}

/// Writes the addresses of recorded rooms, one a line.
///
/// # Errors
/// Returns the error of `out`.
pub fn state_list_text<'a>(
    out: &mut dyn Write,
    rooms: impl IntoIterator<Item = &'a Address>,
) -> io::Result<()> {
    rooms.into_iter().try_for_each(|address| writeln!(out, "{}", Plain(address)))
}

/// Writes the addresses of recorded rooms as one JSON document.
///
/// # Errors
/// Returns the error of `out`.
pub fn state_list_json<'a>(
    out: &mut dyn Write,
    rooms: impl IntoIterator<Item = &'a Address>,
) -> io::Result<()> {
    let rooms = rooms.into_iter().collect();
    write_line(out, &AddressList { format_version: FORMAT_VERSION, rooms })
}

/// Writes the record of one room, whose kind is `None` if it is not known.
///
/// # Errors
/// Returns the error of `out`.
pub fn state_show_text(
    out: &mut dyn Write,
    address: &Address,
    record: &RecordedRoom,
    kind: Option<Kind>,
) -> io::Result<()> {
    let shown = record_json(address, record, kind);
    let mut row = |label: &str, value: &dyn Display| writeln!(out, "{label:<22} {value}");
    row("address", &Plain(address))?;
    for (label, value) in content(shown.room, record.assumed) {
        row(&label, &value)?;
    }
    row("created", &shown.created)?;
    row("last_seen", &or_dash(shown.last_seen))?;
    row("last_seen_with_people", &or_dash(shown.last_seen_with_people))?;
    row("earliest_end", &or_dash(shown.earliest_end))?;
    row("attribute_sequence", &or_dash(shown.attribute_sequence))?;
    row("request_id", &or_dash(shown.request_id.map(Plain)))?;
    row("source", &Plain(shown.source))?;
    row("prevent_destroy", &shown.prevent_destroy)?;
    row("on_remove", &shown.on_remove)?;
    if !record.sides.is_single() {
        let sides: Vec<&str> = shown.sides.iter().map(|side| side.as_str()).collect();
        row("sides", &sides.join(", "))?;
    }
    if !record.ignore_changes.is_empty() {
        row("ignore_changes", &Plain(record.ignore_changes.join(", ")))?;
    }
    row("pending", &or_dash(record.pending.as_deref().map(pending)))?;
    if let Some(why) = shown.contested {
        row("contested", &Plain(why))?;
    }
    for (label, value) in record.next.as_deref().map(next_life).unwrap_or_default() {
        row(&label, &value)?;
    }
    Ok(())
}

/// Returns the content of a room as labels and values.
fn content(room: &Room, assumed: Assumed) -> Vec<(String, String)> {
    let Room { name, destroy_delay_time, attributes, fields } = room;
    let mark = |assumed: bool| if assumed { " (assumed)" } else { "" };
    let name = or_dash(name.as_deref().map(Quoted)) + mark(assumed.name);
    let delay = or_dash(*destroy_delay_time) + mark(assumed.destroy_delay_time);
    let mut rows = vec![("name".to_owned(), name), ("destroy_delay_time".to_owned(), delay)];
    rows.extend(attributes.iter().map(|(key, Attribute { value, auto_delete })| {
        let mark = if *auto_delete { " (auto_delete)" } else { "" };
        (format!("attributes.{}", Plain(key)), format!("{}{mark}", Quoted(value)))
    }));
    let fields = fields.iter();
    rows.extend(
        fields.map(|(field, value)| (field.as_str().to_owned(), OneLine(value).to_string())),
    );
    rows
}

/// Returns the next life of a room as labels and values.
pub(super) fn next_life(next: &NextLife) -> Vec<(String, String)> {
    let NextLife { room, carried, destroyed } = next;
    let mut rows = match room {
        Some(room) => content(room, Assumed::default()),
        None => vec![("room".to_owned(), "none: the room will be forgotten".to_owned())],
    };
    if !carried.is_empty() {
        let keys: Vec<String> = carried.iter().map(|(key, _)| Plain(key).to_string()).collect();
        rows.push(("carried".to_owned(), keys.join(", ")));
    }
    rows.extend(destroyed.map(|at| ("destroyed".to_owned(), at.to_string())));
    rows.into_iter().map(|(label, value)| (format!("next.{label}"), value)).collect()
}

/// Writes the record of one room as one JSON document, with the content of [`state_show_text`].
///
/// # Errors
/// Returns the error of `out`.
pub fn state_show_json(
    out: &mut dyn Write,
    address: &Address,
    record: &RecordedRoom,
    kind: Option<Kind>,
) -> io::Result<()> {
    let shown = record_json(address, record, kind);
    write_line(out, &RecordJson { format_version: Some(FORMAT_VERSION), ..shown })
}

/// Writes the records of several rooms as the list `rooms` of one JSON document, each like
/// [`state_show_json`].
///
/// # Errors
/// Returns the error of `out`.
pub fn state_rooms_json<'a>(
    out: &mut dyn Write,
    rooms: impl IntoIterator<Item = (&'a Address, &'a RecordedRoom, Option<Kind>)>,
) -> io::Result<()> {
    let json = |(address, record, kind)| record_json(address, record, kind);
    let rooms = rooms.into_iter().map(json).collect();
    write_line(out, &RecordList { format_version: FORMAT_VERSION, rooms })
}

/// Returns the JSON representation of a record.
pub(super) fn record_json<'a>(
    address: &'a Address,
    record: &'a RecordedRoom,
    kind: Option<Kind>,
) -> RecordJson<'a> {
    let RecordedRoom {
        room,
        assumed: Assumed { name, destroy_delay_time },
        created,
        last_seen,
        last_seen_with_people,
        attribute_sequence,
        request_id,
        source,
        lifecycle: Lifecycle { prevent_destroy, on_remove },
        sides,
        ignore_changes,
        pending,
        contested,
        next,
    } = record;
    let assumed = [(*name, "name"), (*destroy_delay_time, "destroy_delay_time")];
    RecordJson {
        format_version: None,
        address,
        room,
        assumed: assumed.into_iter().filter_map(|(is, field)| is.then_some(field)).collect(),
        created: *created,
        last_seen: *last_seen,
        last_seen_with_people: *last_seen_with_people,
        earliest_end: kind
            .is_some_and(|kind| kind.spec().empty_life == EmptyLife::OfRoom)
            .then(|| record.end_after(room.delay())),
        attribute_sequence: *attribute_sequence,
        request_id: request_id.as_deref(),
        source,
        prevent_destroy: *prevent_destroy,
        on_remove: counts::on_remove(*on_remove),
        sides: sides.iter().collect(),
        ignore_changes,
        pending: pending.as_deref().map(pending_json),
        contested: contested.as_deref(),
        next: next.as_deref().map(next_json),
    }
}

pub(super) fn next_json(next: &NextLife) -> NextJson<'_> {
    let NextLife { room, carried, destroyed } = next;
    NextJson { room: room.as_deref(), carried, destroyed: *destroyed }
}

fn pending_json(pending: &Pending) -> PendingJson<'_> {
    let Pending { kind, at, room, absent_until } = pending;
    PendingJson { kind: *kind, at: *at, room: room.as_deref(), absent_until: *absent_until }
}

/// Returns the description of the pending call.
pub(super) fn pending(pending: &Pending) -> String {
    use crate::model::PendingKind::{Create, Destroy, Update};
    let Pending { kind, at, room: _, absent_until } = pending;
    let call = match kind {
        Create => "a create",
        Update => "an update",
        Destroy => "a destroy",
    };
    match absent_until {
        None => format!("{call} of {at}, outcome not known yet"),
        Some(until) => {
            format!("{call} of {at}: the room is missing, and may still appear until {until}")
        }
    }
}

fn or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
