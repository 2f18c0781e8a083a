//! Tencent's UserSig, the signature of an administrator's requests.
//!
//! <https://www.tencentcloud.com/document/product/1047/34385>

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;

use crate::model::{Secret, Timestamp};
use crate::provider::SignatureLife;

/// Returns how long a UserSig is valid: a day, because the service refuses an expired one; or, if
/// another run may take over, as long as the signatures of the other services.
fn valid(life: SignatureLife) -> Duration {
    match life {
        SignatureLife::Usual => Duration::from_hours(24),
        SignatureLife::Short => Duration::from_mins(10),
    }
}

/// A UserSig, as it is sent in the query.
#[derive(PartialEq, Eq)]
pub(super) struct UserSig {
    /// The whole signature: letters, digits, `*`, `-` and `_`.
    pub(super) text: String,
    /// The digest inside it, in base64.
    pub(super) digest: String,
}

/// The UserSig of a client: signed on first use, and reused until the service refuses it. A short-lived one
/// is renewed after half of its life.
#[derive(Default)]
pub(super) struct SignatureCache(Mutex<Cache>);

#[derive(Default)]
struct Cache {
    life: SignatureLife,
    /// The UserSig, and when it was signed.
    signed: Option<(Arc<UserSig>, Timestamp)>,
}

/// The content of a UserSig.
#[derive(Serialize)]
struct Ticket<'a> {
    #[serde(rename = "TLS.ver")]
    version: &'static str,
    #[serde(rename = "TLS.identifier")]
    identifier: &'a str,
    #[serde(rename = "TLS.sdkappid")]
    app_id: u32,
    #[serde(rename = "TLS.expire")]
    expire: u64,
    #[serde(rename = "TLS.time")]
    time: i64,
    #[serde(rename = "TLS.sig")]
    digest: &'a str,
}

impl UserSig {
    /// Signs for `identifier`. The key is the text of the secret, which is not decoded.
    pub(super) fn new(
        app_id: u32,
        secret: &Secret,
        identifier: &str,
        valid: Duration,
        now: Timestamp,
    ) -> io::Result<Self> {
        let (expire, time) = (valid.as_secs(), now.as_seconds());
        let key = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
        let mut digest = key.map_err(io::Error::other)?;
        digest.update(
            format!(
                "TLS.identifier:{identifier}\nTLS.sdkappid:{app_id}\nTLS.time:{time}\n\
                 TLS.expire:{expire}\n"
            )
            .as_bytes(),
        );
        let digest = STANDARD.encode(digest.finalize().into_bytes());
        let ticket = Ticket { version: "2.0", identifier, app_id, expire, time, digest: &digest };
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&serde_json::to_vec(&ticket)?)?;
        let text = STANDARD.encode(packed.finish()?);
        Ok(Self { text: text.replace('+', "*").replace('/', "-").replace('=', "_"), digest })
    }
}

impl SignatureCache {
    /// Sets how long a UserSig is valid. If that changes, the cached UserSig is not used again.
    pub(super) fn set_life(&self, life: SignatureLife) {
        let mut cache = self.cache();
        if cache.life != life {
            *cache = Cache { life, signed: None };
        }
    }

    /// Returns the cached UserSig, or signs and caches a new one. `sign` gets how long it is to be valid.
    pub(super) fn get_or_sign(
        &self,
        now: Timestamp,
        sign: impl FnOnce(Duration) -> io::Result<UserSig>,
    ) -> io::Result<Arc<UserSig>> {
        let mut cache = self.cache();
        match &cache.signed {
            Some((signed, at)) if !cache.is_old(*at, now) => Ok(Arc::clone(signed)),
            Some(_) | None => {
                let signed = Arc::new(sign(valid(cache.life))?);
                cache.signed = Some((Arc::clone(&signed), now));
                Ok(signed)
            }
        }
    }

    /// Forgets a refused UserSig, unless it has been replaced since: of several requests that were refused
    /// together, the first signs again, and the others use its signature.
    pub(super) fn forget(&self, refused: &Arc<UserSig>) {
        let mut cache = self.cache();
        if cache.signed.as_ref().is_some_and(|(signed, _)| Arc::ptr_eq(signed, refused)) {
            cache.signed = None;
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    /// Returns whether a UserSig that was signed at `signed` has to be renewed, also if the clock was
    /// set back since.
    fn is_old(&self, signed: Timestamp, now: Timestamp) -> bool {
        match self.life {
            SignatureLife::Usual => false,
            SignatureLife::Short => now < signed || now.since(signed) >= valid(self.life) / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;
    use serde_json::{Value, json};

    use super::*;

    /// Decodes a UserSig strictly.
    fn decoded(text: &str) -> Value {
        assert!(!text.contains(['+', '/', '=']), "{text}");
        let packed = text.replace('*', "+").replace('-', "/").replace('_', "=");
        let packed = STANDARD.decode(packed).expect("base64");
        let mut text = String::new();
        ZlibDecoder::new(&*packed).read_to_string(&mut text).expect("zlib");
        serde_json::from_str(&text).expect("JSON")
    }

    fn signed(app_id: u32, key: &str, id: &str, expire: u64, time: i64) -> Value {
        let secret = Secret::new(key.to_owned());
        let now = Timestamp::from_millis(time * 1000 + 999);
        let valid = Duration::from_secs(expire);
        let signed = UserSig::new(app_id, &secret, id, valid, now).expect("signed");
        let ticket = decoded(&signed.text);
        assert_eq!(ticket["TLS.sig"], json!(signed.digest));
        ticket
    }

    #[test]
    fn the_signature_is_that_of_the_vendors_samples() {
        let key = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
        let expected = json!({
            "TLS.ver": "2.0", "TLS.identifier": "xiaojun", "TLS.sdkappid": 1_400_000_000,
            "TLS.expire": 15_552_000, "TLS.time": 1_700_000_000,
            "TLS.sig": "LvA7d/Iw7gSsnskvVzBDPOCCDbuNCw4GHwTC0bip+B4=",
        });
        assert_eq!(signed(1_400_000_000, key, "xiaojun", 15_552_000, 1_700_000_000), expected);
        let expected = json!({
            "TLS.ver": "2.0", "TLS.identifier": "3", "TLS.sdkappid": 1,
            "TLS.expire": 4, "TLS.time": 1_700_000_001,
            "TLS.sig": "71bpFRKXDxavtnn+gucS80neD/d0ccxEO+tNGk2281g=",
        });
        assert_eq!(signed(1, "2", "3", 4, 1_700_000_001), expected);
    }

    #[test]
    fn any_text_is_accepted_as_a_key() {
        for key in ["", "é", &"x".repeat(1000)] {
            assert_eq!(signed(1, key, "a\"b", 4, 5)["TLS.identifier"], json!("a\"b"));
        }
    }

    #[test]
    fn a_refused_signature_is_renewed_once() {
        let (cache, count) = (SignatureCache::default(), std::cell::Cell::new(0));
        let ask = || {
            let signed = |_| {
                count.set(count.get() + 1);
                Ok(UserSig { text: count.get().to_string(), digest: String::new() })
            };
            cache.get_or_sign(Timestamp::from_millis(0), signed).expect("made")
        };
        let (first, same) = (ask(), ask());
        cache.forget(&first);
        let second = ask();
        cache.forget(&same);
        assert_eq!((&*ask().text, &*second.text, count.get()), ("2", "2", 2));
    }

    #[test]
    fn a_short_lived_signature_is_renewed_at_half_of_its_life() {
        const MINUTE: i64 = 60_000;
        let (short, usual) = (SignatureLife::Short, SignatureLife::Usual);
        let cache = SignatureCache::default();
        let valid_at = |millis: i64| {
            let signed = |valid: Duration| {
                Ok(UserSig { text: format!("{valid:?} {millis}"), digest: String::new() })
            };
            cache.get_or_sign(Timestamp::from_millis(millis), signed).expect("made").text.clone()
        };
        assert_eq!((valid_at(0), valid_at(MINUTE)), ("86400s 0".to_owned(), "86400s 0".to_owned()));
        cache.set_life(short);
        for (at, signed) in [(1, 1), (5, 1), (6, 6), (5, 5), (9, 5), (11, 11)] {
            assert_eq!(valid_at(at * MINUTE), format!("600s {}", signed * MINUTE), "at {at}");
        }
        cache.set_life(short);
        assert_eq!(valid_at(12 * MINUTE), format!("600s {}", 11 * MINUTE));
        cache.set_life(usual);
        for at in [12, 600] {
            assert_eq!(valid_at(at * MINUTE), format!("86400s {}", 12 * MINUTE), "at {at}");
        }
    }
}
