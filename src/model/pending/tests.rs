//! Tests of the outcome of an open call, by what is observed and when.

use super::super::origin::tests::{
    SENT, later, observed_room as seen_at, record, room, with_attributes,
};
use super::super::{Attributes, NextLife, Pending};
use super::*;

fn zim() -> Application {
    Application::new(Kind::Zim, Some("admin".to_owned()))
}

fn there(topic: Option<&str>, people: People, after: u64) -> Observation {
    let topic: Vec<(&str, &str)> = topic.map(|topic| ("topic", topic)).into_iter().collect();
    Observation::There(with_attributes(seen_at(people, after), &topic))
}

fn gone(after: u64) -> Observation {
    Observation::Gone(later(after))
}

fn open(kind: PendingKind) -> (RecordedRoom, Pending) {
    let target = (kind == PendingKind::Update).then(|| room(&[("topic", "new")]));
    let pending = Pending::new(kind, Timestamp::from_millis(SENT), target);
    let record = record(&[("topic", "old")]);
    (RecordedRoom { pending: Some(Box::new(pending.clone())), ..record }, pending)
}

fn settled(kind: PendingKind, observation: &Observation) -> Settled {
    by(kind, observation, Landing::ByClock)
}

fn by(kind: PendingKind, observation: &Observation, landing: Landing) -> Settled {
    let (record, pending) = open(kind);
    settle(&zim(), &record, &pending, Some(observation), landing)
}

#[test]
fn a_missing_create_is_final_only_after_its_own_timeout() {
    assert!(matches!(settled(PendingKind::Create, &gone(11_999)), Settled::MayStillLand(_)));
    assert_eq!(settled(PendingKind::Create, &gone(12_000)), Settled::Gone(None));
}

#[test]
fn a_monotonic_clock_overrides_the_time_of_the_observation() {
    let late = by(PendingKind::Create, &gone(3_600_000), Landing::NotOver);
    assert!(matches!(late, Settled::MayStillLand(_)), "by the wall clock it is over");
    let early = by(PendingKind::Create, &gone(0), Landing::Over);
    assert_eq!(early, Settled::Gone(None), "by the wall clock it is not over");
}

#[test]
fn a_room_with_the_sent_attributes_is_ours_at_once() {
    let ours = settled(PendingKind::Create, &there(Some("old"), People::Nobody, 5));
    assert!(matches!(ours, Settled::Done(r) if r.pending.is_none() && r.contested.is_none()));
}

#[test]
fn a_room_with_other_attributes_is_contested_after_the_time_out() {
    for there_is in [Some("x"), None] {
        let early = settled(PendingKind::Create, &there(there_is, People::Count(1), 5));
        assert!(matches!(early, Settled::MayStillLand(_)));
        let late = settled(PendingKind::Create, &there(there_is, People::Count(1), 20_000));
        assert!(
            matches!(late, Settled::Contested(r) if r.pending.is_none() && r.contested.is_some())
        );
    }
}

#[test]
fn a_room_that_appears_after_ours_was_missing_is_contested() {
    let there = there(Some("old"), People::Nobody, 15_000);
    let found = by(PendingKind::Create, &there, Landing::FoundMissing);
    assert!(matches!(found, Settled::Contested(_)));
}

#[test]
fn an_update_is_recorded_as_observed() {
    let done = settled(PendingKind::Update, &there(Some("new"), People::Nobody, 5));
    assert!(matches!(done, Settled::Done(r) if r.room == room(&[("topic", "new")])));
    let open = settled(PendingKind::Update, &there(Some("old"), People::Nobody, 5));
    assert!(matches!(open, Settled::MayStillLand(_)));
    let lost = settled(PendingKind::Update, &there(Some("old"), People::Nobody, 12_000));
    assert!(matches!(lost, Settled::NotDone(r) if r.room == room(&[("topic", "old")])));
}

#[test]
fn changes_by_others_during_an_update_are_not_recorded() {
    let update = |kept: &[(&str, &str)], target: &[(&str, &str)], read: &[(&str, &str)]| {
        let (record, pending) = open(PendingKind::Update);
        let record = RecordedRoom { room: room(kept), ..record };
        let pending = Pending { room: Some(room(target)), ..pending };
        let seen = with_attributes(seen_at(People::Nobody, 12_000), read);
        let landing = Landing::Over;
        settle(&zim(), &record, &pending, Some(&Observation::There(seen)), landing)
    };
    for (kept, target, read, left) in [
        // A drift that the update was to undo still exists, or exists again.
        (
            vec![("topic", "old")],
            vec![("topic", "old")],
            vec![("topic", "theirs")],
            vec![("topic", "old")],
        ),
        (
            vec![("topic", "old")],
            vec![("topic", "new")],
            vec![("topic", "theirs")],
            vec![("topic", "old")],
        ),
        (vec![("topic", "old")], vec![("topic", "new")], vec![], vec![("topic", "old")]),
        // The record gets the part of an update that was done.
        (
            vec![("a", "old"), ("b", "old"), ("c", "old")],
            vec![("a", "new"), ("b", "new")],
            vec![("a", "new"), ("b", "old")],
            vec![("a", "new"), ("b", "old")],
        ),
    ] {
        let settled = update(&kept, &target, &read);
        let Settled::NotDone(record) = settled else { panic!("{settled:?}") };
        assert_eq!(record.room, room(&left));
    }
    let done = update(&[("topic", "old")], &[("topic", "old")], &[("topic", "old")]);
    assert!(matches!(done, Settled::Done(record) if record.room == room(&[("topic", "old")])));
}

#[test]
fn an_update_of_a_missing_room_keeps_its_record() {
    let kept = settled(PendingKind::Update, &gone(5));
    let Settled::Gone(Some(kept)) = kept else { panic!("{kept:?}") };
    assert!(kept.pending.is_none() && kept.last_seen.is_none());
}

#[test]
fn a_destroy_is_done_when_the_room_is_gone() {
    assert_eq!(settled(PendingKind::Destroy, &gone(5)), Settled::Gone(None));
    let there = |after| there(Some("old"), People::Nobody, after);
    assert!(matches!(settled(PendingKind::Destroy, &there(5)), Settled::MayStillLand(_)));
    assert!(matches!(settled(PendingKind::Destroy, &there(12_000)), Settled::NotDone(_)));
}

#[test]
fn an_interrupted_replace_keeps_its_room_and_carried_attributes() {
    let carried = room(&[("score", "7")]).attributes.clone();
    let (before, pending) = open(PendingKind::Destroy);
    let before = before.replaced_by(room(&[("topic", "new")]), carried.clone());
    let gone_at = settle(&zim(), &before, &pending, Some(&gone(5)), Landing::ByClock);
    let Settled::Gone(Some(left)) = gone_at else { panic!("{gone_at:?}") };
    let next = NextLife {
        room: Some(room(&[("topic", "new")])),
        carried: carried.clone(),
        destroyed: Some(later(5)),
    };
    assert_eq!((left.next.as_deref(), &left.pending), (Some(&next), &None));

    // The room was not destroyed: nothing is carried any more.
    let same = Observation::There(with_attributes(
        seen_at(People::Nobody, 13_000),
        &[("topic", "old"), ("score", "7")],
    ));
    let there = settle(&zim(), &before, &pending, Some(&same), Landing::ByClock);
    assert!(matches!(there, Settled::NotDone(r) if r.next.is_none()));

    // The create after it is open: the room has what was sent, and the carried attributes belong to
    // others.
    let pending = Pending { kind: PendingKind::Create, ..pending };
    let sent = Observation::There(with_attributes(
        seen_at(People::Nobody, 5),
        &[("topic", "old"), ("score", "7")],
    ));
    let made = settle(&zim(), &left, &pending, Some(&sent), Landing::ByClock);
    let Settled::Done(made) = made else { panic!("{made:?}") };
    assert_eq!((made.room, made.next), (room(&[("topic", "old")]), None));

    // The room was not created: the next run still has the next life.
    let unmade = settle(&zim(), &left, &pending, Some(&gone(13_000)), Landing::ByClock);
    assert!(
        matches!(unmade, Settled::Gone(Some(r)) if r.is_destroyed() && *r.carried() == carried)
    );
}

#[test]
fn carried_attributes_that_were_set_are_not_recorded_as_ours() {
    let carried = room(&[("score", "7"), ("mood", "fine")]).attributes.clone();
    let next = NextLife { room: Some(room(&[("topic", "old")])), carried, destroyed: None };
    let target = room(&[("topic", "old"), ("score", "7"), ("mood", "fine")]);
    let at = Timestamp::from_millis(SENT);
    let pending = Pending::new(PendingKind::Update, at, Some(target));
    let record = RecordedRoom { next: Some(Box::new(next)), ..record(&[("topic", "old")]) };
    let read = |pairs: &[(&str, &str)]| {
        let seen = with_attributes(seen_at(People::Nobody, 13_000), pairs);
        settle(&zim(), &record, &pending, Some(&Observation::There(seen)), Landing::ByClock)
    };
    let all = read(&[("topic", "old"), ("score", "7"), ("mood", "fine")]);
    assert!(matches!(all, Settled::Done(r) if r.room == record.room && r.next.is_none()));
    let some = read(&[("topic", "old"), ("score", "7")]);
    assert!(matches!(some, Settled::NotDone(r) if r.room == record.room && r.next == record.next));
}

#[test]
fn a_next_life_waits_on_after_carried_attributes_were_set() {
    let carried = room(&[("score", "7")]).attributes.clone();
    let next =
        Arc::new(Room { name: Some("Hall".into()), ..room(&[("topic", "old")]).as_ref().clone() });
    let waiting = NextLife { room: Some(next.clone()), carried, destroyed: None };
    let record = RecordedRoom { next: Some(Box::new(waiting)), ..record(&[("topic", "old")]) };
    let (_, pending) = open(PendingKind::Update);
    let target = room(&[("topic", "old"), ("score", "7")]);
    let pending = Pending { room: Some(target.clone()), ..pending };
    let seen = with_attributes(seen_at(People::Nobody, 5), &[("topic", "old"), ("score", "7")]);
    let seen = Some(Observation::There(seen));
    let done = settle(&zim(), &record, &pending, seen.as_ref(), Landing::ByClock);
    let Settled::Done(done) = done else { panic!("{done:?}") };
    let left = NextLife { room: Some(next), carried: Attributes::EMPTY, destroyed: None };
    assert_eq!(done.next.as_deref(), Some(&left));
}

#[test]
fn a_room_made_by_users_has_ended_if_nobody_is_inside() {
    let rtc = Application::new(Kind::Rtc, None);
    let (record, pending) = open(PendingKind::Destroy);
    let record = RecordedRoom { room: room(&[]), ..record };
    let seen = |people| {
        let seen = Observation::There(seen_at(people, 13_000));
        settle(&rtc, &record, &pending, Some(&seen), Landing::ByClock)
    };
    assert_eq!(seen(People::Nobody), Settled::Gone(None));
    assert!(matches!(seen(People::Count(2)), Settled::NotDone(_)));
}

#[test]
fn a_failed_lookup_leaves_the_call_open() {
    let why = "no answer".to_owned();
    let unread = Observation::Unread { why: why.clone() };
    assert_eq!(settled(PendingKind::Create, &unread), Settled::Unread(why));
    assert_eq!(Attributes::EMPTY, Attributes::default());
}
