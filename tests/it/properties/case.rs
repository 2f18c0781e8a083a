//! Generates test cases: two editions of a file, and the events between their applies.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use proptest::prelude::*;
use roomctl::model::{
    Attribute, AttributeChange, Delay, Desired, Field, Kind, Room, RoomId, Value,
};

use crate::support::fleet::provider;
use crate::support::{APP, OtherClient, World};

/// A provider of each kind.
const HEAD: &str = "version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}
  video: {kind: rtc, app_id: 1, endpoint: emulator}
  live: {kind: tencent-live, app_id: 1, operator: admin, endpoint: emulator}
state: rooms.state.json
";

/// The kinds that one declared room may have.
const KINDS: [&[Kind]; 4] =
    [&[Kind::Zim], &[Kind::Rtc], &[Kind::TencentLive], &[Kind::Zim, Kind::Rtc]];

/// Attribute keys that no file declares: only other clients write them.
pub(super) const FOREIGN: [&str; 2] = ["score", "mood"];

/// The lineage of another state, which another client may write.
const OTHER_STATE: &str = "00000000-0000-4000-8000-000000000000";

/// Ids that files declare; other clients may create rooms with them too.
const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The time of one [`CaseEvent::TimePasses`]. No multiple of it is shortly before the end of a
/// room's delay, so that no room times out during a run.
const INTERVAL: Duration = Duration::from_secs(1_213);

/// Two editions, and the events between their applies.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) first: Edition,
    pub(super) second: Edition,
    events: Vec<CaseEvent>,
}

/// One version of `rooms.yaml`.
#[derive(Clone, Debug)]
pub(super) struct Edition {
    policy: &'static str,
    /// The ownership attribute.
    owner: Option<&'static str>,
    rooms: Vec<(&'static str, Declared)>,
}

#[derive(Clone, Debug)]
struct Declared {
    kinds: &'static [Kind],
    /// The number of seats of a live room; it is in the close reason of a video room too.
    seats: u8,
    name: Option<&'static str>,
    delay: &'static str,
    attributes: BTreeMap<&'static str, (&'static str, bool)>,
    prevent_destroy: bool,
}

#[derive(Clone, Debug)]
enum CaseEvent {
    TimePasses,
    Room(Kind, &'static str, RoomChange),
}

/// An event in one room, caused by its users or by another client.
#[derive(Clone, Debug)]
enum RoomChange {
    Enter(u64),
    Leave,
    Vanish,
    Create(&'static str),
    Set(&'static str, &'static str),
    Delete(&'static str),
}

pub(super) fn some_case() -> impl Strategy<Value = Case> {
    let events = prop::collection::vec(some_event(), 0..10);
    (some_edition(), some_edition(), events).prop_map(|(first, second, events)| Case {
        first,
        second,
        events,
    })
}

fn some_edition() -> impl Strategy<Value = Edition> {
    let policy = prop_oneof![
        Just("{}"),
        Just("{on_conflict: adopt}"),
        Just("{on_occupied: destroy}"),
        Just("{on_conflict: adopt, on_occupied: destroy}"),
        Just("{replace: on_next_vanish}"),
        Just("{replace: on_next_vanish, on_occupied: destroy}"),
    ];
    let owner = prop::option::of(prop::sample::select(&["by", "whose"][..]));
    let rooms = prop::collection::btree_map(prop::sample::select(&IDS[..]), some_declared(), 0..6);
    (policy, owner, rooms).prop_map(|(policy, owner, rooms)| {
        let rooms = rooms.into_iter().collect();
        Edition { policy, owner, rooms }
    })
}

fn some_declared() -> impl Strategy<Value = Declared> {
    let name = prop::option::of(prop::sample::select(&["Hall", "Bar"][..]));
    let delay = prop::sample::select(&["20m", "1h", "3h"][..]);
    let key = prop::sample::select(&["topic", "banner", "rules"][..]);
    let value = (prop::sample::select(&["x", "y"][..]), prop::bool::weighted(0.2));
    let attributes = prop::collection::btree_map(key, value, 0..4);
    let kinds = prop::sample::select(&KINDS[..]);
    (kinds, 4..6_u8, name, delay, attributes, prop::bool::weighted(0.1)).prop_map(
        |(kinds, seats, name, delay, attributes, prevent_destroy)| Declared {
            kinds,
            seats,
            name,
            delay,
            attributes,
            prevent_destroy,
        },
    )
}

fn some_event() -> impl Strategy<Value = CaseEvent> {
    let id = prop::sample::select(&["a", "b", "c", "d", "e", "f", "x", "y"][..]);
    let key = || prop::sample::select(&["topic", "banner", "by", FOREIGN[0], FOREIGN[1]][..]);
    let value = prop::sample::select(&["x", "y", "z", OTHER_STATE][..]);
    let change = prop_oneof![
        3 => (1..4_u64).prop_map(RoomChange::Enter),
        1 => Just(RoomChange::Leave),
        2 => Just(RoomChange::Vanish),
        2 => key().prop_map(RoomChange::Create),
        3 => (key(), value).prop_map(|(key, value)| RoomChange::Set(key, value)),
        1 => key().prop_map(RoomChange::Delete),
    ];
    let kind = prop::sample::select(Kind::ALL);
    prop_oneof![
        1 => Just(CaseEvent::TimePasses),
        12 => (kind, id, change).prop_map(|(kind, id, event)| CaseEvent::Room(kind, id, event)),
    ]
}

impl Case {
    /// Runs every event; one that is impossible, such as entering a missing room, has no effect.
    pub(super) async fn run_events(&self, world: &World, desired: &Desired) {
        let mut strangers = BTreeMap::new();
        for kind in Kind::ALL {
            strangers.insert(kind, world.other_client_at(desired, provider(*kind)).await);
        }
        for event in &self.events {
            match event {
                CaseEvent::TimePasses => world.emulator.advance(INTERVAL).expect("advanced"),
                CaseEvent::Room(kind, id, change) => {
                    change.run(world, &strangers[kind], *kind, id).await;
                }
            }
        }
    }
}

impl RoomChange {
    async fn run(&self, world: &World, other_client: &OtherClient, kind: Kind, id: &str) {
        match self {
            Self::Enter(users) => {
                let _ = world.emulator.enter(kind, APP, &RoomId::new(id), *users);
            }
            Self::Leave => {
                let _ = world.emulator.leave(kind, APP, &RoomId::new(id), None);
            }
            Self::Vanish => other_client.destroy(id).await,
            Self::Create(key) => other_client.create(id, foreign_room(kind, key)).await,
            Self::Set(key, value) => {
                let change = AttributeChange::Set((*key).into(), attribute(value));
                other_client.modify(id, vec![change]).await;
            }
            Self::Delete(key) => {
                other_client.modify(id, vec![AttributeChange::Delete((*key).into())]).await;
            }
        }
    }
}

impl Edition {
    /// Returns the same rooms in reverse order.
    pub(super) fn reversed(&self) -> Self {
        let mut other = self.clone();
        other.rooms.reverse();
        other
    }

    pub(super) fn text(&self) -> String {
        let owner = self.owner.map(|key| format!("admin, ownership_attribute: {key},"));
        let head = owner.map_or_else(|| HEAD.to_owned(), |it| HEAD.replace("admin,", &it));
        let mut out = format!("{head}policy: {}\n", self.policy);
        out.push_str(if self.rooms.is_empty() { "rooms: []\n" } else { "rooms:\n" });
        for (id, room) in &self.rooms {
            room.write(id, &mut out).expect("a text");
        }
        out
    }
}

impl Declared {
    fn write(&self, id: &str, out: &mut String) -> std::fmt::Result {
        let Self { kinds, seats, name, delay, attributes, prevent_destroy } = self;
        let holds = |field| kinds.iter().any(|kind| kind.holds(field));
        let names: Vec<_> = kinds.iter().map(|kind| provider(*kind)).collect();
        writeln!(out, "  - id: {id}\n    providers: [{}]", names.join(", "))?;
        writeln!(out, "    lifecycle: {{prevent_destroy: {prevent_destroy}}}")?;
        if holds(Field::DestroyDelayTime) {
            writeln!(out, "    destroy_delay_time: {delay}")?;
        }
        if holds(Field::CloseReason) {
            writeln!(out, "    close: {{reason: r{seats}}}")?;
        }
        if holds(Field::MaxSeats) {
            writeln!(out, "    seat_template: Karaoke\n    max_seats: {seats}")?;
        }
        if let Some(name) = name.filter(|_| holds(Field::Name)) {
            writeln!(out, "    name: {name}")?;
        }
        if !holds(Field::Attributes) {
            return Ok(());
        }
        writeln!(out, "    attributes:{}", if attributes.is_empty() { " {}" } else { "" })?;
        for (key, (value, auto_delete)) in attributes {
            let auto_delete = *auto_delete && kinds.contains(&Kind::Zim);
            writeln!(out, "      {key}: {{value: {value}, auto_delete: {auto_delete}}}")?;
        }
        Ok(())
    }
}

/// Returns a room of another client, whose delay is long enough to outlive every case.
fn foreign_room(kind: Kind, key: &str) -> Room {
    let mut room = Room {
        name: Some("Theirs".into()),
        attributes: [(key, attribute("z"))].into_iter().collect(),
        ..Room::default()
    };
    match kind {
        Kind::Zim => room.destroy_delay_time = Some(Delay::from_seconds(10_800)),
        Kind::TencentLive => {
            room.set(Field::SeatTemplate, Some(Value::Text("Karaoke".into())));
            room.set(Field::MaxSeats, Some(Value::Number(4)));
        }
        Kind::Rtc => {}
    }
    room
}

fn attribute(value: &str) -> Attribute {
    Attribute { value: value.into(), auto_delete: false }
}
