//! Properties of every plan, for any files, state and observations.

use proptest::prelude::*;

use super::*;
use crate::model::{
    Action, GateLimit, Held, HeldReason, Landing, NextLife, OnConflict, OnOccupied, OnVanish,
    Patch, Pending, PendingKind, Replace, Settled, Step, dropped, settle,
};

/// The declared, recorded and observed part of each address; each may be missing.
type Rooms = Vec<(Option<DesiredRoom>, Option<RecordedRoom>, Option<Observation>)>;

fn some_attributes() -> impl Strategy<Value = Attributes> {
    let value = (prop_oneof!["a", "b"], any::<bool>())
        .prop_map(|(value, auto_delete)| Attribute { value: value.into(), auto_delete });
    prop::collection::btree_map("[k-n]", value, 0..4).prop_map(|pairs| pairs.into_iter().collect())
}

fn some_room() -> impl Strategy<Value = Arc<Room>> {
    let delay = prop_oneof![Just(None), Just(Some(60)), Just(Some(3600))];
    (prop_oneof![Just(None), Just(Some("A"))], delay, some_attributes()).prop_map(
        |(name, delay, attributes)| {
            Arc::new(Room {
                name: name.map(Into::into),
                destroy_delay_time: delay.map(Delay::from_seconds),
                attributes,
                ..Room::default()
            })
        },
    )
}

fn some_people() -> impl Strategy<Value = People> {
    prop_oneof![
        Just(People::Unknown),
        Just(People::Nobody),
        Just(People::Count(3)),
        Just(People::AtLeast(500))
    ]
}

fn some_observation() -> impl Strategy<Value = Observation> {
    let there = (some_people(), some_attributes()).prop_map(|(people, attributes)| {
        Observation::There(samples::observed_room(at(0), people, attributes))
    });
    prop_oneof![
        1 => Just(Observation::Unread { why: "no answer".to_owned() }),
        2 => Just(Observation::Gone(at(0))),
        5 => there
    ]
}

fn some_pending() -> impl Strategy<Value = Option<Box<Pending>>> {
    let kind = prop_oneof![
        Just(PendingKind::Create),
        Just(PendingKind::Update),
        Just(PendingKind::Destroy)
    ];
    let pending = (kind, 0..20i64, some_room())
        .prop_map(|(kind, ago, room)| Box::new(Pending::new(kind, at(-ago), Some(room))));
    prop_oneof![4 => Just(None), 1 => pending.prop_map(Some)]
}

fn some_file() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![4 => Just("rooms.yaml".into()), 1 => Just("more.yaml".into())]
}

/// Records of uncertain origin, of a room that a replace destroyed, or of one with carried attributes
/// to set.
fn some_history() -> impl Strategy<Value = (Option<Box<str>>, Option<Box<NextLife>>)> {
    let next = (some_room(), any::<bool>()).prop_map(|(room, destroyed)| {
        let carried = room.attributes.iter().map(|(key, it)| (format!("their-{key}"), it.clone()));
        let carried = carried.collect();
        Box::new(NextLife { room: Some(room), carried, destroyed: destroyed.then(|| at(-5)) })
    });
    let contested = prop_oneof![6 => Just(None), 1 => Just(Some("it is another".into()))];
    (contested, prop_oneof![6 => Just(None), 1 => next.prop_map(Some)])
}

fn some_record() -> impl Strategy<Value = RecordedRoom> {
    let parts =
        (some_room(), 0..7200i64, any::<bool>(), some_file(), some_pending(), some_history());
    parts.prop_map(|(room, ago, prevent_destroy, source, pending, (contested, next))| {
        RecordedRoom {
            created: at(-ago),
            lifecycle: Lifecycle { prevent_destroy, ..Lifecycle::default() },
            source,
            contested: contested.filter(|_| pending.is_none()),
            pending,
            next,
            ..record(room)
        }
    })
}

fn some_declared() -> impl Strategy<Value = DesiredRoom> {
    (some_room(), any::<bool>(), some_file()).prop_map(|(room, prevent_destroy, source)| {
        let lifecycle = Lifecycle { prevent_destroy, ..Lifecycle::default() };
        DesiredRoom { lifecycle, source, ..declared("chat/x", room) }
    })
}

fn some_rooms() -> impl Strategy<Value = Rooms> {
    let declared = prop::option::of(some_declared());
    let recorded = prop::option::of(some_record());
    let observed = prop::option::of(some_observation());
    prop::collection::vec((declared, recorded, observed), 0..8)
}

fn some_policy() -> impl Strategy<Value = Policy> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (flags, 0..=100u8).prop_map(|((adopt, defer, ignore, later), percent)| Policy {
        replace: if later { Replace::OnNextVanish } else { Replace::Now },
        refresh: Refresh::Due,
        on_vanish: if ignore { OnVanish::Ignore } else { OnVanish::Recreate },
        on_conflict: if adopt { OnConflict::Adopt } else { OnConflict::Fail },
        on_occupied: Some(if defer { OnOccupied::Defer } else { OnOccupied::Destroy }),
        max_destroy: GateLimit::Percent(percent),
        max_recreate: GateLimit::Percent(percent),
    })
}

fn some_world() -> impl Strategy<Value = World> {
    let most = prop::option::of(0..8u64);
    (some_rooms(), some_policy(), most).prop_map(|(rooms, policy, most)| {
        let mut world = World::new().policy(|it| *it = policy);
        world.chat().max_rooms = most;
        for (n, (declared, record, observation)) in rooms.into_iter().enumerate() {
            let address = address(&format!("chat/{n}"));
            let declared = declared.map(|it| DesiredRoom { address: address.clone(), ..it });
            world.desired.rooms.extend(declared);
            world.recorded.rooms.extend(record.map(|it| (address.clone(), it)));
            world.observed.rooms.extend(observation.map(|it| (address, it)));
        }
        world
    })
}

/// Returns the world after a plan was applied completely, in the state and at the service.
fn applied(world: &World, plan: &Plan) -> World {
    let mut world = world.clone();
    for step in &plan.steps {
        let Step { address, action, after, lifecycle, source, .. } = step;
        let made = |kept: Option<&RecordedRoom>| RecordedRoom {
            source: source.clone().expect("declared"),
            lifecycle: *lifecycle,
            pending: None,
            created: kept.map_or(at(0), |kept| kept.created),
            ..record(after.clone().expect("a room"))
        };
        let kept = world.recorded.rooms.get(address);
        let now = match action {
            Action::Create | Action::Recreate | Action::Replace => Some(made(None)),
            Action::Update | Action::Adopt | Action::Record => {
                Some(RecordedRoom { next: next_of(step, &world), ..made(kept) })
            }
            Action::Destroy | Action::Forget => None,
        };
        match now {
            Some(record) => world.recorded.rooms.insert(address.clone(), record),
            None => world.recorded.rooms.remove(address),
        };
        if let Some(seen) = world.observed.rooms.get_mut(address) {
            apply_to_service(seen, step);
        }
    }
    world
}

/// Returns the recorded next life after a step; attributes of others are set again by then.
fn next_of(step: &Step, world: &World) -> Option<Box<NextLife>> {
    let kept = settled(world, &step.address)?;
    let room = match step.next.as_deref() {
        Some(change) => change.after.clone(),
        None => kept.waiting_next(Kind::Zim).and_then(|next| next.room.clone()),
    };
    RecordedRoom { next: None, ..kept }.with_next(room).next
}

/// Returns the record of a room once its open call is resolved, which can change the next life.
fn settled(world: &World, address: &Address) -> Option<RecordedRoom> {
    let record = world.recorded.rooms.get(address)?;
    let Some(pending) = record.pending.as_deref() else { return Some(record.clone()) };
    let application = &world.desired.providers[&address.provider].application;
    let observation = world.observed.of(address);
    match settle(application, record, pending, observation, Landing::ByClock) {
        Settled::Done(record)
        | Settled::NotDone(record)
        | Settled::Contested(record)
        | Settled::Unproven(record) => Some(record),
        Settled::Gone(left) | Settled::Foreign(left) => left,
        Settled::MayStillLand(_) | Settled::Unread(_) => unreachable!("the room has a step"),
    }
}

/// Changes an observation as the service would after a step.
fn apply_to_service(seen: &mut Observation, step: &Step) {
    let fresh = || {
        let after = step.after.as_ref();
        let attributes = after.map(|room| room.attributes.clone()).unwrap_or_default();
        samples::observed_room(at(0), People::Nobody, attributes)
    };
    match (step.action, seen) {
        (Action::Create | Action::Recreate | Action::Replace, seen) => {
            *seen = Observation::There(fresh());
        }
        (Action::Destroy | Action::Forget, seen) => *seen = Observation::Gone(at(0)),
        (Action::Update | Action::Adopt | Action::Record, Observation::There(observed_room)) => {
            for change in step.changes.iter().flat_map(Patch::attributes) {
                observed_room.attributes.apply(change);
            }
        }
        (Action::Update | Action::Adopt | Action::Record, seen) => {
            assert_eq!(*seen, Observation::Gone(at(0)), "{step:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn reconcile_destroys_nothing_and_ignores_the_declared_rooms(world in some_world()) {
        let (plan, again) = super::reconcile::reconciled(&world);
        for step in &plan.steps {
            let Step { address, action, reason, .. } = step;
            prop_assert!(!matches!(action, Action::Destroy | Action::Replace), "{address}: {reason:?}");
            let gone = matches!(world.observed.of(address), Some(Observation::Gone(_)));
            prop_assert!(*action != Action::Forget || gone, "{address}");
        }
        prop_assert_eq!(plan, again, "whatever the files declare");
    }

    #[test]
    fn a_renamed_provider_changes_the_record_only(world in some_world()) {
        let renamed = super::moved::recorded_as_talk(&world);
        prop_assert_eq!(identity(&renamed.desired, &renamed.recorded, HostChange::Refused), Ok(vec![]));
        let (plan, same) = (renamed.plan(), world.plan());
        let others = |plan: &Plan| -> Vec<Step> {
            plan.steps.iter().filter(|step| step.action != Action::Record).cloned().collect()
        };
        prop_assert_eq!(others(&plan), others(&same));
        prop_assert_eq!((&plan.waiting, &plan.blocked, &plan.unread), (&same.waiting, &same.blocked, &same.unread));
        prop_assert_eq!(&plan.gate, &same.gate);
        let moved = plan.steps.iter().filter(|step| step.reason == crate::model::Reason::Moved);
        let moved: Vec<&Address> = moved.map(|step| &step.address).collect();
        prop_assert_eq!(moved, world.recorded.rooms.keys().collect::<Vec<_>>());
    }

    #[test]
    fn a_plan_after_a_complete_apply_has_no_steps(world in some_world()) {
        let plan = world.plan();
        let again = applied(&world, &plan).plan();
        prop_assert_eq!(&again.steps, &[], "after {:#?}", plan.steps);
        let held = |plan: &Plan| plan.waiting.len() + plan.blocked.len() + plan.unread.len();
        prop_assert_eq!(held(&again), held(&plan));
    }

    #[test]
    fn reconcile_makes_the_waiting_next_life_of_a_vanished_room(world in some_world()) {
        let world = world.policy(|policy| policy.replace = Replace::OnNextVanish);
        let plan = world.plan();
        prop_assert!(plan.steps.iter().all(|step| step.action != Action::Replace));
        let mut done = applied(&world, &plan);
        let waiting = plan.waiting.iter().filter(|held| held.reason == HeldReason::NextLife);
        for Held { step, reason: _ } in waiting {
            done.observed.rooms.insert(step.address.clone(), Observation::Gone(at(0)));
            let desired = last_applied(&done.desired, &done.recorded, &done.observed);
            let room = desired.rooms.iter().find(|room| room.address == step.address);
            let declared = world.desired.rooms.iter().find(|room| room.address == step.address);
            prop_assert_eq!(room.map(|it| &it.room), declared.map(|it| &it.room));
        }
    }

    #[test]
    fn nothing_unrecorded_is_destroyed(world in some_world()) {
        for step in world.plan().steps {
            match step.action {
                Action::Destroy | Action::Forget | Action::Replace | Action::Update => {
                    prop_assert!(world.recorded.rooms.contains_key(&step.address));
                }
                Action::Create | Action::Recreate | Action::Adopt | Action::Record => {}
            }
        }
    }

    #[test]
    fn contested_rooms_get_no_steps(world in some_world()) {
        let plan = world.plan();
        for (address, record) in &world.recorded.rooms {
            let gone = matches!(world.observed.of(address), Some(Observation::Gone(_)));
            if record.contested.is_some() && !gone {
                prop_assert!(plan.steps.iter().all(|step| step.address != *address));
            }
        }
    }

    #[test]
    fn changes_in_place_do_not_wait_for_a_replace(world in some_world()) {
        let world = world.policy(|policy| policy.replace = Replace::Now);
        let plan = world.plan();
        let held = |steps: &[Step]| -> Vec<_> {
            steps.iter().filter(|step| step.action == Action::Replace).cloned().collect()
        };
        let replaces = held(&plan.steps);
        let instead: Vec<Step> =
            replaces.iter().filter_map(|step| step.instead.as_deref().cloned()).collect();
        let done = applied(&world, &Plan { steps: instead, ..plan.clone() }).plan();
        for (before, after) in replaces.iter().zip(held(&done.steps)) {
            prop_assert_eq!(&after.instead, &None, "after {:#?}", before);
            prop_assert_eq!((&after.address, &after.after), (&before.address, &before.after));
        }
        prop_assert_eq!(held(&done.steps).len(), replaces.len());
    }

    #[test]
    fn protected_occupied_and_unchanged_rooms_are_not_destroyed(world in some_world()) {
        for step in world.plan().steps {
            if matches!(step.action, Action::Destroy | Action::Replace) {
                let declared = world.desired.rooms.iter().find(|r| r.address == step.address);
                let recorded = &world.recorded.rooms[&step.address];
                let flag = declared.map_or(recorded.lifecycle, |d| d.lifecycle).prevent_destroy;
                prop_assert!(!flag, "protected");
                let defer = world.desired.policy.on_occupied == Some(OnOccupied::Defer);
                prop_assert!(!(defer && step.people.any()), "occupied");
                prop_assert!(declared.is_none_or(|d| d.room != recorded.room), "as declared");
            }
        }
    }

    #[test]
    fn keys_of_others_are_never_changed(world in some_world()) {
        for step in world.plan().steps {
            let declared = world.desired.rooms.iter().find(|r| r.address == step.address);
            let recorded = world.recorded.rooms.get(&step.address);
            let pending = recorded.and_then(|r| r.pending.as_ref()).and_then(|p| p.room.as_ref());
            for change in step.changes.iter().flat_map(Patch::attributes) {
                let lacks = matches!(
                    world.observed.of(&step.address),
                    Some(Observation::There(seen)) if seen.attributes.get(change.key()).is_none()
                );
                if lacks && recorded.is_some_and(|it| it.carried().get(change.key()).is_some()) {
                    continue;
                }
                let ours = [declared.map(|d| &d.room), recorded.map(|r| &r.room), pending];
                let has = |room: &Arc<Room>| room.attributes.get(change.key()).is_some();
                prop_assert!(ours.into_iter().flatten().any(has), "{:?}", change);
            }
        }
    }

    #[test]
    fn every_room_has_one_decision(world in some_world()) {
        let plan = world.plan();
        let mut all: Vec<_> = plan.steps.iter().map(|step| &step.address).collect();
        all.sort();
        all.dedup();
        prop_assert_eq!(all.len(), plan.steps.len());
        let declared = world.desired.rooms.len() as u64;
        let known = plan.summary.unchanged + plan.steps.len() as u64;
        let held = plan.waiting.len() + plan.blocked.len() + plan.unread.len();
        prop_assert!(known + held as u64 >= declared);
    }

    #[test]
    fn equal_rooms_need_no_steps(rooms in prop::collection::vec(some_room(), 0..8)) {
        let mut world = World::new();
        for (n, room) in rooms.into_iter().enumerate() {
            let text = format!("chat/{n}");
            let attributes = room.attributes.clone();
            let there = there(People::Nobody, &[]);
            let Observation::There(empty) = there else { unreachable!("it is there") };
            let seen = ObservedRoom { attributes, ..empty };
            world = world
                .declare(&text, room.clone())
                .record(&text, record(room))
                .observe(&text, Observation::There(seen));
        }
        let plan = world.plan();
        prop_assert_eq!(&plan.steps, &[]);
        prop_assert_eq!(plan.summary.unchanged, world.desired.rooms.len() as u64);
    }

    #[test]
    fn equal_inputs_give_equal_plans(world in some_world()) {
        let mut other = World::new().policy(|it| *it = world.desired.policy.clone());
        other.chat().max_rooms = world.desired.providers.values().next().and_then(|p| p.max_rooms);
        let mut rooms = world.desired.rooms.clone();
        rooms.reverse();
        rooms.sort_by(|a, b| a.address.cmp(&b.address));
        other.desired.rooms = rooms;
        other.recorded.rooms.extend(world.recorded.rooms.clone().into_iter().rev());
        other.observed.rooms.extend(world.observed.rooms.clone().into_iter().rev());
        prop_assert_eq!(world.plan(), other.plan());
    }

    #[test]
    fn a_plan_never_exceeds_max_rooms(world in some_world()) {
        let plan = world.plan();
        let most = world.desired.providers.values().next().and_then(|p| p.max_rooms);
        let makes = |step: &&Step| matches!(step.action, Action::Create | Action::Recreate);
        let made = plan.steps.iter().filter(makes).count() as u64;
        if let (Some(most), true) = (most, made > 0) {
            let after = applied(&world, &plan).recorded.rooms.into_iter();
            let alive = after.filter(|(address, record)| {
                // A room that we destroyed is not alive: its create follows.
                let landed = record.pending.is_none() && !record.is_destroyed();
                landed && world.observed.of(address) != Some(&Observation::Gone(at(0)))
                    || plan.steps.iter().any(|s| makes(&s) && s.address == *address)
            });
            prop_assert!(alive.count() as u64 <= most);
        }
    }

    #[test]
    fn dropped_attributes_are_not_set_without_a_change(world in some_world()) {
        for step in world.plan().steps {
            let seen = world.observed.of(&step.address);
            let record = world.recorded.rooms.get(&step.address);
            if let (Action::Update, Some(Observation::There(seen)), Some(record)) =
                (step.action, seen, record)
                && record.pending.is_none()
                && dropped(Kind::Zim, &record.room.attributes, seen)
            {
                prop_assert_eq!(step.reason, crate::model::Reason::AttributesChanged);
            }
        }
    }
}
