//! The emulator's configuration: its applications, limits and faults, and a description for its user.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::model::{AttributeLimits, Kind, RoomId, Secret};

use super::action::{Action, CallEvent};
use super::error::EmulatorError;
use super::fault::{FaultShare, Share};

/// How long a live room lives after its last user left, unless configured otherwise.
const DISSOLVE_AFTER: Duration = Duration::from_mins(30);

/// The emulator's default secrets: public, and accepted by the emulator only.
const OWN_SERVER_SECRET: &str = "0123456789abcdef0123456789abcdef";
const OWN_SECRET_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The configuration of an emulator. Start with [`EmulatorConfig::new`] and change what differs.
#[derive(Clone, Debug)]
pub struct EmulatorConfig {
    /// The applications, each with its own rooms, people, users and limits.
    pub apps: Vec<App>,
    /// How many rooms of one ZIM application may be alive; `None` for no limit.
    pub max_rooms: Option<u64>,
    /// The requests per second of an action, for the actions that differ from the vendor's limit.
    pub rate_limits: BTreeMap<Action, u32>,
    /// The attribute limits of a ZIM room. Default: 20 attributes, keys of 16 bytes, values of 1,024 bytes,
    /// 5,120 bytes in total.
    pub attribute_limits: AttributeLimits,
    /// The metadata limits of a live room. Default: 10 keys, keys of 50 bytes, values of 2,048 bytes, 16,384
    /// bytes in total.
    pub metadata_limits: AttributeLimits,
    /// What happens to a ZIM room's attributes while it is empty.
    pub retention: Retention,
    /// How QueryRoomAttribute answers for a room that does not exist.
    pub missing_room: MissingRoom,
    /// How long a live room lives after its last user left, for the applications that differ from 30
    /// minutes.
    pub dissolve_after: BTreeMap<u32, Duration>,
    /// How create_room answers for an owner who is not imported.
    pub unknown_owner: UnknownOwner,
    /// The field in which get_room_info reports the number of people inside.
    pub head_count: HeadCount,
    /// The users who may call Tencent's server API. If empty, every user with a valid UserSig may.
    pub administrators: BTreeSet<String>,
    /// The ids of Chat groups: no live room can have one of them.
    pub chat_groups: BTreeSet<RoomId>,
    /// The latency of every request: half of it before it counts as arrived, half after the work.
    pub latency: Duration,
    /// The longest random addition to the latency.
    pub jitter: Duration,
    /// The faults to inject; their shares add up to 100% at most.
    pub faults: Vec<FaultShare>,
    /// The seed of the random numbers.
    pub seed: u64,
    /// Receives an event for every call, for example for the statistics of a test.
    pub call_events: Option<Sender<CallEvent>>,
}

/// One application.
#[derive(Clone, Debug)]
pub struct App {
    /// The application's service. A ZIM and an RTC application with the same id share nothing.
    pub kind: Kind,
    /// ZEGOCLOUD's AppId, or Tencent's SDKAppID.
    pub app_id: u32,
    /// ZEGOCLOUD's ServerSecret, or Tencent's SecretKey.
    pub secret: Secret,
}

/// Whether attributes are kept while a room is empty. One of the vendor's pages documents "not retained by
/// default", a release note "retained".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// They are kept until the last user leaves, and then all deleted.
    #[default]
    UntilLeft,
    /// They are kept as long as the room exists.
    Always,
}

/// How QueryRoomAttribute answers for a room that does not exist: the vendor does not document it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingRoom {
    /// With 660300001.
    #[default]
    Refused,
    /// With 0 and no attributes.
    EmptyAnswer,
}

/// How create_room answers for an owner who is not imported: the vendor does not document it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownOwner {
    /// With 70107.
    #[default]
    NoAccount,
    /// With 100002, "invalid owner account".
    InvalidParameter,
}

/// The field in which get_room_info reports the number of people inside: the vendor documents none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeadCount {
    /// In `MemberCount`.
    #[default]
    MemberCount,
    /// In `OnlineCount`.
    OnlineCount,
    /// In no field.
    Omitted,
}

impl EmulatorConfig {
    /// Returns the defaults: the vendor's limits, no quota, no latency, no faults.
    #[must_use]
    pub fn new(apps: Vec<App>) -> Self {
        Self {
            apps,
            max_rooms: None,
            rate_limits: BTreeMap::new(),
            attribute_limits: AttributeLimits {
                attributes: 20,
                key_bytes: 16,
                value_bytes: 1024,
                total_bytes: 5120,
            },
            metadata_limits: AttributeLimits {
                attributes: 10,
                key_bytes: 50,
                value_bytes: 2048,
                total_bytes: 16_384,
            },
            retention: Retention::default(),
            missing_room: MissingRoom::default(),
            dissolve_after: BTreeMap::new(),
            unknown_owner: UnknownOwner::default(),
            head_count: HeadCount::default(),
            administrators: BTreeSet::new(),
            chat_groups: BTreeSet::new(),
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            faults: Vec::new(),
            seed: 0,
            call_events: None,
        }
    }

    /// Returns how many requests of `action` one application may make in any second.
    #[must_use]
    pub fn rate_limit(&self, action: Action) -> u32 {
        self.rate_limits.get(&action).copied().unwrap_or(action.vendor_limit())
    }

    /// Returns how long a live room of `app` lives after its last user left.
    #[must_use]
    pub fn dissolve_after(&self, app: u32) -> Duration {
        self.dissolve_after.get(&app).copied().unwrap_or(DISSOLVE_AFTER)
    }

    /// Sends an event to the receiver of the call events, if there is one.
    pub(super) fn report(&self, event: CallEvent) {
        if let Some(events) = &self.call_events {
            // The receiver may be closed.
            let _ = events.send(event);
        }
    }

    /// Describes what is served and which requests are accepted, without secrets.
    pub(super) fn describe(&self) -> String {
        let mut lines: Vec<String> =
            Kind::ALL.iter().flat_map(|kind| service(self, *kind)).collect();
        lines.extend(faults(self));
        lines.push(
            "also, from this machine only: POST /emulator/enter {room, users}, /emulator/leave {room}, \
             /emulator/advance {seconds}, with app_id and kind if there are several"
                .to_owned(),
        );
        lines.join("\n")
    }

    /// Checks that the configuration does not contradict itself.
    pub(super) fn check(&self) -> Result<(), EmulatorError> {
        let mut seen = BTreeSet::new();
        let twice = self.apps.iter().find(|app| !seen.insert((app.kind, app.app_id)));
        if let Some(App { kind, app_id, secret: _ }) = twice {
            return Err(EmulatorError::DuplicateApp { kind: *kind, app: *app_id });
        }
        let all: f64 = self.faults.iter().map(|fault| fault.share.as_fraction()).sum();
        if all > 1.0 + f64::EPSILON * 8.0 {
            return Err(EmulatorError::FaultsOverWhole { percent: all * 100.0 });
        }
        Ok(())
    }
}

impl App {
    /// Returns the application `app_id` with the emulator's default secret, which has the length of the
    /// vendor's.
    #[must_use]
    pub fn with_own_secret(kind: Kind, app_id: u32) -> Self {
        let secret = match kind {
            Kind::Rtc | Kind::Zim => OWN_SERVER_SECRET,
            Kind::TencentLive => OWN_SECRET_KEY,
        };
        Self { kind, app_id, secret: Secret::new(secret.to_owned()) }
    }
}

/// Describes one kind: its applications, its actions and its limits.
fn service(config: &EmulatorConfig, kind: Kind) -> Vec<String> {
    let apps = config.apps.iter().filter(|app| app.kind == kind);
    let ids: Vec<_> = apps.map(|app| app.app_id.to_string()).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let actions = Action::ALL.into_iter().filter(|action| action.kind() == kind);
    let head =
        format!("{kind}, app ids: {}; actions and their rate limits per app:", ids.join(", "));
    let mut lines = vec![head];
    lines.extend(actions.map(|action| action_line(config, action)));
    lines.push(match (kind, config.max_rooms) {
        (Kind::Rtc, _) => "  rooms: exist while people are inside".to_owned(),
        (Kind::Zim, Some(most)) => format!("  rooms: at most {most} per app"),
        (Kind::Zim, None) => "  rooms: no limit".to_owned(),
        (Kind::TencentLive, _) => "  a room id can be created at most once per second".to_owned(),
    });
    lines
}

fn action_line(config: &EmulatorConfig, action: Action) -> String {
    let (method, limit) = (action.method(), config.rate_limit(action));
    format!("  {:4} {}  {limit} per second", method.as_str(), action.path())
}

fn faults(config: &EmulatorConfig) -> Option<String> {
    let (latency, jitter) = (config.latency, config.jitter);
    let slow = !latency.is_zero() || !jitter.is_zero();
    let mut parts: Vec<String> =
        slow.then(|| format!("latency {latency:?}, plus up to {jitter:?}")).into_iter().collect();
    let share = |share: Share| share.as_fraction() * 100.0;
    parts.extend(
        config.faults.iter().map(|one| format!("{} in {:.1}%", one.fault, share(one.share))),
    );
    (!parts.is_empty()).then(|| format!("fault injection: {}", parts.join(", ")))
}
