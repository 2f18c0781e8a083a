//! Fuzzes the parsers of the journal and the state: no input panics, and what was read is written
//! and read back unchanged.
#![no_main]

use std::fmt::Write as _;

use libfuzzer_sys::fuzz_target;
use roomctl::state::{parse_journal, parse_state, state_text};

fuzz_target!(|data: &[u8]| {
    journal(data);
    journal(&journal_with_checksums(data));
    state(data);
    state(&state_with_checksum(data));
});

fn journal(text: &[u8]) {
    if let Ok(Some(journal)) = parse_journal(text) {
        let again = journal.text().expect("what was read can be written");
        let read = parse_journal(&again).expect("what was written can be read");
        assert_eq!(read, Some(journal));
    }
}

fn state(text: &[u8]) {
    if let Ok(recorded) = parse_state(text) {
        let again = state_text(&recorded).expect("what was read can be written");
        assert_eq!(parse_state(&again).expect("what was written can be read"), recorded);
        assert_eq!(state_text(&recorded).expect("a text"), again);
    }
}

/// Returns a journal with the lines of `data` as its entries, with valid checksums, which fuzzing
/// would not find.
fn journal_with_checksums(data: &[u8]) -> Vec<u8> {
    let head = r#"{"version":2,"journal":"j","lineage":"l","serial":7"#;
    let mut text = with_checksum(head.as_bytes().to_vec());
    for (synced, entry) in data.split(|byte| *byte == b'\n').enumerate() {
        let mut line =
            format!("{{\"n\":{},\"synced\":{synced},\"entry\":", synced + 1).into_bytes();
        line.extend_from_slice(entry);
        text.extend(with_checksum(line));
    }
    text
}

/// Returns a state with the lines of `data` as its rooms, with a valid checksum.
fn state_with_checksum(data: &[u8]) -> Vec<u8> {
    let head = b"{\"version\":2,\"lineage\":\"l\",\"serial\":7,\"providers\":{},\"rooms\":{\n";
    let mut text = [head, data, b"\n}"].concat();
    let checksum = crc32fast::hash(&text);
    text.extend_from_slice(format!(",\"checksum\":\"crc32:{checksum:08x}\"}}\n").as_bytes());
    text
}

/// Completes the line of a JSON object with its checksum and its end.
fn with_checksum(mut line: Vec<u8>) -> Vec<u8> {
    let mut end = String::new();
    writeln!(end, ",\"crc32\":\"{:08x}\"}}", crc32fast::hash(&line)).expect("writing to a string");
    line.extend_from_slice(end.as_bytes());
    line
}
