//! States in object stores: in memory, and on real servers.

use std::pin::Pin;

use roomctl::model::StateLocation;
use roomctl::state::{self, MemoryBucket, Store, StoreEnvironment};

use super::{Subject, check_every_rule, end_lease};
use crate::support::servers::{self, Bucket};

/// A state in a bucket in memory.
pub(super) struct BucketSubject(MemoryBucket);

/// A bucket on a server, with a separate state for each rule.
pub(super) struct ServerBucket(Bucket);

/// A state in a bucket on a server.
pub(super) struct ServerState {
    location: StateLocation,
    environment: StoreEnvironment,
}

impl BucketSubject {
    pub(super) fn new() -> Self {
        Self(MemoryBucket::default())
    }
}

impl ServerBucket {
    /// Returns the state for the test of a rule.
    pub(super) fn state(&self, rule: &str) -> ServerState {
        let location = format!("{}/fleet/{rule}.json?lease=15s", self.0.url);
        let environment = StoreEnvironment::of(self.0.environment());
        ServerState { location: location.parse().expect("a URL"), environment }
    }
}

impl Subject for BucketSubject {
    fn store(&self) -> Box<dyn Store> {
        let location = "gs://bucket/fleet/rooms.json?lease=15s".parse();
        let Ok(StateLocation::Object(url)) = location else { panic!("the URL of an object") };
        state::open_in_memory(&url, &self.0).expect("a key")
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(end_lease(self))
    }
}

impl Subject for ServerState {
    fn store(&self) -> Box<dyn Store> {
        state::open(&self.location, &self.environment).expect("a server")
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(end_lease(self))
    }
}

#[tokio::test]
async fn s3_and_azure_pass_every_rule() {
    let on_s3 = async {
        if let Some(bucket) = servers::s3("conformance") {
            let on_server = ServerBucket(bucket);
            check_every_rule(|rule| on_server.state(rule)).await;
        }
    };
    let on_azure = async {
        if let Some(bucket) = servers::azure("conformance") {
            let on_server = ServerBucket(bucket);
            check_every_rule(|rule| on_server.state(rule)).await;
        }
    };
    tokio::join!(on_s3, on_azure);
}
