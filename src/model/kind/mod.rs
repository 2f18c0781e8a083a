//! The kinds of rooms: one specification in one file for each.

mod rtc;
mod spec;
mod tencent_live;
mod zim;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AttributeChange, AttributeLimits, Call, Field, OnOccupied, Patch, Shape};
pub use spec::{
    AttributeCalls, Change, EmptyLife, FieldSpec, IdSpec, KindSpec, MissingField, OperatorSpec,
    Origin, SecretSpec, Undeclared,
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $order:literal in $module:ident,)*) => {
        /// A kind of room, which is a service.
        ///
        /// Listed in the order of the documentation. The numbers are the order in which steps start:
        /// the video of a room is closed before its chat is destroyed.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $($(#[$doc])* $name = $order,)*
        }

        impl Kind {
            /// Every kind of this version, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the specification of the kind.
            #[must_use]
            pub const fn spec(self) -> &'static KindSpec {
                match self {
                    $(Self::$name => &$module::SPEC,)*
                }
            }
        }
    };
}

kinds! {
    /// A ZEGOCLOUD ZIM (In-app Chat) room.
    Zim = 3 in zim,
    /// A ZEGOCLOUD RTC (Video Call) room.
    Rtc = 1 in rtc,
    /// A Tencent live room (`live_engine_http_srv`).
    TencentLive = 2 in tencent_live,
}

impl Kind {
    /// Returns the name in `rooms.yaml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// Returns the vendor's name of the service.
    #[must_use]
    pub const fn service(self) -> &'static str {
        self.spec().service
    }

    /// Returns the fields of a room of this kind, in the order in which they are compared.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        self.spec().fields.iter().map(|spec| spec.field)
    }

    /// Returns the specification of `field`, or `None` if the kind does not have it.
    #[must_use]
    pub fn field(self, field: Field) -> Option<&'static FieldSpec> {
        self.spec().fields.iter().find(|spec| spec.field == field)
    }

    /// Returns whether rooms of this kind have `field`.
    #[must_use]
    pub fn holds(self, field: Field) -> bool {
        self.field(field).is_some()
    }

    /// Returns the values that `field` accepts, or `None` if the kind does not have it.
    #[must_use]
    pub fn shape(self, field: Field) -> Option<Shape> {
        self.field(field).map(|spec| spec.shape)
    }

    /// Returns how a change of `field` reaches the service, or `None` if the kind does not have it.
    #[must_use]
    pub fn change_of(self, field: Field) -> Option<Change> {
        self.field(field).map(|spec| spec.change)
    }

    /// Returns whether the call that makes a room sets `field`.
    #[must_use]
    pub fn made_with(self, field: Field) -> bool {
        self.field(field).is_none_or(|spec| spec.sent_by_create)
    }

    /// Returns whether the service keeps the value of a field that the file no longer declares.
    #[must_use]
    pub fn keeps_undeclared(self) -> bool {
        self.spec().undeclared == Undeclared::Kept
    }

    /// Returns whether a query reports a room's fields besides its attributes.
    #[must_use]
    pub const fn reports_fields(self) -> bool {
        self.spec().reports_fields
    }

    /// Returns the calls of this kind's service with the vendor's limit for each, in requests a
    /// second.
    #[must_use]
    pub const fn calls(self) -> &'static [(Call, u32)] {
        self.spec().calls
    }

    /// Returns how a room of this kind is created.
    #[must_use]
    pub const fn origin(self) -> Origin {
        self.spec().origin
    }

    /// Returns the call that destroys or closes a room.
    #[must_use]
    pub const fn destroy_call(self) -> Call {
        self.spec().destroy_call
    }

    /// Returns the call that queries the people inside.
    #[must_use]
    pub const fn people_call(self) -> Call {
        self.spec().people_call
    }

    /// Returns the call that makes a patch, or `None` if nothing of this sort changes in place.
    #[must_use]
    pub fn patch_call(self, patch: &Patch) -> Option<Call> {
        match patch {
            Patch::Fields(_) => self.spec().fields_call,
            Patch::Attributes(changes) => {
                let AttributeCalls { set, delete } = self.spec().attribute_calls?;
                Some(match changes.first() {
                    Some(AttributeChange::Delete(_)) => delete,
                    Some(AttributeChange::Set(..)) | None => set,
                })
            }
        }
    }

    /// Returns whether one call both sets and deletes attributes.
    #[must_use]
    pub fn mixes_attribute_changes(self) -> bool {
        self.spec().attribute_calls.is_none_or(|calls| calls.set == calls.delete)
    }

    /// Returns whether the service may drop the attributes of a room while it is empty.
    #[must_use]
    pub const fn drops_attributes(self) -> bool {
        self.spec().drops_attributes
    }

    /// Returns what happens to people inside a room that is to be destroyed, unless the policy sets it.
    #[must_use]
    pub const fn on_occupied(self) -> OnOccupied {
        self.spec().on_occupied
    }

    /// Returns the limits for the attributes of one room, unless the file sets others.
    #[must_use]
    pub const fn attribute_limits(self) -> AttributeLimits {
        self.spec().attribute_limits
    }

    /// Returns the number of hexadecimal digits of the vendor's secrets.
    #[must_use]
    pub const fn secret_digits(self) -> usize {
        self.spec().secret.digits
    }

    /// Returns the environment variable of the secret, unless the file names another.
    #[must_use]
    pub const fn default_secret_variable(self) -> &'static str {
        self.spec().secret.variable
    }

    /// Returns the vendor's host, unless the file names another.
    #[must_use]
    pub const fn vendor_host(self) -> &'static str {
        self.spec().vendor_host
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
