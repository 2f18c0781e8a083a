//! Tests of `state mv`, which moves records to other addresses.

use super::moved::{name, recorded_as_talk};
use super::steps::pending;
use super::*;
use crate::model::PendingKind;
use crate::planner::{Relocated, Relocation, RelocationError, relocate};

fn world() -> World {
    World::new()
        .declare("chat/a", room("A", &[]))
        .record("chat/a", record(room("A", &[])))
        .record("chat/b", pending(PendingKind::Create, 60))
}

fn provider(from: &str, to: &str) -> Relocation {
    Relocation::Provider { from: name(from), to: name(to) }
}

fn one(from: &str, to: &str) -> Relocation {
    let address = |text: &str| text.parse().expect("an address");
    Relocation::Room { from: address(from), to: address(to) }
}

fn relocated(world: &World, relocation: &Relocation) -> Result<Relocated, RelocationError> {
    relocate(&world.recorded, relocation, &world.desired.providers)
}

#[test]
fn moving_a_provider_moves_its_rooms_and_their_pending_calls() {
    let expected = world().recorded;
    let talk = recorded_as_talk(&world());
    let after = relocated(&talk, &provider("talk", "chat")).expect("relocated");
    assert_eq!(after.recorded, expected);
    assert_eq!(after.rooms.len(), 2);
    let back =
        relocated(&World { recorded: after.recorded, ..talk.clone() }, &provider("chat", "talk"));
    assert_eq!(back.expect("relocated").recorded, talk.recorded);
}

#[test]
fn moving_one_room_copies_its_application_and_leaves_the_others() {
    let talk = recorded_as_talk(&world());
    let after = relocated(&talk, &one("talk/b", "chat/b")).expect("relocated").recorded;
    let addresses: Vec<String> = after.rooms.keys().map(ToString::to_string).collect();
    assert_eq!(addresses, ["chat/b", "talk/a"]);
    assert!(after.rooms.values().any(|record| record.pending.is_some()), "an intent is lost");
    assert_eq!(after.providers[&name("chat")], after.providers[&name("talk")]);
    let last = World { recorded: after, ..talk };
    let after = relocated(&last, &one("talk/a", "chat/a")).expect("relocated").recorded;
    assert_eq!(after, world().recorded, "the old name is gone with its last room");
}

#[test]
fn the_other_sides_of_a_room_get_its_new_name() {
    let mut world = world();
    let sides = |names: &[&str]| Sides::new(names.iter().map(|it| name(it)).collect());
    let side = RecordedRoom { sides: sides(&["chat", "video"]), ..record(room("A", &[])) };
    world.recorded.rooms.insert("chat/a".parse().expect("an address"), side.clone());
    world.recorded.rooms.insert("video/a".parse().expect("an address"), side.clone());
    world.recorded.rooms.insert("video/b".parse().expect("an address"), side);
    let of =
        |after: &Relocated, at: &str| after.recorded.rooms[&at.parse().expect("one")].sides.clone();
    let after = relocated(&world, &one("chat/a", "talk/a")).expect("relocated");
    assert_eq!(of(&after, "talk/a"), sides(&["talk", "video"]));
    assert_eq!(of(&after, "video/a"), sides(&["talk", "video"]));
    assert_eq!(of(&after, "video/b"), sides(&["chat", "video"]), "another room");
    let after = relocated(&world, &provider("chat", "talk")).expect("relocated");
    assert_eq!(of(&after, "video/b"), sides(&["talk", "video"]));
}

#[test]
fn a_missing_taken_or_different_address_is_refused() {
    let world = world().record("talk/a", record(room("A", &[])));
    for (relocation, why) in [
        (provider("chat", "talk"), "talk/a is recorded already"),
        (one("chat/a", "talk/a"), "talk/a is recorded already"),
        (one("chat/x", "talk/x"), "chat/x is not recorded"),
        (one("chat/a", "chat/c"), "are different rooms"),
        (one("chat/a", "talk/c"), "are different rooms"),
        (one("chat/a", "chat/a"), "are the same"),
        (provider("chat", "chat"), "are the same"),
        (provider("video", "chat"), "no room of `video`"),
    ] {
        let error = relocated(&world, &relocation).expect_err(why).to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[test]
fn another_application_in_the_file_or_record_is_refused() {
    for change in [
        |made: &mut ProviderIdentity| made.app_id += 1,
        |made: &mut ProviderIdentity| made.kind = Kind::Rtc,
        |made: &mut ProviderIdentity| made.host = Some("other.example".into()),
    ] {
        let mut talk = recorded_as_talk(&world());
        change(talk.recorded.providers.get_mut(&name("talk")).expect("recorded"));
        let error = relocated(&talk, &provider("talk", "chat")).expect_err("the file");
        assert!(matches!(error, RelocationError::Identity(_)), "{error}");

        let mut both = world().record("talk/c", record(room("C", &[])));
        let mut made = both.recorded.providers[&name("chat")].clone();
        change(&mut made);
        both.recorded.providers.insert(name("talk"), made);
        let error = relocated(&both, &one("chat/a", "talk/a")).expect_err("the record");
        assert!(matches!(error, RelocationError::OtherApplication { .. }), "{error}");
        assert!(error.to_string().contains("`chat` and `talk`"), "{error}");
        both.recorded.rooms.remove(&"talk/c".parse().expect("an address"));
        relocated(&both, &one("chat/a", "talk/a")).expect("a name without rooms may be anything");
    }
}
