//! How a stand-in is set up: its applications, limits and bad days.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::{AttributeLimits, Kind, RoomId, Secret};

use super::{Action, EmulatorError, FaultShare};

/// How long a live room lives after its last user left, where Tencent set nothing else.
const DISSOLVE_AFTER: Duration = Duration::from_mins(30);

/// The secrets where nobody set one: known to everyone, and good for the emulator only.
const OWN_SERVER_SECRET: &str = "0123456789abcdef0123456789abcdef";
const OWN_SECRET_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How a stand-in is set up. Begin with [`Settings::new`] and change what differs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The applications, each with rooms, people, users and limits of its own.
    pub apps: Vec<App>,
    /// The rooms that one ZIM application may have alive; none: as many as it likes.
    pub max_rooms: Option<u64>,
    /// The requests of an action in any second, for the actions that differ from the vendor's.
    pub rate_limits: BTreeMap<Action, u32>,
    /// What one ZIM room takes as attributes: 20 of them, keys of 16 bytes, values of 1,024, 5,120 in all.
    pub attribute_limits: AttributeLimits,
    /// What one live room takes as metadata: 10 keys of 50 bytes, values of 2,048, 16,384 in all.
    pub metadata_limits: AttributeLimits,
    /// What becomes of a ZIM room's attributes while it is empty.
    pub retention: Retention,
    /// How QueryRoomAttribute answers for a room that does not exist.
    pub missing_room: MissingRoom,
    /// How long a live room lives after its last user left, for the applications that differ from 30 minutes.
    pub dissolve_after: BTreeMap<u32, Duration>,
    /// How create_room answers for an owner who is not imported.
    pub unknown_owner: UnknownOwner,
    /// How get_room_info tells the number of people inside.
    pub head_count: HeadCount,
    /// The users who may call Tencent's server API; everybody with a valid UserSig where it is empty.
    pub administrators: BTreeSet<String>,
    /// The ids that are taken by Chat groups: no live room can have one.
    pub chat_groups: BTreeSet<RoomId>,
    /// The time that every request takes: half of it before it counts as arrived, half after the work.
    pub latency: Duration,
    /// The most that chance adds to the latency.
    pub jitter: Duration,
    /// What goes wrong, and how often; 100% together at most.
    pub faults: Vec<FaultShare>,
    /// The seed of everything that is left to chance.
    pub seed: u64,
}

/// One application.
#[derive(Clone, Debug)]
pub struct App {
    /// Its service. A ZIM and an RTC application may have the same id, and have nothing in common.
    pub kind: Kind,
    /// ZEGOCLOUD's AppId, or Tencent's SDKAppID.
    pub app_id: u32,
    /// ZEGOCLOUD's ServerSecret, or Tencent's SecretKey.
    pub secret: Secret,
}

/// What becomes of the attributes while a room is empty. The vendor says "not retained by default" on one
/// page and "retained" in a release note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// A room that nobody has entered keeps what it was created with; when the last user leaves, all go.
    #[default]
    UntilLeft,
    /// They stay as long as the room.
    Always,
}

/// How QueryRoomAttribute answers for a room that does not exist: the vendor does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingRoom {
    /// With 660300001.
    #[default]
    Refused,
    /// With 0 and no attributes.
    EmptyAnswer,
}

/// How create_room answers for an owner who is not imported: the vendor does not say which it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownOwner {
    /// With 70107.
    #[default]
    NoAccount,
    /// With 100002, "invalid owner account".
    InvalidParameter,
}

/// How get_room_info tells the number of people inside: no page says that it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeadCount {
    /// As `MemberCount`.
    #[default]
    MemberCount,
    /// As `OnlineCount`.
    OnlineCount,
    /// Not at all.
    Untold,
}

impl Settings {
    /// A friendly service: the vendor's limits, no quota, no delay, nothing goes wrong.
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
        }
    }

    /// The requests of `action` that one application may make in any second.
    #[must_use]
    pub fn rate_limit(&self, action: Action) -> u32 {
        self.rate_limits.get(&action).copied().unwrap_or(action.vendor_limit())
    }

    /// How long a live room of `app` lives after its last user left.
    #[must_use]
    pub fn dissolve_after(&self, app: u32) -> Duration {
        self.dissolve_after.get(&app).copied().unwrap_or(DISSOLVE_AFTER)
    }

    pub(super) fn check(&self) -> Result<(), EmulatorError> {
        let mut seen = BTreeSet::new();
        let twice = self.apps.iter().find(|app| !seen.insert((app.kind, app.app_id)));
        if let Some(App { kind, app_id, secret: _ }) = twice {
            return Err(EmulatorError::AppTwice { kind: *kind, app: *app_id });
        }
        let all: f64 = self.faults.iter().map(|fault| fault.share.as_fraction()).sum();
        if all > 1.0 + f64::EPSILON * 8.0 {
            return Err(EmulatorError::FaultsOverWhole { percent: all * 100.0 });
        }
        Ok(())
    }
}

impl App {
    /// The application `app_id` with the emulator's own secret, of the length that the vendor's have, for
    /// where nobody set one.
    #[must_use]
    pub fn with_own_secret(kind: Kind, app_id: u32) -> Self {
        let secret = match kind {
            Kind::Rtc | Kind::Zim => OWN_SERVER_SECRET,
            Kind::TencentLive => OWN_SECRET_KEY,
        };
        Self { kind, app_id, secret: Secret::new(secret.to_owned()) }
    }
}
