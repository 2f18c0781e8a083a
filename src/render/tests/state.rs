//! Tests of the text and JSON of the record.

use super::*;
use crate::model::{Assumed, Kind, NextLife, Pending, PendingKind, RecordedRoom, Timestamp};

fn record() -> RecordedRoom {
    RecordedRoom {
        room: room("Lobby", &[("topic", "welcome")]),
        assumed: Assumed { name: true, destroy_delay_time: false },
        created: Timestamp::from_millis(1_700_000_000_000),
        last_seen: Some(Timestamp::from_millis(1_700_000_100_000)),
        last_seen_with_people: None,
        attribute_sequence: Some(4),
        request_id: Some("req-1".into()),
        source: "rooms.yaml".into(),
        lifecycle: Lifecycle { prevent_destroy: true, ..Lifecycle::default() },
        sides: Sides::default(),
        ignore_changes: ["attributes.score".into()].into(),
        contested: None,
        next: Some(Box::new(NextLife {
            room: Some(room("Hall", &[("topic", "welcome")])),
            carried: attributes(&[("mood", "fine")]),
            destroyed: Some(Timestamp::from_millis(1_700_000_300_000)),
        })),
        pending: Some(Box::new(Pending::new(
            PendingKind::Update,
            Timestamp::from_millis(1_700_000_200_000),
            None,
        ))),
    }
}

#[test]
fn a_record_with_every_field() {
    let lobby = address("chat/lobby");
    insta::assert_snapshot!(written(|out| state_show_text(
        out,
        &lobby,
        &record(),
        Some(Kind::Zim)
    )));
    insta::assert_snapshot!(
        "json",
        written(|out| state_show_json(out, &lobby, &record(), Some(Kind::Zim)))
    );
}

#[test]
fn the_list_has_one_address_per_line() {
    let rooms = ["chat/a", "chat/b"].map(address);
    assert_eq!(written(|out| state_list_text(out, &rooms)), "chat/a\nchat/b\n");
    assert_eq!(
        written(|out| state_list_json(out, &rooms)),
        "{\"format_version\":1,\"rooms\":[\"chat/a\",\"chat/b\"]}\n"
    );
}

#[test]
fn a_create_that_may_still_take_effect_is_shown() {
    let at = |minutes: i64| Timestamp::from_millis(1_700_000_000_000 + minutes * 60_000);
    let sent = Pending::new(PendingKind::Create, at(0), None);
    let sent = Pending { absent_until: Some(at(15)), ..sent };
    let record = RecordedRoom { pending: Some(Box::new(sent)), ..record() };
    let text = written(|out| state_show_text(out, &address("chat/lobby"), &record, None));
    let line = "a create of 2023-11-14T22:13:20.000Z: the room is missing, and may still appear until \
                2023-11-14T22:28:20.000Z";
    assert!(text.contains(line), "{text}");
    let json = written(|out| state_show_json(out, &address("chat/lobby"), &record, None));
    assert!(json.contains(r#""absent_until":"2023-11-14T22:28:20.000Z""#), "{json}");
}
