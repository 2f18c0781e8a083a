//! Digests of values, with the one encoding that all of them use.

use std::fmt;
use std::str::FromStr;

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    Address, Attribute, AttributeChange, Attributes, Field, Fields, Lifecycle, OnRemove, Patch,
    Room, Sides, ValueRef,
};

/// A SHA-256 digest of values, written as `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// The number of items that are hashed together; part of the encoding.
const CHUNK: usize = 4096;

/// The number of bytes that are collected before they are hashed.
const BLOCK: usize = 16 * 1024;

/// Hashes values in an unambiguous encoding: numbers are 8 bytes, big-endian, and values of varying
/// length are prefixed with their length.
#[derive(Default)]
pub struct DigestEncoder {
    hash: Sha256,
    gathered: Vec<u8>,
}

impl DigestEncoder {
    /// Begins a digest. `domain` names what is encoded and the version of the encoding.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        let mut encoder = Self::default();
        encoder.text(domain);
        encoder
    }

    /// Ends the digest.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        self.hash.update(&self.gathered);
        Digest(self.hash.finalize().into())
    }

    /// Encodes a number.
    pub fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    /// Encodes a boolean.
    pub fn flag(&mut self, flag: bool) {
        self.bytes(&[u8::from(flag)]);
    }

    /// Encodes a text.
    pub fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes(text.as_bytes());
    }

    /// Encodes an optional value.
    pub fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Encodes items in their order.
    pub fn list<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.length(items.len());
        for item in items {
            write(self, item);
        }
    }

    /// Encodes a large number of items in their order, as the digests of groups that are computed in
    /// parallel.
    pub fn many<T: Sync>(&mut self, items: &[T], write: impl Fn(&mut Self, &T) + Sync) {
        let digest = |chunk: &[T]| {
            let mut encoder = Self::default();
            encoder.list(chunk.iter(), &write);
            encoder.finish()
        };
        let digests: Vec<Digest> = items.par_chunks(CHUNK).map(digest).collect();
        self.list(digests.iter(), |encoder, Digest(digest)| encoder.bytes(digest));
    }

    /// Encodes an address.
    pub fn address(&mut self, address: &Address) {
        let Address { provider, room } = address;
        self.text(provider.as_str());
        self.text(room.as_str());
    }

    /// Encodes a room.
    pub fn room(&mut self, room: &Room) {
        let Room { name, destroy_delay_time, attributes, fields } = room;
        self.optional(name.as_deref(), Self::text);
        self.optional(*destroy_delay_time, |encoder, delay| {
            encoder.number(u64::from(delay.as_seconds()));
        });
        self.attributes(attributes);
        self.length(fields.iter().count());
        for (field, value) in fields.iter() {
            self.field(field, value.by_ref());
        }
    }

    /// Encodes the lifecycle of a room.
    pub fn lifecycle(&mut self, lifecycle: Lifecycle) {
        let Lifecycle { prevent_destroy, on_remove } = lifecycle;
        self.flag(prevent_destroy);
        self.flag(on_remove == OnRemove::Forget);
    }

    /// Encodes the providers of a room.
    pub fn sides(&mut self, sides: &Sides) {
        self.length(sides.iter().count());
        for side in sides.iter() {
            self.text(side.as_str());
        }
    }

    /// Encodes a change in place.
    pub fn patch(&mut self, patch: &Patch) {
        match patch {
            Patch::Attributes(changes) => {
                self.flag(true);
                self.list(changes.iter(), Self::change);
            }
            Patch::Fields(fields) => {
                self.flag(false);
                self.fields(fields);
            }
        }
    }

    fn fields(&mut self, fields: &Fields) {
        self.length(fields.iter().count());
        for (field, value) in fields.iter() {
            self.field(field, value.by_ref());
        }
    }

    fn field(&mut self, field: Field, value: ValueRef<'_>) {
        self.text(field.as_str());
        match value {
            ValueRef::Flag(flag) => self.flag(flag),
            ValueRef::Number(number) => self.number(u64::from(number)),
            ValueRef::Text(text) => self.text(text),
            ValueRef::Numbers(numbers) => {
                self.list(numbers.iter(), |encoder, number| encoder.number(u64::from(*number)));
            }
            ValueRef::Delay(delay) => self.number(u64::from(delay.as_seconds())),
            ValueRef::Attributes(attributes) => self.attributes(attributes),
        }
    }

    fn attributes(&mut self, attributes: &Attributes) {
        self.list(attributes.iter(), |encoder, (key, attribute)| {
            encoder.text(key);
            encoder.attribute(attribute);
        });
    }

    fn attribute(&mut self, attribute: &Attribute) {
        let Attribute { value, auto_delete } = attribute;
        self.text(value);
        self.flag(*auto_delete);
    }

    fn change(&mut self, change: &AttributeChange) {
        self.text(change.key());
        let set = match change {
            AttributeChange::Set(_, attribute) => Some(attribute),
            AttributeChange::Delete(_) => None,
        };
        self.optional(set, Self::attribute);
    }

    fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= BLOCK {
            self.hash.update(&self.gathered);
            self.gathered.clear();
        }
    }
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `sha256:` and 64 hexadecimal digits")]
pub struct InvalidDigest;

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let mut digest = [0; 32];
        let digits = text.strip_prefix("sha256:").ok_or(InvalidDigest)?;
        hex::decode_to_slice(digits, &mut digest).map_err(|_| InvalidDigest)?;
        Ok(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(write: impl FnOnce(&mut DigestEncoder)) -> Digest {
        let mut encoder = DigestEncoder::new("test 1");
        write(&mut encoder);
        encoder.finish()
    }

    #[test]
    fn adjacent_texts_are_kept_apart() {
        let texts = |texts: &[&str]| {
            digest(|encoder| encoder.list(texts.iter(), |encoder, text| encoder.text(text)))
        };
        assert_ne!(texts(&["ab", "c"]), texts(&["a", "bc"]));
        assert_ne!(texts(&["ab"]), texts(&["ab", ""]));
    }

    #[test]
    fn the_digest_of_many_items_depends_on_their_order() {
        let many = |items: &[u64]| {
            digest(|encoder| encoder.many(items, |encoder, item| encoder.number(*item)))
        };
        let mut items: Vec<u64> = (0..3 * CHUNK as u64).collect();
        let before = many(&items);
        assert_eq!(before, many(&items));
        items.swap(1, 2 * CHUNK);
        assert_ne!(before, many(&items));
    }

    #[test]
    fn several_blocks_hash_like_one() {
        let long = "x".repeat(3 * BLOCK);
        let whole = digest(|encoder| encoder.text(&long));
        let mut expected = Sha256::new();
        for text in ["test 1", &long] {
            expected.update((text.len() as u64).to_be_bytes());
            expected.update(text);
        }
        assert_eq!(whole, Digest(expected.finalize().into()));
    }
}
