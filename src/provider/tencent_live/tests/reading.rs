//! How rooms and metadata in Tencent's answers are read.

use super::*;

/// The vendor's sample.
const SAMPLE: &str = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,"RequestId":"Id-8c98",
    "Response":{"RoomInfo":{"RoomId":"rid-123","RoomName":"rname-123","RoomType":"Live",
    "Owner_Account":144115233775727695,"CreateTime":1693271354,"IsSeatEnabled":true,
    "TakeSeatMode":1,"MaxSeatCount":8,"MaxMemberCount":300,"IsMessageDisabled":false,
    "CoverURL":"https://xxxx.png","Category":[1,2,3],"ActivityStatus":1,"ViewCount":10,
    "IsPublicVisible":true}}}"#;

async fn presence(body: &str) -> Result<Option<Presence>, ApiError> {
    let seen = tencent([response(200, body)]).0.presences(&[RoomId::new("a")]).await?;
    Ok(seen.into_iter().next().expect("one result for each room"))
}

/// Reads a room whose answer has this RoomInfo.
async fn read(info: &str) -> Presence {
    let body = format!(r#"{{"ErrorCode":0,"Response":{{"RoomInfo":{info}}}}}"#);
    presence(&body).await.expect("read").expect("there")
}

#[tokio::test]
async fn the_vendors_sample_is_read() {
    let Presence { people, fields } = presence(SAMPLE).await.expect("read").expect("there");
    assert_eq!(people, People::Unknown);
    let expected = [
        (Field::Name, text("rname-123")),
        (Field::TakeSeatMode, text("FreeToTake")),
        (Field::MaxSeats, Value::Number(8)),
        (Field::MaxMembers, Value::Number(300)),
        (Field::CoverUrl, text("https://xxxx.png")),
        (Field::Category, Value::Numbers([1, 2, 3].into())),
        (Field::ActivityStatus, Value::Number(1)),
        (Field::Muted, Value::Flag(false)),
        (Field::Public, Value::Flag(true)),
    ];
    assert_eq!(fields, expected.into_iter().collect());
}

#[tokio::test]
async fn people_are_the_larger_of_two_counts_and_unknown_if_invalid() {
    for (info, people) in [
        ("{}", People::Unknown),
        (r#"{"MemberCount":0}"#, People::Nobody),
        (r#"{"OnlineCount":"0"}"#, People::Nobody),
        (r#"{"OnlineCount":3}"#, People::Count(3)),
        (r#"{"MemberCount":"7","OnlineCount":null}"#, People::Count(7)),
        (r#"{"MemberCount":0,"OnlineCount":2}"#, People::Count(2)),
        (r#"{"MemberCount":0,"OnlineCount":"few"}"#, People::Unknown),
        (r#"{"MemberCount":-1}"#, People::Unknown),
        (r#"{"MemberCount":1.5}"#, People::Unknown),
        (r#"{"MemberCount":[]}"#, People::Unknown),
    ] {
        assert_eq!(read(info).await.people, people, "{info}");
    }
}

#[tokio::test]
async fn fields_are_read_tolerantly_and_unreadable_ones_are_left_out() {
    let (number, flag) = (Value::Number, Value::Flag);
    for (json, field, value) in [
        (r#""RoomName":"L""#, Field::Name, Some(text("L"))),
        (r#""RoomName":"""#, Field::Name, Some(text(""))),
        (r#""RoomName":{}"#, Field::Name, None),
        (r#""Notice":"""#, Field::Notice, Some(text(""))),
        (r#""Notice":null"#, Field::Notice, None),
        (r#""Owner_Account":"alice""#, Field::Owner, Some(text("alice"))),
        (r#""Owner_Account":"""#, Field::Owner, None),
        (r#""Owner_Account":9007199254740993"#, Field::Owner, Some(text("9007199254740993"))),
        (r#""Owner_Account":144115188075855871"#, Field::Owner, Some(text("144115188075855871"))),
        (r#""Owner_Account":144115188075855872"#, Field::Owner, None),
        (r#""Owner_Account":"144115188075855872""#, Field::Owner, Some(text("144115188075855872"))),
        (r#""Owner_Account":18446744073709551616"#, Field::Owner, None),
        (r#""Owner_Account":1.0"#, Field::Owner, None),
        (r#""Owner_Account":-1"#, Field::Owner, None),
        (r#""Owner_Account":true"#, Field::Owner, None),
        (r#""SeatTemplate":"AudioSalon""#, Field::SeatTemplate, Some(text("AudioSalon"))),
        (r#""SeatTemplate":"NewerThanThis""#, Field::SeatTemplate, None),
        (r#""SeatTemplate":1"#, Field::SeatTemplate, None),
        (r#""TakeSeatMode":"ApplyToTake""#, Field::TakeSeatMode, Some(text("ApplyToTake"))),
        (r#""TakeSeatMode":2"#, Field::TakeSeatMode, Some(text("ApplyToTake"))),
        (r#""TakeSeatMode":"1""#, Field::TakeSeatMode, Some(text("FreeToTake"))),
        (r#""TakeSeatMode":0"#, Field::TakeSeatMode, None),
        (r#""TakeSeatMode":3"#, Field::TakeSeatMode, None),
        (r#""TakeSeatMode":-9223372036854775808"#, Field::TakeSeatMode, None),
        (r#""TakeSeatMode":"""#, Field::TakeSeatMode, None),
        (r#""MaxSeatCount":9"#, Field::MaxSeats, Some(number(9))),
        (r#""MaxSeatCount":"9""#, Field::MaxSeats, Some(number(9))),
        (r#""MaxSeatCount":4294967296"#, Field::MaxSeats, None),
        (r#""MaxSeatCount":-1"#, Field::MaxSeats, None),
        (r#""MaxMemberCount":"many""#, Field::MaxMembers, None),
        (r#""ActivityStatus":0"#, Field::ActivityStatus, Some(number(0))),
        (r#""CoverURL":"x""#, Field::CoverUrl, Some(text("x"))),
        (r#""Category":["1",2]"#, Field::Category, Some(Value::Numbers([1, 2].into()))),
        (r#""Category":[]"#, Field::Category, Some(Value::Numbers([].into()))),
        (r#""Category":[1,null]"#, Field::Category, None),
        (r#""Category":1"#, Field::Category, None),
        (r#""IsMessageDisabled":true"#, Field::Muted, Some(flag(true))),
        (r#""IsMessageDisabled":"True""#, Field::Muted, Some(flag(true))),
        (r#""IsMessageDisabled":"On""#, Field::Muted, Some(flag(true))),
        (r#""IsMessageDisabled":"Off""#, Field::Muted, Some(flag(false))),
        (r#""IsMessageDisabled":"""#, Field::Muted, None),
        (r#""IsMessageDisabled":2"#, Field::Muted, None),
        (r#""IsPublicVisible":0"#, Field::Public, Some(flag(false))),
        (r#""IsPublicVisible":"1""#, Field::Public, Some(flag(true))),
        (r#""IsPublicVisible":"false""#, Field::Public, Some(flag(false))),
        (r#""IsUnlimitedRoomEnabled":1"#, Field::Unlimited, Some(flag(true))),
        (r#""IsUnlimitedRoomEnabled":[]"#, Field::Unlimited, None),
    ] {
        let fields = read(&format!("{{{json}}}")).await.fields;
        let expected: Fields = value.map(|value| (field, value)).into_iter().collect();
        assert_eq!(fields, expected, "{json}");
    }
}

#[tokio::test]
async fn the_fields_of_a_create_are_read_back() {
    let (tencent, script) = tencent([response(200, SUCCESS)]);
    let all = room(&everything());
    tencent.change(&RoomId::new("a"), &Operation::Create(Arc::clone(&all))).await.expect("done");
    let sent: serde_json::Value = serde_json::from_str(&body(&script.sent()[0])).expect("JSON");
    let read = read(&sent["RoomInfo"].to_string()).await.fields;
    assert!(all.agrees(&read), "{read:?}");
    assert_eq!(read.iter().count(), 11);
}

#[tokio::test]
async fn an_answer_without_a_room_is_unreadable_and_only_a_code_means_gone() {
    for body in [
        SUCCESS,
        r#"{"ErrorCode":0,"Response":null}"#,
        r#"{"ErrorCode":0,"Response":{}}"#,
        r#"{"ErrorCode":0,"Response":[]}"#,
        r#"{"ErrorCode":0,"Response":{"RoomInfo":null}}"#,
        r#"{"ErrorCode":0,"Response":{"RoomInfo":[]}}"#,
        r#"{"ErrorCode":0,"RoomInfo":{}}"#,
    ] {
        assert_eq!(
            presence(body).await.expect_err("unreadable").class,
            ErrorClass::Unknown,
            "{body}"
        );
    }
    let gone = r#"{"ActionStatus":"FAIL","ErrorCode":100004,"ErrorInfo":"no room"}"#;
    assert_eq!(presence(gone).await, Ok(None));
    assert_eq!(metadata(gone).await, Ok(None));
}

async fn metadata(body: &str) -> Result<Option<AttributesRead>, ApiError> {
    tencent([response(200, body)]).0.attributes(&RoomId::new("a")).await
}

#[tokio::test]
async fn metadata_with_an_unreadable_entry_is_an_error() {
    let body = r#"{"ErrorCode":0,"Response":{"Metadata":[{"Key":"b","Value":7,"Seq":1},
        {"Key":"a","Value":""}]}}"#;
    let read = metadata(body).await.expect("read").expect("there");
    let seen: Vec<_> =
        read.attributes.iter().map(|(key, a)| (key, &*a.value, a.auto_delete)).collect();
    assert_eq!((seen, read.sequence), (vec![("a", "", false), ("b", "7", false)], None));
    for none in [
        SUCCESS,
        r#"{"ErrorCode":0,"Response":null}"#,
        r#"{"ErrorCode":0,"Response":{}}"#,
        r#"{"ErrorCode":0,"Response":{"Metadata":null}}"#,
        r#"{"ErrorCode":0,"Response":{"Metadata":[]}}"#,
    ] {
        assert_eq!(metadata(none).await, Ok(Some(AttributesRead::default())), "{none}");
    }
    for broken in ["7", "[]", "{\"Metadata\":{}}", "{\"Metadata\":\"\"}"] {
        let body = format!(r#"{{"ErrorCode":0,"Response":{broken}}}"#);
        assert_eq!(
            metadata(&body).await.expect_err("unreadable").class,
            ErrorClass::Unknown,
            "{body}"
        );
    }
    for entry in
        [r#""a""#, "null", r#"{"Key":"a"}"#, r#"{"Value":"a"}"#, r#"{"Key":{},"Value":""}"#]
    {
        let body = format!(
            r#"{{"ErrorCode":0,"Response":{{"Metadata":[{{"Key":"k","Value":"v"}},{entry}]}}}}"#
        );
        assert_eq!(
            metadata(&body).await.expect_err("unreadable").class,
            ErrorClass::Unknown,
            "{body}"
        );
    }
}
