//! ZEGOCLOUD's RTC (Video Call): one attempt a call.
//!
//! A room is there while users are inside: no call makes one, and none changes one.

mod answer;
mod codes;
#[cfg(test)]
mod tests;

use super::access::{Access, NOBODYS_ROOM, unsent};
use super::envelope::Dialect;
use super::http::Method;
use super::zego::{Zego, is_host_of};
use super::{Answer, AttributesRead, Presence, Probe, Receipt, Service};
use crate::model::{ApiError, Call, Field, Fields, Kind, Operation, Room, RoomId, Value};

/// How RTC writes its answers.
const DIALECT: Dialect = Dialect {
    service: Kind::Rtc.service(),
    code: "Code",
    words: "Message",
    affirmed: None,
    verdict: codes::verdict,
};

/// How many rooms one DescribeUserNum takes.
///
/// <https://www.zegocloud.com/docs/live-streaming-server/api-reference/room/describe-user-num>
const BATCH: usize = 10;

/// Where a room of DescribeUserNum stands in the query; each of several by itself.
const ROOMS: &str = "RoomId[]";

/// One application at RTC.
pub(super) struct Rtc {
    zego: Zego,
    /// `IsTest`, for projects made on or before 2021-11-16; left out for the others.
    is_test: Option<bool>,
}

/// Whether `host` is one of RTC's.
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
            let asked = self.zego.get(Call::DescribeUserNum, &parameters, |asked, answered| {
                answer::people(&answered, rooms).ok_or_else(|| asked.unreadable("UserCountList"))
            });
            let present = |people| Some(Presence { people, fields: Fields::default() });
            Ok(asked.await?.into_iter().map(present).collect())
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
                    Err(unsent(Call::CloseRoom, &"RTC has no call that makes or changes a room"))
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
                [(ROOMS, NOBODYS_ROOM)].into_iter().chain(self.is_test()).collect();
            let (call, method) = (Call::DescribeUserNum, Method::Get);
            let probe = self.zego.exchange(call, method, &parameters, None, |asked, response| {
                asked.probe(response, &[])
            });
            probe.await
        })
    }
}

impl Rtc {
    /// Reaches an application; `is_test` goes along with every call where it is there.
    pub(super) fn new(access: Access, is_test: Option<bool>) -> Self {
        Self { zego: Zego::new(access, &DIALECT), is_test }
    }

    async fn close(&self, id: &RoomId, room: &Room) -> Result<Receipt, ApiError> {
        let reason = room.fields.of(Field::CloseReason).and_then(Value::as_text);
        let told = room.fields.of(Field::CloseCallback).and_then(Value::as_flag) == Some(true);
        let mut parameters = vec![("RoomId", id.as_str())];
        parameters.extend(reason.map(|reason| ("CustomReason", reason)));
        parameters.extend(told.then_some(("RoomCloseCallback", "true")));
        parameters.extend(self.is_test());
        self.zego.get(Call::CloseRoom, &parameters, |_, answered| Ok(answered.receipt())).await
    }

    fn is_test(&self) -> Option<(&'static str, &'static str)> {
        self.is_test.map(|is_test| ("IsTest", if is_test { "true" } else { "false" }))
    }
}
