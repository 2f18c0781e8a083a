//! Rooms and attributes of other clients, and occupied rooms.

use std::collections::BTreeSet;

use roomctl::emulator::{EmulatorConfig, HeadCount};
use roomctl::model::{Attribute, AttributeChange, Kind, People, Refresh, RoomId, WaitReason};

use super::stage::{ID, Stage};
use super::subject::Subject;
use crate::support::{APP, RunOptions, service};

/// Returns a change that sets an attribute as another client.
fn key(name: &str) -> AttributeChange {
    AttributeChange::Set(name.into(), Attribute { value: "theirs".into(), auto_delete: false })
}

/// Our updates keep the attributes of other clients, and our destroys keep their rooms.
pub(super) async fn foreign_attributes_and_rooms_are_left_alone(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    let desired = stage.created().await;
    let other_client = stage.other_client().await;
    other_client.create("theirs", (*desired.rooms[0].room).clone()).await;
    let theirs = RoomId::new("theirs");
    stage.world.emulator.enter(subject.kind, APP, &theirs, 2).expect("entered");
    other_client.modify(ID, vec![key("score")]).await;
    let how = RunOptions::with_consent().refresh(Refresh::All);
    let changed = stage.changed();
    let ran = stage.world.apply(&changed, &how).await.expect("a state").ran();
    assert_eq!(ran.outcome.failed, []);
    stage.assert_converged(&changed).await;
    if subject.attributes.is_some() {
        let there = &stage.stats().rooms[&RoomId::new(ID)].attributes;
        let keys: Vec<&str> = there.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["new", "score", "topic"]);
    }
    stage.apply_all(&stage.nothing(), 1).await;
    let left: Vec<_> = stage.stats().rooms.into_iter().collect();
    let [(id, room)] = &*left else { panic!("{left:?}") };
    assert_eq!((id, room.people), (&theirs, 2));
}

/// A plan reports that the attributes would exceed the limit, before the service does.
pub(super) async fn foreign_attributes_count_towards_the_limit(subject: &'static Subject) {
    let Some(most) = subject.attributes else { return };
    let stage = Stage::new(subject).await;
    stage.created().await;
    let keys: Vec<_> = (0..most - 2).map(|n| key(&format!("k{n}"))).collect();
    stage.other_client().await.modify(ID, keys).await;
    let changed = stage.changed();
    let fits = stage.plan(&changed).await;
    assert!(fits.findings.is_empty(), "{:?}", fits.findings);
    let content = subject.changed.replace("new: \"2\"", "new: \"2\", more: \"3\"");
    let plan = stage.plan(&stage.rooms("", &[ID], &content)).await;
    let codes: BTreeSet<_> = plan.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes.len(), 1, "{:?}", plan.findings);
    // Deleted keys are subtracted before new ones are added: the change fits.
    stage.apply_all(&changed, 1).await;
    assert_eq!(stage.stats().rooms[&RoomId::new(ID)].attributes.len(), most);
}

pub(super) async fn an_occupied_room_defers_its_destroy(subject: &'static Subject) {
    for head_count in [HeadCount::MemberCount, HeadCount::OnlineCount, HeadCount::Omitted] {
        let stage = Stage::untouched(subject, EmulatorConfig { head_count, ..service() });
        stage.created().await;
        stage.enter(30);
        let nothing = stage.rooms("on_occupied: defer", &[], "");
        let ran = stage.apply(&nothing).await;
        let [wait] = &*ran.outcome.waiting else { panic!("{:?}", ran.outcome) };
        let is_unknown = subject.kind == Kind::TencentLive && head_count == HeadCount::Omitted;
        let inside = if is_unknown { People::Unknown } else { People::Count(30) };
        assert_eq!(wait.reason, WaitReason::People(inside));
        assert!(!stage.sent().contains(&subject.kind.destroy_call()));
        assert_eq!(stage.stats().rooms[&RoomId::new(ID)].people, 30);
        assert!(stage.record(ID).await.is_some_and(|record| record.pending.is_none()));
        stage.leave();
        let ran = stage.apply(&nothing).await;
        assert_eq!(
            (ran.outcome.done.len(), ran.outcome.waiting.len()),
            if is_unknown { (0, 1) } else { (1, 0) }
        );
    }
}

pub(super) async fn on_occupied_destroy_destroys_an_occupied_room(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.created().await;
    stage.enter(30);
    stage.apply_all(&stage.nothing(), 1).await;
    stage.assert_gone().await;
}

pub(super) async fn evict_destroys_an_occupied_room(subject: &'static Subject) {
    let stage = Stage::new(subject).await;
    stage.created().await;
    stage.enter(30);
    let how =
        RunOptions { evict: BTreeSet::from([Stage::address()]), ..RunOptions::with_consent() };
    let nothing = stage.rooms("on_occupied: defer", &[], "");
    let ran = stage.world.apply(&nothing, &how).await.expect("a state").ran();
    assert_eq!(ran.outcome.done.len(), 1, "{:?}", ran.outcome);
    stage.assert_gone().await;
}
