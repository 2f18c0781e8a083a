//! Tencent's gateway: the parameters in the URL, and the check of the UserSig.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use crate::emulator::action::{Action, AppKey};
use crate::emulator::request::{Caller, Query};
use crate::model::{Kind, Secret, Timestamp};

use super::codes::Tencent;

/// The keys and administrators that requests are checked against.
#[derive(Clone, Copy)]
pub(in crate::emulator) struct Keys<'a> {
    /// The SecretKeys of the applications.
    pub(in crate::emulator) secrets: &'a BTreeMap<AppKey, Secret>,
    /// The users who may call. If empty, all users may.
    pub(in crate::emulator) administrators: &'a BTreeSet<String>,
}

/// Checks the signature of an administrator's request. The same `random` may be used again.
pub(in crate::emulator) fn authenticate(
    method: &Method,
    path: &str,
    query: &Query,
    now: Timestamp,
    Keys { secrets, administrators }: Keys<'_>,
) -> Result<Caller, Tencent> {
    let action = Action::at(path).ok_or(Tencent::Command)?;
    if action.method() != *method {
        return Err(Tencent::Http);
    }
    let app = query.value("sdkappid").ok_or(Tencent::SdkAppIdMissing)?;
    let app = app.parse().map_err(|_| Tencent::SdkAppId)?;
    let identifier = query.value("identifier").ok_or(Tencent::Caller)?;
    let user_sig = query.value("usersig").ok_or(Tencent::Caller)?;
    let random = query.value("random").and_then(|text| text.parse::<u32>().ok());
    if random.is_none() || query.value("contenttype") != Some("json") {
        return Err(Tencent::Http);
    }
    let secret = secrets.get(&(Kind::TencentLive, app)).ok_or(Tencent::AppUnknown)?;
    check(user_sig, Claim { identifier, app }, secret, now)?;
    if !administrators.is_empty() && !administrators.contains(identifier) {
        return Err(Tencent::NotAdministrator);
    }
    Ok(Caller { app, action })
}

/// The longest decoded UserSig in bytes.
const MAX_TICKET: u64 = 4096;

/// The caller according to the URL.
#[derive(Clone, Copy, Debug)]
struct Claim<'a> {
    identifier: &'a str,
    app: u32,
}

/// The content of a UserSig.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticket {
    #[serde(rename = "TLS.ver")]
    version: String,
    #[serde(rename = "TLS.identifier")]
    identifier: String,
    #[serde(rename = "TLS.sdkappid")]
    app: u64,
    /// How long it is valid, in seconds.
    #[serde(rename = "TLS.expire")]
    expire: u64,
    /// When it was signed, in seconds since 1970.
    #[serde(rename = "TLS.time")]
    time: u64,
    #[serde(rename = "TLS.sig")]
    sig: String,
}

/// Checks that a UserSig can be read, is signed with the application's key for this caller and
/// application, and that `now` is not after `TLS.time` + `TLS.expire`.
/// <https://www.tencentcloud.com/document/product/1047/34385>
fn check(text: &str, claim: Claim<'_>, secret: &Secret, now: Timestamp) -> Result<(), Tencent> {
    let ticket = Ticket::read(text).ok_or(Tencent::SigUnreadable)?;
    let Claim { identifier, app } = claim;
    if ticket.identifier != identifier {
        return Err(Tencent::SigOfAnother);
    }
    if ticket.app != u64::from(app) {
        return Err(Tencent::SigForAnotherApp);
    }
    if !ticket.signed_with(secret) {
        return Err(Tencent::SigWrong);
    }
    if u64::try_from(now.as_seconds()).unwrap_or(0) > ticket.time.saturating_add(ticket.expire) {
        return Err(Tencent::SigExpired);
    }
    Ok(())
}

impl Ticket {
    fn read(text: &str) -> Option<Self> {
        if text.contains(['+', '/', '=']) {
            return None;
        }
        let text = text.replace('*', "+").replace('-', "/").replace('_', "=");
        let packed = STANDARD.decode(text).ok()?;
        let mut json = Vec::new();
        ZlibDecoder::new(packed.as_slice()).take(MAX_TICKET).read_to_end(&mut json).ok()?;
        let ticket: Self = serde_json::from_slice(&json).ok()?;
        (ticket.version == "2.0").then_some(ticket)
    }

    fn signed_with(&self, secret: &Secret) -> bool {
        let Self { version: _, identifier, app, expire, time, sig } = self;
        let text = format!(
            "TLS.identifier:{identifier}\nTLS.sdkappid:{app}\nTLS.time:{time}\nTLS.expire:{expire}\n"
        );
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
            return false;
        };
        mac.update(text.as_bytes());
        STANDARD.decode(sig).is_ok_and(|sig| mac.verify_slice(&sig).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
    const MADE: i64 = 1_700_000_000;
    const EXPIRE: i64 = 15_552_000;

    fn ticket() -> Value {
        json!({"TLS.ver": "2.0", "TLS.identifier": "xiaojun", "TLS.sdkappid": 1_400_000_000,
            "TLS.expire": EXPIRE, "TLS.time": MADE,
            "TLS.sig": "LvA7d/Iw7gSsnskvVzBDPOCCDbuNCw4GHwTC0bip+B4="})
    }

    fn packed(json: &[u8]) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(json).expect("packed");
        let text = STANDARD.encode(encoder.finish().expect("packed"));
        text.replace('+', "*").replace('/', "-").replace('=', "_")
    }

    fn checked(text: &str, seconds: i64) -> Result<(), Tencent> {
        let claim = Claim { identifier: "xiaojun", app: 1_400_000_000 };
        check(text, claim, &Secret::new(KEY.to_owned()), Timestamp::from_millis(seconds * 1000))
    }

    fn checked_with(field: &str, value: Value) -> Result<(), Tencent> {
        let mut ticket = ticket();
        ticket[field] = value;
        checked(&packed(ticket.to_string().as_bytes()), MADE)
    }

    #[test]
    fn the_signatures_of_the_vendors_samples_are_accepted() {
        assert_eq!(checked(&packed(ticket().to_string().as_bytes()), MADE), Ok(()));
        let short = json!({"TLS.sig": "71bpFRKXDxavtnn+gucS80neD/d0ccxEO+tNGk2281g=", "TLS.time": 1_700_000_001,
            "TLS.expire": 4, "TLS.sdkappid": 1, "TLS.identifier": "3", "TLS.ver": "2.0"});
        let text = packed(short.to_string().as_bytes());
        let claim = Claim { identifier: "3", app: 1 };
        let now = Timestamp::from_millis(1_700_000_002_000);
        assert_eq!(check(&text, claim, &Secret::new("2".to_owned()), now), Ok(()));
        let other = Secret::new("3".to_owned());
        assert_eq!(check(&text, claim, &other, now), Err(Tencent::SigWrong));
    }

    #[test]
    fn a_user_sig_is_valid_until_its_last_second() {
        let text = packed(ticket().to_string().as_bytes());
        assert_eq!(checked(&text, MADE + EXPIRE), Ok(()));
        assert_eq!(checked(&text, MADE + EXPIRE + 1), Err(Tencent::SigExpired));
    }

    #[test]
    fn a_user_sig_with_any_changed_field_is_refused() {
        assert_eq!(checked_with("TLS.identifier", json!("other")), Err(Tencent::SigOfAnother));
        assert_eq!(checked_with("TLS.sdkappid", json!(7)), Err(Tencent::SigForAnotherApp));
        assert_eq!(checked_with("TLS.time", json!(MADE + 1)), Err(Tencent::SigWrong));
        assert_eq!(checked_with("TLS.expire", json!(EXPIRE + 1)), Err(Tencent::SigWrong));
        assert_eq!(checked_with("TLS.sig", json!("LvA7")), Err(Tencent::SigWrong));
        assert_eq!(checked_with("TLS.sig", json!("?")), Err(Tencent::SigWrong));
        assert_eq!(checked_with("TLS.ver", json!("1.0")), Err(Tencent::SigUnreadable));
        assert_eq!(checked_with("TLS.time", json!("1700000000")), Err(Tencent::SigUnreadable));
        assert_eq!(checked_with("TLS.userbuf", json!("")), Err(Tencent::SigUnreadable));
    }

    #[test]
    fn a_malformed_user_sig_is_unreadable() {
        let good = packed(ticket().to_string().as_bytes());
        let standard = good.replace('*', "+").replace('-', "/").replace('_', "=");
        assert_ne!(standard, good);
        let unpadded = good.trim_end_matches('_').to_owned();
        let plain = STANDARD.encode(ticket().to_string());
        let bomb = packed(format!("{}{}", " ".repeat(1 << 20), ticket()).as_bytes());
        for text in
            ["", "xxx", &standard, &unpadded[..unpadded.len() - 1], &plain, &bomb, &packed(b"{}")]
        {
            assert_eq!(checked(text, MADE), Err(Tencent::SigUnreadable), "{text}");
        }
    }
}
