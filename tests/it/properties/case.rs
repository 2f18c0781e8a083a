//! Any two editions of a file, and anything that happens between them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use proptest::prelude::*;
use roomctl::model::{
    Attribute, AttributeChange, Delay, Desired, Field, Kind, Room, RoomId, Value,
};

use crate::support::fleet::provider;
use crate::support::{APP, Stranger, World};

/// A provider of each kind.
const HEAD: &str = "version: 1
providers:
  chat: {kind: zim, app_id: 1, operator: admin, endpoint: emulator}
  video: {kind: rtc, app_id: 1, endpoint: emulator}
  live: {kind: tencent-live, app_id: 1, operator: admin, endpoint: emulator}
state: rooms.state.json
";

/// What may hold one room.
const HOLDERS: [&[Kind]; 4] =
    [&[Kind::Zim], &[Kind::Rtc], &[Kind::TencentLive], &[Kind::Zim, Kind::Rtc]];

/// Keys that only strangers write.
pub(super) const FOREIGN: [&str; 2] = ["score", "mood"];

/// The lineage of another state, which a stranger may write too.
const OTHER_STATE: &str = "00000000-0000-4000-8000-000000000000";

/// Ids that files declare, and that strangers may take as well.
const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Between two of the rooms' own delays, whatever the number of times: nothing ends during a run.
const WHILE: Duration = Duration::from_secs(1_213);

/// Two editions, and what happens in between.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) first: Edition,
    pub(super) second: Edition,
    between: Vec<Happening>,
}

/// A file.
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
    /// What differs by kind: seats, or what is said of a close.
    seats: u8,
    name: Option<&'static str>,
    delay: &'static str,
    attributes: BTreeMap<&'static str, (&'static str, bool)>,
    prevent_destroy: bool,
}

#[derive(Clone, Debug)]
enum Happening {
    Pass,
    To(Kind, &'static str, Deed),
}

/// What is done to a room.
#[derive(Clone, Debug)]
enum Deed {
    Enter(u64),
    Leave,
    Vanish,
    Create(&'static str),
    Set(&'static str, &'static str),
    Delete(&'static str),
}

pub(super) fn some_case() -> impl Strategy<Value = Case> {
    let between = prop::collection::vec(some_happening(), 0..10);
    (some_edition(), some_edition(), between).prop_map(|(first, second, between)| Case {
        first,
        second,
        between,
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
    let kinds = prop::sample::select(&HOLDERS[..]);
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

fn some_happening() -> impl Strategy<Value = Happening> {
    let id = prop::sample::select(&["a", "b", "c", "d", "e", "f", "x", "y"][..]);
    let key = || prop::sample::select(&["topic", "banner", "by", FOREIGN[0], FOREIGN[1]][..]);
    let value = prop::sample::select(&["x", "y", "z", OTHER_STATE][..]);
    let deed = prop_oneof![
        3 => (1..4_u64).prop_map(Deed::Enter),
        1 => Just(Deed::Leave),
        2 => Just(Deed::Vanish),
        2 => key().prop_map(Deed::Create),
        3 => (key(), value).prop_map(|(key, value)| Deed::Set(key, value)),
        1 => key().prop_map(Deed::Delete),
    ];
    let kind = prop::sample::select(Kind::ALL);
    prop_oneof![
        1 => Just(Happening::Pass),
        12 => (kind, id, deed).prop_map(|(kind, id, deed)| Happening::To(kind, id, deed)),
    ]
}

impl Case {
    /// Lets everything happen. What cannot, such as entering a room that is not there, does not.
    pub(super) async fn happen(&self, world: &World, desired: &Desired) {
        let mut strangers = BTreeMap::new();
        for kind in Kind::ALL {
            strangers.insert(kind, world.stranger_at(desired, provider(*kind)).await);
        }
        for happening in &self.between {
            match happening {
                Happening::Pass => world.emulator.advance(WHILE).expect("advanced"),
                Happening::To(kind, id, deed) => {
                    deed.happen(world, &strangers[kind], *kind, id).await;
                }
            }
        }
    }
}

impl Deed {
    async fn happen(&self, world: &World, stranger: &Stranger, kind: Kind, id: &str) {
        match self {
            Self::Enter(users) => {
                let _ = world.emulator.enter(kind, APP, &RoomId::new(id), *users);
            }
            Self::Leave => {
                let _ = world.emulator.leave(kind, APP, &RoomId::new(id), None);
            }
            Self::Vanish => stranger.destroy(id).await,
            Self::Create(key) => stranger.create(id, theirs(kind, key)).await,
            Self::Set(key, value) => {
                let change = AttributeChange::Set((*key).into(), attribute(value));
                stranger.modify(id, vec![change]).await;
            }
            Self::Delete(key) => {
                stranger.modify(id, vec![AttributeChange::Delete((*key).into())]).await;
            }
        }
    }
}

impl Edition {
    /// The same rooms the other way round.
    pub(super) fn backwards(&self) -> Self {
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

/// A room of a stranger: it outlives every case.
fn theirs(kind: Kind, key: &str) -> Room {
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
