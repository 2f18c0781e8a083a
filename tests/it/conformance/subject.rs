//! The services that the suite tests.

use roomctl::model::{Call, Kind};

/// A service, and a room whose create and change need all of its calls.
pub(super) struct Subject {
    pub(super) kind: Kind,
    /// The provider's keys besides kind, application and endpoint.
    pub(super) provider: &'static str,
    /// The declared content of the room.
    pub(super) content: &'static str,
    /// The content after a change in place.
    pub(super) changed: &'static str,
    /// The calls that create the room, in order; empty if only users create it.
    pub(super) makes: &'static [Call],
    /// The calls that change the room, in order.
    pub(super) changes: &'static [Call],
    /// The users that are registered once the room exists.
    pub(super) users: &'static [&'static str],
    /// The service's code for a call above the rate limit.
    pub(super) too_often: i64,
    /// The service's limit of attributes of one room; `None` if rooms have no attributes.
    pub(super) attributes: Option<usize>,
}

pub(super) const ZIM: Subject = Subject {
    kind: Kind::Zim,
    provider: "operator: admin",
    content: "name: Hall, destroy_delay_time: 3h, attributes: {topic: welcome, old: \"1\"}",
    changed: "name: Hall, destroy_delay_time: 3h, attributes: {topic: goodbye, new: \"2\"}",
    makes: &[Call::CreateRoom],
    changes: &[Call::ModifyRoomAttribute],
    users: &["admin"],
    too_often: 660_300_005,
    attributes: Some(20),
};

pub(super) const RTC: Subject = Subject {
    kind: Kind::Rtc,
    provider: "rate_share: 100%",
    content: "close: {reason: over, callback: true}",
    changed: "close: {reason: moved, callback: false}",
    makes: &[],
    changes: &[],
    users: &[],
    too_often: 206,
    attributes: None,
};

pub(super) const TENCENT_LIVE: Subject = Subject {
    kind: Kind::TencentLive,
    provider: "operator: admin",
    content: "name: Show, owner: alice, seat_template: AudioSalon, max_members: 100, \
              notice: hello, attributes: {topic: welcome, old: \"1\"}",
    changed: "name: Show, owner: alice, seat_template: AudioSalon, max_members: 200, \
              notice: bye, attributes: {topic: goodbye, new: \"2\"}",
    makes: &[Call::LiveCreateRoom, Call::LiveUpdateRoomInfo, Call::LiveSetRoomMetadata],
    changes: &[Call::LiveUpdateRoomInfo, Call::LiveDelRoomMetadata, Call::LiveSetRoomMetadata],
    users: &["alice"],
    too_often: 60_019,
    attributes: Some(10),
};
