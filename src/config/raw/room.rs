//! A room and the `defaults` as serde reads them: the keys that both have are said once.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalars::{Amount, AttributeValue, Pairs, Text, present};
use super::shapes::seconds;
use crate::model::{Field, OnRemove};

/// What stands under the key of a field.
#[derive(Clone, Copy, Debug)]
pub enum RawValue<'a> {
    /// Text, or a word of few.
    Text(&'a str),
    /// A whole number.
    Number(u64),
    /// Whole numbers.
    Numbers(&'a [u64]),
    /// Yes or no.
    Flag(bool),
    /// A span.
    Delay(&'a Amount),
    /// Attributes.
    Attributes(&'a Pairs<AttributeValue>),
}

/// Makes a struct of the keys that a room and the `defaults` have, and of some more. A struct inside
/// the struct would be read into memory twice, and lose the word about unknown keys.
macro_rules! content {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        #[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        $(#[$about])*
        pub struct $name {
            $($own)*
            /// The name that people see. zim: at most 64 bytes; tencent-live: at most 100 bytes.
            #[serde(deserialize_with = "present")]
            pub name: Option<Text>,
            /// zim: how long the room lives while it is empty: seconds, or 90s, 15m, 3h; at most
            /// 10800 s.
            #[serde(deserialize_with = "present")]
            #[schemars(schema_with = "seconds")]
            pub destroy_delay_time: Option<Amount>,
            /// zim, tencent-live: the attributes that we manage, Tencent's metadata: text, or
            /// `{value: …, auto_delete: …}`. A room's own value of a key goes before the default.
            #[serde(deserialize_with = "present")]
            pub attributes: Option<Pairs<AttributeValue>>,
            /// rtc: what goes along with the close, when the room is taken out of the file.
            #[serde(deserialize_with = "present")]
            pub close: Option<Close>,
            /// tencent-live: the user who owns the room, at most 32 bytes; the provider's operator
            /// when left out.
            #[serde(deserialize_with = "present")]
            pub owner: Option<Text>,
            /// tencent-live: how the seats are laid out.
            #[serde(deserialize_with = "present")]
            pub seat_template: Option<Text>,
            /// tencent-live: whether a seat is taken freely or applied for.
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
            /// tencent-live: the notice that people see, at most 100 bytes.
            #[serde(deserialize_with = "present")]
            pub notice: Option<Text>,
            /// tencent-live: nobody may send messages.
            #[serde(deserialize_with = "present")]
            pub muted: Option<bool>,
            /// tencent-live: the room is listed; Tencent's default is true.
            #[serde(deserialize_with = "present")]
            pub public: Option<bool>,
            /// tencent-live: any number of people may be inside.
            #[serde(deserialize_with = "present")]
            pub unlimited: Option<bool>,
            /// How the room may be handled.
            #[serde(deserialize_with = "present")]
            pub lifecycle: Option<Lifecycle>,
        }

        impl $name {
            /// What stands under the key of `field`.
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

            /// The top keys of fields that stand there, each with a field that it holds.
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
    /// What the rooms of this file hold where they do not say otherwise, as far as their kind has it.
    Defaults {}
}

content! {
    /// One room.
    #[schemars(extend("required" = ["id"]))]
    Room {
        /// The room's id at the service. zim: at most 32 bytes of letters, digits and some marks;
        /// rtc: at most 128 bytes; tencent-live: at most 48 bytes of printable ASCII.
        #[serde(deserialize_with = "present")]
        #[schemars(length(min = 1, max = 128))]
        pub id: Option<Text>,
        /// The provider that holds it; may be left out where one is declared.
        #[serde(deserialize_with = "present")]
        pub provider: Option<Text>,
        /// The providers that hold it, where it is more than one, such as its chat and its video:
        /// each takes what its kind holds.
        #[serde(deserialize_with = "present")]
        #[schemars(length(min = 1))]
        pub providers: Option<Vec<Text>>,
    }
}

/// What goes along with the close of an rtc room.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Close {
    /// What people are told, at most 256 bytes.
    #[serde(deserialize_with = "present")]
    pub reason: Option<Text>,
    /// Whether the service tells the application's backend; false when left out.
    #[serde(deserialize_with = "present")]
    pub callback: Option<bool>,
}

/// How a room may be handled.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lifecycle {
    /// Refuse to destroy the room, also when it is taken out of the file.
    #[serde(deserialize_with = "present")]
    pub prevent_destroy: Option<bool>,
    /// What to do with the room when it is taken out of the file; `destroy` when left out.
    #[serde(deserialize_with = "present")]
    pub on_remove: Option<OnRemove>,
}

fn text(raw: Option<&Text>) -> Option<RawValue<'_>> {
    raw.map(|Text(text)| RawValue::Text(text))
}
