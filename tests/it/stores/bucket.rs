//! States in object stores: in memory, and on real servers.

use std::pin::Pin;

use roomctl::model::StateLocation;
use roomctl::state::{self, MemoryBucket, Store, StoreEnvironment};

use super::{Subject, end_lease, every_rule};
use crate::support::servers::{self, Bucket};

/// A state in a bucket in memory.
pub(super) struct InBucket(MemoryBucket);

/// A bucket on a server, which holds a state for each rule.
pub(super) struct OnServer(Bucket);

/// A state in a bucket on a server.
pub(super) struct State {
    location: StateLocation,
    environment: StoreEnvironment,
}

impl InBucket {
    pub(super) fn new() -> Self {
        Self(MemoryBucket::default())
    }
}

impl OnServer {
    /// Returns the state that a rule is tried on.
    pub(super) fn state(&self, rule: &str) -> State {
        let location = format!("{}/fleet/{rule}.json?lease=15s", self.0.url);
        let environment = StoreEnvironment::of(self.0.environment());
        State { location: location.parse().expect("a URL"), environment }
    }
}

impl Subject for InBucket {
    fn store(&self) -> Box<dyn Store> {
        let location = "gs://bucket/fleet/rooms.json?lease=15s".parse();
        let Ok(StateLocation::Object(url)) = location else { panic!("the URL of an object") };
        state::open_in_memory(&url, &self.0).expect("a key")
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(end_lease(self))
    }
}

impl Subject for State {
    fn store(&self) -> Box<dyn Store> {
        state::open(&self.location, &self.environment).expect("a server")
    }

    fn lose_lock(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(end_lease(self))
    }
}

#[tokio::test]
async fn s3_and_azure_keep_every_rule() {
    let on_s3 = async {
        if let Some(bucket) = servers::s3("conformance") {
            let on_server = OnServer(bucket);
            every_rule(|rule| on_server.state(rule)).await;
        }
    };
    let on_azure = async {
        if let Some(bucket) = servers::azure("conformance") {
            let on_server = OnServer(bucket);
            every_rule(|rule| on_server.state(rule)).await;
        }
    };
    tokio::join!(on_s3, on_azure);
}
