//! The record as people and scripts read it.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::model::{Address, Assumed, Attribute, Pending, Recorded, RecordedRoom, Room, Timestamp};

use super::escape::{Plain, Quoted};
use super::json::{FORMAT_VERSION, write_line};

#[derive(Serialize)]
struct List<'a> {
    format_version: u32,
    rooms: Vec<&'a Address>,
}

#[derive(Serialize)]
struct Shown<'a> {
    format_version: u32,
    address: &'a Address,
    room: &'a Room,
    assumed: Vec<&'static str>,
    created: Timestamp,
    last_seen: Option<Timestamp>,
    last_seen_with_people: Option<Timestamp>,
    earliest_end: Timestamp,
    attribute_sequence: Option<u64>,
    request_id: Option<&'a str>,
    source: &'a str,
    prevent_destroy: bool,
    pending: Option<&'a Pending>,
}

/// Writes the addresses of all recorded rooms, one a line.
///
/// # Errors
/// Returns the error of `out`.
pub fn state_list_text(out: &mut dyn Write, recorded: &Recorded) -> io::Result<()> {
    recorded.rooms.keys().try_for_each(|address| writeln!(out, "{}", Plain(address)))
}

/// Writes the addresses of all recorded rooms as one JSON document.
///
/// # Errors
/// Returns the error of `out`.
pub fn state_list_json(out: &mut dyn Write, recorded: &Recorded) -> io::Result<()> {
    let rooms = recorded.rooms.keys().collect();
    write_line(out, &List { format_version: FORMAT_VERSION, rooms })
}

/// Writes everything that is recorded of one room.
///
/// # Errors
/// Returns the error of `out`.
pub fn state_show_text(
    out: &mut dyn Write,
    address: &Address,
    record: &RecordedRoom,
) -> io::Result<()> {
    let shown = shown(address, record);
    let Room { name, destroy_delay_time, attributes } = shown.room;
    let mut row = |label: &str, value: &dyn Display| writeln!(out, "{label:<22} {value}");
    row("address", &Plain(address))?;
    let mark = |assumed: bool| if assumed { " (assumed)" } else { "" };
    let (named, delayed) = (mark(record.assumed.name), mark(record.assumed.destroy_delay_time));
    let name = name.as_deref().map(|name| Quoted(name).to_string());
    row("name", &format_args!("{}{named}", or_dash(name)))?;
    row("destroy_delay_time", &format_args!("{}{delayed}", or_dash(*destroy_delay_time)))?;
    for (key, Attribute { value, auto_delete }) in attributes.iter() {
        let mark = if *auto_delete { " (auto_delete)" } else { "" };
        let label = format!("attributes.{}", Plain(key));
        row(&label, &format_args!("{}{mark}", Quoted(value)))?;
    }
    row("created", &shown.created)?;
    row("last_seen", &or_dash(shown.last_seen))?;
    row("last_seen_with_people", &or_dash(shown.last_seen_with_people))?;
    row("earliest_end", &shown.earliest_end)?;
    row("attribute_sequence", &or_dash(shown.attribute_sequence))?;
    row("request_id", &or_dash(shown.request_id.map(Plain)))?;
    row("source", &Plain(shown.source))?;
    row("prevent_destroy", &shown.prevent_destroy)?;
    row("pending", &or_dash(shown.pending.map(pending)))
}

/// Writes everything that is recorded of one room as one JSON document.
///
/// # Errors
/// Returns the error of `out`.
pub fn state_show_json(
    out: &mut dyn Write,
    address: &Address,
    record: &RecordedRoom,
) -> io::Result<()> {
    write_line(out, &shown(address, record))
}

fn shown<'a>(address: &'a Address, record: &'a RecordedRoom) -> Shown<'a> {
    let RecordedRoom {
        room,
        assumed: Assumed { name, destroy_delay_time },
        created,
        last_seen,
        last_seen_with_people,
        attribute_sequence,
        request_id,
        source,
        prevent_destroy,
        pending,
    } = record;
    let assumed = [(*name, "name"), (*destroy_delay_time, "destroy_delay_time")];
    Shown {
        format_version: FORMAT_VERSION,
        address,
        room,
        assumed: assumed.into_iter().filter_map(|(is, field)| is.then_some(field)).collect(),
        created: *created,
        last_seen: *last_seen,
        last_seen_with_people: *last_seen_with_people,
        earliest_end: record.earliest_end(),
        attribute_sequence: *attribute_sequence,
        request_id: request_id.as_deref(),
        source,
        prevent_destroy: *prevent_destroy,
        pending: pending.as_deref(),
    }
}

fn pending(pending: &Pending) -> String {
    use crate::model::PendingKind::{Create, Destroy, Update};
    let Pending { kind, at, room: _ } = pending;
    let call = match kind {
        Create => "a create",
        Update => "an update",
        Destroy => "a destroy",
    };
    format!("{call} of {at}, whose outcome is not known yet")
}

fn or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
