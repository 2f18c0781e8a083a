//! What a look at a room makes of a call whose outcome was unknown.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Application, Attribute, Attributes, Field, Kind, Observation, Origin, Pending, PendingKind,
    People, RecordedRoom, Room, Sighting, Timestamp, Value,
};

/// How long one call may take as a whole. A request that was sent may still land until then, so that
/// "it did not happen" is final only afterwards.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long after its intent was written a call may still take effect: its own time-out, and what
/// passes between the intent and the sending on a slow disk.
pub const LANDING: Duration = Duration::from_secs(12);

/// What became of a call whose outcome was unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The room is ours, and this is its record.
    Kept(RecordedRoom),
    /// The room does not exist, and the call can no longer make it.
    Removed,
    /// The call has not taken effect and still may, until this moment: look again then.
    MayStillLand(Timestamp),
    /// It could not be looked up.
    Unread(String),
    /// A room exists that is not what we sent.
    NotOurs,
}

/// Whether a call of unknown outcome may still take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// The time of the observation decides.
    ByClock,
    /// [`LANDING`] has passed by a clock that is never set back.
    Over,
}

/// Tells what became of the pending call of `record`, a room of this application, by what was
/// observed.
#[must_use]
pub fn settle(
    application: &Application,
    record: &RecordedRoom,
    pending: &Pending,
    observation: Option<&Observation>,
    landing: Landing,
) -> Settled {
    let (sighting, now) = match observation {
        None => {
            return Settled::Unread(
                "its last call has an unknown outcome, and it was not looked up".to_owned(),
            );
        }
        Some(Observation::Unread { why }) => return Settled::Unread(why.clone()),
        Some(Observation::Gone(at)) => (None, *at),
        Some(Observation::There(sighting)) => (Some(sighting), sighting.at),
    };
    let last = pending.at.plus(LANDING);
    let landed = landing == Landing::Over || now >= last;
    match (pending.kind, sighting) {
        (PendingKind::Destroy, None) => Settled::Removed,
        (PendingKind::Destroy, Some(sighting)) if is_over(application.kind(), sighting) => {
            Settled::Removed
        }
        (PendingKind::Update, None) => {
            Settled::Kept(RecordedRoom { pending: None, ..record.clone() })
        }
        (PendingKind::Create, None) if landed => Settled::Removed,
        (PendingKind::Create, Some(sighting)) if shows(application, &record.room, sighting) => {
            Settled::Kept(seen(record, record.room.clone(), sighting))
        }
        (PendingKind::Create, Some(_)) => Settled::NotOurs,
        (PendingKind::Update, Some(sighting)) => {
            let target = pending.room.as_ref().unwrap_or(&record.room);
            let read = record.read(target, sighting);
            if landed || read.room == *target {
                Settled::Kept(read)
            } else {
                Settled::MayStillLand(last)
            }
        }
        (PendingKind::Destroy, Some(sighting)) if landed => {
            Settled::Kept(seen(record, record.room.clone(), sighting))
        }
        (PendingKind::Create, None) | (PendingKind::Destroy, Some(_)) => {
            Settled::MayStillLand(last)
        }
    }
}

/// Whether a room that only users make is over: nobody is inside.
fn is_over(kind: Kind, sighting: &Sighting) -> bool {
    kind.origin() == Origin::FirstUser && sighting.people == People::Nobody
}

/// Whether `sighting` may be the room that was sent: its owner and its seats agree as far as they are
/// told, and its attributes, but for those that go with their user. Other fields say nothing: a room's
/// host may have changed them since. A room without any attribute may
/// be ours only where the service may have dropped them, as it does while a room is empty; one that
/// has others instead is somebody else's.
#[must_use]
pub fn shows(application: &Application, sent: &Room, sighting: &Sighting) -> bool {
    let same = |(key, attribute): (&str, &Attribute)| match sighting.attributes.get(key) {
        Some(read) => read == attribute,
        None => attribute.auto_delete,
    };
    let none = |(key, _)| sighting.attributes.get(key).is_none();
    let agrees = sent.attributes.iter().all(same)
        && is_owned(application, sent, sighting)
        && is_seated(sent, sighting);
    if !sent.attributes.is_empty() && sent.attributes.iter().all(none) {
        return sighting.attributes.is_empty()
            && (agrees || dropped(application.kind(), &sent.attributes, sighting));
    }
    agrees
}

/// Whether the owner is who we said, or who makes our rooms where we said nobody.
fn is_owned(application: &Application, sent: &Room, sighting: &Sighting) -> bool {
    let declared = sent.value(Field::Owner);
    let declared = declared.as_ref().and_then(Value::as_text).or(application.operator());
    let told = sighting.fields.of(Field::Owner).and_then(Value::as_text);
    told.is_none_or(|told| declared == Some(told))
}

/// Whether the seat template is the one that was sent, which nobody can change.
fn is_seated(sent: &Room, sighting: &Sighting) -> bool {
    let told = sighting.fields.of(Field::SeatTemplate);
    let sent = sent.value(Field::SeatTemplate);
    sent.is_none_or(|sent| told.is_none_or(|told| *told == sent))
}

/// Whether the service has dropped all the attributes we set, as some do while a room is empty.
#[must_use]
pub fn dropped(kind: Kind, ours: &Attributes, sighting: &Sighting) -> bool {
    let gone = |(key, _)| sighting.attributes.get(key).is_none();
    kind.drops_attributes()
        && sighting.people == People::Nobody
        && !ours.is_empty()
        && ours.iter().all(gone)
}

impl RecordedRoom {
    /// This record after the room was observed.
    #[must_use]
    pub fn seen(&self, sighting: &Sighting) -> Self {
        let now = sighting.at;
        let with_people =
            if sighting.people.any() { Some(now) } else { self.last_seen_with_people };
        Self {
            last_seen: Some(now),
            last_seen_with_people: with_people,
            attribute_sequence: sighting.attribute_sequence.or(self.attribute_sequence),
            ..self.clone()
        }
    }

    /// This record after the room was observed, with nothing pending, and its fields and the
    /// attributes that we manage, those of `target` among them, as they were read.
    #[must_use]
    pub fn read(&self, target: &Room, sighting: &Sighting) -> Self {
        seen(self, Arc::new(as_read(&self.room, target, sighting)), sighting)
    }
}

fn seen(record: &RecordedRoom, room: Arc<Room>, sighting: &Sighting) -> RecordedRoom {
    let mut record = record.seen(sighting);
    record.room = room;
    record.pending = None;
    record
}

/// The recorded room with its fields and the attributes that we manage as they were read. What is
/// not told is as recorded; an attribute that goes with its user and is gone counts as there.
fn as_read(recorded: &Room, target: &Room, sighting: &Sighting) -> Room {
    let ours = |key: &str| recorded.attributes.get(key).or(target.attributes.get(key)).is_some();
    let read = sighting.attributes.iter().filter(|(key, _)| ours(key));
    let gone = target
        .attributes
        .iter()
        .filter(|(key, attribute)| attribute.auto_delete && sighting.attributes.get(key).is_none());
    let attributes = read.chain(gone).map(|(key, attribute)| (key, attribute.clone())).collect();
    let mut room = Room { attributes, ..recorded.clone() };
    let ours = |room: &Room, field| room.value(field).is_some();
    for (field, value) in sighting.fields.iter() {
        if ours(recorded, field) || ours(target, field) {
            room.set(field, Some(value.clone()));
        }
    }
    room
}

#[cfg(test)]
mod tests {
    use super::super::{Assumed, Fields, Lifecycle, Sides};
    use super::*;

    const SENT: i64 = 1_000_000;

    fn zim() -> Application {
        Application::Zim { operator: "admin".to_owned() }
    }

    #[test]
    fn a_live_room_of_another_owner_is_not_ours() {
        let live = Application::TencentLive {
            operator: "admin".to_owned(),
            dissolve_after: Duration::from_mins(1),
        };
        let owned = |owner: &str| Sighting {
            at: Timestamp::from_millis(SENT),
            people: People::Unknown,
            attributes: Attributes::default(),
            attribute_sequence: None,
            fields: [(Field::Owner, Value::Text(owner.into()))].into_iter().collect(),
        };
        assert!(shows(&live, &Room::default(), &owned("admin")), "who makes our rooms");
        assert!(!shows(&live, &Room::default(), &owned("theirs")));
        let mut sent = Room::default();
        sent.set(Field::Owner, Some(Value::Text("anchor".into())));
        assert!(shows(&live, &sent, &owned("anchor")));
        assert!(!shows(&live, &sent, &owned("admin")));
        let untold = Sighting { fields: Fields::default(), ..owned("x") };
        assert!(shows(&live, &sent, &untold), "not told");
    }

    fn room(topic: &str) -> Arc<Room> {
        let attribute = Attribute { value: topic.into(), auto_delete: false };
        Arc::new(Room {
            attributes: [("topic", attribute)].into_iter().collect(),
            ..Room::default()
        })
    }

    fn record(kind: PendingKind, target: Option<Arc<Room>>) -> (RecordedRoom, Pending) {
        let pending = Pending { kind, at: Timestamp::from_millis(SENT), room: target };
        let record = RecordedRoom {
            room: room("old"),
            assumed: Assumed::default(),
            created: Timestamp::from_millis(SENT),
            last_seen: None,
            last_seen_with_people: None,
            attribute_sequence: None,
            request_id: None,
            source: "rooms.yaml".into(),
            lifecycle: Lifecycle::default(),
            sides: Sides::default(),
            ignore_changes: Box::default(),
            pending: Some(Box::new(pending.clone())),
            contested: None,
            next: None,
        };
        (record, pending)
    }

    fn there(topic: Option<&str>, people: People, after: u64) -> Observation {
        let attributes = topic.map(|t| room(t).attributes.clone()).unwrap_or_default();
        Observation::There(Sighting {
            at: later(after),
            people,
            attributes,
            attribute_sequence: None,
            fields: Fields::default(),
        })
    }

    /// A moment so many milliseconds after the call was sent.
    fn later(after: u64) -> Timestamp {
        Timestamp::from_millis(SENT).plus(Duration::from_millis(after))
    }

    fn gone(after: u64) -> Observation {
        Observation::Gone(later(after))
    }

    fn settled(kind: PendingKind, observation: &Observation) -> Settled {
        let target = (kind == PendingKind::Update).then(|| room("new"));
        let (record, pending) = record(kind, target);
        settle(&zim(), &record, &pending, Some(observation), Landing::ByClock)
    }

    #[test]
    fn a_missing_create_is_final_only_after_its_own_timeout() {
        assert!(matches!(settled(PendingKind::Create, &gone(11_999)), Settled::MayStillLand(_)));
        assert_eq!(settled(PendingKind::Create, &gone(12_000)), Settled::Removed);
    }

    #[test]
    fn a_create_that_shows_what_was_sent_is_ours() {
        let ours = settled(PendingKind::Create, &there(Some("old"), People::Nobody, 5));
        assert!(matches!(ours, Settled::Kept(r) if r.pending.is_none()));
        let dropped = settled(PendingKind::Create, &there(None, People::Nobody, 5));
        assert!(matches!(dropped, Settled::Kept(_)));
    }

    #[test]
    fn a_room_with_other_attributes_is_not_ours() {
        assert_eq!(
            settled(PendingKind::Create, &there(Some("x"), People::Nobody, 20_000)),
            Settled::NotOurs
        );
        assert_eq!(
            settled(PendingKind::Create, &there(None, People::Count(1), 20_000)),
            Settled::NotOurs
        );
    }

    #[test]
    fn an_empty_room_with_other_attributes_is_somebody_elses() {
        let sent = room("ours");
        let other = Attribute { value: "1".into(), auto_delete: false };
        let foreign = |attributes| Sighting {
            at: Timestamp::from_millis(SENT),
            people: People::Nobody,
            attributes,
            attribute_sequence: None,
            fields: Fields::default(),
        };
        assert!(!shows(&zim(), &sent, &foreign([("own", other)].into_iter().collect())));
        assert!(shows(&zim(), &sent, &foreign(Attributes::default())));
    }

    #[test]
    fn what_went_with_its_user_is_no_sign_of_another_room() {
        let mut sent = room("ours").as_ref().clone();
        sent.attributes.insert("hello", Attribute { value: "x".into(), auto_delete: true });
        let sighting = |attributes: Attributes| Sighting {
            at: Timestamp::from_millis(SENT),
            people: People::Count(1),
            attributes,
            attribute_sequence: None,
            fields: Fields::default(),
        };
        assert!(shows(&zim(), &sent, &sighting(room("ours").attributes.clone())));
        assert!(!shows(&zim(), &sent, &sighting(room("theirs").attributes.clone())));
    }

    #[test]
    fn an_update_is_recorded_as_it_reads() {
        let done = settled(PendingKind::Update, &there(Some("new"), People::Nobody, 5));
        assert!(matches!(done, Settled::Kept(r) if r.room == room("new")));
        let open = settled(PendingKind::Update, &there(Some("old"), People::Nobody, 5));
        assert!(matches!(open, Settled::MayStillLand(_)));
        let lost = settled(PendingKind::Update, &there(Some("old"), People::Nobody, 12_000));
        assert!(matches!(lost, Settled::Kept(r) if r.room == room("old")));
    }

    #[test]
    fn an_update_of_a_room_that_is_gone_leaves_it_to_the_plan() {
        let kept = settled(PendingKind::Update, &gone(5));
        assert!(matches!(kept, Settled::Kept(r) if r.pending.is_none() && r.last_seen.is_none()));
    }

    #[test]
    fn a_destroy_is_done_when_the_room_is_gone() {
        assert_eq!(settled(PendingKind::Destroy, &gone(5)), Settled::Removed);
        let there = |after| there(Some("old"), People::Nobody, after);
        assert!(matches!(settled(PendingKind::Destroy, &there(5)), Settled::MayStillLand(_)));
        assert!(matches!(settled(PendingKind::Destroy, &there(12_000)), Settled::Kept(_)));
    }

    #[test]
    fn what_was_not_read_stays_open() {
        let why = "no answer".to_owned();
        let unread = Observation::Unread { why: why.clone() };
        assert_eq!(settled(PendingKind::Create, &unread), Settled::Unread(why));
    }
}
