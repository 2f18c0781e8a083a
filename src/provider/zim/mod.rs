//! ZEGOCLOUD's ZIM (In-app Chat). Each method makes one attempt.

mod answer;
mod codes;
#[cfg(test)]
mod tests;
mod wire;

use self::wire::{CreateRoom, ModifyRoomAttribute, QueryRoomAttribute, UserRegister};
use super::access::{ABSENT_ROOM, Access, unsent};
use super::envelope::{Exchange, Reply, ResponseFormat};
use super::http::Method;
use super::zego::{Zego, is_host_of};
use super::{Answer, AttributesRead, Presence, Probe, Receipt, Service};
use crate::model::{
    ApiError, AttributeChange, Call, ErrorClass, Fields, Kind, Operation, Patch, People, Room,
    RoomId,
};

/// The format of ZIM's answers.
const FORMAT: ResponseFormat = ResponseFormat {
    service: Kind::Zim.service(),
    code: "Code",
    message: "Message",
    success_marker: None,
    verdict: codes::verdict,
};

/// How many people a page contains. One page is enough to know whether people are inside.
const PAGE: &str = "100";

/// One application of ZIM.
pub(super) struct Zim {
    zego: Zego,
    /// ZIM's FromUserId.
    operator: String,
}

/// Returns whether `host` belongs to ZIM.
pub(super) fn is_vendor(host: &str) -> bool {
    is_host_of("zim-api", host)
}

impl Service for Zim {
    fn people_call(&self) -> Call {
        Call::QueryRoomUserList
    }

    fn batch(&self) -> usize {
        1
    }

    fn presences<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<Presence>>> {
        Box::pin(async move {
            let mut present = Vec::with_capacity(rooms.len());
            for room in rooms {
                let people = self.people(room).await?;
                present.push(people.map(|people| Presence { people, fields: Fields::default() }));
            }
            Ok(present)
        })
    }

    fn attributes_call(&self) -> Option<Call> {
        Some(Call::QueryRoomAttribute)
    }

    fn attributes<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<AttributesRead>> {
        Box::pin(async move {
            let body = QueryRoomAttribute { from_user_id: &self.operator, room_id: room.as_str() };
            let read = |exchange: &Exchange<'_>, reply: Reply| {
                answer::attributes(&reply).ok_or_else(|| exchange.unreadable("attributes"))
            };
            match self.zego.post(Call::QueryRoomAttribute, &body, read).await {
                Ok(read) => Ok(Some(read)),
                Err(error) if error.class == ErrorClass::Missing => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn change<'a>(&'a self, room: &'a RoomId, operation: &'a Operation) -> Answer<'a, Receipt> {
        Box::pin(async move {
            match operation {
                Operation::Create(content) => self.create(room, content).await,
                Operation::Destroy(_) => self.destroy(room).await,
                Operation::Patch(Patch::Attributes(changes)) => self.modify(room, changes).await,
                Operation::Patch(Patch::Fields(_)) => {
                    Err(unsent(Call::ModifyRoomAttribute, &"ZIM changes attributes only"))
                }
            }
        })
    }

    fn user<'a>(&'a self, _: Option<&'a Operation>) -> Option<&'a str> {
        Some(&self.operator)
    }

    fn user_before<'a>(&'a self, _: &'a Operation) -> Option<&'a str> {
        None
    }

    fn register_call(&self) -> Option<Call> {
        Some(Call::UserRegister)
    }

    fn register<'a>(&'a self, user: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let body = UserRegister::new(user);
            let read = |exchange: &Exchange<'_>, reply| match answer::refused_user(&reply) {
                Some(number) => Err(exchange.refused(&reply, number)),
                None => Ok(()),
            };
            match self.zego.post(Call::UserRegister, &body, read).await {
                Err(error) if error.class == ErrorClass::Exists => Ok(()),
                outcome => outcome,
            }
        })
    }

    fn probe(&self) -> Answer<'_, Probe> {
        Box::pin(async move {
            let page = [("RoomId", ABSENT_ROOM), ("Mode", "0"), ("NextFlag", ""), ("Limit", PAGE)];
            let call = Call::QueryRoomUserList;
            let harmless = [ErrorClass::Missing, ErrorClass::Exists];
            let probe = self.zego.exchange(call, Method::Get, &page, None, |exchange, response| {
                exchange.probe(response, &harmless)
            });
            probe.await
        })
    }
}

impl Zim {
    /// Returns the service of one application, called in the name of `operator`.
    pub(super) fn new(access: Access, operator: String) -> Self {
        Self { zego: Zego::new(access, &FORMAT), operator }
    }

    async fn people(&self, room: &RoomId) -> Result<Option<People>, ApiError> {
        let page = [("RoomId", room.as_str()), ("Mode", "0"), ("NextFlag", ""), ("Limit", PAGE)];
        let people =
            self.zego.get(Call::QueryRoomUserList, &page, |_, reply| Ok(answer::people(&reply)));
        match people.await {
            Ok(people) => Ok(Some(people)),
            Err(error) if error.class == ErrorClass::Missing => Ok(None),
            // ZIM's answer for a room that exists and is empty.
            Err(error) if error.class == ErrorClass::Exists => Ok(Some(People::Nobody)),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, id: &RoomId, room: &Room) -> Result<Receipt, ApiError> {
        let body = CreateRoom::new(&self.operator, id, room);
        self.zego.post(Call::CreateRoom, &body, |_, reply| Ok(answer::receipt(&reply))).await
    }

    async fn destroy(&self, id: &RoomId) -> Result<Receipt, ApiError> {
        let room = [("RoomId", id.as_str())];
        self.zego.get(Call::DestroyRoom, &room, |_, reply| Ok(answer::receipt(&reply))).await
    }

    async fn modify(&self, id: &RoomId, changes: &[AttributeChange]) -> Result<Receipt, ApiError> {
        let body = ModifyRoomAttribute::new(&self.operator, id, changes);
        self.zego
            .post(Call::ModifyRoomAttribute, &body, |_, reply| Ok(answer::receipt(&reply)))
            .await
    }
}
