//! Crashes at any moment of a run: the next runs recover everything, including late requests.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use roomctl::emulator::{Action, EmulatorConfig, Fault, FaultShare, Work};
use roomctl::model::{Attribute, AttributeChange, Desired, Kind, Refresh, RoomId};

use crate::support::fleet::{
    CHAT, FLEETS, Fleet, HEAD, LIVE, MIXED, VIDEO, converge, converge_and_check, no_orphans,
    provider,
};
use crate::support::{Ended, Fuse, RunCommand, RunOptions, World, service, with_paused_clock};

/// Returns a service so slow that many calls are in flight at any moment and take effect after a
/// crash.
fn slow(seed: u64) -> EmulatorConfig {
    let (latency, jitter) = (Duration::from_secs(2), Duration::from_secs(6));
    EmulatorConfig { latency, jitter, seed, ..service() }
}

/// Returns a service that does not answer every sixth request, and may execute it nine seconds
/// later. With the latency this is just within the time-out of a call, after which a missing room
/// counts as not created.
fn hanging(seed: u64) -> EmulatorConfig {
    let faults: Vec<FaultShare> = vec!["hang=17%".parse().expect("a fault")];
    EmulatorConfig {
        latency: Duration::ZERO,
        jitter: Duration::from_millis(1_900),
        faults,
        ..slow(seed)
    }
}

/// Returns a world in which the editions before `edition` were applied without a crash.
async fn before(fleet: Fleet, settings: EmulatorConfig, edition: usize) -> Result<World, String> {
    let world = World::new(settings);
    for edition in fleet.editions().into_iter().take(edition) {
        converge_and_check(&world, &world.declare(&edition.text), &edition).await?;
        fleet.add_people(&world);
    }
    Ok(world)
}

/// Applies with a crash at the given moment.
async fn run_until(world: &World, desired: &Desired, moment: u64) -> Result<Ended, String> {
    let how = RunOptions { fuse: Fuse::after(moment), ..RunOptions::with_consent() };
    let ended = world.apply(desired, &how).await.map_err(|error| error.to_string())?;
    no_orphans(world).await?;
    Ok(ended)
}

/// Crashes at each of these moments in turn, then converges. Returns whether all moments were
/// reached.
async fn crash(
    fleet: Fleet,
    settings: EmulatorConfig,
    edition: usize,
    moments: &[u64],
) -> Result<bool, String> {
    let world = before(fleet, settings, edition).await?;
    let edition = &fleet.editions()[edition];
    let desired = world.declare(&edition.text);
    let mut crashed = true;
    for moment in moments {
        crashed &= matches!(run_until(&world, &desired, *moment).await?, Ended::Crashed);
    }
    converge_and_check(&world, &desired, edition).await?;
    Ok(crashed)
}

/// The number of failures after which a test ends.
const MAX_FAILURES: usize = 20;

/// Crashes a run of each edition at every `stride`th moment. A run must have more than `least`
/// moments.
fn assert_crashes_lose_nothing(fleet: Fleet, stride: usize, least: u64) {
    let mut failed = Vec::new();
    for edition in [0, 1] {
        let mut reached = 0;
        for moment in (edition as u64..).step_by(stride) {
            match with_paused_clock(crash(fleet, slow(moment), edition, &[moment])) {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => failed.push(format!("edition {edition}, moment {moment}: {why}")),
            }
            if failed.len() >= MAX_FAILURES {
                break;
            }
            reached = moment;
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        assert!(reached > least, "a run of edition {edition} has {reached} moments only");
    }
}

#[test]
fn a_crash_at_every_moment_loses_no_chat_room() {
    assert_crashes_lose_nothing(CHAT, 1, 50);
}

#[test]
fn crashes_lose_no_live_room() {
    assert_crashes_lose_nothing(LIVE, 5, 100);
}

#[test]
fn a_crash_at_every_moment_loses_no_video_room() {
    assert_crashes_lose_nothing(VIDEO, 1, 15);
}

#[test]
fn crashes_lose_no_room_of_several_services() {
    assert_crashes_lose_nothing(MIXED, 5, 100);
}

/// Crashes a run whose create takes effect 9.9 s after it was sent. The lookup of the next run is
/// sent after about 8.6 s, and its answer "missing" arrives after 10 s.
async fn crash_with_a_create_during_the_lookup(seed: u64) -> Result<(), String> {
    let (fault, share) = (Fault::Hang(Work::Done), "50%".parse().expect("a share"));
    let faults = vec![FaultShare { fault, share }];
    let latency = Duration::from_millis(1_800);
    let world = World::new(EmulatorConfig { latency, faults, seed, ..service() });
    let room = "rooms:\n  - {id: lobby, destroy_delay_time: 3h}\n";
    let desired = world.declare(&format!("{HEAD}{room}"));
    for connection in world.connect(&desired, &Fuse::never()).values() {
        connection.client.register_user(None).await.expect("registered");
    }
    let (after, how) = (Duration::from_millis(8_200), RunOptions::with_consent());
    // Dropped at that time, unless it is done before.
    let _ = tokio::time::timeout(after, world.apply(&desired, &how)).await;
    converge(&world, &desired).await?;
    let created = world.stats().served(Action::CreateRoom);
    if created == 1 { Ok(()) } else { Err(format!("{created} rooms were created")) }
}

#[test]
fn a_create_that_takes_effect_during_its_lookup_is_not_lost() {
    for seed in 0..24 {
        assert_eq!(
            with_paused_clock(crash_with_a_create_during_the_lookup(seed)),
            Ok(()),
            "seed {seed}"
        );
    }
}

/// Crashes at a moment of the replace of a room with attributes of others, then converges.
async fn crash_in_a_replace(kind: Kind, moment: u64) -> Result<bool, String> {
    let edition = |named: &str, owner: &str| match kind {
        Kind::Zim => format!(
            "{HEAD}rooms:\n  - {{id: lobby, name: {named}, destroy_delay_time: 3h, \
             attributes: {{topic: {named}}}}}\n"
        ),
        Kind::Rtc | Kind::TencentLive => format!(
            "version: 1\nproviders: {{live: {{kind: tencent-live, app_id: 1, operator: admin, \
             endpoint: emulator}}}}\nstate: rooms.state.json\nrooms:\n  - {{id: lobby, \
             name: {named}, owner: {owner}, seat_template: Karaoke, attributes: {{topic: {named}}}}}\n"
        ),
    };
    let world = World::new(service());
    let first = world.declare(&edition("Before", "alice"));
    converge(&world, &first).await?;
    let score = Attribute { value: "7".into(), auto_delete: false };
    let change = AttributeChange::Set("score".into(), score.clone());
    world.other_client(&first).await.modify("lobby", vec![change]).await;
    let second = world.declare(&edition("After", "bob"));
    let crashed = matches!(run_until(&world, &second, moment).await?, Ended::Crashed);
    converge(&world, &second).await?;
    let stats = world.stats_of(kind);
    let room = stats.rooms.get(&RoomId::new("lobby")).ok_or("the room is lost")?;
    let after = Some("After".to_owned());
    let held = (room.attributes.get("score"), room.name.clone());
    if held != (Some(&score), after) {
        return Err(format!("{room:?}"));
    }
    let recorded = world.recorded().await.map_err(|error| error.to_string())?;
    let record = recorded.rooms.values().next().ok_or("it is not recorded")?;
    let ours = record.room.attributes.get("score").is_none() && record.next.is_none();
    ours.then_some(crashed).ok_or_else(|| format!("{record:?}"))
}

#[test]
fn a_crash_at_every_moment_of_a_replace_keeps_attributes_of_others() {
    for (kind, least) in [(Kind::Zim, 12), (Kind::TencentLive, 20)] {
        let mut moments = 0;
        for moment in 0.. {
            match with_paused_clock(crash_in_a_replace(kind, moment)) {
                Ok(true) => moments += 1,
                Ok(false) => break,
                Err(why) => panic!("{kind}, moment {moment}: {why}"),
            }
        }
        assert!(moments > least, "a replace of {kind} has {moments} moments only");
    }
}

/// Crashes at a moment of a reconcile that recreates a vanished room. The next one recreates the
/// room as it was applied, not as it is declared.
async fn crash_in_a_reconcile(text: &str, kind: Kind, moment: u64) -> Result<bool, String> {
    let world = World::new(service());
    let applied = world.declare(text);
    converge(&world, &applied).await?;
    let content = |world: &World| {
        let rooms = world.stats_of(kind).rooms;
        let room = rooms.get(&RoomId::new("lobby")).cloned()?;
        let notice = room.live.map(|live| live.notice);
        Some((room.name, room.delay, room.attributes, notice))
    };
    let as_applied = content(&world);
    world.other_client_at(&applied, provider(kind)).await.destroy("lobby").await;
    let edited = world.declare(&text.replace("Before", "After"));
    let reconcile = |fuse| {
        let how = RunOptions::with_consent().refresh(Refresh::All);
        RunOptions { fuse, command: RunCommand::Reconcile, ..how }
    };
    let crashed = world.apply(&edited, &reconcile(Fuse::after(moment))).await;
    let crashed = matches!(crashed.map_err(|error| error.to_string())?, Ended::Crashed);
    for _ in 0..2 {
        let ran = world.apply(&edited, &reconcile(Fuse::never())).await;
        let ran = ran.map_err(|error| error.to_string())?.ran();
        if !ran.outcome.failed.is_empty() {
            return Err(format!("{:?}", ran.outcome));
        }
    }
    let room = content(&world);
    let recorded = world.recorded().await.map_err(|error| error.to_string())?;
    let record = recorded.rooms.values().next().ok_or("it is not recorded")?;
    let is_whole = record.pending.is_none() && record.next.is_none();
    (is_whole && room == as_applied)
        .then_some(crashed)
        .ok_or_else(|| format!("{room:?} {record:?}"))
}

/// Crashes at a moment of a reconcile that restores the notice and the attributes of a live room.
/// The next one restores the room as it was applied.
async fn crash_while_restoring_drift(moment: u64) -> Result<bool, String> {
    let world = World::new(service());
    let text = |text: &str| {
        format!(
            "version: 1\nproviders: {{live: {{kind: tencent-live, app_id: 1, operator: admin, \
             endpoint: emulator}}}}\nstate: rooms.state.json\nrooms:\n  - {{id: lobby, name: Lobby, \
             owner: alice, seat_template: Karaoke, notice: {text}, attributes: {{topic: {text}}}}}\n"
        )
    };
    let applied = world.declare(&text("ours"));
    converge(&world, &applied).await?;
    let other_client = world.other_client_at(&applied, provider(Kind::TencentLive)).await;
    let theirs = world.declare(&text("theirs"));
    for patch in applied.rooms[0].room.patches_towards(Kind::TencentLive, &theirs.rooms[0].room) {
        other_client.patch("lobby", patch).await;
    }
    let reconcile = |fuse| {
        let how = RunOptions::with_consent().refresh(Refresh::All);
        RunOptions { fuse, command: RunCommand::Reconcile, ..how }
    };
    let crashed = world.apply(&applied, &reconcile(Fuse::after(moment))).await;
    let crashed = matches!(crashed.map_err(|error| error.to_string())?, Ended::Crashed);
    world.apply(&applied, &reconcile(Fuse::never())).await.map_err(|e| e.to_string())?.ran();
    let stats = world.stats_of(Kind::TencentLive);
    let room = stats.rooms.get(&RoomId::new("lobby")).ok_or("the room is lost")?;
    let topic = room.attributes.get("topic").map(|topic| &*topic.value);
    let notice = room.live.as_ref().map(|live| live.notice.as_str());
    let is_restored = (topic, notice) == (Some("ours"), Some("ours"));
    is_restored.then_some(crashed).ok_or_else(|| format!("{room:?}"))
}

#[test]
fn a_crash_at_every_moment_of_a_reconcile_records_no_drift_as_applied() {
    let mut moments = 0;
    for moment in 0.. {
        match with_paused_clock(crash_while_restoring_drift(moment)) {
            Ok(true) => moments += 1,
            Ok(false) => break,
            Err(why) => panic!("moment {moment}: {why}"),
        }
    }
    assert!(moments > 4, "such a reconcile has {moments} moments only");
}

/// Crashes at a moment of an apply that defers a replace and changes an attribute, then converges.
/// Once the room has vanished, a reconcile recreates it as approved.
async fn crash_while_deferring_a_replace(moment: u64) -> Result<bool, String> {
    let edition = |named: &str| {
        format!(
            "{HEAD}policy: {{replace: on_next_vanish}}\nrooms:\n  - {{id: lobby, name: {named}, \
             destroy_delay_time: 3h, attributes: {{topic: {named}}}}}\n"
        )
    };
    let world = World::new(service());
    let first = world.declare(&edition("Before"));
    converge(&world, &first).await?;
    let second = world.declare(&edition("After"));
    let crashed = matches!(run_until(&world, &second, moment).await?, Ended::Crashed);
    for _ in 0..2 {
        let ran = world.apply(&second, &RunOptions::with_consent()).await;
        ran.map_err(|error| error.to_string())?.ran();
    }
    let plan = world.plan(&second, Refresh::All).await.map_err(|error| error.to_string())?;
    if !plan.steps.is_empty() || plan.waiting.len() != 1 {
        return Err(format!("{plan:?}"));
    }
    world.other_client(&second).await.destroy("lobby").await;
    let how = RunOptions::with_consent().refresh(Refresh::All);
    let how = RunOptions { command: RunCommand::Reconcile, ..how };
    world.apply(&first, &how).await.map_err(|error| error.to_string())?.ran();
    let stats = world.stats_of(Kind::Zim);
    let room = stats.rooms.get(&RoomId::new("lobby")).ok_or("the room is lost")?;
    let topic = room.attributes.get("topic").map(|topic| &*topic.value);
    let is_as_approved = (room.name.as_deref(), topic) == (Some("After"), Some("After"));
    is_as_approved.then_some(crashed).ok_or_else(|| format!("{room:?}"))
}

#[test]
fn a_crash_at_every_moment_of_a_deferred_replace_keeps_the_approval() {
    let mut moments = 0;
    for moment in 0.. {
        match with_paused_clock(crash_while_deferring_a_replace(moment)) {
            Ok(true) => moments += 1,
            Ok(false) => break,
            Err(why) => panic!("moment {moment}: {why}"),
        }
    }
    assert!(moments > 6, "such an apply has {moments} moments only");
}

#[test]
fn a_crash_at_every_moment_of_a_reconcile_loses_no_room() {
    let chat = format!(
        "{HEAD}rooms:\n  - {{id: lobby, name: Before, destroy_delay_time: 3h, \
         attributes: {{topic: x}}}}\n"
    );
    let live = "version: 1\nproviders: {live: {kind: tencent-live, app_id: 1, operator: admin, \
                endpoint: emulator}}\nstate: rooms.state.json\nrooms:\n  - {id: lobby, \
                name: Before, owner: alice, seat_template: Karaoke, \
                notice: be kind, attributes: {topic: x}}\n";
    for (kind, text, least) in [(Kind::Zim, &*chat, 8), (Kind::TencentLive, live, 10)] {
        let mut moments = 0;
        for moment in 0.. {
            match with_paused_clock(crash_in_a_reconcile(text, kind, moment)) {
                Ok(true) => moments += 1,
                Ok(false) => break,
                Err(why) => panic!("{kind}, moment {moment}: {why}"),
            }
        }
        assert!(moments > least, "a reconcile of {kind} has {moments} moments only");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn repeated_crashes_with_hanging_requests_lose_nothing(
        fleet in prop::sample::select(&FLEETS[..]),
        edition in 0..2_usize,
        seed in 0..1_000_u64,
        moments in prop::collection::vec(0..90_u64, 1..4),
    ) {
        with_paused_clock(crash(fleet, hanging(seed), edition, &moments)).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn repeated_crashes_at_any_time_lose_nothing(
        fleet in prop::sample::select(&FLEETS[..]),
        edition in 0..2_usize,
        seed in 0..1_000_u64,
        millis in prop::collection::vec(0..15_000_u64, 1..4),
    ) {
        with_paused_clock(async {
            let world = before(fleet, hanging(seed), edition).await?;
            let edition = &fleet.editions()[edition];
            let desired = world.declare(&edition.text);
            for after in millis {
                let (after, how) = (Duration::from_millis(after), RunOptions::with_consent());
                // Dropped at that time, unless it is done before.
                let _ = tokio::time::timeout(after, world.apply(&desired, &how)).await;
                no_orphans(&world).await?;
            }
            converge_and_check(&world, &desired, edition).await
        }).map_err(TestCaseError::fail)?;
    }
}
