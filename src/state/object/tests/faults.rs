//! Faults between a holder and the store.

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::*;
use crate::model::{Lineage, Recorded};
use crate::state::samples::many;
use crate::state::{Held, Lease};

#[tokio::test(start_paused = true)]
async fn a_write_with_a_lost_answer_is_read_back() {
    for fault in
        [WriteFault::AnswerLost, WriteFault::Lost, WriteFault::Late(Duration::from_millis(10_300))]
    {
        let store = FakeStore::default();
        let client = store.client();
        let writer = lock(&client, 1, LONG).await.expect("the lease");
        client.inject([fault]);
        let durable = writer.append(vec![intent("chat/a")]).await.expect("durable");
        assert!(!durable.may_send(), "{fault:?}: it was first sent too long ago");
        writer.append(vec![result("chat/a")]).await.expect("durable");
        client.inject([fault, WriteFault::None, fault]);
        writer.fold(calls(1)).await.expect("a fold");
        assert_eq!(names(&read(&store.client()).await), ["chat/a"], "{fault:?}");
        let numbers = head(&store).journal.last();
        assert_eq!(numbers, 2, "{fault:?}: nothing was written twice");
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_with_a_lost_answer_succeeds() {
    let store = FakeStore::default();
    recorded(&store.client(), &["chat/a"]).await;
    let client = store.client();
    client.inject([WriteFault::AnswerLost]);
    let writer = lock(&client, 2, LONG).await.expect("the lease");
    assert_eq!((head(&store).epoch, names(writer.snapshot()).len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_holder_paused_past_its_lease_can_write_nothing() {
    let store = FakeStore::default();
    let client = store.client();
    let paused = lock(&client, 1, LONG).await.expect("the lease");
    let durable = paused.append(vec![intent("chat/a")]).await.expect("durable");
    client.freeze(LEASE * 3);
    let other = lock(&store.client(), 2, LONG).await.expect("the lease has ended");
    assert_eq!(names(other.snapshot()), ["chat/a"], "its intent is known");
    let lost = tokio::time::timeout(LEASE * 4, paused.lost()).await.expect("the loss is detected");
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
async fn a_holder_renews_an_expired_lease_that_no_run_took_over() {
    let store = FakeStore::default();
    let client = store.client();
    let paused = lock(&client, 1, LONG).await.expect("the lease");
    let durable = paused.append(vec![intent("chat/a")]).await.expect("durable");
    client.freeze(LEASE * 3);
    sleep(LEASE * 3).await;
    assert!(!durable.may_send(), "the intent must be written again");
    let again = paused.append(vec![intent("chat/a")]).await.expect("still ours");
    assert!(again.may_send());
}

#[tokio::test(start_paused = true)]
async fn a_late_fold_of_an_earlier_holder_loses_no_entry() {
    // The late write takes effect between the takeover's read of the state and its own write.
    for late in (10_000..34_000).step_by(500).map(Duration::from_millis) {
        let store = FakeStore::default();
        let client = store.client();
        let first = lock(&client, 1, LONG).await.expect("the lease");
        first.append(vec![intent("chat/a"), result("chat/b")]).await.expect("durable");
        client.inject([WriteFault::Late(late)]);
        // The process is killed before it gets the answer.
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
async fn an_outage_of_ten_seconds_keeps_the_lease_but_closes_the_send_window() {
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
async fn a_lasting_outage_ends_the_run_when_its_lease_expires() {
    let store = FakeStore::default();
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    client.inject(std::iter::repeat_n(WriteFault::Lost, 100));
    let start = Instant::now();
    let error = writer.append(vec![intent("chat/a")]).await.map(drop).expect_err("no answer");
    assert!(matches!(error, StateError::Io { .. }), "{error}");
    assert!(start.elapsed() < LEASE * 3);
    assert!(matches!(writer.lost().await, StateError::Io { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_denied_write_ends_the_run_at_once() {
    let store = FakeStore::default();
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    client.inject([WriteFault::Denied]);
    let error = writer.append(vec![intent("chat/a")]).await.map(drop).expect_err("denied");
    assert!(error.to_string().contains("access denied"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn inconsistent_objects_are_refused_and_not_overwritten() {
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
        store.set(&Name::Head, head);
        store.set(&Name::State, state.clone());
        let client = store.client();
        let error = client.store().read().await.map(drop).expect_err(case);
        assert!(matches!(error, StateError::Outdated { .. }), "{case}: {error}");
        let error = lock(&client, 3, LONG).await.map(drop).expect_err(case);
        assert!(matches!(error, StateError::Outdated { .. }), "{case}: {error}");
        assert_eq!(store.bytes(&Name::State), state, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn damaged_objects_are_refused_and_not_overwritten() {
    let store = FakeStore::default();
    recorded(&store.client(), &["chat/a"]).await;
    for name in [Name::Head, Name::State] {
        let whole = store.bytes(&name).expect("an object");
        let mut flipped = whole.to_vec();
        flipped[whole.len() / 2] ^= 1;
        let cut = whole.slice(..whole.len() - 3);
        for damaged in [Bytes::from(flipped), cut, Bytes::new()] {
            store.set(&name, Some(damaged.clone()));
            let client = store.client();
            let error = client.store().read().await.map(drop).expect_err("damaged");
            assert!(
                matches!(error, StateError::Damaged { .. } | StateError::Checksum { .. }),
                "{error}"
            );
            lock(&client, 2, LONG).await.map(drop).expect_err("damaged");
            assert_eq!(store.bytes(&name), Some(damaged));
        }
        store.set(&name, Some(whole));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_requests_loses_no_durable_entry() {
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
        // The process is killed. A request that was sent may still take effect.
        drop(tokio::time::timeout(Duration::from_millis(moment * 127), run).await);
        client.freeze(LONG * 2);
        let next = lock(&store.client(), 2, LONG).await.expect("the lease");
        let known = names(next.snapshot());
        let missing: Vec<_> = durable.iter().filter(|at| !known.contains(at)).collect();
        assert!(missing.is_empty(), "killed at {moment}: {missing:?}");
        next.fold(calls(3)).await.expect("a fold");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_unlocked_by_hand_is_taken_at_once_and_its_holder_stops() {
    let store = FakeStore::default();
    let holding = lock(&store.client(), 1, LONG).await.expect("the lease");
    holding.append(vec![intent("chat/a")]).await.expect("durable");
    let admin = store.client();
    let held = admin.store().held().await.expect("an answer").expect("a holder");
    assert_eq!(held.holder, Some(holder(1)));
    let other = Held { lease: held.lease.map(|lease| Lease { epoch: 9, ..lease }), ..held.clone() };
    assert!(matches!(admin.store().unlock(other).await, Err(StateError::Locked { .. })));
    admin.store().unlock(held.clone()).await.expect("ended");
    admin.store().unlock(held).await.expect("the lock is free");
    assert_eq!(admin.store().held().await.expect("an answer"), None);
    assert!(matches!(holding.lost().await, StateError::Unlocked { .. }));
    let next = lock(&store.client(), 2, Duration::ZERO).await.expect("the lease");
    assert_eq!(names(next.snapshot()), ["chat/a"], "the state is written before anything else");
}

#[tokio::test(start_paused = true)]
async fn a_replace_sets_lineage_and_serial_of_the_record() {
    let store = FakeStore::default();
    let writer = lock(&store.client(), 1, LONG).await.expect("the lease");
    writer.replace(many(3)).await.expect("written");
    writer.append(vec![result("chat/new")]).await.expect("durable");
    writer.fold(LastCalls::new()).await.expect("a fold");
    let recorded = read(&store.client()).await.recorded;
    assert_eq!((recorded.rooms.len(), &recorded.lineage), (4, &many(0).lineage));
    assert_eq!(recorded.serial, many(0).serial + 1);
    let writer = lock(&store.client(), 1, LONG).await.expect("the lease");
    let other = Recorded { lineage: Some(Lineage("other".to_owned())), ..many(1) };
    writer.replace(other.clone()).await.expect("written");
    writer.fold(LastCalls::new()).await.expect("a fold");
    assert_eq!(*read(&store.client()).await.recorded, other);
}

#[tokio::test(start_paused = true)]
async fn a_moved_state_is_readable_and_cannot_be_locked() {
    let store = FakeStore::default();
    recorded(&store.client(), &["chat/a"]).await;
    let writer = lock(&store.client(), 1, LONG).await.expect("the lease");
    let moved = writer.snapshot().recorded.as_ref().clone();
    let moved = Recorded { moved_to: Some("s3://b/k".into()), ..moved };
    writer.replace(moved).await.expect("marked");
    writer.fold(LastCalls::new()).await.expect("a fold");
    let error = lock(&store.client(), 2, LONG).await.map(drop).expect_err("moved");
    assert!(matches!(&error, StateError::Moved { to } if **to == *"s3://b/k"), "{error}");
    assert_eq!(names(&read(&store.client()).await), ["chat/a"], "its records stay");
}

#[tokio::test(start_paused = true)]
async fn a_crash_during_a_replace_leaves_the_old_record_or_the_new_one() {
    let other = Recorded { lineage: Some(Lineage("other".to_owned())), ..many(1) };
    let mut seen = [0, 0];
    for moment in 0..40_u64 {
        let store = FakeStore::default();
        recorded(&store.client(), &["chat/a"]).await;
        let client = store.client();
        let run = async {
            let writer = lock(&client, 1, LONG).await.expect("the lease");
            writer.append(vec![result("chat/b")]).await.expect("durable");
            writer.replace(other.clone()).await.expect("written");
            writer.fold(LastCalls::new()).await.expect("a fold");
        };
        drop(tokio::time::timeout(Duration::from_millis(moment * 97), run).await);
        client.freeze(LONG * 2);
        let before = read(&store.client()).await.recorded;
        let next = lock(&store.client(), 2, LONG).await.expect("the lease");
        let after = next.snapshot().recorded.clone();
        assert_eq!((&before.rooms, &before.lineage), (&after.rooms, &after.lineage), "{moment}");
        next.append(vec![result("chat/c")]).await.expect("durable");
        next.fold(LastCalls::new()).await.expect("a fold");
        let is_other = after.lineage == other.lineage;
        seen[usize::from(is_other)] += 1;
        assert_eq!(after.rooms == other.rooms, is_other, "{moment}");
        assert_eq!(read(&store.client()).await.recorded.lineage, after.lineage, "{moment}");
    }
    assert!(seen.iter().all(|count| *count > 5), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_store_is_reported_soon_and_a_starting_one_is_waited_for() {
    let client = FakeStore::default().client();
    let started = Instant::now();
    client.refuse_connections(LONG);
    let error = lock(&client, 1, LONG).await.err().expect("there is no store");
    assert!(error.to_string().contains("no connection"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    client.refuse_connections(Duration::from_secs(2));
    lock(&client, 1, Duration::ZERO).await.expect("it answers after 2 s");
}

#[tokio::test(start_paused = true)]
async fn a_probe_without_an_answer_is_repeated() {
    let store = FakeStore::default();
    let client = store.client();
    client.hide_soundness();
    client.inject([WriteFault::Lost, WriteFault::None, WriteFault::AnswerLost]);
    lock(&client, 1, LONG).await.expect("the store honours conditions");
    client.inject([WriteFault::Lost; 9]);
    let error = lock(&client, 2, LONG).await.err().expect("no answer");
    assert!(error.to_string().contains("run again once the store answers"), "{error}");
    let denied = store.client();
    denied.hide_soundness();
    denied.inject([WriteFault::Denied]);
    let error = lock(&denied, 2, LONG).await.err().expect("refused");
    assert!(error.to_string().contains("access denied; nothing was done"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_the_head_ends_the_run_as_outdated() {
    let store = FakeStore::default();
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    let older = store.bytes(&Name::Head);
    writer.append(vec![intent("chat/a")]).await.expect("durable");
    store.set(&Name::Head, older);
    let error = writer.append(vec![result("chat/a")]).await.map(drop).expect_err("it is older");
    assert!(matches!(&error, StateError::Outdated { .. }), "{error}");
}
