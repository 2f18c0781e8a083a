//! Tests of the planner.

mod drift;
mod gate;
mod kinds;
mod lifecycle;
mod limits;
mod moved;
mod next_life;
mod origin;
mod ownership;
mod properties;
mod reconcile;
mod refresh;
mod relocate;
mod replace;
mod saved;
mod steps;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
pub(super) use crate::model::samples::{attribute, attributes};
use crate::model::{
    Address, Assumed, Attribute, Attributes, Delay, DesiredFrom, DesiredRoom, Digest, Endpoint,
    Kind, Lifecycle, Observation, ObservedRoom, People, Policy, Provider, ProviderIdentity,
    ProviderName, RateShare, RecordedRoom, Refresh, Room, SecretSource, Sides, Timestamp, samples,
};

/// The time at which all tests plan.
const NOW: i64 = 1_000_000_000;

pub(super) fn at(seconds_from_now: i64) -> Timestamp {
    Timestamp::from_millis(NOW + seconds_from_now * 1000)
}

pub(super) fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

/// Returns a room with a name, one hour of delay and attributes.
pub(super) fn room(name: &str, pairs: &[(&str, &str)]) -> Arc<Room> {
    Arc::new(Room {
        name: Some(name.into()),
        destroy_delay_time: Some(Delay::from_seconds(3600)),
        attributes: attributes(pairs),
        ..Room::default()
    })
}

pub(super) fn declared(text: &str, room: Arc<Room>) -> DesiredRoom {
    DesiredRoom {
        address: address(text),
        room,
        lifecycle: Lifecycle::default(),
        ignore_changes: Box::default(),
        on_conflict: None,
        sides: Sides::default(),
        source: "rooms.yaml".into(),
        line: None,
    }
}

/// Returns a room that was created a minute ago.
pub(super) fn record(room: Arc<Room>) -> RecordedRoom {
    samples::record(room, at(-60))
}

pub(super) fn there(people: People, pairs: &[(&str, &str)]) -> Observation {
    Observation::There(samples::observed_room(at(0), people, attributes(pairs)))
}

/// The files, the state and the service from which a test plans.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) desired: Desired,
    pub(super) recorded: Recorded,
    pub(super) observed: Observed,
    pub(super) evict: BTreeSet<Address>,
    pub(super) scope: Scope,
    pub(super) in_progress: Option<Holder>,
}

impl World {
    /// Returns a world with the provider `chat`, a policy without a gate, and no rooms.
    pub(super) fn new() -> Self {
        let chat = provider("chat");
        let identity =
            ProviderIdentity { kind: Kind::Zim, app_id: 1, host: Some("zim-api.zego.im".into()) };
        let desired = Desired {
            providers: BTreeMap::from([(chat.name.clone(), chat.clone())]),
            state: PathBuf::from("rooms.state.json").into(),
            policy: Policy {
                max_destroy: crate::model::GateLimit::Percent(100),
                ..Policy::default()
            },
            rooms: Vec::new(),
            files: ["rooms.yaml".into()].into(),
            config_digest: Digest::default(),
            moved: Vec::new(),
            from: DesiredFrom::Files,
        };
        let recorded =
            Recorded { providers: BTreeMap::from([(chat.name, identity)]), ..Recorded::default() };
        let (observed, evict) = (Observed::default(), BTreeSet::new());
        let scope = Scope::default();
        Self { desired, recorded, observed, evict, scope, in_progress: None }
    }

    pub(super) fn declare(mut self, text: &str, room: Arc<Room>) -> Self {
        self.desired.rooms.push(declared(text, room));
        self.desired.rooms.sort_by(|a, b| a.address.cmp(&b.address));
        self
    }

    pub(super) fn record(mut self, text: &str, record: RecordedRoom) -> Self {
        self.recorded.rooms.insert(address(text), record);
        self
    }

    pub(super) fn observe(mut self, text: &str, observation: Observation) -> Self {
        self.observed.rooms.insert(address(text), observation);
        self
    }

    pub(super) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.desired.policy);
        self
    }

    pub(super) fn chat(&mut self) -> &mut Provider {
        self.desired.providers.values_mut().next().expect("the provider")
    }

    pub(super) fn plan(&self) -> Plan {
        plan(PlanInputs {
            desired: &self.desired,
            recorded: &self.recorded,
            observed: &self.observed,
            scope: &self.scope,
            refreshed: Refreshed::As(Refresh::Due),
            evict: &self.evict,
            in_progress: self.in_progress.as_ref(),
        })
    }

    pub(super) fn due(&self, mode: Refresh, scope: Purpose) -> Vec<String> {
        let due = due(&self.desired, &self.recorded, mode, scope, &|_| at(0));
        due.iter().map(ToString::to_string).collect()
    }
}

pub(super) fn provider(name: &str) -> Provider {
    Provider {
        name: ProviderName::new(name).expect("a name"),
        app_id: 1,
        application: crate::model::Application::new(Kind::Zim, Some("admin".to_owned())),
        endpoint: Endpoint::Vendor,
        host: "zim-api.zego.im".into(),
        secret: SecretSource::Environment("ZEGO_SERVER_SECRET".to_owned()),
        rate_limits: BTreeMap::new(),
        rate_share: RateShare::default(),
        max_rooms: None,
        limits: Kind::Zim.attribute_limits(),
    }
}
