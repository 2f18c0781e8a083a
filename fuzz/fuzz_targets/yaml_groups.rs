//! What is accepted in groups is accepted whole, and means the same, however the groups are cut.
#![no_main]

use std::num::NonZeroUsize;

use libfuzzer_sys::{Corpus, fuzz_target};
use roomctl::config::decode::{parse_grouped, parse_whole};

/// Items in a group: alone, a few, and more than a small input holds.
const SIZES: [usize; 3] = [1, 2, 64];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    for size in SIZES.into_iter().filter_map(NonZeroUsize::new) {
        if let Some(grouped) = parse_grouped(text, size) {
            match parse_whole(text) {
                Ok(whole) => assert_eq!(grouped, whole, "two meanings, in groups of {size}"),
                Err(error) => panic!("accepted in groups of {size}, refused whole: {error}"),
            }
        }
    }
    Corpus::Keep
});
