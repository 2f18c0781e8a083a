//! The class of every code of RTC, listed independently of the code.

use super::*;

fn class(number: i64, call: Call) -> ErrorClass {
    verdict(number, call, "").map_or(ErrorClass::Unrecognised, |verdict| verdict.class)
}

#[test]
fn every_code_has_its_class_for_every_call() {
    let table = [
        (1, ErrorClass::Unknown, ErrorClass::Retry),
        (2, ErrorClass::Refused, ErrorClass::Refused),
        (3, ErrorClass::Refused, ErrorClass::Refused),
        (8, ErrorClass::Refused, ErrorClass::Refused),
        (9, ErrorClass::Fatal, ErrorClass::Fatal),
        (104, ErrorClass::Missing, ErrorClass::Unrecognised),
        (154, ErrorClass::Unknown, ErrorClass::Retry),
        (206, ErrorClass::TooOften, ErrorClass::TooOften),
        (207, ErrorClass::TooOften, ErrorClass::TooOften),
        (5018, ErrorClass::Missing, ErrorClass::Unrecognised),
        (5024, ErrorClass::Missing, ErrorClass::Unrecognised),
        (50_001, ErrorClass::Missing, ErrorClass::Unrecognised),
        (100_000_004, ErrorClass::SignAgain, ErrorClass::SignAgain),
        (100_000_005, ErrorClass::Fatal, ErrorClass::Fatal),
        (100_000_012, ErrorClass::Unknown, ErrorClass::Retry),
        (660_300_001, ErrorClass::Unrecognised, ErrorClass::Unrecognised),
        (4711, ErrorClass::Unrecognised, ErrorClass::Unrecognised),
        (-1, ErrorClass::Unrecognised, ErrorClass::Unrecognised),
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
