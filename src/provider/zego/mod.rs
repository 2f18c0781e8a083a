//! What ZEGOCLOUD's services have in common: the signature, the public parameters, the gateway's codes.
//!
//! <https://www.zegocloud.com/docs/zim-server/accessing-server-apis>

pub(super) mod gateway;

use md5::{Digest, Md5};
use serde::Serialize;

use super::access::{Access, SignedRequest, unsent};
use super::envelope::{Exchange, Reply, ResponseFormat};
use super::http::{HttpResponse, Method, Query};
use crate::model::{ApiError, Call, Secret, Timestamp};

/// One application of one of ZEGOCLOUD's services.
pub(super) struct Zego {
    access: Access,
    format: &'static ResponseFormat,
}

/// ZEGOCLOUD's signature 2.0: a new one for every request, retries included.
struct Signature {
    /// Sixteen random hexadecimal digits, unique for each request.
    nonce: String,
    /// Seconds since 1970, within 10 minutes of the service's clock.
    timestamp: i64,
    /// The digest: 32 lower-case hexadecimal digits.
    digest: String,
}

/// Returns whether `host` belongs to a service: for `zim-api`, whether it is `zim-api.zego.im` or, with a
/// region, `zim-api-sha.zego.im`.
pub(super) fn is_host_of(service: &str, host: &str) -> bool {
    let Some(region) = host.strip_prefix(service).and_then(|h| h.strip_suffix(".zego.im")) else {
        return false;
    };
    let named = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    region.is_empty() || region.strip_prefix('-').is_some_and(named)
}

impl Zego {
    /// Returns one application of the service whose answers have `format`.
    pub(super) fn new(access: Access, format: &'static ResponseFormat) -> Self {
        Self { access, format }
    }

    /// Sends a GET, and reads the answer with `read`.
    pub(super) async fn get<T>(
        &self,
        call: Call,
        parameters: &[(&str, &str)],
        read: impl FnOnce(&Exchange<'_>, Reply) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.exchange(call, Method::Get, parameters, None, |exchange, response| {
            exchange.read(response).and_then(|reply| read(exchange, reply))
        })
        .await
    }

    /// Posts a body, and reads the answer with `read`.
    pub(super) async fn post<T>(
        &self,
        call: Call,
        body: &impl Serialize,
        read: impl FnOnce(&Exchange<'_>, Reply) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body).map_err(|error| unsent(call, &error))?;
        self.exchange(call, Method::Post, &[], Some(body), |exchange, response| {
            exchange.read(response).and_then(|reply| read(exchange, reply))
        })
        .await
    }

    /// Signs and sends a request, and reads the whole answer with `read`. The public parameters are in the
    /// query, also of a POST.
    pub(super) async fn exchange<T>(
        &self,
        call: Call,
        method: Method,
        parameters: &[(&str, &str)],
        body: Option<Vec<u8>>,
        read: impl FnOnce(&Exchange<'_>, &HttpResponse) -> Result<T, ApiError>,
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
        let signed = SignedRequest { call, method, url, query, body, hidden: &hidden };
        self.access.exchange(self.format, signed, read).await
    }
}

impl Signature {
    /// Makes the signature of one request.
    fn new(app_id: u32, secret: &Secret, random: [u8; 8], now: Timestamp) -> Self {
        let (nonce, timestamp) = (hex::encode(random), now.as_seconds());
        let digest = Md5::new()
            .chain_update(app_id.to_string())
            .chain_update(&nonce)
            .chain_update(secret.expose())
            .chain_update(timestamp.to_string())
            .finalize();
        Self { nonce, timestamp, digest: hex::encode(digest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_vendors_sample() {
        let secret = Secret::new("9193cc662a4c0ec135ec71fb57194b38".to_owned());
        let random = [0x4f, 0xd2, 0x46, 0x87, 0x29, 0x6d, 0xd9, 0xf3];
        let now = Timestamp::from_millis(1_615_186_943_999);
        let signed = Signature::new(12345, &secret, random, now);
        assert_eq!(signed.nonce, "4fd24687296dd9f3");
        assert_eq!(signed.digest, "43e5cfcca828314675f91b001390566a");
    }
}
