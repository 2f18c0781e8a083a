//! The table of what is declared, recorded and observed of one room.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::model::{Attributes, Explanation, Field, Lifecycle, Observation, Room};

use crate::render::document::people;
use crate::render::escape::{OneLine, Plain, Quoted};
use crate::render::style::STRONG;
use crate::render::{counts, style};

/// The maximum width of a column of values.
const VALUE_COLUMN: usize = 36;

/// One row: the values of one field.
struct TableRow {
    label: String,
    values: [String; 3],
}

/// Writes what is declared, recorded and observed in columns.
pub(super) fn write(out: &mut dyn Write, explanation: &Explanation) -> io::Result<()> {
    let rows = rows(explanation);
    let length = |text: &str| text.chars().count();
    let labels = rows.iter().map(|row| length(&row.label)).max().unwrap_or(0);
    let width = |column: usize| {
        let widths = rows.iter().map(|row| length(&row.values[column]));
        widths.max().unwrap_or(0).min(VALUE_COLUMN)
    };
    let (first, second) = (width(0), width(1));
    for (n, TableRow { label, values: [desired, recorded, observed] }) in rows.iter().enumerate() {
        let colour = if n == 0 { STRONG } else { style::PLAIN };
        let line = format!("{label:<labels$}  {desired:<first$}  {recorded:<second$}  {observed}");
        writeln!(out, "  {colour}{}{colour:#}", line.trim_end())?;
    }
    Ok(())
}

fn rows(explanation: &Explanation) -> Vec<TableRow> {
    let row = |label: &str, values: [Option<String>; 3]| TableRow {
        label: label.to_owned(),
        values: values.map(|value| value.unwrap_or_else(|| "-".to_owned())),
    };
    let title = |text: &str| Some(text.to_owned());
    let declared = explanation.desired.as_ref();
    let recorded = explanation.recorded.as_ref();
    let seen = match &explanation.observed {
        Some(Observation::There(room)) => Some(room),
        Some(Observation::Gone(_) | Observation::Unread { .. }) | None => None,
    };
    let rooms = [declared.map(|it| &*it.room), recorded.map(|it| &*it.room)];
    let mut rows = vec![
        row("", [title("desired"), title("recorded"), title("observed")]),
        row("room", [is(declared), is(recorded), Some(observed(explanation.observed.as_ref()))]),
    ];
    for field in Field::ALL.iter().filter(|field| **field != Field::Attributes) {
        let of = |room: Option<&Room>| Some(OneLine(&room?.value(*field)?.to_value()).to_string());
        let read = seen.and_then(|seen| seen.fields.of(*field));
        let values = [of(rooms[0]), of(rooms[1]), read.map(|value| OneLine(value).to_string())];
        if values.iter().any(Option::is_some) {
            rows.push(row(field.as_str(), values));
        }
    }
    let attributes = rooms.map(|room| room.map(|room| &room.attributes));
    let attributes = [attributes[0], attributes[1], seen.map(|seen| &seen.attributes)];
    let keys = attributes.iter().flatten().flat_map(|side| side.iter()).map(|(key, _)| key);
    for key in keys.collect::<BTreeSet<&str>>() {
        let of = |side: Option<&Attributes>| Some(Quoted(&side?.get(key)?.value).to_string());
        rows.push(row(&format!("attributes.{}", Plain(key)), attributes.map(of)));
    }
    let sources = [declared.map(|it| &it.source), recorded.map(|it| &it.source)];
    let [desired, record] = sources.map(|source| source.map(|it| Plain(it).to_string()));
    rows.push(row("source", [desired, record, None]));
    let protected = |lifecycle: &Lifecycle| lifecycle.prevent_destroy.to_string();
    let values =
        [declared.map(|it| protected(&it.lifecycle)), recorded.map(|it| protected(&it.lifecycle))];
    let [desired, record] = values;
    rows.push(row("prevent_destroy", [desired, record, None]));
    rows
}

fn is(side: Option<impl Sized>) -> Option<String> {
    side.map(|_| "yes".to_owned())
}

fn observed(observed: Option<&Observation>) -> String {
    match observed {
        None => "not asked".to_owned(),
        Some(Observation::Gone(_)) => "does not exist".to_owned(),
        Some(Observation::Unread { .. }) => "could not be read".to_owned(),
        Some(Observation::There(room)) => {
            let nobody = || match people(room.people) {
                Some(_) => "nobody".to_owned(),
                None => "people unknown".to_owned(),
            };
            format!("exists, {} inside", counts::people(room.people).unwrap_or_else(nobody))
        }
    }
}
