//! ZEGOCLOUD's gateway, of ZIM and RTC alike: who calls, with which signature, and when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use axum::http::Method;
use md5::{Digest, Md5};

use crate::emulator::Action;
use crate::emulator::code::Zego;
use crate::emulator::query::Query;
use crate::model::{Secret, Timestamp};

use super::{AppKey, Caller};

/// How far a Timestamp may be from the server's clock, and how long a nonce stays used.
const TOLERANCE: Duration = Duration::from_mins(10);

/// The nonces that were used in the last ten minutes.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    used: BTreeSet<(AppKey, String)>,
    order: VecDeque<(Timestamp, AppKey, String)>,
}

/// The public parameters, all there and well formed.
struct Public<'a> {
    action: Action,
    app: &'a str,
    app_id: u32,
    timestamp: &'a str,
    seconds: i64,
    nonce: &'a str,
    signature: &'a str,
}

/// Lets a signed request through. `now` is the real time, however far rooms have been advanced.
pub(super) fn admit(
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
    /// Takes a nonce once. The vendor does not say that a replay is refused; a stand-in that accepted one
    /// would hide a client that does not sign each attempt anew.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_vendors_example_does() {
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
