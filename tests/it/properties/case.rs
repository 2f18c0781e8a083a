//! Any two editions of a file, and anything that happens between them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use proptest::prelude::*;
use roomctl::model::{Attribute, AttributeChange, Delay, Desired, Kind, Room, RoomId};

use crate::support::fleet::HEAD;
use crate::support::{APP, World};

/// Keys that only strangers write.
pub(super) const FOREIGN: [&str; 2] = ["score", "mood"];

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
    rooms: Vec<(&'static str, Declared)>,
}

#[derive(Clone, Debug)]
struct Declared {
    name: Option<&'static str>,
    delay: &'static str,
    attributes: BTreeMap<&'static str, (&'static str, bool)>,
    prevent_destroy: bool,
}

#[derive(Clone, Debug)]
enum Happening {
    Enter(&'static str, u64),
    Leave(&'static str),
    Vanish(&'static str),
    Create(&'static str, &'static str),
    Set(&'static str, &'static str, &'static str),
    Delete(&'static str, &'static str),
    Pass,
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
    ];
    let rooms = prop::collection::btree_map(prop::sample::select(&IDS[..]), some_declared(), 0..6);
    (policy, rooms)
        .prop_map(|(policy, rooms)| Edition { policy, rooms: rooms.into_iter().collect() })
}

fn some_declared() -> impl Strategy<Value = Declared> {
    let name = prop::option::of(prop::sample::select(&["Hall", "Bar"][..]));
    let delay = prop::sample::select(&["20m", "1h", "3h"][..]);
    let key = prop::sample::select(&["topic", "banner", "rules"][..]);
    let value = (prop::sample::select(&["x", "y"][..]), prop::bool::weighted(0.2));
    let attributes = prop::collection::btree_map(key, value, 0..4);
    (name, delay, attributes, prop::bool::weighted(0.1)).prop_map(
        |(name, delay, attributes, prevent_destroy)| Declared {
            name,
            delay,
            attributes,
            prevent_destroy,
        },
    )
}

fn some_happening() -> impl Strategy<Value = Happening> {
    let id = || prop::sample::select(&["a", "b", "c", "d", "e", "f", "x", "y"][..]);
    let key = || prop::sample::select(&["topic", "banner", FOREIGN[0], FOREIGN[1]][..]);
    let value = || prop::sample::select(&["x", "y", "z"][..]);
    prop_oneof![
        3 => (id(), 1..4_u64).prop_map(|(id, users)| Happening::Enter(id, users)),
        1 => id().prop_map(Happening::Leave),
        2 => id().prop_map(Happening::Vanish),
        2 => (id(), key()).prop_map(|(id, key)| Happening::Create(id, key)),
        3 => (id(), key(), value()).prop_map(|(id, key, value)| Happening::Set(id, key, value)),
        1 => (id(), key()).prop_map(|(id, key)| Happening::Delete(id, key)),
        1 => Just(Happening::Pass),
    ]
}

impl Case {
    /// Lets everything happen. What cannot, such as entering a room that is not there, does not.
    pub(super) async fn happen(&self, world: &World, desired: &Desired) {
        let stranger = world.stranger(desired).await;
        let service = &world.emulator;
        for happening in &self.between {
            match happening {
                Happening::Enter(id, users) => {
                    let _ = service.enter(Kind::Zim, APP, &RoomId::new(id), *users);
                }
                Happening::Leave(id) => {
                    let _ = service.leave(Kind::Zim, APP, &RoomId::new(id), None);
                }
                Happening::Vanish(id) => stranger.destroy(id).await,
                Happening::Create(id, key) => stranger.create(id, theirs(key)).await,
                Happening::Set(id, key, value) => {
                    let change = AttributeChange::Set((*key).into(), attribute(value));
                    stranger.modify(id, vec![change]).await;
                }
                Happening::Delete(id, key) => {
                    stranger.modify(id, vec![AttributeChange::Delete((*key).into())]).await;
                }
                Happening::Pass => service.advance(WHILE).expect("advanced"),
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
        let mut out = format!("{HEAD}policy: {}\n", self.policy);
        out.push_str(if self.rooms.is_empty() { "rooms: []\n" } else { "rooms:\n" });
        for (id, room) in &self.rooms {
            room.write(id, &mut out).expect("a text");
        }
        out
    }
}

impl Declared {
    fn write(&self, id: &str, out: &mut String) -> std::fmt::Result {
        let Self { name, delay, attributes, prevent_destroy } = self;
        writeln!(out, "  - id: {id}\n    destroy_delay_time: {delay}")?;
        writeln!(out, "    lifecycle: {{prevent_destroy: {prevent_destroy}}}")?;
        if let Some(name) = name {
            writeln!(out, "    name: {name}")?;
        }
        writeln!(out, "    attributes:{}", if attributes.is_empty() { " {}" } else { "" })?;
        for (key, (value, auto_delete)) in attributes {
            writeln!(out, "      {key}: {{value: {value}, auto_delete: {auto_delete}}}")?;
        }
        Ok(())
    }
}

/// A room of a stranger: it outlives every case.
fn theirs(key: &str) -> Room {
    Room {
        name: Some("Theirs".into()),
        destroy_delay_time: Some(Delay::from_seconds(10_800)),
        attributes: [(key, attribute("z"))].into_iter().collect(),
        ..Room::default()
    }
}

fn attribute(value: &str) -> Attribute {
    Attribute { value: value.into(), auto_delete: false }
}
