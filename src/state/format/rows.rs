//! A state in database rows: its head, and one row for each room.

use std::io;

use crate::model::{Address, Recorded, RecordedRoom};

use super::document::DocumentText;
use super::lines::{HEAD_END, ROOMS_END};
use super::{Fingerprinter, Head, Names, ParseError, RecordText, SharedRooms, checksum};

/// Returns the JSON of everything except the rooms.
pub(in crate::state) fn head_text(head: Head<'_>) -> io::Result<String> {
    Ok(serde_json::to_string(&DocumentText::of(head))?)
}

/// Returns the JSON of a room's record.
pub(in crate::state) fn record_text(record: &RecordedRoom) -> io::Result<String> {
    Ok(serde_json::to_string(&RecordText::of(record))?)
}

/// Parses a head and its rows, each an address and the JSON of a record.
pub(in crate::state) fn read_rows<'a>(
    head: &str,
    rows: impl Iterator<Item = (&'a str, &'a str)>,
    shared: &SharedRooms,
) -> Result<Recorded, ParseError> {
    let mut text = head.trim_end().strip_suffix('}').unwrap_or(head).as_bytes().to_vec();
    text.push(b',');
    text.extend_from_slice(HEAD_END);
    let mut between: &[u8] = b"";
    for (address, record) in rows {
        text.extend_from_slice(between);
        serde_json::to_writer(&mut text, address).map_err(io::Error::from)?;
        text.push(b':');
        text.extend_from_slice(record.as_bytes());
        between = b",\n";
    }
    text.extend_from_slice(if between.is_empty() { b"" } else { b"\n" });
    text.extend_from_slice(ROOMS_END);
    let mut fingerprinter = Fingerprinter::default();
    fingerprinter.update(&text);
    text.extend_from_slice(&checksum::seal(fingerprinter.checksum()));
    super::read_sharing(|| Ok(&text[..]), shared).map(|document| document.recorded)
}

/// Parses a row.
pub(in crate::state) fn read_row(
    address: &str,
    record: &str,
    names: &mut Names,
) -> Result<(Address, RecordedRoom), ParseError> {
    let damaged = |what: String| ParseError::Damaged { line: 1, column: 1, what };
    let address = names.address(address).map_err(|error| damaged(error.to_string()))?;
    let record: RecordText<'_> =
        serde_json::from_str(record).map_err(|error| ParseError::of(&error))?;
    Ok((address, record.into_record(names)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::format::LastFold;
    use crate::state::samples;

    fn rows(recorded: &Recorded) -> (String, Vec<(String, String)>) {
        let lineage = recorded.lineage.as_ref().expect("a lineage");
        let head = Head {
            lineage,
            serial: recorded.serial,
            folded: LastFold::Nothing,
            providers: recorded.providers.clone(),
            plans: recorded.plans.clone(),
            moved_to: recorded.moved_to.as_deref(),
        };
        let text = |record| record_text(record).expect("JSON");
        let rows = recorded.rooms.iter().map(|(at, record)| (at.to_string(), text(record)));
        (head_text(head).expect("JSON"), rows.collect())
    }

    fn read(head: &str, rows: &[(String, String)]) -> Result<Recorded, ParseError> {
        let rows = rows.iter().map(|(address, record)| (address.as_str(), record.as_str()));
        read_rows(head, rows, &SharedRooms::default())
    }

    proptest::proptest! {
        #[test]
        fn any_record_round_trips_through_rows(recorded in samples::any_recorded()) {
            let lineage = samples::many(0).lineage;
            let recorded = Recorded { lineage, ..recorded };
            let (head, rows) = rows(&recorded);
            proptest::prop_assert_eq!(read(&head, &rows).expect("a record"), recorded);
        }
    }

    #[test]
    fn rows_of_no_rooms_are_an_empty_record() {
        let recorded = samples::many(0);
        let (head, rows) = rows(&recorded);
        assert_eq!(read(&head, &rows).expect("a record"), recorded);
    }

    #[test]
    fn a_row_in_another_layout_is_read_and_a_damaged_row_is_refused() {
        let recorded = samples::many(3);
        let (head, mut rows) = rows(&recorded);
        rows[0].1 = rows[0].1.replacen(',', " ,\n ", 1);
        assert_eq!(read(&head, &rows).expect("a record"), recorded);
        rows[0].1 = "{\"room\":{}}".to_owned();
        let error = read(&head, &rows).expect_err("no creation time");
        assert!(matches!(error, ParseError::Damaged { .. }), "{error}");
        let (address, record) = &rows[0];
        let error = read_row(address, record, &mut Names::default()).expect_err("the same");
        assert!(error.to_string().contains("created"), "{error}");
    }

    #[test]
    fn a_head_of_a_newer_format_is_refused_as_newer() {
        let recorded = samples::many(3);
        let (head, rows) = rows(&recorded);
        let head = head.replacen("\"version\":2", "\"version\":3", 1);
        let error = read(&head, &rows).expect_err("newer");
        assert!(matches!(error, ParseError::Newer(3)), "{error}");
    }
}
