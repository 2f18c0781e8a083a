//! Tests of the JSON output.

use super::*;
use crate::model::{NotTried, Outcome, StepFailure, Timestamp};
use serde_json::Value as Json;

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_plan_is_the_documented_document() {
    let create = Step {
        after: Some(room("Lobby", &[("topic", "welcome")])),
        calls: vec![Call::CreateRoom],
        ..step("chat/lobby", Action::Create, Reason::NotRecorded)
    };
    let plan = Plan {
        steps: vec![create],
        summary: Summary { create: 1, unchanged: 38, asked: 12, ..Summary::default() },
        estimate: Duration::from_millis(100),
        ..empty()
    };
    let documented = concat!(
        r#"{"format_version":1,"tool_version":""#,
        env!("CARGO_PKG_VERSION"),
        r#"","digest":"sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","#,
        r#""emulated":false,"state":{"lineage":"5f3b","serial":7},"#,
        r#""config_digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","#,
        r#""scope":null,"#,
        r#""steps":[{"address":"chat/lobby","provider":"chat","action":"create","reason":"not_recorded","#,
        r#""source":"rooms.yaml","before":null,"#,
        r#""after":{"name":"Lobby","destroy_delay_time":10800,"attributes":{"topic":{"value":"welcome","auto_delete":false}}},"#,
        r#""changes":[{"path":"name","before":null,"after":"Lobby"},"#,
        r#"{"path":"destroy_delay_time","before":null,"after":10800},"#,
        r#"{"path":"attributes.topic","before":null,"after":"welcome"}],"#,
        r#""calls":["CreateRoom"]}],"#,
        r#""waiting":[],"blocked":[],"unread":[],"gate":{"open":true,"refusals":[]},"#,
        r#""summary":{"create":1,"recreate":0,"update":0,"replace":0,"destroy":0,"adopt":0,"forget":0,"record":0,"unchanged":38,"waiting":0,"blocked":0,"unread":0,"asked":12,"not_asked":0},"#,
        r#""estimated_seconds":0.1,"findings":[]}"#,
        "\n"
    );
    assert_eq!(written(|out| plan_json(out, &plan)), documented);
}

#[test]
fn held_steps_contain_their_reason() {
    let plan = parsed(&written(|out| plan_json(out, &full())));
    let waiting = &plan["waiting"][0];
    assert_eq!((&waiting["held_reason"], &waiting["people"]), (&"occupied".into(), &300.into()));
    assert_eq!(waiting["address"], "chat/party");
    let reasons: Vec<&Json> =
        plan["blocked"].as_array().expect("a list").iter().map(|it| &it["held_reason"]).collect();
    assert_eq!(reasons, ["prevent_destroy", "max_rooms", "conflict"]);
    assert_eq!(plan["unread"][0]["message"], "no answer in 10 s");
    let refusal = &plan["gate"]["refusals"][0];
    assert_eq!(
        (&refusal["reason"], &refusal["flag"]),
        (&"max_destroy".into(), &"--allow-destroy 3".into())
    );
    assert_eq!((&plan["state"]["lineage"], &plan["gate"]["open"]), (&Json::Null, &false.into()));
    assert_eq!(plan["findings"][0]["code"], "attributes_dropped");
}

#[test]
fn an_error_is_one_document() {
    let findings = [Finding::error("unknown_key", "unknown key `x`")];
    insta::assert_snapshot!(written(|out| error_json(
        out,
        "invalid",
        "the file has 1 error",
        &findings
    )));
}

#[test]
fn an_apply_writes_one_object_per_line() {
    let done = |request_id: Option<&str>, overwritten| StepProgress::Done {
        request_id: request_id.map(str::to_owned),
        overwritten,
    };
    let failed = StepFailure {
        address: address("chat/b"),
        action: Action::Update,
        message: "no answer".to_owned(),
        code: None,
        request_id: None,
        pending: true,
        partial: false,
    };
    let wait = || wait(address("chat/c"), Action::Destroy, People::Count(3));
    let values = vec![overwritten("attributes.topic", "theirs", "ours")];
    let events = [
        event("chat/a", Action::Create, StepProgress::Started),
        event("chat/a", Action::Create, done(Some("req-1"), Vec::new())),
        event("chat/m", Action::Adopt, done(None, values)),
        event("chat/b", Action::Update, StepProgress::Failed(failed)),
        event("chat/c", Action::Destroy, StepProgress::Waiting(wait())),
        event("chat/d", Action::Create, StepProgress::NotTried(NotTried::Quota)),
    ];
    let done = [Action::Create, Action::Update, Action::Create];
    let outcome = Outcome {
        done: done.map(|action| (address("chat/a"), action)).to_vec(),
        waiting: vec![wait()],
        ..Outcome::default()
    };
    let time = Timestamp::from_millis(1_700_000_000_125);
    let text = written(|out| {
        events.iter().try_for_each(|event| event_json(out, event, time))?;
        error_event_json(out, "not_approved", "nothing was done", &[], time)?;
        summary_json(out, &outcome, 3, time)
    });
    insta::assert_snapshot!(text);
    let plan = parsed(&written(|out| plan_event_json(out, &full(), time)));
    assert_eq!((&plan["event"], &plan["format_version"]), (&"plan".into(), &1.into()));
    assert_eq!(plan["time"], "2023-11-14T22:13:20.125Z");
}
