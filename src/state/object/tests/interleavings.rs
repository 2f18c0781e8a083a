//! Random interleavings of two holders on a store that answers late or not at all: no room is ever in the
//! service that neither state nor head knows, and no durable entry is lost.

use std::collections::BTreeSet;
use std::sync::Mutex;

use proptest::prelude::*;
use tokio::time::sleep;

use super::*;
use crate::state::Durable;

/// What a holder does next.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Creates a room: intent, call, result.
    Create,
    /// Its requests are held up.
    Freeze(Duration),
    /// Something happens to its next write.
    Mishap(Mishap),
    /// It is idle.
    Wait(Duration),
    /// It is killed, and begins anew.
    Crash,
    /// It ends its run, and begins anew.
    End,
}

/// What the two holders share.
#[derive(Default)]
struct World {
    /// The rooms that were made.
    service: Mutex<BTreeSet<String>>,
    /// The rooms whose results were acknowledged.
    durable: Mutex<BTreeSet<String>>,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let time = |most: u64| (0..most).prop_map(Duration::from_millis);
    let mishap = prop_oneof![
        Just(Mishap::AnswerLost),
        Just(Mishap::Lost),
        time(40_000).prop_map(Mishap::Late),
    ];
    let one = prop_oneof![
        6 => Just(Move::Create),
        1 => time(40_000).prop_map(Move::Freeze),
        2 => mishap.prop_map(Move::Mishap),
        1 => time(20_000).prop_map(Move::Wait),
        1 => Just(Move::Crash),
        1 => Just(Move::End),
    ];
    prop::collection::vec(one, 1..20)
}

/// Makes a room as the applier does: no call without an open window.
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

async fn play(store: &FakeStore, world: &World, pid: u32, moves: &[Move]) {
    let (mut client, mut writer) = (store.client(), None::<Arc<dyn WriteStore>>);
    for (n, one) in moves.iter().enumerate() {
        match one {
            Move::Create => {
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
            Move::Freeze(time) => client.freeze(*time),
            Move::Mishap(mishap) => client.expect_writes([*mishap]),
            Move::Wait(time) => sleep(*time).await,
            Move::Crash => {
                client.freeze(LONG * 100);
                (client, writer) = (store.client(), None);
            }
            Move::End => {
                if let Some(held) = writer.take() {
                    // A lease that was lost is for the other holder to go on with.
                    drop(held.fold(LastCalls::new()).await);
                }
            }
        }
    }
    client.freeze(LONG * 100);
}

/// Returns the rooms that are lost after both have played.
fn lost(first: &[Move], second: &[Move]) -> Vec<String> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let (store, world) = (FakeStore::default(), World::default());
        tokio::join!(play(&store, &world, 1, first), play(&store, &world, 2, second));
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
    fn no_room_is_unknown_and_no_result_is_lost(first in moves(), second in moves()) {
        prop_assert_eq!(lost(&first, &second), Vec::<String>::new());
    }
}
