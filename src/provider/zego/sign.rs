//! ZEGOCLOUD's signature 2.0.
//!
//! <https://www.zegocloud.com/docs/zim-server/accessing-server-apis>

use md5::{Digest, Md5};

use crate::model::{Secret, Timestamp};

/// What proves that a request is ours: made anew for every request, a retry too.
pub(super) struct Signature {
    /// Sixteen hex digits that were never used before.
    pub(super) nonce: String,
    /// Seconds since 1970, within 10 minutes of the service's clock.
    pub(super) timestamp: i64,
    /// The digest over all of it: 32 lower-case hex digits.
    pub(super) digest: String,
}

impl Signature {
    /// Signs for one request.
    pub(super) fn new(app_id: u32, secret: &Secret, random: [u8; 8], now: Timestamp) -> Self {
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
    fn signs_as_the_vendor_does() {
        let secret = Secret::new("9193cc662a4c0ec135ec71fb57194b38".to_owned());
        let random = [0x4f, 0xd2, 0x46, 0x87, 0x29, 0x6d, 0xd9, 0xf3];
        let now = Timestamp::from_millis(1_615_186_943_999);
        let signed = Signature::new(12345, &secret, random, now);
        assert_eq!(signed.nonce, "4fd24687296dd9f3");
        assert_eq!(signed.digest, "43e5cfcca828314675f91b001390566a");
    }
}
