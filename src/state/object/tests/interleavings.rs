//! Random interleavings of two holders on a store that answers late or not at all. Every room in
//! the service is in the state or the head, and no durable entry is lost.

use std::collections::BTreeSet;
use std::sync::Mutex;

use proptest::prelude::*;
use tokio::time::sleep;

use super::*;
use crate::state::Durable;

/// One step of a holder.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// It creates a room: intent, call, result.
    Create,
    /// Its requests are blocked for a time.
    Freeze(Duration),
    /// Its next write has a fault.
    Fault(WriteFault),
    /// It is idle.
    Wait(Duration),
    /// It crashes, and a new run starts.
    Crash,
    /// It ends its run, and a new run starts.
    End,
}

/// The service, and what is known to be durable.
#[derive(Default)]
struct World {
    /// The rooms that were created.
    service: Mutex<BTreeSet<String>>,
    /// The rooms whose results were acknowledged.
    durable: Mutex<BTreeSet<String>>,
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let time = |most: u64| (0..most).prop_map(Duration::from_millis);
    let fault = prop_oneof![
        Just(WriteFault::AnswerLost),
        Just(WriteFault::Lost),
        time(40_000).prop_map(WriteFault::Late),
    ];
    let one = prop_oneof![
        6 => Just(Action::Create),
        1 => time(40_000).prop_map(Action::Freeze),
        2 => fault.prop_map(Action::Fault),
        1 => time(20_000).prop_map(Action::Wait),
        1 => Just(Action::Crash),
        1 => Just(Action::End),
    ];
    prop::collection::vec(one, 1..20)
}

/// Creates a room as the applier does: the call is sent only within an open send window.
async fn create(writer: &Arc<dyn WriteStore>, world: &World, at: &str) -> Result<(), StateError> {
    let mut durable: Durable = writer.append(vec![intent(at)]).await?;
    while !durable.may_send() {
        durable = writer.append(vec![intent(at)]).await?;
    }
    world.service.lock().expect("rooms").insert(at.to_owned());
    sleep(Duration::from_millis(80)).await;
    writer.append(vec![result(at)]).await?;
    world.durable.lock().expect("rooms").insert(at.to_owned());
    Ok(())
}

async fn run_holder(store: &FakeStore, world: &World, pid: u32, actions: &[Action]) {
    let (mut client, mut writer) = (store.client(), None::<Arc<dyn WriteStore>>);
    for (n, one) in actions.iter().enumerate() {
        match one {
            Action::Create => {
                if writer.is_none() {
                    writer = lock(&client, pid, LONG).await.ok();
                }
                let at = format!("chat/{pid}-{n}");
                if let Some(held) = &writer
                    && create(held, world, &at).await.is_err()
                {
                    writer = None;
                }
            }
            Action::Freeze(time) => client.freeze(*time),
            Action::Fault(fault) => client.inject([*fault]),
            Action::Wait(time) => sleep(*time).await,
            Action::Crash => {
                client.freeze(LONG * 100);
                (client, writer) = (store.client(), None);
            }
            Action::End => {
                if let Some(held) = writer.take() {
                    // If the lease is lost, the other holder has it.
                    drop(held.fold(LastCalls::new()).await);
                }
            }
        }
    }
    client.freeze(LONG * 100);
}

/// Runs both holders, and returns the rooms that are lost.
fn lost_rooms(first: &[Action], second: &[Action]) -> Vec<String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let (store, world) = (FakeStore::default(), World::default());
        tokio::join!(run_holder(&store, &world, 1, first), run_holder(&store, &world, 2, second));
        let last = lock(&store.client(), 3, LONG).await.expect("the lease");
        let known: BTreeSet<String> = names(last.snapshot()).into_iter().collect();
        let service = world.service.lock().expect("rooms").clone();
        let results = world.durable.lock().expect("rooms").clone();
        let open = |at: &String| {
            last.snapshot().recorded.rooms.get(&address(at)).is_some_and(|it| it.pending.is_some())
        };
        let undone = results.iter().filter(|at| open(at));
        service.difference(&known).chain(undone).cloned().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_room_and_no_result_is_lost(first in actions(), second in actions()) {
        prop_assert_eq!(lost_rooms(&first, &second), Vec::<String>::new());
    }
}
