//! Calls and their intents: no call outside its send window, unsent intents, and signatures.

use std::time::Duration;

use roomctl::emulator::{Action, EmulatorConfig};
use tokio::time::Instant;

use super::{apply, chat_rooms, live_rooms, service};
use crate::stores::lease::LeaseStore;
use crate::support::fleet::{HEAD, converge};
use crate::support::{Fuse, InjectedFault, RunOptions, World, plain_service, with_paused_clock};

/// ZIM's code for a service that is not enabled for the application.
const NOT_IN_PLAN: i64 = 660_000_028;

/// ZIM's code for an application whose room quota is reached.
const TOO_MANY_ROOMS: i64 = 660_300_015;

#[test]
fn no_call_is_sent_outside_its_window_despite_faults() {
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
            with_paused_clock(async {
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

#[test]
fn one_step_at_a_time_completes() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let world = World::leased(service(), &store);
        for rooms in [chat_rooms(3), chat_rooms(3).replace("3h", "2h")] {
            let how = RunOptions { concurrency: Some(1), ..RunOptions::with_consent() };
            let desired = world.declare(&rooms);
            let ran = world.apply(&desired, &how).await.expect("a state").ran();
            assert_eq!(ran.outcome.done.len(), 3, "{:?}", ran.outcome);
        }
        store.assert_covered();
    });
}

#[test]
fn unsent_intents_are_dropped_at_the_room_quota() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let config = EmulatorConfig { max_rooms: Some(5), ..service() };
        let world = World::leased(config, &store);
        let desired = world.declare(&chat_rooms(100));
        let ran = world.apply(&desired, &RunOptions::with_consent()).await.expect("a state").ran();
        let refused = world.stats().answered(Action::CreateRoom, TOO_MANY_ROOMS);
        assert!((1..10).contains(&refused), "{refused} creates were refused");
        assert_eq!((ran.outcome.done.len(), world.stats().rooms.len()), (5, 5));
        let recorded = world.recorded().await.expect("a state");
        assert_eq!(recorded.rooms.len(), 5, "intents without a call are dropped");
        store.assert_covered();
    });
}

#[test]
fn unsent_intents_are_dropped_after_a_fatal_answer() {
    with_paused_clock(async {
        let store = LeaseStore::new(Duration::from_millis(300));
        let world = World::leased(service(), &store);
        let desired = world.declare(&chat_rooms(100));
        for connection in world.connect(&desired, &Fuse::never()).values() {
            connection.client.register_user(None).await.expect("registered");
        }
        world.script.sent();
        world.script.inject_all(Some(InjectedFault::Answered(NOT_IN_PLAN)));
        let ran = world.apply(&desired, &RunOptions::with_consent()).await.expect("a state").ran();
        let sent = world.script.sent().len();
        assert!((1..10).contains(&sent), "{sent} creates were sent");
        assert!(ran.outcome.failed.len() <= sent && ran.outcome.not_tried.len() >= 90);
        assert!(world.recorded().await.expect("a state").rooms.is_empty());
    });
}

#[test]
fn user_sigs_are_renewed_early_on_a_store_with_a_lease() {
    let rooms = live_rooms(400).replace("operator:", "rate_limit: 1, operator:");
    for (leased, least) in [(true, 2), (false, 1)] {
        with_paused_clock(async {
            let store = LeaseStore::new(Duration::from_millis(50));
            let world = World::leased(service(), &store);
            let world = if leased { world } else { World::new(service()) };
            apply(&world, &rooms).await;
            let signed = world.script.signatures();
            assert!(if leased { signed >= least } else { signed == least }, "{signed} UserSigs");
        });
    }
}
