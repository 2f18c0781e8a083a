//! Tests of every specification.

use super::*;

#[test]
fn each_kind_is_serialized_by_the_name_in_its_spec() {
    for kind in Kind::ALL {
        let text = serde_json::to_string(kind).expect("text");
        assert_eq!(text, format!("\"{}\"", kind.as_str()));
        assert_eq!(serde_json::from_str::<Kind>(&text).ok(), Some(*kind));
    }
}

#[test]
fn steps_of_video_start_before_those_of_the_chat() {
    let mut kinds = Kind::ALL.to_vec();
    kinds.sort();
    assert_eq!(kinds, [Kind::Rtc, Kind::TencentLive, Kind::Zim]);
}

#[test]
fn each_spec_is_consistent() {
    for kind in Kind::ALL {
        let spec = kind.spec();
        let limit = |call: Call| spec.calls.iter().any(|(known, _)| *known == call);
        let origin = match spec.origin {
            Origin::Call(call) => Some(call),
            Origin::FirstUser => None,
        };
        let attribute_calls = spec.attribute_calls.into_iter().flat_map(|it| [it.set, it.delete]);
        let used = [spec.destroy_call, spec.people_call].into_iter().chain(origin);
        let used = used.chain(spec.fields_call).chain(attribute_calls);
        let used = used.chain(spec.operator.and_then(|operator| operator.registered_by));
        for call in used.chain(spec.test_limits.iter().map(|(call, _)| *call)) {
            assert!(limit(call), "{kind} has no limit for {call}");
        }
        let in_place = |attributes: bool| {
            let changes = |it: &&FieldSpec| it.change == Change::InPlace;
            let mut fields = spec.fields.iter().filter(changes);
            fields.any(|it| (it.field == Field::Attributes) == attributes)
        };
        assert_eq!(spec.fields_call.is_some(), in_place(false), "{kind}");
        assert_eq!(spec.attribute_calls.is_some(), in_place(true), "{kind}");
        assert_eq!(spec.attribute_limits.attributes > 0, kind.holds(Field::Attributes), "{kind}");
        assert!(spec.unreadable.iter().all(|field| kind.holds(*field)), "{kind}");
        let delay = spec.empty_life == EmptyLife::OfRoom;
        assert_eq!(delay, kind.holds(Field::DestroyDelayTime), "{kind}");
    }
}
