//! What may go wrong between a holder and the store.

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_read_and_counts() {
    for mishap in [Mishap::AnswerLost, Mishap::Lost, Mishap::Late(Duration::from_millis(10_300))] {
        let store = FakeStore::default();
        let client = store.client();
        let writer = lock(&client, 1, LONG).await.expect("the lease");
        client.expect_writes([mishap]);
        let durable = writer.append(vec![intent("chat/a")]).await.expect("durable");
        assert!(!durable.may_send(), "{mishap:?}: its first sending is too long ago");
        writer.append(vec![result("chat/a")]).await.expect("durable");
        client.expect_writes([mishap, Mishap::None, mishap]);
        writer.fold(calls(1)).await.expect("a fold");
        assert_eq!(names(&read(&store.client()).await), ["chat/a"], "{mishap:?}");
        let numbers = head(&store).journal.last();
        assert_eq!(numbers, 2, "{mishap:?}: nothing was written twice");
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_whose_answer_is_lost_is_ours() {
    let store = FakeStore::default();
    recorded(&store.client(), &["chat/a"]).await;
    let client = store.client();
    client.expect_writes([Mishap::AnswerLost]);
    let writer = lock(&client, 2, LONG).await.expect("the lease");
    assert_eq!((head(&store).epoch, names(writer.snapshot()).len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_holder_paused_past_its_lease_writes_nothing_that_counts() {
    let store = FakeStore::default();
    let client = store.client();
    let paused = lock(&client, 1, LONG).await.expect("the lease");
    let durable = paused.append(vec![intent("chat/a")]).await.expect("durable");
    client.freeze(LEASE * 3);
    let other = lock(&store.client(), 2, LONG).await.expect("the lease has ended");
    assert_eq!(names(other.snapshot()), ["chat/a"], "its intent is known");
    let lost = tokio::time::timeout(LEASE * 4, paused.lost()).await.expect("it finds out");
    assert!(
        matches!(&lost, StateError::LeaseLost { by: Some(by), .. } if **by == holder(2)),
        "{lost}"
    );
    assert!(!durable.may_send());
    let refused = paused.append(vec![result("chat/b")]).await.map(drop);
    assert!(matches!(refused, Err(StateError::LeaseLost { .. })));
    assert!(paused.fold(LastCalls::new()).await.is_err());
    other.fold(LastCalls::new()).await.expect("a fold");
    assert_eq!(names(&read(&store.client()).await), ["chat/a"]);
}

#[tokio::test(start_paused = true)]
async fn a_holder_paused_past_its_lease_goes_on_if_nobody_took_it() {
    let store = FakeStore::default();
    let client = store.client();
    let paused = lock(&client, 1, LONG).await.expect("the lease");
    let durable = paused.append(vec![intent("chat/a")]).await.expect("durable");
    client.freeze(LEASE * 3);
    sleep(LEASE * 3).await;
    assert!(!durable.may_send(), "the intent is to be written anew");
    let again = paused.append(vec![intent("chat/a")]).await.expect("still ours");
    assert!(again.may_send());
}

#[tokio::test(start_paused = true)]
async fn a_fold_of_an_earlier_holder_that_lands_late_is_refused_or_folded_in() {
    // The state is written between the takeover's read of it and its own write.
    for late in (10_000..34_000).step_by(500).map(Duration::from_millis) {
        let store = FakeStore::default();
        let client = store.client();
        let first = lock(&client, 1, LONG).await.expect("the lease");
        first.append(vec![intent("chat/a"), result("chat/b")]).await.expect("durable");
        client.expect_writes([Mishap::Late(late)]);
        // Its only answer never comes: the process is killed meanwhile.
        let folding = tokio::time::timeout(Duration::from_secs(5), first.fold(calls(1))).await;
        assert!(folding.is_err());
        client.freeze(LONG);
        let second = lock(&store.client(), 2, LONG).await.expect("the lease");
        assert_eq!(names(second.snapshot()), ["chat/a", "chat/b"], "{late:?}");
        second.append(vec![result("chat/c")]).await.expect("durable");
        second.fold(calls(2)).await.expect("a fold");
        sleep(LONG).await;
        assert_eq!(names(&read(&store.client()).await), ["chat/a", "chat/b", "chat/c"], "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_ten_seconds_ends_no_run_and_covers_no_call() {
    let store = FakeStore::default();
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    client.freeze(Duration::from_secs(10));
    let durable = writer.append(vec![intent("chat/a")]).await.expect("the lease still holds");
    assert!(!durable.may_send());
    assert!(writer.append(vec![intent("chat/a")]).await.expect("durable").may_send());
    writer.fold(LastCalls::new()).await.expect("a fold");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_away_ends_the_run_with_its_lease() {
    let store = FakeStore::default();
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    client.expect_writes(std::iter::repeat_n(Mishap::Lost, 100));
    let start = Instant::now();
    let error = writer.append(vec![intent("chat/a")]).await.map(drop).expect_err("no answer");
    assert!(matches!(error, StateError::Io { .. }), "{error}");
    assert!(start.elapsed() < LEASE * 3);
    assert!(matches!(writer.lost().await, StateError::Io { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_denies_ends_the_run_at_once() {
    let store = FakeStore::default();
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    client.expect_writes([Mishap::Denied]);
    let error = writer.append(vec![intent("chat/a")]).await.map(drop).expect_err("denied");
    assert!(error.to_string().contains("access denied"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn objects_that_do_not_belong_together_are_refused_and_left_alone() {
    let store = FakeStore::default();
    recorded(&store.client(), &["chat/a"]).await;
    let (old_head, old_state) = (store.bytes(&Name::Head), store.bytes(&Name::State));
    recorded(&store.client(), &["chat/b"]).await;
    let (head, state) = (store.bytes(&Name::Head), store.bytes(&Name::State));
    let other = FakeStore::default();
    recorded(&other.client(), &["chat/x"]).await;
    let cases = [
        ("an older state", head.clone(), old_state),
        ("an older head", old_head, state.clone()),
        ("no head", None, state.clone()),
        ("no state", head.clone(), None),
        ("another lineage", head.clone(), other.bytes(&Name::State)),
    ];
    for (case, head, state) in cases {
        store.set(Name::Head, head);
        store.set(Name::State, state.clone());
        let client = store.client();
        let error = client.store().read().await.map(drop).expect_err(case);
        assert!(matches!(error, StateError::Outdated { .. }), "{case}: {error}");
        let error = lock(&client, 3, LONG).await.map(drop).expect_err(case);
        assert!(matches!(error, StateError::Outdated { .. }), "{case}: {error}");
        assert_eq!(store.bytes(&Name::State), state, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn damaged_objects_are_refused_and_left_alone() {
    let store = FakeStore::default();
    recorded(&store.client(), &["chat/a"]).await;
    for name in [Name::Head, Name::State] {
        let whole = store.bytes(&name).expect("an object");
        let mut flipped = whole.to_vec();
        flipped[whole.len() / 2] ^= 1;
        let cut = whole.slice(..whole.len() - 3);
        for damaged in [Bytes::from(flipped), cut, Bytes::new()] {
            store.set(name.clone(), Some(damaged.clone()));
            let client = store.client();
            let error = client.store().read().await.map(drop).expect_err("damaged");
            assert!(
                matches!(error, StateError::Damaged { .. } | StateError::Checksum { .. }),
                "{error}"
            );
            lock(&client, 2, LONG).await.map(drop).expect_err("damaged");
            assert_eq!(store.bytes(&name), Some(damaged));
        }
        store.set(name, Some(whole));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_between_any_two_requests_nothing_durable_is_lost() {
    for moment in 0..60_u64 {
        let store = FakeStore::default();
        recorded(&store.client(), &["chat/old"]).await;
        let client = store.client();
        let mut durable = vec!["chat/old".to_owned()];
        let run = async {
            let writer = lock(&client, 1, LONG).await.expect("the lease");
            for n in 0..3 {
                let at = format!("chat/{n}");
                writer.append(vec![intent(&at)]).await.expect("durable");
                durable.push(at.clone());
                writer.append(vec![result(&at)]).await.expect("durable");
            }
            writer.fold(calls(2)).await.expect("a fold");
        };
        // The process is killed then: what was sent may still take effect.
        drop(tokio::time::timeout(Duration::from_millis(moment * 127), run).await);
        client.freeze(LONG * 2);
        let next = lock(&store.client(), 2, LONG).await.expect("the lease");
        let known = names(next.snapshot());
        let missing: Vec<_> = durable.iter().filter(|at| !known.contains(at)).collect();
        assert!(missing.is_empty(), "killed at {moment}: {missing:?}");
        next.fold(calls(3)).await.expect("a fold");
    }
}
