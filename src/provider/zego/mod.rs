//! What ZEGOCLOUD's services share: the signature, the public parameters, the gateway's codes.
//!
//! <https://www.zegocloud.com/docs/zim-server/accessing-server-apis>

pub(super) mod gateway;
mod sign;

use serde::Serialize;

use self::sign::Signature;
use super::access::{Access, Signed, unsent};
use super::envelope::{Answered, Asked, Dialect};
use super::http::{HttpResponse, Method, Query};
use crate::model::{ApiError, Call};

/// One application at one of ZEGOCLOUD's services.
pub(super) struct Zego {
    access: Access,
    dialect: &'static Dialect,
}

/// Whether `host` is one of those of a service: `zim-api.zego.im`, or with a region,
/// `zim-api-sha.zego.im`, where `service` is `zim-api`.
pub(super) fn is_host_of(service: &str, host: &str) -> bool {
    let Some(region) = host.strip_prefix(service).and_then(|h| h.strip_suffix(".zego.im")) else {
        return false;
    };
    let named = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    region.is_empty() || region.strip_prefix('-').is_some_and(named)
}

impl Zego {
    /// Reaches an application at the service that answers in `dialect`.
    pub(super) fn new(access: Access, dialect: &'static Dialect) -> Self {
        Self { access, dialect }
    }

    /// Asks by a GET, and has the answer read.
    pub(super) async fn get<T>(
        &self,
        call: Call,
        parameters: &[(&str, &str)],
        read: impl FnOnce(&Asked<'_>, Answered) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.exchange(call, Method::Get, parameters, None, |asked, response| {
            asked.read(response).and_then(|answered| read(asked, answered))
        })
        .await
    }

    /// Posts a body, and has the answer read.
    pub(super) async fn post<T>(
        &self,
        call: Call,
        body: &impl Serialize,
        read: impl FnOnce(&Asked<'_>, Answered) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body).map_err(|error| unsent(call, &error))?;
        self.exchange(call, Method::Post, &[], Some(body), |asked, response| {
            asked.read(response).and_then(|answered| read(asked, answered))
        })
        .await
    }

    /// Signs, sends, and has the whole answer read. The public parameters stand in the query of a
    /// POST too.
    pub(super) async fn exchange<T>(
        &self,
        call: Call,
        method: Method,
        parameters: &[(&str, &str)],
        body: Option<Vec<u8>>,
        read: impl FnOnce(&Asked<'_>, &HttpResponse) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let Access { app_id, secret, url, transport: _, clock, random } = &self.access;
        let random = random.eight_bytes().map_err(|error| unsent(call, &error))?;
        let signature = Signature::new(*app_id, secret, random, clock.now());
        let mut query = Query::default();
        query.push("Action", call.as_str());
        query.push("AppId", &app_id.to_string());
        query.push("SignatureNonce", &signature.nonce);
        query.push("Timestamp", &signature.timestamp.to_string());
        query.push("SignatureVersion", "2.0");
        query.push("Signature", &signature.digest);
        for (name, value) in parameters {
            query.push(name, value);
        }
        let (query, url) = (query.into_text(), url.clone());
        let hidden = [&*signature.digest, &*signature.nonce];
        let signed = Signed { call, method, url, query, body, hidden: &hidden };
        self.access.exchange(self.dialect, signed, read).await
    }
}
