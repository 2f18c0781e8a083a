//! The journal: round trips, torn tails and damage.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::state::samples::{any_entry, holder, identity, named};

use super::*;

fn head_line() -> Vec<u8> {
    let lineage = Lineage("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44".to_owned());
    Head::new("it".to_owned(), lineage, 7, Some(holder(1))).line().expect("a line")
}

/// Returns the text of a journal whose batches were synced separately, and the end of each entry.
fn written(batches: &[Vec<Entry>]) -> (Vec<u8>, Vec<usize>) {
    let (mut text, mut ends, mut n) = (head_line(), Vec::new(), 0);
    for batch in batches {
        let synced = n;
        for entry in batch {
            n += 1;
            seal(&mut text, n, synced, &body(entry).expect("a body"));
            ends.push(text.len());
        }
    }
    (text, ends)
}

fn entries(text: &[u8]) -> Vec<Entry> {
    parse_journal(text).expect("a journal").map_or_else(Vec::new, |journal| journal.entries)
}

fn three() -> Vec<Entry> {
    vec![named("chat/a", "A"), named("chat/b", "B"), named("chat/c", "C")]
}

fn singly(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    entries.into_iter().map(|entry| vec![entry]).collect()
}

proptest! {
    #[test]
    fn any_entries_round_trip(batches in vec(vec(any_entry(), 0..4), 0..4)) {
        let (text, _) = written(&batches);
        let journal = parse_journal(&text).expect("a journal").expect("a head");
        prop_assert_eq!(journal.serial, 7);
        prop_assert_eq!(&journal.entries, &batches.concat());
        let again = journal.text().expect("a text");
        prop_assert_eq!(parse_journal(&again).expect("a journal"), Some(journal));
    }

    #[test]
    fn parsing_never_panics(text in vec(any::<u8>(), 0..200)) {
        let _: Result<_, _> = parse_journal(&text);
        let _: Result<_, _> = parse_journal(&[head_line(), text].concat());
    }
}

#[test]
fn a_journal_cut_at_any_byte_keeps_every_complete_line() {
    let (text, ends) = written(&singly(three()));
    for length in 0..=text.len() {
        let whole = ends.iter().filter(|end| **end <= length).count();
        assert_eq!(entries(&text[..length]), three()[..whole], "{length}");
    }
}

#[test]
fn a_tail_of_zero_bytes_is_torn() {
    let (text, ends) = written(&singly(three()));
    for length in head_line().len()..text.len() {
        let whole = ends.iter().filter(|end| **end <= length).count();
        let tail = [&text[..length], &[0; 4096]].concat();
        assert_eq!(entries(&tail), three()[..whole], "{length}");
    }
    assert_eq!(parse_journal(&[0; 512]).expect("torn"), None);
}

#[test]
fn a_hole_in_an_unacknowledged_batch_is_torn() {
    let (mut text, ends) = written(&[three()]);
    text[ends[0] + 10..ends[1] + 10].fill(0);
    assert_eq!(entries(&text), three()[..1]);
    let (mut text, ends) = written(&[three()]);
    text[ends[0] + 10..ends[0] + 20].fill(0);
    assert_eq!(entries(&text), three()[..1]);
}

#[test]
fn a_hole_in_a_durable_entry_is_damage() {
    let (mut text, ends) = written(&singly(three()));
    text[ends[0] + 10..ends[0] + 20].fill(0);
    assert!(matches!(parse_journal(&text), Err(ParseError::Damaged { line: 3, .. })));
}

#[test]
fn a_flipped_bit_is_damage_at_its_line() {
    let (text, ends) = written(&singly(three()));
    let starts = [0, head_line().len(), ends[0], ends[1]];
    for at in 0..text.len() - 1 {
        let mut flipped = text.clone();
        flipped[at] ^= 1;
        let at_line = starts.iter().filter(|start| **start <= at).count();
        match parse_journal(&flipped) {
            Err(ParseError::Damaged { line, .. }) => assert_eq!(line, at_line, "{at}"),
            Err(ParseError::Newer(3)) => assert_eq!(at, "{\"version\":".len()),
            other => panic!("{at}: {other:?}"),
        }
    }
}

#[test]
fn a_removed_or_duplicated_line_is_damage() {
    let (text, ends) = written(&singly(three()));
    let without = [&text[..ends[0]], &text[ends[1]..]].concat();
    assert!(matches!(parse_journal(&without), Err(ParseError::Damaged { line: 3, .. })));
    let duplicated = [&text[..ends[0]], &text[head_line().len()..]].concat();
    assert!(matches!(parse_journal(&duplicated), Err(ParseError::Damaged { line: 3, .. })));
}

#[test]
fn a_newer_version_is_reported() {
    let text = "{\"version\":3,\"new\":true}\n{\"x\":1}\n";
    assert!(matches!(parse_journal(text.as_bytes()), Err(ParseError::Newer(3))));
}

#[test]
fn each_line_is_a_json_object() {
    let (text, _) = written(&[vec![named("chat/a", "A")]]);
    insta::assert_snapshot!(String::from_utf8(text).expect("UTF-8"), @r#"
    {"version":2,"journal":"it","lineage":"7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44","serial":7,"holder":{"pid":1,"host":"desk","user":"ada","command":"roomctl apply","time":"2023-11-14T22:13:20.000Z"},"crc32":"81c28a24"}
    {"n":1,"synced":0,"entry":{"result":{"address":"chat/a","record":{"room":{"name":"A"},"created":"2023-11-14T22:13:20.123Z","source":"rooms.yaml"}}},"crc32":"6169b5b3"}
    "#);
}

/// Returns a sealed line with any content.
fn sealed(line: &str) -> Vec<u8> {
    format!("{line},\"crc32\":\"{:08x}\"}}\n", crc32fast::hash(line.as_bytes())).into_bytes()
}

#[test]
fn a_journal_of_version_1_with_duplicate_results_is_read() {
    let head = sealed(r#"{"version":1,"journal":"it","lineage":"l","serial":7"#);
    let provider =
        r#"{"provider":{"name":"chat","identity":{"kind":"zim","app_id":7,"emulated":true}}}"#;
    let result = String::from_utf8(body(&named("chat/a", "A")).expect("a body")).expect("UTF-8");
    let entry = |n, body: &str| sealed(&format!(r#"{{"n":{n},"synced":{},"entry":{body}"#, n - 1));
    let text = [head, entry(1, provider), entry(2, &result), entry(3, &result)].concat();
    let journal = parse_journal(&text).expect("a journal").expect("a head");
    assert_eq!((journal.serial, journal.holder), (7, None));
    let identity = Entry::Provider(crate::state::samples::provider("chat"), identity());
    assert_eq!(journal.entries, [identity, named("chat/a", "A"), named("chat/a", "A")]);
}

#[test]
fn a_git_conflict_is_reported_with_its_line() {
    let (text, ends) = written(&singly(three()));
    let (before, after) = text.split_at(ends[0]);
    let conflict = [before, b"<<<<<<< HEAD\n", after, b"=======\n>>>>>>> theirs\n"].concat();
    assert!(matches!(parse_journal(&conflict), Err(ParseError::Conflict { line: 3 })));
}
