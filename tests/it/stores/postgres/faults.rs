//! Cut connections, lost answers and stopped servers: acknowledged entries are durable, and each
//! entry is stored once.

use std::sync::Arc;

use roomctl::state::WriteStore;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::super::fixtures::{append, fold, lock, names, read, recorded, result};
use super::servers::connect;
use crate::support::postgres::{self, Database, PASSWORD};
use crate::support::tcp::{Flow, TcpProxy};
use tokio_postgres::Client;

/// The number of concurrent writers, and of entries for each.
const WRITERS: usize = 8;
const ENTRIES: usize = 25;

/// Creates a schema on the shared server, and a proxy in front of the server.
fn behind_a_proxy() -> Option<(Database, TcpProxy)> {
    let database = postgres::database()?;
    let proxy = TcpProxy::start(database.address);
    Some((database, proxy))
}

/// Returns the number of entries in the journal, and the number of the last entry.
fn journal(database: &Database) -> String {
    database
        .sql("SELECT count(journal.*), last_entry FROM head LEFT JOIN journal ON true GROUP BY 2")
}

/// Starts concurrent writers that append their entries in order. Returns the writers, and the
/// number of acknowledged entries so far.
fn append_many(writer: &Arc<dyn WriteStore>) -> (JoinSet<()>, watch::Receiver<usize>) {
    let (count, acknowledged) = watch::channel(0);
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let (writer, count) = (writer.clone(), count.clone());
        writers.spawn(async move {
            for entry in 0..ENTRIES {
                append(&writer, vec![result(&format!("chat/{n}-{entry}"))]).await;
                count.send_modify(|count| *count += 1);
            }
        });
    }
    (writers, acknowledged)
}

/// Waits until everything is appended, and checks that the journal has each entry once. Returns the
/// number of entries.
async fn assert_all_once(mut writers: JoinSet<()>, database: &Database) -> usize {
    while let Some(written) = writers.join_next().await {
        written.expect("every entry is acknowledged");
    }
    let every = WRITERS * ENTRIES;
    assert_eq!(journal(database), format!("{every}|{every}"));
    every
}

#[tokio::test]
async fn an_append_with_a_lost_answer_is_stored_once() {
    let Some((database, proxy)) = behind_a_proxy() else { return };
    let writer = lock(&database.at(proxy.address)).await;
    proxy.answers(Flow::Drop);
    let waiting = writer.clone();
    let appended = tokio::spawn(async move { append(&waiting, vec![result("chat/a")]).await });
    proxy.until_answer_stopped().await;
    assert_eq!(journal(&database), "1|1", "it was committed");
    proxy.cut();
    proxy.answers(Flow::Pass);
    appended.await.expect("its write-id is found");
    assert_eq!(journal(&database), "1|1");
    append(&writer, vec![result("chat/b")]).await;
    assert_eq!(journal(&database), "2|2");
    fold(writer).await;
    assert_eq!(names(&read(&database).await), ["chat/a", "chat/b"]);
}

#[tokio::test]
async fn an_append_that_arrives_after_its_retry_is_stored_once() {
    let Some((database, proxy)) = behind_a_proxy() else { return };
    let through = database.by_new_owner().at(proxy.address);
    let writer = lock(&through).await;
    proxy.requests(Flow::Hold);
    let waiting = writer.clone();
    let appended = tokio::spawn(async move { append(&waiting, vec![result("chat/a")]).await });
    proxy.until_request_stopped().await;
    proxy.cut();
    proxy.requests(Flow::Pass);
    appended.await.expect("it is retried");
    append(&writer, vec![result("chat/b")]).await;
    assert_eq!(journal(&database), "2|2");
    proxy.deliver();
    let backends =
        format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'", through.user);
    while database.sql(&backends) != "1" {
        tokio::task::yield_now().await;
    }
    assert_eq!(journal(&database), "2|2");
    fold(writer).await;
    assert_eq!(names(&read(&through).await), ["chat/a", "chat/b"]);
}

/// Starts a transaction that locks the head row, as an administrator may.
async fn lock_head(database: &Database) -> Client {
    let client = connect(database, PASSWORD).await.expect("a connection");
    let sql = format!("BEGIN; SELECT FROM {}.head FOR UPDATE", database.schema);
    client.batch_execute(&sql).await.expect("the lock of the row");
    client
}

/// Waits until `statements` statements of the role wait for a lock.
async fn until_waiting(database: &Database, statements: usize) {
    let role = &database.user;
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND wait_event_type = 'Lock'"
    );
    while database.sql(&waiting) != statements.to_string() {
        tokio::task::yield_now().await;
    }
}

/// The server still executes a statement whose client has disconnected.
#[tokio::test]
async fn an_append_blocked_in_the_server_during_its_retry_is_stored_once() {
    let Some((database, proxy)) = behind_a_proxy() else { return };
    let database = database.by_new_owner();
    let writer = lock(&database.at(proxy.address)).await;
    let client = lock_head(&database).await;
    let waiting = writer.clone();
    let appended = tokio::spawn(async move { append(&waiting, vec![result("chat/a")]).await });
    until_waiting(&database, 1).await;
    proxy.cut();
    until_waiting(&database, 2).await;
    client.batch_execute("COMMIT").await.expect("released");
    appended.await.expect("its write-id is found");
    append(&writer, vec![result("chat/b")]).await;
    until_waiting(&database, 0).await;
    assert_eq!(journal(&database), "2|2");
}

/// As in a failover, while the host name still resolves to the old server.
#[tokio::test]
async fn appends_continue_once_the_server_is_writable_again() {
    let Some((database, proxy)) = behind_a_proxy() else { return };
    let database = database.by_new_owner();
    let writer = lock(&database.at(proxy.address)).await;
    append(&writer, vec![result("chat/a")]).await;
    let role = &database.user;
    database.sql(&format!("ALTER ROLE {role} SET default_transaction_read_only = on"));
    database.terminate_backends();
    let waiting = writer.clone();
    let appended = tokio::spawn(async move { append(&waiting, vec![result("chat/b")]).await });
    // The second connection is opened after a refused write.
    proxy.until_connected(2).await;
    assert!(!appended.is_finished());
    database.sql(&format!("ALTER ROLE {role} RESET default_transaction_read_only"));
    appended.await.expect("it is retried");
    assert_eq!(journal(&database), "2|2");
}

#[tokio::test]
async fn a_fold_with_a_lost_answer_is_done_and_releases_the_lease() {
    let Some((database, proxy)) = behind_a_proxy() else { return };
    let writer = lock(&database.at(proxy.address)).await;
    append(&writer, vec![result("chat/a")]).await;
    proxy.answers(Flow::Drop);
    let folded = tokio::spawn(fold(writer));
    proxy.until_answer_stopped().await;
    proxy.cut();
    proxy.answers(Flow::Pass);
    assert_eq!(folded.await.expect("its write-id is found"), 1);
    assert_eq!(journal(&database), "0|1");
    let next = lock(&database).await;
    assert!(!next.snapshot().ended_uncleanly);
    assert_eq!(next.snapshot().folded, None);
}

#[tokio::test]
async fn a_run_with_any_one_answer_lost_is_stored_once() {
    let Some((database, proxy)) = behind_a_proxy() else { return };
    let through = database.at(proxy.address);
    for answers in 0.. {
        let room = format!("chat/{answers:03}");
        proxy.lose_answer_after(answers);
        let serial = recorded(&through, &[&room]).await;
        assert_eq!(serial, answers + 1);
        assert_eq!(
            database.sql("SELECT epoch FROM head"),
            serial.to_string(),
            "the lease was taken twice"
        );
        assert_eq!(journal(&database), format!("0|{serial}"), "the entry was written twice");
        if !proxy.has_lost_answer() {
            assert!(answers > 10, "a run has more answers than {answers}");
            break;
        }
    }
}

#[tokio::test]
async fn appends_continue_after_cut_and_refused_connections() {
    let Some((database, proxy)) = behind_a_proxy() else { return };
    let writer = lock(&database.at(proxy.address)).await;
    let (writers, mut acknowledged) = append_many(&writer);
    for part in 1..=4 {
        acknowledged.wait_for(|count| *count >= WRITERS * part * 5).await.expect("appends");
        if part % 2 == 0 {
            proxy.refuse();
            proxy.cut();
            proxy.accept();
        } else {
            proxy.cut();
        }
    }
    let every = assert_all_once(writers, &database).await;
    fold(writer).await;
    assert_eq!(names(&read(&database).await).len(), every);
}

#[tokio::test]
async fn appends_continue_after_their_backend_is_terminated() {
    let Some(database) = postgres::database() else { return };
    let database = database.by_new_owner();
    let writer = lock(&database).await;
    let (writers, mut acknowledged) = append_many(&writer);
    for part in 1..=3 {
        acknowledged.wait_for(|count| *count >= WRITERS * part * 5).await.expect("appends");
        database.terminate_backends();
    }
    assert_all_once(writers, &database).await;
}

/// The server is configured to acknowledge before it syncs, and to sync late. Only the store's own
/// `synchronous_commit` makes entries durable.
#[tokio::test]
async fn acknowledged_entries_survive_a_server_crash() {
    let Some(server) = postgres::durable() else { return };
    let database = server.database();
    database.sql("ALTER ROLE fleet SET synchronous_commit = off");
    database.sql("ALTER SYSTEM SET wal_writer_delay = 10000");
    database.sql("ALTER SYSTEM SET wal_writer_flush_after = 0");
    database.sql("SELECT pg_reload_conf()");
    let writer = lock(&database).await;
    let (writers, mut acknowledged) = append_many(&writer);
    for part in 1..=2 {
        let count = acknowledged.wait_for(|count| *count >= WRITERS * part * 5).await;
        let before = *count.expect("appends");
        server.stop();
        server.start();
        let rooms: usize = database.sql("SELECT count(*) FROM journal").parse().expect("a number");
        assert!(rooms >= before, "{before} were acknowledged, but {rooms} are stored");
    }
    let every = assert_all_once(writers, &database).await;
    fold(writer).await;
    assert_eq!(names(&read(&database).await).len(), every);
}

#[tokio::test]
async fn appends_continue_behind_a_pooler_whose_server_restarts() {
    let Some(server) = postgres::durable() else { return };
    let Some(bouncer) = postgres::bouncer(&server) else { return };
    let database = server.database();
    let writer = lock(&database.at(bouncer.address)).await;
    let (writers, mut acknowledged) = append_many(&writer);
    acknowledged.wait_for(|count| *count >= WRITERS * 5).await.expect("appends");
    server.stop();
    server.start();
    assert_all_once(writers, &database).await;
}
