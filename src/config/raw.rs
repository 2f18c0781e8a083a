//! The files as serde reads them: every key, nothing resolved. The published schema is made of it.

mod room;
mod scalars;
mod shapes;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{OnConflict, OnOccupied, Refresh};
pub use room::{Close, Defaults, Lifecycle, RawValue, Room};
use scalars::present;
pub use scalars::{Amount, AttributeValue, FullAttribute, Pairs, Text};
use shapes::{count_or_share, kind, share, span_or_variable, whole, whole_or_variable};

/// What rooms.yaml declares: the providers, the policy, and the rooms.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["version"]))]
pub struct File {
    /// The version of the format: 1.
    #[serde(deserialize_with = "present")]
    #[schemars(extend("enum" = [1]))]
    pub version: Option<u64>,
    /// The applications that hold the rooms, by name: lower-case letters, digits, `_` and `-`.
    #[serde(deserialize_with = "present")]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z0-9_-]+$" }))]
    pub providers: Option<Pairs<Provider>>,
    /// Providers that were renamed: their records follow.
    #[serde(deserialize_with = "present")]
    pub moved: Option<Vec<Moved>>,
    /// Where the state is kept: a path beside this file. `${NAME}` and `${NAME:-default}` work.
    #[serde(deserialize_with = "present")]
    pub state: Option<Text>,
    /// How changes are made.
    #[serde(deserialize_with = "present")]
    pub policy: Option<Policy>,
    /// What the rooms of this file hold where they do not say otherwise.
    #[serde(deserialize_with = "present")]
    pub defaults: Option<Defaults>,
    /// The rooms; `[]` means none.
    #[serde(deserialize_with = "present")]
    pub rooms: Option<Vec<Room>>,
}

/// A provider that was renamed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["from", "to"]))]
pub struct Moved {
    /// Its old name, which is no longer declared.
    #[serde(deserialize_with = "present")]
    pub from: Option<Text>,
    /// Its name in `providers`: of the same kind, application and host.
    #[serde(deserialize_with = "present")]
    pub to: Option<Text>,
}

/// One application at one service. `${NAME}` and `${NAME:-default}` work in `app_id`, `endpoint`,
/// `operator` and `dissolve_after`, for variables that hold no secret.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["kind", "app_id"]))]
pub struct Provider {
    /// Which service it is.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "kind")]
    pub kind: Option<Text>,
    /// ZEGOCLOUD's AppId, or Tencent's SDKAppID.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole_or_variable::<1, { u32::MAX as u64 }>")]
    pub app_id: Option<Amount>,
    /// zim, tencent-live: the user in whose name rooms are made, at most 32 bytes: ZIM's FromUserId,
    /// Tencent's identifier. Both want it; rtc has none.
    #[serde(deserialize_with = "present")]
    pub operator: Option<Text>,
    /// rtc: ZEGOCLOUD's IsTest, for projects made on or before 2021-11-16; left out for the others.
    #[serde(deserialize_with = "present")]
    pub is_test: Option<bool>,
    /// tencent-live: how long a room lives while it is empty, as set with Tencent: seconds, or 90s,
    /// 15m, 3h, from 10m to 24h; 30m when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "span_or_variable::<600, 86400>")]
    pub dissolve_after: Option<Amount>,
    /// A URL, `vendor` (the default), or `emulator`: the built-in one.
    #[serde(deserialize_with = "present")]
    pub endpoint: Option<Text>,
    /// The environment variable that holds the secret; when left out `ZEGO_SERVER_SECRET` for zim and
    /// rtc, `TENCENT_SECRET_KEY` for tencent-live. The secret itself is never written here.
    #[serde(deserialize_with = "present")]
    #[schemars(regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub secret_env: Option<Text>,
    /// The file that holds the secret: a regular file of at most 64 KiB; one newline at its end is
    /// dropped.
    #[serde(deserialize_with = "present")]
    #[schemars(regex(pattern = r"^([^$]|\$(?!\{))+$"))]
    pub secret_file: Option<Text>,
    /// Requests a second, for every action or by the action's name; the vendor's figures when left out.
    #[serde(deserialize_with = "present")]
    pub rate_limit: Option<RateLimit>,
    /// The part of the rate limit that one run may use, in percent; 100% when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "share")]
    pub rate_share: Option<Amount>,
    /// Our part of the plan's quota of living rooms; none when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole::<0, { u64::MAX }>")]
    pub max_rooms: Option<u64>,
    /// zim, tencent-live: what the service takes as attributes of one room.
    #[serde(deserialize_with = "present")]
    pub limits: Option<Limits>,
}

/// Requests a second: one number for every action, or a number for each.
#[derive(Clone, Debug, PartialEq)]
pub enum RateLimit {
    /// For every action.
    Every(u64),
    /// By the action's name.
    Each(Pairs<u64>),
}

/// What the service takes as attributes of one room. Sizes are in bytes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How many a room may have; when left out 20 for zim, 10 for tencent-live.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole::<1, { u32::MAX as u64 }>")]
    pub attributes: Option<u64>,
    /// Bytes of a key; when left out 16 for zim, 50 for tencent-live.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole::<1, { u32::MAX as u64 }>")]
    pub key_bytes: Option<u64>,
    /// Bytes of a value; when left out 1024 for zim, 2048 for tencent-live.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole::<1, { u32::MAX as u64 }>")]
    pub value_bytes: Option<u64>,
    /// Bytes of all keys and values together; when left out 5120 for zim, 16384 for tencent-live.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole::<1, { u32::MAX as u64 }>")]
    pub total_bytes: Option<u64>,
}

/// How changes are made.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whom to ask before planning; `due` when left out.
    #[serde(deserialize_with = "present")]
    pub refresh: Option<Refresh>,
    /// What to do with a room that exists and that we did not make; `fail` when left out.
    #[serde(deserialize_with = "present")]
    pub on_conflict: Option<OnConflict>,
    /// What to do with a recorded room that is gone; `recreate` when left out.
    #[serde(deserialize_with = "present")]
    pub on_vanish: Option<OnVanish>,
    /// What to do with people inside a room that is to be destroyed; when left out `defer` for zim,
    /// `destroy` for rtc and tencent-live.
    #[serde(deserialize_with = "present")]
    pub on_occupied: Option<OnOccupied>,
    /// When a new name or delay takes hold; `now` when left out.
    #[serde(deserialize_with = "present")]
    pub replace: Option<Replace>,
    /// How many rooms one run may destroy: a number, or a share of the recorded rooms of declared
    /// providers, at least 1 (0% means none); 30% when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "count_or_share")]
    pub max_destroy: Option<Amount>,
    /// How many rooms that are gone before their time one run may make again: a number, or a share of
    /// the recorded rooms of declared providers, at least 3 (0% means none); 30% when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "count_or_share")]
    pub max_recreate: Option<Amount>,
}

/// What to do with a recorded room that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnVanish {
    /// Make it again.
    Recreate,
}

/// When a new name or delay takes hold.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Replace {
    /// At once, by destroying the room and making it anew.
    Now,
}
