//! The gateways before the services: who calls, and whether it is them.

mod tencent;
mod user_sig;
mod zego;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Kind, Secret, Timestamp};

use super::code::{Code, Tencent, Zego};
use super::process::Received;
use super::query::QueryError;
use super::work::Refusal;
use super::{Action, App, Settings};

/// An application: one id may stand for a ZIM and an RTC application, with nothing in common.
pub(super) type AppKey = (Kind, u32);

/// The gateways of all services.
#[derive(Debug)]
pub(super) struct Gate {
    secrets: BTreeMap<AppKey, Secret>,
    administrators: BTreeSet<String>,
    nonces: zego::Nonces,
}

/// A caller whose signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) app: u32,
    pub(super) action: Action,
}

impl Gate {
    pub(super) fn new(settings: &Settings) -> Self {
        let secret = |App { kind, app_id, secret }: &App| ((*kind, *app_id), secret.clone());
        Self {
            secrets: settings.apps.iter().map(secret).collect(),
            administrators: settings.administrators.clone(),
            nonces: zego::Nonces::default(),
        }
    }

    /// Lets a signed request through. `now` is the real time, however far rooms have been advanced.
    pub(super) fn admit(&mut self, received: &Received, now: Timestamp) -> Result<Caller, Refusal> {
        let Received { method, path, query, body: _ } = received;
        let kind = received.kind();
        let query = query.as_ref().map_err(|error| unreadable(kind, error))?;
        let Self { secrets, administrators, nonces } = self;
        match kind {
            Kind::Rtc | Kind::Zim => Ok(zego::admit(method, query, now, secrets, nonces)?),
            Kind::TencentLive => {
                let keys = tencent::Keys { secrets, administrators };
                Ok(tencent::admit(method, path, query, now, keys)?)
            }
        }
    }
}

fn unreadable(kind: Kind, error: &QueryError) -> Refusal {
    let code: Code = match kind {
        Kind::Rtc | Kind::Zim => Zego::Parameter.into(),
        Kind::TencentLive => Tencent::Http.into(),
    };
    Refusal::because(code, error.to_string())
}

impl Caller {
    /// The application that calls.
    pub(super) fn key(self) -> AppKey {
        let Self { app, action } = self;
        (action.kind(), app)
    }
}
