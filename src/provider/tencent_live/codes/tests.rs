//! The class of every code in the vendor's table, listed independently of the code.

use super::*;
use crate::model::{Effect, Kind};

fn class(number: i64, call: Call) -> ErrorClass {
    verdict(number, call, "").map_or(ErrorClass::Unrecognised, |verdict| verdict.class)
}

fn all() -> Vec<Call> {
    Kind::TencentLive.calls().iter().map(|(call, _)| *call).collect()
}

/// The codes with the same class for every call.
const SAME: &[(ErrorClass, &[i64])] = &[
    (ErrorClass::TooOften, &[60_007, 60_011, 60_018, 60_019]),
    (ErrorClass::Unknown, &[60_008]),
    (ErrorClass::Retry, &[100_012]),
    (ErrorClass::SignAgain, &[70_001, 60_004, 60_005]),
    (
        ErrorClass::Refused,
        &[100_002, 100_006, 100_013, 100_015, 100_026, 100_500, 100_501, 100_502, 100_503, 100_504],
    ),
    (
        ErrorClass::Fatal,
        &[
            60_002, 60_003, 60_006, 60_009, 60_010, 60_012, 60_015, 60_016, 60_017, 60_020, 60_021,
            60_025, 60_026, 70_003, 70_009, 70_013, 70_014, 70_016, 70_020, 70_051, 100_007,
        ],
    ),
];

/// The codes for a failure inside the service.
const UNFINISHED: &[i64] = &[60_014, 70_169, 70_500, 100_001];

/// The codes whose class depends on the call.
const OF_CALLS: &[i64] = &[100_003, 100_004, 100_010, 100_011, 70_107];

/// Returns the class of a code that depends on the call.
fn of_call(number: i64, call: Call) -> ErrorClass {
    let (create, import) = (call == Call::LiveCreateRoom, call == Call::AccountImport);
    match number {
        100_003 | 100_011 if create => ErrorClass::Taken,
        100_010 if create => ErrorClass::Exists,
        100_004 if !create && !import => ErrorClass::Missing,
        70_107 if import => ErrorClass::Refused,
        70_107 => ErrorClass::OperatorUnknown,
        _ => ErrorClass::Unrecognised,
    }
}

#[test]
fn every_code_has_its_class_for_every_call() {
    for call in all() {
        for (expected, numbers) in SAME {
            for number in *numbers {
                assert_eq!(class(*number, call), *expected, "{number} of {call}");
            }
        }
        let unfinished = match call.effect() {
            Effect::Reads | Effect::RepeatSafe => ErrorClass::Retry,
            Effect::ChangesRoom => ErrorClass::Unknown,
        };
        for number in UNFINISHED {
            assert_eq!(class(*number, call), unfinished, "{number} of {call}");
        }
        for number in OF_CALLS {
            assert_eq!(class(*number, call), of_call(*number, call), "{number} of {call}");
        }
        for number in [1, -1, 60_001, 60_013, 100_000, 100_005, 100_505, 660_300_001] {
            assert_eq!(class(number, call), ErrorClass::Unrecognised, "{number} of {call}");
        }
    }
}

#[test]
fn every_code_is_listed_and_has_advice() {
    let listed = SAME.iter().map(|(_, numbers)| numbers.len()).sum::<usize>();
    assert_eq!(Code::ALL.len(), listed + UNFINISHED.len() + OF_CALLS.len());
    for (number, code) in Code::ALL {
        assert_eq!(Code::of(*number), Some(*code));
        assert!(!code.advice().is_empty() && !code.advice().ends_with('.'));
    }
}

#[test]
fn an_invalid_owner_of_a_create_is_an_unknown_user() {
    let class = |call, message| verdict(100_002, call, message).expect("known").class;
    for message in ["invalid owner account", "Invalid param: Owner_Account"] {
        assert_eq!(class(Call::LiveCreateRoom, message), ErrorClass::OperatorUnknown, "{message}");
        assert_eq!(class(Call::LiveUpdateRoomInfo, message), ErrorClass::Refused, "{message}");
    }
    for message in ["", "invalid RoomName", "owner", "invalid account"] {
        assert_eq!(class(Call::LiveCreateRoom, message), ErrorClass::Refused, "{message}");
    }
}

#[test]
fn a_create_repeated_within_a_second_waits_a_second() {
    for (number, code) in Code::ALL {
        let pause = verdict(*number, Call::LiveCreateRoom, "").expect("known").pause;
        assert_eq!(pause, (*code == Code::TooSoon).then_some(Duration::from_secs(1)), "{number}");
    }
}

#[test]
fn advice_names_the_setting_to_change() {
    let advice = |number| verdict(number, Call::LiveCreateRoom, "").expect("known").advice;
    let site = advice(60_026);
    for expected in ["`endpoint:`", "console.tim.qq.com", "adminapisgp.im.qcloud.com", "kr", "jpn"]
    {
        assert!(site.contains(expected), "{site}");
    }
    for region in ["ger", "usa", "iidn"] {
        assert!(site.contains(region), "{site}");
    }
    for number in [70_003, 70_009] {
        let secret = advice(number);
        for expected in ["TENCENT_SECRET_KEY", "`secret_env`", "SDKAppID"] {
            assert!(secret.contains(expected), "{secret}");
        }
    }
    assert!(advice(100_007).contains("package"));
}
