//! Tencent's live rooms (`live_engine_http_srv`). Each method makes one attempt.

mod answer;
mod codes;
mod sign;
#[cfg(test)]
mod tests;
mod wire;

use serde::Serialize;

use self::sign::{SignatureCache, UserSig};
use self::wire::{AccountImport, Metadata, OfKeys, OfRoom, SetMetadata, WithRoomInfo};
use super::access::{ABSENT_ROOM, Access, SignedRequest, unsent};
use super::envelope::{Exchange, Reply, ResponseFormat};
use super::http::{HttpResponse, Method, Query};
use super::{Answer, AttributesRead, Presence, Probe, Receipt, Service, SignatureLife};
use crate::model::{
    ApiError, AttributeChange, Call, ErrorClass, Field, Fields, Kind, Operation, Patch, Room,
    RoomId, Value,
};

/// The format of Tencent's answers.
const FORMAT: ResponseFormat = ResponseFormat {
    service: Kind::TencentLive.service(),
    code: "ErrorCode",
    message: "ErrorInfo",
    success_marker: Some(("ActionStatus", "OK")),
    verdict: codes::verdict,
};

/// One application with live rooms.
pub(super) struct TencentLive {
    access: Access,
    /// `identifier`, an administrator of the application.
    operator: String,
    signature: SignatureCache,
}

/// Returns whether `host` belongs to Tencent: `console.tim.qq.com`, or with a region,
/// `adminapisgp.im.qcloud.com`.
pub(super) fn is_vendor(host: &str) -> bool {
    let region = host.strip_prefix("adminapi").and_then(|h| h.strip_suffix(".im.qcloud.com"));
    let named = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
    host == "console.tim.qq.com" || region.is_some_and(named)
}

impl Service for TencentLive {
    fn people_call(&self) -> Call {
        Call::LiveGetRoomInfo
    }

    fn batch(&self) -> usize {
        1
    }

    fn presences<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<Presence>>> {
        Box::pin(async move {
            let mut present = Vec::with_capacity(rooms.len());
            for room in rooms {
                let body = OfRoom { room_id: room.as_str() };
                let read = |exchange: &Exchange<'_>, reply| {
                    answer::presence(&reply).ok_or_else(|| exchange.unreadable("RoomInfo"))
                };
                present.push(if_exists(self.post(Call::LiveGetRoomInfo, &body, read).await)?);
            }
            Ok(present)
        })
    }

    fn attributes_call(&self) -> Option<Call> {
        Some(Call::LiveGetRoomMetadata)
    }

    fn attributes<'a>(&'a self, room: &'a RoomId) -> Answer<'a, Option<AttributesRead>> {
        Box::pin(async move {
            let body = OfKeys { room_id: room.as_str(), keys: Vec::new() };
            let read = |exchange: &Exchange<'_>, reply| {
                answer::metadata(&reply).ok_or_else(|| exchange.unreadable("Metadata"))
            };
            if_exists(self.post(Call::LiveGetRoomMetadata, &body, read).await)
        })
    }

    fn change<'a>(&'a self, room: &'a RoomId, operation: &'a Operation) -> Answer<'a, Receipt> {
        Box::pin(async move {
            match operation {
                Operation::Create(content) => self.create(room, content).await,
                Operation::Destroy(_) => self.destroy(room).await,
                Operation::Patch(Patch::Fields(fields)) => self.update(room, fields).await,
                Operation::Patch(Patch::Attributes(changes)) => {
                    self.set_or_delete(room, changes).await
                }
            }
        })
    }

    fn user<'a>(&'a self, operation: Option<&'a Operation>) -> Option<&'a str> {
        Some(operation.and_then(owner).unwrap_or(&self.operator))
    }

    fn user_before<'a>(&'a self, operation: &'a Operation) -> Option<&'a str> {
        owner(operation).filter(|owner| *owner != self.operator)
    }

    fn register_call(&self) -> Option<Call> {
        Some(Call::AccountImport)
    }

    fn register<'a>(&'a self, user: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let body = AccountImport { user_id: user };
            self.post(Call::AccountImport, &body, |_, _| Ok(())).await
        })
    }

    fn set_signature_life(&self, life: SignatureLife) {
        self.signature.set_life(life);
    }

    fn probe(&self) -> Answer<'_, Probe> {
        Box::pin(async move {
            let body = OfRoom { room_id: ABSENT_ROOM };
            let probe = self.exchange(Call::LiveGetRoomInfo, &body, |exchange, response| {
                exchange.probe(response, &[ErrorClass::Missing])
            });
            probe.await
        })
    }
}

impl TencentLive {
    /// Returns the service of one application, called in the name of `operator`.
    pub(super) fn new(access: Access, operator: String) -> Self {
        Self { access, operator, signature: SignatureCache::default() }
    }

    async fn create(&self, id: &RoomId, room: &Room) -> Result<Receipt, ApiError> {
        self.change_by(Call::LiveCreateRoom, &WithRoomInfo::create(id, room)).await
    }

    async fn destroy(&self, id: &RoomId) -> Result<Receipt, ApiError> {
        self.change_by(Call::LiveDestroyRoom, &OfRoom { room_id: id.as_str() }).await
    }

    async fn update(&self, id: &RoomId, fields: &Fields) -> Result<Receipt, ApiError> {
        let call = Call::LiveUpdateRoomInfo;
        let refused = |field| unsent(call, &format!("`{field}` cannot be changed in place"));
        self.change_by(call, &WithRoomInfo::update(id, fields).map_err(refused)?).await
    }

    /// Sets or deletes metadata: Tencent has no call that does both.
    async fn set_or_delete(
        &self,
        id: &RoomId,
        changes: &[AttributeChange],
    ) -> Result<Receipt, ApiError> {
        let (room_id, mut metadata, mut keys) = (id.as_str(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                AttributeChange::Set(key, attribute) => {
                    metadata.push(Metadata::new(key, attribute));
                }
                AttributeChange::Delete(key) => keys.push(&**key),
            }
        }
        match (metadata.is_empty(), keys.is_empty()) {
            (false, false) => {
                Err(unsent(Call::LiveSetRoomMetadata, &"no call both sets and deletes attributes"))
            }
            (true, false) => self.delete(&OfKeys { room_id, keys }).await,
            (_, true) => {
                self.change_by(Call::LiveSetRoomMetadata, &SetMetadata { room_id, metadata }).await
            }
        }
    }

    /// Deletes metadata; keys that do not exist count as deleted.
    async fn delete(&self, body: &OfKeys<'_>) -> Result<Receipt, ApiError> {
        let nothing = (ErrorClass::Refused, Some(codes::NOTHING_TO_DELETE));
        match self.change_by(Call::LiveDelRoomMetadata, body).await {
            Err(error) if (error.class, error.code) == nothing => {
                Ok(Receipt { request_id: error.request_id, ..Receipt::default() })
            }
            outcome => outcome,
        }
    }

    async fn change_by(&self, call: Call, body: &impl Serialize) -> Result<Receipt, ApiError> {
        self.post(call, body, |_, reply| Ok(reply.receipt())).await
    }

    async fn post<T>(
        &self,
        call: Call,
        body: &impl Serialize,
        read: impl FnOnce(&Exchange<'_>, Reply) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.exchange(call, body, |exchange, response| {
            exchange.read(response).and_then(|reply| read(exchange, reply))
        })
        .await
    }

    /// Signs and sends a request, and reads the whole answer with `read`. A refused signature is not used
    /// again.
    async fn exchange<T>(
        &self,
        call: Call,
        body: &impl Serialize,
        read: impl FnOnce(&Exchange<'_>, &HttpResponse) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let Access { app_id, secret, url, transport: _, clock, random } = &self.access;
        let body = serde_json::to_vec(body).map_err(|error| unsent(call, &error))?;
        let random = random.eight_bytes().map_err(|error| unsent(call, &error))?;
        let [a, b, c, d, ..] = random;
        let now = clock.now();
        let sign = |valid| UserSig::new(*app_id, secret, &self.operator, valid, now);
        let signature =
            self.signature.get_or_sign(now, sign).map_err(|error| unsent(call, &error))?;
        let mut query = Query::default();
        query.push("sdkappid", &app_id.to_string());
        query.push("identifier", &self.operator);
        query.push("usersig", &signature.text);
        query.push("random", &u32::from_be_bytes([a, b, c, d]).to_string());
        query.push("contenttype", "json");
        let (query, url) = (query.into_text(), url.join(&path(call)));
        let hidden = [&*signature.text, &*signature.digest];
        let signed = SignedRequest {
            call,
            method: Method::Post,
            url,
            query,
            body: Some(body),
            hidden: &hidden,
        };
        let outcome = self.access.exchange(&FORMAT, signed, read).await;
        if outcome.as_ref().is_err_and(|error| error.class == ErrorClass::SignAgain) {
            self.signature.forget(&signature);
        }
        outcome
    }
}

/// Returns the path of a call.
fn path(call: Call) -> String {
    let accounts = call == Call::AccountImport;
    let folder = if accounts { "im_open_login_svc" } else { "live_engine_http_srv" };
    format!("v4/{folder}/{call}")
}

/// Returns the owner of a create.
fn owner(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Create(room) => room.fields.of(Field::Owner).and_then(Value::as_text),
        Operation::Destroy(_) | Operation::Patch(_) => None,
    }
}

/// Returns the result of a read; `None` if the room does not exist.
fn if_exists<T>(read: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.class == ErrorClass::Missing => Ok(None),
        Err(error) => Err(error),
    }
}
