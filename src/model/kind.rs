//! What a kind of room can hold, which of it changes in place, its calls and their limits.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of room: which service holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A ZEGOCLOUD ZIM (In-app Chat) room.
    Zim,
}

/// A part of a room that the file declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `name`.
    Name,
    /// `destroy_delay_time`.
    DestroyDelayTime,
    /// `attributes`.
    Attributes,
}

/// How a changed field reaches the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By a call that leaves the room and its people as they are.
    InPlace,
    /// By destroying the room and creating it anew.
    Replace,
}

/// An action of a service's API, by the vendor's own name. Each has a rate limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Call {
    /// ZIM: creates a room with its attributes.
    CreateRoom,
    /// ZIM: destroys a room and throws its people out.
    DestroyRoom,
    /// ZIM: sets and deletes attributes.
    ModifyRoomAttribute,
    /// ZIM: reads the attributes.
    QueryRoomAttribute,
    /// ZIM: tells whether the room exists, and who is inside.
    QueryRoomUserList,
    /// ZIM: registers the operator.
    UserRegister,
}

/// What a call does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads: it may be repeated at will.
    Reads,
    /// It changes a room: with an unknown outcome it is not repeated without looking first.
    ChangesRoom,
    /// It changes something that is the same however often it is done.
    RepeatSafe,
}

impl Kind {
    /// Every kind that this version knows.
    pub const ALL: &'static [Self] = &[Self::Zim];

    /// The name in `rooms.yaml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zim => "zim",
        }
    }

    /// The fields that a room of this kind holds.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Zim => &[Field::Name, Field::DestroyDelayTime, Field::Attributes],
        }
    }

    /// How a change of `field` reaches the service.
    ///
    /// ZIM has no call that changes a name or a delay: see the vendor's list of room actions.
    #[must_use]
    pub const fn change_of(self, field: Field) -> Change {
        match (self, field) {
            (Self::Zim, Field::Name | Field::DestroyDelayTime) => Change::Replace,
            (Self::Zim, Field::Attributes) => Change::InPlace,
        }
    }

    /// The calls of this kind's service with the vendor's limit for each, in requests a second.
    #[must_use]
    pub const fn calls(self) -> &'static [(Call, u32)] {
        match self {
            Self::Zim => &[
                (Call::CreateRoom, 20),
                (Call::DestroyRoom, 20),
                (Call::ModifyRoomAttribute, 20),
                (Call::QueryRoomAttribute, 20),
                (Call::QueryRoomUserList, 20),
                (Call::UserRegister, 20),
            ],
        }
    }

    /// The environment variable that holds the secret where the file names none.
    #[must_use]
    pub const fn default_secret_variable(self) -> &'static str {
        match self {
            Self::Zim => "ZEGO_SERVER_SECRET",
        }
    }
}

impl Field {
    /// The key in `rooms.yaml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DestroyDelayTime => "destroy_delay_time",
            Self::Attributes => "attributes",
        }
    }
}

impl Call {
    /// The vendor's name of the action.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateRoom => "CreateRoom",
            Self::DestroyRoom => "DestroyRoom",
            Self::ModifyRoomAttribute => "ModifyRoomAttribute",
            Self::QueryRoomAttribute => "QueryRoomAttribute",
            Self::QueryRoomUserList => "QueryRoomUserList",
            Self::UserRegister => "UserRegister",
        }
    }

    /// What the call does to the service.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::CreateRoom | Self::DestroyRoom | Self::ModifyRoomAttribute => Effect::ChangesRoom,
            Self::QueryRoomAttribute | Self::QueryRoomUserList => Effect::Reads,
            Self::UserRegister => Effect::RepeatSafe,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
