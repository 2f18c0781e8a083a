//! The gateway: who calls, with which signature, and when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use axum::http::Method;
use md5::{Digest, Md5};

use crate::model::{Secret, Timestamp};

use super::code::Code;
use super::query::Query;
use super::{Action, App};

/// How far a Timestamp may be from the server's clock, and how long a nonce stays used.
const TOLERANCE: Duration = Duration::from_mins(10);

/// The gateway before the service.
#[derive(Debug)]
pub(super) struct Gate {
    secrets: BTreeMap<u32, Secret>,
    used: BTreeSet<(u32, String)>,
    order: VecDeque<(Timestamp, u32, String)>,
}

/// A caller whose signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) app: u32,
    pub(super) action: Action,
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

impl Gate {
    pub(super) fn new(apps: &[App]) -> Self {
        let secrets = apps.iter().map(|App { app_id, secret }| (*app_id, secret.clone())).collect();
        Self { secrets, used: BTreeSet::new(), order: VecDeque::new() }
    }

    /// Lets a signed request through. `now` is the real time, however far rooms have been advanced.
    pub(super) fn admit(
        &mut self,
        method: &Method,
        query: &Query,
        now: Timestamp,
    ) -> Result<Caller, Code> {
        let public = Public::read(method, query)?;
        let secret = self.secrets.get(&public.app_id).ok_or(Code::ServerSecret)?;
        let sent = Timestamp::from_millis(public.seconds.saturating_mul(1000));
        if sent.since(now).max(now.since(sent)) > TOLERANCE {
            return Err(Code::SignatureExpired);
        }
        if public.signature != public.sign(secret) {
            return Err(Code::SignatureWrong);
        }
        self.use_up(public.app_id, public.nonce, now)?;
        Ok(Caller { app: public.app_id, action: public.action })
    }

    /// Takes a nonce once. The vendor does not say that a replay is refused; a stand-in that accepted one
    /// would hide a client that does not sign each attempt anew.
    fn use_up(&mut self, app: u32, nonce: &str, now: Timestamp) -> Result<(), Code> {
        while self.order.front().is_some_and(|(at, _, _)| now.since(*at) > TOLERANCE) {
            if let Some((_, app, nonce)) = self.order.pop_front() {
                self.used.remove(&(app, nonce));
            }
        }
        if !self.used.insert((app, nonce.to_owned())) {
            return Err(Code::SignatureWrong);
        }
        self.order.push_back((now, app, nonce.to_owned()));
        Ok(())
    }
}

impl<'a> Public<'a> {
    fn read(method: &Method, query: &'a Query) -> Result<Self, Code> {
        let name = query.value("Action").ok_or(Code::ActionEmpty)?;
        let action = Action::named(name).ok_or(Code::ActionUnsupported)?;
        if action.method() != *method {
            return Err(Code::ActionUnsupported);
        }
        let app = query.value("AppId").ok_or(Code::AppIdFormat)?;
        let app_id = app.parse().map_err(|_| Code::AppIdFormat)?;
        let timestamp = query.value("Timestamp").ok_or(Code::TimestampEmpty)?;
        let seconds = timestamp.parse().map_err(|_| Code::TimestampFormat)?;
        let nonce = query.value("SignatureNonce").ok_or(Code::NonceEmpty)?;
        match query.value("SignatureVersion") {
            None => return Err(Code::VersionEmpty),
            Some("2.0") => (),
            Some(_) => return Err(Code::VersionUnsupported),
        }
        let signature = query.value("Signature").ok_or(Code::SignatureEmpty)?;
        if nonce.len() != 16 || !nonce.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Code::SignatureWrong);
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
