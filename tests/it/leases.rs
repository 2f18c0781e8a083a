//! Applies over a store with a lease: at the limit in spite of its latency, and no call outside the
//! window of its intent.

use std::collections::BTreeSet;
use std::time::Duration;

use roomctl::applier::{Stop, StopSwitch};
use roomctl::emulator::{Action, EmulatorConfig};
use roomctl::engine::{self, ApplyRequest, Approver, Reviewed, SessionError};
use roomctl::model::{
    Action as StepAction, Approval, ApprovedPlan, Call, Consent, Desired, Destroys, Event, Kind,
    NotTried, PendingKind, Plan, RecordedRoom, Refresh, RoomId, Scope,
};
use roomctl::state::StateError;
use tokio::time::Instant;

use crate::stores::lease::LeaseStore;
use crate::support::fleet::{CHAT, FLEETS, Fleet, HEAD, MIXED, come_through, converge, no_orphans};
use crate::support::{
    APP, Ended, Fuse, How, Mishap, Ran, World, at, in_moved_time, plain_service,
    service as fast_service,
};

/// The latencies of a store, in milliseconds, with the part of the limit that calls are to keep.
const LATENCIES: [(u64, f64); 2] = [(50, 0.99), (300, 0.95)];

/// Returns the services with the vendors' limits, 50 ms away: without jitter, which costs a part of
/// the limit on any store.
fn service() -> EmulatorConfig {
    EmulatorConfig { latency: Duration::from_millis(50), ..plain_service() }
}

fn chat_rooms(count: usize) -> String {
    let room = |n| format!("  - {{id: r{n:05}, destroy_delay_time: 3h}}\n");
    format!("{HEAD}rooms:\n{}", (0..count).map(room).collect::<String>())
}

fn live_rooms(count: usize) -> String {
    let room = |n| {
        format!("  - {{id: r{n:05}, seat_template: Karaoke, attributes: {{topic: welcome}}}}\n")
    };
    let rooms: String = (0..count).map(room).collect();
    format!(
        "version: 1\nproviders: {{live: {{kind: tencent-live, app_id: 1, operator: admin, \
         endpoint: emulator}}}}\nstate: rooms.state.json\nrooms:\n{rooms}"
    )
}

/// Asserts that an action was called at least at this part of its limit, and never more often than that
/// in any second.
fn assert_pace(world: &World, kind: Kind, action: Action, limit: usize, part: f64) {
    let stats = world.stats_of(kind);
    let busiest = stats.busiest_second(action);
    assert!(busiest <= limit, "{busiest} calls of {} in a second", action.as_str());
    let arrivals = &stats.calls[&action].arrivals;
    let took = arrivals[arrivals.len() - 1] - arrivals[0];
    let pace = count(arrivals.len() - 1) / took.as_secs_f64();
    assert!(pace >= part * count(limit), "{}: {pace} a second", action.as_str());
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("few"))
}

async fn apply(world: &World, text: &str) -> usize {
    let desired = world.declare(text);
    let ran = world.apply(&desired, &How::with_consent()).await.expect("a state").ran();
    assert_eq!((&ran.outcome.failed[..], &ran.outcome.not_tried[..]), (&[][..], &[][..]));
    ran.outcome.done.len()
}

#[test]
fn chat_rooms_come_at_the_limit() {
    const ROOMS: usize = 3_000;
    for (latency, part) in LATENCIES {
        in_moved_time(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            assert_eq!(apply(&world, &chat_rooms(ROOMS)).await, ROOMS);
            store.assert_covered();
            store.assert_few_repeated_intents();
            assert_pace(&world, Kind::Zim, Action::CreateRoom, 20, part);
        });
    }
}

#[test]
fn live_rooms_with_metadata_come_at_the_limit() {
    const ROOMS: usize = 2_500;
    for (latency, part) in LATENCIES {
        in_moved_time(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            assert_eq!(apply(&world, &live_rooms(ROOMS)).await, ROOMS);
            store.assert_covered();
            store.assert_few_repeated_intents();
            for action in [Action::LiveCreateRoom, Action::LiveSetRoomMetadata] {
                assert_pace(&world, Kind::TencentLive, action, 200, part);
            }
        });
    }
}

#[test]
fn destroys_that_ask_first_go_at_the_limit() {
    const ROOMS: usize = 1_000;
    for ((latency, part), far) in LATENCIES.into_iter().zip([50, 300]) {
        in_moved_time(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let far = Duration::from_millis(far);
            let world = World::leased(EmulatorConfig { latency: far, ..service() }, &store);
            apply(&world, &chat_rooms(ROOMS)).await;
            let none = format!("{HEAD}policy: {{on_occupied: defer}}\nrooms: []\n");
            assert_eq!(apply(&world, &none).await, ROOMS);
            store.assert_covered();
            assert_pace(&world, Kind::Zim, Action::DestroyRoom, 20, part);
        });
    }
}

/// On any store, each of the first closes is 50 ms late, until the latency is known.
#[test]
fn video_rooms_are_closed_at_the_limit() {
    const ROOMS: usize = 120;
    for (latency, part) in LATENCIES.map(|(latency, part)| (latency, part - 0.01)) {
        in_moved_time(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            let room = |n| format!("  - {{id: r{n:03}}}\n");
            let rooms: String = (0..ROOMS).map(room).collect();
            let head = "version: 1\nproviders: {video: {kind: rtc, app_id: 1, endpoint: emulator}}\n\
                        state: rooms.state.json\n";
            apply(&world, &format!("{head}rooms:\n{rooms}")).await;
            for n in 0..ROOMS {
                let room = RoomId::new(&format!("r{n:03}"));
                world.emulator.enter(Kind::Rtc, APP, &room, 2).expect("entered");
            }
            assert_eq!(apply(&world, &format!("{head}rooms: []\n")).await, ROOMS);
            store.assert_covered();
            assert_pace(&world, Kind::Rtc, Action::CloseRoom, 1, part);
        });
    }
}

#[test]
fn no_call_leaves_its_window_however_the_service_answers() {
    const ROOMS: usize = 150;
    for latency in [50, 300, 900] {
        let rate_limits = Action::ALL.iter().map(|action| (*action, 5)).collect();
        let far = Duration::from_millis(700);
        let faults = ["busy=5%", "reset-before=2%"].map(|it| it.parse().expect("a fault")).into();
        for service in [
            EmulatorConfig { rate_limits, ..service() },
            EmulatorConfig { latency: far, jitter: far, ..plain_service() },
            EmulatorConfig { faults, ..service() },
        ] {
            in_moved_time(async {
                let store = LeaseStore::new(Duration::from_millis(latency));
                let world = World::leased(service, &store);
                let start = Instant::now();
                let rooms = world.declare(&chat_rooms(ROOMS));
                converge(&world, &rooms).await.expect("converged");
                assert!(start.elapsed() < Duration::from_mins(2), "{:?}", start.elapsed());
                let none = format!("{HEAD}policy: {{on_occupied: defer}}\nrooms: []\n");
                let none = world.declare(&none);
                converge(&world, &none).await.expect("converged");
                assert!(start.elapsed() < Duration::from_mins(5), "{:?}", start.elapsed());
                store.assert_covered();
            });
        }
    }
}

/// A lease that is lost while calls are in flight.
#[test]
fn a_lost_lease_ends_all_calls_and_says_so_honestly() {
    const ROOMS: usize = 300;
    for latency in [50, 300] {
        in_moved_time(async {
            let store = LeaseStore::new(Duration::from_millis(latency));
            let world = World::leased(service(), &store);
            let desired = world.declare(&chat_rooms(ROOMS));
            let how = How::with_consent();
            let (ended, lost) = tokio::join!(world.run_to_end(&desired, &how), async {
                tokio::time::sleep(Duration::from_millis(6_030)).await;
                store.take_over();
                Instant::now()
            });
            assert!(lost.elapsed() < Duration::from_secs(4), "{:?}", lost.elapsed());
            let (ran, closed) = ended.expect("it had begun");
            let error = closed.expect_err("the lease is lost");
            assert!(matches!(error, StateError::LeaseLost { .. }), "{error}");
            store.assert_covered();
            let recorded = world.recorded().await.expect("a state");
            let outcome = ran.outcome;
            for (address, action) in &outcome.done {
                assert_eq!(
                    (*action, &recorded.rooms[address].pending),
                    (StepAction::Create, &None)
                );
            }
            for failure in &outcome.failed {
                assert!(failure.pending, "{failure:?}");
                let record: &RecordedRoom = &recorded.rooms[&failure.address];
                let pending = record.pending.as_ref().map(|pending| pending.kind);
                assert_eq!(pending, Some(PendingKind::Create));
            }
            let stats = world.stats();
            assert_eq!(stats.rooms.len(), outcome.done.len() + outcome.failed.len());
            let left = outcome.not_tried.iter();
            assert!(left.clone().all(|(_, _, why)| *why == NotTried::StateFailed));
            assert!(outcome.done.len() > 20 && left.count() > 100, "{outcome:?}");
            no_orphans(&world).await.expect("all are recorded");
            converge(&world, &desired).await.expect("the next run takes over");
            assert_eq!(world.stats().served(Action::CreateRoom), ROOMS as u64);
        });
    }
}

/// Takes the lease away while the question is open.
struct Asked<'a>(&'a LeaseStore);

impl Approver<SessionError> for Asked<'_> {
    async fn approve(&self, _: Plan) -> Result<ApprovedPlan, SessionError> {
        self.0.take_over();
        std::future::pending().await
    }
}

async fn asked(world: &World, store: &LeaseStore, desired: &Desired, stop: &Stop) -> SessionError {
    ended(world, desired, stop, &Asked(store)).await
}

/// Returns why an apply ended.
async fn ended(
    world: &World,
    desired: &Desired,
    stop: &Stop,
    approver: &impl Approver<SessionError>,
) -> SessionError {
    let (fuse, opened) = (Fuse::never(), world.store());
    let connector = world.connector(desired, &fuse);
    let session = world.session(desired, &*opened, &connector, stop);
    let request = ApplyRequest {
        refresh: Refresh::Due,
        scope: &Scope::default(),
        reviewed: Reviewed::default(),
        evict: &BTreeSet::new(),
        concurrency: None,
        lock: world.lock(),
        warnings: &[],
    };
    match engine::apply(&session, request, approver).await {
        Ok(applied) => applied.closed.expect_err("it did not come to its end"),
        Err(error) => error,
    }
}

/// Approves every plan.
struct Yes;

impl Approver<SessionError> for Yes {
    async fn approve(&self, plan: Plan) -> Result<ApprovedPlan, SessionError> {
        let consent = Consent {
            approval: Approval::Automatic,
            allow_destroy: None,
            allow_recreate: None,
            destroys: Destroys::Wanted,
        };
        Ok(ApprovedPlan::new(plan, consent))
    }
}

#[test]
fn a_stop_ends_the_wait_for_a_store_that_does_not_answer() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_hours(1));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(3));
        let ((switch, stop), start) = (StopSwitch::new(), Instant::now());
        let (error, ()) = tokio::join!(ended(&world, &desired, &stop, &Yes), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            switch.stop();
        });
        assert!(matches!(error, SessionError::GivenUp), "{error}");
        assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
        assert_eq!(world.stats().served(Action::CreateRoom), 0);
    });
}

#[test]
fn a_lease_that_is_lost_while_the_question_is_open_ends_the_run() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_millis(50));
        let world = World::leased(service(), &store);
        let (_switch, stop) = StopSwitch::new();
        let error = asked(&world, &store, &world.declare(&chat_rooms(3)), &stop).await;
        let lost = matches!(error, SessionError::State(StateError::LeaseLost { .. }));
        assert!(lost, "{error}");
        assert_eq!(world.script.count(), 0);
    });
}

/// Applies until the process is killed right after the first create was sent.
async fn killed_after_a_create(world: &World, desired: &Desired, mishap: Mishap) {
    for connection in world.connect(desired, &Fuse::never()).values() {
        connection.client.register_user(None).await.expect("registered");
    }
    world.script.strike(Call::CreateRoom, 1, mishap);
    let killed = async {
        while !world.script.sent().contains(&Call::CreateRoom) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let fuse = Fuse::never();
    let how = How { fuse: fuse.clone(), ..How::with_consent() };
    tokio::select! {
        ended = world.apply(desired, &how) => panic!("{ended:?}"),
        () = killed => {}
    }
    // What it had sent arrives.
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Returns when rooms were asked after.
fn asked_after(world: &World) -> Vec<Instant> {
    let calls = world.stats().calls;
    calls.get(&Action::QueryRoomUserList).map(|it| it.arrivals.clone()).unwrap_or_default()
}

#[test]
fn open_intents_of_others_are_left_alone_until_their_calls_have_ended() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_millis(50));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(1));
        killed_after_a_create(&world, &desired, Mishap::Late).await;
        store.take_over();
        let before = asked_after(&world).len();
        let start = Instant::now();
        let how = How::with_consent().refresh(Refresh::All);
        let ran = world.apply(&desired, &how).await.expect("a state").ran();
        let awaited = ran.events.iter().find_map(|event| match event {
            Event::CallsAwaited(rooms, time) => Some((*rooms, *time)),
            Event::ReadsStarted(_)
            | Event::RoomsRead(_)
            | Event::ReadsEnded
            | Event::StepsStarted(_)
            | Event::Step(_)
            | Event::StepsEnded => None,
        });
        assert_eq!(awaited, Some((1, Duration::from_secs(12))));
        let stats = world.stats();
        let first = asked_after(&world)[before];
        assert!(first - start >= Duration::from_secs(12), "{:?}", first - start);
        assert_eq!((ran.plan.steps.len(), stats.rooms.len()), (0, 1), "it is ours");
        let again = Instant::now();
        let ran = world.apply(&desired, &how).await.expect("a state").ran();
        assert_eq!(ran.plan.steps.len(), 0);
        assert!(again.elapsed() < Duration::from_secs(4), "nothing is open: {:?}", again.elapsed());
    });
}

#[test]
fn a_stop_ends_the_wait_for_the_calls_of_others() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_millis(50));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(1));
        killed_after_a_create(&world, &desired, Mishap::LostBefore).await;
        store.take_over();
        let before = asked_after(&world).len();
        let ((switch, stop), start) = (StopSwitch::new(), Instant::now());
        let (error, ()) = tokio::join!(asked(&world, &store, &desired, &stop), async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            switch.stop();
        });
        assert!(matches!(error, SessionError::Interrupted { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(asked_after(&world).len(), before);
        world.apply(&nothing(&world), &How::plain()).await.expect("a state").ran();
        let pending = lobby(&world).await.and_then(|record| record.pending).expect("watched");
        assert!(pending.absent_until.is_some(), "it was taken over before: {pending:?}");
    });
}

/// Returns the room's record.
async fn lobby(world: &World) -> Option<RecordedRoom> {
    world.recorded().await.expect("a state").rooms.get(&at("chat", "r00000")).cloned()
}

/// Returns a create that its holder held back, suspended, when the lease was taken over.
async fn held_back() -> (World, LeaseStore, Desired) {
    let store = LeaseStore::new(Duration::from_millis(50));
    let world = World::leased(service(), &store);
    let desired = world.declare(&chat_rooms(1));
    killed_after_a_create(&world, &desired, Mishap::LostBefore).await;
    store.take_over();
    (world, store, desired)
}

fn nothing(world: &World) -> Desired {
    world.declare(&format!("{HEAD}rooms: []\n"))
}

#[test]
fn a_room_that_is_missing_after_a_takeover_is_watched_and_then_forgotten() {
    in_moved_time(async {
        let (world, _store, _) = held_back().await;
        let none = nothing(&world);
        for _ in 0..2 {
            let ran = world.apply(&none, &How::plain()).await.expect("a state").ran();
            assert!(ran.plan.has_nothing_to_do(), "{:?}", ran.plan);
            let pending = lobby(&world).await.and_then(|record| record.pending).expect("watched");
            let until = pending.absent_until.expect("until the signature is refused");
            assert_eq!(until.since(pending.at), Duration::from_mins(15));
            let plan = world.plan(&none, Refresh::Due).await.expect("a plan");
            assert!(plan.has_nothing_to_do(), "{plan:?}");
        }
        tokio::time::sleep(Duration::from_mins(15)).await;
        let ran = world.apply(&none, &How::plain()).await.expect("a state").ran();
        assert!(ran.plan.has_nothing_to_do(), "{:?}", ran.plan);
        assert_eq!(lobby(&world).await, None);
    });
}

#[test]
fn a_watched_room_that_appears_is_ours_and_follows_the_files() {
    for keeps in [true, false] {
        in_moved_time(async {
            let (world, _store, desired) = held_back().await;
            let none = nothing(&world);
            world.apply(&none, &How::plain()).await.expect("a state").ran();
            tokio::time::sleep(Duration::from_mins(7)).await;
            let late = desired.rooms[0].room.as_ref().clone();
            world.stranger(&desired).await.create("r00000", late).await;
            let wanted = if keeps { desired } else { none };
            let start = Instant::now();
            let ran = world.apply(&wanted, &How::with_consent()).await.expect("a state").ran();
            assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
            let steps: Vec<_> = ran.plan.steps.iter().map(|step| step.action).collect();
            assert_eq!(steps, if keeps { vec![] } else { vec![StepAction::Destroy] });
            assert_eq!(world.stats().rooms.len(), usize::from(keeps));
            let pending = lobby(&world).await.map(|record| record.pending);
            assert_eq!(pending, keeps.then_some(None));
        });
    }
}

#[test]
fn a_watched_room_that_is_declared_is_created_as_usual() {
    in_moved_time(async {
        let (world, store, desired) = held_back().await;
        world.apply(&nothing(&world), &How::plain()).await.expect("a state").ran();
        for steps in [vec![StepAction::Create], vec![]] {
            let ran = world.apply(&desired, &How::plain()).await.expect("a state").ran();
            let found: Vec<_> = ran.plan.steps.iter().map(|step| step.action).collect();
            assert_eq!(found, steps);
        }
        assert_eq!(lobby(&world).await.expect("recorded").pending, None);
        store.assert_covered();
    });
}

#[test]
fn a_user_sig_is_renewed_while_it_is_young_on_a_store_with_a_lease() {
    let rooms = live_rooms(400).replace("operator:", "rate_limit: 1, operator:");
    for (leased, least) in [(true, 2), (false, 1)] {
        in_moved_time(async {
            let store = LeaseStore::new(Duration::from_millis(50));
            let world = World::leased(service(), &store);
            let world = if leased { world } else { World::new(service()) };
            apply(&world, &rooms).await;
            let signed = world.script.signatures();
            assert!(if leased { signed >= least } else { signed == least }, "{signed} UserSigs");
        });
    }
}

/// Returns a service so slow that much is in flight at any moment, and lands after a crash.
fn slow(seed: u64) -> EmulatorConfig {
    let (latency, jitter) = (Duration::from_secs(2), Duration::from_secs(6));
    EmulatorConfig { latency, jitter, seed, ..fast_service() }
}

/// Applies both editions; a run of the second one is killed at a moment, and another run takes over.
async fn taken_over_at(fleet: Fleet, moment: u64) -> Result<Ended, String> {
    let store = LeaseStore::new(Duration::from_millis(300));
    let world = World::leased(slow(moment), &store);
    let [first, second] = fleet.editions();
    come_through(&world, &world.declare(&first.text), &first).await?;
    fleet.people_come(&world);
    let desired = world.declare(&second.text);
    let how = How { fuse: Fuse::after(moment), ..How::with_consent() };
    let ended = world.apply(&desired, &how).await.map_err(|error| error.to_string())?;
    if matches!(ended, Ended::Crashed) {
        store.take_over();
    }
    no_orphans(&world).await?;
    come_through(&world, &desired, &second).await?;
    store.assert_covered();
    Ok(ended)
}

#[test]
fn every_fleet_comes_through() {
    for fleet in FLEETS {
        let ended = in_moved_time(taken_over_at(fleet, u64::MAX));
        assert!(matches!(ended, Ok(Ended::Ran(_))), "{}: {ended:?}", fleet.name);
    }
}

#[test]
fn a_takeover_after_a_crash_at_any_moment_loses_no_room() {
    for (fleet, stride) in [(CHAT, 2), (MIXED, 13)] {
        let mut reached = 0;
        for moment in (0..).step_by(stride) {
            match in_moved_time(taken_over_at(fleet, moment)) {
                Ok(Ended::Crashed) => reached = moment,
                Ok(Ended::Ran(_)) => break,
                Err(why) => panic!("{} at moment {moment}: {why}", fleet.name),
            }
        }
        assert!(reached > 40, "{}: {reached} moments only", fleet.name);
    }
}

#[test]
fn one_step_at_a_time_goes_on_too() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let world = World::leased(service(), &store);
        for rooms in [chat_rooms(3), chat_rooms(3).replace("3h", "2h")] {
            let how = How { concurrency: Some(1), ..How::with_consent() };
            let desired = world.declare(&rooms);
            let ran = world.apply(&desired, &how).await.expect("a state").ran();
            assert_eq!(ran.outcome.done.len(), 3, "{:?}", ran.outcome);
        }
        store.assert_covered();
    });
}

/// Applies, and another run takes the lease over meanwhile.
async fn lost_after(world: &World, store: &LeaseStore, desired: &Desired, time: Duration) -> Ran {
    let how = How::with_consent();
    let (ended, ()) = tokio::join!(world.run_to_end(desired, &how), async {
        tokio::time::sleep(time).await;
        store.take_over();
    });
    let (ran, closed) = ended.expect("it had begun");
    let error = closed.expect_err("the lease is lost");
    assert!(matches!(error, StateError::LeaseLost { .. }), "{error}");
    ran
}

#[test]
fn a_lease_that_is_lost_before_the_first_call_changes_nothing() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(50));
        let ran = lost_after(&world, &store, &desired, Duration::from_millis(500)).await;
        assert_eq!((ran.outcome.not_tried.len(), ran.outcome.has_changed_something()), (50, false));
        assert_eq!(world.script.count(), 0);
        converge(&world, &desired).await.expect("converged");
        assert_eq!(world.stats().served(Action::CreateRoom), 50);
    });
}

#[test]
fn a_lease_that_is_lost_between_destroys_and_creates_loses_no_room() {
    const ROOMS: usize = 150;
    for seconds in [3, 4, 6] {
        in_moved_time(async {
            let store = LeaseStore::new(Duration::from_millis(300));
            let world = World::leased(service(), &store);
            apply(&world, &chat_rooms(ROOMS)).await;
            let desired = world.declare(&chat_rooms(ROOMS).replace("3h", "2h"));
            let ran = lost_after(&world, &store, &desired, Duration::from_secs(seconds)).await;
            assert!(ran.outcome.has_changed_something());
            store.assert_covered();
            no_orphans(&world).await.expect("all are recorded");
            converge(&world, &desired).await.expect("converged");
            let stats = world.stats();
            let rooms = (stats.rooms.len(), stats.served(Action::DestroyRoom));
            assert_eq!(rooms, (ROOMS, ROOMS as u64));
            store.assert_covered();
        });
    }
}

/// ZIM's code for a service that the application does not have.
const NOT_IN_PLAN: i64 = 660_000_028;

/// ZIM's code for an application that has as many rooms as it may have.
const TOO_MANY_ROOMS: i64 = 660_300_015;

#[test]
fn intents_ahead_of_their_calls_are_given_up_where_no_more_rooms_are_taken() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let config = EmulatorConfig { max_rooms: Some(5), ..service() };
        let world = World::leased(config, &store);
        let desired = world.declare(&chat_rooms(100));
        let ran = world.apply(&desired, &How::with_consent()).await.expect("a state").ran();
        let refused = world.stats().answered(Action::CreateRoom, TOO_MANY_ROOMS);
        assert!((1..10).contains(&refused), "{refused} creates were refused");
        assert_eq!((ran.outcome.done.len(), world.stats().rooms.len()), (5, 5));
        let recorded = world.recorded().await.expect("a state");
        assert_eq!(recorded.rooms.len(), 5, "what was not sent is as before");
        store.assert_covered();
    });
}

#[test]
fn intents_ahead_of_their_calls_are_given_up_where_nothing_will_succeed() {
    in_moved_time(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(100));
        for connection in world.connect(&desired, &Fuse::never()).values() {
            connection.client.register_user(None).await.expect("registered");
        }
        world.script.sent();
        world.script.strike_all(Some(Mishap::Answered(NOT_IN_PLAN)));
        let ran = world.apply(&desired, &How::with_consent()).await.expect("a state").ran();
        let sent = world.script.sent().len();
        assert!((1..10).contains(&sent), "{sent} creates were sent");
        assert!(ran.outcome.failed.len() <= sent && ran.outcome.not_tried.len() >= 90);
        assert!(world.recorded().await.expect("a state").rooms.is_empty());
    });
}
