//! The emulator over a real socket on loopback.

use std::net::Ipv4Addr;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// Sends one request, and returns everything that is received before the connection ends.
async fn exchange(running: &Running, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(running.address()).await.expect("connected");
    let length = body.len();
    let text = format!(
        "{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // Reading a cut connection may fail: only what was received before that is returned.
    stream.read_to_end(&mut answer).await.unwrap_or_default();
    String::from_utf8(answer).expect("text")
}

#[tokio::test]
async fn signed_requests_and_the_emulators_calls_are_served() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 3600).await;
    let running = client.emulator.listen(ANY.into()).await.expect("listening");
    let head = format!("GET /?Action=QueryRoomUserList&RoomId=lobby&{}", client.signed().query());
    let answer = exchange(&running, &head, "").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-roomctl-emulator: 1"));
    assert!(answer.contains("\"Code\":660300008"), "{answer}");
    let enter = |body| exchange(&running, "POST /emulator/enter", body);
    assert!(enter(r#"{"room":"lobby","users":300}"#).await.ends_with(r#"{"people":300}"#));
    assert!(enter(r#"{"app_id":12345,"room":"lobby"}"#).await.ends_with(r#"{"people":301}"#));
    assert!(enter(r#"{"room":"hall"}"#).await.starts_with("HTTP/1.1 404"));
    assert!(enter(r#"{"app_id":1,"room":"lobby"}"#).await.starts_with("HTTP/1.1 404"));
    assert!(enter(r#"{"rooms":"lobby"}"#).await.starts_with("HTTP/1.1 400"));
    let leave = exchange(&running, "POST /emulator/leave", r#"{"room":"lobby"}"#).await;
    assert!(leave.ends_with(r#"{"people":0}"#), "{leave}");
    let advance = exchange(&running, "POST /emulator/advance", r#"{"seconds":3600}"#).await;
    assert!(advance.starts_with("HTTP/1.1 200"), "{advance}");
    assert!(!client.has("lobby"));
    running.shutdown().await.expect("shut down");
}

#[tokio::test]
async fn nothing_is_received_on_a_cut_connection() {
    let mut bad = config();
    bad.faults = vec!["reset-after=100%".parse().expect("a fault")];
    let client = TestClient::new(bad);
    let running = client.emulator.listen(ANY.into()).await.expect("listening");
    let head = format!("POST /?Action=UserRegister&{}", client.signed().query());
    let answer = exchange(&running, &head, r#"{"UserInfo":[{"UserId":"admin"}]}"#).await;
    assert_eq!(answer, "");
    assert!(client.app().users.contains("admin"));
    running.shutdown().await.expect("shut down");
}

#[tokio::test]
async fn an_address_in_use_is_reported_and_free_after_a_shutdown() {
    let client = TestClient::new(config());
    let first = client.emulator.listen(ANY.into()).await.expect("listening");
    let address = first.address();
    let error = client.emulator.listen(address).await.expect_err("in use");
    assert_eq!(error.to_string(), format!("the emulator cannot listen on {address}"));
    first.shutdown().await.expect("shut down");
    let second = client.emulator.listen(address).await.expect("free again");
    second.shutdown().await.expect("shut down");
}

#[tokio::test]
async fn after_a_shutdown_the_data_can_be_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rooms.emulator.json");
    let open = || Emulator::open(config(), clock(), Data::File(path.clone()));
    let emulator = open().expect("open");
    emulator.advance(Duration::from_secs(1)).expect("advanced");
    let running = emulator.listen(ANY.into()).await.expect("listening");
    let idle = TcpStream::connect(running.address()).await.expect("connected");
    drop(emulator);
    assert!(open().is_err());
    running.shutdown().await.expect("shut down");
    assert_eq!(std::fs::read(path.with_extension("json.log")).expect("a log"), b"");
    assert!(open().is_ok());
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn the_emulators_calls_are_accepted_from_this_machine_only() {
    let client = TestClient::with_operator(config()).await;
    client.create("lobby", 3600).await;
    let from = async |peer: &str| {
        let peer: SocketAddr = peer.parse().expect("an address");
        let body = Body::from(r#"{"room":"lobby"}"#);
        let mut request = Request::post("/emulator/enter").body(body).expect("a request");
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        client.emulator.router().oneshot(request).await.expect("infallible").status()
    };
    assert_eq!(from("192.0.2.1:80").await, StatusCode::FORBIDDEN);
    assert_eq!(from("127.0.0.1:80").await, StatusCode::OK);
    assert_eq!(from("[::ffff:127.0.0.1]:80").await, StatusCode::OK);
    assert_eq!(client.app().rooms[&room("lobby")].people, 2);
}

#[tokio::test(start_paused = true)]
async fn the_description_lists_actions_limits_and_faults_and_no_secret() {
    let mut all = config();
    all.apps.push(App::with_own_secret(ZIM, 7));
    all.max_rooms = Some(10);
    all.latency = Duration::from_millis(80);
    all.faults = vec!["busy=2%".parse().expect("a fault")];
    let client = TestClient::new(all);
    let description = client.emulator.describe();
    for part in [
        "zim, app ids: 12345, 7;",
        "POST /?Action=CreateRoom  20 per second",
        "10 per app",
        "busy in 2.0%",
        "80ms",
    ] {
        assert!(description.contains(part), "{part} is missing in {description}");
    }
    let debugged = format!("{:?}", client.emulator);
    assert!(!description.contains(SECRET) && !debugged.contains(SECRET));
}
