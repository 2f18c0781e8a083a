//! The actions of the services' APIs.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $text:literal does $effect:ident,)*) => {
        /// An action of a service's API, by the vendor's name. Each has its own rate limit.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum Call {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Call {
            /// Returns the vendor's name of the action.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Returns what the call does to the service.
            #[must_use]
            pub const fn effect(self) -> Effect {
                match self {
                    $(Self::$name => Effect::$effect,)*
                }
            }
        }
    };
}

calls! {
    /// ZIM: creates a room with its attributes.
    CreateRoom = "CreateRoom" does ChangesRoom,
    /// ZIM: destroys a room and disconnects its people.
    DestroyRoom = "DestroyRoom" does ChangesRoom,
    /// ZIM: sets and deletes attributes.
    ModifyRoomAttribute = "ModifyRoomAttribute" does ChangesRoom,
    /// ZIM: reads the attributes.
    QueryRoomAttribute = "QueryRoomAttribute" does Reads,
    /// ZIM: reports whether the room exists, and the people inside.
    QueryRoomUserList = "QueryRoomUserList" does Reads,
    /// ZIM: registers the operator.
    UserRegister = "UserRegister" does RepeatSafe,
    /// RTC: disconnects everybody, which ends the room.
    CloseRoom = "CloseRoom" does ChangesRoom,
    /// RTC: reports the number of people inside for up to ten rooms.
    DescribeUserNum = "DescribeUserNum" does Reads,
    /// Tencent: creates a room without its metadata.
    LiveCreateRoom = "create_room" does ChangesRoom,
    /// Tencent: dissolves a room.
    LiveDestroyRoom = "destroy_room" does ChangesRoom,
    /// Tencent: reports whether the room exists, and its fields.
    LiveGetRoomInfo = "get_room_info" does Reads,
    /// Tencent: changes the fields that can be changed in place.
    LiveUpdateRoomInfo = "update_room_info" does ChangesRoom,
    /// Tencent: sets metadata.
    LiveSetRoomMetadata = "set_room_metadata" does ChangesRoom,
    /// Tencent: reads the metadata.
    LiveGetRoomMetadata = "get_room_metadata" does Reads,
    /// Tencent: deletes metadata.
    LiveDelRoomMetadata = "del_room_metadata" does ChangesRoom,
    /// Tencent: registers an account, so that it can own a room.
    AccountImport = "account_import" does RepeatSafe,
}

/// What a call does to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads, and may be repeated.
    Reads,
    /// It changes a room. If its outcome is unknown, it is looked up before it is repeated.
    ChangesRoom,
    /// It is an idempotent change.
    RepeatSafe,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
