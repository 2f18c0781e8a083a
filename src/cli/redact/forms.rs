//! The encodings in which a secret may be written, and how they are recognised.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::SHORTEST;

/// The marks of a shortened text: a part of a secret may be left beside one.
pub(super) const ELLIPSES: [&[u8]; 2] = ["…".as_bytes(), b"..."];

/// Whether a text begins with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// It does, and the match has this number of bytes.
    Whole(usize),
    /// The text is too short to decide.
    Cut,
    /// It does not.
    None,
}

/// The pairs of bytes that a match may begin with, by which most text is skipped.
#[derive(Clone, Debug)]
pub(super) struct Starts(Vec<[bool; 256]>);

impl Default for Starts {
    fn default() -> Self {
        Self(vec![[false; 256]; 256])
    }
}

impl Starts {
    /// The starts of all patterns, in every form.
    pub(super) fn of<'a>(patterns: impl Iterator<Item = &'a [u8]>) -> Self {
        let Self(mut pairs) = Self::default();
        pairs[usize::from(b'%')].fill(true);
        pairs[usize::from(b'\\')].fill(true);
        for ellipsis in ELLIPSES {
            pairs[usize::from(ellipsis[0])][usize::from(ellipsis[1])] = true;
        }
        for pattern in patterns {
            let firsts = if pattern[0] == b' ' { vec![b' ', b'+'] } else { vec![pattern[0]] };
            for first in firsts {
                for second in [pattern[1], b'%', b'\\', b'+'] {
                    pairs[usize::from(first)][usize::from(second)] = true;
                }
            }
        }
        Self(pairs)
    }

    /// Whether a match may begin where this text begins. One byte is not enough to rule it out.
    pub(super) fn may_begin(&self, text: &[u8]) -> bool {
        match text {
            [] => false,
            [first] => self.0[usize::from(*first)].contains(&true),
            [first, second, ..] => self.0[usize::from(*first)][usize::from(*second)],
        }
    }
}

impl Match {
    /// Returns the match extended by this number of bytes before it.
    pub(super) fn after(self, bytes: usize) -> Self {
        match self {
            Self::Whole(length) => Self::Whole(bytes + length),
            Self::Cut => Self::Cut,
            Self::None => Self::None,
        }
    }
}

/// The length of the ellipsis that a text begins with.
pub(super) fn ellipsis(text: &[u8]) -> Option<usize> {
    ELLIPSES.iter().find(|ellipsis| text.starts_with(ellipsis)).map(|ellipsis| ellipsis.len())
}

pub(super) fn exact(pattern: &[u8], text: &[u8]) -> Match {
    let shared = pattern.iter().zip(text).take_while(|(a, b)| a == b).count();
    if shared == pattern.len() {
        Match::Whole(shared)
    } else if shared == text.len() {
        Match::Cut
    } else {
        shortened(shared, &text[shared..]).after(shared)
    }
}

/// Returns whether a pattern, of which `found` bytes were matched, is shortened by an ellipsis here.
fn shortened(found: usize, text: &[u8]) -> Match {
    if found < SHORTEST {
        return Match::None;
    }
    if ellipsis(text).is_some() {
        return Match::Whole(0);
    }
    let begun = ELLIPSES.iter().any(|ellipsis| ellipsis.starts_with(text));
    if begun { Match::Cut } else { Match::None }
}

/// Returns whether a text begins with the rest of a pattern, of which `found` bytes were matched before.
pub(super) fn escaped(pattern: &[u8], text: &[u8], found: usize) -> Match {
    let mut at = 0;
    for (n, byte) in pattern.iter().enumerate() {
        let rest = &text[at..];
        let Some(first) = rest.first() else { return Match::Cut };
        at += match (first == byte, escape(rest, *byte)) {
            (true, Match::None) => 1,
            (false, Match::Whole(length)) => length,
            (false, Match::Cut) => return Match::Cut,
            (false, Match::None) => return shortened(found + n, rest).after(at),
            // The pattern itself contains a `%` or a backslash, so both interpretations are possible.
            (true, other) => {
                let plain = escaped(&pattern[n + 1..], &rest[1..], found + n + 1);
                match (plain, other) {
                    (Match::None, Match::Whole(length)) => length,
                    (Match::None, other) => return other,
                    (plain, _) => return plain.after(at + 1),
                }
            }
        };
    }
    Match::Whole(at)
}

/// Returns whether a text begins with an escape of `byte`.
fn escape(text: &[u8], byte: u8) -> Match {
    match text {
        [b'+', ..] if byte == b' ' => Match::Whole(1),
        [b'%', digits @ ..] => hex(digits, 2, byte).after(1),
        [b'\\'] => Match::Cut,
        [b'\\', b'u', b'{', digits @ ..] => in_braces(digits, byte).after(3),
        [b'\\', b'u', digits @ ..] => hex(digits, 4, byte).after(2),
        [b'\\', b'x', digits @ ..] => hex(digits, 2, byte).after(2),
        [b'\\', short, ..] if unescaped(*short) == byte => Match::Whole(2),
        _ => Match::None,
    }
}

fn unescaped(short: u8) -> u8 {
    match short {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        other => other,
    }
}

fn in_braces(text: &[u8], byte: u8) -> Match {
    match text.iter().position(|it| *it == b'}') {
        Some(end) => match hex(&text[..end], end, byte) {
            Match::Whole(length) => Match::Whole(length + 1),
            Match::Cut | Match::None => Match::None,
        },
        None if text.len() < 6 => Match::Cut,
        None => Match::None,
    }
}

/// Returns whether a text begins with this number of hexadecimal digits with the value `byte`.
fn hex(text: &[u8], digits: usize, byte: u8) -> Match {
    let given = &text[..digits.min(text.len())];
    let value = given.iter().try_fold(0_u32, |value, digit| {
        char::from(*digit).to_digit(16).and_then(|digit| value.checked_mul(16)?.checked_add(digit))
    });
    match value {
        Some(_) if given.len() < digits => Match::Cut,
        Some(value) if value == u32::from(byte) && digits > 0 => Match::Whole(digits),
        Some(_) | None => Match::None,
    }
}

/// Returns the base64 digits of a text at every offset in the encoded data, in both alphabets.
pub(super) fn base64(text: &[u8]) -> Vec<String> {
    let forms = (0..3).flat_map(|before| {
        let whole = [&[0; 3][..before], text].concat();
        let digits = (before * 8).div_ceil(6)..whole.len() * 8 / 6;
        [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)]
            .map(|encoded| encoded[digits.clone()].to_owned())
    });
    let mut forms: Vec<String> = forms.filter(|form| form.len() >= SHORTEST).collect();
    forms.sort_unstable();
    forms.dedup();
    forms
}
