//! The class of every code in the vendor's table, listed independently of the code.

use super::*;
use crate::model::Kind;

const CHANGES: [Call; 3] = [Call::CreateRoom, Call::DestroyRoom, Call::ModifyRoomAttribute];
const READS: [Call; 2] = [Call::QueryRoomAttribute, Call::QueryRoomUserList];

fn class(number: i64, call: Call) -> ErrorClass {
    verdict(number, call, "").map_or(ErrorClass::Unrecognised, |verdict| verdict.class)
}

fn expect(numbers: &[i64], calls: &[Call], expected: ErrorClass) {
    for number in numbers {
        assert!(verdict(*number, Call::CreateRoom, "").is_some(), "{number} is in the table");
        for call in calls {
            assert_eq!(class(*number, *call), expected, "{number} of {call}");
        }
    }
}

fn all() -> Vec<Call> {
    Kind::Zim.calls().iter().map(|(call, _)| *call).collect()
}

#[test]
fn a_failure_inside_the_service_is_retried_for_reads_and_unknown_for_changes() {
    let failed = [1, 105_001, 100_000_012, 100_000_015, 660_000_001, 660_000_003, 660_300_007];
    expect(&failed, &READS, ErrorClass::Retry);
    expect(&failed, &[Call::UserRegister], ErrorClass::Retry);
    expect(&failed, &CHANGES, ErrorClass::Unknown);
}

#[test]
fn rate_limit_codes_are_too_often_for_every_call() {
    expect(&[7, 660_300_005, 660_300_006, 660_700_001], &all(), ErrorClass::TooOften);
}

#[test]
fn configuration_errors_are_fatal_and_invalid_requests_are_refused() {
    let signed = 100_000_000..=100_000_003;
    let gateway: Vec<i64> = signed.chain(100_000_005..=100_000_011).collect();
    expect(&gateway, &all(), ErrorClass::Fatal);
    let others = [3, 100_000_013, 100_000_014, 100_000_016, 100_000_017, 660_000_028];
    expect(&others, &all(), ErrorClass::Fatal);
    expect(&[2, 660_000_002, 660_000_012, 660_400_001], &all(), ErrorClass::Refused);
    expect(&[100_000_004], &all(), ErrorClass::SignAgain);
}

#[test]
fn codes_about_rooms_and_users_depend_on_the_call() {
    let others = [Call::DestroyRoom, Call::ModifyRoomAttribute, READS[0], READS[1]];
    expect(&[660_300_001], &others, ErrorClass::Missing);
    expect(&[660_300_001], &[Call::CreateRoom], ErrorClass::Unrecognised);
    expect(&[660_300_014], &[Call::CreateRoom], ErrorClass::Exists);
    expect(&[660_300_014], &others, ErrorClass::Unrecognised);
    expect(&[660_300_015], &[Call::CreateRoom], ErrorClass::Quota);
    expect(&[660_300_008], &[Call::QueryRoomUserList], ErrorClass::Exists);
    expect(&[660_700_002], &[Call::UserRegister], ErrorClass::Exists);
    let unknown = [660_500_002, 660_200_001, 660_700_012, 660_700_015];
    expect(&unknown, &[Call::CreateRoom, READS[0]], ErrorClass::OperatorUnknown);
    expect(&unknown, &[Call::UserRegister], ErrorClass::Refused);
}

#[test]
fn every_code_has_advice_and_other_codes_are_unrecognised() {
    assert_eq!(Code::ALL.len(), 24);
    for (number, code) in Code::ALL {
        assert_eq!(Code::of(*number), Some(*code));
        assert!(!code.advice().is_empty() && !code.advice().ends_with('.'));
    }
    assert_eq!(class(4_711, Call::CreateRoom), ErrorClass::Unrecognised);
    assert_eq!(class(-1, Call::DestroyRoom), ErrorClass::Unrecognised);
}
