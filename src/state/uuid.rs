//! UUIDs of version 4.

use std::io;

/// Makes a random UUID of version 4, in lower case with hyphens.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| io::Error::other(e.to_string()))?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let parts = [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]];
    Ok(parts.map(hex::encode).join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_shape_of_version_4() {
        let (one, other) = (random().expect("random"), random().expect("random"));
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
        assert!("89ab".contains(&one[19..20]));
        assert_ne!(one, other);
    }
}
