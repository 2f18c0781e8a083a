//! ZEGOCLOUD's gateway of both ZIM and RTC: the return codes, and the check of signatures.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use axum::http::Method;
use md5::{Digest, Md5};

use crate::model::{Secret, Timestamp};

use super::action::{Action, AppKey};
use super::request::{Caller, Query};

/// How far a Timestamp may differ from the server's clock, and how long a nonce cannot be used again.
const TOLERANCE: Duration = Duration::from_mins(10);

/// The nonces that were used in the last ten minutes.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    used: BTreeSet<(AppKey, String)>,
    order: VecDeque<(Timestamp, AppKey, String)>,
}

/// The public parameters, complete and well formed.
struct Public<'a> {
    action: Action,
    app: &'a str,
    app_id: u32,
    timestamp: &'a str,
    seconds: i64,
    nonce: &'a str,
    signature: &'a str,
}

/// Checks the signature of a request. `now` is the real time, not the emulator's.
pub(super) fn authenticate(
    method: &Method,
    query: &Query,
    now: Timestamp,
    secrets: &BTreeMap<AppKey, Secret>,
    nonces: &mut Nonces,
) -> Result<Caller, Zego> {
    let public = Public::read(method, query)?;
    let caller = Caller { app: public.app_id, action: public.action };
    let secret = secrets.get(&caller.key()).ok_or(Zego::ServerSecret)?;
    let sent = Timestamp::from_millis(public.seconds.saturating_mul(1000));
    if sent.since(now).max(now.since(sent)) > TOLERANCE {
        return Err(Zego::SignatureExpired);
    }
    if public.signature != public.sign(secret) {
        return Err(Zego::SignatureWrong);
    }
    nonces.use_up(caller.key(), public.nonce, now)?;
    Ok(caller)
}

impl Nonces {
    /// Accepts a nonce once. The vendor does not document that a replay is refused; accepting it would
    /// hide a client that does not sign each attempt.
    fn use_up(&mut self, app: AppKey, nonce: &str, now: Timestamp) -> Result<(), Zego> {
        while self.order.front().is_some_and(|(at, _, _)| now.since(*at) > TOLERANCE) {
            if let Some((_, app, nonce)) = self.order.pop_front() {
                self.used.remove(&(app, nonce));
            }
        }
        if !self.used.insert((app, nonce.to_owned())) {
            return Err(Zego::SignatureWrong);
        }
        self.order.push_back((now, app, nonce.to_owned()));
        Ok(())
    }
}

impl<'a> Public<'a> {
    fn read(method: &Method, query: &'a Query) -> Result<Self, Zego> {
        let name = query.value("Action").ok_or(Zego::ActionEmpty)?;
        let action = Action::named(name).ok_or(Zego::ActionUnsupported)?;
        if action.method() != *method {
            return Err(Zego::ActionUnsupported);
        }
        let app = query.value("AppId").ok_or(Zego::AppIdFormat)?;
        let app_id = app.parse().map_err(|_| Zego::AppIdFormat)?;
        let timestamp = query.value("Timestamp").ok_or(Zego::TimestampEmpty)?;
        let seconds = timestamp.parse().map_err(|_| Zego::TimestampFormat)?;
        let nonce = query.value("SignatureNonce").ok_or(Zego::NonceEmpty)?;
        match query.value("SignatureVersion") {
            None => return Err(Zego::VersionEmpty),
            Some("2.0") => (),
            Some(_) => return Err(Zego::VersionUnsupported),
        }
        let signature = query.value("Signature").ok_or(Zego::SignatureEmpty)?;
        if nonce.len() != 16 || !nonce.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Zego::SignatureWrong);
        }
        Ok(Self { action, app, app_id, timestamp, seconds, nonce, signature })
    }

    fn sign(&self, secret: &Secret) -> String {
        let mut digest = Md5::new();
        for part in [self.app, self.nonce, secret.expose(), self.timestamp] {
            digest.update(part);
        }
        hex::encode(digest.finalize())
    }
}

/// A return code. <https://www.zegocloud.com/docs/zim-server/return-codes>, and the page of each RTC action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zego {
    Parameter,
    ReadOnly,
    Database,
    RtcInternal,
    RtcTooLong,
    RtcNoPermission,
    RtcTooOften,
    RtcRoomMissing,
    RtcRoomGone,
    AppIdFormat,
    TimestampEmpty,
    TimestampFormat,
    SignatureExpired,
    SignatureWrong,
    ActionEmpty,
    ActionUnsupported,
    NonceEmpty,
    SignatureEmpty,
    ServerSecret,
    Body,
    VersionEmpty,
    VersionUnsupported,
    ZimParameter,
    AttributeLimit,
    RoomMissing,
    TooOften,
    RoomEmpty,
    RoomExists,
    RoomQuota,
    OperatorUnknown,
    RegisterTooOften,
    UserExists,
}

impl Zego {
    /// Returns the code's number.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Parameter => 2,
            Self::ReadOnly | Self::RtcTooLong => 3,
            Self::Database => 105_001,
            Self::RtcInternal => 1,
            Self::RtcNoPermission => 9,
            Self::RtcTooOften => 206,
            Self::RtcRoomMissing => 5018,
            Self::RtcRoomGone => 5024,
            Self::AppIdFormat => 100_000_001,
            Self::TimestampEmpty => 100_000_002,
            Self::TimestampFormat => 100_000_003,
            Self::SignatureExpired => 100_000_004,
            Self::SignatureWrong => 100_000_005,
            Self::ActionEmpty => 100_000_006,
            Self::ActionUnsupported => 100_000_007,
            Self::NonceEmpty => 100_000_008,
            Self::SignatureEmpty => 100_000_009,
            Self::ServerSecret => 100_000_010,
            Self::Body => 100_000_012,
            Self::VersionEmpty => 100_000_013,
            Self::VersionUnsupported => 100_000_014,
            Self::ZimParameter => 660_000_002,
            Self::AttributeLimit => 660_000_012,
            Self::RoomMissing => 660_300_001,
            Self::TooOften => 660_300_005,
            Self::RoomEmpty => 660_300_008,
            Self::RoomExists => 660_300_014,
            Self::RoomQuota => 660_300_015,
            Self::OperatorUnknown => 660_500_002,
            Self::RegisterTooOften => 660_700_001,
            Self::UserExists => 660_700_002,
        }
    }

    /// Returns the default message.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Parameter => "input parameter error",
            Self::ReadOnly | Self::RtcNoPermission => "the emulator's data is read-only",
            Self::Database | Self::RtcInternal => "the emulator's data file cannot be written",
            Self::RtcTooLong => "input parameter too long",
            Self::RtcRoomMissing => "room has been destroyed or does not exist",
            Self::AppIdFormat => "AppId format error",
            Self::TimestampEmpty => "Timestamp is empty",
            Self::TimestampFormat => "Timestamp format error",
            Self::SignatureExpired => "signature expired",
            Self::SignatureWrong => "signature error",
            Self::ActionEmpty => "Action is empty",
            Self::ActionUnsupported => "unsupported Action",
            Self::NonceEmpty => "SignatureNonce is empty",
            Self::SignatureEmpty => "Signature is empty",
            Self::ServerSecret => "failed to get ServerSecret: no such AppId",
            Self::Body => "failed to read the HTTP body",
            Self::VersionEmpty => "SignatureVersion is empty",
            Self::VersionUnsupported => "unsupported SignatureVersion",
            Self::ZimParameter => "parameter error",
            Self::AttributeLimit => "room attributes exceed the limit",
            Self::RoomMissing | Self::RtcRoomGone => "room does not exist",
            Self::TooOften | Self::RegisterTooOften | Self::RtcTooOften => "frequency limit",
            Self::RoomEmpty => "room is empty",
            Self::RoomExists => "room already exists",
            Self::RoomQuota => "number of rooms exceeds the limit",
            Self::OperatorUnknown => "FromUserId is not registered",
            Self::UserExists => "user already exists",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_vendors_example() {
        let public = Public {
            action: Action::CreateRoom,
            app: "12345",
            app_id: 12345,
            timestamp: "1615186943",
            seconds: 1_615_186_943,
            nonce: "4fd24687296dd9f3",
            signature: "",
        };
        let secret = Secret::new("9193cc662a4c0ec135ec71fb57194b38".to_owned());
        assert_eq!(public.sign(&secret), "43e5cfcca828314675f91b001390566a");
    }
}
