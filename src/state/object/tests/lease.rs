//! Taking, renewing and taking over the lease.

use tokio::time::{Instant, sleep};

use super::*;
use crate::state::lease::Released;
use crate::state::{Folded, Found, LeaseEnd};

#[tokio::test(start_paused = true)]
async fn a_run_without_entries_creates_a_head_but_no_state() {
    let store = FakeStore::default();
    let client = store.client();
    assert_eq!(read(&client).await.found, Found::New);
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    assert_eq!((writer.snapshot().found, writer.snapshot().earlier), (Found::New, None));
    assert_eq!(writer.fold(LastCalls::new()).await.expect("an end"), Folded { serial: 0 });
    assert!(store.bytes(&Name::State).is_none());
    assert_eq!((head(&store).epoch, head(&store).released), (1, Some(Released::Cleanly)));
    assert_eq!(read(&client).await.found, Found::New);
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_at_once_with_a_higher_epoch() {
    let store = FakeStore::default();
    let client = store.client();
    recorded(&client, &["chat/a"]).await;
    let before = Instant::now();
    let writer = lock(&client, 2, Duration::ZERO).await.expect("the lease");
    assert!(before.elapsed() < Duration::from_secs(1));
    let earlier = writer.snapshot().earlier.expect("an earlier holder");
    assert_eq!(earlier.lease, LeaseEnd::Released);
    let wait = earlier.calls_ended - before;
    assert!(Duration::from_secs(12) <= wait && wait < Duration::from_secs(13), "{wait:?}");
    assert_eq!((head(&store).epoch, names(writer.snapshot())), (2, vec!["chat/a".to_owned()]));
    assert_eq!(writer.snapshot().last_calls, calls(1));
    assert_eq!(store.written(&Name::State).len(), 1, "a clean release needs no barrier");
}

#[tokio::test(start_paused = true)]
async fn a_held_lease_is_refused_and_the_error_names_the_holder() {
    let store = FakeStore::default();
    let _held = lock(&store.client(), 1, LONG).await.expect("the lease");
    // The holder renews the lease, so that waiting does not help.
    for wait in [Duration::ZERO, LEASE * 4] {
        let error = lock(&store.client(), 2, wait).await.map(drop).expect_err("held");
        assert!(
            matches!(&error, StateError::Locked { holder: Some(by), .. } if **by == holder(1)),
            "{error}"
        );
    }
}

/// Returns how long after the last write of a crashed holder the next one takes the lease over.
async fn takeover_delay(client: &Client) -> Duration {
    let store = FakeStore::default();
    let crashed = lock(&store.client(), 1, LONG).await.expect("the lease");
    drop(crashed);
    let last = store.written(&Name::Head).last().map(|(_, at)| *at).expect("one");
    let next = Client::clone(client).of(&store);
    drop(lock(&next, 2, LONG).await.expect("the lease"));
    let taken = store.written(&Name::Head);
    taken[1].1 - last
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_a_crashed_holder_is_taken_over_when_it_expires() {
    let client = FakeStore::default().client();
    let by_age = takeover_delay(&client).await;
    assert!(LEASE <= by_age && by_age < LEASE + Duration::from_secs(3), "{by_age:?}");
    client.hide_age();
    let by_watch = takeover_delay(&client).await;
    assert!(LEASE <= by_watch && by_watch < LEASE + Duration::from_secs(3), "{by_watch:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_holder_renews_after_a_third_of_the_lease() {
    let store = FakeStore::default();
    let _held = lock(&store.client(), 1, LONG).await.expect("the lease");
    sleep(LEASE * 3).await;
    let written = store.written(&Name::Head);
    let gaps: Vec<Duration> = written.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    assert!((8..=10).contains(&gaps.len()), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap <= LEASE / 3 + Duration::from_millis(100)), "{gaps:?}");
    let mut contents: Vec<_> = written.iter().map(|(bytes, _)| bytes.clone()).collect();
    contents.sort();
    contents.dedup();
    assert_eq!(contents.len(), written.len(), "no two writes have equal bytes");
}

#[tokio::test(start_paused = true)]
async fn a_takeover_keeps_the_entries_and_writes_the_state_first() {
    let store = FakeStore::default();
    let crashed = lock(&store.client(), 1, LONG).await.expect("the lease");
    crashed.append(vec![intent("chat/a")]).await.expect("durable");
    drop(crashed);
    assert!(store.bytes(&Name::State).is_none());
    let writer = lock(&store.client(), 2, LONG).await.expect("the lease");
    let snapshot = writer.snapshot();
    assert_eq!((names(snapshot), snapshot.folded), (vec!["chat/a".to_owned()], Some(1)));
    assert!(snapshot.ended_uncleanly);
    assert_eq!(snapshot.earlier.map(|earlier| earlier.lease), Some(LeaseEnd::TakenOver));
    assert_eq!(store.written(&Name::State).len(), 1, "the barrier");
    // The state is written even if there is nothing to fold.
    drop(writer);
    drop(lock(&store.client(), 3, LONG).await.expect("the lease"));
    assert_eq!(store.written(&Name::State).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn concurrent_appends_share_one_write_per_second() {
    let store = FakeStore::default();
    let writer = lock(&store.client(), 1, LONG).await.expect("the lease");
    let earlier = store.written(&Name::Head).len();
    let start = Instant::now();
    for round in 0..5 {
        let appends = (0..200).map(|n| writer.append(vec![intent(&format!("chat/{round}-{n}"))]));
        for durable in futures(appends).await {
            assert!(durable.expect("durable").may_send());
        }
    }
    let count = store.written(&Name::Head).len() - earlier;
    let took = start.elapsed();
    assert_eq!(count, 5);
    assert!(
        Duration::from_millis(4_900) <= took && took <= Duration::from_millis(5_100),
        "{took:?}"
    );
}

/// Polls all futures concurrently.
async fn futures<'a, T: 'a>(
    all: impl Iterator<Item = crate::state::Access<'a, T>>,
) -> Vec<Result<T, StateError>> {
    let mut waiting: Vec<_> = all.map(|one| (one, None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in &mut waiting {
            if done.is_none()
                && let std::task::Poll::Ready(result) = one.as_mut().poll(context)
            {
                *done = Some(result);
            }
        }
        if waiting.iter().all(|(_, done)| done.is_some()) {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
    waiting.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test(start_paused = true)]
async fn a_send_window_ends_two_seconds_after_the_write_was_sent() {
    let store = FakeStore::default();
    let client = store.client();
    client.set_latency(Duration::from_millis(300));
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    let durable = writer.append(vec![intent("chat/a")]).await.expect("durable");
    assert!(durable.may_send());
    sleep(Duration::from_millis(1_650)).await;
    assert!(durable.may_send());
    sleep(Duration::from_millis(100)).await;
    assert!(!durable.may_send(), "2.05 s after the sending");
}

#[tokio::test(start_paused = true)]
async fn a_large_journal_is_folded_during_the_run() {
    let store = FakeStore::default();
    let writer = lock(&store.client(), 1, LONG).await.expect("the lease");
    let all = 6_000;
    for part in 0..6 {
        let entries = (0..all / 6).map(|n| result(&format!("chat/{part}-{n}"))).collect();
        writer.append(entries).await.expect("durable");
        // Readers see every durable room meanwhile.
        assert_eq!(read(&store.client()).await.recorded.rooms.len(), (part + 1) * all / 6);
    }
    assert!(!store.written(&Name::State).is_empty(), "folded during the run");
    assert!(store.bytes(&Name::Head).expect("a head").len() < 2 << 20);
    writer.fold(calls(1)).await.expect("a fold");
    assert_eq!(read(&store.client()).await.recorded.rooms.len(), all);
    assert_eq!(head(&store).journal.last(), all as u64, "numbers never restart");
}
