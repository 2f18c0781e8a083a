//! The actions that the emulator knows, by the vendor's names.

use std::fmt;

use axum::http::Method;

/// An action of ZIM's server API. The emulator's own list, so that a misspelt name in the client shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Creates a room.
    CreateRoom,
    /// Destroys a room.
    DestroyRoom,
    /// Sets and deletes attributes.
    ModifyRoomAttribute,
    /// Reads the attributes.
    QueryRoomAttribute,
    /// Tells who is inside.
    QueryRoomUserList,
    /// Registers users.
    UserRegister,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CreateRoom,
        Self::DestroyRoom,
        Self::ModifyRoomAttribute,
        Self::QueryRoomAttribute,
        Self::QueryRoomUserList,
        Self::UserRegister,
    ];

    /// The name as it stands in the query.
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

    /// The method that the action's page asks for.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::DestroyRoom | Self::QueryRoomUserList => Method::GET,
            Self::CreateRoom
            | Self::ModifyRoomAttribute
            | Self::QueryRoomAttribute
            | Self::UserRegister => Method::POST,
        }
    }

    /// The action of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
