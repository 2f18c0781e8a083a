//! Every code of RTC's, written out a second time.

use super::*;

fn class(number: i64, call: Call) -> Class {
    verdict(number, call, "").map_or(Class::Unrecognised, |verdict| verdict.class)
}

#[test]
fn every_code_means_what_the_table_says() {
    let table = [
        (1, Class::Unknown, Class::Retry),
        (2, Class::Refused, Class::Refused),
        (3, Class::Refused, Class::Refused),
        (8, Class::Refused, Class::Refused),
        (9, Class::Fatal, Class::Fatal),
        (104, Class::Missing, Class::Unrecognised),
        (154, Class::Unknown, Class::Retry),
        (206, Class::TooOften, Class::TooOften),
        (207, Class::TooOften, Class::TooOften),
        (5018, Class::Missing, Class::Unrecognised),
        (5024, Class::Missing, Class::Unrecognised),
        (50_001, Class::Missing, Class::Unrecognised),
        (100_000_004, Class::SignAgain, Class::SignAgain),
        (100_000_005, Class::Fatal, Class::Fatal),
        (100_000_012, Class::Unknown, Class::Retry),
        (660_300_001, Class::Unrecognised, Class::Unrecognised),
        (4711, Class::Unrecognised, Class::Unrecognised),
        (-1, Class::Unrecognised, Class::Unrecognised),
    ];
    for (number, close, read) in table {
        assert_eq!(class(number, Call::CloseRoom), close, "{number}");
        assert_eq!(class(number, Call::DescribeUserNum), read, "{number}");
    }
    assert_eq!(Code::ALL.len(), 12);
    for (number, code) in Code::ALL {
        assert!(table.iter().any(|(listed, ..)| listed == number), "{number} is in the table");
        assert!(!code.advice().is_empty() && !code.advice().ends_with('.'));
    }
}
