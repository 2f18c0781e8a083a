//! What may go wrong between a holder and the store.

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::*;
use crate::model::{Lineage, Recorded};
use crate::state::samples::many;
use crate::state::{Held, Lease};

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
async fn damaged_objects_are_refused_and_left_alone() {
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

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_ended_by_hand_is_taken_at_once_and_its_holder_stops() {
    let store = FakeStore::default();
    let holding = lock(&store.client(), 1, LONG).await.expect("the lease");
    holding.append(vec![intent("chat/a")]).await.expect("durable");
    let admin = store.client();
    let held = admin.store().held().await.expect("an answer").expect("a holder");
    assert_eq!(held.holder, Some(holder(1)));
    let other = Held { lease: held.lease.map(|lease| Lease { epoch: 9, ..lease }), ..held.clone() };
    assert!(matches!(admin.store().unlock(other).await, Err(StateError::Locked { .. })));
    admin.store().unlock(held.clone()).await.expect("ended");
    admin.store().unlock(held).await.expect("nobody holds it");
    assert_eq!(admin.store().held().await.expect("an answer"), None);
    assert!(matches!(holding.lost().await, StateError::Unlocked { .. }));
    let next = lock(&store.client(), 2, Duration::ZERO).await.expect("the lease");
    assert_eq!(names(next.snapshot()), ["chat/a"], "the state is written before anything else");
}

#[tokio::test(start_paused = true)]
async fn a_record_takes_the_place_of_a_new_state_with_its_lineage() {
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
async fn a_state_that_was_moved_is_written_no_more() {
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
async fn a_replacement_that_is_cut_short_leaves_one_record_or_the_other() {
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
async fn a_store_that_cannot_be_reached_is_soon_reported_and_one_that_starts_is_waited_for() {
    let client = FakeStore::default().client();
    let begun = Instant::now();
    client.refuse_connections(LONG);
    let error = lock(&client, 1, LONG).await.err().expect("there is no store");
    assert!(error.to_string().contains("no connection"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    client.refuse_connections(Duration::from_secs(2));
    lock(&client, 1, Duration::ZERO).await.expect("it answers by now");
}

#[tokio::test(start_paused = true)]
async fn a_probe_without_an_answer_is_made_anew() {
    let store = FakeStore::default();
    let client = store.client();
    client.hide_soundness();
    client.expect_writes([Mishap::Lost, Mishap::None, Mishap::AnswerLost]);
    lock(&client, 1, LONG).await.expect("the store does what conditions say");
    client.expect_writes([Mishap::Lost; 9]);
    let error = lock(&client, 2, LONG).await.err().expect("no answer");
    assert!(error.to_string().contains("run again once the store answers"), "{error}");
    let denied = store.client();
    denied.hide_soundness();
    denied.expect_writes([Mishap::Denied]);
    let error = lock(&denied, 2, LONG).await.err().expect("refused");
    assert!(error.to_string().contains("access denied; nothing was done"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_back_to_an_older_journal_ends_the_run_and_is_named() {
    let store = FakeStore::default();
    let client = store.client();
    let writer = lock(&client, 1, LONG).await.expect("the lease");
    let older = store.bytes(&Name::Head);
    writer.append(vec![intent("chat/a")]).await.expect("durable");
    store.set(&Name::Head, older);
    let error = writer.append(vec![result("chat/a")]).await.map(drop).expect_err("it is older");
    assert!(matches!(&error, StateError::Outdated { .. }), "{error}");
}
