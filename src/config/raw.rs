//! The files as serde decodes them: every key, unresolved. The published schema is derived from these
//! types, and their doc comments are its descriptions.

mod scalars;

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{Field, OnConflict, OnOccupied, OnRemove, OnVanish, Refresh, Replace};

pub use scalars::{Amount, AttributeValue, FullAttribute, Pairs, RateLimit, Text, VariableValues};
pub(super) use scalars::{VARIABLE, is_extension};
use scalars::{
    WithoutExtensions, count_or_share, kind, present, seconds, share, span_or_variable, whole,
    whole_or_variable,
};

/// What rooms.yaml declares: the providers, the policy, and the rooms. Keys that begin with `x-` are
/// ignored, and may define YAML anchors.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schemars(extend("required" = ["version"], "patternProperties" = { "^x-": {} }))]
pub struct File {
    /// The version of the format: 1.
    #[serde(deserialize_with = "present")]
    #[schemars(extend("enum" = [1]))]
    pub version: Option<u64>,
    /// The applications of the rooms, by name: lower-case letters, digits, `_` and `-`.
    #[serde(deserialize_with = "present")]
    #[schemars(extend("propertyNames" = { "pattern": "^[a-z0-9_-]+$" }))]
    pub providers: Option<Pairs<Provider>>,
    /// Renamed providers, whose records are moved to the new names.
    #[serde(deserialize_with = "present")]
    pub moved: Option<Vec<Moved>>,
    /// The location of the state: a path relative to this file, or a URL: `s3://bucket/key`,
    /// `gs://bucket/key`, `az://container/key`, or `postgres://user@host/database` with `?schema=name`
    /// (default `roomctl`) and libpq's parameters. `?lease=20s` sets the duration of a lease: 15s to 10m
    /// (default 60s). A URL never contains a password: credentials come from the environment. `${NAME}` and
    /// `${NAME:-default}` are supported.
    #[serde(deserialize_with = "present")]
    pub state: Option<Text>,
    /// How changes are made.
    #[serde(deserialize_with = "present")]
    pub policy: Option<Policy>,
    /// Values for the rooms of this file that do not set them.
    #[serde(deserialize_with = "present")]
    pub defaults: Option<Defaults>,
    /// The rooms; `[]` means none.
    #[serde(deserialize_with = "present")]
    pub rooms: Option<Vec<Room>>,
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FileVisitor;
        impl<'de> Visitor<'de> for FileVisitor {
            type Value = File;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<File, A::Error> {
                File::deserialize(MapAccessDeserializer::new(WithoutExtensions::new(map)))
            }
        }
        deserializer.deserialize_map(FileVisitor)
    }
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

/// One application at one service. `${NAME}` and `${NAME:-default}` are supported in `app_id`,
/// `endpoint`, `operator` and `dissolve_after`, for variables without secrets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["kind", "app_id"]))]
pub struct Provider {
    /// The kind of the service.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "kind")]
    pub kind: Option<Text>,
    /// ZEGOCLOUD's AppId, or Tencent's SDKAppID.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole_or_variable::<1, { u32::MAX as u64 }>")]
    pub app_id: Option<Amount>,
    /// zim, tencent-live: the user who creates the rooms, at most 32 bytes: ZIM's FromUserId,
    /// Tencent's identifier. Required for both; rtc has none.
    #[serde(deserialize_with = "present")]
    pub operator: Option<Text>,
    /// rtc: ZEGOCLOUD's IsTest, for projects made on or before 2021-11-16; left out for the others.
    #[serde(deserialize_with = "present")]
    pub is_test: Option<bool>,
    /// tencent-live: how long a room lives while it is empty, as configured at Tencent: seconds, or 90s,
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
    /// The percentage of the rate limit that one run may use; 100% when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "share")]
    pub rate_share: Option<Amount>,
    /// Our share of the application's quota of rooms; no limit when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "whole::<0, { u64::MAX }>")]
    pub max_rooms: Option<u64>,
    /// zim, tencent-live: the service's limits for the attributes of one room.
    #[serde(deserialize_with = "present")]
    pub limits: Option<Limits>,
    /// zim, tencent-live: the key of an attribute that roomctl sets to the state's lineage in every room,
    /// which identifies the owner of the room. It counts towards the limits, and no room may declare it;
    /// no such attribute when left out.
    #[serde(deserialize_with = "present")]
    pub ownership_attribute: Option<Text>,
}

/// The service's limits for the attributes of one room. Sizes are in bytes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The number of attributes; when left out 20 for zim, 10 for tencent-live.
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
    /// Which rooms are looked up before planning; `due` when left out.
    #[serde(deserialize_with = "present")]
    pub refresh: Option<Refresh>,
    /// What to do with a room that exists and that we did not make; `fail` when left out.
    #[serde(deserialize_with = "present")]
    pub on_conflict: Option<OnConflict>,
    /// What to do with a recorded room that is gone; `recreate` when left out.
    #[serde(deserialize_with = "present")]
    pub on_vanish: Option<OnVanish>,
    /// What to do with a room that is to be destroyed while people are inside; when left out `defer`
    /// for zim, `destroy` for rtc and tencent-live.
    #[serde(deserialize_with = "present")]
    pub on_occupied: Option<OnOccupied>,
    /// When a new name or delay takes effect; `now` when left out.
    #[serde(deserialize_with = "present")]
    pub replace: Option<Replace>,
    /// How many rooms one run may destroy: a number, or a percentage of the recorded rooms of
    /// declared providers, at least 1 (0% means none); 30% when left out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "count_or_share")]
    pub max_destroy: Option<Amount>,
    /// How many rooms that vanished before their earliest end one run may recreate: a number, or a
    /// percentage of the recorded rooms of declared providers, at least 3 (0% means none); 30% when left
    /// out.
    #[serde(deserialize_with = "present")]
    #[schemars(schema_with = "count_or_share")]
    pub max_recreate: Option<Amount>,
}

/// The value of a field, as the file has it.
#[derive(Clone, Copy, Debug)]
pub enum RawValue<'a> {
    /// A string, or a keyword.
    Text(&'a str),
    /// A whole number.
    Number(u64),
    /// Whole numbers.
    Numbers(&'a [u64]),
    /// A boolean.
    Flag(bool),
    /// A duration.
    Delay(&'a Amount),
    /// Attributes.
    Attributes(&'a Pairs<AttributeValue>),
}

/// Defines a struct with the keys that rooms and `defaults` share, and some more keys. A nested struct
/// (`serde(flatten)`) would be buffered in memory, and would not report unknown keys.
macro_rules! content {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        $(#[$about])*
        pub struct $name {
            $($own)*
            /// The display name. zim: at most 64 bytes; tencent-live: at most 100 bytes.
            #[serde(deserialize_with = "present")]
            pub name: Option<Text>,
            /// zim: how long the room lives while it is empty: seconds, or 90s, 15m, 3h; at most
            /// 10800 s.
            #[serde(deserialize_with = "present")]
            #[schemars(schema_with = "seconds")]
            pub destroy_delay_time: Option<Amount>,
            /// zim, tencent-live: the attributes that we manage, Tencent's metadata: text, or
            /// `{value: …, auto_delete: …}`. A room's own value of a key overrides the default.
            #[serde(deserialize_with = "present")]
            pub attributes: Option<Pairs<AttributeValue>>,
            /// rtc: what is sent with the close, when the room is removed from the file.
            #[serde(deserialize_with = "present")]
            pub close: Option<Close>,
            /// tencent-live: the user who owns the room, at most 32 bytes; the provider's operator
            /// when left out.
            #[serde(deserialize_with = "present")]
            pub owner: Option<Text>,
            /// tencent-live: how the seats are laid out.
            #[serde(deserialize_with = "present")]
            pub seat_template: Option<Text>,
            /// tencent-live: whether people take a seat freely or apply for it.
            #[serde(deserialize_with = "present")]
            pub take_seat_mode: Option<Text>,
            /// tencent-live: how many seats there are, from 1 to 4294967295.
            #[serde(deserialize_with = "present")]
            pub max_seats: Option<u64>,
            /// tencent-live: how many people may be inside, from 1 to 4294967295.
            #[serde(deserialize_with = "present")]
            pub max_members: Option<u64>,
            /// tencent-live: the URL of the cover, at most 200 bytes.
            #[serde(deserialize_with = "present")]
            pub cover_url: Option<Text>,
            /// tencent-live: at most 3 categories, each a number up to 4294967295.
            #[serde(deserialize_with = "present")]
            pub category: Option<Vec<u64>>,
            /// tencent-live: the application's own status, a number up to 4294967295.
            #[serde(deserialize_with = "present")]
            pub activity_status: Option<u64>,
            /// tencent-live: the notice that users see, at most 100 bytes.
            #[serde(deserialize_with = "present")]
            pub notice: Option<Text>,
            /// tencent-live: messages are disabled.
            #[serde(deserialize_with = "present")]
            pub muted: Option<bool>,
            /// tencent-live: the room is listed; Tencent's default is true.
            #[serde(deserialize_with = "present")]
            pub public: Option<bool>,
            /// tencent-live: any number of people may be inside.
            #[serde(deserialize_with = "present")]
            pub unlimited: Option<bool>,
            /// Rules for destroying, removing and comparing the room.
            #[serde(deserialize_with = "present")]
            pub lifecycle: Option<Lifecycle>,
        }

        impl $name {
            /// Returns the value of `field`; `None` if it is not set.
            #[must_use]
            pub fn raw_value(&self, field: Field) -> Option<RawValue<'_>> {
                match field {
                    Field::Name => text(self.name.as_ref()),
                    Field::DestroyDelayTime => self.destroy_delay_time.as_ref().map(RawValue::Delay),
                    Field::CloseReason => text(self.close.as_ref()?.reason.as_ref()),
                    Field::CloseCallback => self.close.as_ref()?.callback.map(RawValue::Flag),
                    Field::Owner => text(self.owner.as_ref()),
                    Field::SeatTemplate => text(self.seat_template.as_ref()),
                    Field::TakeSeatMode => text(self.take_seat_mode.as_ref()),
                    Field::MaxSeats => self.max_seats.map(RawValue::Number),
                    Field::MaxMembers => self.max_members.map(RawValue::Number),
                    Field::CoverUrl => text(self.cover_url.as_ref()),
                    Field::Category => self.category.as_deref().map(RawValue::Numbers),
                    Field::ActivityStatus => self.activity_status.map(RawValue::Number),
                    Field::Notice => text(self.notice.as_ref()),
                    Field::Muted => self.muted.map(RawValue::Flag),
                    Field::Public => self.public.map(RawValue::Flag),
                    Field::Unlimited => self.unlimited.map(RawValue::Flag),
                    Field::Attributes => self.attributes.as_ref().map(RawValue::Attributes),
                }
            }

            /// Returns the keys of the fields that are set, each with a field that it contains.
            pub fn keys(&self) -> impl Iterator<Item = (&'static str, Field)> {
                let close = self.close.is_some().then_some(("close", Field::CloseReason));
                let is_set = Field::ALL.iter().filter(|field| self.raw_value(**field).is_some());
                let plain = is_set.filter(|field| !field.as_str().contains('.'));
                close.into_iter().chain(plain.map(|field| (field.as_str(), *field)))
            }
        }
    };
}

content! {
    /// Values for the rooms of this file that do not set them, if their kind has the field.
    Defaults {
        /// The provider of the rooms of this file that name none.
        #[serde(deserialize_with = "present")]
        pub provider: Option<Text>,
    }
}

content! {
    /// One room, or many by `for_each`.
    #[schemars(extend("required" = ["id"]))]
    Room {
        /// The room's id at the service. zim: at most 32 bytes of letters, digits and some marks;
        /// rtc: at most 128 bytes; tencent-live: at most 48 bytes of printable ASCII.
        #[serde(deserialize_with = "present")]
        #[schemars(length(min = 1, max = 128))]
        pub id: Option<Text>,
        /// The provider of the room; may be left out if only one is declared.
        #[serde(deserialize_with = "present")]
        pub provider: Option<Text>,
        /// The providers of the room if there are several, such as its chat and its video; each gets the
        /// fields of its kind.
        #[serde(deserialize_with = "present")]
        #[schemars(length(min = 1))]
        pub providers: Option<Vec<Text>>,
        /// Makes a room for each value of a variable, or for each combination of several: a range
        /// such as `001..200`, which keeps its width, or a list. `${n}` is replaced in every string
        /// of the entry; `$${` is a literal `${`.
        #[serde(deserialize_with = "present")]
        #[schemars(extend(
            "propertyNames" = { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "minProperties" = 1
        ))]
        pub for_each: Option<Pairs<VariableValues>>,
    }
}

/// What is sent with the close of an rtc room.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Close {
    /// The reason that users see, at most 256 bytes.
    #[serde(deserialize_with = "present")]
    pub reason: Option<Text>,
    /// Whether the service notifies the application's backend; false when left out.
    #[serde(deserialize_with = "present")]
    pub callback: Option<bool>,
}

/// Rules for destroying, removing and comparing a room.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifecycle {
    /// Refuse to destroy the room, even after it is removed from the file.
    #[serde(deserialize_with = "present")]
    pub prevent_destroy: Option<bool>,
    /// What to do with the room when it is removed from the file; `destroy` when left out.
    #[serde(deserialize_with = "present")]
    pub on_remove: Option<OnRemove>,
    /// Paths that are neither compared nor changed once the room exists: `name`, `attributes.topic`.
    #[serde(deserialize_with = "present")]
    pub ignore_changes: Option<Vec<Text>>,
    /// What to do if the room exists and we did not make it; the policy's value when left out.
    #[serde(deserialize_with = "present")]
    pub on_conflict: Option<OnConflict>,
}

fn text(raw: Option<&Text>) -> Option<RawValue<'_>> {
    raw.map(|Text(text)| RawValue::Text(text))
}
