//! The services that are held to the behaviours.

use roomctl::model::{Call, Kind};

/// A service, and a room of it that needs each of its calls.
pub(super) struct Subject {
    pub(super) kind: Kind,
    /// What the provider says besides its kind, its application and its endpoint.
    pub(super) provider: &'static str,
    /// What the room declares.
    pub(super) content: &'static str,
    /// What it declares once it was changed in place.
    pub(super) changed: &'static str,
    /// The calls that make the room, in order; none where only users do.
    pub(super) makes: &'static [Call],
    /// The calls that change it, in order.
    pub(super) changes: &'static [Call],
    /// Who is known to the service once the room is there, besides those who call it.
    pub(super) users: &'static [&'static str],
    /// The service's code for a call that comes too often.
    pub(super) too_often: i64,
    /// The attributes that the service takes of one room; none where a room has none.
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
