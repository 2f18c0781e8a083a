//! Tests of the ownership attribute, which every declared room has and which proves who owns a room.

use super::*;
use crate::model::{Action, Carried, HeldReason, Lineage, OnConflict, Owner, Reason, Step};

const OURS: &str = "7e9bb6ff-0d44-4ef7-9df9-7f1f5b8a1f44";
const OTHER: &str = "00000000-0000-4000-8000-000000000000";

/// Returns a world with a state whose rooms have the ownership attribute `by`.
fn world() -> World {
    let mut world = World::new();
    let chat = world.chat();
    chat.application = chat.application.clone().with_ownership_attribute("by");
    world.recorded.lineage = Some(Lineage(OURS.to_owned()));
    world
}

/// Returns the declared room `chat/a`, recorded with these attributes.
fn recorded(pairs: &[(&str, &str)]) -> World {
    world()
        .declare("chat/a", room("A", &[("topic", "x")]))
        .record("chat/a", record(room("A", pairs)))
}

impl World {
    /// Returns the plan of the files with the ownership attribute, as the engine makes it.
    fn owned_plan(&self) -> Plan {
        let desired = owned(&self.desired, self.recorded.lineage.as_ref()).into_owned();
        World { desired, ..self.clone() }.plan()
    }

    fn owned_step(&self) -> Step {
        let plan = self.owned_plan();
        let [step] = &plan.steps[..] else { panic!("{plan:?}") };
        step.clone()
    }
}

fn ignoring(mut world: World, path: &str) -> World {
    let paths: Box<[Box<str>]> = [path.into()].into();
    world.desired.rooms.iter_mut().for_each(|it| it.ignore_changes = paths.clone());
    world.recorded.rooms.values_mut().for_each(|it| it.ignore_changes = paths.clone());
    world
}

#[test]
fn every_declared_room_has_the_attribute_if_there_is_a_lineage() {
    let world = world().declare("chat/a", room("A", &[("topic", "x")]));
    let step = world.owned_step();
    assert_eq!(step.after, Some(room("A", &[("by", OURS), ("topic", "x")])));
    let (before, after) = step.shown();
    assert_eq!((before, after.as_deref()), (None, Some(&*room("A", &[("topic", "x")]))));
    assert!(matches!(owned(&world.desired, None), std::borrow::Cow::Borrowed(_)));
    let without = World::new().declare("chat/a", room("A", &[]));
    let lineage = Lineage(OURS.to_owned());
    assert!(matches!(owned(&without.desired, Some(&lineage)), std::borrow::Cow::Borrowed(_)));
    // A plan without a lineage has the same digest.
    assert_eq!(world.plan().digest, world.owned_plan().digest);
}

#[test]
fn a_recorded_room_gets_the_attribute_by_an_update_with_its_own_reason() {
    let step = recorded(&[("topic", "x")]).owned_step();
    assert_eq!((step.action, step.reason), (Action::Update, Reason::OwnershipChanged));
    let (_, after) = step.shown();
    assert_eq!(after.as_deref(), Some(&*room("A", &[("by", OURS), ("topic", "x")])));
    let step = recorded(&[("topic", "y")]).owned_step();
    assert_eq!((step.action, step.reason), (Action::Update, Reason::AttributesChanged));
    let earlier = recorded(&[("topic", "x"), ("owner", OURS)]).owned_step();
    assert_eq!((earlier.reason, earlier.changes.len()), (Reason::OwnershipChanged, 1));
    let theirs = recorded(&[("topic", "x"), ("owner", OTHER)]).owned_step();
    assert_eq!(theirs.reason, Reason::AttributesChanged, "it holds another lineage");
    assert_eq!(recorded(&[("by", OURS), ("topic", "x")]).owned_plan().steps, []);
}

#[test]
fn the_digest_excludes_the_ownership_attribute() {
    let digest = |pairs: &[(&str, &str)]| recorded(pairs).owned_plan().digest;
    let nothing = digest(&[("by", OURS), ("topic", "x")]);
    assert_eq!(digest(&[("topic", "x")]), nothing);
    assert_eq!(digest(&[("topic", "x"), ("owner", OURS)]), nothing);
    let changed = digest(&[("by", OURS), ("topic", "y")]);
    assert_ne!(changed, nothing);
    assert_eq!(digest(&[("topic", "y")]), changed);
    assert_eq!(digest(&[("topic", "y"), ("owner", OURS)]), changed);
    assert_ne!(digest(&[("topic", "x"), ("owner", OTHER)]), nothing, "it holds another lineage");
}

#[test]
fn ignore_changes_does_not_apply_to_the_ownership_attribute() {
    let set = |step: &Step| step.after.as_ref().and_then(|it| it.attributes.get("by").cloned());
    let ours = Some(attribute(OURS));
    let absent = ignoring(recorded(&[("topic", "y")]), "attributes").owned_step();
    assert_eq!((absent.reason, set(&absent)), (Reason::OwnershipChanged, ours.clone()));
    assert_eq!(
        absent.after.as_ref().and_then(|it| it.attributes.get("topic")),
        Some(&attribute("y"))
    );
    let overwritten = there(People::Count(1), &[("by", "me"), ("topic", "z")]);
    let known = ignoring(recorded(&[("by", OURS), ("topic", "x")]), "attributes");
    let overwritten = known.clone().observe("chat/a", overwritten).owned_step();
    assert_eq!((overwritten.reason, set(&overwritten)), (Reason::AttributesDrifted, ours.clone()));
    assert_eq!(overwritten.changes.len(), 1);
    let mut renamed = known.clone();
    renamed.desired.rooms[0].room = room("B", &[("topic", "x")]);
    let seen = there(People::Nobody, &[("by", "me"), ("topic", "z")]);
    let replaced = renamed.observe("chat/a", seen).owned_step();
    assert_eq!((replaced.action, set(&replaced)), (Action::Replace, ours.clone()));
    assert_eq!(replaced.carried, Carried::Known(attributes(&[("topic", "x")])));
    let unrecorded = World { recorded: world().recorded, ..known }
        .observe("chat/a", there(People::Count(1), &[("topic", "z")]))
        .policy(|policy| policy.on_conflict = OnConflict::Adopt);
    assert_eq!(set(&unrecorded.owned_step()), ours);
}

#[test]
fn a_removed_or_overwritten_attribute_is_drift_and_restored() {
    for seen in [&[("topic", "x")][..], &[("by", "me"), ("topic", "x")]] {
        let world = recorded(&[("by", OURS), ("topic", "x")]);
        let world = world.observe("chat/a", there(People::Count(1), seen));
        let step = world.owned_step();
        assert_eq!((step.action, step.reason), (Action::Update, Reason::AttributesDrifted));
        assert_eq!(
            step.shown().1.as_deref().map(|it| it.attributes.len()),
            Some(2),
            "the change is shown"
        );
        let found = drift(&world.desired, &world.recorded, &world.observed, None);
        assert_eq!(&*found.rooms[0].changes[0].path, "attributes.by");
        assert!(found.findings.is_empty());
    }
}

#[test]
fn a_recorded_room_of_another_state_is_blocked_until_imported() {
    let seen = there(People::Nobody, &[("by", OTHER), ("topic", "y")]);
    for known in [&[("by", OURS), ("topic", "x")][..], &[("topic", "x")]] {
        let world = recorded(known).observe("chat/a", seen.clone());
        for world in [
            world.clone(),
            World { desired: super::ownership::world().desired, ..world.clone() },
            world.policy(|policy| policy.on_conflict = OnConflict::Adopt),
        ] {
            let plan = world.owned_plan();
            assert_eq!((plan.steps.len(), plan.blocked[0].reason), (0, HeldReason::Contested));
            assert!(plan.findings.iter().any(|it| it.message.contains(OTHER)), "{plan:?}");
            let desired = owned(&world.desired, world.recorded.lineage.as_ref());
            let found = drift(&desired, &world.recorded, &world.observed, None);
            assert_eq!(found.findings[0].code, "other_lineage");
        }
    }
    let imported = recorded(&[("by", OTHER), ("topic", "y")]).observe("chat/a", seen);
    assert_eq!(imported.owned_step().after, Some(room("A", &[("by", OURS), ("topic", "x")])));
}

#[test]
fn our_lineage_resolves_a_contested_room() {
    let seen = there(People::Count(1), &[("by", OURS), ("topic", "x")]);
    let mut world = recorded(&[("by", OURS), ("topic", "x")]).observe("chat/a", seen);
    for record in world.recorded.rooms.values_mut() {
        record.contested = Some("it has attributes that were not sent".into());
    }
    let step = world.owned_step();
    assert_eq!((step.action, step.reason), (Action::Record, Reason::BookkeepingChanged));
    world.observed.rooms.clear();
    assert_eq!(
        world.owned_plan().blocked[0].reason,
        HeldReason::Contested,
        "without an observation it stays contested"
    );
}

#[test]
fn an_unrecorded_room_of_another_state_is_never_adopted() {
    for (seen, adopts, fails) in [
        (&[("by", OTHER)][..], Some(HeldReason::OtherState), HeldReason::OtherState),
        (&[("by", OURS)], None, HeldReason::Conflict),
        (&[("by", "me")], None, HeldReason::Conflict),
        (&[], None, HeldReason::Conflict),
    ] {
        let world = world()
            .declare("chat/a", room("A", &[("topic", "x")]))
            .observe("chat/a", there(People::Nobody, seen));
        assert_eq!(world.owned_plan().blocked[0].reason, fails);
        let plan = world.policy(|policy| policy.on_conflict = OnConflict::Adopt).owned_plan();
        assert_eq!(plan.blocked.first().map(|held| held.reason), adopts, "{seen:?}");
        assert_eq!(
            plan.steps.first().map(|step| step.action),
            adopts.is_none().then_some(Action::Adopt)
        );
    }
}

#[test]
fn a_room_to_be_destroyed_is_queried_first() {
    let world = recorded(&[("by", OURS), ("topic", "x")]);
    assert!(world.due(Refresh::Due, Purpose::Apply).is_empty());
    let undeclared = World { desired: super::ownership::world().desired, ..world.clone() };
    assert_eq!(undeclared.due(Refresh::Due, Purpose::Apply), ["chat/a"]);
    let mut renamed = world;
    renamed.desired.rooms[0].room = room("B", &[("topic", "x")]);
    assert_eq!(renamed.due(Refresh::Due, Purpose::Plan), ["chat/a"]);
    assert!(renamed.due(Refresh::Never, Purpose::Plan).is_empty());
}

#[test]
fn reconcile_adds_the_attribute_only_to_rooms_that_it_makes() {
    let world = recorded(&[("topic", "x")]).record("chat/b", record(room("B", &[])));
    let world = world.observe("chat/a", Observation::Gone(at(0)));
    let files = owned(&world.desired, world.recorded.lineage.as_ref());
    let desired = last_applied(&files, &world.recorded, &world.observed);
    let plan = World { desired, ..world.clone() }.plan();
    let [step] = &plan.steps[..] else { panic!("{plan:?}") };
    assert_eq!(step.after, Some(room("A", &[("by", OURS), ("topic", "x")])));
}

#[test]
fn without_a_state_every_lineage_belongs_to_another_state() {
    let world = world();
    let application = &world.desired.providers.values().next().expect("it").application;
    let owner = application.owner(&attributes(&[("by", OURS)]));
    assert_eq!(owner, Owner::Other(Lineage(OURS.to_owned())));
}
