//! Tests of RTC and Tencent rooms, and of rooms with several sides.

use std::time::Duration;

use super::*;
use crate::model::{
    Action, Application, AttributeChange, Call, Field, HeldReason, OnConflict, OnOccupied,
    OnRemove, Patch, Reason, Value,
};

const EMPTY_LIFE: Duration = Duration::from_mins(30);

fn named(name: &str, app_id: u32, application: Application) -> Provider {
    let limits = application.kind().attribute_limits();
    Provider { app_id, application, limits, ..provider(name) }
}

/// Returns a world with `chat` (ZIM), `video` (RTC) and `live` (Tencent).
fn world() -> World {
    let mut world = World::new();
    let live = Application::new(Kind::TencentLive, Some("admin".to_owned()))
        .with_dissolve_after(EMPTY_LIFE);
    let video = Application::new(Kind::Rtc, None);
    for provider in [named("video", 1, video), named("live", 7, live)] {
        world.recorded.providers.insert(provider.name.clone(), ProviderIdentity::of(&provider));
        world.desired.providers.insert(provider.name.clone(), provider);
    }
    world
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

fn with(fields: &[(Field, Value)], pairs: &[(&str, &str)]) -> Arc<Room> {
    let mut room = Room { attributes: attributes(pairs), ..Room::default() };
    for (field, value) in fields {
        room.set(*field, Some(value.clone()));
    }
    Arc::new(room)
}

fn closing(reason: &str) -> Arc<Room> {
    with(&[(Field::CloseReason, text(reason))], &[])
}

fn observed(people: People, fields: &[(Field, Value)], pairs: &[(&str, &str)]) -> Observation {
    let seen = samples::observed_room(at(0), people, attributes(pairs));
    Observation::There(ObservedRoom { fields: fields.iter().cloned().collect(), ..seen })
}

fn chat_and_video() -> Sides {
    let name = |name: &str| ProviderName::new(name).expect("a name");
    Sides::new([name("chat"), name("video")].into())
}

/// Returns two recorded sides of a room that is no longer declared.
fn removed_room() -> World {
    let side = |room| RecordedRoom { sides: chat_and_video(), ..record(room) };
    world().record("chat/show", side(room("Show", &[]))).record("video/show", side(Arc::default()))
}

fn only_step(world: &World) -> Step {
    let plan = world.plan();
    assert_eq!(plan.steps.len(), 1, "{:#?}", plan.steps);
    plan.steps.into_iter().next().expect("one step")
}

#[test]
fn an_rtc_room_is_created_without_a_call() {
    let step = only_step(&world().declare("video/a", closing("over")));
    assert_eq!((step.action, step.reason), (Action::Create, Reason::NotRecorded));
    assert_eq!(step.calls, []);
}

#[test]
fn an_rtc_room_that_users_made_is_not_a_conflict() {
    let world = world()
        .declare("video/a", closing("over"))
        .observe("video/a", observed(People::Count(3), &[], &[]));
    assert_eq!(only_step(&world).action, Action::Create);
    assert_eq!(world.due(Refresh::All, Purpose::Plan), [""; 0]);
}

#[test]
fn an_idle_rtc_room_is_not_drift_and_never_due() {
    let old = RecordedRoom { created: at(-1_000_000), ..record(closing("over")) };
    let world = world().declare("video/a", closing("over")).record("video/a", old);
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), [""; 0]);
    assert_eq!(world.due(Refresh::All, Purpose::Apply), ["video/a"]);
    let idle = world.observe("video/a", observed(People::Nobody, &[], &[]));
    assert_eq!(idle.plan().steps, []);
}

#[test]
fn a_changed_close_is_only_recorded() {
    let world =
        world().declare("video/a", closing("new")).record("video/a", record(closing("old")));
    let step = only_step(&world);
    assert_eq!((step.action, step.reason), (Action::Record, Reason::CloseChanged));
    assert_eq!((step.calls.len(), step.after), (0, Some(closing("new"))));
    let removed =
        self::world().declare("video/a", Arc::default()).record("video/a", record(closing("old")));
    assert_eq!(only_step(&removed).reason, Reason::CloseChanged);
}

#[test]
fn a_removed_rtc_room_is_closed_with_people_inside() {
    let world = world()
        .record("video/a", record(closing("over")))
        .observe("video/a", observed(People::Count(3), &[], &[]));
    let step = only_step(&world);
    assert_eq!((step.action, &step.calls[..]), (Action::Destroy, &[Call::CloseRoom][..]));
    assert_eq!((step.on_occupied, step.people), (OnOccupied::Destroy, People::Count(3)));
    let waits = world.policy(|policy| policy.on_occupied = Some(OnOccupied::Defer)).plan();
    assert_eq!(waits.waiting[0].reason, HeldReason::Occupied(People::Count(3)));
}

#[test]
fn on_remove_forget_makes_no_call_for_any_kind() {
    let lifecycle = Lifecycle { on_remove: OnRemove::Forget, ..Lifecycle::default() };
    for address in ["chat/a", "video/a", "live/a"] {
        let kept = RecordedRoom { lifecycle, ..record(Arc::default()) };
        let step = only_step(&world().record(address, kept));
        assert_eq!((step.action, step.weight), (Action::Forget, crate::model::Weight::Counted));
        assert_eq!(step.calls, []);
    }
}

#[test]
fn people_on_one_side_hold_back_both_sides() {
    for (occupied, empty) in [("chat/show", "video/show"), ("video/show", "chat/show")] {
        let world = removed_room()
            .observe(occupied, observed(People::Count(5), &[], &[]))
            .observe(empty, observed(People::Nobody, &[], &[]));
        let plan = world.plan();
        assert_eq!(plan.steps, [], "people at {occupied}");
        let waiting: Vec<_> = plan.waiting.iter().map(|held| held.reason).collect();
        assert_eq!(waiting, [HeldReason::Occupied(People::Count(5)); 2]);
    }
}

#[test]
fn an_empty_room_of_two_sides_is_destroyed_video_first() {
    let empty = || observed(People::Nobody, &[], &[]);
    let plan = removed_room().observe("chat/show", empty()).observe("video/show", empty()).plan();
    let order: Vec<String> = plan.steps.iter().map(|step| step.address.to_string()).collect();
    assert_eq!(order, ["video/show", "chat/show"]);
    assert!(plan.steps.iter().all(|step| step.on_occupied == OnOccupied::Defer));
}

#[test]
fn evicting_one_side_evicts_both() {
    let mut world = removed_room().observe("video/show", observed(People::Count(5), &[], &[]));
    world.evict = [address("chat/show")].into();
    let plan = world.plan();
    assert_eq!(plan.steps.len(), 2);
    assert!(plan.steps.iter().all(|step| step.on_occupied == OnOccupied::Destroy));
}

#[test]
fn both_sides_are_queried_if_one_was_last_seen_with_people() {
    let mut world = removed_room();
    let video = world.recorded.rooms.get_mut(&address("video/show")).expect("recorded");
    (video.last_seen, video.last_seen_with_people) = (Some(at(-5)), Some(at(-5)));
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["chat/show", "video/show"]);
}

#[test]
fn changed_sides_are_only_recorded() {
    let mut world =
        world().declare("chat/show", room("A", &[])).record("chat/show", record(room("A", &[])));
    world.desired.rooms[0].sides = chat_and_video();
    let step = only_step(&world);
    assert_eq!((step.action, step.reason), (Action::Record, Reason::BookkeepingChanged));
    assert_eq!(step.sides, chat_and_video());
    let before = step.bookkeeping.expect("what was recorded");
    assert!(before.sides.is_single(), "{before:?}");
}

#[test]
fn a_live_room_is_created_in_three_calls() {
    let declared = with(
        &[
            (Field::Name, text("Channel")),
            (Field::Notice, text("Hello")),
            (Field::MaxMembers, Value::Number(50)),
        ],
        &[("topic", "welcome")],
    );
    let step = only_step(&world().declare("live/a", declared));
    assert_eq!(
        step.calls,
        [Call::LiveCreateRoom, Call::LiveUpdateRoomInfo, Call::LiveSetRoomMetadata]
    );
    let later = [(Field::MaxMembers, Value::Number(50)), (Field::Notice, text("Hello"))];
    assert_eq!(step.changes[0], Patch::Fields(later.into_iter().collect()));
    assert_eq!(step.changes[1].attributes()[0].key(), "topic");
}

#[test]
fn a_partly_created_room_is_completed() {
    let declared = with(&[(Field::Name, text("Channel"))], &[("topic", "welcome")]);
    let half = declared.made_by_its_call(Kind::TencentLive);
    assert!(half.attributes.is_empty());
    let world = world().declare("live/a", declared.clone()).record("live/a", record(half));
    let step = only_step(&world);
    assert_eq!((step.action, &step.calls[..]), (Action::Update, &[Call::LiveSetRoomMetadata][..]));
    assert_eq!(step.after, Some(declared));
}

#[test]
fn fields_of_update_room_info_change_in_place_and_others_replace() {
    let cases = [
        (Field::Name, text("a"), text("b")),
        (Field::TakeSeatMode, text("FreeToTake"), text("ApplyToTake")),
        (Field::MaxMembers, Value::Number(1), Value::Number(2)),
        (Field::CoverUrl, text("a"), text("b")),
        (Field::Category, Value::Numbers([1].into()), Value::Numbers([2].into())),
        (Field::ActivityStatus, Value::Number(1), Value::Number(2)),
        (Field::Notice, text("a"), text("b")),
        (Field::Muted, Value::Flag(false), Value::Flag(true)),
        (Field::Public, Value::Flag(false), Value::Flag(true)),
        (Field::Owner, text("a"), text("b")),
        (Field::SeatTemplate, text("Karaoke"), text("AudioSalon")),
        (Field::MaxSeats, Value::Number(1), Value::Number(2)),
        (Field::Unlimited, Value::Flag(false), Value::Flag(true)),
    ];
    let replaced = [Field::Owner, Field::SeatTemplate, Field::MaxSeats, Field::Unlimited];
    for (field, old, new) in cases {
        let world = world()
            .declare("live/a", with(&[(field, new.clone())], &[]))
            .record("live/a", record(with(&[(field, old)], &[])));
        let step = only_step(&world);
        if replaced.contains(&field) {
            assert_eq!(step.action, Action::Replace, "{field}");
            assert_eq!(step.calls, [Call::LiveDestroyRoom, Call::LiveCreateRoom], "{field}");
        } else {
            assert_eq!(step.changes, [Patch::Fields([(field, new)].into_iter().collect())]);
            assert_eq!(step.calls, [Call::LiveUpdateRoomInfo], "{field}");
        }
    }
}

#[test]
fn undeclared_fields_are_not_compared() {
    let seen = [(Field::Notice, text("theirs")), (Field::Name, text("Channel"))];
    let declared = || with(&[(Field::Name, text("Channel"))], &[]);
    let world = world()
        .declare("live/a", declared())
        .record("live/a", record(with(&seen, &[])))
        .observe("live/a", observed(People::Unknown, &seen, &[("foreign", "x")]));
    assert_eq!(world.plan().steps, []);
}

#[test]
fn drifted_fields_are_set_again() {
    let ours = || with(&[(Field::Notice, text("ours"))], &[]);
    let world = world()
        .declare("live/a", ours())
        .record("live/a", record(ours()))
        .observe("live/a", observed(People::Unknown, &[(Field::Notice, text("theirs"))], &[]));
    let step = only_step(&world);
    assert_eq!((step.action, step.reason), (Action::Update, Reason::FieldsDrifted));
    assert_eq!(step.before.expect("observed").value(Field::Notice), Some(text("theirs").by_ref()));
    assert_eq!(step.after, Some(ours()));
}

#[test]
fn an_owner_chosen_by_the_service_is_not_replaced() {
    let declared = || with(&[(Field::Owner, text("admin"))], &[]);
    let world = world().declare("live/a", declared()).record("live/a", record(Arc::default()));
    assert_eq!(only_step(&world).action, Action::Replace, "not queried");
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["live/a"]);
    let seen = |owner| observed(People::Unknown, &[(Field::Owner, text(owner))], &[]);
    let same = only_step(&world.clone().observe("live/a", seen("admin")));
    assert_eq!((same.action, same.after), (Action::Record, Some(declared())));
    let other = only_step(&world.observe("live/a", seen("other")));
    assert_eq!(other.action, Action::Replace);
}

#[test]
fn a_drifted_owner_can_be_declared_without_a_replace() {
    let owned = |owner| with(&[(Field::Owner, text(owner))], &[]);
    let seen = observed(People::Count(3), &[(Field::Owner, text("theirs"))], &[]);
    let world = world().declare("live/a", owned("theirs")).record("live/a", record(owned("ours")));
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["live/a"]);
    let step = only_step(&world.observe("live/a", seen));
    assert_eq!((step.action, step.after), (Action::Record, Some(owned("theirs"))));
}

#[test]
fn a_drifted_owner_is_reported_and_not_replaced() {
    let ours = || with(&[(Field::Owner, text("ours"))], &[]);
    let world = world()
        .declare("live/a", ours())
        .record("live/a", record(ours()))
        .observe("live/a", observed(People::Unknown, &[(Field::Owner, text("theirs"))], &[]));
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.findings[0].code), (0, "fields_drifted"));
    assert!(plan.findings[0].message.contains("owner"), "{}", plan.findings[0].message);
}

#[test]
fn drift_is_fixed_in_place_and_the_rest_is_reported() {
    let room =
        |owner, notice| with(&[(Field::Owner, text(owner)), (Field::Notice, text(notice))], &[]);
    let fields = [(Field::Owner, text("theirs")), (Field::Notice, text("bye"))];
    let world = world()
        .declare("live/a", room("ours", "hello"))
        .record("live/a", record(room("ours", "hello")))
        .observe("live/a", observed(People::Unknown, &fields, &[]));
    let step = only_step(&world);
    assert_eq!((step.action, step.reason), (Action::Update, Reason::FieldsDrifted));
    assert_eq!((step.before, step.after), (Some(room("ours", "bye")), Some(room("ours", "hello"))));
    assert_eq!(step.calls, [Call::LiveUpdateRoomInfo]);
    assert_eq!(world.plan().findings[0].code, "fields_drifted");
}

#[test]
fn missing_metadata_of_an_empty_live_room_is_drift() {
    let ours = || with(&[], &[("topic", "a")]);
    let world = world()
        .declare("live/a", ours())
        .record("live/a", record(ours()))
        .observe("live/a", observed(People::Nobody, &[], &[]));
    assert_eq!(only_step(&world).reason, Reason::AttributesDrifted);
}

#[test]
fn metadata_is_deleted_in_a_separate_call_before_it_is_set() {
    let world = world()
        .declare("live/a", with(&[], &[("new", "b")]))
        .record("live/a", record(with(&[], &[("old", "a")])));
    let step = only_step(&world);
    assert_eq!(step.calls, [Call::LiveDelRoomMetadata, Call::LiveSetRoomMetadata]);
    assert_eq!(step.changes[0].attributes(), [AttributeChange::Delete("old".into())]);
}

#[test]
fn a_live_room_is_due_once_tencent_may_have_dissolved_it() {
    let minutes =
        |minutes: i64| RecordedRoom { created: at(-60 * minutes), ..record(Arc::default()) };
    let world = world()
        .declare("live/new", Arc::default())
        .record("live/new", minutes(29))
        .declare("live/old", Arc::default())
        .record("live/old", minutes(31));
    assert_eq!(world.due(Refresh::Due, Purpose::Apply), ["live/old"]);
    let gone = world
        .observe("live/new", Observation::Gone(at(0)))
        .observe("live/old", Observation::Gone(at(0)))
        .plan();
    let reasons: Vec<Reason> = gone.steps.iter().map(|step| step.reason).collect();
    assert_eq!(reasons, [Reason::VanishedEarly, Reason::Vanished]);
}

#[test]
fn an_adopted_live_room_is_changed_in_place_only() {
    let declared = with(
        &[(Field::Notice, text("ours")), (Field::SeatTemplate, text("Karaoke"))],
        &[("topic", "a")],
    );
    let theirs = [(Field::Notice, text("theirs")), (Field::SeatTemplate, text("AudioSalon"))];
    let world = world()
        .policy(|policy| policy.on_conflict = OnConflict::Adopt)
        .declare("live/a", declared)
        .observe("live/a", observed(People::Count(2), &theirs, &[]));
    let step = only_step(&world);
    assert_eq!(step.action, Action::Adopt);
    assert_eq!(step.calls, [Call::LiveUpdateRoomInfo, Call::LiveSetRoomMetadata]);
}

#[test]
fn an_empty_room_resolves_a_close_of_unknown_outcome() {
    use crate::model::{Pending, PendingKind};
    let pending = Pending::new(PendingKind::Destroy, at(-1), None);
    let closing = RecordedRoom { pending: Some(Box::new(pending)), ..record(Arc::default()) };
    let world = world().record("video/a", closing);
    let empty = world.clone().observe("video/a", observed(People::Nobody, &[], &[]));
    assert_eq!((empty.plan().steps.len(), empty.plan().unread.len()), (0, 0));
    let full = world.observe("video/a", observed(People::Count(1), &[], &[]));
    assert_eq!(full.plan().unread.len(), 1, "it may still take effect");
}

/// Returns a live room for which only some of the creating calls were made, and the complete room.
fn partly_created() -> (World, Arc<Room>) {
    let fields = [(Field::Owner, text("alice")), (Field::Notice, text("be kind"))];
    let whole = with(&fields, &[("topic", "music")]);
    let part = record(whole.made_by_its_call(Kind::TencentLive)).with_next(Some(whole.clone()));
    let seen = observed(People::Nobody, &[(Field::Owner, text("alice"))], &[]);
    (world().record("live/a", part).observe("live/a", seen), whole)
}

#[test]
fn reconcile_completes_a_partly_created_live_room() {
    let (there, whole) = partly_created();
    let gone = there.clone().observe("live/a", Observation::Gone(at(0)));
    for (world, action) in [(there, Action::Update), (gone, Action::Recreate)] {
        let (plan, _) = super::reconcile::reconciled(&world);
        let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
        assert_eq!((step.action, &step.after, &step.next), (action, &Some(whole.clone()), &None));
    }
}

#[test]
fn a_partly_created_live_room_is_not_an_unapplied_change() {
    let (world, whole) = partly_created();
    let world = world.declare("live/a", whole);
    assert_eq!(super::super::unapplied(&world.desired, &world.recorded), None);
    let [step] = &world.plan().steps[..] else { panic!("one step") };
    assert_eq!((step.action, &step.next), (Action::Update, &None));
}

#[test]
fn the_files_can_drop_the_rest_of_a_partly_created_live_room() {
    let (world, whole) = partly_created();
    let part = whole.made_by_its_call(Kind::TencentLive);
    let [step] = &world.declare("live/a", part).plan().steps[..] else { panic!("one step") };
    let dropped = step.next.as_deref().map(|next| (next.before.clone(), next.after.clone()));
    assert_eq!((step.action, dropped), (Action::Record, Some((Some(whole), None))));
}

#[test]
fn missing_fields_of_a_partly_created_live_room_are_drift() {
    let (world, _) = partly_created();
    let drift = crate::planner::drift(&world.desired, &world.recorded, &world.observed, None);
    let [room] = &drift.rooms[..] else { panic!("{:?}", drift.rooms) };
    assert_eq!(room.kind, crate::model::DriftKind::AttributesChanged);
}
