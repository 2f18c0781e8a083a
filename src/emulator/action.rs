//! The actions that the emulator serves, with the vendors' names.

use std::fmt;

use axum::http::Method;

use tokio::time::Instant;

use crate::model::Kind;

/// The key of an application. A ZIM and an RTC application with the same id share nothing.
pub(super) type AppKey = (Kind, u32);

/// An action of the services' APIs. The list is independent of the client's, so that a wrong name in the
/// client is detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// ZIM: creates a room.
    CreateRoom,
    /// ZIM: destroys a room.
    DestroyRoom,
    /// ZIM: sets and deletes attributes.
    ModifyRoomAttribute,
    /// ZIM: reads the attributes.
    QueryRoomAttribute,
    /// ZIM: lists who is inside.
    QueryRoomUserList,
    /// ZIM: registers users.
    UserRegister,
    /// RTC: closes a room.
    CloseRoom,
    /// RTC: counts who is inside.
    DescribeUserNum,
    /// Tencent: creates a live room.
    LiveCreateRoom,
    /// Tencent: dissolves a live room.
    LiveDestroyRoom,
    /// Tencent: reads a live room.
    LiveGetRoomInfo,
    /// Tencent: changes a live room in place.
    LiveUpdateRoomInfo,
    /// Tencent: sets metadata.
    LiveSetRoomMetadata,
    /// Tencent: reads metadata.
    LiveGetRoomMetadata,
    /// Tencent: deletes metadata.
    LiveDelRoomMetadata,
    /// Tencent: imports an account.
    AccountImport,
}

/// An event of a call, for a test that counts calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// Its signature is not valid.
    Rejected {
        /// The code of the answer.
        code: i64,
    },
    /// It arrived with a valid signature.
    Arrived {
        /// The application's kind.
        kind: Kind,
        /// The application.
        app: u32,
        /// The action.
        action: Action,
        /// When it arrived.
        at: Instant,
    },
    /// It was answered, also if a fault then withheld the answer.
    Answered {
        /// The application's kind.
        kind: Kind,
        /// The application.
        app: u32,
        /// The action.
        action: Action,
        /// The code of the answer, 0 for success.
        code: i64,
    },
}

/// The path of Tencent's commands for live rooms.
const LIVE_ENGINE: &str = "/v4/live_engine_http_srv";

/// The path of Tencent's commands for accounts.
const LOGIN: &str = "/v4/im_open_login_svc";

impl Action {
    /// All actions.
    pub const ALL: [Self; 16] = [
        Self::CreateRoom,
        Self::DestroyRoom,
        Self::ModifyRoomAttribute,
        Self::QueryRoomAttribute,
        Self::QueryRoomUserList,
        Self::UserRegister,
        Self::CloseRoom,
        Self::DescribeUserNum,
        Self::LiveCreateRoom,
        Self::LiveDestroyRoom,
        Self::LiveGetRoomInfo,
        Self::LiveUpdateRoomInfo,
        Self::LiveSetRoomMetadata,
        Self::LiveGetRoomMetadata,
        Self::LiveDelRoomMetadata,
        Self::AccountImport,
    ];

    /// Returns the vendor's name: ZEGOCLOUD's Action, or the last part of Tencent's path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateRoom => "CreateRoom",
            Self::DestroyRoom => "DestroyRoom",
            Self::ModifyRoomAttribute => "ModifyRoomAttribute",
            Self::QueryRoomAttribute => "QueryRoomAttribute",
            Self::QueryRoomUserList => "QueryRoomUserList",
            Self::UserRegister => "UserRegister",
            Self::CloseRoom => "CloseRoom",
            Self::DescribeUserNum => "DescribeUserNum",
            Self::LiveCreateRoom => "create_room",
            Self::LiveDestroyRoom => "destroy_room",
            Self::LiveGetRoomInfo => "get_room_info",
            Self::LiveUpdateRoomInfo => "update_room_info",
            Self::LiveSetRoomMetadata => "set_room_metadata",
            Self::LiveGetRoomMetadata => "get_room_metadata",
            Self::LiveDelRoomMetadata => "del_room_metadata",
            Self::AccountImport => "account_import",
        }
    }

    /// Returns the service of the action.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::CreateRoom
            | Self::DestroyRoom
            | Self::ModifyRoomAttribute
            | Self::QueryRoomAttribute
            | Self::QueryRoomUserList
            | Self::UserRegister => Kind::Zim,
            Self::CloseRoom | Self::DescribeUserNum => Kind::Rtc,
            Self::LiveCreateRoom
            | Self::LiveDestroyRoom
            | Self::LiveGetRoomInfo
            | Self::LiveUpdateRoomInfo
            | Self::LiveSetRoomMetadata
            | Self::LiveGetRoomMetadata
            | Self::LiveDelRoomMetadata
            | Self::AccountImport => Kind::TencentLive,
        }
    }

    /// Returns the HTTP method that the vendor documents.
    #[must_use]
    pub const fn method(self) -> Method {
        match self {
            Self::DestroyRoom
            | Self::QueryRoomUserList
            | Self::CloseRoom
            | Self::DescribeUserNum => Method::GET,
            Self::CreateRoom
            | Self::ModifyRoomAttribute
            | Self::QueryRoomAttribute
            | Self::UserRegister
            | Self::LiveCreateRoom
            | Self::LiveDestroyRoom
            | Self::LiveGetRoomInfo
            | Self::LiveUpdateRoomInfo
            | Self::LiveSetRoomMetadata
            | Self::LiveGetRoomMetadata
            | Self::LiveDelRoomMetadata
            | Self::AccountImport => Method::POST,
        }
    }

    /// Returns how many requests per second the vendor allows one application.
    #[must_use]
    pub const fn vendor_limit(self) -> u32 {
        match (self.kind(), self) {
            (Kind::Zim, _) => 20,
            (Kind::Rtc, Self::CloseRoom) => 1,
            (Kind::Rtc, _) => 10,
            (Kind::TencentLive, _) => 200,
        }
    }

    /// Returns whether the action changes nothing.
    pub(super) const fn only_reads(self) -> bool {
        match self {
            Self::QueryRoomAttribute
            | Self::QueryRoomUserList
            | Self::DescribeUserNum
            | Self::LiveGetRoomInfo
            | Self::LiveGetRoomMetadata => true,
            Self::CreateRoom
            | Self::DestroyRoom
            | Self::ModifyRoomAttribute
            | Self::UserRegister
            | Self::CloseRoom
            | Self::LiveCreateRoom
            | Self::LiveDestroyRoom
            | Self::LiveUpdateRoomInfo
            | Self::LiveSetRoomMetadata
            | Self::LiveDelRoomMetadata
            | Self::AccountImport => false,
        }
    }

    /// Returns the path and, for ZEGOCLOUD, the query that select the action.
    pub(super) fn path(self) -> String {
        match self.kind() {
            Kind::Rtc | Kind::Zim => format!("/?Action={self}"),
            Kind::TencentLive => format!("{}/{self}", self.folder()),
        }
    }

    /// Returns ZEGOCLOUD's action with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let zego = |action: &Self| action.kind() != Kind::TencentLive;
        Self::ALL.into_iter().filter(zego).find(|action| action.as_str() == name)
    }

    /// Returns Tencent's command at this path.
    pub(super) fn at(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/')?;
        let tencent = |action: &Self| action.kind() == Kind::TencentLive;
        let matches = |action: &Self| action.as_str() == name && action.folder() == folder;
        Self::ALL.into_iter().filter(tencent).find(matches)
    }

    fn folder(self) -> &'static str {
        if self == Self::AccountImport { LOGIN } else { LIVE_ENGINE }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
