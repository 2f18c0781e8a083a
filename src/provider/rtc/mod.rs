//! ZEGOCLOUD's RTC (Video Call). Each method makes one attempt.
//!
//! A room exists while users are inside: there is no call that creates or changes one.

mod codes;
#[cfg(test)]
mod tests;

use super::access::{ABSENT_ROOM, Access, unsent};
use super::envelope::{Reply, ResponseFormat};
use super::http::Method;
use super::json;
use super::zego::{Zego, is_host_of};
use super::{Answer, AttributesRead, Presence, Probe, Receipt, Service};
use crate::model::{ApiError, Call, Field, Fields, Kind, Operation, People, Room, RoomId, Value};

/// The format of RTC's answers.
const FORMAT: ResponseFormat = ResponseFormat {
    service: Kind::Rtc.service(),
    code: "Code",
    message: "Message",
    success_marker: None,
    verdict: codes::verdict,
};

/// How many rooms one DescribeUserNum can query.
///
/// <https://www.zegocloud.com/docs/live-streaming-server/api-reference/room/describe-user-num>
const BATCH: usize = 10;

/// The parameter of DescribeUserNum for a room, repeated for several rooms.
const ROOMS: &str = "RoomId[]";

/// One application of RTC.
pub(super) struct Rtc {
    zego: Zego,
    /// `IsTest`, for projects created on or before 2021-11-16; `None` for later projects.
    is_test: Option<bool>,
}

/// Returns whether `host` belongs to RTC.
pub(super) fn is_vendor(host: &str) -> bool {
    is_host_of("rtc-api", host)
}

impl Service for Rtc {
    fn people_call(&self) -> Call {
        Call::DescribeUserNum
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn presences<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<Presence>>> {
        Box::pin(async move {
            let parameters = rooms.iter().map(|room| (ROOMS, room.as_str()));
            let parameters: Vec<_> = parameters.chain(self.is_test()).collect();
            let counted = self.zego.get(Call::DescribeUserNum, &parameters, |exchange, reply| {
                people_in(&reply, rooms).ok_or_else(|| exchange.unreadable("UserCountList"))
            });
            let present = |people| Some(Presence { people, fields: Fields::default() });
            Ok(counted.await?.into_iter().map(present).collect())
        })
    }

    fn attributes_call(&self) -> Option<Call> {
        None
    }

    fn attributes<'a>(&'a self, _: &'a RoomId) -> Answer<'a, Option<AttributesRead>> {
        Box::pin(async { Ok(Some(AttributesRead::default())) })
    }

    fn change<'a>(&'a self, room: &'a RoomId, operation: &'a Operation) -> Answer<'a, Receipt> {
        Box::pin(async move {
            match operation {
                Operation::Destroy(content) => self.close(room, content).await,
                Operation::Create(_) | Operation::Patch(_) => {
                    Err(unsent(Call::CloseRoom, &"RTC has no call that creates or changes a room"))
                }
            }
        })
    }

    fn user<'a>(&'a self, _: Option<&'a Operation>) -> Option<&'a str> {
        None
    }

    fn user_before<'a>(&'a self, _: &'a Operation) -> Option<&'a str> {
        None
    }

    fn register_call(&self) -> Option<Call> {
        None
    }

    fn register<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn probe(&self) -> Answer<'_, Probe> {
        Box::pin(async move {
            let parameters: Vec<_> =
                [(ROOMS, ABSENT_ROOM)].into_iter().chain(self.is_test()).collect();
            let (call, method) = (Call::DescribeUserNum, Method::Get);
            let probe =
                self.zego.exchange(call, method, &parameters, None, |exchange, response| {
                    exchange.probe(response, &[])
                });
            probe.await
        })
    }
}

impl Rtc {
    /// Returns the service of one application; `is_test` is sent with every call unless it is `None`.
    pub(super) fn new(access: Access, is_test: Option<bool>) -> Self {
        Self { zego: Zego::new(access, &FORMAT), is_test }
    }

    async fn close(&self, id: &RoomId, room: &Room) -> Result<Receipt, ApiError> {
        let reason = room.fields.of(Field::CloseReason).and_then(Value::as_text);
        let callback = room.fields.of(Field::CloseCallback).and_then(Value::as_flag) == Some(true);
        let mut parameters = vec![("RoomId", id.as_str())];
        parameters.extend(reason.map(|reason| ("CustomReason", reason)));
        parameters.extend(callback.then_some(("RoomCloseCallback", "true")));
        parameters.extend(self.is_test());
        self.zego.get(Call::CloseRoom, &parameters, |_, reply| Ok(reply.receipt())).await
    }

    fn is_test(&self) -> Option<(&'static str, &'static str)> {
        self.is_test.map(|is_test| ("IsTest", if is_test { "true" } else { "false" }))
    }
}

/// Reads who is inside each of `rooms`, in any order of the answer; `None` if the answer contains no list.
///
/// A room that is not in the list is unknown, not empty: an answer may be incomplete. AdminUserCount is
/// ignored: it is included in UserCount if the service counts administrators as users.
fn people_in(reply: &Reply, rooms: &[RoomId]) -> Option<Vec<People>> {
    let listed = reply.fields.get("Data")?.get("UserCountList")?.as_array()?;
    let people = |room: &RoomId| {
        let is_it = |entry: &&serde_json::Value| {
            entry.get("RoomId").and_then(json::text).as_deref() == Some(room.as_str())
        };
        let named = listed.iter().filter(is_it);
        json::people(named.map(|entry| entry.get("UserCount").unwrap_or(&serde_json::Value::Null)))
    };
    Some(rooms.iter().map(people).collect())
}
