//! The objects of a state in memory, on real servers, and behind a proxy with fault injection.

mod gcs;
#[path = "../../../../tests/it/support/proxy.rs"]
mod proxy;
#[path = "../../../../tests/it/support/servers.rs"]
mod servers;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::objects::{Condition, Name, Object, Objects, Put, Version};
use super::super::probe::probe;
use super::{Endpoint, MemoryBucket, Remote};
use crate::model::{ObjectUrl, StateLocation};
use crate::state::StoreEnvironment;
use crate::state::lease::RemoteError;
use proxy::{Fault, Proxy};
use servers::Bucket;

fn url(text: &str) -> ObjectUrl {
    match text.parse() {
        Ok(StateLocation::Object(url)) => url,
        other => panic!("not the URL of an object: {other:?}"),
    }
}

fn connected(bucket: &Bucket, environment: Vec<(String, String)>) -> Remote {
    let url = url(&format!("{}/fleet/rooms state.json", bucket.url));
    Remote::connect(&url, &StoreEnvironment::of(environment)).expect("an environment")
}

fn in_memory(service: &str) -> Remote {
    Remote::in_memory(&url(&format!("{service}://b/k")), &MemoryBucket::default()).expect("a key")
}

fn done(put: Result<Put, RemoteError>) -> Version {
    match put.expect("an answer") {
        Put::Done(version) => version,
        Put::Refused => panic!("refused"),
    }
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn read(objects: &dyn Objects, name: &Name) -> Object {
    objects.get(name).await.expect("an answer").expect("an object")
}

/// Checks that each name is a separate object, and that writes honour their conditions.
async fn assert_conditions_hold(objects: &dyn Objects) {
    let names = [Name::State, Name::Head, Name::Probe("1".to_owned())];
    for name in &names {
        assert!(objects.get(name).await.expect("an answer").is_none(), "{name:?}");
        let never = Condition::Version(Version("\"1\"".to_owned()));
        assert_eq!(objects.put(name, bytes("x"), &never).await, Ok(Put::Refused), "{name:?}");
        let first = done(objects.put(name, bytes("one"), &Condition::Absent).await);
        assert_eq!(objects.put(name, bytes("x"), &Condition::Absent).await, Ok(Put::Refused));
        let read_first = read(objects, name).await;
        assert_eq!((read_first.bytes, read_first.version), (bytes("one"), first.clone()));
        let at_first = Condition::Version(first.clone());
        let second = done(objects.put(name, bytes("two"), &at_first).await);
        assert_ne!(first, second);
        assert_eq!(objects.put(name, bytes("x"), &at_first).await, Ok(Put::Refused));
        assert_eq!(read(objects, name).await.bytes, bytes("two"));
    }
    for name in &names {
        objects.delete(name).await.expect("deleted");
        assert!(objects.get(name).await.expect("an answer").is_none(), "{name:?}");
    }
}

/// Checks that of concurrent writers exactly one succeeds, for a new object and for an existing
/// one.
async fn assert_one_concurrent_writer_succeeds(objects: Remote) {
    let objects = Arc::new(objects);
    let mut condition = Condition::Absent;
    for round in 0..2 {
        let mut writers = JoinSet::new();
        for writer in 0..16 {
            let (objects, condition) = (Arc::clone(&objects), condition.clone());
            writers.spawn(async move {
                let text = format!("round {round}, writer {writer}");
                (writer, objects.put(&Name::Head, text.into(), &condition).await)
            });
        }
        let mut winners = Vec::new();
        for (writer, put) in writers.join_all().await {
            match put.expect("an answer") {
                Put::Done(version) => winners.push((writer, version)),
                Put::Refused => {}
            }
        }
        let [(winner, version)] = winners.try_into().expect("one winner");
        let object = read(&*objects, &Name::Head).await;
        assert_eq!(object.bytes, format!("round {round}, writer {winner}"));
        assert_eq!(object.version, version);
        condition = Condition::Version(version);
    }
}

#[tokio::test]
async fn conditions_hold_in_memory() {
    for service in ["s3", "gs", "az"] {
        assert_conditions_hold(&in_memory(service)).await;
        assert_one_concurrent_writer_succeeds(in_memory(service)).await;
        let objects = in_memory(service);
        probe(&objects).await.expect("sound");
        assert!(objects.is_known_to_be_sound());
    }
}

#[tokio::test]
async fn conditions_hold_by_generation_on_google_cloud_storage() {
    let address = gcs::serve("b").await;
    let environment = [("STORAGE_EMULATOR_HOST".to_owned(), address.to_string())];
    let environment = StoreEnvironment::of(environment);
    let connect = |text| Remote::connect(&url(text), &environment).expect("an environment");
    let objects = connect("gs://b/fleet/rooms state.json");
    assert_conditions_hold(&objects).await;
    probe(&objects).await.expect("sound");
    assert!(!objects.is_known_to_be_sound(), "a custom endpoint is probed");
    assert_eq!(objects.write_interval(), Duration::from_millis(1100));
    done(objects.put(&Name::State, bytes("x"), &Condition::Absent).await);
    let object = read(&objects, &Name::State).await;
    assert!(object.version.0.parse::<u64>().is_ok(), "{:?}", object.version);
    assert_eq!(object.age, Some(Duration::from_secs(90)));
    assert_one_concurrent_writer_succeeds(objects).await;

    let denied = connect("gs://other/k").get(&Name::Head).await.map(drop);
    let Err(RemoteError::Denied(why)) = denied else { panic!("{denied:?}") };
    assert!(why.contains("there is no bucket `other`"), "{why}");
}

async fn assert_serves(bucket: impl Fn(&str) -> Option<Bucket>) {
    let Some(bucket) = bucket("conditions") else { return };
    let objects = connected(&bucket, bucket.environment());
    assert_conditions_hold(&objects).await;
    probe(&objects).await.expect("sound");
    assert!(!objects.is_known_to_be_sound(), "a custom endpoint is probed");

    done(objects.put(&Name::State, vec![b'x'; 30 << 20].into(), &Condition::Absent).await);
    let large = read(&objects, &Name::State).await;
    assert_eq!(large.bytes, vec![b'x'; 30 << 20]);
    assert!(large.age.expect("Date and Last-Modified").as_secs() < 60, "{:?}", large.age);
    assert_one_concurrent_writer_succeeds(objects).await;
}

#[tokio::test]
async fn conditions_hold_on_s3() {
    assert_serves(servers::s3).await;
}

#[tokio::test]
async fn conditions_hold_on_azure() {
    assert_serves(servers::azure).await;
}

/// Creates a bucket in moto behind a proxy; `None` if moto is not installed.
fn proxied(name: &str) -> Option<(Remote, Proxy)> {
    let bucket = servers::s3(name)?;
    let proxy = Proxy::start(bucket.address);
    Some((connected(&bucket, bucket.environment_at(proxy.address)), proxy))
}

fn answer(status: &'static str, headers: &'static str, code: &str) -> Fault {
    let body = format!("<Error><Code>{code}</Code><Message>Words.</Message></Error>");
    Fault::Answer { status, headers, body }
}

fn once(proxy: &Proxy, fault: Fault) {
    let mut fault = Some(fault);
    proxy.plan(move |_| fault.take().unwrap_or(Fault::None));
}

#[tokio::test]
async fn the_outcome_of_a_write_with_a_lost_answer_is_unknown_until_read() {
    let Some((objects, proxy)) = proxied("lost-answer") else { return };
    let first = done(objects.put(&Name::Head, bytes("one"), &Condition::Absent).await);
    let condition = Condition::Version(first);
    once(&proxy, Fault::LoseAnswer);
    let lost = objects.put(&Name::Head, bytes("two"), &condition).await;
    let Err(RemoteError::Unavailable(why)) = lost else { panic!("{lost:?}") };
    assert!(why.starts_with(&format!("no answer from {}: ", proxy.address)), "{why}");
    let [_, write] = proxy.seen().try_into().expect("nothing is sent twice");
    assert_eq!((write.method.as_str(), write.before), ("PUT", 1));
    assert!(write.target.ends_with(".journal"), "{}", write.target);
    assert_eq!(read(&objects, &Name::Head).await.bytes, bytes("two"));
    assert_eq!(objects.put(&Name::Head, bytes("two"), &condition).await, Ok(Put::Refused));
}

#[tokio::test]
async fn a_late_write_is_refused_after_another_write() {
    let Some((objects, proxy)) = proxied("late") else { return };
    let first = done(objects.put(&Name::Head, bytes("one"), &Condition::Absent).await);
    let condition = Condition::Version(first);
    once(&proxy, Fault::Late);
    let late = objects.put(&Name::Head, bytes("late"), &condition).await;
    assert!(matches!(late, Err(RemoteError::Unavailable(_))), "{late:?}");
    assert_eq!(read(&objects, &Name::Head).await.bytes, bytes("one"));
    done(objects.put(&Name::Head, bytes("two"), &condition).await);
    assert_eq!(proxy.deliver(), 1);
    assert_eq!(read(&objects, &Name::Head).await.bytes, bytes("two"));
}

#[tokio::test]
async fn a_request_without_an_answer_times_out_after_ten_seconds() {
    let Some((objects, proxy)) = proxied("hang") else { return };
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    proxy.plan(move |_| {
        arrived.send(()).expect("a listener");
        Fault::Hang
    });
    let reading = tokio::spawn(async move { objects.get(&Name::Head).await });
    arrivals.recv().await.expect("a request");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10)).await;
    let why = format!("no answer from {} within 10 s", proxy.address);
    let answer = reading.await.expect("an end").map(drop);
    assert_eq!(answer, Err(RemoteError::Unavailable(why)));
}

#[tokio::test]
async fn a_closed_port_is_unreachable_unless_the_store_answered_before() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let environment = [
        ("AWS_ACCESS_KEY_ID".to_owned(), "A".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "S".to_owned()),
        ("AWS_ENDPOINT_URL".to_owned(), format!("http://{address}")),
    ];
    let environment = StoreEnvironment::of(environment);
    let nowhere = Remote::connect(&url("s3://b/k"), &environment).expect("an environment");
    let Err(RemoteError::Unreachable(why)) = nowhere.get(&Name::Head).await else {
        panic!("it answered")
    };
    assert!(why.starts_with(&format!("no connection to {address}: ")), "{why}");
    assert!(why.ends_with("; check the endpoint, and that this machine reaches it"), "{why}");
    nowhere.answered.store(true, std::sync::atomic::Ordering::Relaxed);
    let later = nowhere.get(&Name::Head).await;
    assert!(matches!(later, Err(RemoteError::Unavailable(_))), "{later:?}");
}

#[tokio::test]
async fn transient_errors_are_unavailable_and_permanent_ones_are_denied() {
    let Some((objects, proxy)) = proxied("answers") else { return };
    objects.get(&Name::Head).await.expect("an answer");
    let unavailable = [
        (Fault::Cut, "no answer from"),
        (Fault::slow_down(), "answered 503 SlowDown (Please reduce your request rate)"),
        (answer("500 Internal Server Error", "", "InternalError"), "answered 500 InternalError"),
        (answer("429 Too Many Requests", "", "x"), "answered 429"),
        (answer("400 Bad Request", "", "RequestTimeout"), "answered 400 RequestTimeout"),
        (answer("404 Not Found", "", "NoSuchPage"), "answered 404 NoSuchPage"),
        (answer("200 OK", "", "x"), "the answer of"),
    ];
    for (fault, part) in unavailable {
        for condition in [None, Some(Condition::Absent)] {
            once(&proxy, fault.clone());
            let answer = match &condition {
                None => objects.get(&Name::Head).await.map(drop),
                Some(condition) => objects.put(&Name::Head, bytes("x"), condition).await.map(drop),
            };
            let Err(RemoteError::Unavailable(why)) = answer else {
                panic!("{fault:?}: {answer:?}")
            };
            assert!(why.contains(part), "{why}");
        }
    }
    let region = "x-amz-bucket-region: eu-west-3\r\nx-amz-request-id: R1\r\n";
    let denied = [
        (answer("403 Forbidden", "", "InvalidAccessKeyId"), "check AWS_ACCESS_KEY_ID"),
        (answer("403 Forbidden", "", "AccessDenied"), "AccessDenied (Words): the identity needs"),
        (answer("403 Forbidden", "", "RequestTimeTooSkewed"), "the clock of this machine is wrong"),
        (answer("400 Bad Request", "", "ExpiredToken"), "the credentials expired"),
        (
            answer("301 Moved", region, "PermanentRedirect"),
            ", request R1: the bucket is in another region: set AWS_REGION=eu-west-3",
        ),
        (
            answer("400 Bad Request", "", "KMS.DisabledException"),
            "400 KMS.DisabledException (Words): check",
        ),
        (answer("501 Not Implemented", "", "NotImplemented"), "use another store"),
        (answer("404 Not Found", "", "NoSuchBucket"), "there is no bucket `answers`"),
    ];
    for (fault, part) in denied {
        once(&proxy, fault.clone());
        let answer = objects.put(&Name::Head, bytes("x"), &Condition::Absent).await;
        let Err(RemoteError::Denied(why)) = answer else { panic!("{fault:?}: {answer:?}") };
        assert!(why.contains(part), "{why}");
        assert!(!why.contains("Signature") && !why.contains("://"), "{why}");
    }
    let refused = [
        answer("409 Conflict", "", "ConditionalRequestConflict"),
        answer("412 Precondition Failed", "", "PreconditionFailed"),
        answer("404 Not Found", "", "NoSuchKey"),
    ];
    for fault in refused {
        once(&proxy, fault);
        let condition = Condition::Version(Version("\"1\"".to_owned()));
        let answer = objects.put(&Name::Head, bytes("x"), &condition).await;
        assert_eq!(answer, Ok(Put::Refused));
    }
}

#[tokio::test]
async fn an_unexpected_first_answer_is_a_configuration_error() {
    let faults = [
        ("no-page", answer("404 Not Found", "", "NoSuchPage"), "the bucket and the key"),
        ("no-version", answer("200 OK", "", "x"), "no version of the object: check the endpoint"),
    ];
    for (bucket, fault, part) in faults {
        let Some((objects, proxy)) = proxied(bucket) else { return };
        once(&proxy, fault);
        let answer = objects.get(&Name::Head).await.map(drop);
        let Err(RemoteError::Denied(why)) = answer else { panic!("{answer:?}") };
        assert!(why.ends_with(part), "{why}");
    }
}

#[tokio::test]
async fn age_and_soundness_come_from_the_headers_of_the_answer() {
    let Some((mut objects, proxy)) = proxied("age") else { return };
    let dated = "ETag: \"1\"\r\nServer: AmazonS3\r\nDate: Wed, 21 Oct 2015 07:30:00 GMT\r\n\
                 Last-Modified: Wed, 21 Oct 2015 07:28:30 GMT\r\n";
    let undated = "ETag: \"1\"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:30 GMT\r\n";
    let mut ages = Vec::new();
    for headers in [dated, undated] {
        once(&proxy, answer("200 OK", headers, "x"));
        ages.push(read(&objects, &Name::Head).await.age);
    }
    assert_eq!(ages, [Some(Duration::from_secs(90)), None]);
    for (endpoint, sound) in [(Endpoint::Custom, false), (Endpoint::Vendor, true)] {
        objects.endpoint = endpoint;
        once(&proxy, answer("200 OK", dated, "x"));
        read(&objects, &Name::Head).await;
        assert_eq!(objects.is_known_to_be_sound(), sound, "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_missing_bucket_and_wrong_credentials_are_reported_with_a_fix() {
    let denied = async |text: &str, environment: Vec<(String, String)>| {
        let objects = Remote::connect(&url(text), &StoreEnvironment::of(environment));
        match objects.expect("an environment").get(&Name::Head).await {
            Err(RemoteError::Denied(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    if let Some(bucket) = servers::s3("there") {
        let why = denied("s3://not-there/k", bucket.environment()).await;
        assert!(why.contains("there is no bucket `not-there`: create it"), "{why}");
    }
    if let Some(bucket) = servers::azure("there") {
        let why = denied("az://not-there/k", bucket.environment()).await;
        assert!(why.contains("there is no container `not-there`: create it"), "{why}");
        let mut environment = bucket.environment();
        let wrong = |(name, value): (String, String)| match name.as_str() {
            "AZURE_STORAGE_ACCOUNT_KEY" => (name, "d3Jvbmcga2V5".to_owned()),
            _ => (name, value),
        };
        environment = environment.into_iter().map(wrong).collect();
        let why = denied("az://there/k", environment).await;
        assert!(why.contains("check AZURE_STORAGE_ACCOUNT and its key"), "{why}");
        assert!(!why.contains("d3Jvbmcg"), "{why}");
    }
}

#[tokio::test]
async fn a_shared_access_signature_is_used_and_never_printed() {
    let Some(bucket) = servers::azure("sas") else { return };
    let proxy = Proxy::start(bucket.address);
    let mut environment = bucket.environment_at(proxy.address);
    environment.retain(|(name, _)| name != "AZURE_STORAGE_ACCOUNT_KEY");
    environment.push(("AZURE_STORAGE_SAS_TOKEN".to_owned(), servers::azure_sas()));
    let objects = connected(&bucket, environment);
    let first = done(objects.put(&Name::Head, bytes("one"), &Condition::Absent).await);
    done(objects.put(&Name::Head, bytes("two"), &Condition::Version(first)).await);
    assert_eq!(read(&objects, &Name::Head).await.bytes, bytes("two"));
    for fault in
        [Fault::Cut, Fault::slow_down(), answer("403 Forbidden", "", "AuthenticationFailed")]
    {
        once(&proxy, fault);
        let error = objects.get(&Name::Head).await.expect_err("an error").to_string();
        assert!(!error.contains("sig") && !error.contains("://"), "{error}");
    }
}

fn body(status: &'static str, body: &str) -> Fault {
    Fault::Answer { status, headers: "", body: body.to_owned() }
}

/// Temporary credentials that moto accepts, as a machine's metadata service returns them.
const ROLE: &str = r#"{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAEXAMPLE",
    "SecretAccessKey": "of-the-machine", "Token": "of-the-session",
    "Expiration": "2099-01-01T00:00:00Z"}"#;

/// The same, as the token service returns them for a token.
const ASSUMED: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>\
    <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>of-the-role\
    </SecretAccessKey><SessionToken>of-the-session</SessionToken><Expiration>\
    2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
    </AssumeRoleWithWebIdentityResponse>";

/// Connects to a bucket in moto without a key, with these variables instead.
fn without_keys(bucket: &Bucket, variables: &[(&str, String)]) -> Remote {
    let mut environment = bucket.environment();
    environment.retain(|(name, _)| name == "AWS_ENDPOINT_URL_S3");
    environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    connected(bucket, environment)
}

#[tokio::test]
async fn the_role_of_a_machine_is_used_and_a_missing_role_is_reported() {
    let Some(bucket) = servers::s3("role") else { return };
    let metadata = Proxy::start(bucket.address);
    let address = format!("http://{}", metadata.address);
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", address)];
    metadata.plan(|request| match request.target.as_str() {
        "/latest/api/token" => body("200 OK", "token"),
        "/latest/meta-data/iam/security-credentials/" => body("200 OK", "ci"),
        _ => body("200 OK", ROLE),
    });
    let objects = without_keys(&bucket, &variables);
    assert_conditions_hold(&objects).await;
    assert_eq!(metadata.seen().len(), 3, "the credentials are kept: {:?}", metadata.seen());

    metadata.plan(|_| body("404 Not Found", ""));
    let missing = without_keys(&bucket, &variables).get(&Name::Head).await.map(drop);
    let Err(RemoteError::Denied(why)) = missing else { panic!("{missing:?}") };
    assert!(why.starts_with(&format!("{} answered 404, so there", metadata.address)), "{why}");
    assert!(why.contains("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{why}");

    metadata.plan(|_| Fault::Cut);
    let missing = without_keys(&bucket, &variables).get(&Name::Head).await.map(drop);
    let Err(RemoteError::Denied(why)) = missing else { panic!("{missing:?}") };
    assert!(why.contains("so there are no credentials for the state; set"), "{why}");
}

#[tokio::test]
async fn the_token_of_a_workload_is_exchanged_for_credentials_of_a_role() {
    let Some(bucket) = servers::s3("workload") else { return };
    let sts = Proxy::start(bucket.address);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    #[expect(clippy::disallowed_methods, reason = "a test's own files need not survive a crash")]
    std::fs::write(&file, "kept-in-a-file").expect("written");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_string_lossy().into_owned()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/ci".to_owned()),
        ("AWS_ENDPOINT_URL_STS", format!("http://{}", sts.address)),
    ];
    sts.plan(|_| body("200 OK", ASSUMED));
    assert_conditions_hold(&without_keys(&bucket, &variables)).await;
    assert_eq!(sts.seen().len(), 1, "{:?}", sts.seen());

    let refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to \
                   perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>";
    sts.plan(|_| body("403 Forbidden", refusal));
    let denied = without_keys(&bucket, &variables).get(&Name::Head).await.map(drop);
    let Err(RemoteError::Denied(why)) = denied else { panic!("{denied:?}") };
    assert!(why.contains("403 AccessDenied (Not authorized to perform sts:Assume"), "{why}");
    assert!(!why.contains("kept-in-a-file") && !why.contains("://"), "{why}");
}
