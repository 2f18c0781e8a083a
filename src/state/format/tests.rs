//! The format of the state: round trips, layouts and damage.

use proptest::prelude::*;

use crate::model::{Recorded, Room};
use crate::state::samples::{any_recorded, declaring, many};

use super::*;

fn text_of(recorded: &Recorded, folded: Option<&str>) -> Vec<u8> {
    let Recorded { lineage, serial, providers, rooms, plans, moved_to } = recorded;
    let lineage = lineage.as_ref().expect("a lineage");
    let (providers, plans) = (providers.clone(), plans.clone());
    let folded = folded.map_or(LastFold::Nothing, |id| LastFold::Journal(id.to_owned()));
    let moved_to = moved_to.as_deref();
    let head = Head { lineage, serial: *serial, folded, providers, plans, moved_to };
    let mut text = Vec::new();
    write(head, rooms.iter(), |bytes| {
        text.extend_from_slice(bytes);
        Ok(())
    })
    .expect("a text");
    text
}

/// Returns the same document in another layout.
fn pretty_printed(text: &[u8]) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_slice(text).expect("JSON");
    serde_json::to_vec_pretty(&value).expect("JSON")
}

fn damage(text: &[u8]) -> (usize, usize, String) {
    match parse_state(text) {
        Err(ParseError::Damaged { line, column, what }) => (line, column, what),
        other => panic!("{other:?}"),
    }
}

fn read_in_blocks(text: &[u8], division: lines::Division) -> Option<Document> {
    lines::read(text, division, &SharedRooms::default()).expect("a read")
}

fn any_division() -> impl Strategy<Value = lines::Division> {
    (1..2000_usize, 1..500_usize).prop_map(|(block, part)| lines::Division { block, part })
}

proptest! {
    #[test]
    fn any_record_round_trips(recorded in any_recorded(), division in any_division()) {
        let text = text_of(&recorded, Some("it"));
        let document = read(|| Ok(&text[..])).expect("a state");
        prop_assert_eq!(&document.recorded, &recorded);
        prop_assert_eq!(&document.folded, &LastFold::Journal("it".to_owned()));
        prop_assert_eq!(read_in_blocks(&text, division), Some(document));
        prop_assert_eq!(state_text(&recorded).expect("a text"), text_of(&recorded, None));
        let (again, checksum) = document::read_unsealed(&pretty_printed(&text)).expect("a state");
        prop_assert_eq!((again.recorded, checksum), (recorded, document::Checksum::Present));
    }

    #[test]
    fn version_1_is_read(count in 0..5_usize, division in any_division()) {
        let text = oldest(&text_of(&many(count), Some("it")));
        let document = read(|| Ok(&text[..])).expect("a state");
        prop_assert_eq!((document.version, &document.recorded), (1, &many(count)));
        prop_assert_eq!(read_in_blocks(&text, division), Some(document));
        prop_assert_eq!(parse_state(&pretty_printed(&text)).expect("a state"), many(count));
    }

    #[test]
    fn rooms_recorded_as_declared_share_memory(
        recorded in any_recorded(), division in any_division(),
        choice in prop::collection::vec(0..3_u8, 40),
    ) {
        let text = text_of(&recorded, None);
        let rooms = recorded.rooms.iter().zip(choice.iter().cycle());
        let declared: Vec<_> = rooms
            .filter_map(|((address, record), choice)| match choice {
                0 => None,
                1 => Some((address.clone(), Arc::new((*record.room).clone()))),
                _ => Some((address.clone(), Arc::new(Room { name: Some("x".into()), ..Room::default() }))),
            })
            .collect();
        let shared = SharedRooms::declared(declaring(declared.clone()));
        let read = lines::read(&text[..], division, &shared).expect("a read").expect("our layout");
        prop_assert_eq!(&read.recorded, &recorded);
        for (address, room) in declared {
            let record = &read.recorded.rooms[&address];
            prop_assert_eq!(Arc::ptr_eq(&record.room, &room), record.room == room);
        }
    }

    #[test]
    fn reading_in_blocks_accepts_only_what_the_whole_parser_accepts(
        recorded in any_recorded(), division in any_division(),
        at in any::<prop::sample::Index>(), with in "[,{}\"\n:a]{0,3}",
    ) {
        let mut text = text_of(&recorded, None);
        let at = at.index(text.len());
        text.splice(at..=at, with.bytes());
        for text in [resealed(&text), text] {
            if let Some(quick) = read_in_blocks(&text, division) {
                prop_assert_eq!(document::read(&text).expect("a state"), quick);
            }
        }
    }
}

#[test]
fn each_room_is_on_its_own_line() {
    let text = String::from_utf8(text_of(&many(2), None)).expect("UTF-8");
    insta::assert_snapshot!(text, @r#"
    {"version":2,"lineage":"7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44","serial":7,"providers":{"chat":{"kind":"zim","app_id":7,"host":"emulator"}},"rooms":{
    "chat/room-0000000":{"room":{"name":"Room 0"},"created":"2023-11-14T22:13:20.123Z","source":"rooms.yaml"},
    "chat/room-0000001":{"room":{"name":"Room 1"},"created":"2023-11-14T22:13:20.123Z","source":"rooms.yaml"}
    },"checksum":"crc32:27d6ad38"}
    "#);
    assert_eq!(String::from_utf8(text_of(&many(0), None)).expect("UTF-8").lines().count(), 2);
}

#[test]
fn many_blocks_are_read_as_one_record() {
    let recorded = many(2000);
    let text = text_of(&recorded, None);
    let division = lines::Division { block: 10_000, part: 1000 };
    assert!(read_in_blocks(&text, division).is_some_and(|document| document.recorded == recorded));
}

#[test]
fn a_state_truncated_anywhere_is_damaged() {
    let text = text_of(&many(3), None);
    for length in 0..text.len() - 1 {
        let (line, column, _) = damage(&text[..length]);
        assert!(line >= 1 && column >= 1, "{length}");
    }
    // The newline at the end is optional.
    assert_eq!(parse_state(&text[..text.len() - 1]).expect("a state"), many(3));
}

#[test]
fn an_empty_file_is_never_an_empty_record() {
    for text in ["", " \n", "\0\0\0", "null", "{}", "[]"] {
        assert!(parse_state(text.as_bytes()).is_err(), "{text:?}");
    }
    assert_eq!(damage(b"").2, "the file is empty, which a state never is");
}

#[test]
fn a_duplicate_room_is_damage_at_its_line() {
    let text = String::from_utf8(text_of(&many(3), None)).expect("UTF-8");
    let twice = text.replace("room-0000002", "room-0000000");
    let (line, _, what) = damage(twice.as_bytes());
    assert_eq!((line, what.as_str()), (4, "duplicate room `chat/room-0000000`"));
}

#[test]
fn a_duplicate_provider_or_attribute_is_damage() {
    let text = String::from_utf8(text_of(&many(1), None)).expect("UTF-8");
    let identity = r#""chat":{"kind":"zim","app_id":7,"host":"emulator"}"#;
    let twice = text.replace(identity, &format!("{identity},{identity}"));
    assert_eq!(damage(twice.as_bytes()).2, "duplicate provider `chat`");
    let attributes = r#""name":"Room 0","attributes":{"a":{"value":""},"a":{"value":""}}"#;
    let twice = text.replace(r#""name":"Room 0""#, attributes);
    assert_eq!(damage(twice.as_bytes()).2, "duplicate attribute `a`");
}

#[test]
fn an_unknown_key_is_damage() {
    let text = String::from_utf8(text_of(&many(1), None)).expect("UTF-8");
    for (key, with) in
        [("\"created\"", "\"extra\":1,\"created\""), ("\"serial\"", "\"extra\":1,\"serial\"")]
    {
        assert!(damage(text.replace(key, with).as_bytes()).2.contains("unknown field `extra`"));
    }
}

#[test]
fn a_newer_version_is_reported_before_the_rest_is_parsed() {
    let laid = "{\"version\":3,\"what\":[],\"rooms\":{\n\"a room\":{}\n}}\n";
    for text in [laid, "{\"rooms\":[], \"version\": 3}", "{\"version\":3}"] {
        assert!(matches!(parse_state(text.as_bytes()), Err(ParseError::Newer(3))), "{text}");
    }
    assert!(matches!(parse_state(b"{\"version\":0}"), Err(ParseError::Damaged { .. })));
}

#[test]
fn rooms_may_be_in_any_order() {
    let text = String::from_utf8(text_of(&many(3), None)).expect("UTF-8");
    let mut lines: Vec<_> = text.lines().collect();
    lines.swap(1, 2);
    let text = resealed((lines.join("\n") + "\n").as_bytes());
    assert_eq!(parse_state(&text).expect("a state"), many(3));
}

#[test]
fn a_stray_or_missing_comma_is_damage() {
    let text = String::from_utf8(text_of(&many(3), None)).expect("UTF-8");
    for (from, to) in [("\n},", ",\n},"), (",\n", ",\n,\n"), (",\n", ",,\n"), (",\n", "\n")] {
        assert!(parse_state(text.replacen(from, to, 1).as_bytes()).is_err(), "{from:?} {to:?}");
    }
}

#[test]
fn the_checksum_detects_any_changed_byte() {
    let text = text_of(&many(3), Some("it"));
    for at in 0..text.len() - 1 {
        let mut flipped = text.clone();
        flipped[at] ^= 1;
        assert!(parse_state(&flipped).is_err(), "{at}");
    }
    let text = String::from_utf8(text).expect("UTF-8");
    let mut lines: Vec<_> = text.lines().collect();
    lines.remove(2);
    let without = lines.join("\n");
    for edited in [text.replace("Room 1", "Room 7"), without] {
        let error = parse_state(edited.as_bytes());
        let detected = matches!(error, Err(ParseError::Checksum("it does not match its checksum")));
        assert!(detected, "{error:?}");
    }
}

#[test]
fn version_2_requires_a_checksum_and_version_1_refuses_one() {
    let text = String::from_utf8(text_of(&many(1), None)).expect("UTF-8");
    let bare = text[..text.len() - checksum::SEAL].to_owned() + "}\n";
    let older = text.replacen("\"version\":2", "\"version\":1", 1);
    for text in [bare.as_bytes(), older.as_bytes(), &pretty_printed(text.as_bytes())] {
        assert!(matches!(parse_state(text), Err(ParseError::Checksum(_))));
    }
}

#[test]
fn a_git_conflict_is_reported_with_its_line() {
    let text = String::from_utf8(text_of(&many(2), None)).expect("UTF-8");
    let (head, rest) = text.split_once('\n').expect("lines");
    let conflict = format!("<<<<<<< HEAD\n{head}\n=======\n{head}\n>>>>>>> theirs\n{rest}");
    assert!(matches!(parse_state(conflict.as_bytes()), Err(ParseError::Conflict { line: 1 })));
    let conflict = format!("{head}\n<<<<<<< HEAD\n=======\n>>>>>>> theirs\n{rest}");
    assert!(matches!(parse_state(conflict.as_bytes()), Err(ParseError::Conflict { line: 2 })));
}
