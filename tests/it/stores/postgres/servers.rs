//! Tests of the test servers and the proxy.

use std::time::Duration;

use tokio_postgres::{Client, Error, NoTls};

use crate::support::postgres::{self, Database, PASSWORD};
use crate::support::tcp::{Flow, TcpProxy};

/// How long a client waits for an answer that does not come.
const SHORT: Duration = Duration::from_millis(50);

pub(super) async fn connect(database: &Database, password: &str) -> Result<Client, Error> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(database.address.port());
    config.user(&database.user).password(password).dbname("fleet");
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn count(client: &Client) -> Result<i64, Error> {
    let rows = client.query_typed("SELECT count(*) FROM public.visits", &[]).await?;
    Ok(rows[0].get(0))
}

#[tokio::test]
async fn server_and_pooler_check_passwords_and_survive_a_restart() {
    let Some(server) = postgres::durable() else { return };
    let Some(bouncer) = postgres::bouncer(&server) else { return };
    let direct = server.database();
    assert_ne!(direct.schema, server.database().schema);
    let pooled = direct.at(bouncer.address);
    connect(&direct, "wrong").await.map(drop).expect_err("the password is checked");
    connect(&pooled, "wrong").await.map(drop).expect_err("the password is checked");
    direct.sql("CREATE TABLE public.visits (); GRANT ALL ON public.visits TO PUBLIC");
    let client = connect(&direct, PASSWORD).await.expect("a connection");
    direct.sql("INSERT INTO public.visits DEFAULT VALUES");
    assert_eq!(count(&client).await.expect("a count"), 1);
    direct.terminate_backends();
    count(&client).await.expect_err("the backend was terminated");
    let through = connect(&pooled, PASSWORD).await.expect("a connection");
    assert_eq!(count(&through).await.expect("a count"), 1);
    server.stop();
    connect(&direct, PASSWORD).await.map(drop).expect_err("the server is stopped");
    let pooled = tokio::spawn(async move { count(&through).await });
    server.start();
    assert_eq!(direct.sql("SELECT count(*) FROM public.visits"), "1");
    // The pooler waits for the server, or reports a lost connection.
    assert_eq!(pooled.await.expect("no panic").unwrap_or(1), 1);
}

#[tokio::test]
async fn a_proxy_cuts_refuses_holds_and_drops() {
    let Some(database) = postgres::database() else { return };
    database.sql("CREATE TABLE public.visits (); GRANT ALL ON public.visits TO PUBLIC");
    let visit = "INSERT INTO public.visits DEFAULT VALUES";
    let visits = || database.sql("SELECT count(*) FROM public.visits");
    let proxy = TcpProxy::start(database.address);
    let through = database.at(proxy.address);
    let client = connect(&through, PASSWORD).await.expect("a connection");
    client.query_typed(visit, &[]).await.expect("a visit");
    proxy.cut();
    client.query_typed(visit, &[]).await.expect_err("it is cut");
    assert_eq!(visits(), "1");

    proxy.refuse();
    connect(&through, PASSWORD).await.map(drop).expect_err("it is refused");
    proxy.accept();
    let client = connect(&through, PASSWORD).await.expect("a connection");
    proxy.answers(Flow::Drop);
    let answer = tokio::spawn(async move { client.query_typed(visit, &[]).await.map(drop) });
    proxy.until_answer_stopped().await;
    assert_eq!(visits(), "2");
    proxy.cut();
    answer.await.expect("no panic").expect_err("its answer is lost");

    proxy.answers(Flow::Pass);
    let client = connect(&through, PASSWORD).await.expect("a connection");
    proxy.requests(Flow::Hold);
    let late = tokio::spawn(async move { client.query_typed(visit, &[]).await.map(drop) });
    proxy.until_request_stopped().await;
    proxy.cut();
    late.await.expect("no panic").expect_err("it is cut");
    proxy.requests(Flow::Pass);
    let client = connect(&through, PASSWORD).await.expect("a connection");
    assert_eq!(count(&client).await.expect("a count"), 2);
    proxy.deliver();
    while visits() != "3" {
        tokio::task::yield_now().await;
    }

    proxy.requests(Flow::Drop);
    let silence = tokio::time::timeout(SHORT, client.query_typed(visit, &[])).await;
    silence.map(drop).expect_err("no answer");
    assert_eq!(visits(), "3");
}
