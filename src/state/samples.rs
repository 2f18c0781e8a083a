//! Records for tests: fixtures, and strategies for proptest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::model::{
    Address, Assumed, Attribute, Delay, Desired, DesiredFrom, DesiredRoom, Digest, Field, Kind,
    Lifecycle, Lineage, NextLife, OnRemove, Pending, PendingKind, Policy, ProviderIdentity,
    ProviderName, Recorded, RecordedRoom, Room, Sides, Timestamp, Value, samples,
};

use super::{Entry, Holder};

/// Parses an address.
pub(super) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// Parses a provider's name.
pub(super) fn provider(text: &str) -> ProviderName {
    ProviderName::new(text).expect("a name")
}

/// Returns the application of a provider.
pub(super) fn identity() -> ProviderIdentity {
    ProviderIdentity { kind: Kind::Zim, app_id: 7, host: Some("emulator".into()) }
}

/// Returns a room's record with this name.
pub(super) fn record(name: &str) -> RecordedRoom {
    let room = Arc::new(Room { name: Some(name.into()), ..Room::default() });
    samples::record(room, Timestamp::from_millis(1_700_000_000_123))
}

/// Returns an entry that records a room under a name.
pub(super) fn named(at: &str, name: &str) -> Entry {
    Entry::Result(address(at), record(name))
}

/// Returns a record of `count` rooms.
pub(super) fn many(count: usize) -> Recorded {
    let room = |n| (address(&format!("chat/room-{n:07}")), record(&format!("Room {n}")));
    Recorded {
        lineage: Some(Lineage("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44".to_owned())),
        serial: 7,
        providers: BTreeMap::from([(provider("chat"), identity())]),
        rooms: (0..count).map(room).collect(),
        plans: Vec::new(),
        moved_to: None,
    }
}

/// Returns the configuration that declares these rooms, which are sorted by address.
pub(super) fn declaring(rooms: Vec<(Address, Arc<Room>)>) -> Arc<Desired> {
    let declared = |(address, room)| DesiredRoom {
        address,
        room,
        lifecycle: Lifecycle::default(),
        ignore_changes: Box::default(),
        on_conflict: None,
        sides: Sides::default(),
        source: "rooms.yaml".into(),
        line: None,
    };
    Arc::new(Desired {
        providers: BTreeMap::new(),
        state: PathBuf::new().into(),
        policy: Policy::default(),
        rooms: rooms.into_iter().map(declared).collect(),
        files: BTreeSet::new(),
        config_digest: Digest::default(),
        moved: Vec::new(),
        from: DesiredFrom::Files,
    })
}

/// Returns a holder of a lock.
pub(super) fn holder(pid: u32) -> Holder {
    Holder {
        pid,
        host: "desk".to_owned(),
        user: "ada".to_owned(),
        command: "roomctl apply".to_owned(),
        time: Timestamp::from_millis(1_700_000_000_000),
    }
}

/// Generates any text, quotes and control characters included.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,8}", vec(any::<char>(), 0..6).prop_map(|c| c.into_iter().collect())]
}

fn any_room() -> impl Strategy<Value = Room> {
    let attribute = (text(), any::<bool>())
        .prop_map(|(value, auto_delete)| Attribute { value: value.into(), auto_delete });
    let attributes = btree_map(text(), attribute, 0..3);
    (option::of(text()), option::of(any::<u32>()), attributes, any_fields()).prop_map(
        |(name, delay, attributes, fields)| Room {
            name: name.map(Into::into),
            destroy_delay_time: delay.map(Delay::from_seconds),
            attributes: attributes.into_iter().collect(),
            ..fields
        },
    )
}

fn any_fields() -> impl Strategy<Value = Room> {
    let known = Field::ALL.iter().copied();
    let known =
        known.filter(|it| !matches!(it, Field::Name | Field::DestroyDelayTime | Field::Attributes));
    let field = proptest::sample::select(known.collect::<Vec<_>>());
    let value = prop_oneof![
        any::<bool>().prop_map(Value::Flag),
        any::<u32>().prop_map(Value::Number),
        text().prop_map(|text| Value::Text(text.into())),
        proptest::collection::vec(any::<u32>(), 0..3).prop_map(|all| Value::Numbers(all.into())),
    ];
    btree_map(field, value, 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn any_lifecycle() -> impl Strategy<Value = Lifecycle> {
    let on_remove = prop_oneof![Just(OnRemove::Destroy), Just(OnRemove::Forget)];
    (any::<bool>(), on_remove)
        .prop_map(|(prevent_destroy, on_remove)| Lifecycle { prevent_destroy, on_remove })
}

fn any_sides() -> impl Strategy<Value = Sides> {
    let name = "[a-z]{1,3}".prop_map(|name| ProviderName::new(&name).expect("a name"));
    btree_set(name, 0..3).prop_map(Sides::new)
}

fn any_next() -> impl Strategy<Value = NextLife> {
    let life = (option::of(any_room()), any_room(), option::of(any_moment()));
    life.prop_map(|(room, Room { attributes: carried, .. }, destroyed)| NextLife {
        room: room.map(Arc::new),
        carried,
        destroyed,
    })
}

fn any_moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 1_700_000_000_000_i64..1_800_000_000_000]
        .prop_map(Timestamp::from_millis)
}

fn any_pending() -> impl Strategy<Value = Pending> {
    let kinds = [PendingKind::Create, PendingKind::Update, PendingKind::Destroy];
    let kind = proptest::sample::select(kinds.to_vec());
    let moments = (any_moment(), option::of(any_moment()));
    (kind, moments, option::of(any_room())).prop_map(|(kind, (at, absent_until), room)| Pending {
        kind,
        at,
        room: room.map(Arc::new),
        absent_until,
    })
}

/// Generates any record of a room.
pub(super) fn any_record() -> impl Strategy<Value = RecordedRoom> {
    let moments = (any_moment(), option::of(any_moment()), option::of(any_moment()));
    let small = (any::<bool>(), any::<bool>(), option::of(any::<u64>()), option::of(text()));
    let decided = (vec(text(), 0..2), option::of(text()), option::of(any_next()));
    let rest = (text(), any_lifecycle(), any_sides(), option::of(any_pending()), decided);
    (any_room(), moments, small, rest).prop_map(|(room, moments, small, rest)| {
        let (created, last_seen, last_seen_with_people) = moments;
        let (source, lifecycle, sides, pending, (ignore_changes, contested, next)) = rest;
        let (name, destroy_delay_time, attribute_sequence, request_id) = small;
        RecordedRoom {
            room: Arc::new(room),
            assumed: Assumed { name, destroy_delay_time },
            created,
            last_seen,
            last_seen_with_people,
            attribute_sequence,
            request_id: request_id.map(Into::into),
            source: source.into(),
            lifecycle,
            sides,
            ignore_changes: ignore_changes.into_iter().map(Into::into).collect(),
            pending: pending.map(Box::new),
            contested: contested.map(Into::into),
            next: next.map(Box::new),
        }
    })
}

/// Generates any address.
pub(super) fn any_address() -> impl Strategy<Value = Address> {
    ("[a-c]{1,2}", text()).prop_map(|(provider, room)| address(&format!("{provider}/r{room}")))
}

/// Generates any record with a lineage.
pub(super) fn any_recorded() -> impl Strategy<Value = Recorded> {
    let identity = (any::<u32>(), option::of(text())).prop_map(|(app_id, host)| ProviderIdentity {
        kind: Kind::Zim,
        app_id,
        host: host.map(Into::into),
    });
    let providers = btree_map("[a-c]{1,2}".prop_map(|name| provider(&name)), identity, 0..3);
    let rooms = btree_map(any_address(), any_record(), 0..8);
    let plans = vec(text(), 0..3);
    let moved_to = option::of(text());
    (any::<u64>(), providers, rooms, plans, moved_to).prop_map(
        |(serial, providers, rooms, plans, moved_to)| Recorded {
            lineage: Some(Lineage("7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44".to_owned())),
            serial,
            providers,
            rooms,
            plans,
            moved_to: moved_to.map(Into::into),
        },
    )
}

/// Generates any entry.
pub(super) fn any_entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        (any_address(), any_record()).prop_map(|(at, record)| Entry::Intent(at, record)),
        (any_address(), any_record()).prop_map(|(at, record)| Entry::Result(at, record)),
        any_address().prop_map(Entry::Removed),
        "[a-c]{1,2}".prop_map(|name| Entry::Provider(provider(&name), identity())),
        "[a-c]{1,2}".prop_map(|name| Entry::ProviderRemoved(provider(&name))),
        "[a-z]{4}".prop_map(Entry::PlanCarriedOut),
    ]
}
