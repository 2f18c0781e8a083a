//! ZEGOCLOUD's ZIM (In-app Chat): one attempt a call.

mod answer;
mod codes;
mod sign;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use serde::Serialize;

use self::answer::{Answered, Asked};
use self::sign::Signature;
use self::wire::{CreateRoom, ModifyRoomAttribute, Query, QueryRoomAttribute, UserRegister};
use super::http::{
    ClockDifference, HttpRequest, HttpResponse, Method, Random, ServiceUrl, Transport,
    within_timeout,
};
use super::{Answer, AttributesRead, Presence, Probe, Receipt, Service};
use crate::model::{
    AttributeChange, Call, Class, Clock, Fields, Operation, Patch, People, Room, RoomId, Secret,
    Trouble,
};

/// The vendor's host where the file names none: the one that is the same for all regions.
pub(super) const VENDOR_URL: &str = "https://zim-api.zego.im/";

/// How many people a page holds: whether anybody is inside is all that is asked.
const PAGE: &str = "100";

/// A room that nobody has, for a harmless query.
const NOBODYS_ROOM: &str = "roomctl-check-no-such-room";

/// One application at ZIM.
pub(super) struct Zim {
    /// The application.
    pub(super) app_id: u32,
    /// ZIM's FromUserId.
    pub(super) operator: String,
    /// The ServerSecret.
    pub(super) secret: Secret,
    /// Where the service answers.
    pub(super) url: ServiceUrl,
    /// What sends the requests.
    pub(super) transport: Arc<dyn Transport>,
    /// The clock that signs.
    pub(super) clock: Arc<dyn Clock>,
    /// Where nonces come from.
    pub(super) random: Arc<dyn Random>,
}

/// Whether `host` is one of ZIM's: `zim-api.zego.im`, or with a region, `zim-api-sha.zego.im`.
pub(super) fn is_vendor(host: &str) -> bool {
    let Some(region) = host.strip_prefix("zim-api").and_then(|h| h.strip_suffix(".zego.im")) else {
        return false;
    };
    let named = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    region.is_empty() || region.strip_prefix('-').is_some_and(named)
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
            let read = |asked: &Asked<'_>, answered: Answered| {
                answered.attributes().ok_or_else(|| asked.unreadable("attributes"))
            };
            match self.post(Call::QueryRoomAttribute, &body, read).await {
                Ok(read) => Ok(Some(read)),
                Err(trouble) if trouble.class == Class::Missing => Ok(None),
                Err(trouble) => Err(trouble),
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
            let read = |asked: &Asked<'_>, answered: Answered| match answered.refused_user() {
                Some(number) => Err(asked.refused(&answered, number)),
                None => Ok(()),
            };
            match self.post(Call::UserRegister, &body, read).await {
                Err(trouble) if trouble.class == Class::Exists => Ok(()),
                outcome => outcome,
            }
        })
    }

    fn probe(&self) -> Answer<'_, Probe> {
        Box::pin(async move {
            let page = [("RoomId", NOBODYS_ROOM), ("Mode", "0"), ("NextFlag", ""), ("Limit", PAGE)];
            let call = Call::QueryRoomUserList;
            self.exchange(call, Method::Get, &page, None, |asked, response| {
                let clock =
                    answer::date(response).map(|date| ClockDifference::between(date, asked.now));
                match asked.read(response) {
                    Ok(_) => Ok(Probe { clock }),
                    Err(trouble) if matches!(trouble.class, Class::Missing | Class::Exists) => {
                        Ok(Probe { clock })
                    }
                    Err(trouble) => Err(trouble),
                }
            })
            .await
        })
    }
}

impl Zim {
    async fn people(&self, room: &RoomId) -> Result<Option<People>, Trouble> {
        let page = [("RoomId", room.as_str()), ("Mode", "0"), ("NextFlag", ""), ("Limit", PAGE)];
        let asked = self.get(Call::QueryRoomUserList, &page, |_, answered| Ok(answered.people()));
        match asked.await {
            Ok(people) => Ok(Some(people)),
            Err(trouble) if trouble.class == Class::Missing => Ok(None),
            // ZIM's way of saying that it is there and empty.
            Err(trouble) if trouble.class == Class::Exists => Ok(Some(People::Nobody)),
            Err(trouble) => Err(trouble),
        }
    }

    async fn create(&self, id: &RoomId, room: &Room) -> Result<Receipt, Trouble> {
        let body = CreateRoom::new(&self.operator, id, room);
        self.post(Call::CreateRoom, &body, |_, answered| Ok(answered.receipt())).await
    }

    async fn destroy(&self, id: &RoomId) -> Result<Receipt, Trouble> {
        let room = [("RoomId", id.as_str())];
        self.get(Call::DestroyRoom, &room, |_, answered| Ok(answered.receipt())).await
    }

    async fn modify(&self, id: &RoomId, changes: &[AttributeChange]) -> Result<Receipt, Trouble> {
        let body = ModifyRoomAttribute::new(&self.operator, id, changes);
        self.post(Call::ModifyRoomAttribute, &body, |_, answered| Ok(answered.receipt())).await
    }

    async fn get<T>(
        &self,
        call: Call,
        parameters: &[(&str, &str)],
        read: impl FnOnce(&Asked<'_>, Answered) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.exchange(call, Method::Get, parameters, None, |asked, response| {
            asked.read(response).and_then(|answered| read(asked, answered))
        })
        .await
    }

    async fn post<T>(
        &self,
        call: Call,
        body: &impl Serialize,
        read: impl FnOnce(&Asked<'_>, Answered) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let body = serde_json::to_vec(body).map_err(|error| unsent(call, &error))?;
        self.exchange(call, Method::Post, &[], Some(body), |asked, response| {
            asked.read(response).and_then(|answered| read(asked, answered))
        })
        .await
    }

    /// Signs, sends, and has the answer read.
    async fn exchange<T>(
        &self,
        call: Call,
        method: Method,
        parameters: &[(&str, &str)],
        body: Option<Vec<u8>>,
        read: impl FnOnce(&Asked<'_>, &HttpResponse) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let random = self.random.eight_bytes().map_err(|error| unsent(call, &error))?;
        let signed = Signature::new(self.app_id, &self.secret, random, self.clock.now());
        let mut query = Query::new(call, self.app_id, &signed);
        for (name, value) in parameters {
            query.push(name, value);
        }
        let query = query.into_text();
        let request =
            HttpRequest { call, method, url: self.url.clone(), query: query.clone(), body };
        let response = within_timeout(&*self.transport, request).await;
        let escaped = query.replace('&', "&amp;");
        let hidden = [self.secret.expose(), &query, &escaped, &signed.digest, &signed.nonce];
        let asked = Asked { call, hidden: &hidden, now: self.clock.now() };
        match response {
            Ok(response) => read(&asked, &response),
            Err(error) => Err(asked.unanswered(error)),
        }
    }
}

/// A request that could not be made: it is known not to be done, and no other would fare better.
fn unsent(call: Call, error: &dyn std::fmt::Display) -> Trouble {
    let message = format!("the request could not be made: {error}");
    Trouble { class: Class::Fatal, call, code: None, message, request_id: None, retry_after: None }
}
