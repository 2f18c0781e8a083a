//! The objects of a state in memory, on real servers, and behind a proxy that lets requests fail.

#[path = "../../../../tests/it/support/proxy.rs"]
mod proxy;
#[path = "../../../../tests/it/support/servers.rs"]
mod servers;

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::super::objects::{Condition, Name, Object, ObjectError, Objects, Put, Version};
use super::super::probe::probe;
use super::{MemoryBucket, Remote};
use crate::model::{ObjectUrl, StateLocation};
use crate::state::StoreEnvironment;
use proxy::{Fault, Proxy};
use servers::Bucket;

fn url(text: &str) -> ObjectUrl {
    match text.parse() {
        Ok(StateLocation::Object(url)) => url,
        other => panic!("no URL of an object: {other:?}"),
    }
}

fn connected(bucket: &Bucket, environment: Vec<(String, String)>) -> Remote {
    let url = url(&format!("{}/fleet/rooms state.json", bucket.url));
    Remote::connect(&url, &StoreEnvironment::of(environment)).expect("an environment")
}

fn in_memory(service: &str) -> Remote {
    Remote::in_memory(&url(&format!("{service}://b/k")), &MemoryBucket::default()).expect("a key")
}

fn done(put: Result<Put, ObjectError>) -> Version {
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

/// Each name is an object of its own, and each write depends on its condition.
async fn conditions_hold(objects: &dyn Objects) {
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

/// Of writers at once one wins, for a new object and for an overwritten one.
async fn one_of_sixteen_wins(objects: Remote) {
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
async fn in_memory_conditions_hold() {
    for service in ["s3", "gs", "az"] {
        conditions_hold(&in_memory(service)).await;
        one_of_sixteen_wins(in_memory(service)).await;
        let objects = in_memory(service);
        probe(&objects).await.expect("sound");
        assert!(objects.is_known_to_be_sound());
    }
}

async fn serves(bucket: impl Fn(&str) -> Option<Bucket>) {
    let Some(bucket) = bucket("conditions") else { return };
    let objects = connected(&bucket, bucket.environment());
    conditions_hold(&objects).await;
    probe(&objects).await.expect("sound");
    assert!(!objects.is_known_to_be_sound(), "an endpoint of one's own is probed");

    done(objects.put(&Name::State, vec![b'x'; 30 << 20].into(), &Condition::Absent).await);
    let large = read(&objects, &Name::State).await;
    assert_eq!(large.bytes, vec![b'x'; 30 << 20]);
    assert!(large.age.expect("Date and Last-Modified").as_secs() < 60, "{:?}", large.age);
    one_of_sixteen_wins(objects).await;
}

#[tokio::test]
async fn on_s3_conditions_hold() {
    serves(servers::s3).await;
}

#[tokio::test]
async fn on_azure_conditions_hold() {
    serves(servers::azure).await;
}
