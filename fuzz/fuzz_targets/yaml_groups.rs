//! Fuzzes the division of YAML into groups: a text accepted in groups is accepted whole with the same
//! meaning, for any size of the groups.
#![no_main]

use std::num::NonZeroUsize;

use libfuzzer_sys::{Corpus, fuzz_target};
use roomctl::config::decode::{parse_grouped, parse_whole};

/// Numbers of items in a group: one, a few, and more than a small input has.
const SIZES: [usize; 3] = [1, 2, 64];

fuzz_target!(|data: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    for size in SIZES.into_iter().filter_map(NonZeroUsize::new) {
        if let Some(grouped) = parse_grouped(text, size) {
            match parse_whole(text) {
                Ok(whole) => assert_eq!(grouped, whole, "another meaning in groups of {size}"),
                Err(error) => panic!("accepted in groups of {size}, refused whole: {error}"),
            }
        }
    }
    Corpus::Keep
});
